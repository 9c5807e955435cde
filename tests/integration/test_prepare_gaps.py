"""Interpolated samples without leakage, and new data prepared as those of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from prepare_cases import (
    SEQUENCE,
    SERIES,
    coded,
    gappy,
    images,
    label_of,
    seen_rows,
    sequence,
    starts_of,
    table,
)
from sklearn.preprocessing import (
    Binarizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from aiqc.core.errors import AIQCError, InvalidData
from aiqc.orm import (
    Dataset,
    Feature,
    FeatureInterpolater,
    FeatureShaper,
    Fold,
    Label,
    LabelCoder,
    LabelInterpolater,
    Splitset,
    Window,
)
from aiqc.orm.prepared import prepare_inference, prepare_label

# --- interpolation ---------------------------------------------------------------


@pytest.mark.parametrize("fold_count", [None, 3])
def test_test_rows_change_no_training_value(store: Any, fold_count: int | None) -> None:
    def trained(scale: float, test: list[int] | None) -> tuple[list[bytes], list[int]]:
        frame = gappy()
        if test is not None:
            frame.iloc[test] = frame.iloc[test] * scale
        feature = table(frame)
        FeatureInterpolater.from_feature(feature, columns=["x", "b"], verbose=False)
        coded(feature, (StandardScaler(), None))
        splitset = Splitset.make(feature, size_test=0.3, fold_count=fold_count, seed=3)
        folds = list(splitset.folds.order_by(Fold.idx)) or [None]
        key = splitset.key_train
        found = [
            np.array(splitset.fetch_cache(key, "features", fold_id=fold and fold.id)).tobytes()
            for fold in folds
        ]
        return found, splitset.samples["test"]

    before, test = trained(1, None)
    after, same = trained(1e9, test)
    assert same == test
    assert after == before


def test_interpolated_labels_stay_with_their_rows(store: Any) -> None:
    """y_i = i belongs to x_i = i, whatever was filled in which split."""
    y = np.arange(50.0)
    y[[2, 3, 17, 25, 26, 48]] = np.nan
    features = table(pd.DataFrame({"x": np.arange(50.0)}))
    label = label_of(y)
    LabelInterpolater.from_label(label)
    splitset = Splitset.make(features, label, size_test=0.2, size_validation=0.2, fold_count=2)
    for fold in splitset.folds:
        for split, rows in fold.samples.items():
            x = splitset.fetch_cache(split, "features", fold_id=fold.id)[:, 0]
            found = splitset.fetch_cache(split, "label", fold_id=fold.id)[:, 0]
            assert x.tolist() == rows
            np.testing.assert_allclose(found, x, atol=1e-9)


def test_a_labels_coder_is_fitted_to_filled_training_labels(store: Any) -> None:
    y = np.arange(40.0) ** 2
    gaps = [5, 6, 20, 31]
    with_gaps = y.copy()
    with_gaps[gaps] = np.nan
    label = label_of(with_gaps)
    LabelInterpolater.from_label(
        label, interpolate_kwargs={"method": "linear", "limit_direction": "both"}
    )
    LabelCoder.from_label(label, StandardScaler())
    splitset = Splitset.make(table(pd.DataFrame({"x": y})), label, size_test=0.25)
    splitset.cache_samples()
    train = np.array(splitset.samples["train"])
    known = np.setdiff1d(train, gaps)
    filled = np.interp(train, known, y[known])
    (scaler,) = [fit.label_estimator() for fit in splitset.fits if fit.label_id]
    np.testing.assert_allclose(scaler.mean_, [filled.mean()], rtol=1e-12)
    found = splitset.fetch_cache("train", "label")[:, 0]
    np.testing.assert_allclose(found, (filled - filled.mean()) / filled.std(), rtol=1e-9)


def test_a_label_with_gaps_needs_an_interpolater(store: Any) -> None:
    y = np.arange(30.0)
    y[[4, 7]] = np.nan
    feature, label = table(SERIES[:30], ["a"]), label_of(y)
    with pytest.raises(InvalidData, match=r"rows \[4, 7\].*LabelInterpolater") as caught:
        Splitset.make(feature, label, size_test=0.2)
    assert caught.value.facts["rows"] == [4, 7]
    assert not Splitset.select().exists()


def test_categories_of_an_interpolated_column_are_all_known(store: Any) -> None:
    """An interpolated value may be in no row as it was registered, and differ by split."""
    frame = pd.DataFrame({"x": np.repeat([0.0, 4.0, 8.0], 10)})
    frame.loc[[4, 9, 10, 19, 25], "x"] = np.nan
    feature = table(frame)
    FeatureInterpolater.from_feature(
        feature,
        interpolate_kwargs={"method": "linear", "limit_direction": "both"},
        verbose=False,
    )
    coded(feature, (OneHotEncoder(), None))
    splitset = Splitset.make(feature, size_test=0.4)
    for split, rows in splitset.samples.items():
        found = splitset.fetch_cache(split, "features")
        assert (found.sum(axis=1) == 1).all()
        assert len(found) == len(rows)


def test_rows_that_folds_leave_out_are_filled_beside_the_training_rows(store: Any) -> None:
    """An embargo: the gaps around row 10 are in no split of the first fold, row 25 in one."""
    y = np.arange(40.0)
    y[[10, 25]] = np.nan
    feature, label = table(pd.DataFrame({"x": y})), label_of(y)
    LabelInterpolater.from_label(label)
    FeatureInterpolater.from_feature(feature, verbose=False)
    # it refuses missing values, and is fitted to all rows
    coded(feature, (Binarizer(threshold=10.5), None))
    first = (list(range(9)), list(range(12, 40)))
    second = (list(range(12, 40)), list(range(12)))
    splitset = Splitset.make(feature, label, folds=[first, second])
    for fold in splitset.folds:
        for split, rows in fold.samples.items():
            found = splitset.fetch_cache(split, "label", fold_id=fold.id)[:, 0]
            np.testing.assert_allclose(found, rows, atol=1e-9)
            x = splitset.fetch_cache(split, "features", fold_id=fold.id)[:, 0]
            assert x.tolist() == [float(row > 10) for row in rows]


def test_a_row_before_the_first_window_is_no_missing_category(store: Any) -> None:
    """Of 12 rows the windows hold the last 11: row 0 is in no split, and filled all the same."""
    feature = table(pd.DataFrame({"x": [np.nan, *np.repeat([1.0, 2.0, 3.0, 4.0], 3)[1:]]}))
    FeatureInterpolater.from_feature(
        feature, interpolate_kwargs={"method": "linear", "limit_direction": "both"}, verbose=False
    )
    Window.from_feature(feature, 3, 2)
    coded(feature, (OneHotEncoder(), None))
    splitset = Splitset.make(feature, samples={"train": [0, 1], "test": [2, 3]})
    assert splitset.fetch_cache("train", "features").shape == (2, 3, 4)
    names = splitset.fits.get().feature_fit().encoded_columns
    assert names == ["x_1.0", "x_2.0", "x_3.0", "x_4.0"]


def test_a_row_of_two_splits_brings_the_category_of_each(store: Any) -> None:
    """Row 15 is 196 + 27 in validation, which ends with it, and (196 + 256) / 2 in test."""
    x = np.arange(20.0) ** 2
    x[15] = np.nan
    feature = table(pd.DataFrame({"x": x}))
    FeatureInterpolater.from_feature(feature, verbose=False)
    Window.from_feature(feature, 3, 1)
    coded(feature, (OrdinalEncoder(), None))
    given = {"train": range(8), "validation": range(8, 13), "test": range(13, 17)}
    splitset = Splitset.make(feature, samples=given)
    # the squares up to 196 are the codes 0 to 14; 223, 226 and 256 follow
    assert splitset.fetch_cache("validation", "label")[-1, :, 0].tolist() == [13, 14, 15]
    assert splitset.fetch_cache("test", "features")[0, :, 0].tolist() == [13, 14, 16]
    assert splitset.fetch_cache("test", "label")[0, :, 0].tolist() == [14, 16, 17]


def test_a_label_with_gaps_is_stratified_by_what_lies_between(store: Any) -> None:
    """A label that rises has its thirds in its thirds, gaps or not."""
    y = np.arange(60.0)
    y[[7, 8, 30, 51]] = np.nan
    label = label_of(y)
    LabelInterpolater.from_label(label)
    splitset = Splitset.make(table(columns=["a"]), label, size_test=0.2)
    thirds = np.bincount(np.array(splitset.samples["test"]) // 20)
    assert thirds.tolist() == [4, 4, 4]


def test_slices_are_filled_alone_and_before_encoding(store: Any) -> None:
    array = SEQUENCE.copy()
    array[3, 1:3, 1] = np.nan
    array[11, 2, 0] = np.nan
    filled = array.copy()
    filled[3, 1:3, 1] = np.interp([1, 2], [0, 3], array[3, [0, 3], 1])
    filled[11, 2, 0] = (array[11, 1, 0] + array[11, 3, 0]) / 2
    feature = sequence(array)
    FeatureInterpolater.from_feature(feature, verbose=False)
    # Normalizer refuses missing values: it is tried on what the interpolater fills
    coded(feature, (Normalizer(), None))
    splitset = Splitset.make(feature, size_test=0.25)
    for split, rows in splitset.samples.items():
        flat = filled[rows].reshape(-1, 3)
        expected = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).reshape(-1, 5, 3)
        np.testing.assert_allclose(splitset.fetch_cache(split, "features"), expected, rtol=1e-9)


def test_interpolation_learns_from_windows_and_targets_of_training(store: Any) -> None:
    frame = gappy()
    feature = table(frame, ["x"])
    linear = {"method": "linear", "limit_direction": "both"}
    FeatureInterpolater.from_feature(feature, interpolate_kwargs=linear, verbose=False)
    Window.from_feature(feature, 4, 3)
    splitset = Splitset.make(feature, size_test=0.3)
    starts = starts_of(50, 4, 3)
    train = splitset.samples["train"]
    rows = seen_rows(train, starts, 4)
    rows = sorted({*rows, *(row + 3 for row in rows)})
    known = [row for row in rows if not np.isnan(frame["x"][row])]
    filled = np.interp(np.arange(50), known, frame["x"][known])
    places = np.array([[*range(starts[i], starts[i] + 4)] for i in train])
    for part, at in (("features", places), ("label", places + 3)):
        found = splitset.fetch_cache("train", part)[..., 0]
        np.testing.assert_allclose(found, filled[at], rtol=1e-12)


# --- new data ---------------------------------------------------------------------------


@pytest.mark.parametrize("window", [None, (3, 2)], ids=["rows", "windows"])
@pytest.mark.parametrize("fold_count", [None, 2])
@pytest.mark.parametrize("kind", ["tabular", "sequence", "image"])
def test_the_same_rows_are_prepared_the_same_for_inference(
    store: Any, kind: str, window: tuple[int, int] | None, fold_count: int | None
) -> None:
    def make() -> Feature:
        made = {
            "tabular": lambda: table(columns=["b", "a"]),
            "sequence": sequence,
            "image": images,
        }
        feature = made[kind]()
        if window:
            Window.from_feature(feature, *window)
        return feature

    trained = coded(make(), (MinMaxScaler(), None))
    FeatureShaper.from_feature(
        trained, (0, 1, "1", *range(2, 3 + len(trained.dataset.shape) - 3 + bool(window)))
    )
    splitset = Splitset.make(trained, size_test=0.3, fold_count=fold_count)
    for fold in list(splitset.folds) or [None]:
        prepared = prepare_inference(splitset, fold, 0, make())
        for split, rows in (fold or splitset).samples.items():
            for part, found in (("features", prepared.features), ("label", prepared.target)):
                assert found is not None
                cached = splitset.fetch_cache(split, part, fold_id=fold and fold.id)
                assert np.array_equal(found[rows], cached)


def test_columns_of_new_data_are_chosen_by_name(store: Any) -> None:
    trained = coded(table(columns=["a", "b"]), (StandardScaler(), None))
    splitset = Splitset.make(trained, label_of(np.arange(60.0)), size_test=0.3)
    other = table(SERIES[["kind", "b", "a"]])
    prepared = prepare_inference(splitset, None, 0, other)
    rows = splitset.samples["test"]
    assert np.array_equal(prepared.features[rows], splitset.fetch_cache("test", "features"))
    assert prepared.target is None
    with pytest.raises(AIQCError, match=r"lacks the columns \['a'\]"):
        prepare_inference(splitset, None, 0, table(columns=["b"]))


def test_columns_of_new_arrays_are_chosen_by_name(store: Any) -> None:
    array = np.random.default_rng(2).normal(size=(20, 4, 3)) * [1, 50, 1000]

    def sequence(values: Any, names: list[str]) -> Feature:
        return Feature.from_dataset(Dataset.Sequence.from_numpy(values, rename_columns=names))

    trained = coded(sequence(array, ["a", "b", "c"]), (StandardScaler(), ["b"]))
    splitset = Splitset.make(trained, size_test=0.3)
    other = sequence(array[..., [2, 0, 1, 0]], ["c", "a", "b", "more"])
    prepared = prepare_inference(splitset, None, 0, other)
    for split, rows in splitset.samples.items():
        assert np.array_equal(prepared.features[rows], splitset.fetch_cache(split, "features"))


def test_columns_of_a_new_one_hot_label_are_chosen_by_name(store: Any) -> None:
    codes = np.eye(3, dtype=int)[np.arange(60) % 3]
    frame = pd.DataFrame(codes, columns=["x", "y", "z"])
    label = Label.from_dataset(Dataset.Tabular.from_df(frame))
    splitset = Splitset.make(table(columns=["a"]), label, size_test=0.3)
    turned = Label.from_dataset(Dataset.Tabular.from_df(frame[["z", "x", "y"]]))
    assert prepare_label(splitset, None, turned).tolist() == codes.tolist()


def test_gaps_of_new_rows_are_filled_after_the_training_rows(store: Any) -> None:
    feature = table(gappy(), ["x"])
    linear = {"method": "linear", "limit_direction": "both"}
    FeatureInterpolater.from_feature(feature, interpolate_kwargs=linear, verbose=False)
    splitset = Splitset.make(feature, size_test=0.2)
    new = table(pd.DataFrame({"x": [50.0, np.nan, 56.0]}))
    assert prepare_inference(splitset, None, 0, new).features[:, 0].tolist() == [50, 53, 56]


def test_a_new_label_is_encoded_as_in_training(store: Any) -> None:
    y = ["b", "a", "c"] * 20
    label = label_of(y)
    LabelCoder.from_label(label, OneHotEncoder())
    splitset = Splitset.make(table(columns=["a"]), label, size_test=0.3)
    found = prepare_label(splitset, None, label_of(["c", "a"]))
    assert found.tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(InvalidData, match="'d'"):
        prepare_label(splitset, None, label_of(["d", "a"]))
