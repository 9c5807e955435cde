"""One value a sample of a column that holds several: by it samples are stratified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from aiqc.core.types import Array


def median_of_each(values: Array) -> Array:
    """Return the median of each sample's numbers, `(samples,)`; NaN are left out.

    Of an even number of whole numbers it is the lower one of the middle two, so that it stays
    one of the values.

    Parameters
    ----------
    values
        `(samples, ...)`, numbers; at least one a sample.

    Examples
    --------
    >>> median_of_each(np.array([[1, 2, 3, 9], [5, 5, 5, 0]])).tolist()
    [2, 5]
    >>> median_of_each(np.array([[1.0, 2.0], [np.nan, 4.0]])).tolist()
    [1.5, 4.0]
    """
    flat = values.reshape(len(values), -1)
    if flat.dtype.kind != "f":
        middle = (flat.shape[1] - 1) // 2
        return np.asarray(np.partition(flat, middle, axis=1)[:, middle])
    # a sample without any number has no median; numpy would warn
    known = ~np.isnan(flat).all(axis=1)
    medians = np.full(len(flat), np.nan, dtype=flat.dtype)
    medians[known] = np.nanmedian(flat[known], axis=1)
    return medians


def most_frequent_of_each(values: Array) -> pd.Series[Any]:
    """Return the most frequent value of each sample; of equally frequent ones the smallest.

    Missing values do not count; a sample that holds nothing else is missing.

    Parameters
    ----------
    values
        `(samples, values)`, of any kind.

    Examples
    --------
    >>> most_frequent_of_each(np.array([["b", "a", "b"], ["b", "a", "c"]], dtype=object)).tolist()
    ['b', 'a']
    """
    codes, categories = pd.factorize(values.reshape(-1), sort=True)
    table = codes.reshape(len(values), -1)
    found = np.array([_mode(row[row >= 0]) for row in table], dtype=np.int64)
    return pd.Series(pd.Categorical.from_codes(found, pd.Index(categories))).astype(object)


def _mode(codes: Array) -> int:
    # argmax takes the first of equal counts, and codes ascend as the values do
    return int(np.bincount(codes).argmax()) if len(codes) else -1
