"""Statistics of each metric across the splits of one prediction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: keys of `aggregate`, as RULINGS names them
STATISTICS = ("mean", "median", "pstdev", "minimum", "maximum")


def aggregate(scores: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return mean, median, population standard deviation, minimum and maximum per metric.

    A split in which a metric is undefined (NaN) does not count for that metric; a metric that
    is undefined everywhere has NaN statistics.

    Parameters
    ----------
    scores
        Split name -> metric -> value.

    Examples
    --------
    >>> aggregate({"train": {"loss": 1.0}, "test": {"loss": 3.0}})["loss"]
    {'mean': 2.0, 'median': 2.0, 'pstdev': 1.0, 'minimum': 1.0, 'maximum': 3.0}
    """
    names = dict.fromkeys(name for split in scores.values() for name in split)
    return {
        name: _summary(split[name] for split in scores.values() if name in split) for name in names
    }


def _summary(values: Iterable[float]) -> dict[str, float]:
    defined = np.array([value for value in values if not math.isnan(value)], dtype=np.float64)
    if not defined.size:
        return dict.fromkeys(STATISTICS, float("nan"))
    # an infinite loss has an infinite mean and no deviation
    with np.errstate(invalid="ignore", over="ignore"):
        found = (
            np.mean(defined),
            np.median(defined),
            np.std(defined),
            defined.min(),
            defined.max(),
        )
    return {name: float(value) for name, value in zip(STATISTICS, found, strict=True)}
