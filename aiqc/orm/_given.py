"""What a user gives to `Predictor.infer`, read into values that can be checked and registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import DatasetType
from aiqc.core.errors import Incompatible, InvalidInput
from aiqc.data.dtypes import dtype_names
from aiqc.orm.dataset import Dataset
from aiqc.orm.trained import named_dtypes
from aiqc.pipeline.schema_check import kind_family

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aiqc.core.types import Array, Shape
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label

#: axes of each type of data
_AXES = {
    DatasetType.TABULAR: ("samples", "columns"),
    DatasetType.SEQUENCE: ("samples", "rows", "columns"),
    DatasetType.IMAGE: ("samples", "channels", "rows", "columns"),
}


@dataclass(frozen=True, slots=True)
class Given:
    """One input: a Dataset, or values that become one."""

    #: as the user gave it
    source: Any
    #: a Dataset, a frame with text as names, or an array of more than two axes
    values: Dataset | pd.DataFrame | Array
    typ: DatasetType
    columns: list[str]
    dtypes: dict[str, str]
    #: samples first
    shape: Shape

    @property
    def is_frame(self) -> bool:
        """Whether the values are a table that is not registered yet."""
        return self.typ == DatasetType.TABULAR and not isinstance(self.values, Dataset)


def pair_inputs(inputs: Any, features: Sequence[Feature]) -> list[tuple[Any, Feature]]:
    """Return an input for each Feature: the one given, or one each.

    Raises
    ------
    Incompatible
        If a list has another length.
    """
    if not isinstance(inputs, list | tuple):
        return [(inputs, feature) for feature in features]
    if len(inputs) != len(features):
        names = [feature.columns[:3] for feature in features]
        msg = f"inputs has {len(inputs)} entries, and {len(features)} Features were trained on."
        hint = f"Give one each, in this order (first columns): {names}."
        raise Incompatible(msg, hint=hint, count=len(inputs))
    return list(zip(inputs, features, strict=True))


def read_input(value: Any, trained: Feature, place: str) -> Given:
    """Return one input of a Predictor.

    Parameters
    ----------
    value
        A Dataset, its id, a frame or an array.
    trained
        The Feature that it stands for.
    place
        How messages call it.

    Raises
    ------
    InvalidInput
        If it is something else.
    Incompatible
        If it is an array without the axes of the Feature; one difference of perhaps several.
    """
    dataset = _as_dataset(value)
    if dataset is not None:
        return _of_dataset(value, dataset)
    if _is_frame(value):
        return _of_frame(value, value, named_dtypes(trained.get_dtypes(), trained.columns))
    if not isinstance(value, np.ndarray):
        msg = f"{place} is of type {type(value).__name__}: {value!r:.60}."
        raise InvalidInput(msg, hint="Pass a Dataset, a DataFrame or an array.", value=value)
    typ = trained.dataset.typ
    axes = _AXES[typ]
    if value.ndim != len(axes):
        msg = f"{place} has shape {value.shape}; the Feature is {typ} {axes}."
        raise Incompatible(msg, hint=f"Pass an array of {len(axes)} axes.", value=value.shape)
    names = _array_names(value, trained)
    if typ == DatasetType.TABULAR:
        return _of_frame(
            value, _framed(value, names), named_dtypes(trained.get_dtypes(), trained.columns)
        )
    dtypes = dict.fromkeys(names, str(value.dtype))
    return Given(value, value, typ, names, dtypes, value.shape)


def read_target(value: Any, label: Label | None) -> Given:
    """Return the true labels; `label` is the trained one, None of an unsupervised model.

    Raises
    ------
    InvalidInput
        If they are neither a Dataset, a frame, a Series nor an array of one or two axes.
    """
    dataset = _as_dataset(value)
    if dataset is not None:
        return _of_dataset(value, dataset)
    dtypes = {} if label is None else label.get_dtypes()
    if _is_frame(value):
        return _of_frame(value, value, dtypes)
    array = np.asarray(value)
    if array.ndim not in {1, 2} or isinstance(value, str | dict):
        msg = f"target is of type {type(value).__name__} and shape {array.shape}."
        hint = "Pass a Dataset, a DataFrame, a Series or an array (samples,)."
        raise InvalidInput(msg, hint=hint, value=value)
    table = array.reshape(len(array), -1)
    names = [str(place) for place in range(table.shape[1])]
    if label is not None and len(label.columns) == len(names):
        names = list(label.columns)
    return _of_frame(value, _framed(table, names), dtypes)


def _as_dataset(value: Any) -> Dataset | None:
    is_id = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return Dataset.of(value) if is_id or isinstance(value, Dataset) else None


def _is_frame(value: Any) -> bool:
    import pandas as pd

    return isinstance(value, pd.DataFrame)


def _of_dataset(source: Any, dataset: Dataset) -> Given:
    named = named_dtypes(dataset.dtypes, dataset.columns)
    shape = tuple(dataset.shape.values())
    return Given(source, dataset, dataset.typ, list(dataset.columns), named, shape)


def _of_frame(source: Any, frame: pd.DataFrame, trained_dtypes: dict[str, str]) -> Given:
    names = [str(name) for name in frame.columns]
    # a row that was cut out of a frame holds objects, whatever they are
    named = frame.set_axis(names, axis=1).infer_objects()
    if len(named):
        is_empty = named.isna().to_numpy().all(axis=0)
        for place in np.flatnonzero(is_empty).tolist():
            if names.count(names[place]) == 1 and names[place] in trained_dtypes:
                named = _with_missing_as(named, names[place], trained_dtypes[names[place]])
    dtypes = dtype_names(named)
    return Given(source, named, DatasetType.TABULAR, list(named.columns), dtypes, named.shape)


def _with_missing_as(frame: pd.DataFrame, column: str, dtype: str) -> pd.DataFrame:
    """Give a column without any value the trained dtype: one row of None says nothing."""
    values = frame[column]
    family = kind_family(dtype)
    if family == kind_family(values.dtype):
        return frame
    if family == "numbers":
        return frame.assign(**{column: values.astype("float64")})
    return frame.assign(**{column: values.astype(object).where(values.notna(), None)})


def _framed(array: Array, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(array, columns=names).infer_objects()


def _array_names(array: Array, trained: Feature) -> list[str]:
    """Return the names of an array's last axis: those of the Feature, or of its whole data."""
    width = array.shape[-1]
    for names in (trained.columns, trained.dataset.columns):
        if len(names) == width:
            return list(names)
    return [str(place) for place in range(width)]
