"""True against predicted classes of one split, as counts and shares of the true class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidInput
from aiqc.plots._text import counted, cut, escape, label, percent, width
from aiqc.plots.theme import Theme, current_theme, mix, split_colour, text_on, themed_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

    from aiqc.core.types import Array

_NAME_LENGTH = 22
_CHARACTER = 7
#: most classes -> pixels of a cell; larger matrices get the last
_CELLS = ((3, 104), (6, 76), (10, 58), (20, 42))
_SMALLEST_CELL = 30
#: up to this many classes a cell has room for the share under the count
_SHARES_UP_TO = 10
_RIGHT, _BOTTOM, _TOP = 40, 58, 84
#: pixels right of the margin that the title needs
_LEAST_WIDTH = 430
_THOUSAND = 1000
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionInfo:
    """What the chart of one split shows."""

    split: str
    class_names: tuple[str, ...]
    #: `(classes, classes)` int; rows true, columns predicted
    counts: Array
    #: `(classes, classes)` of the row's sum; 0 in a row without samples
    shares: Array
    sample_count: int
    #: NaN without samples
    accuracy: float
    prediction_id: int | None


def confusion_info(
    matrix: Array, class_names: Sequence[object], split: str, *, prediction_id: int | None = None
) -> ConfusionInfo:
    """Return counts, shares of the true class and accuracy of one split.

    Parameters
    ----------
    matrix
        `(classes, classes)` counts; rows true, columns predicted.
    class_names
        One a row, in order.
    split
        Name of the split.
    prediction_id
        Kept in the figure's meta.

    Raises
    ------
    InvalidInput
        If the matrix is not square or the names do not match it.
    """
    counts = np.asarray(matrix)
    if counts.shape != (len(class_names), len(class_names)):
        msg = f"A confusion matrix of shape {counts.shape} has {len(class_names)} class names."
        raise InvalidInput(msg, hint="Give a square matrix and one name a class.", split=split)
    rows = counts.sum(axis=1, keepdims=True)
    total = int(counts.sum())
    return ConfusionInfo(
        split=str(split),
        class_names=tuple(str(name) for name in class_names),
        counts=counts,
        shares=counts / np.maximum(rows, 1),
        sample_count=total,
        accuracy=float(np.trace(counts) / total) if total else float("nan"),
        prediction_id=prediction_id,
    )


def confusion_figure(info: ConfusionInfo) -> Figure:
    """Return the chart of one split; it grows with the classes.

    Parameters
    ----------
    info
        From `confusion_info`.
    """
    accuracy = f", accuracy {info.accuracy:.3f}" if info.sample_count else ""
    note = f"{counted(info.sample_count, 'sample')}{accuracy}; shades: share of the true class"
    count, cell = len(info.class_names), _cell(len(info.class_names))
    names = [label(name, _NAME_LENGTH) for name in info.class_names]
    longest = max(width(cut(name, _NAME_LENGTH)) for name in info.class_names) * _CHARACTER
    is_tilted = longest > cell
    bottom = _BOTTOM + (round(0.75 * longest) if is_tilted else 16)
    title = f"Confusion matrix: {label(info.split)}"
    height = _TOP + count * cell + bottom
    figure = themed_figure(title, [note], height, prediction_id=info.prediction_id)
    theme = current_theme()
    figure.add_traces([_tiles(info, theme), _numbers(info, theme, cell)])
    left = 40 + longest
    room = left + max(_LEAST_WIDTH, count * cell + _RIGHT)
    margin = {"l": left, "r": room - left - count * cell, "t": _TOP, "b": bottom}
    figure.update_layout(width=room, margin=margin, showlegend=False)
    ticks = {"tickvals": np.arange(count), "ticktext": names, "showgrid": False}
    frame = {
        "zeroline": False,
        "showline": False,
        "tickcolor": "rgba(0,0,0,0)",
        "automargin": False,
    }
    figure.update_xaxes(
        title_text="predicted", range=[-0.5, count - 0.5], tickangle=-45 if is_tilted else 0
    )
    figure.update_yaxes(title_text="true", range=[count - 0.5, -0.5])
    figure.update_layout(xaxis={**ticks, **frame}, yaxis={**ticks, **frame})
    return figure


def _cell(count: int) -> int:
    return next((pixels for most, pixels in _CELLS if count <= most), _SMALLEST_CELL)


def _tiles(info: ConfusionInfo, theme: Theme) -> dict[str, Any]:
    names = [escape(cut(name, 4 * _NAME_LENGTH)) for name in info.class_names]
    shares = [[percent(share) for share in row] for row in info.shares.tolist()]
    hover = [
        [
            f"true <b>{true}</b><br>predicted <b>{predicted}</b><br>{count:,} samples, "
            f"{share} of the true class"
            for predicted, count, share in zip(names, counts, row, strict=True)
        ]
        for true, counts, row in zip(names, info.counts.tolist(), shares, strict=True)
    ]
    return {
        "type": "heatmap",
        "z": info.shares,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, theme.tile], [1, split_colour(info.split)]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _numbers(info: ConfusionInfo, theme: Theme, cell: int) -> dict[str, Any]:
    """Return the text of the cells, in the colour that stands out on each."""
    rows, columns = np.indices(info.counts.shape)
    dark = split_colour(info.split)
    shares = info.shares.ravel().tolist()
    counts = info.counts.ravel().tolist()
    has_shares = len(info.class_names) <= _SHARES_UP_TO
    texts = [
        f"{count:,}<br>{percent(share)}" if has_shares else _compact(count)
        for count, share in zip(counts, shares, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "text",
        "x": columns.ravel(),
        "y": rows.ravel(),
        "text": texts,
        "textfont": {
            "size": min(13, round(cell / 2.8)),
            "color": [text_on(mix(theme.tile, dark, share)) for share in shares],
        },
        "hoverinfo": "skip",
    }


def _compact(count: int) -> str:
    """Return a count of at most four characters; nothing for nothing."""
    if count < _THOUSAND:
        return str(count or "")
    size, unit = (_THOUSAND, "k") if count < _MILLION else (_MILLION, "M")
    value = count / size
    return f"{value:.1f}{unit}" if value < 10 else f"{value:.0f}{unit}"  # noqa: PLR2004 - one digit
