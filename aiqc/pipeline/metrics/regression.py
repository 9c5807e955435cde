"""Scores of regressions, as scikit-learn computes them in the label's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pandas.api.types import infer_dtype

from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from aiqc.core.types import Array, Scores

#: metric -> its function in scikit-learn, in the order in which they are shown
_FUNCTIONS = {
    "r2": "r2_score",
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
    "mae": "mean_absolute_error",
    "explained_variance": "explained_variance_score",
}
REGRESSION_METRICS = tuple(_FUNCTIONS)

#: what pandas calls columns of numbers
_NUMBERS = ("floating", "integer", "mixed-integer-float")

#: R2 compares with a variance, which one sample has not
_LEAST_ROWS = 2
_MATRIX = 2


def score_numbers(true: Array, predicted: Array) -> Scores:
    """Return every regression metric of one split, unrounded; NaN where undefined.

    Parameters
    ----------
    true
        `(samples,)`, `(samples, columns)`, or more axes: all but the last are flattened, and
        columns are averaged with equal weight.
    predicted
        The same, one column or none being alike; a number that is not finite (a diverged
        model) makes every score NaN.

    Raises
    ------
    InvalidFunction
        If the shapes do not fit.
    """
    from sklearn import config_context, metrics

    truth, guesses = as_columns(true), as_columns(predicted)
    # flattened axes in another order would be compared with the wrong numbers
    is_turned = max(np.ndim(true), np.ndim(predicted)) > _MATRIX and true.shape != predicted.shape
    if truth.shape != guesses.shape or is_turned:
        msg = f"Predictions of shape {predicted.shape} do not fit a label of shape {true.shape}."
        raise InvalidFunction(msg, hint="fn_predict returns one row a sample.")
    scores = dict.fromkeys(REGRESSION_METRICS, float("nan"))
    if not (truth.size and np.isfinite(truth).all() and np.isfinite(guesses).all()):
        return scores
    # a model that diverged far enough overflows when squared: infinity is the right answer
    unchecked = config_context(assume_finite=True, skip_parameter_validation=True)
    # checked above once, instead of by every metric
    with np.errstate(over="ignore", invalid="ignore"), unchecked:
        for name, function in _FUNCTIONS.items():
            if name != "r2" or len(truth) >= _LEAST_ROWS:
                scores[name] = float(getattr(metrics, function)(truth, guesses))
    return scores


def as_columns(values: Array) -> Array:
    """Return values as `(rows, columns)`: axes before the last are flattened.

    Examples
    --------
    >>> as_columns(np.zeros((4, 3, 2))).shape
    (12, 2)
    """
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "fiub":
        numbers = numbers.astype(np.float64)
    width = 1 if numbers.ndim < _MATRIX else numbers.shape[-1]
    return numbers.reshape(-1, width)


def numeric_columns(values: Array) -> list[int]:
    """Return the positions on the last axis whose values are numbers; booleans are none.

    Examples
    --------
    >>> numeric_columns(np.array([[1.5, "red"], [2, "blue"]], dtype=object))
    [0]
    """
    if values.dtype.kind in "fiu":
        return list(range(values.shape[-1]))
    return [
        position
        for position in range(values.shape[-1])
        if infer_dtype(values[..., position].ravel(), skipna=True) in _NUMBERS
    ]
