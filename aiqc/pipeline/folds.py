"""Cross-validation folds of the training samples."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core import seeds
from aiqc.core.errors import InvalidSplit
from aiqc.pipeline.bins import refuse_small_strata
from aiqc.pipeline.chronology import cut_by_time
from aiqc.pipeline.grouped import group_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.core.types import Array

#: a single fold would have nothing to train on
_LEAST_FOLDS = 2


def make_folds(
    train_samples: Sequence[int] | Array,
    fold_count: int,
    *,
    strata: Array | None = None,
    groups: Array | None = None,
    time: Array | None = None,
    seed: int,
    names: Sequence[str] | None = None,
) -> list[tuple[Array, Array]]:
    """Return (training rows, validation rows) of each fold, sorted, int64.

    Parameters
    ----------
    train_samples
        Row numbers of the training split.
    fold_count
        Folds; without `time` each row is in exactly one validation part.
    strata
        Stratum of every sample of the data set, looked up by row number; None: not stratified.
    groups
        Group of every sample of the data set; no group is on both sides of a fold.
    time
        Time of every sample of the data set; each fold validates on the stretch that follows
        its training rows, as `TimeSeriesSplit`; equal times stay together.
    seed
        The same seed gives the same folds in every process.
    names
        What the strata stand for (`strata_names`), for messages.

    Raises
    ------
    InvalidSplit
        If there are fewer rows, groups, times or members of a class than folds.

    Examples
    --------
    >>> folds = make_folds([0, 1, 2, 3], 2, seed=7)
    >>> [len(validation) for train, validation in folds]
    [2, 2]
    """
    rows = np.sort(np.asarray(train_samples, dtype=np.int64))
    _check_fold_count(fold_count, len(rows))
    if groups is not None and time is not None:
        msg = "Folds by groups and folds by time were both asked for."
        raise InvalidSplit(msg, hint="Pass either `groups` or `time`.")
    if time is not None:
        return _forward_chained(rows, _of_rows(time, rows, "time"), fold_count)
    if strata is not None:
        strata = _of_rows(strata, rows, "strata")
        refuse_small_strata(strata, fold_count, f"for {fold_count} folds", names)
    if groups is None:
        _say_if_uneven(len(rows), fold_count)
    else:
        groups = _group_rows(groups, rows, fold_count)
    parts = _splits(len(rows), fold_count, strata, groups, seeds.derive(seed, "folds"))
    folds = [(np.sort(rows[train]), np.sort(rows[validation])) for train, validation in parts]
    _refuse_empty(folds)
    return folds


def _splits(
    row_count: int, fold_count: int, strata: Array | None, groups: Array | None, seed: int
) -> Iterator[tuple[Array, Array]]:
    from sklearn import model_selection

    kind = ("Stratified" if strata is not None else "") + ("Group" if groups is not None else "")
    splitter: Any = getattr(model_selection, f"{kind}KFold")
    folder = splitter(n_splits=fold_count, shuffle=True, random_state=seed)
    found: Iterator[tuple[Array, Array]] = folder.split(np.zeros(row_count), strata, groups)
    return found


def _forward_chained(rows: Array, time: Array, fold_count: int) -> list[tuple[Array, Array]]:
    stretch = len(rows) // (fold_count + 1)
    if stretch == 0:
        msg = f"{len(rows)} training rows cannot make {fold_count} folds in order of time."
        raise InvalidSplit(msg, hint="Use fewer folds.", fold_count=fold_count, count=len(rows))
    borders = [len(rows) - stretch * later for later in range(fold_count, 0, -1)]
    pieces = cut_by_time(time, borders)
    return [
        (np.sort(rows[np.concatenate(pieces[:index])]), rows[pieces[index]])
        for index in range(1, fold_count + 1)
    ]


def _check_fold_count(fold_count: object, row_count: int) -> None:
    is_integer = isinstance(fold_count, int | np.integer) and not isinstance(fold_count, bool)
    number = int(str(fold_count)) if is_integer else 0
    if number < _LEAST_FOLDS:
        msg = f"fold_count={fold_count!r} is not a number of folds."
        raise InvalidSplit(msg, hint="Use an integer of at least 2.", fold_count=fold_count)
    if number > row_count:
        msg = f"{row_count} training rows cannot make {number} folds."
        raise InvalidSplit(msg, hint="Use fewer folds.", fold_count=number, count=row_count)


def _of_rows(values: Array, rows: Array, name: str) -> Array:
    if len(values) <= rows[-1]:
        msg = f"`{name}` has {len(values)} values, but row {rows[-1]} is a training row."
        raise InvalidSplit(msg, hint="Pass one value for every sample of the data set.")
    return np.asarray(values)[rows]


def _group_rows(groups: Array, rows: Array, fold_count: int) -> Array:
    codes = group_codes(_of_rows(groups, rows, "groups"))
    group_count = len(np.unique(codes))
    if group_count < fold_count:
        msg = f"{group_count} groups cannot make {fold_count} folds."
        raise InvalidSplit(msg, hint="Use fewer folds.", fold_count=fold_count, count=group_count)
    return codes


def _refuse_empty(folds: list[tuple[Array, Array]]) -> None:
    for index, (_, validation) in enumerate(folds):
        if len(validation) == 0:
            msg = f"Fold {index} got no rows: the groups are too unequal for {len(folds)} folds."
            raise InvalidSplit(msg, hint="Use fewer folds.", fold=index)


def _say_if_uneven(row_count: int, fold_count: int) -> None:
    if row_count % fold_count:
        msg = (
            f"{row_count} training rows do not divide evenly into {fold_count} folds; "
            "the folds differ by a row."
        )
        logging.getLogger("aiqc").info(msg)
