"""Which columns a filter takes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from aiqc.core.errors import InvalidColumns
from aiqc.pipeline.filters import match_columns

# data-set order is not alphabetical, so that sorting shows
AVAILABLE = {"z": "float64", "b": "int64", "y": "float64", "t": "str", "a": "int64"}


@pytest.mark.parametrize(
    ("arguments", "matching"),
    [
        ({}, ["z", "b", "y", "t", "a"]),
        ({"include": False}, ["z", "b", "y", "t", "a"]),
        ({"dtypes": ["int64"]}, ["b", "a"]),
        ({"dtypes": "float64"}, ["z", "y"]),
        ({"dtypes": np.float64}, ["z", "y"]),
        ({"dtypes": np.dtype("float64")}, ["z", "y"]),
        ({"dtypes": float}, ["z", "y"]),
        # in the order of the dtypes, then of the columns
        ({"dtypes": ["int64", "float64"]}, ["b", "a", "z", "y"]),
        ({"dtypes": ["int64"], "columns": ["y"]}, ["b", "a", "y"]),
        ({"columns": ["a", "z"]}, ["a", "z"]),
        ({"columns": "t"}, ["t"]),
        # all text is one kind, whatever pandas calls it
        ({"dtypes": "object"}, ["t"]),
        ({"dtypes": ["string"]}, ["t"]),
        ({"dtypes": ["str"]}, ["t"]),
        ({"include": False, "dtypes": ["float64"]}, ["b", "t", "a"]),
        ({"include": False, "columns": ["b", "t"]}, ["z", "y", "a"]),
        ({"include": False, "dtypes": ["int64"], "columns": "t"}, ["z", "y"]),
    ],
)
def test_matching_and_leftover(arguments: dict, matching: list[str]) -> None:
    match = match_columns(AVAILABLE, **arguments)
    assert match.matching == matching
    assert match.leftover == [column for column in AVAILABLE if column not in matching]
    assert match.leftover_dtypes == {column: AVAILABLE[column] for column in match.leftover}
    assert list(match.leftover_dtypes) == match.leftover


def test_original_filter_is_plain_data() -> None:
    match = match_columns(AVAILABLE, dtypes=[np.float64, "int64"], columns="t")
    expected = {"include": True, "dtypes": ["float64", "int64"], "columns": ["t"]}
    assert match.original_filter == expected
    assert match_columns(AVAILABLE).original_filter == {
        "include": True,
        "dtypes": None,
        "columns": None,
    }


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        ({"columns": ["nope"]}, r"'nope' does not exist.*columns are \['z', 'b'"),
        ({"columns": ["used"], "taken": ["used"]}, r"'used' is already used by an earlier coder"),
        ({"include": False, "columns": ["nope"]}, "'nope' does not exist"),
        ({"dtypes": ["int32"]}, r"'int32' matches no remaining column.*'float64', 'int64', 'str'"),
        ({"dtypes": ["int64"], "columns": ["a"]}, "'a' is matched again by `columns`"),
        ({"include": False, "dtypes": ["int64"], "columns": ["a"]}, "'a' is matched again"),
        ({"dtypes": ["float64", np.float64]}, "'z' is matched again by the dtype 'float64'"),
        ({"columns": ["a", "a"]}, "'a' is matched again"),
        ({"columns": []}, r"columns=\[\] names nothing"),
        ({"dtypes": []}, r"dtypes=\[\] names nothing"),
        ({"include": False, "columns": list(AVAILABLE)}, "leaves no column"),
    ],
)
def test_refused(arguments: dict, pattern: str) -> None:
    with pytest.raises(InvalidColumns, match=pattern):
        match_columns(AVAILABLE, **arguments)


def test_nothing_left_names_what_is_used() -> None:
    with pytest.raises(InvalidColumns, match=r"earlier coders use \['a', 'b'\]"):
        match_columns({}, taken=["b", "a"])


def test_chain_takes_from_the_leftover() -> None:
    first = match_columns(AVAILABLE, dtypes="int64")
    second = match_columns(first.leftover_dtypes, columns="t", taken=first.matching)
    assert second.leftover == ["z", "y"]
    with pytest.raises(InvalidColumns, match="already used"):
        match_columns(second.leftover_dtypes, columns="b", taken=[*first.matching, "t"])
