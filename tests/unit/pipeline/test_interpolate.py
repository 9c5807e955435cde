"""Interpolated values: pandas is the oracle; training rows see no others; no row moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiqc.core.errors import InvalidData, InvalidInput
from aiqc.pipeline.interpolate import (
    DEFAULT_KWARGS,
    InterpolateStep,
    check_kwargs,
    interpolate_array,
    interpolate_new,
    interpolate_rows,
)
from aiqc.pipeline.interpolate_kwargs import METHODS

NAN = float("nan")
LINEAR = {"method": "linear", "limit_direction": "both"}
#: a curve with gaps at both ends, of one row and of two
CURVE = np.array([NAN, 1, 4, NAN, 16, 21, NAN, NAN, 60, 81, 90, 122, NAN])


def step(kwargs: Any = None, columns: Any = ("y",), *, apart: bool = True) -> InterpolateStep:
    return InterpolateStep(list(columns), check_kwargs(kwargs), apart)


def curve_frame(values: Any = CURVE) -> pd.DataFrame:
    values = np.asarray(values, dtype=float)
    text = [f"row {n}" for n in range(len(values))]
    return pd.DataFrame({"text": text, "y": values, "x": np.arange(len(values))})


def fill_all(frame: pd.DataFrame, *steps: InterpolateStep) -> pd.DataFrame:
    rows = np.arange(len(frame))
    return interpolate_rows(frame, steps, rows, rows)


# arguments


def test_defaults_are_those_of_the_reference() -> None:
    assert DEFAULT_KWARGS == {
        "method": "spline",
        "limit_direction": "both",
        "limit_area": None,
        "axis": 0,
        "order": 1,
    }
    stored = check_kwargs(None)
    stored["order"] = 3
    assert DEFAULT_KWARGS["order"] == 1


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        (None, DEFAULT_KWARGS),
        ({}, DEFAULT_KWARGS),
        ({"order": 3}, {**DEFAULT_KWARGS, "order": 3}),
        ({"method": None, "s": 2}, {**DEFAULT_KWARGS, "s": 2}),
        # with a method, all the rest is pandas'
        ({"method": "linear"}, {"method": "linear", "axis": 0}),
        ({"method": "linear", "axis": "index"}, {"method": "linear", "axis": 0}),
        (
            {"method": "polynomial", "order": np.int64(2)},
            {"method": "polynomial", "order": 2, "axis": 0},
        ),
        ({"method": "pchip", "limit": 2}, {"method": "pchip", "limit": 2, "axis": 0}),
    ],
)
def test_stored_arguments(given_: Any, stored: dict[str, Any]) -> None:
    before = None if given_ is None else dict(given_)
    assert check_kwargs(given_) == stored
    assert given_ == before


@pytest.mark.parametrize(
    ("kwargs", "pattern"),
    [
        ({"axis": 1}, r"axis=1 would fit a curve to the columns"),
        ({"axis": "columns"}, r"axis='columns' would"),
        ({"method": "linear", "inplace": True}, r"inplace is no argument"),
        ({"inplace": False}, r"inplace is no argument"),
        ({"metod": "linear"}, r"unknown argument 'metod'\. Did you mean 'method'\?.*limit_area"),
        ({"downcast": "infer"}, r"unknown argument 'downcast'\. Use some of"),
        ({"method": "splin"}, r"method='splin' does not .*Did you mean 'spline'\?"),
        ({"method": "time"}, r"method='time' does not"),
        ({"method": "ffill"}, r"method='ffill' does not .*Use one of \['linear'"),
        ({"method": ["linear"]}, r"method=\['linear'\] in interpolate_kwargs is list"),
        ({"limit_direction": "up"}, r"pandas cannot interpolate with .*'up'"),
        ({"limit_area": "around"}, r"pandas cannot interpolate with .*limit_area"),
        ({"limit": 0}, r"pandas cannot interpolate with .*[Ll]imit"),
        ({"order": 9}, r"pandas cannot interpolate with .*'order': 9"),
        ({"method": "spline"}, r"pandas cannot interpolate with .*order"),
        ({"method": "polynomial"}, r"pandas cannot interpolate with .*order"),
        ({"method": "pchip", "bc_type": "natural"}, r"pandas cannot interpolate with .*bc_type"),
        ("linear", r"interpolate_kwargs='linear' is no dict"),
        ([("method", "linear")], r"is no dict"),
    ],
)
def test_refused_arguments(kwargs: Any, pattern: str) -> None:
    with pytest.raises(InvalidInput, match=pattern):
        check_kwargs(kwargs)


# values


@pytest.mark.parametrize(
    ("kwargs", "pandas_kwargs"),
    [
        (None, {**DEFAULT_KWARGS, "s": 0}),
        ({"order": 3}, {**DEFAULT_KWARGS, "order": 3, "s": 0}),
        # a user's own smoothing wins
        ({"s": 5.0}, {**DEFAULT_KWARGS, "s": 5.0}),
        (LINEAR, LINEAR),
        *(
            ({"method": name, **ends}, {"method": name, **ends})
            for name in ("krogh", "pchip", "cubicspline", "barycentric", "index", "values")
            for ends in [{"limit_direction": "both"}]
        ),
        *(
            ({"method": name, "fill_value": "extrapolate", "limit_direction": "both"},) * 2
            for name in ("nearest", "slinear", "quadratic", "cubic", "zero")
        ),
    ],
)
def test_a_column_alone_is_as_in_pandas(kwargs: Any, pandas_kwargs: Any) -> None:
    frame = curve_frame()
    expected = frame[["y"]].interpolate(**pandas_kwargs)["y"]
    found = fill_all(frame, step(kwargs))["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    assert not found.isna().any()


def test_polynomial_is_as_in_pandas_between_known_values() -> None:
    frame = curve_frame(CURVE[1:-1])
    kwargs = {"method": "polynomial", "order": 2}
    expected = frame[["y"]].interpolate(**kwargs)["y"]  # type: ignore[arg-type]
    np.testing.assert_allclose(fill_all(frame, step(kwargs))["y"], expected, rtol=1e-12)


def test_the_default_passes_through_every_known_value() -> None:
    """pandas' own spline smooths: a column with a small spread becomes a straight line."""
    values = np.sin(np.arange(40.0)) * 0.01
    gaps = values.copy()
    gaps[[5, 6, 20]] = NAN
    found = fill_all(curve_frame(gaps), step())["y"].to_numpy()
    known = ~np.isnan(gaps)
    np.testing.assert_array_equal(found[known], gaps[known])
    # order 1: on the straight line between the neighbours, beyond the ends along the last one
    by_hand = [values[4] + (values[7] - values[4]) * part for part in (1 / 3, 2 / 3)]
    np.testing.assert_allclose(found[[5, 6]], by_hand, rtol=1e-9)
    np.testing.assert_allclose(found[20], (values[19] + values[21]) / 2, rtol=1e-9)


