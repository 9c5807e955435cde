"""Training profiles: ranges, deciles, bins and categories against hand computation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from aiqc.core.codecs import from_json, to_json
from aiqc.pipeline import profile
from aiqc.pipeline.profile import (
    ColumnProfile,
    as_lanes,
    decile_step,
    profile_arrays,
    profile_frame,
)


def of(values: object, dtype: object = None) -> ColumnProfile:
    return profile_frame(pd.DataFrame({"x": pd.Series(values, dtype=dtype)}))[0]


def test_numbers_have_observed_deciles() -> None:
    # 20 values 1..20 in disorder, and one missing of 21
    values = [*np.random.default_rng(0).permutation(np.arange(1.0, 21.0)), np.nan]
    found = of(values)
    assert (found.kind, found.dtype, found.count) == ("number", "float64", 21)
    assert (found.minimum, found.maximum) == (1.0, 20.0)
    assert found.nan_rate == 1 / 21
    # the 2nd, 4th ... smallest of 20
    assert found.deciles == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0]
    assert found.edges == found.deciles
    assert found.shares == pytest.approx([0.1] * 10)


def test_deciles_are_those_of_numpy_for_any_count() -> None:
    rng = np.random.default_rng(3)
    for count in (1, 2, 3, 7, 10, 11, 99, 1000, 1234):
        values = rng.normal(size=count)
        expected = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf")
        assert of(values).deciles == expected.tolist(), count


@pytest.mark.parametrize(
    ("values", "edges", "shares"),
    [
        # a constant: what is below or above it has a bin of its own
        ([5, 5, 5], [4, 5], [0, 1, 0]),
        # a few zeros among ones: all nine deciles are 1, and one bin would be blind
        ([0] + [1] * 19, [0], [0.05, 0.95]),
        ([0] * 19 + [1], [0], [0.95, 0.05]),
        # a third of the rows in one value in the middle
        (
            [1, 2, 3, 7, 7, 7, 10, 11, 12, 13],
            [1, 2, 3, 6, 7, 10, 11, 12],
            [0.1, 0.1, 0.1, 0, 0.3, 0.1, 0.1, 0.1, 0.1],
        ),
    ],
)
def test_a_frequent_value_has_a_bin_of_its_own(
    values: list[int], edges: list[int], shares: list[float]
) -> None:
    found = of(values, "int64")
    assert found.edges == edges
    assert found.shares == pytest.approx(shares)


def test_a_frequent_float_is_cut_off_just_below() -> None:
    found = of([0.5] * 19 + [0.25], "float64")
    assert found.edges == [np.nextafter(0.5, 0)]
    assert found.shares == [0.05, 0.95]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "float32", "Int64", "Float32"])
def test_every_number_keeps_its_dtype(dtype: str) -> None:
    found = of([3, 1, 2], dtype)
    assert found.dtype == dtype.lower()
    assert (found.kind, found.minimum, found.maximum) == ("number", 1, 3)
    assert isinstance(found.minimum, float if "loat" in dtype else int)


def test_missing_values_of_nullable_dtypes_are_no_values() -> None:
    found = of([4, None, 6, None], "Int64")
    assert (found.minimum, found.maximum, found.nan_rate) == (4, 6, 0.5)


@pytest.mark.parametrize("values", [[np.nan, np.nan], []])
def test_a_column_without_values_has_no_range(values: list[float]) -> None:
    found = of(values, "float64")
    assert (found.minimum, found.maximum, found.deciles) == (None, None, [])
    assert found.nan_rate == (1.0 if values else 0.0)


def test_infinities_are_ends_of_the_range() -> None:
    found = of([-np.inf, 0.0, np.inf])
    assert (found.minimum, found.maximum) == (-np.inf, np.inf)
    assert sum(found.shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "expected"),
    [
        (["b", "a", "b", None], None, "text", {"b": 2 / 3, "a": 1 / 3}),
        ([True, False, True, True], None, "boolean", {"True": 0.75, "False": 0.25}),
        (["x", "x", "y", "y"], "category", "category", {"x": 0.5, "y": 0.5}),
        ([True, None, None, False], "boolean", "boolean", {"False": 0.5, "True": 0.5}),
    ],
)
def test_categories_have_shares_of_the_known_values(
    values: list[object], dtype: object, kind: str, expected: dict[str, float]
) -> None:
    found = of(values, dtype)
    assert found.kind == kind
    assert found.categories == pytest.approx(expected)
    assert list(found.categories) == list(expected)
    assert found.nan_rate == pytest.approx(values.count(None) / len(values))


def test_the_fifty_most_frequent_categories_have_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "NAMED_COUNT", 3)
    names = [f"n{number:02}" for number in range(53)]
    values = names + names[40:]  # the last 13 twice
    found = of(values)
    assert len(found.categories) == 50
    assert list(found.categories)[:13] == names[40:]
    assert found.others == names[37:40]
    assert not found.is_open
    assert of([*values, "one more"]).is_open


def test_times_are_nanoseconds_of_utc() -> None:
    times = pd.to_datetime(["2026-01-03", "2026-01-01", None], utc=True)
    found = of(times.tz_convert("Europe/Berlin"))
    assert found.kind == "datetime"
    assert found.minimum == pd.Timestamp("2026-01-01").value
    assert found.maximum == pd.Timestamp("2026-01-03").value
    assert found.nan_rate == pytest.approx(1 / 3)


def test_a_profile_survives_json_as_it_is() -> None:
    frame = pd.DataFrame(
        {"a": [1.5, np.nan, np.inf], "b": ["x", None, "y"], "c": [True, False, True]}
    )
    stored = from_json(to_json([one.to_dict() for one in profile_frame(frame)]))
    assert [ColumnProfile(**facts) for facts in stored] == profile_frame(frame)


def test_the_frame_is_not_written_into() -> None:
    frame = pd.DataFrame({"a": [3.0, 1.0, 2.0]})
    profile_frame(frame)
    assert frame["a"].tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("by_channel", [False, True])
def test_arrays_are_profiled_over_all_samples_and_places(by_channel: bool) -> None:
    array = np.random.default_rng(1).normal(size=(7, 3, 4, 5))
    array[2, 1, 3, 2] = np.nan
    names = ["r", "g", "b"] if by_channel else list("abcde")
    lanes = [array[:, i] if by_channel else array[..., i] for i in range(len(names))]
    found = profile_arrays([array[:3], array[3:]], names, 7, by_channel=by_channel)
    assert [one.column for one in found] == names
    for one, lane in zip(found, lanes, strict=True):
        assert (one.minimum, one.maximum) == (np.nanmin(lane), np.nanmax(lane))
        assert one.nan_rate == np.isnan(lane).mean()
        assert one.count == lane.size
        known = lane[~np.isnan(lane)]
        expected = np.quantile(known, np.arange(1, 10) / 10, method="inverted_cdf")
        assert one.deciles == expected.tolist()


def test_large_arrays_keep_exact_ranges_and_near_deciles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "DECILE_VALUES", 1000)
    array = np.random.default_rng(1).random(size=(50, 20, 16, 1))
    array[13, 7, 3, 0], array[49, 0, 0, 0] = -5.0, 7.0
    found = profile_arrays([array], ["x"], 50, by_channel=False)[0]
    assert (found.minimum, found.maximum) == (-5.0, 7.0)
    assert found.deciles == pytest.approx(np.arange(1, 10) / 10, abs=0.06)


@pytest.mark.parametrize(("samples", "values"), [(1000, 4096), (999, 1), (2000, 64), (10, 7)])
def test_the_step_meets_every_place_of_a_sample(samples: int, values: int) -> None:
    step = decile_step(samples, values)
    assert samples * values // step < 2 * profile.DECILE_VALUES
    assert len(set(np.arange(0, samples * values, step) % values)) == min(
        values, -(-samples * values // step)
    )


def test_lanes_are_columns_or_channels() -> None:
    array = np.arange(24).reshape(2, 3, 2, 2)
    assert as_lanes(array, by_channel=True)[:, 1].tolist() == array[:, 1].ravel().tolist()
    assert as_lanes(array, by_channel=False)[:, 1].tolist() == array[..., 1].ravel().tolist()


def test_arrays_without_a_known_value() -> None:
    found = profile_arrays([np.full((2, 3, 1), np.nan)], ["x"], 2, by_channel=False)[0]
    assert (found.minimum, found.nan_rate, found.shares) == (None, 1.0, [])
