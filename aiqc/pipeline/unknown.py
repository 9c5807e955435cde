"""Categories that fitting never saw: found by row, and counted where a coder ignores them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.pipeline.coder import inputs_of
from aiqc.pipeline.coder_rules import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aiqc.core.types import Array
    from aiqc.pipeline.coder import FittedCoder
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.table import Table

#: encoders that give an unknown category a value of its own, unasked
_NEVER_REFUSE = {"TargetEncoder"}


def ignored_unknowns(
    fit: FeatureFit, read: Callable[[list[str]], Iterable[Table]]
) -> dict[str, int]:
    """Return column -> values that its coder does not know and was told to pass over.

    Parameters
    ----------
    fit
        Of the training rows.
    read
        Returns some columns of the new rows, in parts; called only where a coder ignores
        categories.
    """
    counts: dict[str, int] = {}
    for coder in fit.coders:
        if any(_ignoring(estimator) for estimator in coder.estimators):
            for table in read(coder.columns):
                for column, count in _unknowns(coder, table):
                    counts[column] = counts.get(column, 0) + count
    return {column: count for column, count in counts.items() if count}


def first_row(values: pd.Series[Any], wanted: Any) -> int | None:
    """Return the position of the first row that holds a value; None where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> first_row(pd.Series(["a", "b", None]), "b")
    1
    """
    empty = wanted is None or wanted != wanted
    same = values.isna() if empty else values.astype(object) == wanted
    rows = np.flatnonzero(same.to_numpy(dtype=np.bool_))
    return int(rows[0]) if len(rows) else None


def _unknowns(coder: FittedCoder, table: Table) -> Iterator[tuple[str, int]]:
    inputs = inputs_of(table, coder.columns, coder.dimension)
    for estimator, (values, columns) in zip(coder.estimators, inputs, strict=True):
        found = _ignoring(estimator)
        if found is None:
            continue
        before, encoder = found
        # what cannot pass here is text or a gap that is filled later: no category is told apart
        with suppress(ValueError, TypeError):
            for step in before:
                values = step.transform(values)
            lanes = np.asarray(values).reshape(len(table), -1)
            for position, column in enumerate(columns if lanes.shape[1] == len(columns) else []):
                yield column, _unknown_count(lanes[:, position], encoder.categories_[position])


def _ignoring(estimator: Any) -> tuple[list[Any], Any] | None:
    """Return the encoder that passes over unknown categories, after the steps before it."""
    steps = steps_of(estimator)
    for position, step in enumerate(steps):
        handled = getattr(step, "handle_unknown", "error") != "error"
        if (handled or type(step).__name__ in _NEVER_REFUSE) and hasattr(step, "categories_"):
            return steps[:position], step
    return None


def _unknown_count(values: Array, known: Any) -> int:
    categories = np.asarray(known).tolist()
    has_missing = any(value is None or value != value for value in categories)
    series = pd.Series(values)
    inside = series.isin(categories)
    return int((~inside & ~(series.isna() & has_missing)).sum())
