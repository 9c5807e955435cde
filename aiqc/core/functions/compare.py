"""Whether compiled text is exactly what the user's process holds; runs nothing."""

from __future__ import annotations

import inspect
from types import CodeType
from typing import Any

#: what moving a function to the top of a module may change
_IGNORED_FLAGS = annotations.compiler_flag | inspect.CO_NESTED
_FIELDS = (
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_name",
)
#: their text tells their value, zeros and NaN included
_PLAIN = (bool, int, float, complex, str, bytes)


def same_code(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same; file names and line numbers are ignored."""
    if any(getattr(one, name) != getattr(other, name) for name in _FIELDS):
        return False
    if (one.co_flags ^ other.co_flags) & ~_IGNORED_FLAGS:
        return False
    if getattr(one, "co_exceptiontable", b"") != getattr(other, "co_exceptiontable", b""):
        return False
    return _same_consts(one.co_consts, other.co_consts)


def same_value(one: Any, other: Any) -> bool:
    """Whether two constants are equal in type and value: 1, 1.0 and True differ, NaN does not.

    Examples
    --------
    >>> same_value((1, [2.0]), (1, [2.0])), same_value(1, True), same_value(0.0, -0.0)
    (True, False, False)
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType):
        return same_code(one, other)
    if isinstance(one, tuple | list | dict):
        return _same_items(one, other)
    if isinstance(one, set | frozenset):
        return sorted(map(repr, one)) == sorted(map(repr, other))
    return isinstance(one, _PLAIN) and repr(one) == repr(other)


def nested_codes(code: CodeType) -> list[CodeType]:
    """Return the code objects inside a code object, at any depth."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return inner + [deeper for const in inner for deeper in nested_codes(const)]


def codes_named(module: CodeType, name: str) -> list[CodeType]:
    """Return the functions or class bodies of that name that a text defines directly."""
    return [c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == name]


def _same_items(ones: Any, others: Any) -> bool:
    if isinstance(ones, dict):
        ones, others = list(ones.items()), list(others.items())
    return len(ones) == len(others) and all(map(same_value, ones, others))


def _same_consts(ones: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    if len(ones) != len(others):
        return False
    return all(map(same_value, ones, others))
