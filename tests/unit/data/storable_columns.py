"""One column of every dtype that a metastore keeps; the same in every process."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

_NUMBERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 bool"
_NULLABLE = "Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 boolean"
_TIMES = pd.Series(pd.to_datetime(["1969-07-20 20:17:40", None, "2021-01-01 01:01:01"]))
_SPANS = pd.Series(pd.to_timedelta(["-1 days", None, "36:00:01"]))
_DAYS = [dt.date(2020, 1, 1), dt.date(2021, 1, 1)]
_TEXTS = ["a", None, "", "日本 🐧", 'a,b\n"c"', "nan", "None", "\x00", "a"]


def storable_columns() -> dict[str, pd.Series]:
    return _numbers() | _texts() | _times() | _categories() | _objects() | _arrow()


def _numbers():
    columns = {name: pd.Series(np.array([0, 1, 1, 0]).astype(name)) for name in _NUMBERS.split()}
    columns |= {name: pd.Series([0, 1, None], dtype=name) for name in _NULLABLE.split()}
    limits = {
        f"limits {name}": pd.Series(np.array([np.iinfo(name).min, np.iinfo(name).max], dtype=name))
        for name in ("int8", "int64", "uint64")
    }
    special = [np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1]
    return (
        columns
        | limits
        | {
            "special": pd.Series(special),
            "all nan": pd.Series([np.nan, np.nan]),
            "special float32": pd.Series([np.nan, np.inf, -0.0, 0.1], dtype="float32"),
            "big endian": pd.Series(np.array([1, -2], dtype=">i4")),
            "big endian float": pd.Series(np.array([1.5, np.nan], dtype=">f8")),
            "limits Int64": pd.Series([-(2**63), 2**63 - 1, None], dtype="Int64"),
        }
    )


def _texts():
    return {
        "str": pd.Series(_TEXTS, dtype="str"),
        "str python": pd.Series(_TEXTS, dtype=pd.StringDtype("python", na_value=np.nan)),
        "string python": pd.Series(_TEXTS, dtype="string[python]"),
        "string pyarrow": pd.Series(_TEXTS, dtype=pd.StringDtype("pyarrow")),
        "object None": pd.Series(_TEXTS, dtype=object),
        "object nan": pd.Series(["a", np.nan, ""], dtype=object),
        "object NA": pd.Series(["a", pd.NA, ""], dtype=object),
        "object whole": pd.Series(["a", "b"], dtype=object),
        "object mixed missing": pd.Series([None, "a", np.nan, pd.NA, None], dtype=object),
        "object all None": pd.Series([None, None], dtype=object),
        "object all nan": pd.Series([np.nan, np.nan], dtype=object),
    }


def _times():
    columns = {}
    for unit in ("s", "ms", "us", "ns"):
        columns[f"datetime {unit}"] = _TIMES.astype(f"datetime64[{unit}]")
        columns[f"timedelta {unit}"] = _SPANS.astype(f"timedelta64[{unit}]")
        zoned = _TIMES.dt.tz_localize("Europe/Berlin").astype(f"datetime64[{unit}, Europe/Berlin]")
        columns[f"zoned {unit}"] = zoned
    columns["utc"] = _TIMES.dt.tz_localize("UTC")
    columns["offset"] = _TIMES.dt.tz_localize("+05:30")
    columns["datetime zone"] = _TIMES.dt.tz_localize(dt.timezone(dt.timedelta(hours=-3)))
    # both readings of an hour that happens twice
    twice = pd.to_datetime(["2021-10-31 00:30", "2021-10-31 01:30"]).tz_localize("UTC")
    columns["twice"] = pd.Series(twice.tz_convert("Europe/Berlin"))
    columns["far"] = pd.Series(np.array(["0001-01-01", "9999-12-31"], dtype="M8[s]"))
    columns["nanosecond"] = pd.Series(np.array([1, 2**62], dtype="M8[ns]"))
    columns["all NaT"] = pd.Series(np.array(["NaT", "NaT"], dtype="M8[ms]"))
    return columns


def _category(values, categories, *, ordered=False):
    return pd.Series(pd.Categorical(values, dtype=pd.CategoricalDtype(categories, ordered)))


def _categories():
    days = pd.to_datetime(["2020-01-02", "2020-01-01"])
    return {
        "category": _category(["a", "b", None, "a"], ["z", "b", "", "a"]),
        "category ordered": _category(["a", "b"], ["z", "b", "a"], ordered=True),
        "category object": _category(["a", "b"], pd.Index(["b", "z", "a"], dtype=object)),
        "category integer": _category([3, 1, None], [5, 3, 1]),
        "category int8": _category([3, 1], pd.Index([5, 3, 1], dtype="int8"), ordered=True),
        "category float": _category([0.5, None], [np.inf, 0.5, -0.5]),
        "category bool": _category([True, False], [True, False]),
        "category dates": _category([days[0], None], days),
        "category zoned": _category([], days.tz_localize("Europe/Berlin"))
        .cat.add_categories([])
        .reindex(range(2)),
        "category span": _category(pd.to_timedelta([1], unit="D"), pd.to_timedelta([2, 1], "D")),
        "category Int64": _category([1, None], pd.Index([2, 1], dtype="Int64")),
        "category string": _category(["b"], pd.Index(["b", "a"], dtype="string")),
        "category day": _category(_DAYS[:1], _DAYS[::-1]),
        "category empty": pd.Series([None, None]).astype("category"),
        "category many": _category(range(0, 600, 2), list(range(600))),
    }


def _objects():
    return {
        "object bool": pd.Series([True, np.nan, False], dtype=object),
        "object bool whole": pd.Series([True, False], dtype=object),
        "object date": pd.Series([dt.date(2020, 2, 29), None, dt.date(1, 1, 1)], dtype=object),
    }


def _arrow():
    return {
        f"arrow {kind}": pd.Series(values, dtype=pd.ArrowDtype(kind))
        for kind, values in [
            (pa.int64(), [1, None]),
            (pa.float32(), [0.5, None]),
            (pa.bool_(), [True, None]),
            (pa.string(), ["a", None, ""]),
            (pa.large_string(), ["a", None]),
            (pa.date32(), [dt.date(2020, 1, 1), None]),
            (pa.timestamp("s"), [pd.Timestamp("2020-01-01"), None]),
            (pa.timestamp("us", "UTC"), [pd.Timestamp("2020-01-01", tz="UTC"), None]),
            (pa.duration("ms"), [dt.timedelta(seconds=1), None]),
        ]
    }


def check_folder(folder: Path) -> None:
    """Compare the files of another process with the columns made here; print digests."""
    from aiqc.data.digest import frame_digest
    from aiqc.data.parquet import decode_frame

    for name, column in storable_columns().items():
        with (folder / f"{name}.parquet").open("rb") as file:
            found = decode_frame(file)
        assert_identical(found, column.to_frame(name))
        sys.stdout.write(f"{frame_digest(found)}\n")


def assert_identical(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Assert equal dtypes to their last detail, equal values, and equal missing values."""
    pd.testing.assert_frame_equal(
        found, expected, check_exact=True, check_column_type=True, check_freq=False
    )
    for name in expected:
        left, right = found[name], expected[name]
        assert repr(left.dtype) == repr(right.dtype), name
        if left.dtype == object:
            kinds = [[type(item) for item in side[side.isna()]] for side in (left, right)]
            assert kinds[0] == kinds[1], name
        if left.dtype.kind == "f" and isinstance(left.dtype, np.dtype):
            assert np.array_equal(np.signbit(left), np.signbit(right)), name


if __name__ == "__main__":
    check_folder(Path(sys.argv[1]))