def test_ends() -> None:
    """A spline continues its slope; linear repeats the nearest value."""
    frame = curve_frame([NAN, 2, 4, 5, NAN])
    assert fill_all(frame, step())["y"].tolist() == pytest.approx([0, 2, 4, 5, 6])
    assert fill_all(frame, step(LINEAR))["y"].tolist() == [2, 2, 4, 5, 5]


def test_gaps_between_rows_count() -> None:
    """The training rows stand where they stood: a row is no step of one to the next."""
    values = np.arange(20.0) ** 1
    values[[3, 10]] = NAN
    train = np.array([0, 1, 3, 9, 10, 19])
    for kwargs in (None, LINEAR, {"method": "index"}, {"method": "pchip"}):
        found = interpolate_rows(curve_frame(values), [step(kwargs)], train, train)
        assert found["y"].tolist() == pytest.approx(train.tolist())


def test_other_rows_see_the_filled_training_rows_and_their_own_split() -> None:
    #       0    1    2     3    4    5     6
    y = [0.0, NAN, 20.0, NAN, NAN, 51.0, NAN]
    frame, train = curve_frame(y), np.array([0, 1, 5])
    fill = [step(LINEAR)]
    # training rows alone: 0 and 51 are known; row 1 lies a fifth of the way
    assert interpolate_rows(frame, fill, train, train)["y"].tolist() == pytest.approx(
        [0, 10.2, 51]
    )
    # row 2 is known to its own split; row 3 lies between it and row 5
    found = interpolate_rows(frame, fill, train, np.array([2, 3, 6]))["y"]
    assert found.tolist() == pytest.approx([20, 20 + 31 / 3, 51])
    # another split does not see row 2: the filled row 1 is its neighbour
    found = interpolate_rows(frame, fill, train, np.array([4]))["y"]
    assert found.tolist() == pytest.approx([10.2 + (51 - 10.2) * 3 / 4])
    # a row that is both keeps its training value
    found = interpolate_rows(frame, fill, train, np.array([1, 2]))["y"]
    assert found.tolist() == pytest.approx([10.2, 20])


