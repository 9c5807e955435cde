"""Windows: what coders saw, which rows splits share, how samples are divided."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prepare_cases import (
    IMAGES,
    SEQUENCE,
    SERIES,
    coded,
    images,
    label_of,
    seen_rows,
    sequence,
    starts_of,
    table,
)
from sklearn.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)

from aiqc.core.errors import AIQCError
from aiqc.orm import (
    Dataset,
    Feature,
    FeatureInterpolater,
    FeatureShaper,
    Fold,
    Splitset,
    Window,
)
from aiqc.orm._split_plan import SplitRequest, content_facts

# --- windows ---------------------------------------------------------------------


@pytest.mark.parametrize("fold_count", [None, 3])
@pytest.mark.parametrize(("size", "shift"), [(3, 2), (4, 4), (5, 1), (2, 5)])
def test_the_encoder_sees_the_rows_of_the_training_windows_and_no_more(
    store: Any, size: int, shift: int, fold_count: int | None
) -> None:
    feature = table(columns=["a", "b"])
    Window.from_feature(feature, size, shift)
    coded(feature, (StandardScaler(), None))
    splitset = Splitset.make(feature, size_test=0.2, fold_count=fold_count)
    splitset.cache_samples()
    starts = starts_of(60, size, shift)
    values = SERIES[["a", "b"]].to_numpy()
    fits = list(splitset.fits)
    assert len(fits) == (fold_count or 1)
    for fit in fits:
        samples = fit.fold.samples if fold_count else splitset.samples
        train = samples["folds_train_combined" if fold_count else "train"]
        rows = seen_rows(train, starts, size)
        assert fit.samples == rows
        scaler = fit.feature_fit().fitted[0][0]
        assert scaler.n_samples_seen_ == len(rows)
        oracle = StandardScaler().fit(values[rows])
        np.testing.assert_allclose(scaler.mean_, oracle.mean_, rtol=1e-12)
        for split, chosen in samples.items():
            fold_id = fit.fold_id
            places = np.array([[*range(starts[i], starts[i] + size)] for i in chosen])
            for part, at in (("features", places), ("label", places + shift)):
                found = splitset.fetch_cache(split, part, fold_id=fold_id)
                np.testing.assert_allclose(found, oracle.transform(values)[at], rtol=1e-9)


def test_rows_outside_the_training_windows_change_nothing_that_was_learned(store: Any) -> None:
    def learned(frame: pd.DataFrame) -> tuple[bytes, list[int]]:
        feature = table(frame)
        Window.from_feature(feature, 4, 3)
        coded(feature, (StandardScaler(), None))
        splitset = Splitset.make(feature, size_test=0.3, seed=1)
        splitset.cache_samples()
        fit = splitset.fits.get()
        return fit.feature_fit().fitted[0][0].mean_.tobytes(), fit.samples

    before, rows = learned(SERIES[["a", "b"]])
    changed = SERIES[["a", "b"]].copy()
    others = np.setdiff1d(np.arange(60), rows)
    assert others.size
    changed.iloc[others] *= 1e9
    assert learned(changed) == (before, rows)


@pytest.mark.parametrize("make", [lambda: sequence(), lambda: images()], ids=["sequence", "image"])
def test_windows_of_arrays_are_runs_of_samples(store: Any, make: Any) -> None:
    feature = make()
    array = SEQUENCE if feature.dataset.typ == "sequence" else IMAGES
    Window.from_feature(feature, 3, 2)
    splitset = Splitset.make(feature, size_test=0.25)
    starts = starts_of(len(array), 3, 2)
    for split, chosen in splitset.samples.items():
        places = np.array([[*range(starts[i], starts[i] + 3)] for i in chosen])
        assert np.array_equal(splitset.fetch_cache(split, "features"), array[places])
        assert np.array_equal(splitset.fetch_cache(split, "label"), array[places + 2])


def test_windows_without_targets_have_no_label(store: Any) -> None:
    feature = table(columns=["a"])
    Window.from_feature(feature, 3, 2, record_shifted=False)
    splitset = Splitset.make(feature, size_test=0.25)
    assert splitset.fetch_cache("test", "label") is None
    assert splitset.fetch_cache("test", "label", library="pytorch") is None
    last = splitset.fetch_cache("train", "features")
    everything = np.concatenate([last, splitset.fetch_cache("test", "features")])
    assert everything.max() == 59


def test_a_shape_is_the_last_step_of_features_and_target(store: Any) -> None:
    feature = table(columns=["a", "b"])
    Window.from_feature(feature, 4, 2)
    FeatureShaper.from_feature(feature, (0, (1, 2), "1"))
    splitset = Splitset.make(feature, size_test=0.25)
    starts, values = starts_of(60, 4, 2), SERIES[["a", "b"]].to_numpy()
    places = np.array([[*range(starts[i], starts[i] + 4)] for i in splitset.samples["test"]])
    assert np.array_equal(
        splitset.fetch_cache("test", "features"), values[places].reshape(-1, 8, 1)
    )
    assert np.array_equal(
        splitset.fetch_cache("test", "label"), values[places + 2].reshape(-1, 8, 1)
    )


@pytest.mark.parametrize("fold_count", [None, 2])
def test_shared_rows_are_counted_and_logged(
    store: Any, caplog: pytest.LogCaptureFixture, fold_count: int | None
) -> None:
    feature = table(columns=["a"])
    Window.from_feature(feature, 5, 2)
    with caplog.at_level(logging.INFO, logger="aiqc"):
        splitset = Splitset.make(feature, size_test=0.2, fold_count=fold_count)
    assert "share" in caplog.text
    starts = starts_of(60, 5, 2)
    expected = {}
    places = {f"{fold.idx}/": fold.samples for fold in splitset.folds.order_by(Fold.idx)}
    for prefix, samples in (places or {"": splitset.samples}).items():
        rows = {
            f"{prefix}{split}": set(seen_rows(chosen, starts, 5))
            | {row + 2 for row in seen_rows(chosen, starts, 5)}
            for split, chosen in samples.items()
        }
        names = list(rows)
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                if rows[one] & rows[other]:
                    expected[one, other] = len(rows[one] & rows[other])
    found = splitset.shared_rows()
    assert list(found.columns) == ["split_a", "split_b", "rows"]
    assert {(a, b): n for a, b, n in found.itertuples(index=False)} == expected
    assert expected


def test_without_windows_no_rows_are_shared(store: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="aiqc"):
        splitset = Splitset.make(sequence(), size_test=0.2)
    assert splitset.shared_rows().empty
    assert "share" not in caplog.text


# --- what is refused, and how samples are divided -----------------------------------


def windowed(size: int = 3, shift: int = 2, columns: list[str] | None = None) -> Feature:
    feature = table(columns=columns or ["a"])
    Window.from_feature(feature, size, shift)
    return feature


@pytest.mark.parametrize(
    ("features", "kwargs", "match"),
    [
        (lambda: windowed(), {"label_id": "y"}, "has a Window.*Leave out label_id"),
        (lambda: [windowed(), table(columns=["b"])], {}, "has a Window and .* has none"),
        (lambda: [windowed(), windowed(3, 4)], {}, "number of windows"),
        (lambda: windowed(), {"groups": "kind"}, "several groups"),
        (lambda: sequence(), {"groups": "0"}, "none of the tables"),
        (lambda: sequence(), {"unsupervised_stratify_col": "9"}, "no column '9'"),
    ],
)
def test_what_cannot_be_divided_is_refused(
    store: Any, features: Any, kwargs: dict[str, Any], match: str
) -> None:
    if "label_id" in kwargs:
        kwargs = {"label_id": label_of(np.arange(60.0))}
    made = features()
    with pytest.raises(AIQCError, match=match):
        Splitset.make(made, size_test=0.2, **kwargs)
    assert not Splitset.select().exists()


def test_windows_follow_the_time_of_their_last_row(store: Any) -> None:
    shuffled = SERIES.assign(a=np.random.default_rng(1).permutation(60).astype(float))
    feature = table(shuffled, ["b"])
    Window.from_feature(feature, 3, 2)
    splitset = Splitset.make(feature, size_test=0.25, time="a")
    starts = starts_of(60, 3, 2)
    last = {
        split: [shuffled["a"][starts[i] + 2] for i in rows]
        for split, rows in splitset.samples.items()
    }
    assert max(last["train"]) < min(last["test"])


@pytest.mark.parametrize("typ", ["sequence", "windows"])
def test_samples_are_stratified_by_the_median_of_a_column(store: Any, typ: str) -> None:
    """Of 40 samples 8 are high: a fifth of them in each split."""
    rng = np.random.default_rng(2)
    high = rng.permutation(np.arange(40) < 8)
    values = np.where(high, 100, 1)
    if typ == "sequence":
        feature = sequence(np.stack([values, values, values], axis=1)[..., None].astype(np.int64))
    else:
        feature = table(pd.DataFrame({"0": np.repeat(values, 2)}))
        Window.from_feature(feature, 2, 2, record_shifted=False)
    splitset = Splitset.make(feature, size_test=0.25, unsupervised_stratify_col="0")
    found = {split: int(high[rows].sum()) for split, rows in splitset.samples.items()}
    assert found == {"train": 6, "test": 2}


def test_windows_are_stratified_by_their_most_frequent_text(store: Any) -> None:
    kinds = np.repeat(np.where(np.arange(20) < 4, "rare", "common"), 3)
    kinds[2::3] = "other"
    feature = table(pd.DataFrame({"kind": kinds}))
    Window.from_feature(feature, 3, 3, record_shifted=False)
    coded(feature, (OneHotEncoder(), None))
    splitset = Splitset.make(feature, size_test=0.25, unsupervised_stratify_col="kind")
    assert sum(sample < 4 for sample in splitset.samples["test"]) == 1


@pytest.mark.parametrize("gap", [False, True])
def test_windows_are_stratified_by_the_quantiles_of_their_dates(store: Any, gap: bool) -> None:
    """Each quarter of the series gives a quarter of the test windows."""
    days = pd.Series(pd.date_range("2020-01-01", periods=160, freq="h"))
    if gap:
        # the median of the others stands for the window
        days[[1, 50, 51]] = None
    feature = table(pd.DataFrame({"day": days, "x": np.arange(160.0)}))
    Window.from_feature(feature, 4, 4, record_shifted=False)
    splitset = Splitset.make(feature, size_test=0.2, bin_count=4, unsupervised_stratify_col="day")
    assert np.bincount(np.array(splitset.samples["test"]) // 10).tolist() == [2, 2, 2, 2]


def test_steps_are_part_of_a_splitsets_identity(store: Any) -> None:
    def digest(*steps: Any) -> str:
        feature = Feature.from_dataset(dataset, ["a", "b"])
        for step in steps:
            step(feature)
        return str(Splitset.make(feature, size_test=0.2, seed=1).sha256_hexdigest)

    dataset = Dataset.Tabular.from_df(SERIES)
    plain = Feature.from_dataset(dataset, ["a", "b"])
    # a Splitset without these steps keeps the identity that it had before there were any
    facts = content_facts([plain], None, SplitRequest(*[None] * 10))
    assert list(facts["features"][0]) == ["data", "columns", "coders"]
    linear = {"method": "linear", "limit_direction": "both"}
    found = [
        digest(),
        digest(lambda one: Window.from_feature(one, 3, 2)),
        digest(lambda one: Window.from_feature(one, 3, 1)),
        digest(lambda one: Window.from_feature(one, 3, 2, record_shifted=False)),
        digest(lambda one: FeatureShaper.from_feature(one, (0, 1, "1"))),
        digest(lambda one: FeatureInterpolater.from_feature(one, columns="a", verbose=False)),
        digest(
            lambda one: FeatureInterpolater.from_feature(
                one, columns="a", interpolate_kwargs=linear, verbose=False
            )
        ),
    ]
    assert len(set(found)) == len(found)
    assert digest(lambda one: Window.from_feature(one, 3, 2)) == found[1]


def test_starts_of_counts_from_the_end() -> None:
    assert starts_of(10, 3, 2) == [1, 3, 5]
    assert all(b - a == 2 for a, b in pairwise(starts_of(11, 3, 2)))
