"""Blobs are stored once, read in parts, and a flipped bit is found."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import threading
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peewee import ForeignKeyField

from aiqc.core.clock import utc_now
from aiqc.core.errors import CorruptBlob, InvalidInput, RecordInUse, StoreError, WrongStore
from aiqc.orm import _blob_writer
from aiqc.orm._base import BaseModel
from aiqc.orm._blob_tables import ARRAY_CHUNK_SIZE, CHUNK_SIZE
from aiqc.orm._blobs import (
    Blob,
    BlobChunk,
    BlobWriter,
    collect_orphans,
    open_blob,
    put_blob,
    read_blob,
)
from aiqc.orm._database import connect, connection_string, proxy, transaction
from aiqc.orm._registry import extra_models

with extra_models() as TABLES:

    class BlobToy(BaseModel):
        content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
        other = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")


def noise(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size)


SIZES = [0, 1, 4095, 4096, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE]


class Pipe:
    """A file that hands out what it likes, and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self.data.read(min(size, 70_001))


@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_back(store: Any, size: int) -> None:
    data = noise(size)
    for given in (data, bytearray(data), memoryview(data), io.BytesIO(data), Pipe(data)):
        blob = put_blob(given, "raw")
        assert read_blob(blob) == data
        assert (blob.size, blob.sha256) == (size, hashlib.sha256(data).hexdigest())
        assert blob.codec == "raw"
    assert Blob.select().count() == 1
    assert BlobChunk.select().count() == (0 if size < 4096 else -(-size // CHUNK_SIZE))


def test_large_blobs_take_several_commits_and_little_memory(any_store: Any) -> None:
    size = 40 * CHUNK_SIZE + 17
    seen: list[int] = []

    class Source:
        left, digest = size, hashlib.sha256()

        def read(self, count: int) -> bytes:
            part = noise(min(count, self.left), self.left)
            self.left -= len(part)
            self.digest.update(part)
            seen.append(proxy.obj.transaction_depth())
            return part

    source = Source()
    tracemalloc.start()
    blob = put_blob(source, "raw")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(seen) == {0}  # no transaction is open while the source is read
    assert blob.sha256 == source.digest.hexdigest()
    assert hashlib.sha256(read_blob(blob)).hexdigest() == blob.sha256
    if any_store.path is not None:  # drivers of servers escape the bytes once more
        assert peak < 14 * CHUNK_SIZE
    assert BlobChunk.select().count() == 41
    assert put_blob(noise(5000), "raw").id != blob.id


def test_memoryview_of_numbers_is_stored_as_its_bytes(store: Any) -> None:
    array = np.arange(1000, dtype=np.float64).reshape(20, 50)
    assert read_blob(put_blob(array.data, "raw")) == array.tobytes()
    assert read_blob(put_blob(np.empty((0, 3)).data, "raw")) == b""


def test_equal_bytes_are_one_row_and_touched(any_store: Any) -> None:
    for data in (b"few", noise(600_000), noise(40 * CHUNK_SIZE)):
        first = put_blob(data, "raw")
        old = utc_now() - timedelta(days=1)
        Blob.update(time_created=old).where(Blob.id == first.id).execute()
        for again in (data, io.BytesIO(data)):
            second = put_blob(again, "raw")
            assert second.id == first.id
        assert second.time_created > old + timedelta(hours=23)
    assert Blob.select().count() == 3
    assert put_blob(b"few", "json").id not in {1, 2, 3}


def test_two_processes_store_the_same_bytes_once(any_store: Any) -> None:
    code = (
        "import sys, io, numpy as np\n"
        "from aiqc.orm._database import connect\n"
        "from aiqc.orm._blobs import put_blob\n"
        "connect(sys.argv[1])\n"
        "for seed in range(10):\n"
        "    size = 3_000_000 if seed % 2 else 12_000_000\n"
        "    print(put_blob(np.random.default_rng(seed).bytes(size), 'raw').id)\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, connection_string()],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    found = [worker.communicate(timeout=120)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert found[0] == found[1]
    assert Blob.select().count() == 10
    for row in Blob.select():
        assert hashlib.sha256(read_blob(row)).hexdigest() == row.sha256


@pytest.mark.parametrize("value", [5, None, "text", [1, 2]])
def test_what_is_neither_bytes_nor_file_is_refused(store: Any, value: Any) -> None:
    with pytest.raises(InvalidInput, match=type(value).__name__):
        put_blob(value, "raw")
    with pytest.raises(InvalidInput, match="mode 'rb'"):
        put_blob(io.StringIO("text" * 5000), "raw")  # type: ignore[arg-type]
    assert Blob.select().count() == 0


# --- damage --------------------------------------------------------------------


def flip(blob: Blob, idx: int, at: int) -> None:
    """Change one bit of a stored chunk."""
    chunk = BlobChunk.get((BlobChunk.blob == blob.id) & (BlobChunk.idx == idx))
    data = bytearray(chunk.data)
    data[at] ^= 0x10
    same = (BlobChunk.blob == blob.id) & (BlobChunk.idx == idx)
    BlobChunk.update({BlobChunk.data: bytes(data)}).where(same).execute()


def swap(blob: Blob) -> None:
    """Exchange the first two chunks, checksums included."""
    rows = {row.idx: row for row in BlobChunk.select().where(BlobChunk.idx < 2)}
    for idx in (0, 1):
        values = {BlobChunk.data: rows[1 - idx].data, BlobChunk.crc: rows[1 - idx].crc}
        same = (BlobChunk.blob == blob.id) & (BlobChunk.idx == idx)
        BlobChunk.update(values).where(same).execute()


DAMAGE = {
    "a bit of the last byte": lambda blob: flip(blob, 2, 99),
    "a bit of the first byte": lambda blob: flip(blob, 0, 0),
    "a missing chunk": lambda blob: BlobChunk.delete().where(BlobChunk.idx == 0).execute(),
    "a cut chunk": lambda blob: BlobChunk.update(data=b"x").where(BlobChunk.idx == 2).execute(),
    "exchanged chunks": swap,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_by_whole_and_range_reads(any_store: Any, damage: Any) -> None:
    data = noise(2 * CHUNK_SIZE + 100)
    blob = put_blob(data, "parquet")
    damage(blob)
    with pytest.raises(CorruptBlob, match=rf"Blob {blob.id} .*parquet.*backup") as caught:
        read_blob(blob)
    assert caught.value.blob == blob.id
    hit = []
    for start in (10, CHUNK_SIZE + 10, 2 * CHUNK_SIZE + 10):
        reader = open_blob(blob)
        reader.seek(start)
        try:
            assert reader.read(20) == data[start : start + 20]
        except CorruptBlob:
            hit.append(start)
    assert hit


def test_damaged_inline_value_is_found(store: Any) -> None:
    blob = put_blob(b"small", "raw")
    Blob.update(inline=b"smull").execute()
    for read in (read_blob, lambda row: open_blob(row).read(2)):
        with pytest.raises(CorruptBlob, match="SHA-256"):
            read(Blob.of(blob.id))


def test_whole_read_checks_the_digest_too(store: Any) -> None:
    blob = put_blob(noise(5000), "raw")
    Blob.update(sha256="0" * 64).execute()
    with pytest.raises(CorruptBlob, match="SHA-256"):
        read_blob(Blob.of(blob.id))


# --- reading in parts --------------------------------------------------------------


def test_reader_equals_a_file(any_store: Any) -> None:
    data = noise(11 * CHUNK_SIZE + 5)
    reader, file = open_blob(put_blob(data, "raw")), io.BytesIO(data)
    rng = np.random.default_rng(1)
    for _ in range(60):
        whence = int(rng.integers(0, 3))
        offset = int(rng.integers(0, len(data)))
        offset = offset if whence == 0 else -offset if whence == 2 else 5
        assert reader.seek(offset, whence) == file.seek(offset, whence)
        count = int(rng.choice([0, 1, 100, CHUNK_SIZE, 3 * CHUNK_SIZE + 1, -1]))
        assert reader.read(count) == file.read(count)
        assert reader.tell() == file.tell()
    reader.seek(len(data) + 10)
    assert reader.read(5) == b""
    reader.seek(0)
    assert reader.readall() == data
    reader.seek(3)
    buffer = bytearray(10)
    assert (reader.readinto(buffer), bytes(buffer)) == (10, data[3:13])
    with pytest.raises(ValueError, match="before the start"):
        reader.seek(-1)
    with reader:
        pass
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


def test_reader_of_a_small_value(store: Any) -> None:
    reader = open_blob(put_blob(b"0123456789", "raw"))
    reader.seek(3)
    assert (reader.read(4), reader.read(), reader.read()) == (b"3456", b"789", b"")


def test_reader_fetches_only_what_is_read(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiqc.orm import _blob_reader

    wanted: list[int] = []
    fetch = _blob_reader._fetch

    def counted(blob: Blob, chunks: Any) -> Any:
        wanted.extend(chunks)
        return fetch(blob, chunks)

    reader = open_blob(put_blob(noise(20 * CHUNK_SIZE), "raw"))
    monkeypatch.setattr(_blob_reader, "_fetch", counted)
    reader.seek(5 * CHUNK_SIZE - 10)
    reader.read(20)
    reader.seek(5 * CHUNK_SIZE - 5)
    reader.read(5)
    reader.seek(19 * CHUNK_SIZE)
    reader.read(1)
    assert wanted == [4, 5, 19]
    reader.seek(0)
    reader.readall()
    assert len(reader._cache) == 16


def test_reading_in_order_fetches_ahead(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiqc.orm import _blob_reader

    batches: list[list[int]] = []
    fetch = _blob_reader._fetch

    def counted(layout: Any, chunks: Any) -> Any:
        batches.append(list(chunks))
        return fetch(layout, chunks)

    data = noise(30 * CHUNK_SIZE + 7)
    reader = open_blob(put_blob(data, "raw"))
    monkeypatch.setattr(_blob_reader, "_fetch", counted)
    parts = [reader.read(CHUNK_SIZE) for _ in range(31)]
    assert b"".join(parts) == data
    fetched = [batch for batch in batches if batch]
    # three fetches in order, then twelve chunks more each time, and none twice
    assert [len(batch) for batch in fetched] == [1, 1, 1, 13, 13, 2]
    assert [idx for batch in fetched for idx in batch] == list(range(31))


def test_reader_stays_on_its_thread(store: Any) -> None:
    reader = open_blob(put_blob(noise(5000), "raw"))
    caught: list[BaseException] = []

    def read() -> None:
        try:
            reader.read(1)
        except StoreError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert "pre_buffer=False" in str(caught[0])


def test_reader_of_another_store_is_refused(store: Any, tmp_path: Path) -> None:
    blob = put_blob(noise(5000), "raw")
    reader = open_blob(blob)
    with extra_models(TABLES):
        connect(tmp_path / "other")
        for read in (lambda: reader.read(1), lambda: read_blob(blob), lambda: open_blob(blob)):
            with pytest.raises(WrongStore):
                read()


def test_columns_of_a_parquet_are_read_without_the_rest(any_store: Any) -> None:
    import pandas as pd
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40_000, 40)), columns=[f"c{i}" for i in range(40)])
    file = io.BytesIO()
    frame.to_parquet(file)
    blob = put_blob(file.getvalue(), "parquet")
    reader = open_blob(blob)
    found = pq.ParquetFile(reader, pre_buffer=False).read(columns=["c3", "c30"]).to_pandas()
    pd.testing.assert_frame_equal(found, frame[["c3", "c30"]])


# --- arrays: smaller chunks, pieces here and there ------------------------------------


ARRAY_SIZES = [5000, ARRAY_CHUNK_SIZE, ARRAY_CHUNK_SIZE + 1, CHUNK_SIZE, 3 * CHUNK_SIZE + 7]


def random_pieces(size: int) -> list[tuple[memoryview, int]]:
    """Views to fill, with ascending offsets; some are empty or pass the end."""
    rng = np.random.default_rng(2)
    offsets = sorted(int(at) for at in rng.integers(0, size, 40))
    counts = rng.choice([0, 1, 100, 40_000], 40)
    pieces = [(memoryview(bytearray(int(n))), at) for n, at in zip(counts, offsets, strict=True)]
    return [*pieces, (memoryview(bytearray(30)), size - 10), (memoryview(bytearray(5)), size + 9)]


@pytest.mark.parametrize("written_as", ["npy", "raw"])
@pytest.mark.parametrize("size", ARRAY_SIZES)
def test_arrays_are_read_whatever_their_chunks_are(
    any_store: Any, monkeypatch: pytest.MonkeyPatch, size: int, written_as: str
) -> None:
    data = noise(size)
    chunk_size = _blob_writer.chunk_size_of(written_as)
    with monkeypatch.context() as patch:
        # arrays were once stored in chunks of the common size
        patch.setattr(_blob_writer, "chunk_size_of", lambda _: chunk_size)
        blob = put_blob(data, "npy")
    assert BlobChunk.select().count() == -(-size // chunk_size)
    assert read_blob(blob) == data
    reader = open_blob(blob)
    for start, count in ((0, 10), (size - 3, 10), (size // 3, size // 2), (0, -1)):
        reader.seek(start)
        assert reader.read(count) == data[start:][: None if count < 0 else count]
    pieces = random_pieces(size)
    found = open_blob(blob).fill_pieces(pieces)
    assert found == sum(len(data[at : at + len(view)]) for view, at in pieces)
    for view, at in pieces:
        expected = data[at : at + len(view)]
        assert bytes(view) == expected + bytes(len(view) - len(expected))


def test_many_pieces_take_one_query(any_store: Any) -> None:
    data = noise(200 * ARRAY_CHUNK_SIZE)
    reader = open_blob(put_blob(data, "npy"))
    reader.seek(7)
    queries: list[str] = []
    proxy.obj.query_hooks.append(lambda event: queries.append(event.sql))
    offsets = [number * ARRAY_CHUNK_SIZE - 2 for number in range(1, 200, 4)]
    pieces = [(memoryview(bytearray(4)), at) for at in offsets]
    assert reader.fill_pieces(pieces) == 4 * len(offsets)
    assert [bytes(view) for view, _ in pieces] == [data[at : at + 4] for at in offsets]
    # the size of its chunks, and the chunks
    assert len(queries) == 2
    assert (reader.tell(), reader.read(3)) == (7, data[7:10])


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
@pytest.mark.parametrize("idx", [0, 2])
def test_damage_of_an_array_is_found_by_pieces(any_store: Any, damage: str, idx: int) -> None:
    blob = put_blob(noise(4 * ARRAY_CHUNK_SIZE), "npy")
    same = BlobChunk.idx == idx
    if damage == "missing":
        BlobChunk.delete().where(same).execute()
    elif damage == "cut":
        BlobChunk.update(data=b"x").where(same).execute()
    else:
        flip(blob, idx, 9)
    with pytest.raises(CorruptBlob, match=f"chunk {idx} "):
        open_blob(blob).fill_pieces([(memoryview(bytearray(1)), idx * ARRAY_CHUNK_SIZE + 5)])
    with pytest.raises(CorruptBlob, match=f"chunk {idx} "):
        read_blob(blob)


# --- writing while the bytes come ------------------------------------------------------


@pytest.mark.parametrize("codec", ["npy", "raw"])
@pytest.mark.parametrize("part_size", [1000, ARRAY_CHUNK_SIZE, 300_001, 6_000_000])
def test_writer_keeps_no_memory_of_the_caller(any_store: Any, codec: str, part_size: int) -> None:
    data = noise(7_000_003)
    writer, buffer = BlobWriter(codec), bytearray(part_size)
    for start in range(0, len(data), part_size):
        part = data[start : start + part_size]
        buffer[: len(part)] = part
        writer.write(memoryview(buffer)[: len(part)])
        buffer[:] = bytes(part_size)
    blob = writer.finish()
    writer.discard()
    assert read_blob(Blob.of(blob.id)) == data
    assert (blob.size, blob.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert put_blob(data, codec).id == blob.id


@pytest.mark.parametrize("size", [0, 10, 4096, ARRAY_CHUNK_SIZE - 1, ARRAY_CHUNK_SIZE, 9_000_000])
def test_writer_finds_equal_bytes(any_store: Any, size: int) -> None:
    data = noise(size)
    first = put_blob(data, "npy")
    writer = BlobWriter("npy")
    writer.write(memoryview(data))
    assert writer.finish().id == first.id
    assert Blob.select().count() == 1
    assert BlobChunk.select().count() == (0 if size < 4096 else -(-size // ARRAY_CHUNK_SIZE))


def test_discarded_bytes_are_gone(any_store: Any) -> None:
    writer = BlobWriter("npy")
    writer.write(memoryview(noise(9_000_000)))
    assert BlobChunk.select().count() > 200
    writer.discard()
    assert (Blob.select().count(), BlobChunk.select().count()) == (0, 0)


def test_blob_that_takes_long_is_not_collected(
    any_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [utc_now()]
    monkeypatch.setattr(_blob_writer, "utc_now", lambda: now[0])
    writer, data = BlobWriter("npy"), noise(1_000_000)
    writer.write(memoryview(data))
    now[0] += timedelta(seconds=5000)
    writer.write(memoryview(data))
    assert Blob.get().time_created == now[0]
    writer.write(memoryview(data))
    assert read_blob(writer.finish()) == 3 * data


def test_log_is_copied_as_usual_after_a_large_blob(store: Any) -> None:
    def pages() -> int:
        return int(proxy.obj.execute_sql("PRAGMA wal_autocheckpoint").fetchone()[0])

    before = pages()
    put_blob(io.BytesIO(noise(9_000_000)), "raw")
    assert pages() == before


# --- collection ------------------------------------------------------------------------


def test_orphans_are_collected_after_their_grace(any_store: Any) -> None:
    used, also, orphan = (put_blob(noise(600_000, seed), "raw") for seed in range(3))
    small = put_blob(b"small orphan", "raw")
    BlobToy.create(content=used)
    BlobToy.create(other=also.id)
    assert collect_orphans() == 0
    assert collect_orphans(grace_seconds=0) == 2
    assert {row.id for row in Blob.select()} == {used.id, also.id}
    assert {row.blob_id for row in BlobChunk.select()} == {used.id, also.id}
    for gone in (orphan, small):
        assert put_blob(noise(600_000, 2), "raw").id != gone.id  # stored anew
    BlobToy.delete().execute()
    Blob.update(time_created=utc_now() - timedelta(seconds=601)).execute()
    assert collect_orphans() == 3


def test_reference_is_protected(any_store: Any) -> None:
    blob = put_blob(noise(600_000), "raw")
    toy = BlobToy.create(content=blob)
    with pytest.raises(RecordInUse, match=f"BlobToy {toy.id}"):
        blob.delete_instance()
    toy.delete_instance()
    assert blob.delete_instance() == 1 + 2  # the blob and its chunks
    assert BlobChunk.select().count() == 0


def test_killed_writer_leaves_nothing_that_is_found(store: Any) -> None:
    data = noise(40 * CHUNK_SIZE)

    class Dying(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 30 * CHUNK_SIZE:
                raise KeyboardInterrupt
            return super().read(size)

    with pytest.raises(KeyboardInterrupt):
        put_blob(Dying(data), "raw")
    assert BlobChunk.select().count() == 24
    blob = put_blob(data, "raw")
    assert read_blob(blob) == data
    BlobToy.create(content=blob)
    assert collect_orphans(0) == 1
    assert BlobChunk.select().count() == 40


def test_blob_inside_a_transaction_is_part_of_it(any_store: Any) -> None:
    def fail() -> None:
        with transaction():
            put_blob(noise(20 * CHUNK_SIZE), "raw")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (Blob.select().count(), BlobChunk.select().count()) == (0, 0)


def test_metadata_reads_no_chunk(store: Any) -> None:
    blob = put_blob(noise(600_000), "raw")
    queries: list[str] = []
    proxy.obj.query_hooks.append(lambda event: queries.append(event.sql))
    row = Blob.of(blob.id)
    assert (row.size, repr(row)) == (600_000, f"<Blob {blob.id} 'raw' 600,000 bytes>")
    assert not any("blob_chunk" in sql for sql in queries)
