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


def _chosen(total: int, count: int | None, percent: float | None, seed: int) -> range | list[int]:
    if count is not None and percent is not None:
        msg = f"search_count={count} and search_percent={percent} were both given."
        raise InvalidInput(msg, hint="Give one of them.", value=count)
    if percent is not None:
        count = _count_of(percent, total)
    if count is None:
        return range(total)
    if not is_whole_number(count) or count < 1:
        msg = f"search_count={count!r} is not a whole number of at least 1."
        raise InvalidInput(msg, hint="Use 1 or more.", value=count)
    if count > total:
        message = f"search_count={count} is more than the {total} combinations: all are tried."
        warnings.warn(message, AIQCWarning, stacklevel=4)
    if count >= total:
        return range(total)
    drawn = generator(seed, "search").choice(total, size=int(count), replace=False)
    return sorted(int(index) for index in drawn)


def _count_of(percent: object, total: int) -> int:
    if not isinstance(percent, Real) or not 0 < float(percent) <= 1:
        msg = f"search_percent={percent!r} is not in (0, 1]."
        raise InvalidInput(msg, hint="Use a share such as 0.25.", value=percent)
    # rounding guards against 0.1 * 30 = 3.0000000000000004
    return max(1, math.ceil(round(float(percent) * total, 9)))


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
    texts = [to_json(value) for value in clean]
    twice = [value for value, text in zip(clean, texts, strict=True) if texts.count(text) > 1]
    if twice:
        msg = f"The hyperparameter {name!r} lists {twice[0]!r} twice."
        raise InvalidInput(msg, hint="Name each value once; use repeat_count to repeat.")
    return clean


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
