"""Every model of a queue by loss and score, its splits joined by a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidInput
from aiqc.pipeline.metrics.registry import display_name
from aiqc.plots._axis import AxisRange, axis_range, model_starts
from aiqc.plots._best import LOWER_IS_BETTER, Best, badge_offset, best_model, own_line, pixels
from aiqc.plots._text import counted, hyperparameter_text, label, number
from aiqc.plots.theme import (
    BEST_COLOUR,
    badge,
    message_figure,
    ordered_splits,
    split_colour,
    split_symbol,
    themed_figure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plotly.graph_objects import Figure

    from aiqc.core.types import Array

HEIGHT = 560
#: stands for "no fold" and "no hyperparameter combination"
NONE = -1
#: above this many points the browser draws on a canvas (WebGL) instead of one element a point
WEBGL_ABOVE = 1000
_MARGIN_BOTTOM = 92
#: pixels of the plot in a page of usual width: the badge looks for a free place in it
_PLOT_WIDTH = 800
_COLUMNS = (
    *("predictor_id", "job_id", "combo_id", "fold_index", "repeat_index"),
    *("split", "loss", "score"),
)
_UNITS = {
    "mse": ", squared units of the label",
    "mae": ", units of the label",
    "rmse": ", units of the label",
}


@dataclass(frozen=True, slots=True, eq=False)
class PerformancePoints:
    """Parallel arrays, one entry a predictor and split, in any order."""

    queue_id: int
    predictor_id: Array
    job_id: Array
    #: -1 without hyperparameters
    combo_id: Array
    #: -1 without folds
    fold_index: Array
    repeat_index: Array
    split: Sequence[str] | Array
    #: NaN and infinity are values
    loss: Array
    score: Array
    #: combination id -> its hyperparameters
    hyperparameters: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class PerformanceInfo:
    """What the chart shows: points sorted by predictor, then split."""

    queue_id: int
    score_type: str
    split_names: tuple[str, ...]
    #: positions in `split_names`
    split_code: Array
    predictor_id: Array
    job_id: Array
    combo_id: Array
    fold_index: Array
    repeat_index: Array
    loss: Array
    score: Array
    #: combination id -> its lines in the hover label
    combo_text: dict[int, str]
    model_count: int
    #: models hidden by max_loss or min_score
    excluded_count: int
    #: models hidden because a loss or score is NaN or infinite
    unplaceable_count: int
    max_loss: float | None
    min_score: float | None
    #: None where no model is shown
    best: Best | None
    loss_axis: AxisRange
    score_axis: AxisRange
    #: shown models with a split beyond the axes
    beyond_count: int


def performance_info(
    points: PerformancePoints,
    score_type: str,
    max_loss: float | None = None,
    min_score: float | None = None,
) -> PerformanceInfo:
    """Decide which models are shown, which is best and what the axes reach.

    Parameters
    ----------
    points
        Losses and scores of every predictor and split.
    score_type
        Name of the score.
    max_loss, min_score
        Judge every split: a model is shown whole or not at all.

    Raises
    ------
    InvalidInput
        If the arrays differ in length.
    """
    table, names = _table(points)
    predictor = table["predictor_id"]
    placeable = _placeable(table)
    wanted = _whole(predictor, _within(table, max_loss, min_score))
    kept = {name: values[placeable & wanted] for name, values in table.items()}
    model = kept["predictor_id"]
    loss_axis = axis_range(kept["loss"], model, lower_is_better=True)
    score_axis = axis_range(kept["score"], model, score_type in LOWER_IS_BETTER)
    beyond = ~(loss_axis.holds(kept["loss"]) & score_axis.holds(kept["score"]))
    return PerformanceInfo(
        queue_id=points.queue_id,
        score_type=score_type,
        split_names=names,
        **kept,
        combo_text=_combo_text(points.hyperparameters, kept["combo_id"]),
        model_count=np.unique(model).size,
        excluded_count=np.unique(predictor[placeable & ~wanted]).size,
        unplaceable_count=np.unique(predictor[~placeable]).size,
        max_loss=max_loss,
        min_score=min_score,
        best=best_model(kept, names, score_type),
        loss_axis=loss_axis,
        score_axis=score_axis,
        beyond_count=np.unique(model[beyond]).size,
    )


def best_of(points: PerformancePoints, score_type: str, split: str | None = None) -> Best | None:
    """Return the model that the chart marks as best; None if none has finite numbers.

    Parameters
    ----------
    points, score_type
        As of `performance_info`.
    split
        That judges instead of the evaluation split.

    Raises
    ------
    InvalidInput
        If there is no such split.
    """
    table, names = _table(points)
    placeable = _placeable(table)
    kept = {name: values[placeable] for name, values in table.items()}
    return best_model(kept, names, score_type, split)


def _placeable(table: dict[str, Array]) -> Array:
    finite = np.isfinite(table["loss"]) & np.isfinite(table["score"])
    return _whole(table["predictor_id"], finite)


def _table(points: PerformancePoints) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the points sorted by predictor and split, and the splits in drawing order."""
    table = {name: np.asarray(getattr(points, name)) for name in _COLUMNS}
    sizes = {name: values.size for name, values in table.items()}
    if len(set(sizes.values())) != 1:
        msg = f"The arrays of the points of queue {points.queue_id} differ in length: {sizes}."
        raise InvalidInput(msg, hint="Give one entry a predictor and split.", sizes=sizes)
    found, seen = pd.factorize(table.pop("split"))
    names = ordered_splits([str(name) for name in seen])
    position = np.array([names.index(str(name)) for name in seen], dtype=np.int64)
    table["split_code"] = position[found] if found.size else found
    order = np.lexsort((table["split_code"], table["predictor_id"]))
    return {name: values[order] for name, values in table.items()}, tuple(names)


