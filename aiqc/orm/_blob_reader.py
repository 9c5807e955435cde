"""Reading blobs, whole or in ranges; every chunk is checked."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import CorruptBlob, StoreError
from aiqc.orm._blob_tables import CHUNK_SIZE, Blob, BlobChunk, checksum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: chunks of one SELECT
CHUNKS_A_QUERY = 16
#: chunks that a reader keeps: 4 MB
CACHED_CHUNKS = 8


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
        """Fill a buffer with the next bytes; return their number."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _check(self) -> None:
        if self.closed:
            msg = "The reader is closed."
            raise ValueError(msg)
        self.blob.check_store()
        if threading.get_ident() != self._thread:
            msg = f"{self.blob!r} is read by another thread than the one that opened it."
            raise StoreError(msg, hint="For pyarrow: ParquetFile(reader, pre_buffer=False).")

    def _range(self, start: int, count: int) -> bytes:
        if count == 0:
            return b""
        first, last = start // CHUNK_SIZE, (start + count - 1) // CHUNK_SIZE
        parts = list(self._chunks(range(first, last + 1)))
        offset = start - first * CHUNK_SIZE
        if len(parts) == 1:
            return parts[0][offset : offset + count]
        parts[0] = parts[0][offset:]
        end = count - sum(map(len, parts[:-1]))
        parts[-1] = parts[-1][:end]
        return b"".join(parts)

    def _chunks(self, wanted: range) -> Iterator[bytes]:
        """Yield chunks in order, from the cache or in batches from the store."""
        for start in range(wanted.start, wanted.stop, CHUNKS_A_QUERY):
            batch = range(start, min(start + CHUNKS_A_QUERY, wanted.stop))
            kept = {idx: self._cache[idx] for idx in batch if idx in self._cache}
            missing = [idx for idx in batch if idx not in kept]
            fetched = dict(zip(missing, _fetch(self.blob, missing), strict=True))
            self._keep(kept | fetched)
            yield from ((kept | fetched)[idx] for idx in batch)

    def _keep(self, chunks: dict[int, bytes]) -> None:
        for idx in sorted(chunks):
            self._cache[idx] = chunks[idx]
            self._cache.move_to_end(idx)
        while len(self._cache) > CACHED_CHUNKS:
            self._cache.popitem(last=False)


def _pieces(blob: Blob) -> Iterator[bytes]:
    count = -(-blob.size // CHUNK_SIZE)
    for start in range(0, count, CHUNKS_A_QUERY):
        yield from _fetch(blob, range(start, min(start + CHUNKS_A_QUERY, count)))


def _fetch(blob: Blob, wanted: Sequence[int]) -> list[bytes]:
    """Return checked chunks by index."""
    if not wanted:
        return []
    if blob.inline is not None:
        if len(blob.inline) != blob.size or hashlib.sha256(blob.inline).hexdigest() != blob.sha256:
            raise _corrupt(blob, f"its {len(blob.inline):,} bytes do not match its SHA-256")
        return [blob.inline]
    query = BlobChunk.select(BlobChunk.idx, BlobChunk.crc, BlobChunk.data)
    query = query.where((BlobChunk.blob == blob.id) & BlobChunk.idx.in_(list(wanted)))
    rows: Any = query.tuples()
    found = {idx: (crc, data) for idx, crc, data in rows}
    chunks = []
    for idx in wanted:
        if idx not in found:
            raise _corrupt(blob, f"chunk {idx} is missing")
        crc, data = found[idx]
        if checksum(data, idx) != crc or len(data) != min(
            CHUNK_SIZE, blob.size - idx * CHUNK_SIZE
        ):
            raise _corrupt(blob, f"chunk {idx} does not match its checksum")
        chunks.append(data)
    return chunks


def _corrupt(blob: Blob, problem: str) -> CorruptBlob:
    msg = f"Blob {blob.id} ({blob.codec!r}, {blob.size:,} bytes) is damaged: {problem}."
    hint = "Restore the metastore from a backup."
    return CorruptBlob(msg, hint=hint, blob=blob.id, sha256=blob.sha256)
