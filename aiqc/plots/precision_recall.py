"""Precision against recall of one model at every threshold, by split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.plots._curve import (
    HEIGHT,
    SplitCurve,
    curve_figure,
    curve_trace,
    split_curves,
    undefined_notes,
)
from aiqc.plots._text import label
from aiqc.plots.theme import message_figure, split_colour

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotly.graph_objects import Figure


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecallInfo:
    """What the chart shows."""

    curves: tuple[SplitCurve, ...]
    #: splits without a curve -> why
    undefined: dict[str, str]
    #: split -> share of positive samples: the precision of guessing
    base_rates: dict[str, float]
    #: curves pool all classes, each against the rest
    is_micro: bool
    prediction_id: int | None


def precision_recall_info(
    curves: Mapping[str, Mapping[str, Any]],
    base_rates: Mapping[str, float],
    areas: Mapping[str, float] | None = None,
    *,
    is_micro: bool = False,
    prediction_id: int | None = None,
) -> PrecisionRecallInfo:
    """Return the curves in order of splits, with the base rate of each that is drawn.

    Parameters
    ----------
    curves
        Split -> {'precision': `(points,)`, 'recall': `(points,)`}; empty ones may hold a 'reason'.
    base_rates
        Split -> share of positive samples; splits may be missing.
    areas
        Split -> average precision.
    is_micro
        Whether several classes were pooled.
    prediction_id
        Shown in the title.
    """
    drawn, undefined = split_curves(curves, "recall", "precision", areas or {})
    rates = {
        curve.split: float(base_rates[curve.split]) for curve in drawn if curve.split in base_rates
    }
    return PrecisionRecallInfo(drawn, undefined, rates, is_micro, prediction_id)


def precision_recall_figure(info: PrecisionRecallInfo, height: int = HEIGHT) -> Figure:
    """Return the chart; a dotted line a split marks the precision of guessing.

    Parameters
    ----------
    info
        From `precision_recall_info`.
    height
        Pixels.
    """
    of = "" if info.prediction_id is None else f" of prediction {info.prediction_id}"
    title = f"Precision and recall{of}"
    notes = ["all classes pooled, each against the rest"] if info.is_micro else []
    notes += undefined_notes(info.undefined)
    if not info.curves:
        text = "<br>".join(notes) or "No curve to show"
        return message_figure(title, text, height, prediction_id=info.prediction_id)
    if info.base_rates:
        notes.append("dotted: share of positive samples, the precision of guessing")
    axes = ("recall", "precision")
    figure = curve_figure(title, notes, height, axes, prediction_id=info.prediction_id)
    figure.add_traces([_base(split, rate) for split, rate in info.base_rates.items()])
    hover = "recall %{x:.3f}<br>precision %{y:.3f}"
    # A recall is reached at the precision of its own point: the steps that AP sums.
    figure.add_traces([curve_trace(curve, "AP", hover, "vh") for curve in info.curves])
    return figure


def _base(split: str, rate: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"base rate {label(split)}",
        "x": [0, 1],
        "y": [rate, rate],
        "line": {"color": split_colour(split), "width": 1.2, "dash": "dot"},
        "hovertemplate": f"base rate of {label(split)} {rate:.3f}<extra></extra>",
        "showlegend": False,
    }