def test_together_every_row_sees_all() -> None:
    y = [0.0, NAN, 20.0, NAN, NAN, 51.0, NAN]
    frame = curve_frame(y)
    fill = [step(LINEAR, apart=False)]
    found = interpolate_rows(frame, fill, np.array([0, 5]), np.array([4, 1]))["y"]
    assert found.tolist() == pytest.approx([20 + 31 * 2 / 3, 10])


def test_columns_of_each_step_and_no_others() -> None:
    frame = curve_frame().assign(z=CURVE[::-1], other=CURVE, small=CURVE.astype(np.float32))
    frame["null"] = pd.array(CURVE, dtype="Float64")
    before = frame.copy(deep=True)
    found = fill_all(frame, step(LINEAR, ["z"]), step(None, ["y", "small", "null"]))
    pd.testing.assert_frame_equal(frame, before)
    for name in ("text", "x", "other"):
        pd.testing.assert_series_equal(found[name], frame[name])
    assert found.columns.tolist() == frame.columns.tolist()
    assert found.dtypes.astype(str).tolist() == frame.dtypes.astype(str).tolist()
    np.testing.assert_allclose(found["z"], frame["z"].interpolate(limit_direction="both"))
    expected = frame["y"].interpolate(**DEFAULT_KWARGS, s=0).to_numpy()
    np.testing.assert_allclose(found["y"], expected)
    np.testing.assert_allclose(found["null"].to_numpy(dtype=float), expected)
    np.testing.assert_array_equal(found["small"], expected.astype(np.float32))


def test_result_is_not_the_frame() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0]})
    found = fill_all(frame, step())
    found.loc[0, "y"] = 9.0
    assert frame["y"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "kwargs", "train", "rows", "pattern"),
    [
        ([NAN] * 4, None, [0, 1], [0], r"No value of the column 'y' is known among the 2 rows"),
        ([NAN, NAN, 3, 4], LINEAR, [0, 1], [2, 0], r"No value of the column 'y' is known"),
        ([1, NAN, NAN, 4], None, [0, 1], [1], r"'spline' cannot fit the 1 known .*'linear'"),
        ([1, NAN, 3, 4, 5], {"order": 5}, [0, 1, 2, 3, 4], [1], r"cannot fit the 4 known values"),
        (
            [NAN, 2, 3],
            {"method": "linear"},
            [0, 1, 2],
            [2, 0],
            r"Row 0 of the column 'y' is still",
        ),
        (
            [1, NAN, NAN, 4],
            {"method": "linear", "limit": 1},
            [0, 1, 2, 3],
            [2],
            r"Row 2 of the col",
        ),
        (
            [1, np.inf, NAN, 4],
            None,
            [0, 1, 2, 3],
            [0, 1, 2, 3],
            r"Row 2 of the column 'y' became i",
        ),
        ([NAN, np.inf, 3, 4], None, [0, 1, 2, 3], [0], r"Row 0 of the column 'y' (is|became) "),
        # alone it stays missing, although a row of another split could fill it
        (
            [5, NAN, 3, 4],
            {"method": "linear"},
            [1, 2, 3],
            [0, 1],
            r"Row 1 of the column 'y' is st",
        ),
    ],
)
def test_what_cannot_be_filled(
    values: Any, kwargs: Any, train: Any, rows: Any, pattern: str
) -> None:
    with pytest.raises(InvalidData, match=pattern) as caught:
        interpolate_rows(curve_frame(values), [step(kwargs)], np.array(train), np.array(rows))
    said = str(caught.value)
    assert "'limit_direction': 'both'" in said or "Leave the column" in said


