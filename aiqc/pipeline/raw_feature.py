"""The data of one Feature, interpolated, as coders learn from it and encode it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from aiqc.data.array_source import MemorySource
from aiqc.pipeline.feature_rules import FoldRows
from aiqc.pipeline.interpolate import interpolate_array, interpolate_rows
from aiqc.pipeline.table import FrameTable, flat_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from aiqc.core.types import Array, Shape
    from aiqc.data.array_source import ArraySource
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.interpolate import InterpolateStep
    from aiqc.pipeline.table import Table

#: an array of at most so many bytes is read once and kept; a larger one is read in steps
RESIDENT_BYTES = 256_000_000
#: bytes of float64 that one step holds
STEP_BYTES = 16_000_000


class EncodedSplit(Protocol):
    """Encoded rows of one split."""

    def at(self, rows: Array) -> Array:
        """Return the encoded rows at some positions of the data, in the order given."""
        ...


class RawFeature(Protocol):
    """Rows of a Feature's data before they are encoded."""

    @property
    def sample_shape(self) -> Shape:
        """Shape of one row of the data, columns last: `(columns,)`, `(rows, columns)`, ..."""
        ...

    @property
    def row_count(self) -> int:
        """Number of rows of the data."""
        ...

    def learned(self, columns: Sequence[str], fold: FoldRows) -> Iterator[Table]:
        """Yield the rows that a coder may learn from, in one table or several."""
        ...

    def everything(self, columns: Sequence[str], fold: FoldRows) -> Iterator[Table]:
        """Yield all rows, in one table or several."""
        ...

    def float_bytes(self, columns: Sequence[str], row_count: int) -> int:
        """Return the bytes of rows as float64; 0 where they are in memory anyway."""
        ...

    def split(self, fit: FeatureFit, name: str, fold: FoldRows) -> EncodedSplit:
        """Return the rows of a split, to be encoded."""
        ...


class FrameFeature:
    """A tabular Feature, in memory.

    Parameters
    ----------
    frame
        All rows; never written into.
    steps
        The interpolaters, in order.
    """

    def __init__(self, frame: pd.DataFrame, steps: Sequence[InterpolateStep] = ()) -> None:
        self._frame = frame
        self._steps = list(steps)
        self._table = FrameTable(frame)
        self.sample_shape: Shape = (frame.shape[1],)
        self.row_count = len(frame)

    def whole(self) -> Table:
        """Return all rows, interpolated as if there were no splits."""
        fold = FoldRows({"": np.arange(self.row_count)}, "")
        return self._filled(self._table.names, fold.fit_rows(), fold)

    def learned(self, columns: Sequence[str], fold: FoldRows) -> Iterator[Table]:
        """Yield the training rows, interpolated."""
        yield self._filled(columns, fold.fit_rows(), fold)

    def everything(self, columns: Sequence[str], fold: FoldRows) -> Iterator[Table]:
        """Yield all rows, each interpolated as in its split, or in each of its splits."""
        steps = _steps_of(self._steps, columns)
        frame = self._frame[list(columns)]
        if not steps:
            yield FrameTable(frame)
            return
        for _, part in _filled_parts(frame, steps, fold):
            yield FrameTable(part)

    def float_bytes(self, columns: Sequence[str], row_count: int) -> int:  # noqa: ARG002
        """Return 0: a table is in memory."""
        return 0

    def split(self, fit: FeatureFit, name: str, fold: FoldRows) -> EncodedSplit:
        """Return the encoded rows of a split, in memory."""
        rows = fold.rows(name)
        table = self._filled(fit.columns, rows, fold)
        return EncodedTable(fit.transform(table), rows)

    def _filled(self, columns: Sequence[str], rows: Array, fold: FoldRows) -> Table:
        steps = _steps_of(self._steps, columns)
        if not steps:
            return self._table.at(rows).of(columns)
        frame = self._frame[list(columns)]
        return FrameTable(interpolate_rows(frame, steps, fold.train_rows(), rows))


