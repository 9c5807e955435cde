"""True against false positives of one model at every threshold, by split."""

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
from aiqc.plots.theme import NEUTRAL_COLOUR, message_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotly.graph_objects import Figure


@dataclass(frozen=True, slots=True, eq=False)
class RocInfo:
    """What the chart shows."""

    curves: tuple[SplitCurve, ...]
    #: splits without a curve -> why
    undefined: dict[str, str]
    #: curves pool all classes, each against the rest
    is_micro: bool
    prediction_id: int | None


def roc_info(
    curves: Mapping[str, Mapping[str, Any]],
    areas: Mapping[str, float],
    *,
    is_micro: bool = False,
    prediction_id: int | None = None,
) -> RocInfo:
    """Return the curves in order of splits; splits with one class are named instead.

    Parameters
    ----------
    curves
        Split -> {'fpr': `(points,)`, 'tpr': `(points,)`}; empty ones may hold a 'reason'.
    areas
        Split -> area under the curve; NaN or missing where undefined.
    is_micro
        Whether several classes were pooled.
    prediction_id
        Shown in the title.
    """
    drawn, undefined = split_curves(curves, "fpr", "tpr", areas)
    return RocInfo(drawn, undefined, is_micro, prediction_id)


def roc_figure(info: RocInfo, height: int = HEIGHT) -> Figure:
    """Return the chart, with the diagonal on which guessing lies.

    Parameters
    ----------
    info
        From `roc_info`.
    height
        Pixels.
    """
    of = "" if info.prediction_id is None else f" of prediction {info.prediction_id}"
    title = f"ROC curve{of}"
    notes = ["all classes pooled, each against the rest"] if info.is_micro else []
    notes += undefined_notes(info.undefined)
    if not info.curves:
        text = "<br>".join(notes) or "No curve to show"
        return message_figure(title, text, height, prediction_id=info.prediction_id)
    notes.append("dotted: guessing")
    axes = ("false positive rate", "true positive rate (recall)")
    figure = curve_figure(title, notes, height, axes, prediction_id=info.prediction_id)
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="guessing",
        line={"color": NEUTRAL_COLOUR, "width": 1.2, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    hover = "false positive rate %{x:.3f}<br>true positive rate %{y:.3f}"
    figure.add_traces([curve_trace(curve, "AUC", hover, "linear") for curve in info.curves])
    return figure