def test_rows_that_are_not_asked_for_may_stay_missing() -> None:
    frame = curve_frame([NAN, 2, NAN, 4])
    kwargs = {"method": "linear"}
    found = interpolate_rows(frame, [step(kwargs)], np.arange(4), np.array([2]))
    assert found["y"].tolist() == [3]


# properties

GAPPY = st.lists(
    st.one_of(st.floats(-1e3, 1e3, width=32), st.just(NAN)), min_size=4, max_size=30
).filter(lambda values: np.isfinite(values).sum() >= 2)


@st.composite
def splits(draw: st.DrawFn) -> tuple[pd.DataFrame, Any, Any]:
    """Return a frame, training rows with two known values, and all other rows, shuffled."""
    values = np.array(draw(GAPPY))
    known = np.flatnonzero(np.isfinite(values)).tolist()
    sure = draw(st.permutations(known))[:2]
    more = draw(st.lists(st.integers(0, len(values) - 1), max_size=len(values)))
    train = draw(st.permutations(sorted({*sure, *more})))
    others = draw(st.permutations(sorted(set(range(len(values))) - set(train))))
    return curve_frame(values), np.array(train, dtype=int), np.array(others, dtype=int)


KWARGS = st.sampled_from([None, LINEAR])


@given(splits(), KWARGS)
def test_no_training_value_depends_on_other_rows(
    drawn: tuple[pd.DataFrame, Any, Any], kwargs: Any
) -> None:
    frame, train, others = drawn
    found = interpolate_rows(frame, [step(kwargs)], train, train)
    changed = frame.copy()
    changed.loc[others, "y"] *= 1e9
    pd.testing.assert_frame_equal(
        interpolate_rows(changed, [step(kwargs)], train, train), found, check_exact=True
    )
    # also when other rows are asked for in the same call
    rows = np.concatenate([others, train])
    beside = interpolate_rows(changed, [step(kwargs)], train, rows).iloc[len(others) :]
    pd.testing.assert_frame_equal(beside.reset_index(drop=True), found, check_exact=True)


#: every method, with what lets it fill the ends where it can
ALL_METHODS = [
    *({"method": name, "limit_direction": "both"} for name in ("linear", "index", "values")),
    *(
        {"method": name, "fill_value": "extrapolate"}
        for name in ("nearest", "zero", "slinear", "quadratic", "cubic")
    ),
    {"method": "polynomial", "order": 2, "fill_value": "extrapolate"},
    {"method": "spline", "order": 3, "limit_direction": "both"},
    *(
        {"method": name, "limit_direction": "both"}
        for name in (
            *("barycentric", "krogh", "piecewise_polynomial", "from_derivatives"),
            *("pchip", "akima", "cubicspline"),
        )
    ),
]


@pytest.mark.parametrize("kwargs", ALL_METHODS, ids=lambda kwargs: kwargs["method"])
def test_no_method_lets_training_rows_see_others(kwargs: Any) -> None:
    """Also the same to the last bit when it is done again."""
    rng = np.random.default_rng(4)
    values = np.cumsum(rng.normal(size=30)) + 9
    train = np.array([*range(0, 16, 2), *range(17, 30, 3)])
    others = np.setdiff1d(np.arange(30), train)
    values[[4, 10, 12, 23, 3, 7, 18]] = NAN
    frame = curve_frame(values)
    changed = frame.copy()
    changed.loc[others, "y"] *= 1e9
    fill = [step(kwargs)]
    found = interpolate_rows(frame, fill, train, train)
    assert found["y"].notna().all()
    for one in (frame, changed):
        again = interpolate_rows(one, fill, train, train)
        pd.testing.assert_frame_equal(again, found, check_exact=True)
    # processed together, the others do reach them
    together = interpolate_rows(changed, [step(kwargs, apart=False)], train, train)
    assert not np.allclose(together["y"], found["y"])


def test_every_method_is_tried_for_leaks() -> None:
    assert {kwargs["method"] for kwargs in ALL_METHODS} == set(METHODS)


