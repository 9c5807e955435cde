from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from aiqc.core import seeds
from aiqc.core.errors import InvalidSplit
from aiqc.pipeline.bins import strata_names, strata_of
from aiqc.pipeline.given_splits import check_groups, check_order, given_folds, given_split
from aiqc.pipeline.sizes import split_counts
from aiqc.pipeline.stratify import make_split


def rows_of(plan):
    return np.concatenate(list(plan.samples.values()))


@pytest.mark.parametrize(
    ("count", "test", "validation", "expected"),
    [
        (101, 0.11, 0.21, {"train": 67, "validation": 22, "test": 12}),
        (30, 0.1, None, {"train": 27, "test": 3}),  # 0.1 * 30 is 3.0000000000000004
        (10, 0.1 + 0.2, None, {"train": 7, "test": 3}),  # a float sum of the user
        (30, None, 0.1, {"train": 27, "validation": 3}),
        (10, 0.7, 0.2, {"train": 1, "validation": 2, "test": 7}),
        (7, np.float32(0.1), None, {"train": 6, "test": 1}),
        (100, np.float32(0.1), None, {"train": 90, "test": 10}),
        (5, None, None, {"train": 5}),
        (1000, 1e-9, None, {"train": 999, "test": 1}),
        (1_000_000, 0.123457, None, {"train": 876_543, "test": 123_457}),
    ],
)
def test_counts(count, test, validation, expected):
    assert split_counts(count, test, validation) == expected
    assert list(split_counts(count, test, validation)) == list(expected)


@pytest.mark.parametrize(
    ("count", "sizes", "pattern"),
    [
        (10, {"size_test": 0}, r"size_test=0 .* above 0"),
        (10, {"size_test": 1.0}, r"size_test=1\.0"),
        (10, {"size_test": -0.2}, r"size_test=-0\.2"),
        (10, {"size_validation": float("nan")}, "size_validation=nan"),
        (10, {"size_test": "0.2"}, r"size_test='0\.2'"),
        (10, {"size_test": True}, "size_test=True"),
        (10, {"size_test": 0.5, "size_validation": 0.5}, r"size_test=0\.5 .* below 1"),
        (10, {"size_test": 0.7, "size_validation": 0.3}, r"size_test=0\.7"),
        (2, {"size_test": 0.4, "size_validation": 0.4}, "2 samples leave 0 for training"),
        (0, {}, "0 samples"),
    ],
)
def test_refused_sizes(count, sizes, pattern):
    with pytest.raises(InvalidSplit, match=pattern):
        make_split(count, **sizes, seed=1)


@pytest.mark.parametrize("strata", [None, np.arange(101) % 3])
def test_every_row_once_sorted_and_sized(strata):
    plan = make_split(101, size_test=0.11, size_validation=0.21, strata=strata, seed=3)
    assert plan.sizes == {
        "train": {"percent": 0.68, "count": 67},
        "validation": {"percent": 0.21, "count": 22},
        "test": {"percent": 0.11, "count": 12},
    }
    assert sorted(rows_of(plan)) == list(range(101))
    for rows in plan.samples.values():
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()


def test_no_sizes_is_all_train_and_keeps_strata():
    plan = make_split(4, strata=np.array([0, 0, 1, 2]), seed=1)
    assert {name: rows.tolist() for name, rows in plan.samples.items()} == {"train": [0, 1, 2, 3]}
    assert plan.sizes == {"train": {"percent": 1.0, "count": 4}}
    assert plan.strata.tolist() == [0, 0, 1, 2]


def test_equals_scikit_learn_with_integer_counts():
    strata = np.repeat([0, 1, 2], [10, 30, 61])
    plan = make_split(101, size_test=0.11, size_validation=0.21, strata=strata, seed=5)
    rest, test = train_test_split(
        np.arange(101),
        test_size=12,
        stratify=strata,
        random_state=seeds.derive(5, "split", "test"),
    )
    train, validation = train_test_split(
        rest,
        test_size=22,
        stratify=strata[rest],
        random_state=seeds.derive(5, "split", "validation"),
    )
    for name, rows in {"train": train, "validation": validation, "test": test}.items():
        assert plan.samples[name].tolist() == sorted(rows)
    shares = {name: np.bincount(strata[rows]).tolist() for name, rows in plan.samples.items()}
    # 12 * (10, 30, 61) / 101 = 1.19, 3.56, 7.25
    assert shares["test"] == [1, 4, 7]
    assert np.sum(list(shares.values()), axis=0).tolist() == [10, 30, 61]


