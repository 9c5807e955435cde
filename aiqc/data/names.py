"""Names that were asked for against names that exist: checks and suggestions."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from aiqc.core.errors import InvalidColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: how many names a message shows
SHOWN_COUNT = 8


def nearest(name: object, known: Iterable[str]) -> list[str]:
    """Return at most three known names that resemble a name, best first.

    Examples
    --------
    >>> nearest("sepal_lenght", ["petal_width", "sepal_length"])
    ['sepal_length']
    """
    return difflib.get_close_matches(str(name), list(known), n=3)


def suggestion(name: object, known: Sequence[str]) -> str:
    """Return a sentence with the nearest known names, else with the first ones.

    Examples
    --------
    >>> suggestion("aeg", ["age", "sex"])
    "Did you mean 'age'?"
    >>> suggestion("x", ["age", "sex"])
    "Known: 'age', 'sex'."
    """
    near = nearest(name, known)
    if near:
        return f"Did you mean {' or '.join(map(repr, near))}?"
    more = ", ..." if len(known) > SHOWN_COUNT else ""
    return f"Known: {', '.join(map(repr, known[:SHOWN_COUNT]))}{more}."


def check_columns(columns: Sequence[str] | str, known: Sequence[str]) -> list[str]:
    """Return the asked columns as a list after checking that each exists once.

    Parameters
    ----------
    columns
        Names, or a single name.
    known
        All columns of the data.

    Raises
    ------
    InvalidColumns
        If none is asked for, one is asked for twice, or one does not exist.
    """
    asked = [columns] if isinstance(columns, str) else list(columns)
    if not asked:
        msg = f"columns={columns!r} asks for no column."
        raise InvalidColumns(msg, hint="Name at least one, or leave columns out for all.")
    existing, seen = set(known), set[str]()
    for name in asked:
        if name not in existing:
            msg = f"There is no column {name!r}."
            raise InvalidColumns(msg, hint=suggestion(name, known), column=name)
        if name in seen:
            msg = f"The column {name!r} is asked for twice."
            raise InvalidColumns(msg, hint="Name each column once.", column=name)
        seen.add(name)
    return asked
