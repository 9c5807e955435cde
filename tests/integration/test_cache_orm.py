"""The samples cache of a Splitset: layout, values, damage, moved stores, several processes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_studies import KEY, make_queue, make_splitset, points
from warm_python import warm_python

import aiqc
from aiqc.core.errors import InvalidSplit
from aiqc.orm import Dataset, Feature, Fit, Fold, Label, Predictor, Splitset, clear_cache_all
from aiqc.orm._connect import connection_string


def files(splitset: Splitset) -> list[str]:
    folder = Path(splitset.cache_path)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npy"))


def oracle(train: list[int], wanted: list[int]) -> np.ndarray:
    """Return the encoded features of rows, computed by numpy from the source."""
    frame = points()
    numbers = frame[["a", "b"]].to_numpy()
    mean, std = numbers[train].mean(axis=0), numbers[train].std(axis=0)
    kinds = np.array(sorted(frame["kind"].unique()))
    encoded = (frame["kind"].to_numpy()[:, None] == kinds).astype(float)
    return np.hstack([(numbers - mean) / std, encoded])[wanted]


def test_layout_and_values_without_folds(any_store: Any) -> None:
    splitset = make_splitset(size_validation=0.25)
    assert not splitset.cache_hot
    assert not Path(splitset.cache_path).exists()
    splitset.cache_samples()
    assert splitset.cache_hot
    assert files(splitset) == [
        f"no_fold/{split}/{name}.npy"
        for split in ("test", "train", "validation")
        for name in ("feature_0", "label")
    ]
    assert Path(splitset.cache_path).name == splitset.uid
    truth = (points()["y"] == "yes").to_numpy().astype(int)
    train = splitset.samples["train"]
    for split, rows in splitset.samples.items():
        features = splitset.fetch_cache(split, "features")
        assert isinstance(features, np.memmap)
        assert not features.flags.writeable
        np.testing.assert_allclose(features, oracle(train, rows), rtol=0, atol=1e-14)
        np.testing.assert_array_equal(splitset.fetch_cache(split, "label")[:, 0], truth[rows])


def test_layout_and_values_of_folds(any_store: Any) -> None:
    splitset = make_splitset(fold_count=3)
    splitset.cache_samples()
    splits = ("fold_validation", "folds_train_combined", "test")
    assert files(splitset) == [
        f"{idx}/{split}/{name}.npy"
        for idx in range(3)
        for split in splits
        for name in ("feature_0", "label")
    ]
    for fold in splitset.folds.order_by(Fold.idx):
        train = fold.samples["folds_train_combined"]
        for split in splits:
            features = splitset.fetch_cache(split, "features", fold_id=fold.id)
            expected = oracle(train, fold.samples[split])
            np.testing.assert_allclose(features, expected, rtol=0, atol=1e-14)


def test_several_features_are_a_list(store: Any) -> None:
    dataset = Dataset.Tabular.from_df(points().assign(y=points()["y"] == "yes"))
    features = [Feature.from_dataset(dataset, names) for names in (["b"], ["a", "b"])]
    splitset = Splitset.make(features, Label.from_dataset(dataset, "y"), size_test=0.25)
    found = splitset.fetch_cache("test", "features")
    rows = splitset.samples["test"]
    assert [array.shape for array in found] == [(12, 1), (12, 2)]
    np.testing.assert_array_equal(found[1], points()[["a", "b"]].to_numpy()[rows])
    assert [name for name in files(splitset) if "test" in name] == [
        "no_fold/test/feature_0.npy",
        "no_fold/test/feature_1.npy",
        "no_fold/test/label.npy",
    ]


@pytest.mark.torch
def test_tensors_are_float32_and_classes_stay_whole(store: Any) -> None:
    import torch

    splitset = make_splitset()
    features = splitset.fetch_cache("test", "features", library="pytorch")
    label = splitset.fetch_cache("test", "label", library="PyTorch")
    assert (features.dtype, label.dtype) == (torch.float32, torch.int64)
    expected = oracle(splitset.samples["train"], splitset.samples["test"])
    np.testing.assert_array_equal(features.numpy(), expected.astype("float32"))
    # writing into a tensor does not reach the cache
    features += 1
    again = splitset.fetch_cache("test", "features")
    np.testing.assert_allclose(again, expected, rtol=0, atol=1e-14)


# --- what can happen to a cache --------------------------------------------


def damage(path: Path, how: str) -> None:
    some = path / "no_fold" / "train" / "feature_0.npy"
    if how == "folder deleted":
        shutil.rmtree(path)
    elif how == "file deleted":
        some.unlink()
    elif how == "file cut short":
        some.write_bytes(some.read_bytes()[:-8])
    elif how == "file emptied":
        some.write_bytes(b"")
    elif how == "manifest deleted":
        (path / "manifest.json").unlink()
    elif how == "manifest of other content":
        text = (path / "manifest.json").read_text()
        (path / "manifest.json").write_text(text.replace('"key":"', '"key":"0'))
    elif how == "another shape":
        np.save(some, np.load(some)[:-1])


@pytest.mark.parametrize(
    "how",
    [
        "folder deleted",
        "file deleted",
        "file cut short",
        "file emptied",
        "manifest deleted",
        "manifest of other content",
        "another shape",
    ],
)
def test_a_damaged_cache_is_written_again(store: Any, how: str) -> None:
    splitset = make_splitset()
    before = np.array(splitset.fetch_cache("train", "features"))
    damage(Path(splitset.cache_path), how)
    assert not splitset.cache_hot
    np.testing.assert_array_equal(splitset.fetch_cache("train", "features"), before)
    assert splitset.cache_hot
    # the fits are those of the first time
    assert Fit.select().count() == 2


def test_a_queue_makes_its_cache_and_survives_its_loss(store: Any) -> None:
    queue = make_queue(repeat_count=1)
    queue.run_jobs(progress=False)
    model = Predictor.of(1).model_content.sha256
    assert queue.splitset.cache_hot
    shutil.rmtree(queue.splitset.cache_path)
    again = make_queue(queue.splitset, repeat_count=1)
    again.run_jobs(progress=False)
    assert Predictor.of(3).model_content.sha256 == model
    assert Fit.select().count() == 2


def test_clearing_removes_the_folder_and_nothing_else(store: Any) -> None:
    first, second = make_splitset(), make_splitset(size_test=0.5)
    for splitset in (first, second):
        splitset.cache_samples()
    beside = Path(first.cache_path).parent / "mine.txt"
    beside.write_text("not a cache")
    first.clear_cache()
    assert (first.cache_hot, second.cache_hot) == (False, True)
    assert not Path(first.cache_path).exists()
    first.clear_cache()
    # the fits stay: a coder that was fitted is not fitted again
    assert first.fits.count() == 2
    Splitset.cache_samples(first.id)
    assert clear_cache_all() == 2
    assert (first.cache_hot, second.cache_hot, beside.read_text()) == (False, False, "not a cache")


def test_two_splitsets_of_equal_content_share_their_cache(store: Any) -> None:
    first, second = make_splitset(), make_splitset()
    assert first != second
    first.cache_samples()
    assert second.cache_hot
    np.testing.assert_array_equal(
        second.fetch_cache("test", "features"), first.fetch_cache("test", "features")
    )


@pytest.mark.parametrize("how", ["cache_samples", "fetch_cache"])
@pytest.mark.parametrize("fold_count", [None, 2])
def test_a_shared_cache_spares_no_splitset_its_fits(
    store: Any, how: str, fold_count: int | None
) -> None:
    first, second = (make_splitset(fold_count=fold_count) for _ in range(2))
    first.cache_samples()
    assert not second.fits.exists()
    if how == "cache_samples":
        second.cache_samples()
    else:
        fold = second.folds.first()
        second.fetch_cache("test", "features", fold_id=fold and fold.id)
    assert second.fits.count() == first.fits.count() == 2 * (fold_count or 1)
    by_place = [
        sorted(
            (fit.fold.idx if fit.fold else 0, fit.label_id is None, fit.samples) for fit in fits
        )
        for fits in (first.fits, second.fits)
    ]
    assert by_place[0] == by_place[1]
    scaler, encoder = next(fit.estimators() for fit in second.fits if fit.feature_id)
    train = (second.folds.order_by(Fold.idx).first() or second).samples[second.key_train]
    np.testing.assert_allclose(scaler.mean_, points()[["a", "b"]].to_numpy()[train].mean(axis=0))
    assert encoder.categories_[0].tolist() == sorted(set(points()["kind"]))


def test_a_moved_database_finds_or_makes_its_cache(
    tmp_path: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIQC_SIGNING_KEY", KEY)
    aiqc.connect(tmp_path / "here.sqlite3")
    queue = make_queue(repeat_count=1, fold_count=2)
    queue.run_jobs(progress=False)
    models = [row.model_content.sha256 for row in Predictor.select().order_by(Predictor.id)]
    more = make_queue(queue.splitset, repeat_count=1)
    # another machine: another home, no cache, the file under another name
    aiqc.backup(tmp_path / "moved.sqlite3")
    aiqc.connect(tmp_path / "moved.sqlite3")
    (tmp_path / "here.sqlite3").unlink()
    monkeypatch.setenv("AIQC_HOME", str(tmp_path / "another home"))
    moved = Splitset.of(queue.splitset.id)
    assert not moved.cache_hot
    assert str(tmp_path / "another home") in moved.cache_path
    type(more).of(more.id).run_jobs(progress=False)
    found = [row.model_content.sha256 for row in Predictor.select().order_by(Predictor.id)]
    assert found == models * 2
    assert moved.cache_hot
    assert Predictor.of(1).get_model().hidden == 0


CACHE = """
import os, time, aiqc
from aiqc.orm import Splitset
aiqc.connect(os.environ["STORE"])
splitset = Splitset.of(1)
while time.time() < float(os.environ["START"]):
    time.sleep(0.0005)
