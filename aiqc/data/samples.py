"""Sample numbers: checked against the data, and as the runs of rows that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array

#: half-open ranges of sample numbers, ascending
Runs = list[tuple[int, int]]


def check_samples(samples: Sequence[int] | Array | int, row_count: int) -> Array:
    """Return row numbers as int64 after checking that each exists.

    Raises
    ------
    InvalidInput
        If one is not an integer, negative or too large; names it and the row count.
    """
    try:
        asked = np.atleast_1d(np.asarray(samples))
    except ValueError as error:
        raise _no_numbers(samples, "lists of several lengths") from error
    if asked.size == 0:
        return np.zeros(0, dtype=np.int64)
    if asked.ndim != 1 or asked.dtype.kind not in "iu":
        found = f"values of {asked.dtype}" if asked.ndim == 1 else f"{asked.ndim} dimensions"
        raise _no_numbers(samples, found)
    wrong = (asked < 0) | (asked >= row_count)
    if wrong.any():
        index = int(asked[wrong][0])
        msg = f"There is no sample {index}: the data has {row_count} rows."
        hint = f"Use row numbers from 0 to {row_count - 1}."
        raise InvalidInput(msg, hint=hint, sample=index, row_count=row_count)
    return asked.astype(np.int64)


def _no_numbers(samples: object, found: str) -> InvalidInput:
    msg = f"samples must be a list of row numbers; it has {found}."
    hint = "Give integers such as samples=[0, 2, 5]; of a mask, np.flatnonzero(mask)."
    return InvalidInput(msg, hint=hint, samples=samples)


def plan_runs(
    samples: slice | Sequence[int] | Array | None, row_count: int
) -> tuple[Runs, Array | None]:
    """Return the ascending runs of rows to read, and where each asked row is among them.

    The second value is None where the runs hold the asked rows in their order.

    Raises
    ------
    InvalidInput
        As `check_samples`; a slice is cut off at the ends as numpy cuts it.

    Examples
    --------
    >>> plan_runs(np.array([7, 2, 3, 7]), 10)
    ([(2, 4), (7, 8)], array([2, 0, 1, 2]))
    >>> plan_runs(slice(2, 6), 10)
    ([(2, 6)], None)
    """
    if samples is None:
        samples = slice(None)
    if isinstance(samples, slice):
        start, stop, step = samples.indices(row_count)
        if step == 1:
            return ([(start, stop)] if stop > start else []), None
        samples = np.arange(start, stop, step, dtype=np.int64)
    rows = check_samples(samples, row_count)
    if not len(rows):
        return [], None
    inverse = None
    if (np.diff(rows) <= 0).any():
        rows, inverse = np.unique(rows, return_inverse=True)
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    starts = rows[np.concatenate(([0], breaks))]
    stops = rows[np.concatenate((breaks - 1, [len(rows) - 1]))] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True)), inverse
