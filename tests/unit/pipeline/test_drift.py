"""Drift: the stability index, flags and shares against hand computation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from aiqc.pipeline import profile as profiles
from aiqc.pipeline.drift import drift_row, tally_arrays, tally_frame, verdict
from aiqc.pipeline.drift_report import drift_frame, feature_report, flags_frame
from aiqc.pipeline.flags import pack_flags, unpack_flags
from aiqc.pipeline.profile import profile_arrays, profile_frame
from aiqc.pipeline.stability import chance, merge_bins, psi


def frame(values: object, dtype: object = None) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


def compare(train: pd.DataFrame, new: pd.DataFrame) -> tuple[list[bool], dict[str, object]]:
    known = profile_frame(train)
    tally = tally_frame(known, new)[0]
    return tally.flags.tolist(), drift_row(known[0], tally)


def index_of(expected: list[float], actual: list[float]) -> float:
    """Return the index of counts to which half a row each was added."""
    e = (np.array(expected) + 0.5) / (sum(expected) + 0.5 * len(expected))
    a = (np.array(actual) + 0.5) / (sum(actual) + 0.5 * len(actual))
    return float(np.sum((a - e) * np.log(a / e)))


def test_index_by_hand() -> None:
    # shares 10.5/21, 10.5/21 and 5.5/21, 15.5/21
    expected = -5 / 21 * math.log(5.5 / 10.5) + 5 / 21 * math.log(15.5 / 10.5)
    assert psi(np.array([10, 10]), np.array([5, 15])) == pytest.approx(expected)


def test_an_empty_bin_counts_as_half_a_row() -> None:
    expected = 2 * (10.5 - 0.5) / 11 * math.log(10.5 / 0.5)
    assert psi(np.array([10, 0]), np.array([0, 10])) == pytest.approx(expected)
    # empty on both sides: as if it were not there
    assert psi(np.array([10, 0, 0]), np.array([0, 0, 10])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expected", "actual", "quantile"),
    [
        # chi-square tables, 0.99: one, three and nine degrees of freedom
        ([50, 50], [20, 10], 6.635),
        ([25, 25, 25, 25], [30, 0, 0, 0], 11.345),
        ([10] * 10, [3] * 10, 21.666),
        ([50, 50, 0], [20, 10, 0], 6.635),
        ([100, 0], [30, 0], 0.0),
    ],
)
def test_chance(expected: list[int], actual: list[int], quantile: float) -> None:
    found = chance(np.array(expected), np.array(actual))
    assert found == pytest.approx(quantile * (1 / 100 + 1 / 30), rel=1e-4)


@pytest.mark.parametrize(
    ("expected", "actual", "merged"),
    [
        ([10] * 4, [10] * 4, [10] * 4),
        # a quarter of the rows: 2.5 a bin, so that two make one
        ([10] * 4, [1, 2, 3, 4], [3, 7]),
        # of more new rows the training counts decide
        ([2, 2, 2, 6], [100, 200, 300, 400], [600, 400]),
        # what most rows had stands alone
        ([0, 100, 0], [50, 50, 0], [50, 50, 0]),
        ([1, 99], [60, 40], [60, 40]),
    ],
)
def test_bins_with_few_rows_are_merged(
    expected: list[int], actual: list[int], merged: list[int]
) -> None:
    assert merge_bins(np.array(expected), np.array(actual))[1].tolist() == merged


def test_index_of_numbers_uses_the_training_deciles() -> None:
    train = frame(np.arange(1.0, 101.0))  # deciles 10, 20 ... 90
    # 80 rows: 60 in the first bin, 20 in the last, one of them beyond the range
    new = frame([*np.linspace(1, 10, 60), *np.linspace(91, 99, 19), 1e6])
    flags, row = compare(train, new)
    assert row["psi"] == pytest.approx(index_of([10.0] * 10, [60.0, *[0.0] * 8, 20.0]))
    assert row["chance"] == pytest.approx(21.666 * (1 / 100 + 1 / 80), rel=1e-4)
    assert row["verdict"] == "major"
    assert flags == [False] * 79 + [True]
    assert row["out_of_range_share"] == 1 / 80


def test_missing_values_are_not_counted() -> None:
    train = frame([*np.arange(1.0, 101.0), *[np.nan] * 100])
    new = frame([*np.linspace(1, 10, 60), *np.linspace(91, 99, 20), *[np.nan] * 7])
    _, row = compare(train, new)
    assert row["psi"] == pytest.approx(index_of([10.0] * 10, [60.0, *[0.0] * 8, 20.0]))
    assert row["chance"] == pytest.approx(21.666 * (1 / 100 + 1 / 80), rel=1e-4)


_SIZES = [(1000, 30), (66, 60), (200, 100), (1000, 200), (10000, 1000)]


def _drawn(kind: str, count: int, draw: np.random.Generator) -> object:
    if kind == "number":
        return draw.normal(size=count)
    if kind == "mostly-zero":
        return np.where(draw.random(count) < 0.6, 0.0, draw.exponential(size=count))
    if kind == "boolean":
        return draw.random(count) < 0.3
    # as many names as the number says; the later ones of a skewed column are rare
    size = int(kind.rpartition("-")[2])
    weight = 1 / np.arange(1.0, size + 1) if kind.startswith("skewed") else np.ones(size)
    names = np.array([f"n{place * 7919 % 1000:03}" for place in range(size)], dtype=object)
    return draw.choice(names, count, p=weight / weight.sum())


@pytest.mark.parametrize(("rows", "new_rows"), _SIZES)
@pytest.mark.parametrize(
    "kind",
    [
        "number",
        "mostly-zero",
        "boolean",
        "even-3",
        "even-12",
        "skewed-30",
        "skewed-200",
        "even-200",
    ],
)
def test_without_a_shift_few_columns_are_called(kind: str, rows: int, new_rows: int) -> None:
    draw = np.random.default_rng(3)
    count = 200 if rows < 10000 else 40
    called = 0
    for _ in range(count):
        train, new = frame(_drawn(kind, rows, draw)), frame(_drawn(kind, new_rows, draw))
        called += compare(train, new)[1]["verdict"] in ("moderate", "major")
    assert called / count <= 0.03


@pytest.mark.parametrize(
    ("rows", "new_rows", "least"), [(1000, 200, 1.0), (200, 100, 0.98), (1000, 30, 0.85)]
)
def test_a_shift_of_one_deviation_is_major(rows: int, new_rows: int, least: float) -> None:
    draw = np.random.default_rng(4)
    found = [
        compare(frame(draw.normal(size=rows)), frame(draw.normal(size=new_rows) + 1))[1]["verdict"]
        for _ in range(100)
    ]
    assert found.count("major") / 100 >= least


def test_values_of_one_sample_count_as_one() -> None:
    # 40 samples of 50 equal values each: 40 facts, not 2000
    draw = np.random.default_rng(6)
    called = 0
    for _ in range(200):
        train, new = (np.repeat(draw.normal(size=(40, 1, 1)), 50, axis=1) for _ in range(2))
        known = profile_arrays([train], ["x"], 40, by_channel=False)
        tally = tally_arrays(known, [new], 40, by_channel=False)[0]
        called += drift_row(known[0], tally)["verdict"] != "stable"
    assert called / 200 <= 0.03


def test_the_training_rows_themselves_have_not_drifted() -> None:
    draw = np.random.default_rng(5)
    train = pd.DataFrame(
        {
            "n": draw.normal(size=500),
            "i": draw.integers(0, 3, 500),
            "t": draw.choice(list("abc"), 500),
            "b": draw.random(500) > 0.9,
            "c": np.ones(500),
        }
    )
    known = profile_frame(train)
    for one, tally in zip(known, tally_frame(known, train), strict=True):
        row = drift_row(one, tally)
        assert row["psi"] == pytest.approx(0, abs=1e-12), one.column
        assert (row["verdict"], row["out_of_range_share"]) == ("stable", 0.0)


@pytest.mark.parametrize(
    ("train", "new"),
    [
        ([0] * 5 + [1] * 95, [0] * 60 + [1] * 40),
        ([0] * 95 + [1] * 5, [0] * 40 + [1] * 60),
        ([5.0] * 100, [4.0] * 50 + [5.0] * 50),
        ([5.0] * 100, [6.0] * 50 + [5.0] * 50),
        ([1.0, *range(2, 61), *[100.0] * 40], [1.0, *range(2, 99), 99.0, 99.5]),
    ],
    ids=["rare-low", "rare-high", "constant-below", "constant-above", "heavy-top"],
)
def test_a_shift_away_from_a_frequent_value_is_seen(train: list[float], new: list[float]) -> None:
    _, row = compare(frame(train, "float64"), frame(new, "float64"))
    assert row["verdict"] == "major"


@pytest.mark.parametrize(
    ("train", "new", "dtype", "expected"),
    [
        ([1.0, 2.0, 3.0], [0.99, 1.0, 3.0, 3.01], None, [True, False, False, True]),
        # missing only counts where training had none
        ([1.0, 2.0, 3.0], [np.nan, 2.0], None, [True, False]),
        ([1.0, np.nan, 3.0], [np.nan, 2.0, 9.0], None, [False, False, True]),
        ([np.nan, np.nan], [np.nan, 2.0], "float64", [False, True]),
        (["a", "b"], ["a", "c", None], None, [False, True, True]),
        (["a", None], ["a", "c", None], None, [False, True, False]),
        ([1, 2, 3], [1, 5, None], "Int64", [False, True, True]),
        ([True, True], [True, False], None, [False, True]),
    ],
)
def test_flags(
    train: list[object], new: list[object], dtype: object, expected: list[bool]
) -> None:
    flags, row = compare(frame(train, dtype), frame(new, dtype))
    assert flags == expected
    assert row["out_of_range_share"] == pytest.approx(sum(expected) / len(expected))


@pytest.mark.parametrize(
    ("trained", "new", "expected"),
    [
        ("float32", "float64", False),  # 0.1 as float64 is less than 0.1 as float32
        ("float64", "float32", True),  # 0.1 as float32 is more than the largest 0.1
        ("int64", "float64", True),  # 0.1 is below 1, whatever its type
        ("uint8", "int64", True),
    ],
)
def test_ranges_are_compared_in_the_type_trained_on(
    trained: str, new: str, expected: bool
) -> None:
    value = 0.1 if trained.startswith("float") else 1
    given = 300 if trained == "uint8" else 0.1
    flags, _ = compare(frame([value, value], trained), frame([given], new))
    assert flags == [expected]


def test_an_unseen_category_falls_into_the_last_bin() -> None:
    train = frame(["a"] * 60 + ["b"] * 40)
    flags, row = compare(train, frame(["a"] * 30 + ["z"] * 10 + [None] * 5))
    assert row["psi"] == pytest.approx(index_of([60, 40, 0], [30, 0, 10]))
    assert row["unseen_share"] == pytest.approx(10 / 45)
    assert row["nan_rate_new"] == pytest.approx(5 / 45)
    assert sum(flags) == 15


def test_a_category_beyond_the_fifty_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    train = frame([f"n{number:03}" for number in range(60)])
    assert compare(train, frame(["n000", "n059", "n060"]))[0] == [False, False, True]
    monkeypatch.setattr(profiles, "NAMED_COUNT", 5)
    flags, row = compare(train, frame(["n000", "n059", "n060"]))
    assert flags == [False, False, False]
    assert "more categories than are kept" in str(row["note"])


@pytest.mark.parametrize(
    ("count", "expected", "note"),
    [(29, None, "29 rows are too few for a verdict"), (30, "stable", None)],
)
def test_few_rows_get_no_verdict(count: int, expected: str | None, note: str | None) -> None:
    _, row = compare(frame(np.linspace(0, 99, count)), frame(np.arange(100.0)))
    assert (row["verdict"], row["note"]) == (
        expected,
        note and note.replace("rows", "training rows"),
    )
    train = frame(np.arange(100.0))
    _, row = compare(train, frame(np.linspace(0, 99, count)))
    assert (row["verdict"], row["note"]) == (expected, note)
    assert row["psi"] < 0.1  # type: ignore[operator]


def test_categories_that_are_all_rare_get_no_verdict() -> None:
    draw = np.random.default_rng(8)
    train, new = (frame(draw.permutation([f"n{k}" for k in range(400)])) for _ in range(2))
    _, row = compare(train, new)
    assert (row["verdict"], row["psi"], row["chance"]) == (None, 0.0, 0.0)
    assert row["note"] == "each category has too few rows for a verdict"


def test_nothing_known_gives_no_index() -> None:
    _, row = compare(frame(np.arange(100.0)), frame([np.nan] * 40, "float64"))
    assert math.isnan(row["psi"])  # type: ignore[arg-type]
    assert (row["verdict"], row["nan_rate_new"]) == (None, 1.0)
    assert "no known value" in str(row["note"])


@pytest.mark.parametrize(
    ("index", "limit", "expected"),
    [
        (0.0999, 0.01, "stable"),
        (0.1, 0.01, "moderate"),
        (0.2499, 0.01, "moderate"),
        (0.25, 0.01, "major"),
        (0.2, 0.2, "stable"),
        (0.6, 0.7, "stable"),
        (0.71, 0.7, "major"),
    ],
)
def test_verdicts(index: float, limit: float, expected: str) -> None:
    assert verdict(index, limit) == expected


@pytest.mark.parametrize("by_channel", [False, True])
def test_arrays_are_flagged_by_sample(by_channel: bool) -> None:
    train = np.zeros((4, 2, 3, 2))
    train[..., 1] = 1.0
    new = train.copy()
    new[2, 1, 2, 0] = -1.0
    known = profile_arrays([train], ["x", "y"], 4, by_channel=by_channel)
    parts = [new[:1], new[1:]]
    tallies = tally_arrays(known, parts, 4, by_channel=by_channel)
    expected = [[False, False, False, False], [False, False, True, False]]
    found = [tally.flags.tolist() for tally in tallies]
    assert found == (expected if by_channel else expected[::-1])
    assert all(tally.total == 4 * 6 for tally in tallies)


def test_arrays_and_frames_agree() -> None:
    draw = np.random.default_rng(2)
    train, new = draw.normal(size=(200, 1)), draw.normal(size=(50, 1)) + 0.5
    by_frame = compare(frame(train[:, 0]), frame(new[:, 0]))
    known = profile_arrays([train[:, None]], ["x"], 200, by_channel=False)
    tally = tally_arrays(known, [new[:20, None], new[20:, None]], 50, by_channel=False)[0]
    assert tally.flags.tolist() == by_frame[0]
    assert drift_row(known[0], tally) == pytest.approx(by_frame[1], nan_ok=True)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_flags_survive_packing(count: int) -> None:
    flags = np.random.default_rng(count).random(count) > 0.5
    assert unpack_flags(pack_flags(flags), count).tolist() == flags.tolist()


def report(feature_id: int, train: pd.DataFrame, new: pd.DataFrame) -> dict[str, object]:
    known = profile_frame(train)
    return feature_report(feature_id, known, tally_frame(known, new))


def test_one_feature_is_shown_by_column() -> None:
    train = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    new = pd.DataFrame({"b": ["x", "z", "y"], "a": [1.0, 2.0, 3.0]})
    found = [report(4, train, new)]
    flags = flags_frame(found)
    assert flags.columns.tolist() == ["a", "b"]
    assert flags["a"].tolist() == [False, False, True]
    assert flags["b"].tolist() == [False, True, False]
    assert {dtype.kind for dtype in flags.dtypes} == {"b"}
    drift = drift_frame(found)
    assert drift[["feature_id", "column", "kind"]].to_numpy().tolist() == [
        [4, "a", "number"],
        [4, "b", "text"],
    ]


def test_several_features_are_told_apart_although_columns_have_one_name() -> None:
    one, two = pd.DataFrame({"a": [1.0, 2.0]}), pd.DataFrame({"a": [10.0, 20.0]})
    found = [report(1, one, two), report(2, two, two)]
    flags = flags_frame(found)
    assert flags.columns.tolist() == [(1, "a"), (2, "a")]
    assert flags[1, "a"].tolist() == [True, True]
    assert flags[2, "a"].tolist() == [False, False]
    assert drift_frame(found)["feature_id"].tolist() == [1, 2]
