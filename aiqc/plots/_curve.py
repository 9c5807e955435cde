"""What ROC and precision-recall charts share: one curve a split, thinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.plots._text import label
from aiqc.plots.theme import ordered_splits, split_colour, themed_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotly.graph_objects import Figure

    from aiqc.core.types import Array

HEIGHT = 520
#: more points than this cannot be told apart on a screen
_MOST_POINTS = 1500
_REASON_LENGTH = 80
_UNKNOWN_REASON = "its points are not finite numbers"
_SHARE = {"range": [-0.02, 1.02], "tickformat": ".1f", "zeroline": False}


@dataclass(frozen=True, slots=True, eq=False)
class SplitCurve:
    """The curve of one split, both axes from 0 to 1."""

    split: str
    x: Array
    y: Array
    #: area under the curve; NaN where undefined
    area: float


def split_curves(
    curves: Mapping[str, Mapping[str, Any]], x: str, y: str, areas: Mapping[str, float]
) -> tuple[tuple[SplitCurve, ...], dict[str, str]]:
    """Return the drawable curves in order of splits, and why the other splits have none.

    Points run from left to right. A curve that is empty or not finite is not drawn; its
    `reason`, if it has one, says why.
    """
    drawn: list[SplitCurve] = []
    undefined: dict[str, str] = {}
    for split in ordered_splits(list(curves)):
        points = np.column_stack([curves[split][x], curves[split][y]]).astype(np.float64)
        if points.shape[0] == 0 or not np.isfinite(points).all():
            undefined[split] = str(curves[split].get("reason", _UNKNOWN_REASON))
            continue
        kept = points[_thinned(points.shape[0])]
        if kept[0, 0] > kept[-1, 0]:
            kept = kept[::-1]
        area = float(areas.get(split, np.nan))
        drawn.append(SplitCurve(split, kept[:, 0], kept[:, 1], area))
    return tuple(drawn), undefined


def _thinned(count: int) -> Array:
    """Return evenly spaced positions, first and last among them."""
    return np.linspace(0, count - 1, min(count, _MOST_POINTS)).round().astype(np.int64)


def undefined_notes(undefined: Mapping[str, str]) -> list[str]:
    """Return a line for each split without a curve."""
    return [
        f"no curve for {label(split)}: {label(reason, _REASON_LENGTH)}"
        for split, reason in undefined.items()
    ]


def curve_trace(curve: SplitCurve, area_name: str, hover: str, shape: str) -> dict[str, Any]:
    """Return the trace of one split; its legend entry names the area."""
    area = "" if np.isnan(curve.area) else f" ({area_name} {curve.area:.3f})"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(curve.split) + area,
        "x": curve.x,
        "y": curve.y,
        "line": {"color": split_colour(curve.split), "width": 2.2, "shape": shape},
        "hovertemplate": f"<b>{label(curve.split)}</b><br>{hover}<extra></extra>",
    }


def curve_figure(
    title: str, notes: list[str], height: int, axes: tuple[str, str], **meta: int | str | None
) -> Figure:
    """Return an empty unit square with named axes and room for the legend."""
    figure = themed_figure(title, notes, height, **meta)
    figure.update_xaxes(title_text=axes[0], **_SHARE)
    figure.update_yaxes(title_text=axes[1], **_SHARE)
    figure.update_layout(margin={"b": 110}, showlegend=True)
    return figure
