"""Class codes as scikit-learn takes them: one column of whole numbers in range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from aiqc.core.types import Array


def as_codes(codes: Array, class_count: int) -> Array | None:
    """Return class codes as `(samples,)` int64; None where some are not finite.

    Parameters
    ----------
    codes
        `(samples,)` or `(samples, 1)` class numbers of any numeric type.
    class_count
        Classes; codes run from 0 to one less.

    Raises
    ------
    InvalidFunction
        If a number is no code of a class.

    Examples
    --------
    >>> as_codes(np.array([[0.0], [2.0]]), 3)
    array([0, 2])
    """
    flat = np.asarray(codes).reshape(-1)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        return None
    whole = flat.astype(np.int64)
    wrong = (whole != flat) | (whole < 0) | (whole >= class_count)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        msg = (
            f"The class {flat[row].item()!r} of sample {row} is not one of 0 to {class_count - 1}."
        )
        raise InvalidFunction(
            msg, hint="fn_predict returns the number of a class for each sample.", row=row
        )
    return whole


def positive_scores(probabilities: Array) -> Array:
    """Return the probability of class 1, `(samples,)`, of `(samples,)`, one or two columns."""
    return probabilities if probabilities.ndim == 1 else probabilities[:, -1]


def one_hot(codes: Array, class_count: int) -> Array:
    """Return `(samples, classes)` int64, one where the sample's class is."""
    encoded = np.zeros((len(codes), class_count), dtype=np.int64)
    encoded[np.arange(len(codes)), codes] = 1
    return encoded
