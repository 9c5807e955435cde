"""One look for every figure: our plotly templates and the colours of the splits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import Split

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: Okabe-Ito's colour-blind-safe hues, blue and orange moved towards mid lightness so that each
#: stands out on white and on black; the combined folds are what a fold trains on
SPLIT_COLOURS: dict[str, str] = {
    Split.TRAIN: "#0b78bd",
    Split.FOLDS_TRAIN: "#0b78bd",
    Split.FOLD_VALIDATION: "#cc79a7",
    Split.VALIDATION: "#de9000",
    Split.TEST: "#009e73",
}
INFERENCE_COLOUR = "#b5522b"
#: what belongs to no split: learning rates, thresholds, base lines
NEUTRAL_COLOUR = "#8a8a8a"
#: rings the best model
BEST_COLOUR = "#d55e00"
#: a second cue beside colour
SPLIT_SYMBOLS: dict[str, str] = {
    Split.TRAIN: "circle",
    Split.FOLDS_TRAIN: "circle",
    Split.FOLD_VALIDATION: "triangle-up",
    Split.VALIDATION: "diamond",
    Split.TEST: "square",
}
#: order in which splits are drawn, joined and listed; others follow as they come
SPLIT_ORDER: tuple[str, ...] = tuple(SPLIT_COLOURS)

#: buttons that a reader of these figures does not need, which would hide the title; the first one
#: offers to send the data of the figure to a server
REMOVED_BUTTONS = [
    "sendChartToCloud", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d",
]  # fmt: skip

_FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Helvetica, Arial, sans-serif"
_TITLE_LINE = 24
_SUBTITLE_LINE = 17
_MARGIN_TOP = 34
_DARK_BELOW = 0.2


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure that are not those of splits."""

    name: str
    #: behind the figure; transparent follows the notebook
    page: str
    text: str
    grid: str
    #: a heat map cell that holds nothing
    tile: str


#: follows the notebook: text of mid contrast (4.3:1) on white and on #111
AUTO = Theme("aiqc", "rgba(0,0,0,0)", "#797979", "rgba(128,128,128,0.22)", "#eef1f5")
LIGHT = Theme("aiqc_light", "#ffffff", "#333f4a", "#e6e9ed", "#eef1f5")
DARK = Theme("aiqc_dark", "#111111", "#d5d9de", "#2c3137", "#20262d")
THEMES = {theme.name: theme for theme in (AUTO, LIGHT, DARK)}


def template() -> str:
    """Register the templates of these figures with plotly, and return the name of one.

    It is the one that fits `plotly.io.templates.default`: by default 'aiqc', which is transparent
    and follows the page; 'aiqc_light' or 'aiqc_dark' under a light or a dark one. All three can be
    named from then on.

    Examples
    --------
    >>> template() in THEMES
    True
    """
    return register(current_theme())


def split_colour(split: str) -> str:
    """Return the colour of a split, the same in every figure; `infer_<k>` share one."""
    return SPLIT_COLOURS.get(split, INFERENCE_COLOUR)


def split_symbol(split: str) -> str:
    """Return the marker of a split, the same in every figure."""
    return SPLIT_SYMBOLS.get(split, "x")


def ordered_splits(names: list[str]) -> list[str]:
    """Return split names in drawing order; unknown ones last, as they came."""
    known = [name for name in SPLIT_ORDER if name in names]
    return known + [name for name in names if name not in SPLIT_ORDER]


def current_theme() -> Theme:
    """Return the theme that fits `plotly.io.templates.default`.

    A template of ours is taken as it is. Plotly's own default stands for "not chosen": the
    transparent theme. Any other is followed by the lightness of its background.
    """
    import plotly.io as pio

    chosen = pio.templates.default
    if not isinstance(chosen, str) or chosen in ("", "none", "plotly"):
        return AUTO
    ours = next((THEMES[part] for part in chosen.split("+") if part in THEMES), None)
    return ours or _fitting(pio.templates[chosen].layout.paper_bgcolor)


def _fitting(background: str | None) -> Theme:
    lightness = _lightness(background or "white")
    if lightness is None:
        return AUTO
    return DARK if lightness < _DARK_BELOW else LIGHT


