from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from aiqc.core import seeds
from aiqc.core.errors import InvalidSplit
from aiqc.pipeline.folds import make_folds

# training rows are not 0..n: a fold that returns positions instead of row numbers is wrong
ROWS = np.arange(60) * 3 + 1
STRATA = np.arange(200) % 2
GROUPS = np.arange(200) // 10


@pytest.mark.parametrize(
    ("given", "splitter"),
    [
        ({}, KFold),
        ({"strata": STRATA}, StratifiedKFold),
        ({"groups": GROUPS}, GroupKFold),
        ({"strata": STRATA, "groups": GROUPS}, StratifiedGroupKFold),
    ],
)
def test_equals_scikit_learn(given, splitter):
    folds = make_folds(ROWS[::-1], 4, seed=9, **given)
    oracle = splitter(n_splits=4, shuffle=True, random_state=seeds.derive(9, "folds")).split(
        ROWS, STRATA[ROWS], GROUPS[ROWS] if "groups" in given else None
    )
    expected = [(ROWS[train].tolist(), ROWS[held].tolist()) for train, held in oracle]
    assert [(train.tolist(), held.tolist()) for train, held in folds] == expected
    assert all(part.dtype == np.int64 for fold in folds for part in fold)
    held = np.concatenate([validation for _, validation in folds])
    assert sorted(held) == ROWS.tolist()
    for train, validation in folds:
        assert sorted([*train, *validation]) == ROWS.tolist()
        if "groups" in given:
            assert not set(GROUPS[train]) & set(GROUPS[validation])
        elif "strata" in given:
            counts = np.bincount(STRATA[validation])
            assert counts.max() - counts.min() <= 1


def test_text_strata():
    folds = make_folds(np.arange(8), 2, strata=np.array(["a", "b"] * 4), seed=1)
    assert [sorted(held % 2) for _, held in folds] == [[0, 0, 1, 1]] * 2


class TestTime:
    def test_forward_chaining_equals_scikit_learn(self):
        rng = np.random.default_rng(3)
        time = rng.permutation(200)
        order = ROWS[np.argsort(time[ROWS])]
        folds = make_folds(ROWS, 4, time=time, seed=1)
        for (train, held), (first, second) in zip(
            folds, TimeSeriesSplit(n_splits=4).split(order), strict=True
        ):
            assert train.tolist() == sorted(order[first])
            assert held.tolist() == sorted(order[second])
            assert time[train].max() < time[held].min()

    def test_equal_times_stay_together(self):
        time = np.repeat(np.arange(40), 5)
        for train, held in make_folds(ROWS, 4, time=time, seed=1):
            assert time[train].max() < time[held].min()

    def test_too_few(self):
        with pytest.raises(InvalidSplit, match="2 different times cannot fill 5"):
            make_folds(np.arange(10), 4, time=np.arange(10) // 5, seed=1)
        with pytest.raises(InvalidSplit, match="4 training rows cannot make 4 folds in order"):
            make_folds(np.arange(4), 4, time=np.arange(4), seed=1)


@pytest.mark.parametrize(
    ("rows", "count", "given", "pattern"),
    [
        (10, 1, {}, "fold_count=1 .*at least 2"),
        (10, 0, {}, "fold_count=0"),
        (10, True, {}, "fold_count=True"),
        (10, 2.0, {}, r"fold_count=2\.0"),
        (3, 4, {}, "3 training rows cannot make 4 folds"),
        (10, 5, {"strata": np.array([0] * 7 + [1] * 3)}, "'rare' has 3 members, but 5 .* 5 folds"),
        (10, 4, {"groups": np.arange(10) % 3}, "3 groups cannot make 4 folds"),
        (10, 2, {"groups": np.array(["a", None] * 5, dtype=object)}, "5 of 10 .* no group"),
        (10, 2, {"strata": np.zeros(9)}, "`strata` has 9 values, but row 9"),
        (10, 2, {"groups": np.arange(10), "time": np.arange(10)}, "either `groups` or `time`"),
    ],
)
def test_refused(rows, count, given, pattern):
    with pytest.raises(InvalidSplit, match=pattern):
        make_folds(np.arange(rows), count, **given, seed=1, names=["common", "rare"])


def test_uneven_rows_are_said_and_differ_by_one(caplog):
    with caplog.at_level("INFO", logger="aiqc"):
        folds = make_folds(np.arange(10), 3, seed=1)
    assert "10 training rows do not divide evenly into 3" in caplog.text
    assert sorted(len(held) for _, held in folds) == [3, 3, 4]


def test_seeds_reproduce_in_another_process():
    code = (
        "import json, numpy as np\n"
        "from aiqc.pipeline.folds import make_folds\n"
        "f = make_folds(np.arange(30), 5, strata=np.arange(30) % 2, seed=6)\n"
        "print(json.dumps([[p.tolist() for p in x] for x in f]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    ours = make_folds(np.arange(30), 5, strata=np.arange(30) % 2, seed=6)
    assert json.loads(done.stdout) == [[part.tolist() for part in fold] for fold in ours]
    other = make_folds(np.arange(30), 5, strata=np.arange(30) % 2, seed=7)
    assert other[0][1].tolist() != ours[0][1].tolist()
