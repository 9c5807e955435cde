"""Reading blobs, whole or in ranges; every chunk is checked."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from peewee import fn

from aiqc.core.errors import CorruptBlob, StoreError
from aiqc.orm._blob_tables import CHUNK_SIZE, Blob, BlobChunk, checksum, chunk_size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: bytes of the chunks of one SELECT
QUERY_BYTES = 8 * 1024 * 1024
#: bytes of the chunks that a reader keeps
CACHED_BYTES = 8 * 1024 * 1024
#: after so many fetches in a row that each begin where the one before ended, more is fetched
IN_ORDER = 3
#: what is fetched ahead then; less than what is kept
AHEAD_BYTES = 6 * 1024 * 1024
#: a part of a chunk that is wanted: number of the chunk, first byte in it, where it goes
Segment = tuple[int, int, memoryview]


def read_blob(blob: Blob) -> bytes:
    """Return all bytes of a blob, checked against its SHA-256.

    Raises
    ------
    CorruptBlob
        If the stored bytes are not those that were written.
    """
    blob.check_store()
    data = b"".join(_pieces(blob))
    if len(data) != blob.size or hashlib.sha256(data).hexdigest() != blob.sha256:
        raise _corrupt(blob, f"{len(data):,} bytes do not match its SHA-256")
    return data


def open_blob(blob: Blob) -> BlobReader:
    """Return a blob as a file that fetches only the chunks that are read."""
    return BlobReader(blob)


class BlobReader(io.RawIOBase):
    """A blob as a seekable file for reading, on the thread that opened it.

    For pyarrow use `ParquetFile(reader, pre_buffer=False)`, which stays on the calling thread;
    `read_table` does not.

    Parameters
    ----------
    blob
        A stored blob.
    """

    def __init__(self, blob: Blob) -> None:
        super().__init__()
        blob.check_store()
        self.blob = blob
        self._position = 0
        self._thread = threading.get_ident()
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._known: _Layout | None = None
        #: the chunk after the last one that was fetched, and how often in a row it came next
        self._next, self._in_a_row = -1, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def size(self) -> int:
        """Return the number of bytes of the blob."""
        return self.blob.size

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position, which may lie behind the end; return it.

        Raises
        ------
        ValueError
            If the position would be negative.
        """
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.blob.size}
        position = start[whence] + offset
        if position < 0:
            msg = f"Position {position} is before the start of {self.blob!r}."
            raise ValueError(msg)
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes: all that are left, or `size` of them.

        Raises
        ------
        CorruptBlob
            If a chunk that was read is not the one that was written.
        StoreError
            If another thread than the one that opened it reads.
        """
        self._check()
        left = max(self.blob.size - self._position, 0)
        count = left if size is None or size < 0 else min(size, left)
        data = self._range(self._position, count)
        self._position += count
        return data

    def readall(self) -> bytes:
        """Return the bytes that are left."""
        return self.read(-1)

    def readinto(self, buffer: object, /) -> int:
        """Fill a buffer with the next bytes; return their number.

        Raises
        ------
        CorruptBlob, StoreError
            As `read`.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = self.fill_pieces([(view, self._position)])
        self._position += count
        return count

    def fill_pieces(self, pieces: Sequence[tuple[memoryview, int]]) -> int:
        """Fill each view with the bytes at its offset, with few queries; the position stays.

        Parameters
        ----------
        pieces
            (view, offset) of each, by ascending offset.

        Returns
        -------
        int
            How many bytes there were; fewer than wanted where the blob ends.

        Raises
        ------
        CorruptBlob, StoreError
            As `read`.
        """
        self._check()
        layout, filled = self._layout(), 0
        segments = _segments(pieces, layout)
        groups = ((idx, list(group)) for idx, group in groupby(segments, key=itemgetter(0)))
        while batch := list(islice(groups, layout.chunks_a_query)):
            chunks = self._batch([idx for idx, _ in batch])
            for (_, group), chunk in zip(batch, chunks, strict=True):
                source = memoryview(chunk)
                for _, start, view in group:
                    view[:] = source[start : start + len(view)]
                    filled += len(view)
        return filled

    def _check(self) -> None:
        if self.closed:
            msg = "The reader is closed."
            raise ValueError(msg)
        self.blob.check_store()
        if threading.get_ident() != self._thread:
            msg = f"{self.blob!r} is read by another thread than the one that opened it."
            raise StoreError(msg, hint="For pyarrow: ParquetFile(reader, pre_buffer=False).")

    def _layout(self) -> _Layout:
        if self._known is None:
            self._known = _layout(self.blob)
        return self._known

    def _range(self, start: int, count: int) -> bytes:
        if count == 0:
            return b""
        layout = self._layout()
        size, step = layout.chunk_size, layout.chunks_a_query
        wanted = range(start // size, (start + count - 1) // size + 1)
        parts: list[bytes] = []
        for first in range(0, len(wanted), step):
            parts += self._batch(wanted[first : first + step])
        offset = start - wanted.start * size
        if len(parts) == 1:
            return parts[0][offset : offset + count]
        parts[0] = parts[0][offset:]
        end = count - sum(map(len, parts[:-1]))
        parts[-1] = parts[-1][:end]
        return b"".join(parts)

    def _batch(self, wanted: Sequence[int]) -> list[bytes]:
        """Return chunks in order, from the cache or with one query from the store."""
        kept = {idx: self._cache[idx] for idx in wanted if idx in self._cache}
        missing = [idx for idx in wanted if idx not in kept]
        fetched = [*missing, *self._ahead(missing)]
        found = kept | dict(zip(fetched, _fetch(self._layout(), fetched), strict=True))
        self._keep(found)
        return [found[idx] for idx in wanted]

    def _ahead(self, missing: Sequence[int]) -> range:
        """Return the chunks to fetch with these: the following ones, if all is read in order."""
        if not missing:
            return range(0)
        self._in_a_row = self._in_a_row + 1 if missing[0] == self._next else 0
        layout, start = self._layout(), missing[-1] + 1
        # a few columns of a table are read in order too, and nothing else is wanted then
        count = 0 if self._in_a_row < IN_ORDER else AHEAD_BYTES // layout.chunk_size
        self._next = min(start + count, layout.chunk_count)
        return range(start, self._next)

    def _keep(self, chunks: dict[int, bytes]) -> None:
        limit = CACHED_BYTES // self._layout().chunk_size
        for idx in sorted(chunks)[-limit:]:
            self._cache[idx] = chunks[idx]
            self._cache.move_to_end(idx)
        while len(self._cache) > limit:
            self._cache.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a blob was cut into chunks."""

    blob: Blob
    chunk_size: int

    @property
    def chunk_count(self) -> int:
        return -(-self.blob.size // self.chunk_size)

    @property
    def chunks_a_query(self) -> int:
        return QUERY_BYTES // self.chunk_size

    def length(self, idx: int) -> int:
        """Return the bytes of a chunk; the last one is what is left."""
        return min(self.chunk_size, self.blob.size - idx * self.chunk_size)


def _layout(blob: Blob) -> _Layout:
    """Find out how a blob was cut: arrays were once stored in chunks of the common size."""
    own = chunk_size_of(blob.codec)
    if own == CHUNK_SIZE or blob.inline is not None or blob.size <= own:
        return _Layout(blob, own)
    first = (BlobChunk.blob == blob.id) & (BlobChunk.idx == 0)
    # not as the bytes that the column holds
    length = fn.LENGTH(BlobChunk.data).converter(int)
    found = BlobChunk.select(length).where(first).scalar()
    for size in (own, CHUNK_SIZE):
        if found == min(size, blob.size):
            return _Layout(blob, size)
    raise _corrupt(blob, "chunk 0 is missing or cut off")


def _segments(pieces: Sequence[tuple[memoryview, int]], layout: _Layout) -> Iterator[Segment]:
    """Cut pieces at the ends of chunks, and at the end of the blob."""
    for view, offset in pieces:
        stop = min(offset + len(view), layout.blob.size)
        position = offset
        while position < stop:
            idx, start = divmod(position, layout.chunk_size)
            count = min(layout.chunk_size - start, stop - position)
            yield idx, start, view[position - offset : position - offset + count]
            position += count


def _pieces(blob: Blob) -> Iterator[bytes]:
    layout = _layout(blob)
    wanted, step = range(layout.chunk_count), layout.chunks_a_query
    for start in range(0, len(wanted), step):
        yield from _fetch(layout, wanted[start : start + step])


def _fetch(layout: _Layout, wanted: Sequence[int]) -> list[bytes]:
    """Return checked chunks by ascending index."""
    if not wanted:
        return []
    blob = layout.blob
    if blob.inline is not None:
        if len(blob.inline) != blob.size or hashlib.sha256(blob.inline).hexdigest() != blob.sha256:
            raise _corrupt(blob, f"its {len(blob.inline):,} bytes do not match its SHA-256")
        return [blob.inline]
    found = _rows(blob, wanted)
    chunks = []
    for idx in wanted:
        if idx not in found:
            raise _corrupt(blob, f"chunk {idx} is missing")
        crc, data = found[idx]
        if checksum(data, idx) != crc or len(data) != layout.length(idx):
            raise _corrupt(blob, f"chunk {idx} does not match its checksum")
        chunks.append(data)
    return chunks


def _rows(blob: Blob, wanted: Sequence[int]) -> dict[int, tuple[int, bytes]]:
    """Return {index: (checksum, bytes)} of the chunks that are stored."""
    is_run = wanted[-1] - wanted[0] == len(wanted) - 1
    # the names of many chunks take longer to write than a range of them
    where = BlobChunk.idx.between(wanted[0], wanted[-1]) if is_run else BlobChunk.idx.in_(wanted)
    query = BlobChunk.select(BlobChunk.idx, BlobChunk.crc, BlobChunk.data)
    rows: Any = query.where((BlobChunk.blob == blob.id) & where).tuples()
    return {idx: (crc, data) for idx, crc, data in rows}


def _corrupt(blob: Blob, problem: str) -> CorruptBlob:
    msg = f"Blob {blob.id} ({blob.codec!r}, {blob.size:,} bytes) is damaged: {problem}."
    hint = "Restore the metastore from a backup."
    return CorruptBlob(msg, hint=hint, blob=blob.id, sha256=blob.sha256)