def _within(table: dict[str, Array], max_loss: float | None, min_score: float | None) -> Array:
    accepted = np.ones(table["loss"].size, dtype=bool)
    if max_loss is not None:
        accepted &= ~(table["loss"] > max_loss)
    if min_score is not None:
        accepted &= ~(table["score"] < min_score)
    return accepted


def _whole(predictor: Array, accepted: Array) -> Array:
    """Return which points belong to predictors whose every split is accepted."""
    if predictor.size == 0:
        return accepted
    starts = model_starts(predictor)
    sizes = np.diff(np.append(starts, predictor.size))
    return np.repeat(np.logical_and.reduceat(accepted, starts), sizes)


def _combo_text(hyperparameters: Mapping[int, Mapping[str, Any]], combo: Array) -> dict[int, str]:
    ids = np.unique(combo[combo != NONE]).tolist()
    return {id_: hyperparameter_text(hyperparameters.get(id_, {})) for id_ in ids}


def performance_figure(info: PerformanceInfo, height: int = HEIGHT) -> Figure:
    """Return the chart: few traces however many models, so that a browser keeps up.

    Parameters
    ----------
    info
        From `performance_info`.
    height
        Pixels.
    """
    title = f"Queue {info.queue_id}: {_score_name(info.score_type)} and loss by model and split"
    notes = _notes(info)
    if info.best is None:
        return message_figure(title, "<br>".join(notes), height, queue_id=info.queue_id)
    figure = themed_figure(title, notes, height, queue_id=info.queue_id)
    figure.add_traces([_lines(info), *_markers(info), _best_trace(info, info.best)])
    plot_height = height - figure.layout.margin.t - _MARGIN_BOTTOM
    figure.add_annotation(_best_badge(info, info.best, plot_height))
    figure.update_layout(margin={"b": _MARGIN_BOTTOM})
    for axis, reach, text in (
        ("xaxis", info.loss_axis, "Loss (lower is better)"),
        ("yaxis", info.score_axis, _score_title(info.score_type)),
    ):
        kind = {"type": "log", "dtick": 1, "exponentformat": "power"} if reach.is_log else {}
        limits = (
            {"range": [reach.position(limit) for limit in reach.limits]} if reach.limits else {}
        )
        figure.update_layout({axis: {"title": {"text": text}, **kind, **limits}})
    return figure


def _score_title(score_type: str) -> str:
    direction = "lower" if score_type in LOWER_IS_BETTER else "higher"
    unit = _UNITS.get(score_type, "")
    return f"{_score_name(score_type)}{unit} ({direction} is better)"


def _score_name(score_type: str) -> str:
    return label(display_name(score_type))


def _notes(info: PerformanceInfo) -> list[str]:
    """Return the lines under the title: what is shown and what is not."""
    shown = counted(info.model_count, "model") if info.model_count else "No model to show"
    limits = [
        f"{name}={number(limit)}"
        for name, limit in (("max_loss", info.max_loss), ("min_score", info.min_score))
        if limit is not None
    ]
    hidden = [
        (info.excluded_count, f"hidden by {' and '.join(limits)}"),
        (info.unplaceable_count, f"without a finite loss and {label(info.score_type)} not shown"),
        (info.beyond_count, "partly beyond the axes, double-click to see all"),
    ]
    lines = [f"{counted(count, 'model')} {reason}" for count, reason in hidden if count]
    return [shown, *lines]


