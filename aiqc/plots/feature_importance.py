"""How much the loss grows when one column is shuffled, by column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import Split
from aiqc.plots._text import counted, cut, escape, label, number, width
from aiqc.plots.theme import message_figure, split_colour, themed_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plotly.graph_objects import Figure

    from aiqc.core.types import Array

TOP = 10
_NAME_LENGTH, _FEATURE_LENGTH = 44, 62
_ROW = 27
#: title, axis and margins; no figure is shorter than three rows
_FRAME = 150
_LEAST_ROWS = 3
#: pixels of one character of a tick label, and of the gap around it
_CHARACTER = 6.9
_GAP = 22


@dataclass(frozen=True, slots=True)
class ColumnImpact:
    """One bar."""

    name: str
    #: NaN where the loss was not finite
    median: float
    #: one a permutation
    impacts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ImportanceInfo:
    """The columns of one Feature, most important first."""

    columns: tuple[ColumnImpact, ...]
    #: columns there are, shown or not
    column_count: int
    split: str
    feature: str
    prediction_id: int | None


def importance_info(
    importance: Mapping[str, tuple[float, Sequence[float]]],
    top_n: int | None = TOP,
    *,
    feature: str = "",
    split: str = Split.TRAIN,
    prediction_id: int | None = None,
) -> ImportanceInfo:
    """Return the most important columns, by median; undefined ones come last.

    Parameters
    ----------
    importance
        Column -> (median impact, one impact a permutation), of one Feature.
    top_n
        How many columns; None or more than there are: all.
    feature
        Name of the Feature, for the title.
    split
        On which the columns were shuffled; chooses the colour.
    prediction_id
        Kept in the figure's meta.
    """
    columns = [
        ColumnImpact(str(name), float(median), tuple(float(impact) for impact in impacts))
        for name, (median, impacts) in importance.items()
    ]
    columns.sort(key=lambda column: math.inf if math.isnan(column.median) else -column.median)
    shown = columns if top_n is None else columns[: max(top_n, 0)]
    return ImportanceInfo(tuple(shown), len(columns), str(split), feature, prediction_id)


def importance_height(info: ImportanceInfo) -> int:
    """Return a height in pixels that gives each column its row."""
    return _FRAME + _ROW * max(len(info.columns), _LEAST_ROWS)


def importance_margin(info: ImportanceInfo) -> int:
    """Return a left margin in pixels that holds the longest name as it is shown."""
    longest = max((width(cut(each.name, _NAME_LENGTH)) for each in info.columns), default=0)
    return round(_GAP + _CHARACTER * longest)


def importance_figure(
    info: ImportanceInfo, height: int | None = None, margin_left: int | None = None
) -> Figure:
    """Return the chart of one Feature.

    Parameters
    ----------
    info
        From `importance_info`.
    height
        Pixels; None grows with the columns.
    margin_left
        Pixels; None is as wide as the longest name.
    """
    title = "Feature importance" + (
        f": {label(info.feature, _FEATURE_LENGTH)}" if info.feature else ""
    )
    pixels = importance_height(info) if height is None else height
    if not info.columns:
        return message_figure(title, "No column to show", pixels, prediction_id=info.prediction_id)
    figure = themed_figure(title, [_note(info)], pixels, prediction_id=info.prediction_id)
    figure.add_traces([_bars(info), _dots(info)])
    figure.update_layout(bargap=0.35, showlegend=False, margin={"l": 0, "b": 56})
    figure.update_layout(margin_l=importance_margin(info) if margin_left is None else margin_left)
    figure.update_xaxes(
        title_text="growth of the loss when the column is shuffled",
        zeroline=True,
        zerolinewidth=1.5,
        zerolinecolor="#8a8a8a",
    )
    figure.update_yaxes(
        tickvals=np.arange(len(info.columns)),
        ticktext=[label(column.name, _NAME_LENGTH) for column in info.columns],
        range=[len(info.columns) - 0.5, -0.5],
        showgrid=False,
        automargin=margin_left is None,
    )
    return figure


def _note(info: ImportanceInfo) -> str:
    shown, total = len(info.columns), info.column_count
    which = f"top {shown} of {total} columns" if shown < total else counted(total, "column")
    return f"{which}, {label(info.split)} split; bars: median, dots: each permutation"


def _bars(info: ImportanceInfo) -> dict[str, Any]:
    medians = np.array([column.median for column in info.columns])
    return {
        "type": "bar",
        "orientation": "h",
        "name": "median",
        "x": np.where(np.isfinite(medians), medians, np.nan),
        "y": np.arange(medians.size),
        "marker": {"color": split_colour(info.split), "opacity": 0.75},
        "customdata": [
            [escape(cut(column.name, 4 * _NAME_LENGTH)), number(column.median)]
            for column in info.columns
        ],
        "hovertemplate": "<b>%{customdata[0]}</b><br>median %{customdata[1]}<extra></extra>",
    }


def _dots(info: ImportanceInfo) -> dict[str, Any]:
    rows = [row for row, column in enumerate(info.columns) for _ in column.impacts]
    impacts: Array = np.array([value for column in info.columns for value in column.impacts])
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "permutations",
        "x": np.where(np.isfinite(impacts), impacts, np.nan),
        "y": np.array(rows, dtype=np.int64),
        "marker": {
            "color": "#ffffff",
            "size": 6,
            "line": {"color": "#3a424b", "width": 1.2},
        },
        "hovertemplate": "one permutation %{x:.4g}<extra></extra>",
    }
