"""Reshaping by indices: numpy's reshape is the oracle, and no value ever moves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiqc.core.errors import Incompatible, InvalidInput
from aiqc.pipeline.shape import plan_shape


@pytest.mark.parametrize(
    ("indices", "sample_shape", "new", "position"),
    [
        # the three of the reference: drop a channel, add one, multiply neighbours
        ((0, 2, 3), (1, 25, 26), (25, 26), 2),
        ((0, "1", 1, 2), (5, 6), (1, 5, 6), 3),
        ((0, (1, 2), 3), (3, 60, 4), (180, 4), 2),
        ((0, 1), (7,), (7,), 1),
        ((0, 1, "1"), (7,), (7, 1), 1),
        ((0, "1", 1), (7,), (1, 7), 2),
        ((0, "1", "1", 1, "1"), (7,), (1, 1, 7, 1), 3),
        # folded into a product: the product's position
        ((0, (1, 2)), (5, 6), (30,), 1),
        ((0, 1, (2, 3)), (4, 5, 6), (4, 30), 2),
        ((0, (1, 2), (3, 4), "1"), (2, 3, 4, 5), (6, 20, 1), 2),
        ((0, (1,), 2), (5, 6), (5, 6), 2),
        # axes of length 1 left out, between, inside a product and at the end
        ((0, 1, 3, 4), (2, 1, 5, 6), (2, 5, 6), 3),
        ((0, (1, 3), 4), (2, 1, 5, 6), (10, 6), 2),
        ((0, 2), (1, 6), (6,), 1),
        ((0, 1), (5, 1), (5,), 1),
        ((0, 1, "1"), (5, 1), (5, 1), 2),
        # lengths in place of the axes that they split, repeat or multiply
        ((0, "3", "20", 2), (60, 4), (3, 20, 4), 3),
        ((0, "5", 2), (5, 6), (5, 6), 2),
        ((0, "5", "6"), (5, 6), (5, 6), 2),
        ((0, "5", "6", "1"), (5, 6), (5, 6, 1), 2),
        ((0, "30"), (5, 6), (30,), 1),
        ((0, 1, "12"), (5, 2, 6), (5, 12), 2),
        ((0, "5", "1"), (5, 1), (5, 1), 2),
        ((0, "05", 2), (5, 6), (5, 6), 2),
        ([0, [1, 2], np.int64(3)], (3, 60, 4), (180, 4), 2),
    ],
)
def test_shape_and_position(indices: Any, sample_shape: tuple, new: tuple, position: int) -> None:
    shaper = plan_shape(indices, sample_shape)
    assert shaper.shape_of(sample_shape) == new
    assert shaper.column_position == position
    array = np.arange(3 * math.prod(sample_shape)).reshape(3, *sample_shape)
    shaped = shaper.apply(array)
    assert np.array_equal(shaped, np.reshape(array, (3, *new)))
    assert np.shares_memory(shaped, array)
    assert np.array_equal(shaper.undo(shaped, sample_shape), array)


def test_indices_are_kept_as_python_values() -> None:
    assert plan_shape([0, "1", [np.int64(1), 2]], (5, 6)).indices == (0, "1", (1, 2))


@pytest.mark.parametrize("samples", [0, 1, 4])
def test_any_number_of_samples(samples: int) -> None:
    shaper = plan_shape((0, (1, 2)), (5, 6))
    array = np.zeros((samples, 5, 6), dtype=np.float32)
    assert shaper.apply(array).shape == (samples, 30)
    assert shaper.undo(shaper.apply(array), (5, 6)).shape == (samples, 5, 6)


def test_indices_fit_another_length_of_the_same_axes() -> None:
    """A fold may encode into another number of columns than the whole data."""
    shaper = plan_shape((0, "1", (1, 2)), (5, 6))
    assert shaper.shape_of((5, 9)) == (1, 45)
    assert shaper.apply(np.zeros((2, 5, 9))).shape == (2, 1, 45)
    with pytest.raises(InvalidInput, match=r"\(samples, 5\).*no axis 2"):
        shaper.apply(np.zeros((2, 5)))


@pytest.mark.parametrize(
    ("indices", "sample_shape", "pattern"),
    [
        # the scrambling of pixels that looks like a transpose
        ((0, 3, 2), (1, 5, 6), r"\(0, 3, 2\) .* \(samples, 1, 5, 6\): axis 2 comes after axis 3"),
        ((0, 2, 1), (6, 6), r"axis 1 comes after axis 2, which would reorder"),
        ((0, (2, 1)), (5, 6), r"axis 1 comes after axis 2"),
        ((0, (1, 3), 2), (1, 5, 6), r"axis 2 comes after axis 3"),
        ((0, 1, 1), (6, 1), r"axis 1 comes after axis 1"),
        ((0, 1, 0), (6,), r"axis 0 comes after axis 1"),
        ((0, (0, 1)), (6,), r"axis 0 comes after axis 0"),
        ((0, (1, 3)), (4, 5, 6), r"\(1, 3\) are no neighbours, axis 2 is between them"),
        ((0, 2), (5, 6), r"\(samples, 5, 6\): axis 1 of length 5 is left out"),
        ((0, 1), (5, 6), r"axis 2 of length 6 is left out"),
        ((0, 3), (5, 1, 6), r": axis 1 of length 5 is left out"),
        ((0, 3), (5, 2, 6), r"axis 1 of length 5 and axis 2 of length 2 are left out"),
        ((0, "1", 2), (5, 6), r"axis 1 of length 5 is left out"),
        ((0, "2", 1), (6,), r"the texts multiply to 2, which would add values"),
        ((0, 1, "2"), (6,), r"the texts multiply to 2, which would add values"),
        ((0, "4", 2), (5, 6), r"multiply to 4 in place of axis 1 of length 5"),
        # the right number of values in all, from the wrong axes
        ((0, "6", "5", 2), (5, 6), r"multiply to 30 in place of axis 1 of length 5"),
        ((0, "10", "3"), (5, 6), r"the length 3 splits the 6 columns"),
        ((0, "5", "2", "3"), (5, 6), r"the length 3 splits the 6 columns"),
        ((1, 2), (5, 6), r"axis 0, the samples, is not the first"),
        (("1", 0, 1), (6,), r"axis 0, the samples, is not the first"),
        (((0, 1), 2), (5, 6), r"axis 0, the samples, is not the first"),
        ((), (6,), r"axis 0, the samples, is not the first"),
        ((0,), (1,), r"no axis but the samples is left"),
        ((0, 1, 3), (5, 6), r"\(samples, 5, 6\): there is no axis 3"),
        ((0, 1.0), (6,), r"1\.0 in reshape_indices=\(0, 1\.0\) is no index"),
        ((0, -1), (6,), r"-1 in reshape_indices"),
        ((0, True), (6,), r"True in reshape_indices"),
        ((0, "x"), (6,), r"'x' in reshape_indices"),
        ((0, "0", 1), (6,), r"'0' in reshape_indices"),
        ((0, "-1"), (6,), r"'-1' in reshape_indices"),
        ((0, "²", 1), (6,), r"'²' in reshape_indices"),
        ((0, (), 1), (6,), r"\(\) in reshape_indices"),
        ((0, (1, "2")), (6, 2), r"\(1, '2'\) in reshape_indices"),
        ((0, None), (6,), r"None in reshape_indices"),
        ("01", (6,), r"reshape_indices='01' is not a tuple"),
        (0, (6,), r"reshape_indices=0 is not a tuple"),
    ],
)
def test_refused(indices: Any, sample_shape: tuple, pattern: str) -> None:
    with pytest.raises(InvalidInput, match=pattern):
        plan_shape(indices, sample_shape)


def test_undo_shows_both_shapes() -> None:
    shaper = plan_shape((0, (1, 2)), (5, 6))
    # the same number of values in another order of axes
    with pytest.raises(Incompatible, match=r"shape \(6, 5\);.* makes \(30,\) of \(5, 6\)"):
        shaper.undo(np.zeros((2, 6, 5)), (5, 6))


@st.composite
def sound(draw: st.DrawFn) -> tuple[tuple, tuple, tuple, int]:
    """Return (indices, sample shape, new sample shape, position of the columns)."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    axes = list(range(1, len(shape) + 1))
    indices: list[Any] = [0]
    new: list[int] = []

    def ones() -> None:
        for _ in range(draw(st.integers(0, 2))):
            indices.append("1")
            new.append(1)

    ones()
    while axes:
        count = draw(st.integers(1, len(axes)))
        taken, axes = axes[:count], axes[count:]
        drop = axes and count == 1 and shape[taken[0] - 1] == 1 and draw(st.booleans())
        if not drop:
            single = count == 1 and draw(st.booleans())
            indices.append(taken[0] if single else tuple(taken))
            new.append(math.prod(shape[axis - 1] for axis in taken))
            position = len(new)
        ones()
    return tuple(indices), shape, tuple(new), position


