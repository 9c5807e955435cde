"""The range of an axis, so that a few diverged models do not squash all others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: values this close to zero are never cut off: accuracies, usual R2
_ALWAYS_SHOWN = 1.0
#: how many times the spread of the better quarter of models an axis reaches
_REACH = 20.0
#: the spread counts as at least this share of the values' size
_LEAST_SPREAD = 0.25
#: models beyond the reach are a group of their own behind a gap of this factor
_GAP = 10.0
#: so many without a gap, or so many at all: a logarithmic axis, where values allow one
_TOO_MANY_WITHOUT_GAP, _TOO_MANY = 0.1, 0.4
_DECADES_BELOW = 1e-4
_PADDING = 0.05


@dataclass(frozen=True, slots=True)
class AxisRange:
    """What an axis shows."""

    is_log: bool = False
    #: in values, not exponents; None: everything, chosen by plotly
    limits: tuple[float, float] | None = None

    def position(self, value: float) -> float:
        """Return a value as plotly places it: an exponent of ten on a logarithmic axis."""
        return math.log10(value) if self.is_log else value

    def holds(self, values: Array) -> Array:
        """Return which values lie inside the limits."""
        if self.limits is None:
            return np.ones(values.shape, dtype=bool)
        inside: Array = (values >= self.limits[0]) & (values <= self.limits[1])
        return inside


def axis_range(values: Array, model: Array, lower_is_better: bool) -> AxisRange:
    """Decide what an axis shows.

    The better quarter of the models, each taken at its worst split, sets the scale. Splits
    more than twenty spreads worse lie beyond the axis. Where those are too many, or the end of a
    continuous spread rather than a group apart, a positive axis is logarithmic instead.

    Parameters
    ----------
    values
        `(points,)` finite.
    model
        `(points,)` the model of each point; equal ones adjacent.
    lower_is_better
        Whether bad values are high.
    """
    if values.size == 0 or np.abs(values).max() <= _ALWAYS_SHOWN:
        return AxisRange()
    sign = 1.0 if lower_is_better else -1.0
    badness = sign * values
    worst = np.maximum.reduceat(badness, model_starts(model))
    anchor = float(np.quantile(worst, 0.25))
    spread = max(anchor - float(badness.min()), _LEAST_SPREAD * abs(anchor))
    fence = anchor + _REACH * spread
    if worst.max() <= fence:
        return AxisRange()
    if values.min() > 0 and _is_spread(worst, fence):
        return _log_range(values, anchor * sign)
    return _cut_range(badness, fence, sign)


def _is_spread(worst: Array, fence: float) -> bool:
    beyond, inside = worst[worst > fence], worst[worst <= fence]
    has_gap = beyond.min() > _GAP * inside.max()
    share: float = beyond.size / worst.size
    return share > (_TOO_MANY if has_gap else _TOO_MANY_WITHOUT_GAP)


def model_starts(model: Array) -> Array:
    """Return where each run of equal values begins."""
    changes = np.flatnonzero(model[1:] != model[:-1]) + 1
    return np.concatenate([np.zeros(1, dtype=np.int64), changes])


def _cut_range(badness: Array, fence: float, sign: float) -> AxisRange:
    inside = badness[badness <= fence]
    low, high = float(inside.min()), float(inside.max())
    padding = _PADDING * (high - low) or _PADDING * abs(high)
    limits = sorted((sign * (low - padding), sign * (high + padding)))
    return AxisRange(limits=(limits[0], limits[1]))


def _log_range(values: Array, anchor: float) -> AxisRange:
    """Return a logarithmic range; vanishing losses of overfitted models are left out."""
    low = max(float(values.min()), anchor * _DECADES_BELOW)
    high = float(values.max())
    stretch = (high / low) ** _PADDING
    return AxisRange(is_log=True, limits=(low / stretch, high * stretch))