def _lightness(colour: str) -> float | None:
    """Return the relative luminance of a CSS colour; None where it is see-through or unknown."""
    named = {"white": "#ffffff", "black": "#000000"}.get(colour.strip().lower(), colour)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", named):
        return luminance(named)
    parts = re.fullmatch(r"rgba?\(([\d.,\s]+)\)", named)
    values = [float(part) for part in parts[1].split(",")] if parts else []
    if len(values) not in (3, 4) or values[3:] == [0.0]:
        return None
    return luminance("#" + "".join(f"{round(value):02x}" for value in values[:3]))


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 black to 1 white (WCAG 2.2)."""
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(start: str, end: str, share: float) -> str:
    """Return the colour at `share` (0..1) of the way from one `#rrggbb` to another."""
    pairs = zip(_channels(start), _channels(end), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def text_on(colour: str) -> str:
    """Return near-black or white, whichever stands out more on `#rrggbb`."""
    light = luminance(colour) + 0.05
    return "#15191d" if light / (luminance("#15191d") + 0.05) > 1.05 / light else "#ffffff"


def themed_figure(title: str, notes: list[str], height: int, **meta: int | str | None) -> Figure:
    """Return an empty figure in the current theme.

    Parameters
    ----------
    title
        One line, escaped.
    notes
        Lines under the title, escaped.
    height
        Pixels.
    meta
        Ids of the rows that the figure shows; kept in `layout.meta`.
    """
    import plotly.graph_objects as go

    subtitle = {"text": "<br>".join(notes)} if notes else {}
    top = _MARGIN_TOP + _TITLE_LINE + _SUBTITLE_LINE * len(notes)
    return go.Figure(
        layout={
            "template": register(current_theme()),
            "title": {"text": title, "subtitle": subtitle},
            "height": height,
            "margin": {"t": top},
            "meta": {name: value for name, value in meta.items() if value is not None},
        }
    )


def message_figure(title: str, message: str, height: int, **meta: int | str | None) -> Figure:
    """Return a figure that has nothing to draw and says why in its middle."""
    figure = themed_figure(title, [], height, **meta)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    middle = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
    return figure.add_annotation(text=message, font={"size": 14}, **middle)


def badge(text: str, x: float, y: float, **options: Any) -> dict[str, Any]:
    """Return an annotation on a dark plate: readable over points, in every theme."""
    plate = {"bgcolor": "rgba(45,52,60,0.92)", "bordercolor": "#8a8a8a", "borderpad": 4}
    arrow = {"arrowcolor": NEUTRAL_COLOUR, "arrowwidth": 1.2, "arrowhead": 0}
    font = {"color": "#ffffff", "size": 11.5}
    return {"text": text, "x": x, "y": y, "font": font, **plate, **arrow, **options}


def register(theme: Theme) -> str:
    """Register our templates with plotly, once; the user's default is left alone."""
    import plotly.graph_objects as go
    import plotly.io as pio

    if theme.name not in pio.templates:
        for each in THEMES.values():
            pio.templates[each.name] = go.layout.Template(layout=_template(each))
    return theme.name


def _template(theme: Theme) -> dict[str, Any]:
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zerolinecolor": theme.grid,
        "ticks": "outside",
        "tickcolor": theme.grid,
        "ticklen": 4,
        "title": {"standoff": 10, "font": {"size": 13.5}},
        "automargin": True,
    }
    text = {"family": _FONT, "color": theme.text, "size": 13}
    return {
        "font": text,
        "title": {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 16},
            "font": {"size": 17},
            "subtitle": {"font": {"size": 12.5, "color": theme.text}},
        },
        "paper_bgcolor": theme.page,
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(dict.fromkeys([*SPLIT_COLOURS.values(), INFERENCE_COLOUR])),
        "xaxis": axis,
        "yaxis": axis,
        "margin": {"l": 64, "r": 24, "t": 64, "b": 56},
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": theme.text,
            "activecolor": "#1a9bdc",
            "remove": REMOVED_BUTTONS,
        },
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "rgba(33,39,46,0.95)",
            "bordercolor": NEUTRAL_COLOUR,
            "align": "left",
            "namelength": -1,
            "font": {"family": _FONT, "color": "#ffffff", "size": 12},
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "itemsizing": "constant",
            "font": {"size": 12.5},
        },
    }
