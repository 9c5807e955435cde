"""The npy format, read in pieces from any file and written as a stream; never unpickled."""

from __future__ import annotations

import io
import os
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from aiqc.core.errors import InvalidData
from aiqc.data.array_source import STEP_BYTES, as_bytes, step_bounds, take_columns
from aiqc.data.samples import plan_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from aiqc.core.types import Array, Shape
    from aiqc.data.array_source import ArraySource
    from aiqc.data.samples import Runs

#: longer headers are attacks or structured dtypes; numpy's own limit
_MAX_HEADER = 10_000
#: values between two that are wanted, of which reading takes less time than a second call
_GAP_BYTES = 4096
#: what numpy raises on headers that are no literal, or nested too deeply
_MALFORMED = (
    ValueError, EOFError, SyntaxError, TypeError, OSError, tokenize.TokenError,
    MemoryError, RecursionError,
)  # fmt: skip


class ByteReader(Protocol):
    """A file that is read at positions."""

    def size(self) -> int:
        """Return the number of bytes of the file."""
        ...

    def fill(self, view: memoryview, offset: int) -> int:
        """Fill a view with the bytes at an offset; return how many there were."""
        ...

    def fill_pieces(self, pieces: Sequence[tuple[memoryview, int]]) -> int:
        """Fill each view with the bytes at its offset, ascending; return how many there were."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class LocalBytes:
    """A local file, read at positions; no part of it is mapped.

    Parameters
    ----------
    path
        Of a file that exists.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115, PTH123 - closed by `close`

    def stat(self) -> os.stat_result:
        """Return the facts about the file that is open, whatever its path shows by now."""
        return os.fstat(self._file.fileno())

    def size(self) -> int:
        """Return the number of bytes of the file."""
        return self.stat().st_size

    def fill(self, view: memoryview, offset: int) -> int:
        """Fill a view with the bytes at an offset; return how many there were."""
        self._file.seek(offset)
        return _fill(self._file, view)

    def fill_pieces(self, pieces: Sequence[tuple[memoryview, int]]) -> int:
        """Fill each view with the bytes at its offset, ascending; return how many there were."""
        return sum(self.fill(view, offset) for view, offset in pieces)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class FileBytes:
    """An open seekable file, such as a blob's reader or a file of fsspec, read at positions.

    Parameters
    ----------
    file
        Open for binary reading and seeking.
    """

    def __init__(self, file: Any) -> None:
        self._file = file

    def size(self) -> int:
        """Return the number of bytes of the file."""
        return int(self._file.seek(0, os.SEEK_END))

    def fill(self, view: memoryview, offset: int) -> int:
        """Fill a view with the bytes at an offset; return how many there were."""
        self._file.seek(offset)
        return _fill(self._file, view)

    def fill_pieces(self, pieces: Sequence[tuple[memoryview, int]]) -> int:
        """Fill each view with the bytes at its offset, ascending; return how many there were."""
        if hasattr(self._file, "fill_pieces"):
            return int(self._file.fill_pieces(pieces))
        return sum(self.fill(view, offset) for view, offset in pieces)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Header:
    shape: Shape
    #: as the file holds it, byte order included
    dtype: np.dtype[Any]
    is_fortran: bool
    #: bytes before the first value
    offset: int


