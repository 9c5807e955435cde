"""Tables hand out private arrays; npy files are written in parts; one value a sample."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aiqc.core.errors import InvalidData, InvalidInput, NotReady
from aiqc.pipeline.npy_writer import npy_writer
from aiqc.pipeline.one_value import median_of_each, most_frequent_of_each
from aiqc.pipeline.table import ArrayTable, FrameTable, Table

FRAME = pd.DataFrame(
    {
        "f": [1.5, 2.5, np.nan, 4.0],
        "i": [1, 2, 3, 4],
        "n": pd.array([1, None, 3, 4], dtype="Int64"),
        "b": [True, False, True, True],
        "t": ["x", "y", None, "z"],
    }
)
ARRAY = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("columns", "dtype", "expected"),
    [
        (["i"], np.int64, [[1], [4], [1]]),
        (["f", "i"], np.float64, [[1.5, 1], [4, 4], [1.5, 1]]),
        (["n", "f"], np.float64, [[1, 1.5], [4, 4], [1, 1.5]]),
        (["b", "i"], np.int64, [[1, 1], [1, 4], [1, 1]]),
        (["t", "i"], object, [["x", 1], ["z", 4], ["x", 1]]),
    ],
)
def test_columns_of_a_frame_in_their_common_dtype(
    columns: list[str], dtype: Any, expected: list[Any]
) -> None:
    found = FrameTable(FRAME).at(np.array([0, 3, 0])).raw(columns)
    assert found.dtype == dtype
    assert found.tolist() == expected


@pytest.mark.parametrize(
    "table",
    [FrameTable(FRAME[["f", "i"]]), ArrayTable(ARRAY, ["a", "f", "i"])],
    ids=["frame", "array"],
)
def test_what_is_handed_out_may_be_written_into(table: Table) -> None:
    for part in (table, table.at(slice(0, 2)), table.of(["i", "f"])):
        before = part.raw(part.names).tobytes()
        part.raw(part.names)[:] = 0
        assert part.raw(part.names).tobytes() == before


@given(rows=st.lists(st.integers(0, 3), max_size=6), columns=st.permutations(["a", "b", "c"]))
def test_rows_and_columns_are_fancy_indices(rows: list[int], columns: list[str]) -> None:
    places = ["abc".index(name) for name in columns]
    index = np.array(rows, dtype=np.int64)
    expected = ARRAY[index][:, places]
    for table in (
        ArrayTable(ARRAY, list("abc")),
        FrameTable(pd.DataFrame(ARRAY, columns=list("abc"))),
    ):
        assert np.array_equal(table.at(index).of(columns).raw(columns), expected)
        assert np.array_equal(table.of(columns).at(index).raw(columns), expected)
        assert len(table.at(index)) == len(rows)


def test_a_leftover_that_is_not_numeric_is_named() -> None:
    with pytest.raises(InvalidData, match=r"'t'.*OneHotEncoder"):
        FrameTable(FRAME).leftover(["t"])
    (flags,) = FrameTable(FRAME).leftover(["b"])
    assert (flags.dtype, flags.tolist()) == (np.float32, [1, 0, 1, 1])


# --- files in parts ------------------------------------------------------------


@given(array=hnp.arrays(np.int16, hnp.array_shapes(max_side=5)))
def test_parts_give_the_file_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray
) -> None:
    folder = tmp_path_factory.mktemp("npy")
    with npy_writer(folder / "deep" / "x.npy", len(array)) as writer:
        for part in np.array_split(array, 3):
            writer.add(np.asfortranarray(part))
        facts = writer.facts()
    np.save(folder / "whole.npy", array)
    data = (folder / "deep" / "x.npy").read_bytes()
    assert data == (folder / "whole.npy").read_bytes()
    assert (facts.shape, facts.dtype, facts.bytes) == (array.shape, array.dtype.str, len(data))


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([np.zeros((2, 3)), np.zeros((2, 4))], InvalidInput),
        ([np.zeros((2, 3)), np.zeros((2, 3), np.float32)], InvalidInput),
        ([np.array([["x"]], dtype=object)], InvalidInput),
        ([np.zeros((2, 3))], NotReady),
        ([], NotReady),
    ],
)
def test_parts_that_do_not_fit_leave_no_file(
    tmp_path: Path, parts: list[np.ndarray], error: type[Exception]
) -> None:
    def write() -> None:
        with npy_writer(tmp_path / "x.npy", 4) as writer:
            for part in parts:
                writer.add(part)
            writer.facts()

    with pytest.raises(error):
        write()
    assert list(tmp_path.iterdir()) == []


# --- one value a sample -----------------------------------------------------------


@given(
    values=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3)),
        elements=st.floats(-1e6, 1e6) | st.just(math.nan),
    )
)
def test_the_median_is_pandas_median(values: np.ndarray) -> None:
    expected = [pd.Series(sample.reshape(-1)).median() for sample in values]
    np.testing.assert_allclose(median_of_each(values), expected)


@given(
    values=hnp.arrays(
        np.int64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(-9, 9)
    )
)
def test_the_median_of_whole_numbers_is_one_of_them(values: np.ndarray) -> None:
    expected = [sorted(row)[(len(row) - 1) // 2] for row in values.tolist()]
    assert median_of_each(values).tolist() == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["b", "a", "b"]], ["b"]),
        ([["b", "a"], ["c", "b"]], ["a", "b"]),
        ([[None, "z", None]], ["z"]),
        ([[True, False]], [False]),
    ],
)
def test_the_most_frequent_value_and_of_equals_the_smallest(
    rows: list[list[Any]], expected: list[Any]
) -> None:
    assert most_frequent_of_each(np.array(rows, dtype=object)).tolist() == expected


def test_a_sample_without_a_value_is_missing() -> None:
    found = most_frequent_of_each(np.array([[None, None], ["a", None]], dtype=object))
    assert found.isna().tolist() == [True, False]