def test_stratify_false_ignores_a_lonely_class():
    strata = np.array([0] * 9 + [1])
    plan = make_split(10, size_test=0.3, strata=strata, stratify=False, seed=1)
    assert plan.strata is None
    same = make_split(10, size_test=0.3, seed=1)
    assert plan.samples["test"].tolist() == same.samples["test"].tolist()


@pytest.mark.parametrize(
    ("strata", "sizes", "pattern"),
    [
        ([0] * 9 + [1], {"size_test": 0.3}, "'bee' has 1 member, but 2 .*bin_count.*stratify=Fal"),
        # two members cannot be in three splits
        ([0] * 18 + [1] * 2, {"size_test": 0.3, "size_validation": 0.3}, "'bee' has 2 members"),
        # all of the class but one row may land in test
        ([0] * 3 + [1] * 3, {"size_test": 0.6, "size_validation": 0.1}, "'(ay|bee)' has 1 member"),
    ],
)
def test_small_class_is_named(strata, sizes, pattern):
    with pytest.raises(InvalidSplit, match=pattern):
        make_split(len(strata), **sizes, strata=np.array(strata), seed=1, names=["ay", "bee"])


def test_value_is_named_without_names():
    with pytest.raises(InvalidSplit, match="The class 'rare' has 1 member") as caught:
        make_split(5, size_test=0.4, strata=np.array(["a"] * 4 + ["rare"]), seed=1)
    assert (caught.value.stratum, caught.value.count) == ("rare", 1)


def test_more_classes_than_test_rows():
    with pytest.raises(InvalidSplit, match="The test split has 2 rows for 5 classes"):
        make_split(20, size_test=0.1, strata=np.arange(20) % 5, seed=1)
    with pytest.raises(InvalidSplit, match="The train split has 2 rows for 5 classes"):
        make_split(20, size_test=0.9, strata=np.arange(20) % 5, seed=1)


@pytest.mark.parametrize("name", ["strata", "groups", "time"])
def test_lengths(name):
    with pytest.raises(InvalidSplit, match=f"`{name}` has 9 values for 10 samples"):
        make_split(10, size_test=0.2, seed=1, **{name: np.arange(9)})


def test_seeds_reproduce_in_another_process_and_leave_the_user_alone():
    code = (
        "import json, numpy as np\n"
        "from aiqc.pipeline.stratify import make_split\n"
        "s = np.arange(60) % 3\n"
        "g = np.array([f'g{i % 11}' for i in range(60)])\n"
        "out = []\n"
        "for kw in ({}, {'strata': s}, {'groups': g}, {'groups': g, 'strata': s}):\n"
        "    p = make_split(60, size_test=.2, size_validation=.2, seed=11, **kw)\n"
        "    out.append({k: v.tolist() for k, v in p.samples.items()})\n"
        "print(json.dumps(out))\n"
    )
    np.random.seed(4)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    strata = np.arange(60) % 3
    groups = np.array([f"g{index % 11}" for index in range(60)])
    ours = [
        {
            name: rows.tolist()
            for name, rows in make_split(
                60, size_test=0.2, size_validation=0.2, seed=11, **given
            ).samples.items()
        }
        for given in (
            {},
            {"strata": strata},
            {"groups": groups},
            {"groups": groups, "strata": strata},
        )
    ]
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77", "PATH": "", "OMP_NUM_THREADS": "1"},
    )
    assert json.loads(done.stdout) == ours
    other = make_split(60, size_test=0.2, size_validation=0.2, seed=12)
    assert other.samples["test"].tolist() != ours[0]["test"]


