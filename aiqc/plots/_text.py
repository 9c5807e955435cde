"""Text of figures: stored names are cut and escaped, because plotly reads text as HTML."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from collections.abc import Mapping

#: `$` would start a formula where MathJax is loaded
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
_HYPERPARAMETER_LINES = 12
_VALUE_LENGTH = 40


def escape(text: str) -> str:
    """Return text that plotly shows as it is: no tag, entity or formula is read into it."""
    return text.translate(_ENTITIES)


def cut(text: str, length: int) -> str:
    """Return text on one line of at most `length` characters, the last one an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def label(value: object, length: int = _VALUE_LENGTH) -> str:
    """Return a stored value as text for a figure: one line, cut, escaped."""
    return escape(cut(str(value), length))


def width(text: str) -> int:
    """Return how wide a text is, in characters of Latin width."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def number(value: float) -> str:
    """Return a number for people: four significant digits; storage keeps them all."""
    return "NaN" if math.isnan(value) else f"{value:.4g}"


def counted(count: int, noun: str) -> str:
    """Return `1 model`, `3,000 models`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(share: float) -> str:
    """Return a share for a small cell: `85 %`; `<1 %` and `>99 %` where rounding would lie."""
    if 0 < share < 0.005:  # noqa: PLR2004 - would round to 0 %
        return "&lt;1 %"
    if 0.995 <= share < 1:  # noqa: PLR2004 - would round to 100 %
        return "&gt;99 %"
    return f"{share:.0%}".replace("%", " %")


def hyperparameter_text(values: Mapping[str, Any]) -> str:
    """Return hyperparameters for a hover label: one a line, long values and lists cut."""
    items = list(values.items())
    lines = [f"{label(name)}: {_value(value)}" for name, value in items[:_HYPERPARAMETER_LINES]]
    left = len(items) - len(lines)
    if left:
        lines.append(f"… and {left} more")
    return "<br>".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value) if isinstance(value, int) else label(value)
