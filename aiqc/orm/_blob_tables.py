"""The tables of blobs: bytes of any size, stored once and in chunks."""

from __future__ import annotations

import zlib

from peewee import CompositeKey, ForeignKeyField

from aiqc.core.clock import utc_now
from aiqc.orm._fields import BigInteger, BlobBytes, Digest, Id, Name, Text, UTCDateTime
from aiqc.orm._registry import row_id
from aiqc.orm._store_model import StoreModel

#: bytes of a chunk: a plain SELECT of a few reads a column as fast as SQLite's own blob handle
CHUNK_SIZE = 512 * 1024
#: bytes of a chunk of an array, of which a few samples here and there are read
ARRAY_CHUNK_SIZE = 32 * 1024


class Blob(StoreModel):
    """Bytes that are immutable and stored once; rows point to them by foreign key."""

    id = Id()
    #: SHA-256 of the bytes
    sha256 = Digest()
    #: number of bytes
    size = BigInteger()
    #: how to read the bytes: 'parquet', 'npy', 'skops', ...
    codec = Name()
    #: the bytes, if they are few
    inline = BlobBytes(null=True)
    #: where the bytes are, if they are not in this store
    location = Text(null=True)
    #: when they were last stored, in UTC
    time_created = UTCDateTime(default=utc_now, index=True)

    class Meta:
        """Equal bytes under another codec are another blob."""

        indexes = ((("sha256", "codec"), True),)

    def __repr__(self) -> str:
        return f"<Blob {row_id(self) or 'unsaved'} {self.codec!r} {self.size:,} bytes>"


class BlobChunk(StoreModel):
    """512 KB of a blob, 32 KB of an array."""

    blob = ForeignKeyField(Blob, on_delete="CASCADE", backref="+", index=False)
    #: 0, 1, ...
    idx = BigInteger()
    #: CRC-32 of the bytes, started at `idx`
    crc = BigInteger()
    data = BlobBytes()

    class Meta:
        """A chunk has no id of its own."""

        primary_key = CompositeKey("blob", "idx")


def chunk_size_of(codec: str) -> int:
    """Return the bytes of a chunk of a blob that is written now."""
    return ARRAY_CHUNK_SIZE if codec == "npy" else CHUNK_SIZE


def checksum(data: bytes | memoryview, idx: int) -> int:
    """Return the CRC-32 of a chunk; a chunk in another's place does not match."""
    return zlib.crc32(data, idx)
