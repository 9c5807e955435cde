"""Column filters: which of the remaining columns a coder or interpolater takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiqc.core.errors import InvalidColumns
from aiqc.data.dtypes import same_dtype


@dataclass(frozen=True, slots=True)
class Match:
    """What a filter took and what it left, both without duplicates."""

    #: in order of `dtypes`, then of `columns`; data-set order when excluding
    matching: list[str]
    #: in data-set order
    leftover: list[str]
    leftover_dtypes: dict[str, str]
    #: `{'include': bool, 'dtypes': list or None, 'columns': list or None}`
    original_filter: dict[str, Any]


def match_columns(
    available: Mapping[str, str],
    include: bool = True,
    dtypes: Sequence[Any] | Any | None = None,
    columns: Sequence[str] | str | None = None,
    *,
    taken: Collection[str] = (),
) -> Match:
    """Apply a filter to the columns that earlier coders left.

    Parameters
    ----------
    available
        Remaining column to dtype name, in data-set order.
    include
        Whether the named columns are taken, or all others. With neither `dtypes` nor `columns`
        both values take every remaining column.
    dtypes
        One dtype or several, compared as pandas compares them; text columns are one kind.
    columns
        One column or several.
    taken
        Columns that an earlier coder uses; only for the error message.

    Raises
    ------
    InvalidColumns
        If nothing is left, a dtype or column is unknown, or a column is named twice.

    Examples
    --------
    >>> match = match_columns({"a": "int64", "b": "float64"}, dtypes="float64")
    >>> match.matching, match.leftover
    (['b'], ['a'])
    """
    kinds, names = as_list(dtypes), as_list(columns)
    _check_any(available, taken)
    _check_empty(kinds, names)
    named = _named(available, kinds, names, taken)
    if kinds is None and names is None:
        matching = list(available)
    elif include:
        matching = named
    else:
        matching = [column for column in available if column not in set(named)]
    if not matching:
        msg = f"include=False with dtypes={kinds} and columns={names} leaves no column."
        raise InvalidColumns(msg, hint=f"Exclude fewer of {list(available)}.", columns=names)
    leftover = [column for column in available if column not in set(matching)]
    original = {
        "include": bool(include),
        "dtypes": None if kinds is None else [dtype_name(kind) for kind in kinds],
        "columns": names,
    }
    return Match(matching, leftover, {name: available[name] for name in leftover}, original)


def as_list(value: Any) -> list[Any] | None:
    """Return a list argument that may be a single value; None stays None."""
    if value is None:
        return None
    if isinstance(value, str | type) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def dtype_name(dtype: Any) -> str:
    """Return a dtype argument as text, e.g. `float64` of `numpy.float64`."""
    return dtype.__name__ if isinstance(dtype, type) else str(dtype)


def _check_any(available: Mapping[str, str], taken: Collection[str]) -> None:
    if not available:
        msg = f"No column is left: earlier coders use {sorted(taken)}."
        raise InvalidColumns(msg, hint="Remove a coder or narrow its filter.", taken=list(taken))


def _check_empty(kinds: list[Any] | None, names: list[str] | None) -> None:
    for argument, value in (("dtypes", kinds), ("columns", names)):
        if value == []:
            msg = f"{argument}=[] names nothing."
            raise InvalidColumns(msg, hint=f"Leave {argument} out or name some.", value=value)


def _named(
    available: Mapping[str, str],
    kinds: list[Any] | None,
    names: list[str] | None,
    taken: Collection[str],
) -> list[str]:
    """Return the columns that the filter names, each once."""
    named: list[str] = []
    for kind in kinds or ():
        found = [column for column, dtype in available.items() if same_dtype(dtype, kind)]
        if not found:
            present = sorted(set(available.values()))
            msg = f"The dtype {dtype_name(kind)!r} matches no remaining column."
            raise InvalidColumns(msg, hint=f"The remaining dtypes are {present}.", value=kind)
        _check_twice(found, named, f"the dtype {dtype_name(kind)!r}")
        named += found
    for name in names or ():
        _check_known(name, available, taken)
        _check_twice([name], named, "`columns`")
        named.append(name)
    return named


def _check_known(name: str, available: Mapping[str, str], taken: Collection[str]) -> None:
    if name in available:
        return
    if name in taken:
        msg = f"The column {name!r} is already used by an earlier coder."
        hint = f"Choose among the columns that are left: {list(available)}."
    else:
        msg = f"The column {name!r} does not exist."
        hint = f"The columns are {list(available)}."
    raise InvalidColumns(msg, hint=hint, column=name)


def _check_twice(found: list[str], named: list[str], by: str) -> None:
    for column in found:
        if column in named:
            msg = f"The column {column!r} is matched again by {by}."
            raise InvalidColumns(msg, hint="Name every column once.", column=column)