class NpySource:
    """The array of an npy file, read in runs of samples.

    Parameters
    ----------
    reader
        The file's bytes.
    name
        What messages call the file.

    Raises
    ------
    InvalidData
        If the file is not an npy file, or ends before its last value.
    """

    def __init__(self, reader: ByteReader, name: str) -> None:
        self._reader = reader
        self._name = name
        self._header = _read_header(reader, name)
        _check_size(reader.size(), self._header, name)
        self.shape: Shape = self._header.shape
        self.dtype: np.dtype[Any] = self._header.dtype.newbyteorder("=")

    def read(
        self, samples: slice | Array | None = None, columns: Sequence[int] | None = None
    ) -> Array:
        """Return a private array equal to `whole[samples][..., columns]`."""
        runs, inverse = plan_runs(samples, self.shape[0])
        total = sum(stop - start for start, stop in runs)
        width = self.shape[-1] if columns is None else len(columns)
        whole: Array = np.empty((total, *self.shape[1:-1], width), dtype=self.dtype)
        is_plain = columns is None and self._header.dtype == self.dtype
        limit = total if columns is None else max(STEP_BYTES // max(self._row_bytes, 1), 1)
        filled = 0
        for batch in _batches(runs, limit):
            count = sum(stop - start for start, stop in batch)
            part = whole[filled : filled + count]
            if is_plain:
                self._read_runs(batch, part)
            else:
                rows: Array = np.empty((count, *self.shape[1:]), dtype=self._header.dtype)
                self._read_runs(batch, rows)
                part[...] = take_columns(rows, columns)
            filled += count
        return whole if inverse is None else whole[inverse]

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    @property
    def _row_bytes(self) -> int:
        return self._header.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))

    def _read_runs(self, runs: Runs, rows: Array) -> None:
        """Fill an array in C order with runs of samples, as the file holds the values."""
        if self._header.is_fortran:
            self._read_fortran(runs, rows)
            return
        view, size, first = as_bytes(rows), self._row_bytes, self._header.offset
        pieces, filled = [], 0
        for start, stop in runs:
            count = (stop - start) * size
            pieces.append((view[filled : filled + count], first + start * size))
            filled += count
        self._fill(pieces)

    def _read_fortran(self, runs: Runs, rows: Array) -> None:
        """Fill an array as `_read_runs`; the samples of one position lie together in the file."""
        header, filled = self._header, 0
        size = header.dtype.itemsize
        for span in _spans(runs, _GAP_BYTES // size, STEP_BYTES // max(self._row_bytes, 1)):
            start, stop = span[0][0], span[-1][1]
            lines: Array = np.empty((int(np.prod(self.shape[1:])), stop - start), header.dtype)
            firsts = (position * self.shape[0] + start for position in range(len(lines)))
            offsets = (header.offset + first * size for first in firsts)
            self._fill([(as_bytes(line), at) for line, at in zip(lines, offsets, strict=True)])
            samples = lines.reshape(*self.shape[:0:-1], stop - start).T
            for first, end in span:
                rows[filled : filled + end - first] = samples[first - start : end - start]
                filled += end - first

    def _fill(self, pieces: list[tuple[memoryview, int]]) -> None:
        if self._reader.fill_pieces(pieces) < sum(len(view) for view, _ in pieces):
            msg = f"{self._name!r} is cut off: it ends before its last value."
            hint = "Write it again with np.save, or copy it again."
            raise InvalidData(msg, hint=hint, path=self._name, shape=self.shape)


class NpyStream(io.RawIOBase):
    """A source as the bytes that `np.save` would write, made while they are read.

    Parameters
    ----------
    source
        Read once, in order.
    """

    def __init__(self, source: ArraySource) -> None:
        super().__init__()
        self._parts = _npy_parts(source)
        self._part = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes of the next part; none at the end."""
        if not len(self._part):
            self._part = next(self._parts, memoryview(b""))
        count = len(self._part) if size is None or size < 0 else size
        data = bytes(self._part[:count])
        self._part = self._part[count:]
        return data


def npy_header(shape: Shape, dtype: np.dtype[Any]) -> bytes:
    """Return what `np.save` writes before the values of an array in C order."""
    sink = io.BytesIO()
    facts = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(cast("BinaryIO", sink), facts)
    return sink.getvalue()


def _batches(runs: Runs, limit: int) -> Iterator[Runs]:
    """Cut and group runs, so that no group has more than `limit` samples."""
    batch: Runs = []
    room = limit
    for first, stop in runs:
        start = first
        while start < stop:
            end = min(start + room, stop)
            batch.append((start, end))
            room -= end - start
            start = end
            if not room:
                yield batch
                batch, room = [], limit
    if batch:
        yield batch


def _spans(runs: Runs, gap: int, length: int) -> Iterator[Runs]:
    """Group runs that are read as one, with what lies between them.

    Parameters
    ----------
    runs
        Ascending.
    gap
        How many samples may lie between two.
    length
        How many samples a group may span; more where at least half of them are wanted.
    """
    span: Runs = []
    wanted = 0
    for start, stop in runs:
        wanted += stop - start
        if span:
            limit = max(length, 2 * wanted)
            if start - span[-1][1] > gap or stop - span[0][0] > limit:
                yield span
                span, wanted = [], stop - start
        span.append((start, stop))
    if span:
        yield span


def _npy_parts(source: ArraySource) -> Iterator[memoryview]:
    yield memoryview(npy_header(source.shape, source.dtype))
    for start, stop in step_bounds(source.shape, source.dtype.itemsize, STEP_BYTES):
        rows = np.ascontiguousarray(source.read(slice(start, stop)))
        yield as_bytes(rows)


def _read_header(reader: ByteReader, name: str) -> _Header:
    head = bytearray(_MAX_HEADER + 20)
    found = io.BytesIO(bytes(head[: reader.fill(memoryview(head), 0)]))
    read: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        # differs in the letters that names of a structured array may have
        (3, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(found)
        if version not in read:
            raise _not_npy(name, f"its version {version} is not known")
        shape, is_fortran, dtype = read[version](found)
    except InvalidData:
        raise
    except _MALFORMED as error:
        raise _not_npy(name, str(error) or "its header is nested too deeply") from error
    if any(isinstance(length, bool) or length < 0 for length in shape):
        raise _not_npy(name, f"its shape {shape} is impossible")
    return _Header(shape, dtype, is_fortran and len(shape) > 1, found.tell())


def _check_size(size: int, header: _Header, name: str) -> None:
    """Refuse a file that is too short for its header before memory is taken for it."""
    count = 1
    for length in header.shape:
        count *= length
    missing = header.offset + count * header.dtype.itemsize - size
    if missing > 0 and not header.dtype.hasobject:
        msg = f"{name!r} is cut off: {missing:,} bytes of its array {header.shape} are missing."
        hint = "Write it again with np.save, or copy it again."
        raise InvalidData(msg, hint=hint, path=name, shape=header.shape)


def _not_npy(name: str, reason: str) -> InvalidData:
    msg = f"{name!r} is not an npy file that can be read: {' '.join(reason.split())}."
    return InvalidData(msg, hint="Write one array of numbers with np.save.", path=name)


def _fill(file: Any, view: memoryview) -> int:
    """Read until the view is full or the file ends."""
    filled = 0
    while filled < len(view):
        if hasattr(file, "readinto"):
            count = file.readinto(view[filled:]) or 0
        else:
            data = file.read(len(view) - filled)
            count = len(data)
            view[filled : filled + count] = data
        if not count:
            break
        filled += count
    return filled
