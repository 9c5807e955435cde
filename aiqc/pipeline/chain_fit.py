"""Fitting the coder chain of a Feature, in memory or in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidCoder, InvalidData
from aiqc.pipeline.coder import (
    FittedCoder,
    cannot_learn,
    describe_coder,
    fit_coder,
    inputs_of,
    unfitted,
    widened,
)
from aiqc.pipeline.feature_fit import FeatureFit
from aiqc.pipeline.feature_rules import FoldRows
from aiqc.pipeline.raw_feature import FrameFeature
from aiqc.pipeline.saw import Saw

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from aiqc.core.enums import EncodingDimension
    from aiqc.core.types import Array
    from aiqc.pipeline.coder_rules import PreparedCoder
    from aiqc.pipeline.feature_fit import CoderStep
    from aiqc.pipeline.raw_feature import RawFeature
    from aiqc.pipeline.table import Table

#: training data of an array that take more bytes as float64 are learned from in steps
STEPWISE_BYTES = 256_000_000
#: what a coder that must see its training data at once may take
MAX_FIT_BYTES = 2_000_000_000
#: coders whose fit in steps is their fit at once
INCREMENTAL = frozenset({"StandardScaler", "MinMaxScaler", "MaxAbsScaler"})
#: coders that learn nothing from values
STATELESS = frozenset({"FunctionTransformer", "Normalizer", "Binarizer"})


def fit_feature(
    coders: Sequence[CoderStep],
    columns: list[str],
    frame_all: pd.DataFrame,
    train_samples: Array,
    label_train: Array | None = None,
) -> FeatureFit:
    """Fit every coder of a tabular Feature that has no missing values to fill.

    Parameters
    ----------
    coders
        In order; each takes its own columns.
    columns
        The Feature's columns, in data-set order.
    frame_all
        These columns of all samples.
    train_samples
        Positions of the training rows.
    label_train
        `(training rows,)` of the target, for coders that learn from it.

    Raises
    ------
    InvalidData
        If there is no training row, or a training row does not exist.
    """
    fold = FoldRows({"train": train_samples}, "train")
    return fit_chain(coders, columns, FrameFeature(frame_all), fold, label_train)


def fit_chain(
    coders: Sequence[CoderStep],
    columns: list[str],
    raw: RawFeature,
    fold: FoldRows,
    label_train: Array | None = None,
) -> FeatureFit:
    """Fit every coder of a Feature: categorical ones to all rows, all else to training rows.

    Of windows, the training rows are the distinct rows of the unshifted training windows. Of a
    sequence or an image, every row of a sample is one that coders see.

    Parameters
    ----------
    coders
        In order; each takes its own columns.
    columns
        The Feature's columns, in data-set order.
    raw
        The Feature's data.
    fold
        Which rows train.
    label_train
        `(training samples,)` of the target, for coders that learn from it.

    Raises
    ------
    InvalidData
        If there is no training row, or a training row does not exist.
    InvalidCoder
        If a coder cannot learn from the training rows, or must see at once what is too large
        for memory.
    """
    train = check_samples(fold.fit_rows(), raw.row_count)
    places = int(np.prod(raw.sample_shape[:-1], dtype=np.int64))
    target = label_train if label_train is None or places == 1 else np.repeat(label_train, places)
    fitted, saw = [], []
    for prepared, dimension, names in coders:
        fitted.append(_fit_one((prepared, dimension, names), raw, fold, len(train), target))
        saw.append(Saw.of(train if prepared.only_fit_train else None, raw.row_count))
    used = {name for coder in fitted for name in coder.columns}
    leftover = [column for column in columns if column not in used]
    return FeatureFit(list(columns), fitted, saw, leftover)


def check_samples(samples: Array, count: int) -> Array:
    """Return training rows as int64 positions; refuse none, and rows that do not exist."""
    rows = np.asarray(samples, dtype=np.int64)
    if rows.size == 0:
        msg = "There is no training row to fit a coder to."
        raise InvalidData(msg, hint="Make the training split larger.", samples=0)
    outside = rows[(rows < 0) | (rows >= count)]
    if outside.size:
        msg = f"The training row {int(outside[0])} does not exist: there are {count} rows."
        raise InvalidData(msg, hint=f"Rows are 0 to {count - 1}.", value=int(outside[0]))
    return rows


def _fit_one(
    coder: CoderStep, raw: RawFeature, fold: FoldRows, train_count: int, target: Array | None
) -> FittedCoder:
    prepared, dimension, names = coder
    only_train = prepared.only_fit_train
    tables = raw.learned(names, fold) if only_train else raw.everything(names, fold)
    size = raw.float_bytes(names, train_count if only_train else raw.row_count)
    if prepared.name in STATELESS and size:
        return _fit_stepwise(prepared, dimension, _first_row(tables))
    if prepared.name in INCREMENTAL and size > STEPWISE_BYTES:
        return _fit_stepwise(prepared, dimension, tables)
    if size > MAX_FIT_BYTES:
        raise _too_large(prepared.name, size)
    return fit_coder(prepared, dimension, _at_once(list(tables)), target)


def _fit_stepwise(
    prepared: PreparedCoder, dimension: EncodingDimension, tables: Iterator[Table]
) -> FittedCoder:
    """Fit a coder to one table after another, in ascending order of rows."""
    estimators: list[Any] = []
    probe: Table | None = None
    for table in tables:
        inputs = inputs_of(table, table.names, dimension)
        probe = probe or table.at(slice(0, 1))
        estimators = estimators or [unfitted(prepared) for _ in inputs]
        for estimator, (values, _) in zip(estimators, inputs, strict=True):
            learn = estimator.partial_fit if prepared.name in INCREMENTAL else estimator.fit
            try:
                learn(widened(estimator, values))
            except (ValueError, TypeError) as error:
                raise cannot_learn(prepared, table, error) from error
    assert probe is not None
    return describe_coder(estimators, dimension, probe)


def _first_row(tables: Iterator[Table]) -> Iterator[Table]:
    yield next(tables).at(slice(0, 1))


def _at_once(tables: list[Table]) -> Table:
    if len(tables) == 1:
        return tables[0]
    from aiqc.pipeline.table import ArrayTable

    names = tables[0].names
    return ArrayTable(np.concatenate([table.raw(names) for table in tables]), names)


def _too_large(name: str, size: int) -> InvalidCoder:
    msg = f"{name} has to see its training data at once: {size / 1e6:,.0f} MB as float64, more "
    msg += f"than the {MAX_FIT_BYTES / 1e6:,.0f} MB that a fit may take."
    hint = f"Use one of {sorted(INCREMENTAL | STATELESS)}, which learn in steps; filter fewer "
    hint += "columns; or train on fewer samples."
    return InvalidCoder(msg, hint=hint, value=name, bytes=size)
