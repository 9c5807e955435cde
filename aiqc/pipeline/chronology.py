"""Splits in order of time: what comes later never trains what comes earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidSplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array


def split_by_time(time: Array, counts: dict[str, int]) -> dict[str, Array]:
    """Return sorted row numbers per split; the splits follow each other in time.

    Parameters
    ----------
    time
        `(samples,)` dates or numbers.
    counts
        Rows that each split should have, earliest split first. Rows of one moment stay
        together: each border moves to the nearest change of time.

    Raises
    ------
    InvalidSplit
        If a time is missing, is text, or there are fewer moments than splits.

    Examples
    --------
    >>> split_by_time(np.array([3, 1, 2]), {"train": 2, "test": 1})
    {'train': array([1, 2]), 'test': array([0])}
    """
    borders = np.cumsum(list(counts.values()))[:-1].tolist()
    pieces = cut_by_time(time, borders)
    return dict(zip(counts, pieces, strict=True))


def cut_by_time(time: Array, borders: Sequence[int]) -> list[Array]:
    """Return sorted row numbers of each stretch between borders, earliest first.

    Parameters
    ----------
    time
        `(samples,)` dates or numbers.
    borders
        Ascending positions in order of time; each moves to the nearest change of time.

    Raises
    ------
    InvalidSplit
        If a time is missing, is text, or there are too few moments.
    """
    moments = moments_of(time)
    order = np.argsort(moments, kind="stable").astype(np.int64)
    ordered = moments[order]
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(edges) < len(borders):
        msg = f"{len(edges) + 1} different times cannot fill {len(borders) + 1} stretches."
        raise InvalidSplit(
            msg, hint="Use fewer splits or folds, or a finer time.", moments=len(edges) + 1
        )
    return [np.sort(piece) for piece in np.split(order, _snap(borders, edges))]


def _snap(borders: Sequence[int], edges: Array) -> list[int]:
    """Return the ascending edges with the least total distance to the borders."""
    cost = np.zeros(len(edges))
    choices: list[Array] = []
    for border in borders:
        # the cheapest place of the border before, strictly left of each edge
        best, place = _running_minimum(cost) if choices else (cost, np.zeros(0, dtype=int))
        choices.append(place)
        cost = best + np.abs(edges - border)
    picked = [int(np.argmin(cost))] if borders else []
    for place in reversed(choices[1:]):
        picked.append(int(place[picked[-1]]))
    return [int(edges[index]) for index in reversed(picked)]


def _running_minimum(cost: Array) -> tuple[Array, Array]:
    lowest = np.minimum.accumulate(cost)
    is_new = np.concatenate([[True], cost[1:] < lowest[:-1]])
    place = np.maximum.accumulate(np.where(is_new, np.arange(len(cost)), 0))
    return np.concatenate([[np.inf], lowest[:-1]]), np.concatenate([[0], place[:-1]])


def moments_of(time: Array) -> Array:
    """Return times as int64 or float64.

    Raises
    ------
    InvalidSplit
        If a time is missing, or is text.
    """
    values: pd.Series[Any] = pd.Series(time).reset_index(drop=True).infer_objects()
    missing = np.flatnonzero(values.isna().to_numpy())
    if missing.size:
        row = int(missing[0])
        msg = f"{missing.size} of {len(values)} times are missing, the first in row {row}."
        raise InvalidSplit(msg, hint="Fill or remove these rows.", row=row)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.to_numpy()
    if pd.api.types.infer_dtype(values) in {"date", "datetime", "datetime64"}:
        return pd.to_datetime(values, utc=True).astype("int64").to_numpy()
    if pd.api.types.is_timedelta64_dtype(values):
        return values.astype("int64").to_numpy()
    example = next(iter(values.tolist()), "")
    msg = f"Times of type {values.dtype}, such as {example!r}, have no certain order."
    raise InvalidSplit(msg, hint="Convert the column with pandas.to_datetime.", value=example)
