"""Rows and named columns of a frame or an array, handed out as private arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from aiqc.pipeline.columns import column_values, leftover_values, mixed_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array


class Table(Protocol):
    """What coders learn from and encode."""

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        ...

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def raw(self, columns: Sequence[str]) -> Array:
        """Return a private array `(rows, columns)` as scikit-learn takes it.

        Numeric columns give their common dtype, missing values of nullable dtypes are NaN;
        any text, category or mixture gives Python objects.
        """
        ...

    def leftover(self, columns: Sequence[str]) -> list[Array]:
        """Return each of some columns that no coder takes; booleans as float32.

        Raises
        ------
        InvalidData
            If a column is not numeric; names it, its dtype and a coder for it.
        """
        ...

    def at(self, rows: Array | slice) -> Table:
        """Return some of the rows, in the order given."""
        ...

    def of(self, columns: Sequence[str]) -> Table:
        """Return the same rows of some columns only."""
        ...

    def dtypes(self) -> dict[str, str]:
        """Return {column: dtype}."""
        ...


class FrameTable:
    """Some rows of a frame; its columns become arrays once, whichever rows are asked for.

    Parameters
    ----------
    frame
        Never written into.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._names = [str(name) for name in frame]
        self._rows: Array | None = None
        #: shared with the tables of other rows
        self._arrays: dict[str, Array] = {}

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return list(self._names)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._frame) if self._rows is None else len(self._rows)

    def raw(self, columns: Sequence[str]) -> Array:
        """Return a private array `(rows, columns)` as scikit-learn takes it."""
        arrays = [self._array(column) for column in columns]
        kinds = {array.dtype.kind for array in arrays}
        if kinds <= set("biuf") or len({array.dtype for array in arrays}) == 1:
            # each column in one piece: its sum is then the pairwise one of the column alone
            lanes: Array = np.empty((len(arrays), len(self)), np.result_type(*arrays))
            for lane, array in zip(lanes, arrays, strict=True):
                self._fill(lane, array)
            return lanes.T
        return mixed_array([self._taken(array) for array in arrays])

    def leftover(self, columns: Sequence[str]) -> list[Array]:
        """Return each of some columns that no coder takes; booleans as float32."""
        return [
            self._taken(leftover_values(self._array(name), self._frame[name])) for name in columns
        ]

    def at(self, rows: Array | slice) -> FrameTable:
        """Return some of the rows, in the order given."""
        own = np.arange(len(self._frame)) if self._rows is None else self._rows
        return self._derived(own[rows], self._names)

    def of(self, columns: Sequence[str]) -> FrameTable:
        """Return the same rows of some columns only."""
        return self._derived(self._rows, list(columns))

    def dtypes(self) -> dict[str, str]:
        """Return {column: dtype}."""
        return {name: str(self._frame[name].dtype) for name in self._names}

    def _derived(self, rows: Array | None, names: list[str]) -> FrameTable:
        table = FrameTable(self._frame)
        table._arrays, table._rows, table._names = self._arrays, rows, names
        return table

    def _array(self, column: str) -> Array:
        if column not in self._arrays:
            self._arrays[column] = column_values(self._frame[column])
        return self._arrays[column]

    def _taken(self, array: Array) -> Array:
        return array if self._rows is None else array[self._rows]

    def _fill(self, lane: Array, array: Array) -> None:
        if self._rows is None:
            lane[:] = array
        elif lane.dtype == array.dtype:
            # positions were checked; 'raise' would gather into a buffer first
            np.take(array, self._rows, out=lane, mode="wrap")
        else:
            lane[:] = array[self._rows]


class ArrayTable:
    """An array `(rows, columns)` of numbers with named columns.

    Parameters
    ----------
    values
        Never written into.
    names
        One a column.
    """

    def __init__(self, values: Array, names: Sequence[str]) -> None:
        self._values = values
        self._names = list(names)

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return list(self._names)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._values)

    def raw(self, columns: Sequence[str]) -> Array:
        """Return a private array `(rows, columns)`."""
        if list(columns) == self._names:
            return np.array(self._values, order="C")
        return np.take(self._values, [self._names.index(name) for name in columns], axis=1)

    def leftover(self, columns: Sequence[str]) -> list[Array]:
        """Return each of some columns that no coder takes; booleans as float32."""
        lanes = [self._values[:, self._names.index(name)] for name in columns]
        return [lane.astype(np.float32) if lane.dtype.kind == "b" else lane for lane in lanes]

    def at(self, rows: Array | slice) -> ArrayTable:
        """Return some of the rows, in the order given."""
        return ArrayTable(self._values[rows], self._names)

    def of(self, columns: Sequence[str]) -> ArrayTable:
        """Return the same rows of some columns only."""
        if list(columns) == self._names:
            return self
        places = [self._names.index(name) for name in columns]
        return ArrayTable(np.take(self._values, places, axis=1), columns)

    def dtypes(self) -> dict[str, str]:
        """Return {column: dtype}."""
        return dict.fromkeys(self._names, str(self._values.dtype))


def as_table(data: pd.DataFrame | Table) -> Table:
    """Return a frame as a Table; a Table as it is."""
    return FrameTable(data) if isinstance(data, pd.DataFrame) else data


def flat_table(array: Array, names: Sequence[str]) -> ArrayTable:
    """Return an array `(..., columns)` as rows: every position but the last axis is one.

    Examples
    --------
    >>> len(flat_table(np.zeros((4, 3, 2)), ["a", "b"]))
    12
    """
    rows: Any = array.reshape(-1, array.shape[-1])
    return ArrayTable(rows, names)
