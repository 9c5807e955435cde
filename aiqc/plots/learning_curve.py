"""Loss and metrics of one model by epoch, training beside evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import Split
from aiqc.plots._text import label, number
from aiqc.plots.theme import NEUTRAL_COLOUR, badge, split_colour, split_symbol, themed_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotly.graph_objects import Figure

    from aiqc.core.types import Array

HEIGHT = 380
#: share of the epochs that `skip_head` leaves out
SKIPPED_HEAD = 0.15
#: series of the optimizer, which belong to no split
_RATES = frozenset({"lr", "learning_rate"})
_TWIN = "val_"
_MARKERS_UP_TO = 30


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One series of the history."""

    name: str
    #: None: belongs to no split
    split: str | None
    #: `(epochs shown,)`, 1-based
    epochs: Array
    #: `(epochs shown,)`; NaN where the number was not finite
    values: Array
    #: first epoch after which nothing is finite any more; None: the last one is
    lost_at: int | None


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurveInfo:
    """One chart: a series and, where there is one, its `val_` twin."""

    name: str
    curves: tuple[Curve, ...]
    #: epochs left out at the head
    skipped_count: int
    predictor_id: int | None


def learning_curve_info(
    history: Mapping[str, Array],
    skip_head: bool = True,
    *,
    predictor_id: int | None = None,
    train_split: str = Split.TRAIN,
    evaluation_split: str = Split.VALIDATION,
) -> list[LearningCurveInfo]:
    """Return one chart for each series with its `val_` twin; series without one stand alone.

    Parameters
    ----------
    history
        Series name -> one number an epoch.
    skip_head
        Leave out the first 15 % of epochs, rounded down.
    predictor_id
        Shown in the title.
    train_split, evaluation_split
        The splits behind `loss` and `val_loss`; they choose names and colours.
    """
    pairs: dict[str, list[str]] = {}
    for name in history:
        pairs.setdefault(name.removeprefix(_TWIN), []).append(name)
    has_twins = any(name.startswith(_TWIN) for name in history)
    charts = []
    for name, series in pairs.items():
        skipped = int(SKIPPED_HEAD * max(len(history[each]) for each in series)) * skip_head
        splits = [
            _split(each, train_split, evaluation_split, has_twins and len(series) == 1)
            for each in sorted(series, key=len)
        ]
        curves = tuple(
            _curve(each, history[each], split, skipped)
            for each, split in zip(sorted(series, key=len), splits, strict=True)
        )
        charts.append(LearningCurveInfo(name, curves, skipped, predictor_id))
    return charts


def _split(name: str, train: str, evaluation: str, is_lone: bool) -> str | None:
    """Return the split of a series; a lone one beside pairs is the optimizer's or the user's."""
    if name.startswith(_TWIN):
        return str(evaluation)
    return None if is_lone or name in _RATES else str(train)


def _curve(name: str, series: Array, split: str | None, skipped: int) -> Curve:
    values = np.asarray(series, dtype=np.float64)
    finite = np.isfinite(values)
    ends_finite = finite.size == 0 or bool(finite[-1])
    lost_at = None if ends_finite else int(finite.size - np.argmax(finite[::-1])) + 1
    if not finite.any():
        lost_at = 1 if finite.size else None
    return Curve(
        name=name,
        split=split,
        epochs=np.arange(1, values.size + 1)[skipped:],
        values=np.where(finite, values, np.nan)[skipped:],
        lost_at=lost_at,
    )


def learning_curve_figure(info: LearningCurveInfo, height: int = HEIGHT) -> Figure:
    """Return the chart of one series and its twin.

    Parameters
    ----------
    info
        One entry of `learning_curve_info`.
    height
        Pixels.
    """
    of = "" if info.predictor_id is None else f" of predictor {info.predictor_id}"
    title = f"Learning curve{of}: {label(info.name)}"
    figure = themed_figure(title, _notes(info), height, predictor_id=info.predictor_id)
    figure.add_traces([_trace(curve) for curve in info.curves])
    for row, curve in enumerate(info.curves):
        if curve.lost_at is not None:
            figure.add_annotation(_lost_badge(curve, row))
    figure.update_xaxes(title_text="epoch")
    if max((curve.epochs.size for curve in info.curves), default=0) <= _MARKERS_UP_TO:
        figure.update_xaxes(tickformat="d", dtick=_step(info))
    if all(curve.epochs.size == 1 for curve in info.curves):
        figure.update_xaxes(range=[0.5, 1.5])
    figure.update_yaxes(title_text=label(info.name))
    figure.update_layout(margin={"b": 88}, showlegend=True, hovermode="x unified")
    return figure


def _notes(info: LearningCurveInfo) -> list[str]:
    """Return where each curve ended, and what was left out."""
    ends = [
        f"{_name(curve)} {number(curve.values[-1])}"
        for curve in info.curves
        if curve.values.size and curve.lost_at is None
    ]
    notes = [f"last epoch: {', '.join(ends)}"] if ends else []
    if info.skipped_count:
        left_out = "epoch 1" if info.skipped_count == 1 else f"epochs 1 to {info.skipped_count}"
        notes.append(f"{left_out} left out (skip_head=False shows all)")
    return notes


def _step(info: LearningCurveInfo) -> int:
    """Return the distance of ticks in epochs: whole numbers, at most ten ticks."""
    return 1 + max(curve.epochs.size for curve in info.curves) // 11


def _name(curve: Curve) -> str:
    return label(curve.name if curve.split is None else curve.split)


def _trace(curve: Curve) -> dict[str, Any]:
    colour = NEUTRAL_COLOUR if curve.split is None else split_colour(curve.split)
    symbol = "circle" if curve.split is None else split_symbol(curve.split)
    is_short = curve.epochs.size <= _MARKERS_UP_TO
    return {
        "type": "scatter",
        "mode": "lines+markers" if is_short else "lines",
        "name": _name(curve),
        "x": curve.epochs,
        "y": curve.values,
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "symbol": symbol, "size": 8 if is_short else 5},
        "hovertemplate": "%{y:.5g}",
    }


def _lost_badge(curve: Curve, row: int) -> dict[str, Any]:
    """Return the note that a series stopped being a number, at its last finite point."""
    text = f"{label(curve.name)} became NaN or infinite at epoch {curve.lost_at}"
    finite = np.flatnonzero(np.isfinite(curve.values))
    if finite.size == 0:
        middle = {"xref": "paper", "yref": "paper", "showarrow": False}
        return badge(text, 0.5, 0.55 - 0.12 * row, **middle)
    last = finite[-1]
    x, y = int(curve.epochs[last]), float(curve.values[last])
    # Beside the curve, on the side that has room.
    side, anchor = (1, "left") if last < curve.epochs.size / 2 else (-1, "right")
    return badge(text, x, y, showarrow=True, ax=36 * side, ay=-18 - 28 * row, xanchor=anchor)
