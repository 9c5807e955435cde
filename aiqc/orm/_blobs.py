"""Bytes of any size, stored once: content-addressed, chunked, and checked on every read."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from aiqc.core.clock import utc_now
from aiqc.core.errors import InvalidInput
from aiqc.orm._blob_reader import BlobReader, open_blob, read_blob
from aiqc.orm._blob_tables import CHUNK_SIZE, Blob, BlobChunk
from aiqc.orm._blob_writer import (
    COMMIT_BYTES,
    INLINE_SIZE,
    BlobWriter,
    chunk_rows,
    cut,
    put_bytes,
)
from aiqc.orm._proxy import transaction
from aiqc.orm._registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Blob",
    "BlobChunk",
    "BlobReader",
    "BlobWriter",
    "collect_orphans",
    "open_blob",
    "put_blob",
    "put_small",
    "read_blob",
]

#: a blob without a user is kept this long: its row may be about to be written
GRACE_SECONDS = 600


class Readable(Protocol):
    """What a file opened for reading bytes can do."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


def put_blob(data: bytes | bytearray | memoryview | Readable, codec: str) -> Blob:
    """Store bytes, or find that they are stored; returns their row.

    The writing is done in transactions of its own, a few megabytes each, so call it before the
    small transaction that makes a result visible. Of a file at most one batch is in memory.

    Parameters
    ----------
    data
        Bytes, or a file opened for reading bytes.
    codec
        How to read them back, e.g. 'parquet'.

    Raises
    ------
    InvalidInput
        If `data` is neither.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
        return put_bytes(view, codec)
    if not hasattr(data, "read"):
        msg = f"{data!r} of type {type(data).__name__} is neither bytes nor a file."
        raise InvalidInput(msg, hint="Pass bytes, or a file opened with mode 'rb'.", value=data)
    head = _read_fully(data, CHUNK_SIZE)
    if len(head) < CHUNK_SIZE:
        return put_bytes(memoryview(head), codec)
    return _put_stream(_chunks_of_file(head, data), codec)


def put_small(parts: Sequence[tuple[bytes, str]]) -> list[Blob]:
    """Store several small values in one transaction, with few statements; returns their rows.

    Parameters
    ----------
    parts
        (bytes, codec) of each; a megabyte or so in all.

    Raises
    ------
    IntegrityError
        If another process stored one of them at the same moment; `put_blob` waits instead.
    """
    keys = [(hashlib.sha256(data).hexdigest(), codec) for data, codec in parts]
    with transaction():
        query = Blob.select().where(Blob.sha256.in_([digest for digest, _ in keys]))
        stored = {(blob.sha256, blob.codec): blob for blob in query}
        if stored:
            ids = [blob.id for blob in stored.values()]
            Blob.update(time_created=utc_now()).where(Blob.id.in_(ids)).execute()
        chunks: list[dict[str, Any]] = []
        for key, (data, _) in zip(keys, parts, strict=True):
            if key not in stored:
                stored[key], rows = _small(key, data)
                chunks += rows
        if chunks:
            BlobChunk.insert_many(chunks).execute()
    return [stored[key] for key in keys]


def _small(key: tuple[str, str], data: bytes) -> tuple[Blob, list[dict[str, Any]]]:
    """Insert the row of a blob; its chunks are left to the caller."""
    digest, codec = key
    inline = data if len(data) < INLINE_SIZE else None
    blob = Blob.create(sha256=digest, size=len(data), codec=codec, inline=inline)
    if inline is not None:
        return blob, []
    view = memoryview(data)
    return blob, chunk_rows(blob, 0, cut(view, codec))


def _put_stream(parts: Iterator[memoryview], codec: str) -> Blob:
    """Store a blob in several transactions."""
    writer = BlobWriter(codec)
    while batch := list(islice(parts, COMMIT_BYTES // CHUNK_SIZE)):
        writer.write(*batch)
        batch.clear()  # not beside the next one
    return writer.finish()


def _chunks_of_file(head: bytes, file: Readable) -> Iterator[memoryview]:
    while head:
        yield memoryview(head)
        head = _read_fully(file, CHUNK_SIZE)


def _read_fully(file: Any, size: int) -> bytes:
    """Return `size` bytes of a file, fewer only at its end; a pipe gives what it has."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := file.read(missing)):
        if not isinstance(part, bytes | bytearray | memoryview):
            msg = f"{file!r} reads {type(part).__name__}, not bytes."
            raise InvalidInput(msg, hint="Open the file with mode 'rb'.")
        parts.append(bytes(part))
        missing -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def collect_orphans(grace_seconds: float = GRACE_SECONDS) -> int:
    """Delete the blobs that no row points to; returns their number.

    Parameters
    ----------
    grace_seconds
        Blobs stored within this time are kept: the row that needs them may come.
    """
    horizon = utc_now() - timedelta(seconds=grace_seconds)
    with transaction():
        query = Blob.delete().where(Blob.time_created <= horizon, *_unused())
        return int(query.execute())


def _unused() -> list[Any]:
    """Return the conditions that no table of the store points to a blob."""
    tables = set(registry()) - {BlobChunk}
    keys = [key for key, model in Blob._meta.backrefs.items() if model in tables]
    return [Blob.id.not_in(key.model.select(key).where(~key.is_null())) for key in keys]