splitset.cache_samples()
total = sum(
    float(splitset.fetch_cache(split, "features", fold_id=fold.id).sum())
    for fold in splitset.folds
    for split in ("folds_train_combined", "fold_validation", "test")
)
print(splitset.cache_hot, round(total, 9))
"""


def test_processes_that_cache_at_once_make_one_cache(any_store: Any, private_home: Path) -> None:
    splitset = make_splitset(fold_count=3)
    expected = 0.0
    for fold in splitset.folds:
        for rows in fold.samples.values():
            expected += float(oracle(fold.samples["folds_train_combined"], rows).sum())
    where = {"STORE": connection_string(), "AIQC_HOME": str(private_home / "aiqc")}
    found = warm_python().run(CACHE, 4, START=str(time.time() + 0.4), **where)
    assert {text.split()[0] for text in found} == {"True"}
    assert [float(text.split()[1]) for text in found] == pytest.approx([expected] * 4, abs=1e-8)
    assert splitset.cache_hot
    assert not list(Path(splitset.cache_path).rglob("*.tmp"))
    # every process used the same fits: one a fold and owner
    places = [(fit.fold_id, fit.feature_id, fit.label_id) for fit in Fit.select()]
    assert len(places) == len(set(places)) == 6


@pytest.mark.parametrize(
    ("folds", "arguments", "named"),
    [
        ({}, ("fold_validation", "features"), r"no split 'fold_validation'.*'train'"),
        ({"fold_count": 2}, ("test", "features"), r"has 2 folds, and fold_id is None.*\[1, 2\]"),
        ({"fold_count": 2}, ("train", "features", 1), r"no split 'train'.*folds_train_combined"),
    ],
)
def test_what_is_not_there_is_named(
    store: Any, folds: dict[str, int], arguments: Any, named: str
) -> None:
    splitset = make_splitset(**folds)
    with pytest.raises(InvalidSplit, match=named):
        splitset.fetch_cache(*arguments)
    assert not splitset.cache_hot


def test_a_fold_of_another_splitset_is_refused(store: Any) -> None:
    first, second = make_splitset(fold_count=2), make_splitset(fold_count=3)
    other = second.folds.order_by(Fold.idx).first()
    with pytest.raises(InvalidSplit, match=rf"<Fold {other.id}> belongs to <Splitset 2>"):
        first.fetch_cache("test", "features", fold_id=other)
