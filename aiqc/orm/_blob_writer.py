"""Writing one blob: as bytes at once, or while they come."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from peewee import (  # type: ignore[attr-defined]
    IntegrityError,
    SqliteDatabase,
    __exception_wrapper__,
)

from aiqc.core.clock import utc_now
from aiqc.orm._blob_tables import CHUNK_SIZE, Blob, BlobChunk, checksum, chunk_size_of
from aiqc.orm._connections import raw_connection
from aiqc.orm._proxy import proxy, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: values below this many bytes live in their Blob row; a chunk of its own would waste a page
INLINE_SIZE = 4096
#: bytes of chunks that one transaction writes: others may write in between
COMMIT_BYTES = 8 * CHUNK_SIZE
#: a blob that is still being written is kept for another grace time this often
TOUCH_SECONDS = 60
#: pages of the log at which a commit of SQLite copies it into the file: usually, and while a large
#: blob is written, where each copy waits twice for the disk
CHECKPOINT_PAGES, BLOB_CHECKPOINT_PAGES = 1000, 4000


def put_bytes(view: memoryview, codec: str) -> Blob:
    """Store bytes, or find that they are stored; returns their row."""
    digest = hashlib.sha256(view).hexdigest()
    found = _touched(digest, codec)
    if found is not None:
        return found
    if len(view) < INLINE_SIZE:
        return _put_whole(digest, codec, bytes(view), [])
    if len(view) <= COMMIT_BYTES:
        return _put_whole(digest, codec, None, list(cut(view, codec)))
    writer = BlobWriter(codec)
    writer.write(view)
    return writer.finish()


def _touched(digest: str, codec: str) -> Blob | None:
    """Return the stored blob, kept from the collector for another grace time."""
    same = (Blob.sha256 == digest) & (Blob.codec == codec)
    with transaction():
        if not Blob.update(time_created=utc_now()).where(same).execute():
            return None
        found: Blob | None = Blob.select().where(same).first()
        return found


def _put_whole(digest: str, codec: str, inline: bytes | None, chunks: list[memoryview]) -> Blob:
    """Store a blob in one transaction; whoever stores it first wins."""
    size = len(inline) if inline is not None else sum(map(len, chunks))
    try:
        with transaction():
            blob = Blob.create(sha256=digest, size=size, codec=codec, inline=inline)
            _write_chunks(blob, 0, chunks)
            return blob
    except IntegrityError:
        found = _touched(digest, codec)
        if found is None:
            raise
        return found


class BlobWriter:
    """Stores a blob while its bytes come, in several transactions.

    It gets its true digest, and a name, at the end. What a killed process leaves has a random
    digest that nobody asks for, and is collected.

    Parameters
    ----------
    codec
        As for `put_blob`.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._chunk_size = chunk_size_of(codec)
        self._digest = hashlib.sha256()
        self._size = 0
        self._idx = 0
        #: bytes of the next chunk, fewer than a whole one
        self._rest = b""
        self._blob: Blob | None = None

    def write(self, *parts: memoryview) -> None:
        """Store the next bytes; their memory is free for other use afterwards."""
        chunks = self._whole_chunks(parts)
        while batch := list(islice(chunks, COMMIT_BYTES // self._chunk_size)):
            self._commit(batch)

    def finish(self) -> Blob:
        """Store the last bytes; return the row of the blob, or of one with equal bytes."""
        rest, self._rest = memoryview(self._rest), b""
        if self._blob is None:
            return put_bytes(rest, self._codec)
        if len(rest):
            self._commit([rest])
        blob, self._blob = self._blob, None
        return _named(blob, self._digest.hexdigest(), self._size)

    def discard(self) -> None:
        """Delete what was stored; do nothing after `finish`."""
        blob, self._blob = self._blob, None
        if blob is not None:
            with transaction():
                Blob.delete().where(Blob.id == blob.id).execute()

    def _whole_chunks(self, parts: Sequence[memoryview]) -> Iterator[memoryview]:
        """Yield chunks in order, without a copy where they lie in one part; keep what is left."""
        for part in parts:
            self._digest.update(part)
            self._size += len(part)
            left = part
            if self._rest:
                missing = self._chunk_size - len(self._rest)
                self._rest += bytes(left[:missing])
                left = left[missing:]
                if len(self._rest) < self._chunk_size:
                    continue
                yield memoryview(self._rest)
            whole = len(left) - len(left) % self._chunk_size
            yield from cut(left[:whole], self._codec)
            self._rest = bytes(left[whole:])

    def _commit(self, chunks: list[memoryview]) -> None:
        now = utc_now()
        with _rare_checkpoints(), transaction():
            if self._blob is None:
                self._blob = Blob.create(sha256=secrets.token_hex(32), size=0, codec=self._codec)
            elif now - self._blob.time_created > timedelta(seconds=TOUCH_SECONDS):
                self._blob.time_created = now
                self._blob.save()
            _write_chunks(self._blob, self._idx, chunks)
        self._idx += len(chunks)


@contextmanager
def _rare_checkpoints() -> Iterator[None]:
    """Let this thread's connection to SQLite copy the log less often."""
    if not isinstance(proxy.obj, SqliteDatabase):
        yield
        return
    connection = raw_connection(proxy.obj)
    connection.execute(f"PRAGMA wal_autocheckpoint = {BLOB_CHECKPOINT_PAGES}").fetchall()
    try:
        yield
    finally:
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}").fetchall()


def _named(blob: Blob, digest: str, size: int) -> Blob:
    """Give a written blob its digest; if equal bytes have appeared, return those instead."""
    found = _touched(digest, blob.codec)
    if found is None:
        try:
            with transaction():
                blob.sha256, blob.size, blob.time_created = digest, size, utc_now()
                blob.save()
                return blob
        except IntegrityError:
            found = _touched(digest, blob.codec)
            if found is None:
                raise
    with transaction():
        Blob.delete().where(Blob.id == blob.id).execute()
    return found


def _write_chunks(blob: Blob, first: int, chunks: Sequence[memoryview]) -> None:
    """Insert chunks, on servers with statements of at most 512 KB."""
    if isinstance(proxy.obj, SqliteDatabase):
        # the driver takes the bytes as they are; peewee would copy them
        insert = BlobChunk.insert(_row(blob, first, memoryview(b""))).sql()[0]
        rows = ([*_row(blob, idx, chunk).values()] for idx, chunk in enumerate(chunks, first))
        with __exception_wrapper__:
            raw_connection(proxy.obj).executemany(insert, rows)
        return
    count = CHUNK_SIZE // chunk_size_of(blob.codec)
    for start in range(0, len(chunks), count):
        part = chunks[start : start + count]
        BlobChunk.insert_many(chunk_rows(blob, first + start, part)).execute()


def chunk_rows(blob: Blob, first: int, chunks: Iterable[memoryview]) -> list[dict[str, Any]]:
    """Return the values of chunks from number `first` on."""
    return [_row(blob, idx, chunk) for idx, chunk in enumerate(chunks, first)]


def _row(blob: Blob, idx: int, chunk: memoryview) -> dict[str, Any]:
    """Return the values of a chunk in the order of the columns of its table."""
    return {"blob": blob.id, "idx": idx, "crc": checksum(chunk, idx), "data": chunk}


def cut(view: memoryview, codec: str) -> Iterator[memoryview]:
    """Yield the chunks of bytes."""
    size = chunk_size_of(codec)
    return (view[start : start + size] for start in range(0, len(view), size))
