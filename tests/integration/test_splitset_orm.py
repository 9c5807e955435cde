"""Splitsets in a real store: versions, seeds, folds and fits that saw training rows only."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_studies import make_splitset, points
from warm_python import warm_python

from aiqc.core.errors import Conflict, DuplicateWarning, InvalidSplit
from aiqc.orm import Dataset, Feature, FeatureCoder, Fit, Fold, Label, Splitset
from aiqc.orm._connect import connection_string
from aiqc.orm._split_plan import SplitRequest, content_facts


def parts() -> tuple[Feature, Label]:
    dataset = Dataset.Tabular.from_df(points())
    return Feature.from_dataset(dataset, ["a", "b"]), Label.from_dataset(dataset, "y")


def test_an_equal_splitset_is_its_version_whichever_that_is(any_store: Any) -> None:
    feature, label = parts()
    first = Splitset.make(feature, label, size_test=0.25, name="study")
    second = Splitset.make(feature, label, size_test=0.5, name="study")
    third = Splitset.make(feature, label, size_test=0.25, name="study", seed=1)
    assert [row.version for row in (first, second, third)] == [1, 2, 3]
    with pytest.warns(DuplicateWarning, match=r"Splitset 'study' .* version 1 \(id 1\)"):
        assert Splitset.make(feature, label, size_test=0.25, name="study") == first
    # identity is content: the same columns by other rows of the same data
    twin = Feature.from_dataset(Dataset.Tabular.from_df(points()), ["a", "b"])
    with pytest.warns(DuplicateWarning, match="version 2"):
        assert Splitset.make(twin, label, size_test=0.5, name="study") == second
    unnamed = [Splitset.make(feature, label, size_test=0.25) for _ in range(2)]
    assert [row.version for row in unnamed] == [None, None]
    assert len({first.id, *(row.id for row in unnamed)}) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"size_test": 0.3},
        {"size_validation": 0.1},
        {"fold_count": 2},
        {"seed": 5},
        {"stratify": False},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_argument_that_decides_samples_makes_a_version(
    store: Any, changed: dict[str, Any]
) -> None:
    feature, label = parts()
    Splitset.make(feature, label, size_test=0.25, name="study")
    arguments = {"size_test": 0.25, **changed}
    assert Splitset.make(feature, label, name="study", **arguments).version == 2


def test_given_rows_are_the_same_rows_whatever_holds_them(store: Any) -> None:
    feature, label = parts()
    count = feature.dataset.shape["samples"]
    train, test = list(range(count - 8)), list(range(count - 8, count))
    half = len(train) // 2
    folds = [(train[:half], train[half:]), (train[half:], train[:half])]
    holders: list[Any] = [list, tuple, np.array, pd.Series, iter]
    found = [
        Splitset.make(
            feature,
            label,
            samples={"train": holder(train), "test": holder(test)},
            folds=(tuple(holder(rows) for rows in fold) for fold in folds),
        )
        for holder in holders
    ]
    # JSON knows no tuples
    listed = [[list(rows) for rows in fold] for fold in folds]
    found.append(
        Splitset.make(feature, label, samples={"train": train, "test": test}, folds=listed)
    )
    assert len({row.sha256_hexdigest for row in found}) == 1
    for row in found:
        assert row.samples == {"train": train, "test": test}
        halves = [fold.samples["fold_validation"] for fold in row.folds.order_by(Fold.idx)]
        assert halves == [train[half:], train[:half]]


def test_the_identity_of_given_rows_stays_that_of_earlier_versions(store: Any) -> None:
    request = SplitRequest(*[None] * 6, {"train": [0, 1], "test": [2]}, [([0], [1])], None, None)
    found = content_facts([], None, request)["request"]
    rows = b'["test",["2"]]["train",["0","1"]]'
    assert found["samples"] == hashlib.sha256(rows).hexdigest()
    assert found["folds"] == hashlib.sha256(b'["0",["0"]]["0",["1"]]').hexdigest()


@pytest.mark.parametrize(
    ("given", "pattern"),
    [
        ({"samples": [0, 1]}, r"samples=\[0, 1\] is no dict of splits"),
        ({"samples": {"train": 5}}, r"samples\['train'\] is 5, not a list"),
        ({"samples": {"train": "all"}}, r"samples\['train'\] is 'all', not a list"),
        ({"folds": 3}, r"folds is 3, not a list"),
        ({"folds": [1, 2]}, r"folds\[0\] is 1, not a list"),
        ({"folds": [(1, [2]), ([2], [1])]}, r"a part of folds\[0\] is 1, not a list"),
        ({"folds": iter([])}, r"0 folds were given"),
    ],
)
def test_given_rows_that_are_none_are_refused(store: Any, given: Any, pattern: str) -> None:
    feature, label = parts()
    with pytest.raises(InvalidSplit, match=pattern):
        Splitset.make(feature, label, **given)
    assert not Splitset.select().exists()


def test_given_splits_and_folds_keep_groups_whole_and_time_in_order(store: Any) -> None:
    frame = pd.DataFrame({"x": np.arange(12.0), "who": np.arange(12) // 3, "day": np.arange(12)})
    feature = Feature.from_dataset(Dataset.Tabular.from_df(frame), "x")
    first, last = list(range(6)), list(range(6, 12))
    uneven = {"train": list(range(7)), "test": list(range(7, 12))}
    backwards = {"train": last, "test": first}
    crossing = [(first, last), (last, first)]
    cut = [(list(range(5)), list(range(5, 12))), (list(range(5, 12)), list(range(5)))]
    refused: list[tuple[dict[str, Any], str]] = [
        ({"samples": uneven, "groups": "who"}, "The group 2 is in the split 'train' and the spl"),
        ({"samples": backwards, "time": "day"}, "Row 0 of the split 'test' is not later than"),
        ({"folds": cut, "groups": "who"}, "The group 1 is in the training rows of fold 0 and the"),
        ({"folds": crossing, "time": "day"}, "Row 0 of the validation rows of fold 1 is not lat"),
    ]
    for given, pattern in refused:
        with pytest.raises(InvalidSplit, match=pattern):
            Splitset.make(feature, **given)
    assert not Splitset.select().exists()
    kept = Splitset.make(feature, samples={"train": first, "test": last}, groups="who")
    assert kept.samples == {"train": first, "test": last}
    assert Splitset.make(feature, folds=crossing, groups="who").fold_count == 2
    ordered = Splitset.make(feature, samples={"train": first, "test": last}, time="day")
    assert ordered.options["time"] == "day"


def test_a_coder_makes_a_version(store: Any) -> None:
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    versions = []
    for scaler in (None, StandardScaler(), StandardScaler(with_mean=False), MinMaxScaler()):
        feature, label = parts()
        if scaler is not None:
            FeatureCoder.from_feature(feature, scaler, verbose=False)
        versions.append(Splitset.make(feature, label, size_test=0.25, name="study").version)
    assert versions == [1, 2, 3, 4]


def test_renaming_takes_the_next_version_there(any_store: Any) -> None:
    feature, label = parts()
    a1 = Splitset.make(feature, label, size_test=0.25, name="a")
    b1 = Splitset.make(feature, label, size_test=0.5, name="b")
    b1.set_info(name="a")
    assert (Splitset.of(b1.id).name, Splitset.of(b1.id).version) == ("a", 2)
    twin = Splitset.make(feature, label, size_test=0.25, name="c")
    with pytest.raises(Conflict, match=rf"cannot take the name 'a'.*Use Splitset {a1.id}"):
        twin.set_info(name="a")


def test_the_same_call_gives_the_same_samples_and_another_seed_others(any_store: Any) -> None:
    feature, label = parts()
    rows = [Splitset.make(feature, label, size_test=0.25, fold_count=3) for _ in range(2)]
    other = Splitset.make(feature, label, size_test=0.25, fold_count=3, seed=99)
    folds = [[dict(fold.samples) for fold in row.folds.order_by(Fold.idx)] for row in rows]
    assert rows[0].seed == rows[1].seed
    assert rows[0].samples == rows[1].samples == Splitset.of(rows[1].id).samples
    assert {type(value) for value in rows[0].samples.values()} == {list}
    assert folds[0] == folds[1]
    assert other.seed == 99
    assert set(other.samples["test"]) != set(rows[0].samples["test"])


TWIN = """
import os, time, warnings, aiqc
from aiqc.orm import Splitset
aiqc.connect(os.environ["STORE"])
while time.time() < float(os.environ["START"]):
    time.sleep(0.0005)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    row = Splitset.make(1, 1, size_test=0.25, fold_count=2, name="twins")
