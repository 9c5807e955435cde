"""Splits by group: no group is in two splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core import seeds
from aiqc.core.errors import InvalidSplit

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: the best of this many random orders is taken ...
_MOST_ATTEMPTS = 20
#: ... fewer where there are so many groups that one order comes close
_MOST_STEPS = 20_000


def split_by_group(
    groups: Array, counts: dict[str, int], strata: Array | None, seed: int
) -> dict[str, Array]:
    """Return sorted row numbers per split, as near to the counts as whole groups allow.

    Groups are placed one by one, large before small and otherwise at random, each where most
    rows (and most rows of its strata) are wanting; the best of several orders is taken.

    Parameters
    ----------
    groups
        `(samples,)` group of each sample.
    counts
        Rows that each split should have.
    strata
        `(samples,)` classes whose proportions should be alike in all splits, as far as whole
        groups allow; None for none.
    seed
        Seed of the order.

    Raises
    ------
    InvalidSplit
        If a group is missing, or there are fewer groups than splits.
    """
    codes = group_codes(groups)
    table = _members(codes, strata)
    if len(table) < len(counts):
        msg = f"{len(table)} groups cannot fill {len(counts)} splits."
        raise InvalidSplit(msg, hint="Use fewer splits or finer groups.", groups=len(table))
    shares = np.array(list(counts.values())) / len(codes)
    targets = np.outer(shares, table.sum(axis=0))
    places = _best_places(table, targets, seed)[codes]
    return {name: np.flatnonzero(places == index) for index, name in enumerate(counts)}


def group_codes(groups: Array) -> Array:
    """Return the number of each sample's group, `(samples,)` int64.

    Raises
    ------
    InvalidSplit
        If a group is missing; names the row.
    """
    values: pd.Series[Any] = pd.Series(groups).reset_index(drop=True)
    codes = np.asarray(pd.factorize(values, sort=True)[0], dtype=np.int64)
    missing = np.flatnonzero(codes < 0)
    if missing.size:
        row = int(missing[0])
        msg = f"{missing.size} of {len(codes)} samples have no group, the first in row {row}."
        raise InvalidSplit(msg, hint="Fill or remove these rows.", row=row)
    return codes


def _members(codes: Array, strata: Array | None) -> Array:
    """Return `(groups, strata + 1)` member counts; the last column is the total."""
    group_count = int(codes.max()) + 1
    totals = np.bincount(codes, minlength=group_count)[:, None]
    if strata is None:
        return totals
    classes = np.unique(strata, return_inverse=True)[1].astype(np.int64)
    class_count = int(classes.max()) + 1
    cells = np.bincount(codes * class_count + classes, minlength=group_count * class_count)
    return np.hstack([cells.reshape(group_count, class_count), totals])


def _best_places(table: Array, targets: Array, seed: int) -> Array:
    # the safe order gives every split its group, so that a result always exists
    best = _place(table, targets, np.argsort(table[:, -1], kind="stable"), safe=True)
    least = np.inf
    for attempt in range(max(1, min(_MOST_ATTEMPTS, _MOST_STEPS // len(table)))):
        order = _order(table[:, -1], seeds.generator(seed, "groups", attempt))
        places = _place(table, targets, order)
        cost = _cost(table, targets, places)
        if cost < least:
            best, least = places, cost
    return best


def _order(sizes: Array, random: np.random.Generator) -> Array:
    """Return groups at random, but those of twice the size first."""
    shuffled = random.permutation(len(sizes))
    return shuffled[np.argsort(-np.floor(np.log2(sizes[shuffled])), kind="stable")]


def _place(table: Array, targets: Array, order: Array, *, safe: bool = False) -> Array:
    """Return the split of each group; each goes where it is wanted most."""
    surplus = -targets
    places = np.empty(len(table), dtype=np.int64)
    for step, group in enumerate(order):
        if safe and step < len(targets):
            split = len(targets) - 1 - step
        else:
            split = int(np.argmin(surplus @ table[group]))
        surplus[split] += table[group]
        places[group] = split
    return places


def _cost(table: Array, targets: Array, places: Array) -> float:
    got = np.zeros_like(targets)
    np.add.at(got, places, table)
    if (got[:, -1] == 0).any():
        return float("inf")
    return float(((got - targets) ** 2).sum())