class TestGroups:
    @pytest.mark.parametrize("seed", range(5))
    def test_no_group_in_two_splits_and_counts_near(self, seed):
        rng = np.random.default_rng(seed)
        groups = rng.integers(0, 40, 400).astype(str)
        plan = make_split(400, size_test=0.2, size_validation=0.2, groups=groups, seed=seed)
        members = [set(groups[rows]) for rows in plan.samples.values()]
        assert sum(map(len, members)) == len(set(groups))
        assert sorted(rows_of(plan)) == list(range(400))
        # groups have about 10 rows: nobody is off by more than half of one
        for name, wanted in {"train": 240, "validation": 80, "test": 80}.items():
            assert abs(plan.sizes[name]["count"] - wanted) <= 5

    def test_one_giant_group(self):
        groups = np.array([0] * 50 + list(range(1, 51)))
        plan = make_split(100, size_test=0.15, size_validation=0.15, groups=groups, seed=2)
        assert {name: len(rows) for name, rows in plan.samples.items()} == {
            "train": 70,
            "validation": 15,
            "test": 15,
        }
        assert np.isin(np.arange(50), plan.samples["train"]).all()

    def test_as_many_groups_as_splits(self):
        groups = np.array(["big"] * 98 + ["b", "c"])
        plan = make_split(100, size_test=0.3, size_validation=0.3, groups=groups, seed=2)
        assert {name: len(rows) for name, rows in plan.samples.items()} == {
            "train": 98,
            "validation": 1,
            "test": 1,
        }

    def test_strata_are_balanced_as_far_as_groups_allow(self):
        # 40 groups of 5 rows, each of one class: half and half
        groups, strata = np.repeat(np.arange(40), 5), np.repeat(np.arange(40) % 2, 5)
        for seed in range(5):
            plan = make_split(200, size_test=0.2, strata=strata, groups=groups, seed=seed)
            assert np.bincount(strata[plan.samples["test"]]).tolist() == [20, 20]

    def test_seed_matters(self):
        groups = np.arange(100) // 4
        drawn = {
            tuple(make_split(100, size_test=0.2, groups=groups, seed=seed).samples["test"])
            for seed in range(5)
        }
        assert len(drawn) == 5

    @pytest.mark.parametrize(
        ("groups", "pattern"),
        [
            (np.array(["a", "b"] * 5), "2 groups cannot fill 3 splits"),
            (np.array(["a", None, "b", None, "c"] * 2, dtype=object), "4 of 10 .* in row 1"),
        ],
    )
    def test_refused(self, groups, pattern):
        with pytest.raises(InvalidSplit, match=pattern):
            make_split(10, size_test=0.2, size_validation=0.2, groups=groups, seed=1)

    def test_not_with_time(self):
        with pytest.raises(InvalidSplit, match="either `groups` or `time`"):
            make_split(4, size_test=0.5, groups=np.arange(4), time=np.arange(4), seed=1)


class TestTime:
    @pytest.mark.parametrize(
        "convert",
        [
            lambda days: days,
            lambda days: days * 0.5,
            lambda days: np.datetime64("2020-01-01") + days,
            lambda days: pd.Series(
                pd.Timestamp("2020", tz="Asia/Tokyo") + pd.to_timedelta(days, "D")
            ),
            lambda days: (
                np.array([pd.Timestamp("2020").date()] * 10, dtype=object)
                + np.array([pd.Timedelta(int(day), "D").to_pytimedelta() for day in days])
            ),
            lambda days: pd.to_timedelta(days, "D"),
        ],
    )
    def test_chronological_whatever_the_row_order(self, convert):
        days = np.random.default_rng(0).permutation(10)
        plan = make_split(10, size_test=0.2, size_validation=0.3, time=convert(days), seed=1)
        found = {name: sorted(days[rows].tolist()) for name, rows in plan.samples.items()}
        assert found == {"train": [0, 1, 2, 3, 4], "validation": [5, 6, 7], "test": [8, 9]}
        assert all((np.diff(rows) > 0).all() for rows in plan.samples.values())
        assert plan.strata is None

    @pytest.mark.parametrize(
        ("time", "expected"),
        [
            # the border 8 is inside the 7s (5..8): it moves to the nearer edge, 9
            ([0, 1, 2, 3, 4, 7, 7, 7, 7, 8], (9, 1)),
            # inside 6..9, the border 8 is nearer to 6 than to nothing
            ([0, 1, 2, 3, 4, 5, 7, 7, 7, 7], (6, 4)),
        ],
    )
    def test_equal_times_stay_together(self, time, expected):
        plan = make_split(10, size_test=0.2, time=np.array(time), seed=1)
        assert tuple(len(rows) for rows in plan.samples.values()) == expected
        last, first = (np.array(time)[rows] for rows in plan.samples.values())
        assert last.max() < first.min()

    def test_two_borders_on_one_edge_find_two(self):
        time = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 2])
        plan = make_split(10, size_test=0.4, size_validation=0.2, time=time, seed=1)
        assert [len(rows) for rows in plan.samples.values()] == [8, 1, 1]

    @pytest.mark.parametrize(
        ("time", "pattern"),
        [
            (np.array(["2020-01-01", "NaT", "2020-01-02"], dtype="M8[D]"), "1 of 3 .* in row 1"),
            (np.array([0.0, 1.0, np.nan]), "1 of 3 times .* in row 2"),
            (np.array(["10", "9", "8"]), "such as '10', have no certain order.*to_datetime"),
            (np.array([5, 5, 5]), "1 different times cannot fill 2"),
            (np.array([True, False, True]), "no certain order"),
        ],
    )
    def test_refused(self, time, pattern):
        with pytest.raises(InvalidSplit, match=pattern):
            make_split(3, size_test=0.3, time=time, seed=1)


