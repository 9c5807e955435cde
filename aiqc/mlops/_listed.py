"""List arguments of declarations: a single value stands for a list, other types are refused."""

from __future__ import annotations

from typing import Any, TypeVar

from aiqc.core.errors import InvalidInput

D = TypeVar("D")


def listed(value: Any, kind: type[D], argument: str) -> list[D]:
    """Return declarations as a list; None is an empty one.

    Parameters
    ----------
    value
        One declaration, several, or None.
    kind
        The class of a declaration.
    argument
        How the error names the argument.

    Raises
    ------
    InvalidInput
        Names the argument and the value.
    """
    if value is None:
        return []
    values = list(value) if isinstance(value, list | tuple) else [value]
    for one in values:
        check_kind(one, kind, argument)
    return values


def check_kind(value: Any, kind: type[Any], argument: str) -> None:
    """Refuse what is no instance of a declaration's class.

    Raises
    ------
    InvalidInput
        Names the argument and the value.
    """
    if isinstance(value, kind):
        return
    name = kind.__qualname__
    if value is kind:
        msg = f"{argument} is the class {name}, not an instance."
    else:
        msg = f"{argument}={value!r:.80} is {type(value).__name__}, not {name}."
    raise InvalidInput(msg, hint=f"Pass {name}(...).", argument=argument, value=value)
