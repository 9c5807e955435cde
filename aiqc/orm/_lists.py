"""List arguments: a single value stands for a list of one; unknown names are refused."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from aiqc.core.errors import InvalidColumns, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

E = TypeVar("E", bound=StrEnum)


def as_list(value: Any) -> list[Any]:
    """Return a list argument as a list; a single value is a list of one (RULINGS).

    A set is sorted: its own order differs from one process to the next.

    Examples
    --------
    >>> import numpy as np
    >>> as_list("age"), as_list(("a", "b")), as_list(3), as_list(np.float32)
    (['age'], ['a', 'b'], [3], [<class 'numpy.float32'>])
    >>> as_list({10, 9}), as_list({"b", "a"}), as_list(np.array(4))
    ([9, 10], ['a', 'b'], [4])
    """
    if isinstance(value, set | frozenset):
        return _sorted(value)
    if isinstance(value, list | tuple | range):
        return list(value)
    if hasattr(value, "tolist") and not isinstance(value, type):
        listed = value.tolist()
        return listed if isinstance(listed, list) else [listed]
    return [value]


def _sorted(values: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def check_known(names: Sequence[str] | None, known: Sequence[str], place: str) -> None:
    """Refuse names that do not exist, and names given twice.

    Raises
    ------
    InvalidColumns
        Names the column, the place and the nearest existing names.
    """
    if names is None:
        return
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=3) or list(known)[:5]
            msg = f"{place} has no column {name!r}."
            hint = f"Did you mean one of {near}?"
            raise InvalidColumns(msg, hint=hint, column=name)
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        msg = f"The column {twice[0]!r} is asked for twice of {place}."
        raise InvalidColumns(msg, hint="Name each column once.", column=twice[0])


def one_of(vocabulary: type[E], value: object, argument: str) -> E:
    """Return the member of an enum that a text names, in any case.

    Raises
    ------
    InvalidInput
        Names the argument, the value and the members.
    """
    text = str(value).lower()
    members = [str(member) for member in vocabulary]
    if text in members:
        return vocabulary(text)
    near = difflib.get_close_matches(text, members, n=1)
    msg = f"{argument}={value!r} is not known."
    meant = f"Did you mean {near[0]!r}? " if near else ""
    raise InvalidInput(msg, hint=f"{meant}Use one of {members}.", value=value)
