"""Sliding windows over the rows of a series: which rows each window and its target hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    from aiqc.core.types import Array


@dataclass(frozen=True, slots=True)
class Windows:
    """Equally long runs of rows at equal distances; the last one, or its target, ends the data."""

    #: rows of a window
    size: int
    #: rows from one window to the next, and from a window to its target
    shift: int
    #: number of windows, which are the samples
    count: int
    #: first row of the first unshifted window
    start: int
    #: whether every window has a shifted one as its target
    is_shifted: bool

    def unshifted(self, samples: Array | None = None) -> Array:
        """Return the row positions of the windows, `(windows, size)` int64.

        Parameters
        ----------
        samples
            Zero-based numbers of windows, in the order wanted; all by default.

        Examples
        --------
        >>> plan_windows(10, 3, 2).unshifted().tolist()
        [[1, 2, 3], [3, 4, 5], [5, 6, 7]]
        """
        rows: Array = self._starts(samples)[:, np.newaxis] + np.arange(self.size, dtype=np.int64)
        return rows

    def shifted(self, samples: Array | None = None) -> Array | None:
        """Return the row positions of the targets, `(windows, size)` int64; None without them.

        Parameters
        ----------
        samples
            Zero-based numbers of windows, in the order wanted; all by default.

        Examples
        --------
        >>> plan_windows(10, 3, 2).shifted().tolist()
        [[3, 4, 5], [5, 6, 7], [7, 8, 9]]
        """
        return self.unshifted(samples) + self.shift if self.is_shifted else None

    def rows(self, samples: Array, *, shifted: bool) -> Array:
        """Return the distinct row positions of some windows, ascending, int64.

        Parameters
        ----------
        samples
            Zero-based numbers of windows.
        shifted
            Whether the rows of their targets belong to it, where targets are recorded.

        Examples
        --------
        >>> plan_windows(10, 3, 2).rows([0, 2], shifted=False).tolist()
        [1, 2, 3, 5, 6, 7]
        """
        starts = self._starts(np.asarray(samples))
        if shifted and self.is_shifted:
            starts = np.concatenate([starts, starts + self.shift])
        # a row is covered where more windows have begun than ended
        steps = np.bincount(starts, minlength=self._end + 1).astype(np.int64)
        steps -= np.bincount(starts + self.size, minlength=self._end + 1)
        covered: Array = np.flatnonzero(np.cumsum(steps) > 0)
        return covered

    @property
    def _end(self) -> int:
        """One past the last row that a window or target holds."""
        last = self.start + (self.count - 1) * self.shift + self.size
        return last + self.shift if self.is_shifted else last

    def _starts(self, samples: Array | None) -> Array:
        """Return the first row of each window.

        Raises
        ------
        InvalidInput
            If there is no such window.
        """
        if samples is None:
            chosen: Array = np.arange(self.count, dtype=np.int64)
        else:
            chosen = np.asarray(samples, dtype=np.int64)
        unknown = chosen[(chosen < 0) | (chosen >= self.count)]
        if unknown.size:
            msg = f"There is no window {unknown[0]}: the data hold {self.count}."
            hint = f"Use the numbers 0 to {self.count - 1}."
            raise InvalidInput(msg, hint=hint, value=int(unknown[0]))
        starts: Array = self.start + chosen * self.shift
        return starts


def plan_windows(
    row_count: int, size_window: int, size_shift: int, *, record_shifted: bool = True
) -> Windows:
    """Return the windows that fit into a series; rows that do not fit are left out at its start.

    With shifted windows there are `floor((rows - size_window) / size_shift)`, and the last target
    ends with the last row. Without, there is one more, and the last window ends there.

    Parameters
    ----------
    row_count
        Rows of the series.
    size_window
        Rows of a window.
    size_shift
        Rows from one window to the next, and from a window to its target.
    record_shifted
        Whether every window has a target.

    Raises
    ------
    InvalidInput
        If a size is not a whole number of at least 1, or no window fits; names the largest size
        that does.
    """
    size, shift = _size("size_window", size_window), _size("size_shift", size_shift)
    needed = size + shift if record_shifted else size
    if needed > row_count:
        raise _too_large(row_count, size, shift, shifted=bool(record_shifted))
    count = (row_count - needed) // shift + 1
    start = row_count - needed - (count - 1) * shift
    return Windows(size, shift, count, start, bool(record_shifted))


def _size(argument: str, value: Any) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        msg = f"{argument}={value!r} is not a whole number of at least 1."
        raise InvalidInput(msg, hint="Pass a number of rows, such as 7.", value=value)
    return int(value)


def _too_large(row_count: int, size: int, shift: int, *, shifted: bool) -> InvalidInput:
    facts = {"rows": row_count, "size_window": size, "size_shift": shift}
    if not shifted:
        msg = f"A window of {size} rows does not fit into {row_count} rows."
        hint = f"Use a size_window of at most {row_count}."
        return InvalidInput(msg, hint=hint, **facts)
    msg = f"A window of {size} rows and its target {shift} rows later do not fit into "
    msg += f"{row_count} rows."
    ways = []
    if row_count > shift:
        ways.append(f"a size_window of at most {row_count - shift}")
    if row_count > size:
        ways.append(f"a size_shift of at most {row_count - size}")
    hint = f"Use {' or '.join(ways)}." if ways else f"Both together may be {row_count} at most."
    return InvalidInput(msg, hint=hint, **facts)
