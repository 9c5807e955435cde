"""dtype names and comparison, descriptions, digests and arrays of frames."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from storable_columns import storable_columns

from aiqc.core.errors import InvalidColumns
from aiqc.data.arrays import frame_to_array
from aiqc.data.describe import describe
from aiqc.data.digest import frame_digest
from aiqc.data.dtypes import dtype_kind, dtype_names, is_numeric, is_text, same_dtype
from aiqc.data.tabular import clean_frame

COLUMNS = storable_columns()


def test_every_text_is_str_and_other_names_are_exact():
    names = {}
    for name, column in COLUMNS.items():
        names |= dtype_names(column.to_frame(name))
    texts = [name for name in COLUMNS if name.split()[0] in ("str", "string")]
    texts += [name for name in COLUMNS if name.startswith("object") and "bool" not in name]
    texts.remove("object date")
    assert {names[name] for name in texts} == {"str"}
    assert names["object bool"] == names["object date"] == "object"
    assert names["arrow string"] == "str"
    expected = {"int8": "int8", "Int64": "Int64", "zoned ns": "datetime64[ns, Europe/Berlin]"}
    expected |= {"category": "category", "timedelta s": "timedelta64[s]"}
    assert {name: names[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("float64", np.float64, True),
        ("float64", float, True),
        ("float64", np.dtype("float64"), True),
        ("float64", "float32", False),
        ("int64", int, True),
        ("int64", "Int64", False),
        ("str", "object", True),
        ("str", object, True),
        ("str", str, True),
        ("str", "string", True),
        ("str", pd.StringDtype("python"), True),
        ("str", pd.ArrowDtype(pa.string()), True),
        ("str", "category", False),
        ("category", pd.CategoricalDtype(["a"]), True),
        ("bool", bool, True),
        ("bool", "boolean", False),
        ("datetime64[ns]", "datetime64[us]", False),
        ("datetime64[us, UTC]", pd.DatetimeTZDtype("us", "UTC"), True),
    ],
)
def test_same_dtype(a, b, expected):
    assert same_dtype(a, b) is expected
    assert same_dtype(b, a) is expected


@pytest.mark.parametrize("wrong", ["flot", 3, "", [1]])
def test_what_is_no_dtype_is_named(wrong):
    with pytest.raises(InvalidColumns, match=r"is not a dtype.*'float64'"):
        same_dtype("int64", wrong)


@pytest.mark.parametrize(
    ("dtype", "kind", "numeric", "text"),
    [
        ("UInt8", "integer", True, False),
        ("float16", "float", True, False),
        ("boolean", "boolean", True, False),
        ("str", "text", False, True),
        ("category", "category", False, False),
        ("datetime64[s, UTC]", "datetime", False, False),
        ("timedelta64[ns]", "timedelta", False, False),
        ("int64[pyarrow]", "integer", True, False),
        ("timestamp[us, tz=UTC][pyarrow]", "datetime", False, False),
        ("duration[s][pyarrow]", "timedelta", False, False),
        ("complex64", "other", False, False),
        ("period[D]", "other", False, False),
    ],
)
def test_kinds(dtype, kind, numeric, text):
    assert dtype_kind(dtype) == kind
    assert (is_numeric(dtype), is_text(dtype)) == (numeric, text)


_RNG = np.random.default_rng(3)
NUMBERS = {
    "normal": _RNG.normal(size=101),
    "pair": [1.0, 2.0],
    "one": [4.0],
    "ints": _RNG.integers(-50, 50, size=40),
    "small": np.array([100, 120, 127], dtype="int8"),
    "uint64": np.array([2**64 - 1, 0], dtype="uint64"),
    "holes": [np.nan, 3.0, np.nan, 1.0, 2.0],
    "float32": np.float32([0.1, 0.2, 0.7]),
    "float16": np.float16([60_000, 60_000, 1]),
    "nullable": pd.array([1, None, 5], dtype="Int64"),
    "Float64": pd.array([0.5, None, 5], dtype="Float64"),
    "arrow": pd.array([1, None, 4], dtype="int64[pyarrow]"),
    "empty": [np.nan, np.nan],
    "big endian": np.array([1.5, 2.5, 9.0], dtype=">f8"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_statistics_of_numbers_equal_pandas(name):
    series = pd.Series(NUMBERS[name], name="x")
    before = series.copy(deep=True)
    described = describe(series.to_frame())
    found = described.statistics["x"]
    expected = series.astype("float64").describe()
    assert list(found) == ["count", "nan_count", *expected.index[1:]]
    assert found["nan_count"] == series.isna().sum()
    assert described.contains_nan is bool(series.isna().any())
    for key in expected.index:
        assert found[key] == pytest.approx(expected[key], rel=1e-12, nan_ok=True), key
    pd.testing.assert_series_equal(series, before)


def test_statistics_of_infinite_numbers():
    found = describe(pd.DataFrame({"x": [np.inf, -np.inf, 1.0, np.nan]})).statistics["x"]
    assert (found["min"], found["50%"], found["max"]) == (-math.inf, 1.0, math.inf)
    assert math.isnan(found["mean"])
    assert math.isnan(found["std"])
    found = describe(pd.DataFrame({"x": [1e308, 1e308, np.inf, np.inf]})).statistics["x"]
    assert (found["mean"], found["75%"]) == (math.inf, math.inf)


def test_statistics_of_integers_are_exact():
    found = describe(pd.DataFrame({"x": [2**63 - 1, -(2**63)]})).statistics["x"]
    assert (found["min"], found["max"]) == (-(2**63), 2**63 - 1)


@pytest.mark.parametrize("dtype", [object, "str", "string[python]", "string[pyarrow]", "category"])
def test_statistics_of_texts(dtype):
    values = ["b", "a", None, "b", ""]
    found = describe(pd.DataFrame({"t": pd.Series(values, dtype=dtype)})).statistics["t"]
    assert found["top"] == {"b": 0.4, "a": 0.2, "": 0.2}
    assert (found["count"], found["nan_count"], found["unique_count"]) == (4, 1, 3)
    assert next(iter(found["top"])) == "b"


def test_statistics_of_other_classes():
    frame = pd.DataFrame(
        {
            "flag": [True, False, True, True],
            "grade": pd.Categorical([2, 1, 2, None], categories=[3, 2, 1]),
            "many": [f"v{i}" for i in range(4)],
        }
    )
    found = describe(frame).statistics
    assert found["flag"]["top"] == {"True": 0.75, "False": 0.25}
    assert found["grade"]["top"] == {"2": 0.5, "1": 0.25}
    assert found["grade"]["unique_count"] == 2
    wide = describe(pd.DataFrame({"t": [str(i % 50) for i in range(100)]})).statistics["t"]
    assert (len(wide["top"]), wide["unique_count"]) == (20, 50)


def test_statistics_of_times():
    frame = pd.DataFrame(
        {
            "d": pd.to_datetime(["2020-01-02", None, "2019-05-01"]),
            "s": pd.to_timedelta([2, 1, None], unit="D"),
            "n": pd.to_datetime([None, None, None]),
        }
    )
    found = describe(frame).statistics
    assert found["d"] == {
        "count": 2,
        "nan_count": 1,
        "min": "2019-05-01 00:00:00",
        "max": "2020-01-02 00:00:00",
    }
    assert (found["s"]["min"], found["s"]["max"]) == ("1 days 00:00:00", "2 days 00:00:00")
    assert found["n"] == {"count": 0, "nan_count": 3, "min": None, "max": None}


def test_description_of_a_frame():
    frame = pd.DataFrame({"x": np.zeros(1000), "t": ["a"] * 1000})
    found = describe(frame)
    assert found.columns == ["x", "t"]
    assert found.dtypes == {"x": "float64", "t": "str"}
    assert found.shape == {"samples": 1000, "columns": 2}
    expected = frame.memory_usage(index=False, deep=True).sum() / 1e6
    assert found.memory_MB == pytest.approx(expected)
    assert found.contains_nan is False


@pytest.mark.parametrize("name", COLUMNS)
def test_every_storable_column_is_described_and_made_an_array(name):
    frame = clean_frame(COLUMNS[name].to_frame("c"))
    found = describe(frame)
    assert found.statistics["c"]["nan_count"] == frame["c"].isna().sum()
    assert frame_to_array(frame).shape == frame.shape


BASE = {"a": [1.0, 2.0, np.nan], "t": ["x", "", None]}


def _changed(**columns):
    return pd.DataFrame({**BASE, **columns})


DIFFERENT = [
    pd.DataFrame(BASE),
    _changed(a=[1.0, 2.5, np.nan]),
    _changed(a=[1.0, np.nan, 2.0]),
    _changed(a=[1.0, 2.0, 0.0]),
    _changed(a=pd.Series([1.0, 2.0, np.nan], dtype="float32")),
    _changed(a=pd.Series([1.0, 2.0, None], dtype="Float64")),
    _changed(t=["x", None, ""]),
    _changed(t=["x", None, None]),
    _changed(t=["x", "", ""]),
    _changed(t=["", "x", None]),
    _changed(t=pd.Series(["x", "", None], dtype=object)),
    _changed(t=pd.Series(["x", "", np.nan], dtype=object)),
    _changed(t=pd.Series(["x", "", None], dtype="string")),
    _changed(t=pd.Categorical(["x", "", None], categories=["x", ""])),
    _changed(t=pd.Categorical(["x", "", None], categories=["", "x"])),
    _changed(t=pd.Categorical(["x", "", None], categories=["x", "", "y"])),
    _changed(t=pd.Categorical(["x", "", None], categories=["x", ""], ordered=True)),
    pd.DataFrame(BASE)[["t", "a"]],
    pd.DataFrame(BASE).rename(columns={"a": "b"}),
    pd.DataFrame(BASE).iloc[:2],
    pd.DataFrame(BASE).iloc[[0, 1, 2, 2]].reset_index(drop=True),
    pd.DataFrame({"t": ["ab", "c"]}),
    pd.DataFrame({"t": ["a", "bc"]}),
    pd.DataFrame({"t": pd.Series([None, np.nan, "a"], dtype=object)}),
    pd.DataFrame({"t": pd.Series([np.nan, None, "a"], dtype=object)}),
    pd.DataFrame({"d": np.array([1, 2], "M8[s]")}),
    pd.DataFrame({"d": np.array([1, 2], "M8[ms]")}),
    pd.DataFrame({"d": np.array([1, 2], "m8[s]")}),
    pd.DataFrame({"d": np.array([1, 2], "i8")}),
    pd.DataFrame({"d": pd.Series(np.array([1, 2], "M8[s]")).dt.tz_localize("UTC")}),
]


def test_digests_differ_where_frames_do():
    digests = [frame_digest(frame) for frame in DIFFERENT]
    assert [frame_digest(frame.copy()) for frame in DIFFERENT] == digests
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 64 for digest in digests)


def test_digest_ignores_how_values_are_held():
    values = np.arange(12.0).reshape(3, 4)
    values[1, 2] = np.nan
    payload = values.copy()
    payload[1, 2] = np.array([0x7FF8_0000_0000_0001], "u8").view("f8")[0]
    names = list("abcd")
    joined = pd.DataFrame({"a": [1, None, 3], "b": [1, None, 3]}, dtype="Int64")
    masked = joined.copy()
    masked["a"] = pd.arrays.IntegerArray(np.array([1, 77, 3]), np.array([False, True, False]))
    chunked = pd.Series(["a", None, "b"], dtype="str")
    same = [
        [
            pd.DataFrame(values, columns=names),
            pd.DataFrame(np.asfortranarray(values), columns=names),
            pd.DataFrame({name: values[:, i].copy() for i, name in enumerate(names)}),
            pd.DataFrame(payload, columns=names),
            pd.DataFrame(np.vstack([values, values]), columns=names).iloc[3:],
        ],
        [joined, masked],
        [
            pd.DataFrame({"t": chunked}),
            pd.DataFrame({"t": pd.concat([chunked[:1], chunked[1:]], ignore_index=True)}),
            pd.DataFrame({"t": pd.concat([chunked, chunked]).iloc[3:]}),
        ],
    ]
    for frames in same:
        assert len({frame_digest(frame) for frame in frames}) == 1


def test_digest_is_computed_by_hand():
    """Stored digests must not change with a later version of AIQC, pandas or Arrow."""
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan], "c": ["é", None]})
    frame["d"] = pd.Categorical(["v", "u"], categories=["u", "v"])
    text = '{"dtype":"str","storage":"pyarrow","na":"nan"}'
    head = (
        '{"typ":"tabular","rows":2,"columns":[["a",{"dtype":"int64"}],["b",{"dtype":"float64"}],'
        f'["c",{text}],["d",{{"dtype":"category","ordered":false,"of":{text}}}]]}}'
    )
    parts = [
        head.encode(),
        b"\0" + np.array([1, 2], "<i8").tobytes(),
        b"\0" + np.array([0.5, np.nan], "<f8").tobytes(),
        b"\1" + b"\x40" + np.array([2, 0], "<i8").tobytes() + "é".encode(),
        np.array(2, "<i8").tobytes() + b"\0" + np.array([1, 1], "<i8").tobytes() + b"uv",
        b"\0" + b"\1\0",
    ]
    assert frame_digest(frame) == hashlib.sha256(b"".join(parts)).hexdigest()


def test_digest_spans_row_steps():
    values = np.zeros(300_000)
    first = frame_digest(pd.DataFrame({"x": values}))
    values[299_999] = 1
    assert frame_digest(pd.DataFrame({"x": values})) != first


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan]}),
        pd.DataFrame({"a": np.float32([1, 2]), "b": np.float32([3, 4])}),
        pd.DataFrame({"a": np.float16([1]), "b": np.float32([3])}),
        pd.DataFrame({"a": [True, False]}),
        pd.DataFrame({"a": [True], "b": [1]}),
        pd.DataFrame({"a": [1], "t": ["x"]}),
        pd.DataFrame({"t": ["x", None]}),
        pd.DataFrame({"d": pd.to_datetime(["2020-01-01"])}),
        pd.DataFrame({"d": pd.to_datetime(["2020-01-01"]), "a": [1]}),
    ],
)
def test_array_equals_pandas(frame):
    found, expected = frame_to_array(frame), frame.to_numpy()
    assert found.dtype == expected.dtype
    assert pd.DataFrame(found).equals(pd.DataFrame(expected))


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (pd.array([1, None], "Int8"), "float64", [1, np.nan]),
        (pd.array([1, 2], "UInt8"), "uint8", [1, 2]),
        (pd.array([0.5, None], "Float32"), "float32", [0.5, np.nan]),
        (pd.array([True, None], "boolean"), "float64", [1, np.nan]),
        (pd.array([True, False], "boolean"), "bool", [True, False]),
        (pd.array([1, None], "int64[pyarrow]"), "float64", [1, np.nan]),
        (pd.Categorical([3, 1]), "int64", [3, 1]),
        (pd.Categorical([True, None]), "float64", [1, np.nan]),
        (pd.Categorical(pd.array([3, None], "Int64")), "float64", [3, np.nan]),
        (pd.Categorical(pd.to_datetime(["2020", None])), "M8[us]", ["2020-01-01", "NaT"]),
        (pd.Categorical([3, None]), "float64", [3, np.nan]),
        (pd.Categorical(["a", None]), "object", ["a", np.nan]),
    ],
)
def test_array_of_extension_dtypes(values, dtype, expected):
    found = frame_to_array(pd.DataFrame({"c": values}))
    assert found.dtype == dtype
    assert pd.DataFrame(found).equals(pd.DataFrame(np.array(expected, dtype=dtype)[:, None]))


@pytest.mark.parametrize("dtype", ["float64", "Int64", "category"])
def test_array_is_the_holders_own(dtype):
    frame = pd.DataFrame({"c": [1, 2]}, dtype=dtype)
    frame_to_array(frame)[0, 0] = 9
    assert frame["c"].tolist() == [1, 2]
