"""Arrays of any size, read by position: only the samples and columns that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from aiqc.core.errors import InvalidInput
from aiqc.data.retype_array import retype_array
from aiqc.data.samples import plan_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.core.types import Array, Shape

#: what one step of a pass over a source holds
STEP_BYTES = 8_000_000


class ArraySource(Protocol):
    """An array that may be larger than memory: in memory, in a file, a blob or image files."""

    @property
    def shape(self) -> Shape:
        """Shape of the whole, samples first."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """What `read` returns, in the machine's byte order."""
        ...

    def read(
        self, samples: slice | Array | None = None, columns: Sequence[int] | None = None
    ) -> Array:
        """Return a private array equal to `whole[samples][..., columns]`.

        Parameters
        ----------
        samples
            A slice, or positions from 0, in the order wanted, repeats allowed; all by default.
        columns
            Positions on the last axis, in the order wanted; all by default.

        Raises
        ------
        InvalidInput
            If a position is negative or too large.
        """
        ...

    def close(self) -> None:
        """Let go of the file, if there is one."""
        ...


class MemorySource:
    """An array in memory as a source.

    Parameters
    ----------
    array
        `(samples, ..., columns)`; it is not copied before it is read.
    """

    def __init__(self, array: Array) -> None:
        self._array = array
        self.shape: Shape = array.shape
        self.dtype: np.dtype[Any] = array.dtype.newbyteorder("=")

    def read(
        self, samples: slice | Array | None = None, columns: Sequence[int] | None = None
    ) -> Array:
        """Return a private array equal to `whole[samples][..., columns]`."""
        runs, inverse = plan_runs(samples, self.shape[0])
        parts = [take_columns(self._array[start:stop], columns) for start, stop in runs]
        return joined(parts, inverse, self.shape, self.dtype, columns)

    def close(self) -> None:
        """Do nothing."""


class SelectedSource:
    """Some columns of a source, in another dtype: what a Dataset or Feature shows of it.

    Parameters
    ----------
    source
        The whole.
    columns
        Positions on its last axis; all by default.
    dtype
        What the values become; as they are by default.
    """

    def __init__(
        self,
        source: ArraySource,
        columns: Sequence[int] | None = None,
        dtype: np.dtype[Any] | None = None,
    ) -> None:
        self._source = source
        self._columns = None if columns is None else list(columns)
        width = source.shape[-1] if self._columns is None else len(self._columns)
        self.shape: Shape = (*source.shape[:-1], width)
        self.dtype: np.dtype[Any] = source.dtype if dtype is None else dtype

    def read(
        self, samples: slice | Array | None = None, columns: Sequence[int] | None = None
    ) -> Array:
        """Return a private array equal to `whole[samples][..., columns]`."""
        own = self._columns
        if columns is not None:
            wanted = check_positions(columns, self.shape[-1])
            own = wanted if own is None else [own[position] for position in wanted]
        first = samples.indices(self.shape[0])[0] if isinstance(samples, slice) else 0
        return retype_array(self._source.read(samples, own), self.dtype, first)

    def close(self) -> None:
        """Close the whole."""
        self._source.close()


def steps(source: ArraySource, step_bytes: int = STEP_BYTES) -> Iterator[Array]:
    """Yield a source in order, some samples at a time: at least one, at most `step_bytes`."""
    for start, stop in step_bounds(source.shape, source.dtype.itemsize, step_bytes):
        yield source.read(slice(start, stop))


def step_bounds(
    shape: Shape, item_bytes: int, step_bytes: int = STEP_BYTES
) -> Iterator[tuple[int, int]]:
    """Yield the half-open ranges of samples that `steps` reads."""
    sample_bytes = item_bytes * int(np.prod(shape[1:], dtype=np.int64))
    count = max(step_bytes // max(sample_bytes, 1), 1)
    for start in range(0, shape[0], count):
        yield start, min(start + count, shape[0])


def take_columns(array: Array, columns: Sequence[int] | None) -> Array:
    """Return some columns of an array; the array itself when all are wanted."""
    if columns is None:
        return array
    return np.take(array, check_positions(columns, array.shape[-1]), axis=-1)


def check_positions(columns: Sequence[int], count: int) -> list[int]:
    """Return positions on the last axis after checking that each exists.

    Raises
    ------
    InvalidInput
        If one is negative or too large; names it and the count.
    """
    for position in columns:
        if not 0 <= position < count:
            msg = f"There is no column at position {position}: there are {count} columns."
            raise InvalidInput(msg, hint=f"Use 0 to {count - 1}.", position=position)
    return list(columns)


def joined(
    parts: list[Array],
    inverse: Array | None,
    shape: Shape,
    dtype: np.dtype[Any],
    columns: Sequence[int] | None,
) -> Array:
    """Return the runs that were read as one private array in C order, in the order wanted.

    Parameters
    ----------
    parts
        Arrays of some samples each, columns chosen.
    inverse
        As `plan_runs` returned it.
    shape, dtype
        Of the whole.
    columns
        The chosen columns; None for all.
    """
    width = shape[-1] if columns is None else len(columns)
    count = sum(map(len, parts))
    whole: Array = np.empty((count, *shape[1:-1], width), dtype=dtype)
    filled = 0
    for part in parts:
        whole[filled : filled + len(part)] = part
        filled += len(part)
    return whole if inverse is None else whole[inverse]


def as_bytes(array: Array) -> memoryview:
    """Return the memory of an array in C order, to be read or filled."""
    return array.reshape(-1).view(np.uint8).data