@given(sound(), st.integers(0, 3))
def test_no_value_moves(drawn: tuple[tuple, tuple, tuple, int], samples: int) -> None:
    indices, shape, new, position = drawn
    shaper = plan_shape(indices, shape)
    array = np.arange(samples * math.prod(shape)).reshape(samples, *shape)
    shaped = shaper.apply(array)
    assert shaped.shape == (samples, *new)
    assert shaper.shape_of(shape) == new
    assert shaper.column_position == position
    assert shaped.ravel().tolist() == array.ravel().tolist()
    assert np.array_equal(shaper.undo(shaped, shape), array)


ENTRIES = st.one_of(
    st.integers(0, 4),
    st.integers(1, 6).map(str),
    st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple),
)


@given(
    st.lists(ENTRIES, max_size=5).map(lambda rest: (0, *rest)),
    st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
)
def test_whatever_is_accepted_keeps_every_sample_and_the_columns_whole(
    indices: tuple, shape: tuple[int, ...]
) -> None:
    try:
        shaper = plan_shape(indices, shape)
    except InvalidInput:
        return
    new = shaper.shape_of(shape)
    assert math.prod(new) == math.prod(shape)
    assert len(new) == len(indices) - 1
    # the columns are the fastest axis at their position: its length is a multiple, all after is 1
    assert new[shaper.column_position - 1] % shape[-1] == 0
    assert math.prod(new[shaper.column_position :]) == 1