print(row.id, row.version, len(caught), row.folds.count())
"""


def test_processes_that_make_the_same_at_once_make_one_row(
    any_store: Any, private_home: Path
) -> None:
    parts()
    where = {"STORE": connection_string(), "AIQC_HOME": str(private_home / "aiqc")}
    found = warm_python().run(TWIN, 4, START=str(time.time() + 0.4), **where)
    assert sorted(found) == ["1 1 0 2", "1 1 1 2", "1 1 1 2", "1 1 1 2"]
    assert (Splitset.select().count(), Fold.select().count()) == (1, 2)


READ = """
import os, json, aiqc
from aiqc.orm import Splitset
aiqc.connect(os.environ["STORE"])
row = Splitset.of(1)
keys = "sizes supervision has_validation fold_count bin_count key_train key_evaluation key_test"
found = {key: getattr(row, key) for key in keys.split()}
found["samples"] = {name: list(rows) for name, rows in row.samples.items()}
found["folds"] = [{name: list(rows) for name, rows in fold.samples.items()} for fold in row.folds]
found["ids"] = [[feature.id for feature in row.features], row.label.id]
print(json.dumps(found))
"""


def test_another_process_reads_what_was_made(any_store: Any, private_home: Path) -> None:
    import json

    draw = np.random.default_rng(1).normal(size=(101, 3))
    dataset = Dataset.Tabular.from_df(pd.DataFrame(draw, columns=["a", "b", "y"]))
    features = [Feature.from_dataset(dataset, name) for name in ("b", "a")]
    label = Label.from_dataset(dataset, "y")
    made = Splitset.make(features, label, size_test=0.11, size_validation=0.21, fold_count=3)
    where = {"STORE": connection_string(), "AIQC_HOME": str(private_home / "aiqc")}
    found = json.loads(warm_python().run(READ, **where)[0])
    samples, folds = found.pop("samples"), found.pop("folds")
    assert found == {
        "sizes": {
            "train": {"percent": 0.68, "count": 67},
            "validation": {"percent": 0.21, "count": 22},
            "test": {"percent": 0.11, "count": 12},
        },
        "supervision": "supervised",
        "has_validation": True,
        "fold_count": 3,
        "bin_count": None,
        "key_train": "folds_train_combined",
        "key_evaluation": "fold_validation",
        "key_test": "test",
        "ids": [[1, 2], 1],
    }
    assert sorted(row for rows in samples.values() for row in rows) == list(range(101))
    held_out = sorted(row for fold in folds for row in fold["fold_validation"])
    assert held_out == sorted(samples["train"])
    for fold in folds:
        assert list(fold) == ["folds_train_combined", "fold_validation", "validation", "test"]
        both = fold["folds_train_combined"] + fold["fold_validation"]
        assert sorted(both) == sorted(samples["train"])
        assert (fold["validation"], fold["test"]) == (samples["validation"], samples["test"])
    assert samples == {name: list(rows) for name, rows in made.samples.items()}


def test_fits_are_kept_by_splitset_fold_and_feature(any_store: Any) -> None:
    from sklearn.preprocessing import StandardScaler

    frame = points()
    dataset = Dataset.Tabular.from_df(frame.assign(y=frame["y"] == "yes"))
    label = Label.from_dataset(dataset, "y")
    features = [Feature.from_dataset(dataset, name) for name in ("a", "b")]
    for feature in features:
        FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    folded = Splitset.make(features, label, size_test=0.25, fold_count=2)
    plain = Splitset.make(features, label, size_test=0.5)
    for splitset in (folded, plain):
        splitset.cache_samples()
        splitset.cache_samples()
    # two folds and one splitset, two features and the label each
    assert [folded.fits.count(), plain.fits.count(), Fit.select().count()] == [6, 3, 9]
    seen = []
    for fold in folded.folds.order_by(Fold.idx):
        fitted = fold.fitted_featurecoders
        assert list(fitted) == [feature.id for feature in features]
        train = fold.samples["folds_train_combined"]
        for feature, column in zip(features, ("a", "b"), strict=True):
            (scaler,) = fitted[feature.id]
            assert scaler.mean_[0] == pytest.approx(frame[column].iloc[train].mean(), abs=1e-15)
            assert scaler.mean_[0] != pytest.approx(frame[column].mean(), abs=1e-6)
            seen.append(scaler.mean_[0])
    assert len(set(seen)) == 4
    for fit in folded.fits:
        assert fit.samples == list(fit.fold.samples["folds_train_combined"])
        assert not fit.saw_all
    (scaler,) = features[0].fitted_featurecoders
    train = plain.samples["train"]
    assert scaler.mean_[0] == pytest.approx(frame["a"].iloc[train].mean(), abs=1e-15)


def test_categorical_coders_see_every_row_and_say_so(store: Any) -> None:
    splitset = make_splitset()
    splitset.cache_samples()
    by_owner = {("feature" if fit.feature_id else "label"): fit for fit in splitset.fits}
    assert (by_owner["feature"].saw_all, by_owner["label"].saw_all) == (True, True)
    assert by_owner["feature"].samples == list(splitset.samples["train"])