def _size(info: PerformanceInfo) -> tuple[float, float, float]:
    """Return marker size in pixels, marker opacity and line opacity for the number of models."""
    if info.model_count <= 30:  # noqa: PLR2004 - a sparse chart
        return 9.0, 0.95, 0.55
    if info.model_count <= 300:  # noqa: PLR2004 - a busy one
        return 6.5, 0.75, 0.25
    share = 300 / info.model_count
    return 3.2, max(0.5, 0.75 * share**0.2), max(0.03, 0.25 * share**0.6)


def _kind(info: PerformanceInfo) -> str:
    return "scattergl" if info.loss.size > WEBGL_ABOVE else "scatter"


def _lines(info: PerformanceInfo) -> dict[str, Any]:
    """Return one trace for all models: their splits, and a gap after each."""
    gaps = model_starts(info.predictor_id)[1:]
    return {
        "type": _kind(info),
        "mode": "lines",
        "name": "models",
        "x": np.insert(info.loss.astype(float), gaps, np.nan),
        "y": np.insert(info.score.astype(float), gaps, np.nan),
        "line": {"color": "#8a8a8a", "width": 1},
        "opacity": _size(info)[2],
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _markers(info: PerformanceInfo) -> list[dict[str, Any]]:
    combos = info.combo_id.tolist()
    texts = np.array([info.combo_text.get(combo, "") for combo in combos], dtype=object)
    ids = np.column_stack(
        [info.predictor_id, info.job_id, info.combo_id, info.fold_index, info.repeat_index]
    )
    size, opacity, _ = _size(info)
    traces = []
    for code in np.unique(info.split_code).tolist():
        split, rows = info.split_names[code], info.split_code == code
        marker = {"color": split_colour(split), "symbol": split_symbol(split), "size": size}
        traces.append(
            {
                "type": _kind(info),
                "mode": "markers",
                "name": label(split),
                "x": info.loss[rows].astype(float),
                "y": info.score[rows].astype(float),
                "marker": {**marker, "opacity": opacity, "line": {"width": 0}},
                "customdata": ids[rows],
                "hovertext": texts[rows],
                "hovertemplate": _hover(info, split),
            }
        )
    return traces


def _hover(info: PerformanceInfo, split: str) -> str:
    """Return the hover template; lines that say the same for every model are left out."""
    where = ["job %{customdata[1]}"]
    if info.combo_text:
        where.append("combination %{customdata[2]}")
    if (info.fold_index != NONE).any():
        where.append("fold %{customdata[3]}")
    if info.repeat_index.any():
        where.append("repeat %{customdata[4]}")
    lines = [
        f"<b>predictor %{{customdata[0]}}</b>, {label(split)}",
        f"{label(info.score_type)} %{{y:.4g}}, loss %{{x:.4g}}",
        ", ".join(where),
    ]
    if info.combo_text:
        lines.append("%{hovertext}")
    return "<br>".join(lines) + "<extra></extra>"


def _best_trace(info: PerformanceInfo, best: Best) -> dict[str, Any]:
    rows = info.predictor_id == best.predictor_id
    ring = {"symbol": "circle-open", "size": _size(info)[0] + 7, "color": BEST_COLOUR}
    return {
        "type": _kind(info),
        "mode": "lines+markers",
        "name": "best model",
        "x": info.loss[rows].astype(float),
        "y": info.score[rows].astype(float),
        "line": {"color": BEST_COLOUR, "width": 2},
        "marker": {**ring, "line": {"width": 2}},
        "hoverinfo": "skip",
    }


def _best_badge(info: PerformanceInfo, best: Best, plot_height: float) -> dict[str, Any]:
    """Return the label at the best model's point on the split that judged it."""
    lines = (
        f"predictor {best.predictor_id} is best on {label(best.split)}",
        f"{label(info.score_type)} {number(best.score)}, loss {number(best.loss)}",
    )
    name, _, rest = lines[0].partition(" is best")
    text = f"<b>{name}</b> is best{rest}<br>{lines[1]}"
    x, y = info.loss_axis.position(best.loss), info.score_axis.position(best.score)
    across, at_x = pixels(info.loss_axis, info.loss, x, _PLOT_WIDTH)
    up, at_y = pixels(info.score_axis, info.score, y, plot_height)
    longest = max(len(line) for line in lines)
    line = own_line(across, up, info.predictor_id == best.predictor_id)
    across, up = np.append(across, line[0]), np.append(up, line[1])
    right, down = badge_offset(across, up, (at_x, at_y), (_PLOT_WIDTH, plot_height), longest)
    side = "left" if right > 0 else "right"
    return badge(text, x, y, showarrow=True, ax=right, ay=down, xanchor=side, align="left")
