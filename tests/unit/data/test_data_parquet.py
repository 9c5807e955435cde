"""Every storable dtype leaves Parquet as it went in; few columns and rows are cheap."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from storable_columns import assert_identical, storable_columns

import aiqc
from aiqc.core.errors import CorruptBlob, InvalidColumns, InvalidData, InvalidInput
from aiqc.data import parquet
from aiqc.data.digest import frame_digest
from aiqc.data.parquet import decode_frame, encode_frame
from aiqc.data.tabular import clean_frame

COLUMNS = storable_columns()


def round_trip(frame, **options):
    return decode_frame(io.BytesIO(encode_frame(frame)), **options)


@pytest.mark.parametrize("name", COLUMNS)
def test_column_survives(name):
    frame = clean_frame(COLUMNS[name].to_frame(name))
    found = round_trip(frame)
    assert_identical(found, frame)
    assert frame_digest(found) == frame_digest(frame)


@pytest.mark.parametrize("name", COLUMNS)
def test_column_survives_rows_and_row_groups(name, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2)
    frame = pd.concat([COLUMNS[name]] * 3, ignore_index=True).to_frame(name)
    samples = [len(frame) - 1, 0, 0, len(frame) // 2]
    assert_identical(round_trip(frame), frame)
    expected = frame.iloc[samples].reset_index(drop=True)
    assert_identical(round_trip(frame, samples=samples), expected)
    assert_identical(round_trip(frame, samples=[]), frame.iloc[:0])


def test_table_survives_another_process(tmp_path):
    digests = []
    for name, column in COLUMNS.items():
        frame = clean_frame(column.to_frame(name))
        (tmp_path / f"{name}.parquet").write_bytes(encode_frame(frame))
        digests.append(frame_digest(frame))
    script = Path(__file__).with_name("storable_columns.py")
    command = [sys.executable, str(script), str(tmp_path)]
    root = str(Path(aiqc.__file__).parents[1])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == digests


def test_restored_values_can_be_changed():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Series([1, 2], dtype="Int64"), "c": [1, 2]})
    found = round_trip(frame)
    found.loc[0, :] = [9.0, 9, 9]
    assert found.iloc[0].tolist() == [9, 9, 9]


def test_order_of_columns_is_the_order_asked_for():
    frame = pd.DataFrame({"a.b": [1], "a": ["x"], "b": [0.5]})
    found = round_trip(frame, columns=["b", "a"])
    assert list(found.columns) == ["b", "a"]
    assert_identical(found, frame[["b", "a"]])
    assert_identical(round_trip(frame, columns="a.b"), frame[["a.b"]])
    assert_identical(round_trip(frame), frame)


def test_name_of_the_extra_column_may_be_taken():
    texts = pd.Series([None, "a", np.nan], dtype=object)
    frame = pd.DataFrame({"a": texts, "a (missing)": [1, 2, 3], "a (missing)_": [4, 5, 6]})
    assert_identical(round_trip(frame), frame)
    assert_identical(round_trip(frame, columns=["a"]), frame[["a"]])


def test_very_wide_frame():
    values = np.arange(6_000.0).reshape(2, 3_000)
    frame = clean_frame(pd.DataFrame(values))
    data = encode_frame(frame)
    assert_identical(decode_frame(io.BytesIO(data)), frame)
    found = decode_frame(io.BytesIO(data), columns=["2999", "0"], samples=[1])
    assert found.to_numpy().tolist() == [[5999.0, 3000.0]]


def test_blob_means_the_same_to_pandas():
    category = pd.Series(["b", "a", None], dtype=pd.CategoricalDtype(["z", "a", "b"]))
    frame = pd.DataFrame({"x": [1.5, np.nan, 2.0], "c": category, "t": ["a", "", "b"]})
    found = pd.read_parquet(io.BytesIO(encode_frame(frame)))
    assert found["x"].tolist()[::2] == [1.5, 2.0]
    assert found["c"].astype(object).where(found["c"].notna(), None).tolist() == ["b", "a", None]
    assert found["t"].tolist() == ["a", "", "b"]


def test_floats_are_split_and_not_in_dictionaries():
    frame = pd.DataFrame({"x": [0.1, 0.2], "y": np.float32([1, 2]), "i": [1, 1], "t": ["a", "b"]})
    group = pq.ParquetFile(io.BytesIO(encode_frame(frame))).metadata.row_group(0)
    encodings = [group.column(i).encodings for i in range(4)]
    assert ["BYTE_STREAM_SPLIT" in found for found in encodings] == [True, True, False, False]
    assert [group.column(i).has_dictionary_page for i in range(4)] == [False, False, True, True]
    assert {group.column(i).compression for i in range(4)} == {"ZSTD"}


class Recorder(io.BytesIO):
    """A file that remembers which thread read which bytes."""

    def __init__(self, data):
        super().__init__(data)
        self.threads, self.byte_count = set(), 0

    def read(self, size=-1):
        self.threads.add(threading.get_ident())
        data = super().read(size)
        self.byte_count += len(data)
        return data

    def readinto(self, buffer):
        self.threads.add(threading.get_ident())
        count = super().readinto(buffer)
        self.byte_count += count
        return count


@pytest.mark.parametrize("samples", [None, [0, 299_999]])
def test_few_columns_read_few_bytes_on_the_calling_thread(samples):
    values = np.random.default_rng(0).normal(size=(300_000, 20))
    frame = clean_frame(pd.DataFrame(values))
    data = encode_frame(frame)
    recorder = Recorder(data)
    found = decode_frame(recorder, columns=["7", "3"], samples=samples)
    expected = frame[["7", "3"]]
    pd.testing.assert_frame_equal(
        found, expected if samples is None else expected.iloc[samples].reset_index(drop=True)
    )
    assert recorder.threads == {threading.get_ident()}
    assert recorder.byte_count < len(data) * 2 / 20 + 100_000


def test_few_rows_read_one_row_group():
    frame = clean_frame(pd.DataFrame(np.random.default_rng(0).normal(size=(300_000, 4))))
    data = encode_frame(frame)
    recorder = Recorder(data)
    decode_frame(recorder, samples=[131_072, 140_000])
    assert recorder.byte_count < len(data) * 0.46


def test_sink_is_written_on_the_calling_thread_and_left_open(tmp_path):
    threads = set()

    class Sink(io.BytesIO):
        def write(self, data):
            threads.add(threading.get_ident())
            return super().write(data)

    frame, sink = pd.DataFrame({"a": range(1000)}), Sink()
    assert encode_frame(frame, sink) is None
    assert threads == {threading.get_ident()}
    sink.seek(0)
    assert_identical(decode_frame(sink), frame)


FRAME = pd.DataFrame({"age": [1, 2], "name": ["a", "b"]})
REFUSED = [
    ({"columns": ["agee"]}, InvalidColumns, r"'agee'.*Did you mean 'age'"),
    ({"columns": ["zzz"]}, InvalidColumns, r"'zzz'.*Known: 'age', 'name'"),
    ({"columns": []}, InvalidColumns, r"\[\] asks for no column.*Name at least one"),
    ({"columns": ["age", "age"]}, InvalidColumns, r"'age' is asked for twice.*once"),
    ({"columns": [0]}, InvalidColumns, r"no column 0\. Known: 'age'"),
    ({"samples": [0, -1]}, InvalidInput, r"no sample -1.*2 rows.*0 to 1"),
    ({"samples": [2]}, InvalidInput, r"no sample 2.*2 rows.*0 to 1"),
    ({"samples": [0.5]}, InvalidInput, r"float64.*integers"),
    ({"samples": [True, False]}, InvalidInput, r"bool.*integers"),
    ({"samples": [[0]]}, InvalidInput, r"row numbers.*integers"),
]


@pytest.mark.parametrize(("options", "error", "pattern"), REFUSED)
def test_refused(options, error, pattern):
    with pytest.raises(error, match=pattern):
        round_trip(FRAME, **options)


def test_bytes_that_are_not_ours():
    with pytest.raises(CorruptBlob, match=r"not a Parquet file.*backup"):
        decode_frame(io.BytesIO(b"PAR1 but no more"))
    with pytest.raises(CorruptBlob, match=r"not written by AIQC.*read_table"):
        decode_frame(io.BytesIO(_foreign()))


def _foreign():
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), sink)
    return sink.getvalue()


def test_text_that_is_not_unicode():
    frame = pd.DataFrame({"t": pd.Series(["a", "\ud800"], dtype=object)})
    with pytest.raises(InvalidData, match=r"\\ud800.*'t'.*row 1.*surrogates"):
        encode_frame(frame)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_ARRAYS = st.one_of(
    hnp.arrays(dtype, st.shared(st.integers(1, 9), key="rows"))
    for dtype in (
        *(hnp.integer_dtypes(), hnp.unsigned_integer_dtypes()),
        hnp.floating_dtypes(sizes=(16, 32, 64)),
        *("bool", "M8[s]", "M8[ms]", "M8[us]", "M8[ns]", "m8[s]", "m8[ms]", "m8[us]", "m8[ns]"),
    )
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(_TEXT.filter(str.strip), _ARRAYS, min_size=1, max_size=4))
def test_arrays_round_trip(columns):
    # Parquet has no seconds: times beyond what milliseconds reach are refused, not wrapped
    frame = pd.DataFrame(columns)
    try:
        found = round_trip(frame)
    except InvalidData as error:
        assert "datetime64[s]" in str(error)  # noqa: PT017
        return
    assert_identical(found, frame)
    assert frame_digest(found) == frame_digest(frame)


_ITEMS = st.lists(st.one_of(st.none(), st.just(np.nan), st.just(pd.NA), _TEXT), min_size=1)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(_ITEMS, st.sampled_from([object, "str", "string[python]", "string[pyarrow]", "category"]))
def test_texts_round_trip(items, dtype):
    frame = pd.DataFrame({"t": pd.Series(items, dtype=object).astype(dtype)})
    found = round_trip(frame)
    assert_identical(found, frame)
    assert frame_digest(found) == frame_digest(frame)
