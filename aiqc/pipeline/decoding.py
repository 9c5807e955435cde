"""The way back from what one fitted scikit-learn preprocessor made of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidCoder
from aiqc.pipeline.coder_names import kept_columns

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: they have an `inverse_transform`, and it gives words or tuples, not one value a column
_NO_VALUES = frozenset({"CountVectorizer", "TfidfVectorizer", "MultiLabelBinarizer"})
_IMPUTERS = frozenset({"SimpleImputer", "KNNImputer", "IterativeImputer"})


def lost_columns(estimator: Any, count: int) -> list[int]:
    """Return the positions of the columns that a fitted estimator cannot give back.

    An imputer gives back what it returned. A FunctionTransformer without `inverse_func` loses
    its columns, although scikit-learn would return them unchanged.

    Parameters
    ----------
    estimator
        Fitted to `count` columns.
    count
        Number of original columns.
    """
    name = type(estimator).__name__
    everything = list(range(count))
    if name == "Pipeline":
        steps = _steps(estimator)
        # a step that drops columns leaves the next one with others: all or none
        return everything if any(lost_columns(step, _width(step, count)) for step in steps) else []
    if name in _IMPUTERS:
        kept = kept_columns(estimator, count)
        return [position for position in everything if position not in kept]
    if name == "FunctionTransformer":
        identity = estimator.func is None or estimator.inverse_func is not None
        return [] if identity else everything
    has_way = hasattr(estimator, "inverse_transform") and name not in _NO_VALUES
    return [] if has_way else everything


def undo(estimator: Any, encoded: Array) -> Array:
    """Return the original values `(rows, columns)` of what an estimator encoded.

    Codes that a model predicts are rounded to the nearest one there is. An imputer's columns
    stay as they are; a column that it dropped is NaN.

    Parameters
    ----------
    estimator
        Fitted.
    encoded
        `(rows, encoded columns)`, numeric; never written into.

    Raises
    ------
    InvalidCoder
        If the estimator has no way back.
    """
    name = type(estimator).__name__
    if name == "Pipeline":
        for step in reversed(_steps(estimator)):
            encoded = undo(step, encoded)
        return encoded
    if name in _IMPUTERS:
        return _unimputed(estimator, encoded)
    if lost_columns(estimator, _width(estimator, encoded.shape[1])):
        msg = f"{name} has no way back to the original values."
        raise InvalidCoder(msg, hint="Use the encoded values, or another coder.", value=name)
    original = np.asarray(estimator.inverse_transform(_codes(estimator, encoded)))
    return original.reshape(-1, 1) if original.ndim == 1 else original


def _steps(pipeline: Any) -> list[Any]:
    return [step for _, step in pipeline.steps if step not in {None, "passthrough"}]


def _width(estimator: Any, otherwise: int) -> int:
    return int(getattr(estimator, "n_features_in_", otherwise))


def _unimputed(estimator: Any, encoded: Array) -> Array:
    count = _width(estimator, encoded.shape[1])
    kept = kept_columns(estimator, count)
    if len(kept) == count:
        return np.array(encoded[:, :count])
    original = np.full((len(encoded), count), np.nan)
    for position, output in kept.items():
        original[:, position] = encoded[:, output]
    return original


def _codes(estimator: Any, encoded: Array) -> Array:
    """Return a private array in which every code of an ordinal coder is one that it has."""
    name = type(estimator).__name__
    values = np.array(encoded)
    if name == "OrdinalEncoder":
        tops = [len(categories) - 1 for categories in estimator.categories_]
    elif name == "KBinsDiscretizer" and estimator.encode == "ordinal":
        tops = [int(count) - 1 for count in estimator.n_bins_]
    else:
        return values
    special = [
        code
        for code in (
            getattr(estimator, "unknown_value", None),
            getattr(estimator, "encoded_missing_value", None),
        )
        if code is not None
    ]
    rounded = np.clip(np.rint(values), 0, np.array(tops, dtype=np.float64))
    return np.where(np.isin(values, special), values, rounded)
