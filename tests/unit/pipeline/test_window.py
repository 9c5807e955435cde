"""Which rows windows and their targets hold, and which sizes are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiqc.core.errors import InvalidInput
from aiqc.pipeline.window import plan_windows


@pytest.mark.parametrize(
    ("rows", "size", "shift", "unshifted", "shifted"),
    [
        (10, 3, 2, [[1, 2, 3], [3, 4, 5], [5, 6, 7]], [[3, 4, 5], [5, 6, 7], [7, 8, 9]]),
        (
            11,
            3,
            2,
            [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]],
            [[2, 3, 4], [4, 5, 6], [6, 7, 8], [8, 9, 10]],
        ),
        # the target lies beyond its window when the shift is longer
        (10, 2, 4, [[0, 1], [4, 5]], [[4, 5], [8, 9]]),
        (7, 2, 3, [[2, 3]], [[5, 6]]),
        (5, 2, 3, [[0, 1]], [[3, 4]]),
        (2, 1, 1, [[0]], [[1]]),
        (4, 3, 1, [[0, 1, 2]], [[1, 2, 3]]),
    ],
)
def test_shifted(
    rows: int, size: int, shift: int, unshifted: list[list[int]], shifted: list[list[int]]
) -> None:
    windows = plan_windows(rows, size, shift)
    assert windows.unshifted().tolist() == unshifted
    targets = windows.shifted()
    assert targets is not None
    assert targets.tolist() == shifted
    assert windows.count == len(unshifted)
    assert windows.unshifted().dtype == targets.dtype == np.int64


@pytest.mark.parametrize(
    ("rows", "size", "shift", "unshifted"),
    [
        (10, 3, 2, [[1, 2, 3], [3, 4, 5], [5, 6, 7], [7, 8, 9]]),
        (10, 3, 1, [[n, n + 1, n + 2] for n in range(8)]),
        (3, 3, 1, [[0, 1, 2]]),
        # one window of new data: no room for a shift, and none is needed
        (3, 3, 50, [[0, 1, 2]]),
        (5, 2, 4, [[3, 4]]),
    ],
)
def test_pure_inference_records_no_shifted_windows(
    rows: int, size: int, shift: int, unshifted: list[list[int]]
) -> None:
    windows = plan_windows(rows, size, shift, record_shifted=False)
    assert windows.unshifted().tolist() == unshifted
    assert windows.shifted() is None
    assert windows.count == len(unshifted)


def test_counts_of_the_note() -> None:
    assert [plan_windows(*sizes).count for sizes in ((10, 3, 2), (11, 3, 2), (10, 3, 1))] == [
        3,
        4,
        7,
    ]


@pytest.mark.parametrize(
    ("sizes", "shifted", "pattern"),
    [
        ((10, 0, 2), True, r"size_window=0 is not a whole number of at least 1"),
        ((10, 3, 0), True, r"size_shift=0 is not"),
        ((10, -3, 2), False, r"size_window=-3 is not"),
        ((10, 3, -1), False, r"size_shift=-1 is not"),
        ((10, 3.0, 2), True, r"size_window=3.0 is not"),
        ((10, "3", 2), True, r"size_window='3' is not"),
        ((10, True, 2), True, r"size_window=True is not"),
        ((10, 3, True), True, r"size_shift=True is not"),
        ((10, np.True_, 2), True, r"size_window=np.True_ is not"),
        (
            (10, 9, 2),
            True,
            r"9 rows and its target 2 rows later .* into 10 rows.*at most 8 or .* at most 1\.",
        ),
        ((10, 3, 8), True, r"size_window of at most 2 or a size_shift of at most 7\."),
        ((10, 19, 2), True, r"19 rows .* into 10 rows.* size_window of at most 8\."),
        ((10, 2, 10), True, r"into 10 rows\. Use a size_shift of at most 8\."),
        ((10, 10, 10), True, r"into 10 rows\. Both together may be 10 at most\."),
        ((10, 11, 1), False, r"11 rows does not fit into 10 rows\. Use .* at most 10\."),
        ((0, 1, 1), False, r"does not fit into 0 rows"),
    ],
)
def test_impossible_sizes(sizes: tuple, shifted: bool, pattern: str) -> None:
    with pytest.raises(InvalidInput, match=pattern):
        plan_windows(*sizes, record_shifted=shifted)


def test_the_largest_sizes_that_errors_name_are_possible_and_no_larger() -> None:
    assert plan_windows(10, 8, 2).count == 1
    assert plan_windows(10, 3, 7).count == 1
    assert plan_windows(10, 10, 1, record_shifted=False).count == 1
    with pytest.raises(InvalidInput):
        plan_windows(10, 3, 8)


def test_numpy_integers_are_integers() -> None:
    assert plan_windows(10, np.int64(3), np.uint8(2)) == plan_windows(10, 3, 2)


def test_chosen_windows_keep_order_and_repeat() -> None:
    windows = plan_windows(10, 3, 2)
    chosen = np.array([2, 0, 2])
    assert windows.unshifted(chosen).tolist() == [[5, 6, 7], [1, 2, 3], [5, 6, 7]]
    assert np.array_equal(windows.shifted(chosen), windows.unshifted(chosen) + 2)  # type: ignore[arg-type]
    assert windows.unshifted(np.array([], dtype=np.int64)).shape == (0, 3)


@pytest.mark.parametrize("samples", [[3], [-1], [0, 7]])
def test_windows_that_do_not_exist(samples: list[int]) -> None:
    with pytest.raises(InvalidInput, match=r"no window (3|-1|7): the data hold 3"):
        plan_windows(10, 3, 2).unshifted(np.array(samples))


@st.composite
def possible(draw: st.DrawFn) -> tuple[int, int, int]:
    size, shift = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return size + shift + draw(st.integers(0, 60)), size, shift


@given(possible(), st.booleans())
def test_arithmetic(sizes: tuple[int, int, int], shifted: bool) -> None:
    """The windows are all that fit, in order, and the data end with them."""
    rows, size, shift = sizes
    windows = plan_windows(rows, size, shift, record_shifted=shifted)
    table = windows.unshifted()
    assert windows.count == (rows - size) // shift + (not shifted)
    assert table.shape == (windows.count, size)
    assert (np.diff(table, axis=1) == 1).all()
    assert (np.diff(table, axis=0) == shift).all()
    ends = windows.shifted() if shifted else table
    assert ends is not None
    assert ends[-1, -1] == rows - 1
    # another one would not fit at the start
    assert 0 <= table[0, 0] < shift
    if shifted:
        assert np.array_equal(ends, table + shift)


@given(possible(), st.booleans(), st.booleans(), st.data())
def test_rows_are_the_distinct_rows(
    sizes: tuple[int, int, int], recorded: bool, shifted: bool, data: st.DataObject
) -> None:
    windows = plan_windows(*sizes, record_shifted=recorded)
    numbers = st.integers(0, windows.count - 1)
    samples = np.array(data.draw(st.lists(numbers, max_size=8)), dtype=np.int64)
    expected = set(windows.unshifted(samples).ravel().tolist())
    if shifted and recorded:
        expected |= {row + windows.shift for row in expected}
    found = windows.rows(samples, shifted=shifted)
    assert found.dtype == np.int64
    assert found.tolist() == sorted(expected)