@given(splits())
def test_the_default_is_the_spline_of_pandas_at_any_positions(
    drawn: tuple[pd.DataFrame, Any, Any],
) -> None:
    frame, train, _ = drawn
    series = frame["y"].iloc[np.sort(train)]
    expected = series.interpolate(**DEFAULT_KWARGS, s=0)
    found = interpolate_rows(frame, [step()], train, np.sort(train))["y"]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6)
    explicit = step({**DEFAULT_KWARGS, "s": 0.0})
    again = interpolate_rows(frame, [explicit], train, np.sort(train))["y"]
    np.testing.assert_array_equal(found, again)


@given(splits(), KWARGS, st.booleans())
def test_order_of_rows_orders_the_result_and_nothing_else(
    drawn: tuple[pd.DataFrame, Any, Any], kwargs: Any, apart: bool
) -> None:
    frame, train, others = drawn
    rows = np.concatenate([others, train, train[:1]])
    fill = [step(kwargs, apart=apart)]
    before = frame.copy(deep=True)
    found = interpolate_rows(frame, fill, train, rows)
    ordered = interpolate_rows(frame, fill, np.sort(train), np.sort(rows))
    by_row = dict(zip(np.sort(rows), ordered["y"], strict=True))
    assert found["y"].tolist() == [by_row[row] for row in rows]
    assert found["x"].tolist() == rows.tolist()
    assert found["text"].tolist() == [f"row {row}" for row in rows]
    known = frame["y"].notna().to_numpy()[rows]
    assert found["y"][known].tolist() == frame["y"].to_numpy()[rows][known].tolist()
    pd.testing.assert_frame_equal(frame, before)


@given(splits())
def test_a_straight_line_stays_aligned(drawn: tuple[pd.DataFrame, Any, Any]) -> None:
    """y_i = i stays aligned with x_i = i, whatever the split and the gaps."""
    frame, train, others = drawn
    frame = frame.assign(y=frame["x"].where(frame["y"].notna()).astype(float))
    for rows in (train, others, np.concatenate([others, train])):
        found = interpolate_rows(frame, [step()], train, rows)
        np.testing.assert_allclose(found["y"], found["x"], atol=1e-6)


# new data


def test_new_rows_follow_the_training_rows() -> None:
    train = curve_frame([0.0, NAN, 4.0, 6.0])
    new = curve_frame([NAN, 10.0, NAN])
    found = interpolate_new(train, new, [step()])
    assert found["y"].tolist() == pytest.approx([8, 10, 12])
    assert found["text"].tolist() == new["text"].tolist()
    # known training rows keep the positions that their index says; order does not matter
    apart = train.iloc[[3, 0, 2]]
    found = interpolate_new(apart, new, [step()], first_position=5)
    assert found["y"].tolist() == pytest.approx([6 + 4 * 2 / 3, 10, 10 + 4 / 3])


def test_one_new_row() -> None:
    train = curve_frame([0.0, 2.0, 4.0])
    new = curve_frame([NAN])
    assert interpolate_new(train, new, [step()])["y"].tolist() == pytest.approx([6])
    assert interpolate_new(train, new, [step(LINEAR)])["y"].tolist() == [4]
    with pytest.raises(InvalidData, match=r"No value of the column 'y' of the new data is known"):
        interpolate_new(train.head(0), new, [step()])


def test_new_rows_change_no_training_row_unless_all_are_processed_together() -> None:
    train = curve_frame([0.0, 2.0, NAN])
    new = curve_frame([NAN, 100.0])
    # apart: row 2 continues the line of the training rows to 4
    assert interpolate_new(train, new, [step()])["y"].tolist() == pytest.approx([52, 100])
    together = interpolate_new(train, new, [step(apart=False)])["y"]
    assert together.tolist() == pytest.approx([2 + 98 * 2 / 3, 100])


def test_new_rows_without_gaps_need_no_training_row() -> None:
    new = curve_frame([1.0])
    assert interpolate_new(curve_frame([NAN]), new, [step()])["y"].tolist() == [1]


def test_errors_of_new_rows_name_them() -> None:
    new = curve_frame([3.0, NAN])
    kwargs = {"method": "slinear"}
    with pytest.raises(InvalidData, match=r"Row 1 of the column 'y' of the new data is still"):
        interpolate_new(curve_frame([1.0, 2.0]), new, [step(kwargs)])