class ArrayFeature:
    """A sequence or image Feature: kept in memory if it is small, else read in steps.

    Parameters
    ----------
    source
        Open as long as this is used.
    columns
        Names on its last axis.
    steps
        The interpolaters, in order; they fill each slice of rows and columns alone.
    """

    def __init__(
        self, source: ArraySource, columns: Sequence[str], steps: Sequence[InterpolateStep] = ()
    ) -> None:
        size = source.dtype.itemsize * int(np.prod(source.shape, dtype=np.int64))
        if size <= RESIDENT_BYTES and not isinstance(source, MemorySource):
            source = MemorySource(source.read())
        self._source = source
        self._columns = list(columns)
        self._steps = list(steps)
        self.sample_shape: Shape = tuple(source.shape[1:])
        self.row_count = int(source.shape[0])

    def learned(self, columns: Sequence[str], fold: FoldRows) -> Iterator[Table]:
        """Yield the training rows, interpolated."""
        return self._tables(columns, fold.fit_rows())

    def everything(self, columns: Sequence[str], fold: FoldRows) -> Iterator[Table]:  # noqa: ARG002
        """Yield all rows, interpolated."""
        return self._tables(columns, np.arange(self.row_count))

    def float_bytes(self, columns: Sequence[str], row_count: int) -> int:
        """Return the bytes of rows as float64."""
        places = int(np.prod(self.sample_shape[:-1], dtype=np.int64))
        return row_count * places * len(columns) * 8

    def split(self, fit: FeatureFit, name: str, fold: FoldRows) -> EncodedSplit:  # noqa: ARG002
        """Return the rows of a split, which are read and encoded when they are asked for."""
        return EncodedSource(self, fit)

    def filled(self, rows: Array, columns: Sequence[str]) -> Array:
        """Return some rows and columns, interpolated, `(rows, ..., columns)`."""
        own = list(columns) == self._columns
        places = None if own else [self._columns.index(name) for name in columns]
        return _filled_array(self._source.read(rows, places), columns, self._steps)

    def _tables(self, columns: Sequence[str], rows: Array) -> Iterator[Table]:
        step = max(1, STEP_BYTES // max(self.float_bytes(columns, 1), 1))
        if self.float_bytes(columns, len(rows)) <= RESIDENT_BYTES:
            step = max(len(rows), 1)
        for start in range(0, len(rows), step):
            yield flat_table(self.filled(rows[start : start + step], columns), columns)


class EncodedTable:
    """Encoded rows in memory.

    Parameters
    ----------
    encoded
        `(rows, encoded columns)`.
    rows
        Their positions in the data.
    """

    def __init__(self, encoded: Array, rows: Array) -> None:
        self._encoded = encoded
        self._rows = rows
        #: position in the data -> row of `encoded`, made when it is needed
        self._places: Array | None = None

    def at(self, rows: Array) -> Array:
        """Return the encoded rows at some positions of the data."""
        if rows is self._rows or np.array_equal(rows, self._rows):
            return self._encoded
        if self._places is None:
            self._places = np.zeros(int(self._rows.max(initial=0)) + 1, dtype=np.int64)
            self._places[self._rows] = np.arange(len(self._rows))
        return self._encoded[self._places[rows]]


class EncodedSource:
    """Rows that are read and encoded each time they are asked for.

    Parameters
    ----------
    raw
        Where they come from.
    fit
        How they are encoded.
    """

    def __init__(self, raw: ArrayFeature, fit: FeatureFit) -> None:
        self._raw = raw
        self._fit = fit

    def at(self, rows: Array) -> Array:
        """Return the encoded rows at some positions of the data; each is encoded once."""
        flat = rows.reshape(-1)
        distinct, places = np.unique(flat, return_inverse=True)
        if len(distinct) == len(flat):
            encoded = self._encode(flat)
        else:
            encoded = self._encode(distinct)[places]
        return encoded.reshape(*rows.shape, *encoded.shape[1:])

    def _encode(self, rows: Array) -> Array:
        return self._fit.transform_array(self._raw.filled(rows, self._fit.columns))


def array_table(array: Array, columns: Sequence[str], steps: Sequence[InterpolateStep]) -> Table:
    """Return an array `(samples, ..., columns)` as rows, interpolated.

    Parameters
    ----------
    array
        Never written into.
    columns
        Names on its last axis.
    steps
        The interpolaters, in order; those of other columns are left out.
    """
    return flat_table(_filled_array(array, columns, steps), columns)


def filled_frame(
    frame: pd.DataFrame, steps: Sequence[InterpolateStep], fold: FoldRows
) -> pd.DataFrame:
    """Return all rows of a frame, each interpolated as it is in its own split.

    Parameters
    ----------
    frame
        All rows; never written into.
    steps
        The interpolaters, in order.
    fold
        Which rows are in which split. A row in none is filled beside the training rows, as those
        of another split are.
    """
    if not steps:
        return frame
    filled = frame.reset_index(drop=True)
    for rows, part in _filled_parts(frame, steps, fold):
        for step in steps:
            for column in step.columns:
                values = filled[column].to_numpy(copy=True)
                values[rows] = part[column].to_numpy()
                filled[column] = values
    return filled


def _filled_parts(
    frame: pd.DataFrame, steps: Sequence[InterpolateStep], fold: FoldRows
) -> Iterator[tuple[Array, pd.DataFrame]]:
    """Yield the rows of each split, then those of none, and these rows interpolated."""
    is_free = np.ones(len(frame), dtype=bool)
    train = fold.train_rows()
    for name in fold.splits:
        rows = fold.rows(name)
        is_free[rows] = False
        yield rows, interpolate_rows(frame, steps, train, rows)
    # windows begin after them, or given folds leave them out
    free = np.flatnonzero(is_free)
    if free.size:
        yield free, interpolate_rows(frame, steps, train, free)


def _filled_array(array: Array, columns: Sequence[str], steps: Sequence[InterpolateStep]) -> Array:
    own = _steps_of(steps, columns)
    return interpolate_array(array, list(columns), own) if own else array


def _steps_of(steps: Sequence[InterpolateStep], columns: Sequence[str]) -> list[InterpolateStep]:
    """Return the steps of some columns, without other columns."""
    wanted = set(columns)
    kept = []
    for step in steps:
        names = [name for name in step.columns if name in wanted]
        if names:
            kept.append(type(step)(names, step.kwargs, step.process_separately))
    return kept
