"""Hyperparameter grids: every combination, or a seeded random subset (spec/003 §10)."""

from __future__ import annotations

import itertools
import math
import warnings
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.codecs import to_json
from aiqc.core.errors import AIQCWarning, InvalidInput
from aiqc.core.seeds import generator, is_whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

#: combinations beyond this are refused: each becomes a row and at least one model
COMBINATION_LIMIT = 1_000_000
#: a longer text of a value is not shown in a message
_SHOWN = 80


def clean_space(hyperparameters: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {name: values} as JSON values; a single value is a list of one.

    Raises
    ------
    InvalidInput
        If a name is not an identifier, a list is empty or holds a value twice, or a value has
        no JSON form.
    """
    if not hyperparameters or not hasattr(hyperparameters, "items"):
        msg = f"hyperparameters={hyperparameters!r} holds no hyperparameter."
        raise InvalidInput(msg, hint="Give {name: [values]}.", value=hyperparameters)
    return {_name(name): _values(name, values) for name, values in hyperparameters.items()}


def combinations(
    space: Mapping[str, list[Any]],
    search_count: int | None,
    search_percent: float | None,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the combinations to try, in grid order: the last name varies fastest.

    Parameters
    ----------
    space
        {name: values}, cleaned.
    search_count
        Size of a random subset; more than exist means all, with a warning.
    search_percent
        Share of the grid in (0, 1], rounded up, at least one combination.
    seed
        Seed of the subset.

    Raises
    ------
    InvalidInput
        If both sizes are given, one is out of range, or the grid is too large.

    Examples
    --------
    >>> combinations({"a": [1, 2], "b": [3, 4]}, None, None, 0)[:2]
    [{'a': 1, 'b': 3}, {'a': 1, 'b': 4}]
    """
    total = math.prod(len(values) for values in space.values())
    chosen = _chosen(total, search_count, search_percent, seed)
    if len(chosen) > COMBINATION_LIMIT:
        msg = f"The grid has {total} combinations."
        raise InvalidInput(msg, hint="Use search_count to draw some of them.", value=total)
    names, values = list(space), list(space.values())
    sizes = [len(one) for one in values]
    if len(chosen) == total:
        return [dict(zip(names, row, strict=True)) for row in itertools.product(*values)]
    picks = (np.unravel_index(index, sizes) for index in chosen)
    return [
        {name: one[int(i)] for name, one, i in zip(names, values, pick, strict=True)}
        for pick in picks
    ]


def clean_search(search_count: object, search_percent: object) -> tuple[int | None, float | None]:
    """Return the size of a random subset as plain numbers, at most one of them given.

    Equal sizes are equal afterwards, whatever their type: a share of 1 is one of 1.0.

    Raises
    ------
    InvalidInput
        If both are given or one is out of range; names it.
    """
    if search_count is not None and search_percent is not None:
        msg = f"search_count={search_count} and search_percent={search_percent} were both given."
        raise InvalidInput(msg, hint="Give one of them.", value=search_count)
    return _count(search_count), _share(search_percent)


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if not is_whole_number(value) or value < 1:
        msg = f"search_count={value!r} is not a whole number of at least 1."
        raise InvalidInput(msg, hint="Use 1 or more.", value=value)
    return int(value)


def _share(value: Any) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 < float(value) <= 1:
        msg = f"search_percent={value!r} is not in (0, 1]."
        raise InvalidInput(msg, hint="Use a share such as 0.25.", value=value)
    return float(value)


def _chosen(total: int, count: int | None, percent: float | None, seed: int) -> range | list[int]:
    count, percent = clean_search(count, percent)
    if percent is not None:
        # rounding guards against 0.1 * 30 = 3.0000000000000004
        count = max(1, math.ceil(round(percent * total, 9)))
    if count is None:
        return range(total)
    if count > total:
        message = f"search_count={count} is more than the {total} combinations: all are tried."
        warnings.warn(message, AIQCWarning, stacklevel=4)
    if count >= total:
        return range(total)
    drawn = generator(seed, "search").choice(total, size=count, replace=False)
    return sorted(int(index) for index in drawn)


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        msg = f"The hyperparameter name {name!r} cannot be an argument of a function."
        raise InvalidInput(msg, hint="Use letters, digits and underscores.", value=name)
    return name


def _values(name: str, values: Any) -> list[Any]:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    listed = list(values) if isinstance(values, list | tuple | range) else [values]
    if not listed:
        msg = f"The hyperparameter {name!r} has no values."
        raise InvalidInput(msg, hint="Give at least one.", value=values)
    clean = [_plain(value) for value in listed]
    texts = [_text(name, value) for value in clean]
    twice = [value for value, text in zip(clean, texts, strict=True) if texts.count(text) > 1]
    if twice:
        msg = f"The hyperparameter {name!r} lists {twice[0]!r} twice."
        raise InvalidInput(msg, hint="Name each value once; use repeat_count to repeat.")
    return clean


def _text(name: str, value: Any) -> str:
    try:
        return to_json(value)
    except InvalidInput as error:
        shown = repr(value) if len(repr(value)) < _SHOWN else type(value).__name__
        msg = f"The hyperparameter {name!r} lists {shown}, which has no JSON form."
        hint = "Use numbers, text, lists, tuples and dicts."
        raise InvalidInput(msg, hint=hint, value=value) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
