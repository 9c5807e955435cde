"""The population stability index of counts in bins, and how large chance alone makes it.

The index compares the shares `e` of the training rows and `a` of the new rows in bins:
`sum((a - e) * ln(a / e))`; below 0.1 it counts as stable, from 0.25 on as a major shift
(N. Siddiqi, Credit Risk Scorecards, Wiley 2006, on scorecard monitoring). Where nothing has
changed, the index of `n` training and `m` new rows is about chi-square with one degree of freedom
less than there are bins, times `1 / n + 1 / m` (B. Yurdakul, Statistical Properties of Population
Stability Index, Western Michigan University 2018): few rows make it large without any shift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: added to the count of every bin: an empty one would make the index infinite
HALF_COUNT = 0.5
#: rows of the smaller side that a bin is expected to hold; bins with fewer are merged
BIN_ROWS = 5
#: a bin that is expected to hold so many is never merged with the bins before it
OWN_ROWS = 20
#: probability that `chance` is exceeded where nothing has changed
LEVEL = 0.01


def psi(expected: Array, actual: Array) -> float:
    """Return the population stability index of two counts over the same bins.

    Parameters
    ----------
    expected, actual
        Counts of the training and of the new rows; half a row is added to each. A bin that is
        empty on both sides does not count.

    Examples
    --------
    >>> round(psi(np.array([50, 50]), np.array([25, 75])), 4)
    0.2687
    """
    is_used = expected + actual > 0
    e, a = expected[is_used] + HALF_COUNT, actual[is_used] + HALF_COUNT
    e, a = e / e.sum(), a / a.sum()
    return float(np.sum((a - e) * np.log(a / e)))


def chance(expected: Array, actual: Array) -> float:
    """Return what the index exceeds in one of a hundred draws although nothing has changed.

    Parameters
    ----------
    expected, actual
        Counts, neither of them all zero; a bin that is empty on both sides does not count.
    """
    from scipy.special import chdtri

    freedom = int(np.count_nonzero(expected + actual)) - 1
    if freedom < 1:
        return 0.0
    spread = 1 / float(expected.sum()) + 1 / float(actual.sum())
    return float(chdtri(freedom, LEVEL)) * spread


def merge_bins(expected: Array, actual: Array) -> tuple[Array, Array]:
    """Join neighbouring bins until each is expected to hold a few rows of the smaller side.

    A bin that holds many begins anew, also after an empty one: a value that nearly all training
    rows had must not swallow what lies beside it.

    Parameters
    ----------
    expected, actual
        Counts, neither of them all zero.

    Examples
    --------
    >>> merge_bins(np.array([10, 10, 10, 10]), np.array([3, 2, 4, 1]))[1].tolist()
    [5, 5]
    """
    scale = min(1.0, float(actual.sum()) / float(expected.sum()))
    starts: list[int] = []
    held = 0.0
    for place, rows in enumerate((expected * scale).tolist()):
        if not starts or held >= BIN_ROWS or rows >= OWN_ROWS:
            starts.append(place)
            held = 0.0
        held += rows
    return np.add.reduceat(expected, starts), np.add.reduceat(actual, starts)
