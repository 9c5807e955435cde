"""New data as a trained model takes them, and the rows that splits share through windows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiqc.core.enums import DatasetType
from aiqc.core.errors import Incompatible
from aiqc.orm.feature_interpolater import interpolate_steps
from aiqc.orm.feature_shaper import shaper_of
from aiqc.orm.fit import fit_of_feature, fit_of_label, fold_rows
from aiqc.orm.fold import Fold
from aiqc.orm.label_interpolater import label_interpolate_steps
from aiqc.orm.window import windows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label
    from aiqc.orm.splitset import Splitset
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.feature_rules import FeatureRules, FoldRows
    from aiqc.pipeline.interpolate import InterpolateStep
    from aiqc.pipeline.label_fit import LabelFit


@dataclass
class Prepared:
    """New samples of one Feature, encoded, windowed and shaped, in memory."""

    features: Array
    #: what an unsupervised model should return for them: the shifted windows, or without a
    #: Window the features themselves; None where there is no such thing
    target: Array | None


def prepare_inference(
    trained: Splitset,
    fold: Fold | None,
    idx: int,
    new_feature: Feature,
    fit: FeatureFit | None = None,
    frame: pd.DataFrame | None = None,
) -> Prepared:
    """Return new data as the model of a fold takes them.

    They pass through the interpolaters, fits and shape of the trained Feature, and through the
    new Feature's own Window. Columns are chosen by name; others are left aside.

    Parameters
    ----------
    trained
        The Splitset that the model was trained on.
    fold
        The fold that it was trained on; None without folds.
    idx
        Position of the Feature in the Splitset.
    new_feature
        The new data.
    fit
        The trained Feature's fit, if it is at hand.
    frame
        The trained columns of a new table, if they were read.

    Raises
    ------
    Incompatible
        If a column is missing.
    InvalidData
        If a value cannot be encoded, or stays missing.
    """
    from aiqc.pipeline.feature_rules import FeatureRules
    from aiqc.pipeline.prepared_blocks import prepared_blocks
    from aiqc.pipeline.raw_feature import EncodedTable

    feature = trained.features[idx]
    # the coders are in the fit
    rules = FeatureRules(
        columns=list(feature.columns),
        interpolaters=interpolate_steps(feature),
        coders=[],
        windows=windows_of(new_feature),
        shaper=shaper_of(feature),
    )
    fit = fit or fit_of_feature(trained, fold, feature)
    _check_columns(rules.columns, new_feature)
    if new_feature.dataset.typ == DatasetType.TABULAR:
        table = new_feature.to_df(columns=rules.columns) if frame is None else frame
        if rules.interpolaters:
            rows = replace(fold_rows(trained, fold), windows=windows_of(feature))
            table = _interpolated(feature, rules.interpolaters, rows, table)
        values, row_count = fit.transform(table), len(table)
    else:
        values, row_count = _encoded_array(rules, fit, new_feature)
    encoded = EncodedTable(values, np.arange(row_count))
    count = row_count if rules.windows is None else rules.windows.count
    sample_bytes = 8 * math.prod(rules.encoded_shape(feature.sample_shape, fit_width(fit)))
    blocks = list(prepared_blocks(encoded, rules, np.arange(count), sample_bytes))
    is_unsupervised = trained.label is None and idx == 0
    targets = [block.target for block in blocks if block.target is not None]
    return Prepared(
        _joined([block.features for block in blocks]),
        _joined(targets) if targets and is_unsupervised else None,
    )


def prepare_label(
    trained: Splitset, fold: Fold | None, new_label: Label, fit: LabelFit | None = None
) -> Array:
    """Return the label of new data, encoded by the fit of a fold, `(samples, label columns)`.

    Parameters
    ----------
    trained, fold
        What the model was trained on.
    new_label
        The new data's label; columns are chosen by name.
    fit
        The trained Label's fit, if it is at hand.

    Raises
    ------
    Incompatible
        If a column is missing.
    InvalidData
        If a class was not seen in training, or a value stays missing.
    """
    label = trained.supervising_label()
    _check_columns(label.columns, new_label)
    frame = new_label.to_df(columns=label.columns)
    frame = _interpolated(label, label_interpolate_steps(label), fold_rows(trained, fold), frame)
    return (fit or fit_of_label(trained, fold)).encode(frame)


def fit_width(fit: FeatureFit) -> int:
    """Return the number of encoded columns of a Feature."""
    return len(fit.encoded_columns)


def shared_rows(splitset: Splitset) -> pd.DataFrame:
    """Count the rows that two splits share through windows; see `Splitset.shared_rows`."""
    windowed = [windows for windows in map(windows_of, splitset.features) if windows is not None]
    folds = list(splitset.folds.order_by(Fold.idx)) if windowed else []
    places: list[tuple[str, Fold | None]] = [(f"{fold.idx}/", fold) for fold in folds]
    most: dict[tuple[str, str], int] = {}
    for prefix, fold in (places or [("", None)]) if windowed else []:
        rows = _any_rows(splitset, fold)
        for windows in windowed:
            for one, other, count in _shared(prefix, replace(rows, windows=windows)):
                most[one, other] = max(most.get((one, other), 0), count)
    found = [(one, other, count) for (one, other), count in most.items()]
    frame = pd.DataFrame(found, columns=["split_a", "split_b", "rows"])
    return frame.astype({"rows": "int64"})


def _shared(prefix: str, rows: FoldRows) -> list[tuple[str, str, int]]:
    from aiqc.pipeline.feature_rules import shared_counts

    return shared_counts({prefix: rows})


def _any_rows(splitset: Splitset, fold: Fold | None) -> FoldRows:
    """Return the samples of each split; a Splitset for inference trains nothing."""
    from aiqc.pipeline.feature_rules import FoldRows

    splits = splitset.samples if fold is None else fold.samples
    arrays = {name: np.asarray(rows, dtype=np.int64) for name, rows in splits.items()}
    return FoldRows(arrays, splitset.key_train or next(iter(arrays)))


def _encoded_array(
    rules: FeatureRules, fit: FeatureFit, new_feature: Feature
) -> tuple[Array, int]:
    """Return the encoded samples of a sequence or image, and how many there are."""
    from aiqc.pipeline.raw_feature import array_table

    places = [new_feature.columns.index(name) for name in rules.columns]
    with new_feature.open_array() as source:
        array = source.read(None, places)
    table = array_table(array, rules.columns, rules.interpolaters)
    return fit.transform(table).reshape(*array.shape[:-1], fit_width(fit)), len(array)


def _interpolated(
    part: Feature | Label, steps: Sequence[InterpolateStep], rows: FoldRows, new: pd.DataFrame
) -> pd.DataFrame:
    """Return new rows without missing values; they follow the data that were trained on."""
    from aiqc.pipeline.interpolate import interpolate_new

    columns = [name for step in steps for name in step.columns]
    if not columns or not new[columns].isna().to_numpy().any():
        return new
    train_rows = rows.train_rows()
    train = part.to_df(columns=columns, samples=train_rows.tolist())
    count = int(part.dataset.shape["samples"])
    return interpolate_new(train.set_axis(train_rows, axis=0), new, steps, first_position=count)


def _check_columns(columns: Sequence[str], new: Feature | Label) -> None:
    missing = [name for name in columns if name not in new.columns]
    if missing:
        msg = f"{new!r} lacks the columns {missing} that the model was trained on."
        hint = f"Provide all of {list(columns)}."
        raise Incompatible(msg, hint=hint, columns=missing)


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
