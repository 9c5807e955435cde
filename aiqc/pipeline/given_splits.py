"""Splits and folds that the user gives by row number."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import Split
from aiqc.core.errors import InvalidSplit
from aiqc.pipeline.chronology import moments_of
from aiqc.pipeline.grouped import group_codes
from aiqc.pipeline.sizes import Size
from aiqc.pipeline.stratify import SplitPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array

_NAMES = (Split.TRAIN.value, Split.VALIDATION.value, Split.TEST.value)


def listed_samples(samples: Any) -> dict[str, Any]:
    """Return given splits with rows that can be read more than once.

    Raises
    ------
    InvalidSplit
        If it is no dict, or the rows of a split are no list.
    """
    if not isinstance(samples, Mapping):
        msg = f"samples={samples!r:.60} is no dict of splits."
        hint = "Give row numbers by split, as samples={'train': [0, 1], 'test': [2]}."
        raise InvalidSplit(msg, hint=hint, value=samples)
    return {name: _listed(rows, f"samples[{name!r}]") for name, rows in samples.items()}


def listed_folds(folds: Any) -> list[Any]:
    """Return given folds as tuples of rows that can be read more than once.

    Raises
    ------
    InvalidSplit
        If they, or the parts of one, are no list.
    """
    found = []
    for index, fold in enumerate(_listed(folds, "folds")):
        place = f"folds[{index}]"
        found.append(tuple(_listed(rows, f"a part of {place}") for rows in _listed(fold, place)))
    return found


def given_split(samples: Mapping[str, Sequence[int] | Array], sample_count: int) -> SplitPlan:
    """Return the user's own split as a plan.

    Parameters
    ----------
    samples
        Split name -> row numbers; 'train' and, where wanted, 'validation' and 'test'. Every
        row is in exactly one split.
    sample_count
        Rows of the data set.

    Raises
    ------
    InvalidSplit
        If a name is unknown, 'train' is missing, or a row is out of range, given twice, in two
        splits or in none; names the row.

    Examples
    --------
    >>> given_split({"test": [3, 0], "train": [1, 2]}, 4).samples
    {'train': array([1, 2]), 'test': array([0, 3])}
    """
    _check_names(samples)
    owner = np.full(sample_count, -1, dtype=np.int64)
    rows = {
        name: _rows(samples[name], sample_count, f"split {name!r}")
        for name in _NAMES
        if name in samples
    }
    for index, (name, numbers) in enumerate(rows.items()):
        taken = numbers[owner[numbers] >= 0]
        if taken.size:
            other = list(rows)[owner[taken[0]]]
            msg = f"{_count(taken)} in the splits {other!r} and {name!r} both."
            raise InvalidSplit(msg, hint="Put each row into one split.", row=int(taken[0]))
        owner[numbers] = index
    gaps = np.flatnonzero(owner < 0)
    if gaps.size:
        msg = f"{_count(gaps)} in no split."
        raise InvalidSplit(msg, hint="Put every row into a split.", row=int(gaps[0]))
    sizes = {
        name: Size(percent=len(numbers) / sample_count, count=len(numbers))
        for name, numbers in rows.items()
    }
    return SplitPlan(rows, sizes, strata=None)


def given_folds(
    folds: Sequence[tuple[Sequence[int] | Array, Sequence[int] | Array]],
    train_samples: Sequence[int] | Array,
) -> list[tuple[Array, Array]]:
    """Return the user's own folds as sorted (training rows, validation rows), int64.

    Parameters
    ----------
    folds
        (training rows, validation rows) of each fold. A fold may leave rows out, as forward
        chaining and embargoes do, but each row is in some fold.
    train_samples
        Row numbers of the training split.

    Raises
    ------
    InvalidSplit
        If there are fewer than two folds, or a row is given twice, on both sides of a fold, not
        a training row, or in no fold; names fold and row.
    """
    known = np.sort(np.asarray(train_samples, dtype=np.int64))
    if len(folds) < 2:  # noqa: PLR2004
        msg = f"{len(folds)} folds were given."
        raise InvalidSplit(msg, hint="Give at least two folds.", fold_count=len(folds))
    found = [_fold(fold, index, known) for index, fold in enumerate(folds)]
    used = np.concatenate([part for fold in found for part in fold])
    gaps = np.setdiff1d(known, used)
    if gaps.size:
        msg = f"{_count(gaps)} in no fold."
        raise InvalidSplit(msg, hint="Put every training row into a fold.", row=int(gaps[0]))
    return found


def check_groups(parts: Mapping[str, Array], groups: Array) -> None:
    """Refuse given parts if rows of one group are in two of them.

    Parameters
    ----------
    parts
        What a part is called -> its rows.
    groups
        `(samples,)` group of each sample.

    Raises
    ------
    InvalidSplit
        Names the group and both parts, or a row without a group.
    """
    codes = group_codes(groups)
    owner = np.full(int(codes.max()) + 1, -1, dtype=np.int64)
    for index, (name, rows) in enumerate(parts.items()):
        found = np.unique(codes[rows])
        taken = found[owner[found] >= 0]
        if taken.size:
            other = list(parts)[owner[taken[0]]]
            group = groups[int(np.flatnonzero(codes == taken[0])[0])]
            msg = f"The group {group!s} is in {other} and {name} both."
            raise InvalidSplit(msg, hint="Put a group into one of them, or leave out groups=.")
        owner[found] = index


def check_order(parts: Mapping[str, Array], time: Array) -> None:
    """Refuse given parts that do not follow one another in time.

    Parameters
    ----------
    parts
        What a part is called -> its rows, earliest first.
    time
        `(samples,)` dates or numbers.

    Raises
    ------
    InvalidSplit
        Names both parts and the row that is not later, or a row without a time.
    """
    moments = moments_of(time)
    for (one, before), (other, after) in pairwise(parts.items()):
        early = after[moments[after] <= moments[before].max()]
        if early.size:
            msg = f"Row {int(early[0])} of {other} is not later than all of {one}."
            hint = "Give parts that follow one another, or leave out time=."
            raise InvalidSplit(msg, hint=hint, row=int(early[0]))


def _listed(value: Any, place: str) -> Any:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
        msg = f"{place} is {value!r:.60}, not a list."
        raise InvalidSplit(msg, hint="Give row numbers as a list or an array.", value=value)
    return list(value)


def _fold(fold: Sequence[Sequence[int] | Array], index: int, known: Array) -> tuple[Array, Array]:
    if len(fold) != 2:  # noqa: PLR2004
        msg = f"Fold {index} has {len(fold)} parts."
        raise InvalidSplit(msg, hint="Give (training rows, validation rows).", fold=index)
    limit = int(known[-1]) + 1 if known.size else 0
    train = _rows(fold[0], limit, f"fold {index}, training rows")
    validation = _rows(fold[1], limit, f"fold {index}, validation rows")
    both = np.intersect1d(train, validation)
    if both.size:
        msg = f"{_count(both)} on both sides of fold {index}."
        raise InvalidSplit(msg, hint="Validate on rows that do not train.", row=int(both[0]))
    strange = np.setdiff1d(np.concatenate([train, validation]), known)
    if strange.size:
        msg = f"{_count(strange)} in fold {index} but not in the training split."
        raise InvalidSplit(msg, hint="Fold the training rows only.", row=int(strange[0]))
    return train, validation


def _check_names(samples: Mapping[str, object]) -> None:
    unknown = [name for name in samples if name not in _NAMES]
    if unknown:
        msg = f"The split name {unknown[0]!r} is unknown."
        raise InvalidSplit(msg, hint=f"Known are {', '.join(_NAMES)}.", split=unknown[0])
    if Split.TRAIN.value not in samples:
        msg = f"The splits {list(samples)} hold no training rows."
        raise InvalidSplit(msg, hint="Give 'train' too.")


def _rows(numbers: Sequence[int] | Array, limit: int, place: str) -> Array:
    """Return row numbers sorted, refusing what numpy would quietly misread."""
    given = np.asarray(numbers)
    if given.size == 0:
        msg = f"The {place} holds no rows."
        raise InvalidSplit(msg, hint="Give rows, or leave the split out.")
    if given.ndim != 1 or given.dtype.kind not in "iu":
        msg = f"The {place} holds {given.dtype} of shape {given.shape}, not row numbers."
        raise InvalidSplit(msg, hint="Give a flat list of integers (np.flatnonzero of a mask).")
    rows = np.sort(given.astype(np.int64))
    outside = rows[(rows < 0) | (rows >= limit)]
    if outside.size:
        msg = f"{_count(outside)} in the {place}, but rows end at {limit - 1}."
        raise InvalidSplit(msg, hint="Rows are counted from 0.", row=int(outside[0]))
    twice = rows[1:][rows[1:] == rows[:-1]]
    if twice.size:
        msg = f"{_count(np.unique(twice))} more than once in the {place}."
        raise InvalidSplit(msg, hint="Give each row once.", row=int(twice[0]))
    return rows


def _count(rows: Array) -> str:
    if len(rows) == 1:
        return f"Row {rows[0]} is"
    return f"{len(rows)} rows, the first being row {rows[0]}, are"