@given(splits())
def test_new_rows_are_filled_as_another_split_would_be(
    drawn: tuple[pd.DataFrame, Any, Any],
) -> None:
    frame, train, _ = drawn
    new = frame.iloc[::-1].reset_index(drop=True)
    whole = pd.concat([frame, new], ignore_index=True)
    rows = np.arange(len(frame), len(whole))
    expected = interpolate_rows(whole, [step(LINEAR)], train, rows)
    found = interpolate_new(frame.iloc[train], new, [step(LINEAR)], first_position=len(frame))
    pd.testing.assert_frame_equal(found, expected)


# arrays


def gappy_array() -> Any:
    array = np.random.default_rng(3).normal(size=(3, 2, 6, 3))
    array[1, 0, 2:4, 1] = NAN
    array[1, 1, 0, 2] = NAN
    array[2, 1, 5, 1] = NAN
    return array


@pytest.mark.parametrize("kwargs", [None, LINEAR])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_slice_is_filled_alone(kwargs: Any, dtype: Any) -> None:
    array = gappy_array().astype(dtype)
    before = array.copy()
    found = interpolate_array(array, ["a", "b", "c"], [step(kwargs, ["c", "b"])])
    np.testing.assert_array_equal(array, before)
    assert found.dtype == dtype
    oracle = {**DEFAULT_KWARGS, "s": 0} if kwargs is None else kwargs
    for index in np.ndindex(3, 2):
        expected = pd.DataFrame(before[index].astype(np.float64)).interpolate(**oracle)
        np.testing.assert_allclose(found[index], expected.astype(dtype), rtol=1e-6)
        if not np.isnan(before[index]).any():
            assert found[index].tobytes() == before[index].tobytes()


def test_only_the_columns_of_the_step() -> None:
    array = gappy_array()[:, 0]
    array[0, 1, 0] = NAN
    found = interpolate_array(array, ["a", "b", "c"], [step(columns=["b"])])
    assert not np.isnan(found[..., 1]).any()
    np.testing.assert_array_equal(found[..., [0, 2]], array[..., [0, 2]])


def test_an_array_without_gaps_is_not_copied() -> None:
    array = np.ones((2, 3, 1))
    assert interpolate_array(array, ["y"], [step()]) is array
    assert interpolate_array(gappy_array()[:1], ["a", "b", "c"], [step(columns=["b"])]).shape == (
        1,
        2,
        6,
        3,
    )


@pytest.mark.parametrize(
    ("index", "kwargs", "pattern"),
    [
        ((1, 0, slice(None), 1), LINEAR, r"No value of the column 'b' of sample 11, channel 0 is"),
        ((2, 1, slice(1, None), 1), None, r"cannot fit .* 'b' of sample 12, channel 1"),
        ((0, 1, 4, 1), {"method": "linear", "limit_area": "outside"},
         r"Row 4 of the column 'b' of sample 10, channel 1 is still missing"),
    ],
)  # fmt: skip
def test_errors_name_sample_and_channel(index: Any, kwargs: Any, pattern: str) -> None:
    array = np.random.default_rng(3).normal(size=(3, 2, 6, 3))
    array[index] = NAN
    with pytest.raises(InvalidData, match=pattern):
        interpolate_array(
            array, ["a", "b", "c"], [step(kwargs, ["b"])], samples=np.array([10, 11, 12])
        )
    with pytest.raises(InvalidData, match=r"of sample \d"):
        interpolate_array(array[:, index[1]], ["a", "b", "c"], [step(kwargs, ["b"])])


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1), KWARGS)
def test_a_sample_does_not_depend_on_the_others(samples: int, seed: int, kwargs: Any) -> None:
    draw = np.random.default_rng(seed)
    array = draw.normal(size=(samples, 8, 2))
    array[draw.random(array.shape) < 0.3] = NAN
    array[:, [2, 5]] = 1.0
    steps = [step(kwargs, ["a", "b"])]
    whole = interpolate_array(array, ["a", "b"], steps)
    for n in range(samples):
        alone = interpolate_array(array[n : n + 1], ["a", "b"], steps)
        np.testing.assert_array_equal(whole[n : n + 1], alone)
