"""Categories that fitting never saw: found by row, and counted where a coder ignores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from aiqc.pipeline.feature_fit import FeatureFit

#: encoders that give an unknown category a value of its own, unasked
_NEVER_REFUSE = {"TargetEncoder"}


def ignored_unknowns(fit: FeatureFit, read: Callable[[list[str]], pd.DataFrame]) -> dict[str, int]:
    """Return column -> values that its coder does not know and was told to pass over.

    Parameters
    ----------
    fit
        Of the training rows.
    read
        Returns some columns of the new rows; called only where a coder ignores categories.
    """
    known: dict[str, Any] = {}
    for coder in fit.coders:
        for estimator, columns in _with_columns(coder.estimators, coder.columns):
            known |= dict(zip(columns, _ignoring(estimator), strict=False))
    if not known:
        return {}
    frame = read(list(known))
    counts = {column: _unknown_count(frame[column], known[column]) for column in known}
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


def _with_columns(estimators: list[Any], columns: list[str]) -> list[tuple[Any, list[str]]]:
    if len(estimators) == 1:
        return [(estimators[0], columns)]
    return [(one, [column]) for one, column in zip(estimators, columns, strict=True)]


def _ignoring(estimator: Any) -> list[Any]:
    """Return the categories of each column, if unknown ones pass; an empty list otherwise."""
    handled = getattr(estimator, "handle_unknown", "error") != "error"
    if not handled and type(estimator).__name__ not in _NEVER_REFUSE:
        return []
    return list(getattr(estimator, "categories_", []))


def _unknown_count(values: pd.Series[Any], known: Any) -> int:
    categories = np.asarray(known).tolist()
    has_missing = any(value is None or value != value for value in categories)
    inside = values.astype(object).isin(categories)
    return int((~inside & ~(values.isna() & has_missing)).sum())
