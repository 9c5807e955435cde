"""What a split is planned from: the samples of Features and Label, their strata, their order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidColumns, InvalidData, InvalidSplit
from aiqc.orm._lists import check_known
from aiqc.orm.label_interpolater import label_interpolate_steps
from aiqc.orm.window import windows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from aiqc.core.types import Array
    from aiqc.orm.dataset import Dataset
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label
    from aiqc.pipeline.bins import StrataKind
    from aiqc.pipeline.window import Windows

#: bytes of an array that are read at once for its strata
STEP_BYTES = 16_000_000
#: rows that a message names
_SHOWN = 5


def sample_count(features: Sequence[Feature], label: Label | None) -> int:
    """Return the number of samples: of rows, or of windows.

    Raises
    ------
    InvalidSplit
        If there is no Feature, the parts differ in length, only some Features have a Window, or
        a Label was given with a windowed Feature.
    """
    if not features:
        msg = "feature_ids is empty."
        raise InvalidSplit(msg, hint="Give at least one Feature.", value=[])
    windowed = [windows_of(feature) for feature in features]
    _check_windows(features, windowed, label)
    counts = {
        repr(feature): feature.dataset.shape["samples"] if windows is None else windows.count
        for feature, windows in zip(features, windowed, strict=True)
    }
    if label is not None:
        counts[repr(label)] = label.dataset.shape["samples"]
    if len(set(counts.values())) > 1:
        kind = "samples" if windowed[0] is None else "windows"
        msg = f"The parts of the Splitset differ in their number of {kind}: {counts}."
        hint = "Use data sets with the same rows" + (
            ", and equal windows." if windowed[0] else "."
        )
        raise InvalidSplit(msg, hint=hint, counts=counts)
    return int(next(iter(counts.values())))


def check_complete(label: Label) -> None:
    """Refuse a Label with missing values that nothing fills.

    Raises
    ------
    InvalidData
        Names the first rows and the ways out.
    """
    if label.column_count > 1 or not label.dataset.contains_nan or label_interpolate_steps(label):
        return
    frame = label.to_df()
    rows = np.flatnonzero(frame.isna().to_numpy().any(axis=1))
    if rows.size:
        shown = rows[:_SHOWN].tolist()
        more = f" and {rows.size - _SHOWN} more rows" if rows.size > _SHOWN else ""
        msg = f"The Label column {label.columns[0]!r} is missing in the rows {shown}{more}."
        hint = "Attach a LabelInterpolater, or drop these rows before registering the data."
        raise InvalidData(msg, hint=hint, column=label.columns[0], rows=rows.tolist())


def stratified(
    features: Sequence[Feature], label: Label | None, column: str | None
) -> tuple[pd.DataFrame | pd.Series | None, StrataKind]:
    """Return what samples are stratified by, one value each, and what it is; None: by nothing.

    Missing values of a Label are filled for this purpose only, linearly in the order of rows.

    Parameters
    ----------
    features
        An unsupervised split is stratified by a column of the first.
    label
        The target.
    column
        The `unsupervised_stratify_col`. Where a sample holds several of its values, the median
        of numbers and dates stands for them, or the most frequent of anything else.
    """
    if label is not None:
        if label.column_count > 1:
            return label.to_df(), "onehot"
        return _without_gaps(label), "continuous" if label.unique_classes is None else "class"
    if column is None:
        return None, "class"
    check_known([column], features[0].columns, repr(features[0]))
    values = _one_each(features[0], column)
    return values, "continuous" if values.dtype.kind == "f" else "class"


def column_for(
    features: Sequence[Feature], label: Label | None, name: str | None, argument: str
) -> Array | None:
    """Return the column of the data that `groups` or `time` names, one value a sample.

    Of a window, the time is that of its last row.

    Raises
    ------
    InvalidColumns
        If no table has the column.
    InvalidSplit
        If groups are asked for with windows, which may hold rows of several groups.
    """
    if name is None:
        return None
    parts: list[Feature | Label] = [*features] if label is None else [*features, label]
    tables = [part for part in parts if part.dataset.typ == DatasetType.TABULAR]
    owner = next((part for part in tables if name in part.dataset.columns), None)
    if owner is None:
        datasets: list[Dataset] = [part.dataset for part in parts]
        msg = f"{argument}={name!r} is a column of none of the tables among {datasets!r}."
        known = tables[0].dataset.columns if tables else []
        raise InvalidColumns(msg, hint=f"Use one of {known!r}.", column=name)
    values: Array = owner.dataset.to_df(columns=[name])[name].to_numpy()
    windows = None if owner is label else windows_of(owner)  # type: ignore[arg-type]
    if windows is None:
        return values
    if argument == "groups":
        msg = f"groups={name!r} was given with windows: a window may hold rows of several groups."
        hint = "Leave out groups; give the splits as samples={'train': [...], ...} instead."
        raise InvalidSplit(msg, hint=hint, column=name)
    return np.asarray(values[windows.unshifted()[:, -1]])


def _check_windows(
    features: Sequence[Feature], windowed: list[Windows | None], label: Label | None
) -> None:
    with_window = [one for one, windows in zip(features, windowed, strict=True) if windows]
    if not with_window:
        return
    if label is not None:
        msg = f"{label!r} was given with {with_window[0]!r}, which has a Window."
        hint = "Leave out label_id: a windowed Feature is its own target, shifted."
        raise InvalidSplit(msg, hint=hint, label_id=label.id)
    without = [one for one, windows in zip(features, windowed, strict=True) if not windows]
    if without:
        msg = f"{with_window[0]!r} has a Window and {without[0]!r} has none."
        hint = "Give every Feature of a Splitset a Window, or none."
        raise InvalidSplit(msg, hint=hint, feature_id=without[0].id)


def _without_gaps(label: Label) -> pd.DataFrame:
    frame: pd.DataFrame = label.to_df()
    if not frame.isna().to_numpy().any():
        return frame
    filled: pd.DataFrame = frame.interpolate(method="linear", limit_direction="both")
    return filled


def _one_each(feature: Feature, column: str) -> pd.Series:
    """Return one value of a column for each sample of a Feature."""
    import pandas as pd

    from aiqc.pipeline.one_value import median_of_each, most_frequent_of_each

    windows = windows_of(feature)
    if feature.dataset.typ != DatasetType.TABULAR:
        parts = [median_of_each(part) for part in _arrays(feature, column, windows)]
        return pd.Series(np.concatenate(parts))
    series: pd.Series = feature.to_df(columns=[column])[column]
    if windows is None:
        return series
    kinds = pd.api.types
    if kinds.is_numeric_dtype(series) and not kinds.is_bool_dtype(series):
        missing = bool(series.isna().any())
        values = series.to_numpy(dtype=np.float64, na_value=np.nan) if missing else series
        return pd.Series(median_of_each(np.asarray(values)[windows.unshifted()]))
    if kinds.is_datetime64_dtype(series):
        moments = series.astype("datetime64[us]").astype("int64").where(series.notna())
        medians = median_of_each(moments.to_numpy(dtype=np.float64)[windows.unshifted()])
        return pd.to_datetime(pd.Series(medians), unit="us")
    return most_frequent_of_each(series.to_numpy(dtype=object)[windows.unshifted()])


def _arrays(feature: Feature, column: str, windows: Windows | None) -> Iterator[Array]:
    """Yield the values of a column, `(samples, ...)`, some samples at a time."""
    place = [feature.columns.index(column)]
    size = 1 if windows is None else windows.size
    with feature.open_array() as source:
        count = source.shape[0] if windows is None else windows.count
        row_bytes = source.dtype.itemsize * math.prod(source.shape[1:])
        step = max(1, STEP_BYTES // max(row_bytes * size, 1))
        for start in range(0, count, step):
            samples = np.arange(start, min(start + step, count))
            rows = samples if windows is None else windows.unshifted(samples).reshape(-1)
            yield source.read(rows, place).reshape(len(samples), -1)
