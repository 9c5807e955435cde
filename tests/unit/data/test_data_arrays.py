"""Arrays of three and four dimensions: read by position, described, hashed, retyped."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidColumns, InvalidData, InvalidInput
from aiqc.data import array_source
from aiqc.data.array_facts import array_digest, gather
from aiqc.data.array_input import IMAGE_AXES, SEQUENCE_AXES, check_array, file_stamp, open_npy
from aiqc.data.array_source import ArraySource, MemorySource, SelectedSource, steps
from aiqc.data.describe import describe
from aiqc.data.npy import FileBytes, LocalBytes, NpySource, NpyStream, _spans
from aiqc.data.retype_array import array_dtype, retype_array
from aiqc.data.samples import plan_runs
from aiqc.data.spool import Spool

RNG = np.random.default_rng(7)
WHOLE = RNG.normal(size=(11, 3, 4, 5))


def saved(array: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


def local(array: np.ndarray, folder: Path) -> ArraySource:
    np.save(folder / "a.npy", array)
    return open_npy(str(folder / "a.npy"))


MAKERS: dict[str, Callable[[np.ndarray, Path], ArraySource]] = {
    "memory": lambda array, _: MemorySource(array),
    "big-endian memory": lambda array, _: MemorySource(array.astype(">f8")),
    "local file": local,
    "file object": lambda array, _: NpySource(FileBytes(io.BytesIO(saved(array))), "x"),
    "Fortran order": lambda array, folder: local(np.asfortranarray(array), folder),
    "big-endian": lambda array, folder: local(array.astype(">f8"), folder),
    "reversed selection": lambda array, folder: SelectedSource(
        local(np.ascontiguousarray(array[..., ::-1]), folder), [4, 3, 2, 1, 0]
    ),
}


@pytest.fixture(params=MAKERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = MAKERS[request.param](WHOLE, tmp_path)
    yield made
    made.close()


# --- positions -------------------------------------------------------------


@pytest.mark.parametrize(
    "samples",
    [
        None,
        slice(None),
        slice(2, 7),
        slice(9, 2, -3),
        slice(-4, None),
        slice(50, 60),
        [0],
        [10],
        [3, 4, 5],
        [7, 2, 2, 9, 0],
        [10, 9, 8],
        [],
        [1, 3, 5, 7],
    ],
    ids=str,
)
@pytest.mark.parametrize("columns", [None, [0], [4, 1], [2, 2], [3, 0, 1, 2, 4]], ids=str)
def test_reading_is_numpy_indexing(source: Any, samples: Any, columns: Any) -> None:
    wanted = np.array(samples, dtype=np.int64) if isinstance(samples, list) else samples
    index = slice(None) if samples is None else wanted
    expected = WHOLE[index] if columns is None else WHOLE[index][..., columns]
    found = source.read(wanted, columns)
    assert (found.dtype, found.shape) == (np.dtype("float64"), expected.shape)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, expected)


def test_what_is_read_is_private(source: Any) -> None:
    found = source.read()
    found[:] = -1
    np.testing.assert_array_equal(source.read(), WHOLE)
    assert (source.shape, source.dtype) == (WHOLE.shape, np.dtype("float64"))


@pytest.mark.parametrize("samples", [[11], [-1], [0, 2, 99]], ids=str)
def test_samples_that_do_not_exist_are_refused(source: Any, samples: list[int]) -> None:
    with pytest.raises(InvalidInput, match=rf"no sample {samples[-1]}: the data has 11 rows"):
        source.read(np.array(samples))


@pytest.mark.parametrize("columns", [[5], [-1], [0, 99]], ids=str)
def test_columns_that_do_not_exist_are_refused(source: Any, columns: list[int]) -> None:
    message = rf"no column at position {columns[-1]}: there are 5 columns"
    with pytest.raises(InvalidInput, match=message):
        source.read(np.array([1]), columns)


@pytest.mark.parametrize("step_bytes", [1, 480, 1000, 10**9])
def test_steps_are_the_whole_in_order(source: Any, step_bytes: int) -> None:
    parts = list(steps(source, step_bytes))
    np.testing.assert_array_equal(np.concatenate(parts), WHOLE)
    assert max(len(part) for part in parts) == min(max(step_bytes // 480, 1), 11)


@settings(max_examples=60, deadline=None)
@given(
    array=hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32, np.bool_]),
        hnp.array_shapes(min_dims=3, max_dims=4, max_side=5),
    ),
    data=st.data(),
)
def test_any_selection_of_any_file(array: np.ndarray, data: Any) -> None:
    order = data.draw(st.sampled_from("CF"))
    source = NpySource(FileBytes(io.BytesIO(saved(np.asarray(array, order=order)))), "x")
    rows = data.draw(st.lists(st.integers(0, len(array) - 1)))
    columns = data.draw(st.lists(st.integers(0, array.shape[-1] - 1), min_size=1))
    picked = np.array(rows, dtype=np.int64)
    np.testing.assert_array_equal(source.read(picked, columns), array[picked][..., columns])


class Counting(io.BytesIO):
    """Counts the bytes that are read, and the calls."""

    count = calls = 0

    def readinto(self, buffer: Any) -> int:
        done = super().readinto(buffer)
        self.count += done
        self.calls += 1
        return done


def test_only_what_is_asked_for_is_read() -> None:
    array = RNG.normal(size=(1000, 10, 10))
    file = Counting(saved(array))
    source = NpySource(FileBytes(file), "x")
    file.count = 0
    source.read(np.array([500, 3, 501, 3]))
    assert file.count == 3 * 800


@settings(max_examples=200, deadline=None)
@given(
    rows=st.sets(st.integers(0, 400), min_size=1),
    gap=st.integers(0, 50),
    length=st.integers(0, 100),
)
def test_runs_are_read_together_where_little_lies_between(
    rows: set[int], gap: int, length: int
) -> None:
    runs, _ = plan_runs(np.array(sorted(rows)), 401)
    spans = list(_spans(runs, gap, length))
    assert [run for span in spans for run in span] == runs
    for span in spans:
        wanted = sum(stop - start for start, stop in span)
        assert span[-1][1] - span[0][0] <= max(length, 2 * wanted)
        assert all(b[0] - a[1] <= gap for a, b in itertools.pairwise(span))
    for before, after in itertools.pairwise(spans):
        joined = [*before, after[0]]
        wanted = sum(stop - start for start, stop in joined)
        reach = joined[-1][1] - joined[0][0]
        assert after[0][0] - before[-1][1] > gap or reach > max(length, 2 * wanted)


def test_scattered_samples_in_fortran_order_take_a_read_a_position() -> None:
    array = np.asfortranarray(RNG.normal(size=(1000, 4, 3)))
    file = Counting(saved(array))
    source = NpySource(FileBytes(file), "x")
    file.calls = 0
    rows = np.arange(1, 1000, 3)
    np.testing.assert_array_equal(source.read(rows), array[rows])
    assert file.calls == 12


# --- npy files -------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "uint16", "int64", "float16", "<f4"])
def test_the_stream_is_what_numpy_saves(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    array = RNG.integers(0, 2, size=(7, 3, 2)).astype(dtype)
    monkeypatch.setattr("aiqc.data.npy.STEP_BYTES", 13)
    stream = NpyStream(MemorySource(array))
    data = b"".join(iter(lambda: stream.read(10), b""))
    assert data == saved(array)


def pickled_objects() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([[["a", None]]], dtype=object), allow_pickle=True)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not an npy file that can be read"),
        (b"PK\x03\x04 an archive", "is not an npy file that can be read"),
        (saved(WHOLE)[:-1], r"is cut off: 1 bytes of its array \(11, 3, 4, 5\) are missing"),
        (saved(WHOLE)[:60], "is not an npy file that can be read"),
    ],
    ids=["empty", "zip", "cut in the values", "cut in the header"],
)
def test_files_that_are_no_array_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(data)
    with pytest.raises(InvalidData, match=message):
        open_npy(str(path))


def with_header(text: str, version: int = 1) -> bytes:
    """An npy file of WHOLE with another header."""
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + WHOLE.tobytes()


def facts_text(shape: str = "(11, 3, 4, 5)", descr: str = "'<f8'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: int) -> None:
    (tmp_path / "x.npy").write_bytes(with_header(facts_text(), version))
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), WHOLE)
    source = open_npy(str(tmp_path / "x.npy"))
    np.testing.assert_array_equal(source.read(), WHOLE)
    source.close()


@pytest.mark.parametrize(
    "text",
    [
        facts_text("(-11, 3, 4, 5)"),
        facts_text("(-11, -3, 4, 5)"),
        facts_text("(True, 3, 4, 5)"),
        facts_text("(11.0, 3, 4, 5)"),
        facts_text(descr="3"),
        "(" * 60,
        "{'descr': '<f8'",
        "{'descr': '''<f8",
        "-" * 9000 + "1",
        "__import__('os').mkdir('unpickled')",
        " " * 20_000,
    ],
    ids=lambda text: text[:40].strip() or "long",
)
@pytest.mark.parametrize("version", [1, 3])
def test_malicious_headers_are_refused(tmp_path: Path, text: str, version: int) -> None:
    (tmp_path / "x.npy").write_bytes(with_header(text, version))
    with pytest.raises(InvalidData, match=r"x\.npy' is not an npy file that can be read"):
        open_npy(str(tmp_path / "x.npy"))


def test_a_header_that_lies_takes_no_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    facts = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6, 10**6)}
    np.lib.format.write_array_header_1_0(header, facts)
    (tmp_path / "x.npy").write_bytes(header.getvalue())
    with pytest.raises(InvalidData, match="is cut off"):
        open_npy(str(tmp_path / "x.npy"))


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", WHOLE)
    source = open_npy(str(tmp_path / "x.npy"))
    os.truncate(tmp_path / "x.npy", 1000)
    with pytest.raises(InvalidData, match="ends before its last value"):
        source.read()
    source.close()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3)), r"has 2 dimensions, shape \(2, 3\); 3 are needed"),
        (np.zeros((2, 3, 4, 5)), "has 4 dimensions"),
        (np.zeros((2, 0, 4)), r"is empty: its shape is \(2, 0, 4\)"),
        (np.zeros((2, 3, 4), dtype=complex), "holds complex128"),
        (np.full((2, 3, 4), "a"), "holds <U1"),
        (np.full((2, 3, 4), None), "holds object"),
        (np.zeros((2, 3, 4), dtype=[("a", "f4")]), "holds .*'a'"),
        (np.zeros((2, 3, 4), dtype="M8[s]"), "holds datetime64"),
        (np.zeros((2, 3, 4), dtype=np.longdouble), "holds float128"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_arrays_that_cannot_be_kept_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        check_array(array.shape, array.dtype, SEQUENCE_AXES, "The array")


def test_axes_name_a_shape() -> None:
    assert IMAGE_AXES.shape((2, 3, 4, 5)) == {
        "samples": 2,
        "channels": 3,
        "rows": 4,
        "columns": 5,
    }


def test_the_stamp_of_a_file_changes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, WHOLE)
    first = file_stamp(str(path))
    assert file_stamp(str(path)) == first
    np.save(path, -WHOLE)
    assert file_stamp(str(path)) != first


def test_the_open_file_knows_its_size(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", WHOLE)
    reader = LocalBytes(str(tmp_path / "x.npy"))
    assert reader.size() == FileBytes(io.BytesIO(saved(WHOLE))).size() == len(saved(WHOLE))
    reader.close()


# --- digest ----------------------------------------------------------------


def digest(array: np.ndarray, columns: str = "abcde", typ: Any = DatasetType.IMAGE) -> str:
    return array_digest(MemorySource(array), typ, list(columns))


def other_nan(array: np.ndarray, bits: int) -> np.ndarray:
    copy = array.copy()
    copy.reshape(-1).view(np.uint64)[3] = bits
    return copy


def test_the_digest_is_of_values_however_they_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = digest(other_nan(WHOLE, 0x7FF8000000000000))
    same = [
        other_nan(WHOLE, 0xFFF8000000000123),
        np.asfortranarray(other_nan(WHOLE, 0x7FF8000000000000)),
        other_nan(WHOLE, 0x7FF8000000000000).astype(">f8"),
    ]
    assert [digest(array) for array in same] == [expected] * 3
    monkeypatch.setattr(array_source, "STEP_BYTES", 480)
    facts = gather(
        MemorySource(same[0]), DatasetType.IMAGE, list("abcde"), array_source.STEP_BYTES
    )
    assert facts.sha256_hexdigest == expected


def with_value(position: tuple[int, ...], value: float) -> np.ndarray:
    copy = WHOLE.copy()
    copy[position] = value
    return copy


@pytest.mark.parametrize(
    "other",
    [
        lambda: digest(WHOLE, "abcdE"),
        lambda: digest(WHOLE, typ=DatasetType.SEQUENCE),
        lambda: digest(WHOLE.astype("float32")),
        lambda: digest(WHOLE.astype("float64").view("int64")),
        lambda: digest(with_value((10, 2, 3, 4), 0.0)),
        lambda: digest(WHOLE[::-1]),
        lambda: digest(WHOLE.reshape(11, 4, 3, 5)),
        lambda: digest(WHOLE.reshape(1, 33, 4, 5)),
    ],
    ids=["name", "type", "float32", "int64", "last value", "order", "axes", "samples"],
)
def test_whatever_changes_the_data_changes_the_digest(other: Callable[[], str]) -> None:
    assert other() != digest(WHOLE)


def test_zeros_differ_in_sign() -> None:
    zeros = np.zeros((1, 1, 5))
    assert digest(zeros) != digest(-zeros)


# --- statistics ------------------------------------------------------------


def spoiled(array: np.ndarray, missing: float) -> np.ndarray:
    copy = array.copy()
    copy[RNG.random(array.shape) < missing] = np.nan
    return copy


BIG = RNG.normal(1e6, 1e-2, size=(400, 20, 4))
ARRAYS = {
    "float64": BIG,
    "float32": BIG.astype("float32"),
    "missing": spoiled(BIG, 0.1),
    "one column missing": np.concatenate([BIG, np.full((400, 20, 1), np.nan)], axis=-1),
    "int64": RNG.integers(-(2**40), 2**40, size=(50, 3, 4)),
    "uint16": RNG.integers(0, 2**16, size=(50, 3, 4), dtype=np.uint16),
    "uint8": RNG.integers(0, 256, size=(5000, 20, 4), dtype=np.uint8),
    "uint8, three columns": RNG.integers(0, 256, size=(300, 20, 3), dtype=np.uint8),
    "int8": RNG.integers(-128, 128, size=(5000, 20, 4), dtype=np.int8),
    "int8, nine columns": RNG.integers(-128, 128, size=(70, 5, 9), dtype=np.int8),
    "uint8, one column, many rows": RNG.integers(0, 9, size=(1100, 1000, 1), dtype=np.uint8),
    "one value": np.full((1, 1, 2), 4.5),
    "float16": RNG.normal(size=(60, 5, 3)).astype("float16"),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("step_bytes", [1000, 8_000_000])
def test_statistics_are_those_of_a_table(name: str, step_bytes: int) -> None:
    array = ARRAYS[name]
    columns = [f"c{i}" for i in range(array.shape[-1])]
    facts = gather(MemorySource(array), DatasetType.SEQUENCE, columns, step_bytes)
    flat = pd.DataFrame(array.reshape(-1, array.shape[-1]), columns=columns)
    expected = describe(flat)
    found = facts.statistics(array)
    assert list(found) == columns
    for column in columns:
        assert found[column].keys() == expected.statistics[column].keys()
        for key, value in expected.statistics[column].items():
            # two ways of summing 64-bit floats differ in the last digits of small deviations
            close = pytest.approx(value, rel=1e-7, nan_ok=True)
            assert found[column][key] == close, (column, key)
    assert facts.contains_nan == expected.contains_nan
    assert facts.byte_count == array.nbytes


def test_infinities_spoil_only_what_they_touch() -> None:
    array = np.zeros((4, 1, 2))
    array[1, 0, 0] = np.inf
    facts = gather(MemorySource(array), DatasetType.SEQUENCE, ["a", "b"], 16)
    found = facts.statistics(array)
    assert (found["a"]["mean"], found["a"]["min"], found["a"]["max"]) == (np.inf, 0.0, np.inf)
    assert np.isnan(found["a"]["std"])
    assert (found["b"]["mean"], found["b"]["std"], found["b"]["max"]) == (0.0, 0.0, 0.0)


def test_booleans_are_counted() -> None:
    array = np.array([True, False, True, True]).reshape(2, 2, 1)
    facts = gather(MemorySource(array), DatasetType.SEQUENCE, ["a"])
    assert facts.statistics() == describe(pd.DataFrame({"a": array.reshape(-1)})).statistics


def test_quartiles_need_the_values_or_bytes() -> None:
    floats = gather(MemorySource(BIG), DatasetType.SEQUENCE, list("abcd"))
    assert "50%" not in floats.statistics()["a"]
    assert set(floats.statistics()["a"]) == {"count", "nan_count", "mean", "std", "min", "max"}
    pixels = gather(MemorySource(ARRAYS["uint8"]), DatasetType.SEQUENCE, list("abcd"))
    median = np.median(ARRAYS["uint8"][..., 1])
    assert pixels.statistics()["b"]["50%"] == median
    assert (floats.wants_whole, pixels.wants_whole) == (True, False)


# --- retype ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1.0, 2.0], "int8", [1, 2]),
        ([0, 1], "bool", [False, True]),
        ([True, False], "float32", [1.0, 0.0]),
        ([True, False], "uint8", [1, 0]),
        ([2**53 + 1], "float64", [float(2**53)]),
        ([0.1], "float32", [np.float32(0.1)]),
        ([np.inf, np.nan], "float16", [np.inf, np.nan]),
        (np.array([255], dtype="uint8"), "int16", [255]),
        (np.array([-(2.0**63)]), "int64", [-(2**63)]),
    ],
    ids=str,
)
def test_values_that_fit_are_retyped(values: Any, dtype: str, expected: Any) -> None:
    found = retype_array(np.array(values), np.dtype(dtype))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array(expected, dtype=dtype))


@pytest.mark.parametrize(
    ("values", "dtype", "shown"),
    [
        ([1.0, 1.5], "int64", "1.5"),
        ([1.0, np.nan], "int64", "nan"),
        ([1.0, np.inf], "int64", "inf"),
        ([1, 256], "uint8", "256"),
        ([1, -1], "uint8", "-1"),
        ([1, -129], "int8", "-129"),
        ([1, 2], "bool", "2"),
        ([1.0, 1e5], "float16", "100000.0"),
        ([1.0, 2.0**63], "int64", "9.2"),
        ([1.0, -1.0], "uint64", "-1.0"),
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_named(values: Any, dtype: str, shown: str) -> None:
    array = np.array(values).reshape(1, 2, 1)
    message = rf"The value {shown}.* at position \(0, 1, 0\) cannot become '{dtype}'"
    with pytest.raises(InvalidData, match=message):
        retype_array(array, np.dtype(dtype))


def test_the_position_is_that_in_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.zeros((40, 2, 3))
    array[31, 1, 2] = 0.5
    source = SelectedSource(MemorySource(array), dtype=np.dtype("int8"))
    with pytest.raises(InvalidData, match=r"0\.5 at position \(31, 1, 2\)"):
        gather(source, DatasetType.SEQUENCE, ["a", "b", "c"], 480)
    monkeypatch.setattr("aiqc.data.spool.STEP_BYTES", 480)
    spool = Spool(40, DatasetType.SEQUENCE, lambda n: "abc"[:n], np.dtype("int8"), keep=False)
    with pytest.raises(InvalidData, match=r"0\.5 at position \(31, 1, 2\)"):
        spool.fill(iter(array))


@pytest.mark.parametrize(
    ("retype", "error"),
    [
        ({"a": "float32"}, InvalidInput),
        ("str", InvalidInput),
        ("Int64", InvalidInput),
        ("complex64", InvalidInput),
        (np.longdouble, InvalidInput),
        ("datetime64[ns]", InvalidInput),
        ("flaot32", InvalidColumns),
    ],
    ids=str,
)
def test_dtypes_that_arrays_cannot_have_are_refused(retype: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"dict|dtype"):
        array_dtype(retype)
