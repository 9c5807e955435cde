"""The best model of a performance chart, and a place for its badge that covers no point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.enums import Split
from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiqc.core.types import Array
    from aiqc.plots._axis import AxisRange

#: scores that are errors
LOWER_IS_BETTER = frozenset({"loss", "mse", "mae", "rmse"})
#: where the best model is looked for: the first of these that there is
_JUDGES = (Split.FOLD_VALIDATION, Split.VALIDATION, Split.TEST)
#: pixels of a character and of two lines of a badge, with its padding and half a marker around
_CHARACTER, _PADDING, _PLATE_HEIGHT = 6.2, 20, 50
#: pixels from the point to the badge that are tried, the nearest first
_REACHES = ((70, 16), (40, 60), (70, 110), (40, 170), (140, 40), (200, 100))
_OUTSIDE = 10**9
#: share of the values' span that plotly leaves free on each side
_AUTO_PADDING = 0.06


@dataclass(frozen=True, slots=True)
class Best:
    """The best model on the split that judges."""

    predictor_id: int
    split: str
    loss: float
    score: float


def best_model(
    table: Mapping[str, Array], names: tuple[str, ...], score_type: str, split: str | None = None
) -> Best | None:
    """Return the best score on the judging split; the lower loss, then the older model wins.

    Parameters
    ----------
    table
        Parallel arrays `predictor_id`, `split_code`, `loss` and `score`.
    names
        Splits by code.
    score_type
        Name of the score; errors and the loss are better when lower.
    split
        That judges; by default the evaluation split, else the test split, else the last one.

    Raises
    ------
    InvalidInput
        If there is no such split.
    """
    if table["loss"].size == 0:
        return None
    present = np.unique(table["split_code"]).tolist()
    judge = _judge(names, present) if split is None else _asked(names, present, split)
    rows = np.flatnonzero(table["split_code"] == judge)
    sign = 1.0 if score_type in LOWER_IS_BETTER else -1.0
    ids, losses = table["predictor_id"][rows], table["loss"][rows]
    row = rows[np.lexsort((ids, losses, sign * table["score"][rows]))[0]]
    return Best(
        predictor_id=int(table["predictor_id"][row]),
        split=names[judge],
        loss=float(table["loss"][row]),
        score=float(table["score"][row]),
    )


def _judge(names: tuple[str, ...], present: list[int]) -> int:
    found = [names.index(name) for name in _JUDGES if name in names]
    return next((code for code in found if code in present), present[-1])


def _asked(names: tuple[str, ...], present: list[int], split: str) -> int:
    known = [str(names[code]) for code in present]
    if split not in known:
        msg = f"split={split!r} is not a split of these models."
        raise InvalidInput(msg, hint=f"Use one of {known}.", value=split)
    return names.index(split)


def badge_offset(
    x: Array, y: Array, at: tuple[float, float], size: tuple[float, float], characters: int
) -> tuple[int, int]:
    """Return how many pixels right of and below its point a badge covers the fewest points.

    The badge begins there and extends away from the point; the nearest such place wins.

    Parameters
    ----------
    x, y
        Points in pixels from the left and from the bottom of the plot.
    at
        The badge's own point.
    size
        Of the plot in pixels.
    characters
        Of the longest line.
    """
    width = characters * _CHARACTER + _PADDING
    best, least = _REACHES[0], _OUTSIDE + x.size
    for right, down in _REACHES:
        for offset in ((right, down), (right, -down), (-right, down), (-right, -down)):
            left = at[0] + offset[0] + (-width if offset[0] < 0 else 0)
            low = at[1] - offset[1] - _PLATE_HEIGHT / 2
            inside_x = (x >= left) & (x <= left + width)
            count = int(np.count_nonzero(inside_x & (y >= low) & (y <= low + _PLATE_HEIGHT)))
            is_outside = left < 0 or left + width > size[0] or low < 0
            count += _OUTSIDE if is_outside or low + _PLATE_HEIGHT > size[1] else 0
            if count < least:
                best, least = offset, count
    return best


def own_line(across: Array, up: Array, rows: Array) -> tuple[Array, Array]:
    """Return places on the line through some points: a badge should not cover it either."""
    x, y = across[rows], up[rows]
    steps = np.linspace(0, x.size - 1, 20 * x.size)
    places = np.arange(x.size)
    return np.interp(steps, places, x), np.interp(steps, places, y)


def pixels(axis: AxisRange, values: Array, at: float, size: float) -> tuple[Array, float]:
    """Return where values, and a position on the axis, lie if it is so many pixels long."""
    shown = np.log10(np.maximum(values, np.finfo(float).tiny)) if axis.is_log else values
    if axis.limits is None:
        low, high = float(shown.min()), float(shown.max())
        padding = _AUTO_PADDING * (high - low) or 1.0
        low, high = low - padding, high + padding
    else:
        low, high = (axis.position(limit) for limit in axis.limits)
    scale = size / (high - low)
    return (shown - low) * scale, (at - low) * scale
