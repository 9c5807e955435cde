"""Small values as Python text that gives the same value back."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

#: characters of one constant; more is data, not code
MAX_LENGTH = 65_536
_MAX_DEPTH = 20
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def write_constant(value: object) -> tuple[str, str] | None:
    """Return (text, module the text needs), or None where a value has no such text.

    Examples
    --------
    >>> write_constant({"rates": (0.1, float("inf"))})
    ("{'rates': (0.1, float('inf'))}", '')
    >>> write_constant(np.float32(0.5))
    ('numpy.float32(0.5)', 'numpy')
    >>> write_constant(object()) is None
    True
    """
    named = _named(value)
    if named is not None:
        return named
    try:
        text = _literal(value, 0)
    except _NotLiteral:
        return None
    return (text, "") if len(text) <= MAX_LENGTH else None


class _NotLiteral(Exception):
    """The value, or one inside it, has no literal."""


def _literal(value: object, depth: int) -> str:
    kind = type(value)
    if value is None or value is Ellipsis or kind in (bool, int, str, bytes):
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f"float('{value}')"  # type: ignore[arg-type]
    writer = _WRITERS.get(kind)
    if writer is None or depth > _MAX_DEPTH:
        raise _NotLiteral
    return writer(value, depth + 1)


def _sequence(value: Any, depth: int) -> str:
    items = [_literal(item, depth) for item in value]
    if isinstance(value, set | frozenset):
        items.sort()  # the order of a set differs between processes
        if not items:
            return f"{type(value).__name__}()"
    left, right = _BRACKETS[type(value)]
    comma = "," if isinstance(value, tuple) and len(items) == 1 else ""
    return f"{left}{', '.join(items)}{comma}{right}"


def _mapping(value: Any, depth: int) -> str:
    pairs = (f"{_literal(k, depth)}: {_literal(v, depth)}" for k, v in value.items())
    return "{" + ", ".join(pairs) + "}"


_WRITERS: dict[type, Callable[[Any, int], str]] = {
    **dict.fromkeys(_BRACKETS, _sequence),
    dict: _mapping,
}


def _named(value: Any) -> tuple[str, str] | None:
    """Values of libraries that notebooks keep as globals: scalars, dtypes, devices, loggers."""
    kind = type(value)
    if isinstance(value, np.generic):
        item = value.item()
        name = kind.__name__
        if type(item) in (bool, int, float, str) and getattr(np, name, None) is kind:
            return f"numpy.{name}({_literal(item, 0)})", "numpy"
    if isinstance(value, np.dtype) and value.names is None:
        return f"numpy.dtype({value.str!r})", "numpy"
    if kind is logging.Logger:
        return f"logging.getLogger({value.name!r})", "logging"
    if kind.__module__ == "torch" and kind.__name__ == "dtype":
        return repr(value), "torch"
    if kind.__module__ == "torch" and kind.__name__ == "device":
        return f"torch.device({str(value)!r})", "torch"
    return None
