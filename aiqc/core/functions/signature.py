"""What arguments a function takes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function, sorted by how they are passed."""

    #: those that can be passed by position, in order
    positional: tuple[str, ...]
    #: of `positional`, those without a default
    required: tuple[str, ...]
    #: those that can only be passed by name
    keyword_only: tuple[str, ...]
    #: whether it takes `*args`
    accepts_args: bool
    #: whether it takes `**hp`
    accepts_kwargs: bool

    def accepts(self, count: int) -> bool:
        """Whether `count` values can be passed by position."""
        return self.accepts_args or len(self.positional) >= count


def describe_signature(function: Callable[..., Any]) -> Signature:
    """Return the parameters of a function.

    Raises
    ------
    InvalidFunction
        If the function has no signature that can be read.

    Examples
    --------
    >>> def fn_lose(loss, scale=1.0, *, power, **hp): ...
    >>> seen = describe_signature(fn_lose)
    >>> seen.positional, seen.required, seen.keyword_only, seen.accepts_kwargs
    (('loss', 'scale'), ('loss',), ('power',), True)
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        msg = f"{function!r} has no signature that can be read: {error}."
        raise InvalidFunction(msg, hint="Pass a plain function (def).") from error
    by_position = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return Signature(
        positional=tuple(p.name for p in by_position),
        required=tuple(p.name for p in by_position if p.default is p.empty),
        keyword_only=tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY),
        accepts_args=any(p.kind is p.VAR_POSITIONAL for p in parameters),
        accepts_kwargs=any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


def check_parameters(function: Callable[..., Any], name: str, parameters: Sequence[str]) -> None:
    """Refuse a function that cannot take the documented positional arguments.

    Raises
    ------
    InvalidFunction
        If it takes fewer; names what it takes and what it is called with.
    """
    seen = describe_signature(function)
    if seen.accepts(len(parameters)):
        return
    takes = ", ".join(seen.positional) or "nothing"
    wanted = ", ".join(parameters)
    msg = f"{name} takes ({takes}) by position, and is called with ({wanted})."
    hint = f"Define it as `def {name}({wanted}, **hp)`."
    raise InvalidFunction(msg, hint=hint, function=name)
