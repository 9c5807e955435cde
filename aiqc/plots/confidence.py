"""How sure a classifier is about one sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.errors import InvalidInput
from aiqc.plots._text import cut, escape, label, width
from aiqc.plots.theme import (
    NEUTRAL_COLOUR,
    current_theme,
    message_figure,
    split_colour,
    themed_figure,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

    from aiqc.core.types import Array

HEIGHT = 175
THRESHOLD = 0.5
_BINARY = 2
_NAME_LENGTH = 26
_TITLE_NAME_LENGTH = 17
_CHARACTER = 7
_ROW = 19
_TOP, _BOTTOM = 52, 46
_LEAST_ROWS = 3
_TRACK = "rgba(128,128,128,0.28)"


@dataclass(frozen=True, slots=True)
class Bar:
    """One class, or the sum of those that have no room."""

    name: str
    #: NaN where the model returned none
    probability: float
    is_prediction: bool = False
    is_truth: bool = False


@dataclass(frozen=True, slots=True)
class ConfidenceInfo:
    """What the chart of one sample shows."""

    #: most probable first; for two classes: negative, positive
    bars: tuple[Bar, ...]
    is_binary: bool
    prediction: str
    #: None: unknown, as in inference
    truth: str | None
    #: row of the split
    index: int
    split: str
    #: number of the sample in its Dataset; None where there is none
    sample: int | None
    prediction_id: int | None


def confidence_info(
    probabilities: Array,
    class_names: Sequence[object],
    truth: object | None,
    prediction: object,
    index: int,
    split: str,
    *,
    sample: int | None = None,
    prediction_id: int | None = None,
    height: int = HEIGHT,
) -> ConfidenceInfo:
    """Return the bars of one sample.

    Parameters
    ----------
    probabilities
        `(1,)` of the positive class, or `(classes,)`.
    class_names
        In order of the codes; two for `(1,)`.
    truth, prediction
        Decoded classes; truth None where unknown.
    index
        Row of the split.
    split
        Name of the split.
    sample
        Number of the sample in its Dataset.
    prediction_id
        Kept in the figure's meta.
    height
        Pixels of the figure; what has no room is summed into one bar, never the
        prediction or the truth.

    Raises
    ------
    InvalidInput
        If probabilities and class names do not match.
    """
    row = np.asarray(probabilities, dtype=np.float64).ravel()
    names = [str(name) for name in class_names]
    if row.size == 1 and len(names) == _BINARY:
        row = np.array([1 - row[0], row[0]])
    if row.size != len(names):
        msg = f"Sample {index} of {split!r} has {row.size} probabilities, {len(names)} classes."
        raise InvalidInput(msg, hint="Give the classes in order of their codes.", split=split)
    known = None if truth is None else str(truth)
    bars = [
        Bar(name, float(value), name == str(prediction), name == known)
        for name, value in zip(names, row.tolist(), strict=True)
    ]
    is_binary = len(bars) == _BINARY
    shown = bars if is_binary else _fitting(bars, height)
    return ConfidenceInfo(
        bars=tuple(shown),
        is_binary=is_binary,
        prediction=str(prediction),
        truth=known,
        index=index,
        split=str(split),
        sample=sample,
        prediction_id=prediction_id,
    )


def _fitting(bars: list[Bar], height: int) -> list[Bar]:
    """Return the bars sorted, the least probable ones summed where there is no room."""
    ranked = sorted(bars, key=_rank)
    room = max(_LEAST_ROWS, (height - _TOP - _BOTTOM) // _ROW)
    if len(ranked) <= room:
        return ranked
    named = [bar for bar in ranked if bar.is_prediction or bar.is_truth]
    first = [bar for bar in ranked if bar not in named][: max(room - 1 - len(named), 0)]
    shown = sorted([*named, *first], key=_rank)
    rest = [bar.probability for bar in ranked if bar not in shown]
    return [*shown, Bar(f"{len(rest)} other classes", math.fsum(rest))]


def _rank(bar: Bar) -> float:
    return math.inf if math.isnan(bar.probability) else -bar.probability


def confidence_figure(info: ConfidenceInfo, height: int = HEIGHT) -> Figure:
    """Return the chart: two classes as one bar with its threshold, several as sorted bars.

    Parameters
    ----------
    info
        From `confidence_info`, with the same height.
    height
        Pixels.
    """
    title = _title(info)
    if any(math.isnan(bar.probability) for bar in info.bars):
        text = "The model returned NaN for this sample."
        return message_figure(title, text, height, prediction_id=info.prediction_id)
    figure = themed_figure(title, [], height, prediction_id=info.prediction_id)
    figure.update_layout(
        title={"font": {"size": 14}, "pad": {"t": 14}},
        margin={"t": _TOP, "b": _BOTTOM, "r": 56},
        showlegend=False,
        bargap=0.25,
    )
    if info.is_binary:
        _draw_binary(figure, info)
    else:
        _draw_bars(figure, info)
    return figure


def _title(info: ConfidenceInfo) -> str:
    row = f"{label(info.split)}, row {info.index}"
    place = row if info.sample is None else f"{row}, sample {info.sample}"
    sure = next((f" ({_share(bar)})" for bar in info.bars if bar.is_prediction), "")
    parts = [place, f"predicted <b>{label(info.prediction, _TITLE_NAME_LENGTH)}</b>{sure}"]
    if info.truth is not None:
        verdict = "✓" if info.truth == info.prediction else "✗"
        parts.append(f"true <b>{label(info.truth, _TITLE_NAME_LENGTH)}</b> {verdict}")
    return " · ".join(parts)


def _share(bar: Bar) -> str:
    return f"{bar.probability:.3f}"


def _draw_binary(figure: Figure, info: ConfidenceInfo) -> None:
    """Draw a scale from one class to the other, filled from the threshold to the sample."""
    negative, positive = info.bars
    value, text = positive.probability, current_theme().text
    colour = split_colour(info.split)
    bar = {"orientation": "h", "y": [0], "width": 0.5, "hoverinfo": "skip"}
    figure.add_bar(x=[1], marker={"color": _TRACK, "line": {"width": 0}}, **bar)
    figure.add_bar(x=[value - THRESHOLD], base=THRESHOLD, marker={"color": colour}, **bar)
    names = [escape(cut(each.name, 4 * _NAME_LENGTH)) for each in info.bars]
    figure.add_scatter(
        x=[value],
        y=[0],
        mode="markers",
        marker={"size": 15, "color": colour, "line": {"color": "#ffffff", "width": 2}},
        customdata=[[*names, _share(negative), _share(positive)]],
        hovertemplate="<b>%{customdata[1]}</b> %{customdata[3]}<br>"
        "<b>%{customdata[0]}</b> %{customdata[2]}<extra></extra>",
    )
    line = {"color": text, "width": 1.5, "dash": "dash"}
    figure.add_shape(type="line", x0=THRESHOLD, x1=THRESHOLD, y0=-0.4, y1=0.4, line=line)
    for x, anchor, each in ((0, "left", negative), (1, "right", positive)):
        figure.add_annotation(
            x=x, y=0.52, xanchor=anchor, showarrow=False, text=_marked(each), yanchor="middle"
        )
    axis = f"probability of {label(positive.name, _NAME_LENGTH)}, threshold {THRESHOLD}"
    figure.update_xaxes(title_text=axis, range=[-0.01, 1.01], dtick=0.25, showgrid=False)
    figure.update_yaxes(visible=False, range=[-0.36, 0.74])
    figure.update_layout(barmode="overlay", margin={"l": 30, "r": 30})


def _draw_bars(figure: Figure, info: ConfidenceInfo) -> None:
    """Draw one bar a class, the most probable on top."""
    names = [cut(bar.name, _NAME_LENGTH) for bar in info.bars]
    count, colour = len(info.bars), split_colour(info.split)
    figure.add_bar(
        orientation="h",
        x=[bar.probability for bar in info.bars],
        y=np.arange(count),
        marker={"color": [colour if bar.is_prediction else NEUTRAL_COLOUR for bar in info.bars]},
        text=[_share(bar) for bar in info.bars],
        textposition="outside",
        cliponaxis=False,
        customdata=[escape(cut(bar.name, 4 * _NAME_LENGTH)) for bar in info.bars],
        hovertemplate="<b>%{customdata}</b> %{x:.5f}<extra></extra>",
    )
    figure.update_layout(margin_l=34 + _CHARACTER * max(width(name) for name in names))
    figure.update_xaxes(title_text="probability", range=[0, 1], dtick=0.25)
    figure.update_yaxes(
        tickvals=np.arange(count),
        ticktext=[_marked(bar) for bar in info.bars],
        range=[count - 0.5, -0.5],
        showgrid=False,
        tickcolor="rgba(0,0,0,0)",
    )


def _marked(bar: Bar) -> str:
    """Return the class, bold where predicted, ticked where true."""
    name = label(bar.name, _NAME_LENGTH) + (" ✓" if bar.is_truth else "")
    return f"<b>{name}</b>" if bar.is_prediction else name