class TestStrata:
    @pytest.mark.parametrize(
        ("label", "kind", "bin_count", "expected", "names"),
        [
            (np.array(["b", "a", "c", "a"]), "class", None, [1, 0, 2, 0], ["a", "b", "c"]),
            (
                pd.DataFrame({"y": [7, 3, 7]}, index=[9, 8, 7]),
                "class",
                None,
                [1, 0, 1],
                ["3", "7"],
            ),
            (np.array([[True], [False]]), "class", None, [1, 0], ["False", "True"]),
            (np.array([0.5, 0.25, 0.5]), "class", None, [1, 0, 1], ["0.25", "0.5"]),
            (np.eye(3, dtype=int)[[2, 0, 1]], "onehot", None, [2, 0, 1], ["0", "1", "2"]),
            (
                pd.DataFrame({"cat": [0, 1], "dog": [1, 0]}),
                "onehot",
                None,
                [1, 0],
                ["cat", "dog"],
            ),
            (
                np.array(["a", None, "a", None], dtype=object),
                "class",
                None,
                [0, 1, 0, 1],
                ["a", "missing"],
            ),
        ],
    )
    def test_values(self, label, kind, bin_count, expected, names):
        strata = strata_of(label, kind, bin_count)
        assert (strata.tolist(), strata.dtype) == (expected, np.int64)
        assert strata_names(label, kind, bin_count) == names

    @pytest.mark.parametrize(("given", "used"), [(None, 3), (2, 2), (5, 5), (np.int64(4), 4)])
    @pytest.mark.parametrize("skew", [1, 3])
    def test_quantiles_equal_pandas(self, given, used, skew):
        values = np.random.default_rng(1).normal(size=97) ** skew
        expected = pd.qcut(values, q=used, labels=False, duplicates="drop")
        for label in (values, values[:, None], pd.DataFrame({"y": values})):
            assert strata_of(label, "continuous", given).tolist() == expected.tolist()
        assert len(strata_names(values, "continuous", given)) == used

    def test_integers_are_binned_when_asked(self):
        values = np.arange(12)
        assert strata_of(values, "class", 2).tolist() == [0] * 6 + [1] * 6
        assert strata_of(values, "class").tolist() == list(range(12))

    def test_dates_and_nullable_numbers_are_binned(self):
        dates = pd.Series(pd.date_range("2020", periods=6))
        assert strata_of(dates, "continuous").tolist() == [0, 0, 1, 1, 2, 2]
        nullable = pd.Series([1.0, 2.0, None, 3.0], dtype="Float64")
        assert strata_of(nullable, "continuous").tolist() == [0, 1, 3, 2]

    @pytest.mark.parametrize(
        "values", [np.full(9, 2.5), np.zeros(50), np.r_[np.zeros(99), 1.0], np.full(3, np.nan)]
    )
    def test_constant_is_unstratified(self, values):
        assert strata_of(values, "continuous") is None
        assert strata_names(values, "continuous") == []

    @pytest.mark.parametrize(
        ("label", "kind", "bin_count", "pattern"),
        [
            (np.array(["x", "y"]), "class", 3, r"'x', cannot be cut into 3 bins.*`bin_count`"),
            (np.array(["x", "y"]), "continuous", None, "'x', cannot be cut into 3"),
            (np.array([True, False]), "class", 2, "True, cannot be cut"),
            (np.eye(2), "onehot", 3, "bin_count=3 was given for a one-hot label"),
            (np.zeros((4, 2)), "class", None, "one column, not from 2"),
            (np.zeros(4), "onehot", None, r"shape \(4,\)"),
            (np.arange(9.0), "continuous", 1, "bin_count=1 .*at least 2"),
            (np.arange(9.0), "continuous", 2.5, r"bin_count=2\.5"),
            (np.arange(9.0), "continuous", True, "bin_count=True"),
            (np.array([1.0, np.inf, 2.0]), "continuous", None, "inf in row 1"),
        ],
    )
    def test_refused(self, label, kind, bin_count, pattern):
        with pytest.raises(InvalidSplit, match=pattern):
            strata_of(label, kind, bin_count)

    def test_binned_split_is_representative(self):
        values = np.random.default_rng(2).exponential(size=300)
        strata = strata_of(values, "continuous", 5)
        plan = make_split(300, size_test=0.2, strata=strata, seed=1)
        assert np.bincount(strata[plan.samples["test"]]).tolist() == [12] * 5


