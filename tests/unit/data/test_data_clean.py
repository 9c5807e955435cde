"""Frames are cleaned without touching the user's, or refused with value and next step."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from aiqc.core.errors import InvalidColumns, InvalidData, InvalidInput
from aiqc.data.tabular import clean_frame

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, np.nan, 1.5], "t": ["1", "x", None]})


def test_names_become_text_and_rows_are_counted():
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=[0, np.int64(7)], index=[9, 4])
    found = clean_frame(frame)
    expected = pd.DataFrame([[1, 2], [3, 4]], columns=["0", "7"])
    pd.testing.assert_frame_equal(found, expected, check_column_type=True)


def test_the_given_frame_is_neither_changed_nor_copied():
    frame = pd.DataFrame(np.zeros((4, 2)), index=[3, 2, 1, 0])
    before = frame.copy(deep=True)
    found = clean_frame(frame, ["x", "y"], retype={"y": "float32"})
    pd.testing.assert_frame_equal(frame, before)
    assert np.shares_memory(found["x"].to_numpy(), frame[0].to_numpy())
    found.loc[0, "x"] = 5.0
    pd.testing.assert_frame_equal(frame, before)


def test_a_subclass_becomes_a_plain_frame():
    class Table(pd.DataFrame):
        pass

    assert type(clean_frame(Table({"a": [1]}))) is pd.DataFrame


@pytest.mark.parametrize(
    ("rename", "expected"), [(["x", "y", "z"], ["x", "y", "z"]), ([1, 2, 3], ["1", "2", "3"])]
)
def test_rename(rename, expected):
    assert list(clean_frame(FRAME, rename).columns) == expected


def test_rename_one_column():
    assert list(clean_frame(FRAME[["a"]], "age").columns) == ["age"]


def test_rename_may_repair_names():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    found = clean_frame(frame, ["a", "b"])
    pd.testing.assert_frame_equal(found, pd.DataFrame({"a": [1], "b": [2]}))


def spoilt(**columns):
    return pd.DataFrame({"ok": [1, 2], **columns})


def objects(*values):
    return spoilt(c=pd.Series(values, dtype=object))


_INDEXED = FRAME.set_index("t")
_LEVELS = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
_PERIODS = pd.period_range("2020", periods=2, freq="D")

REFUSED = [
    # not a table
    ([[1, 2]], InvalidData, r"list came: \[\[1, 2\]\].*pd\.DataFrame\("),
    ({"a": [1]}, InvalidData, r"dict came.*pd\.DataFrame\("),
    (FRAME["a"], InvalidData, r"Series came.*pd\.DataFrame\("),
    (np.zeros((2, 2)), InvalidData, r"(?s)ndarray came.*pd\.DataFrame\("),
    (None, InvalidData, r"NoneType came: None.*pd\.DataFrame\("),
    (pd.DataFrame(), InvalidData, r"0 rows and 0 columns.*at least one row"),
    (FRAME.iloc[:0], InvalidData, r"0 rows and 3 columns.*at least one row"),
    (FRAME[[]], InvalidData, r"3 rows and 0 columns.*one column"),
    # rows
    (_INDEXED, InvalidData, r"index holds (str|object).*'1'.*reset_index\(\)"),
    (FRAME.set_index("b"), InvalidData, r"index holds float64.*0\.5.*reset_index\(\)"),
    (FRAME.set_index(FRAME["a"] > 1), InvalidData, r"index holds bool.*reset_index\(\)"),
    (FRAME.set_index(["a", "t"]), InvalidData, r"rows have a MultiIndex of 2.*reset_index\(\)"),
    # names
    (pd.DataFrame([[1, 2]], columns=_LEVELS), InvalidData, r"columns have a MultiIndex.*flatten"),
    (
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        InvalidData,
        r"0 and 1.*'a', 'a'.*with rename",
    ),
    (pd.DataFrame([[1, 2]], columns=[1, "1"]), InvalidData, r"0 and 1.*1, '1'.*rename_columns"),
    (pd.DataFrame([[1, 2]], columns=["a", ""]), InvalidData, r"position 1.*''.*rename_columns"),
    (pd.DataFrame([[1, 2]], columns=["a", " "]), InvalidData, r"position 1.*' '.*Name every"),
    (pd.DataFrame([[1, 2]], columns=["a", None]), InvalidData, r"position 1.*(None|nan).*Name"),
    (pd.DataFrame([[1, 2]], columns=[1, np.nan]), InvalidData, r"position 1.*nan.*Name every"),
    (pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object)), InvalidData, r"ud800.*Unic"),
    # dtypes
    (spoilt(c=[1j, 2j]), InvalidData, r"'c'.*complex128.*\.real and \.imag"),
    (spoilt(c=np.array([1, 2], np.longdouble)), InvalidData, r"'c'.*float128.*'float64'"),
    (spoilt(c=_PERIODS), InvalidData, r"'c'.*period\[D\].*frame\['c'\]\.dt\.to_timestamp"),
    (spoilt(c=pd.interval_range(0, 2)), InvalidData, r"'c'.*interval.*\.left.*\{'c': 'str'\}"),
    (spoilt(c=pd.arrays.SparseArray([0, 1])), InvalidData, r"'c'.*Sparse.*to_dense"),
    (spoilt(c=pd.cut([1, 2], 2)), InvalidData, r"'c'.*categories.*interval.*rename_categories"),
    (
        spoilt(c=pd.Series([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))),
        InvalidData,
        r"'c'.*list<item: int64>.*retype=\{'c': 'float64'\}",
    ),
    (
        spoilt(c=pd.Series([decimal.Decimal(1)] * 2, dtype=pd.ArrowDtype(pa.decimal128(5)))),
        InvalidData,
        r"'c'.*decimal128.*retype=\{'c': 'float64'\}",
    ),
    # objects
    (objects("a", 1), InvalidData, r"'c' mixes.*str.*row 0: 'a'.*int.*row 1: 1.*\{'c': 'str'\}"),
    (objects(1, 0.5), InvalidData, r"'c' mixes.*int.*float.*row 1.*\{'c': 'float64'\}"),
    (objects(True, "a"), InvalidData, r"'c' mixes.*bool.*str.*row 1"),
    (objects(True, 1), InvalidData, r"'c' mixes.*bool.*int.*row 1: 1"),
    (objects("a", pd.NaT), InvalidData, r"'c' mixes.*str.*NaTType.*row 1"),
    (objects(pd.NaT, None), InvalidData, r"'c'.*NaTType.*row 0"),
    (objects(1, None), InvalidData, r"'c'.*int \(first at row 0: 1\).*\{'c': 'Int64'\}"),
    (objects(2**70, 1), InvalidData, r"'c'.*int.*1180591620717411303424.*'float64' or 'str'"),
    (objects(0.5, 1.5), InvalidData, r"'c'.*float.*row 0: 0\.5.*\{'c': 'float64'\}"),
    (objects(decimal.Decimal("1.10"), None), InvalidData, r"'c'.*Decimal.*1\.10.*'float64'"),
    (objects(b"x", b"y"), InvalidData, r"'c'.*bytes.*b'x'.*'str'"),
    (
        objects(dt.datetime.fromisoformat("2020-01-01"), None),
        InvalidData,
        r"'c'.*datetime.*'datetime64\[us\]'",
    ),
    (objects(dt.time(1), None), InvalidData, r"'c'.*time.*'str'"),
    (objects([1], [2]), InvalidData, r"'c'.*list.*row 0: \[1\].*drop\(columns='c'\)"),
    (objects({"a": 1}, None), InvalidData, r"'c'.*dict.*drop"),
    (objects("x" * 99, 1), InvalidData, r"'c' mixes.*x{50}.*\.\.\."),
    (
        spoilt(c=pd.Categorical(["a", 1], categories=pd.Index(["a", 1], dtype=object))),
        InvalidData,
        r"'c' mixes.*str.*int",
    ),
]


@pytest.mark.parametrize(("frame", "error", "pattern"), REFUSED)
def test_refused(frame, error, pattern):
    with pytest.raises(error, match=pattern):
        clean_frame(frame)


@pytest.mark.parametrize(
    ("rename", "error", "pattern"),
    [
        (["x"], InvalidInput, r"1 names for 3 columns.*Give 3"),
        (["x"] * 4, InvalidInput, r"4 names for 3 columns.*Give 3"),
        ("xyz", InvalidInput, r"1 names for 3 columns"),
        (["x", "y", "x"], InvalidData, r"0 and 2.*'x', 'x'.*own"),
        (["x", 1, "1"], InvalidData, r"1 and 2.*1, '1'"),
        (["x", "", "y"], InvalidData, r"position 1.*''"),
        (["x", None, "y"], InvalidData, r"position 1.*None"),
        ({"a": "x", "b": "y", "c": "z"}, InvalidInput, r"is dict.*in order"),
        ({"x", "y", "z"}, InvalidInput, r"is set.*in order"),
        (3, InvalidInput, r"=3 is int.*in order"),
    ],
)
def test_refused_names(rename, error, pattern):
    with pytest.raises(error, match=pattern):
        clean_frame(FRAME, rename)


@pytest.mark.parametrize(
    "values",
    [
        ["a", None, np.nan, pd.NA],
        [True, None, False],
        [dt.date(2020, 1, 1), np.nan],
        [None, None],
    ],
)
def test_object_columns_that_stay(values):
    column = pd.Series(values, dtype=object)
    found = clean_frame(pd.DataFrame({"c": column}))["c"]
    assert found.dtype == object
    assert list(map(id, found)) == list(map(id, column))


RETYPED = [
    (FRAME[["a"]], np.float32, pd.Series([1, 2, 3], dtype="float32")),
    (FRAME[["a"]], "str", pd.Series(["1", "2", "3"], dtype="str")),
    (FRAME[["a"]], str, pd.Series(["1", "2", "3"], dtype="str")),
    (FRAME[["a"]], "category", pd.Series([1, 2, 3]).astype("category")),
    (FRAME[["a"]], {"a": np.dtype("int8")}, pd.Series([1, 2, 3], dtype="int8")),
    (FRAME[["a"]], float, pd.Series([1.0, 2.0, 3.0])),
    (FRAME[["b"]], "Float64", pd.Series([0.5, None, 1.5], dtype="Float64")),
    (FRAME[["b"]], "str", pd.Series(["0.5", None, "1.5"], dtype="str")),
    (pd.DataFrame({"a": [1.0, np.nan]}), "Int64", pd.Series([1, None], dtype="Int64")),
    (pd.DataFrame({"a": ["1", "-2"]}), int, pd.Series([1, -2])),
    (pd.DataFrame({"a": ["2020-01-01"]}), "datetime64[s]", pd.Series(np.array(["2020"], "M8[s]"))),
    (pd.DataFrame({"a": [0, 1]}), bool, pd.Series([False, True])),
    (pd.DataFrame({"a": [1e308, np.inf]}), "float64", pd.Series([1e308, np.inf])),
    (pd.DataFrame({"a": [0.1]}), "float32", pd.Series(np.float32([0.1]))),
    (objects(1, None)[["c"]], "Int64", pd.Series([1, None], dtype="Int64")),
    (objects(True, None)[["c"]], "boolean", pd.Series([True, None], dtype="boolean")),
    (objects("a", 1)[["c"]], "str", pd.Series(["a", "1"], dtype="str")),
    (objects(decimal.Decimal("1.5"), 2)[["c"]], "float64", pd.Series([1.5, 2.0])),
]


@pytest.mark.parametrize(("frame", "retype", "expected"), RETYPED)
def test_retype(frame, retype, expected):
    name = frame.columns[0]
    found = clean_frame(frame, retype=retype)[name]
    pd.testing.assert_series_equal(found, expected, check_names=False, check_exact=True)


def test_retype_one_column_by_its_new_name():
    found = clean_frame(FRAME, ["x", "y", "z"], {"x": "float64"})
    assert list(map(str, found.dtypes)) == ["float64", "float64", "str"]


NOT_RETYPED = [
    ({"aa": "int8"}, FRAME, InvalidColumns, r"'aa'.*not exist.*Did you mean 'a'"),
    ("flot64", FRAME, InvalidColumns, r"'flot64' is not a dtype.*'float64'"),
    ("float64", FRAME, InvalidData, r"'x' in column 't', row 1, cannot become 'float64'.*Correct"),
    ({"b": int}, FRAME, InvalidData, r"0\.5 in column 'b', row 0.*'int64'"),
    ({"b": "int64"}, FRAME[1:], InvalidData, r"nan in column 'b', row 0.*'int64'.*'Int64'"),
    ({"b": bool}, FRAME[1:], InvalidData, r"nan in column 'b', row 0.*'bool'.*'boolean'"),
    ({"a": bool}, FRAME, InvalidData, r"2 in column 'a', row 1.*'bool'"),
    ({"t": bool}, FRAME, InvalidData, r"'1' in column 't', row 0.*'bool'"),
    ({"t": "int8"}, FRAME, InvalidData, r"'x' in column 't', row 1.*'int8'"),
    (
        "datetime64[us]",
        spoilt(c=["2020", "x"])[["c"]],
        InvalidData,
        r"'x' in column 'c', row 1.*datetime64\[us\]",
    ),
    ("complex128", FRAME[["a"]], InvalidData, r"'a'.*complex128.*\.real"),
    (object, FRAME[["a"]], InvalidData, r"'a'.*int \(first at row 0: 1\).*'Int64'"),
    ("int8", pd.DataFrame({"a": [1, 300]}), InvalidData, r"300 in column 'a', row 1.*'int8'"),
    ("uint8", pd.DataFrame({"a": [1, -1]}), InvalidData, r"-1 in column 'a', row 1.*'uint8'"),
    ("int64", pd.DataFrame({"a": [2.0**63]}), InvalidData, r"9.22.*row 0.*'int64'"),
    ("int64", pd.DataFrame({"a": [1.0, np.inf]}), InvalidData, r"inf in column 'a', row 1"),
    ("int64", objects(1.0, 1.5)[["c"]], InvalidData, r"1\.5 in column 'c', row 1"),
    ("int8", pd.DataFrame({"a": pd.Categorical([300])}), InvalidData, r"300 .*row 0.*'int8'"),
    ("float32", pd.DataFrame({"a": [1.0, 1e300]}), InvalidData, r"1e\+300 in column 'a', row 1"),
    ("float16", pd.DataFrame({"a": [1, 70_000]}), InvalidData, r"70000 in column 'a', row 1"),
    (bool, objects(True, None)[["c"]], InvalidData, r"None in column 'c', row 1.*'bool'"),
]


@pytest.mark.parametrize(("retype", "frame", "error", "pattern"), NOT_RETYPED)
def test_refused_retype(retype, frame, error, pattern):
    before = frame.copy(deep=True)
    with pytest.raises(error, match=pattern):
        clean_frame(frame, retype=retype)
    pd.testing.assert_frame_equal(frame, before)


def test_the_first_bad_row_of_many_is_found_by_halving():
    values = pd.Series(["1"] * 10_000)
    values[[7_777, 9_000]] = "x"
    with pytest.raises(InvalidData, match=r"'x' in column 't', row 7777"):
        clean_frame(pd.DataFrame({"t": values}), retype="int64")