class TestGiven:
    def test_order_sizes_and_sorting(self):
        plan = given_split({"test": [4, 0], "train": np.array([3, 1, 2])}, 5)
        assert {name: rows.tolist() for name, rows in plan.samples.items()} == {
            "train": [1, 2, 3],
            "test": [0, 4],
        }
        assert list(plan.samples) == ["train", "test"]
        assert plan.sizes["test"] == {"percent": 0.4, "count": 2}

    @pytest.mark.parametrize(
        ("samples", "pattern"),
        [
            ({"train": [0, 1, 2], "test": [2, 3]}, "Row 2 is in the splits 'train' and 'test'"),
            ({"train": [0, 1], "test": [3]}, "Row 2 is in no split"),
            ({"train": [1], "test": [3]}, "2 rows, the first being row 0, are in no split"),
            (
                {"train": [0, 1, 2], "test": [3, 4]},
                "Row 4 is in the split 'test', but .* end at 3",
            ),
            ({"train": [0, 1, 2], "test": [-1]}, "Row -1 is in the split 'test'"),
            ({"train": [0, 1, 2, 1], "test": [3]}, "Row 1 is more than once"),
            (
                {"train": [0, 1, 2], "holdout": [3]},
                "'holdout' is unknown.*train, validation, test",
            ),
            ({"test": [0, 1, 2, 3]}, "no training rows"),
            ({"train": [0, 1, 2, 3], "test": []}, "'test' holds no rows"),
            ({"train": np.array([True, True, False, False])}, "bool of shape"),
            ({"train": [0.0, 1.0, 2.0, 3.0]}, "float64 of shape"),
        ],
    )
    def test_refused(self, samples, pattern):
        with pytest.raises(InvalidSplit, match=pattern):
            given_split(samples, 4)

    def test_folds(self):
        folds = given_folds([([5, 1], [3]), ([1, 3], [5])], [1, 3, 5])
        assert [(train.tolist(), held.tolist()) for train, held in folds] == [
            ([1, 5], [3]),
            ([1, 3], [5]),
        ]

    @pytest.mark.parametrize(
        ("folds", "pattern"),
        [
            ([([1, 3], [3, 5]), ([1], [5])], "Row 3 is on both sides of fold 0"),
            ([([1, 3], [5]), ([1], [2])], "Row 2 is in fold 1 but not in the training split"),
            ([([1, 3], [5]), ([1], [9])], "Row 9 is in the fold 1, validation rows, but"),
            ([([1], [5]), ([5], [1])], "Row 3 is in no fold"),
            ([([1, 1], [5]), ([5], [3])], "Row 1 is more than once in the fold 0"),
            ([([1, 3], [5])], "1 folds were given"),
            ([([1, 3], [5]), ([1], [3], [5])], "Fold 1 has 3 parts"),
        ],
    )
    def test_refused_folds(self, folds, pattern):
        with pytest.raises(InvalidSplit, match=pattern):
            given_folds(folds, [1, 3, 5])

    def test_whole_groups_pass(self):
        groups = np.array(["a", "b", "a", "c", "b"])
        check_groups({"train": np.array([0, 2]), "test": np.array([1, 3, 4])}, groups)

    @pytest.mark.parametrize(
        ("groups", "pattern"),
        [
            (["a", "b", "a", "b", "c"], "The group b is in train and test both"),
            ([7, 8, 9, 10, 7], "The group 7 is in train and test both"),
            (["a", "b", None, "c", "d"], "have no group, the first in row 2"),
        ],
    )
    def test_a_group_on_both_sides_is_named(self, groups, pattern):
        parts = {"train": np.array([0, 1, 2]), "test": np.array([3, 4])}
        with pytest.raises(InvalidSplit, match=pattern):
            check_groups(parts, np.array(groups, dtype=object))

    def test_parts_in_order_pass(self):
        days = pd.date_range("2020-01-01", periods=6).to_numpy()
        check_order(
            {"train": np.array([0, 1]), "validation": np.array([3]), "test": np.array([5])}, days
        )

    @pytest.mark.parametrize(
        ("time", "pattern"),
        [
            ([0, 1, 2, 3, 1, 5], "Row 4 of test is not later than all of train"),
            # one moment in two splits
            ([0, 1, 2, 2, 4, 5], "Row 3 of test is not later than all of train"),
            ([0, 1, np.nan, 3, 4, 5], "times are missing, the first in row 2"),
        ],
    )
    def test_parts_out_of_order_are_named(self, time, pattern):
        with pytest.raises(InvalidSplit, match=pattern):
            check_order({"train": np.array([0, 1, 2]), "test": np.array([3, 4])}, np.array(time))
