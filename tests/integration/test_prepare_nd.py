"""Sequences and images: what reaches a model, also from files larger than memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prepare_cases import (
    IMAGES,
    RNG,
    SEQUENCE,
    SERIES,
    coded,
    images,
    label_of,
    sequence,
    starts_of,
    table,
)
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from aiqc.core.errors import InvalidCoder, InvalidColumns, InvalidSplit
from aiqc.orm import (
    Dataset,
    Feature,
    FeatureCoder,
    FeatureShaper,
    Fit,
    Fold,
    Label,
    Splitset,
    Window,
)
from aiqc.pipeline import chain_fit, raw_feature
from aiqc.utils.encoding import div255, mult255

# --- encoders on sequences and images -----------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_scaler_scales_a_sequence(store: Any, dtype: Any) -> None:
    array = SEQUENCE.astype(dtype)
    feature = coded(sequence(array), (StandardScaler(), None))
    splitset = Splitset.make(feature, size_test=0.25, size_validation=0.2)
    exact = array.astype(np.float64)
    scaler = StandardScaler().fit(exact[splitset.samples["train"]].reshape(-1, 3))
    encoded = splitset.fetch_cache("train", "features").reshape(-1, 3).astype(np.float64)
    assert np.abs(encoded.mean(axis=0)).max() < 1e-6
    assert np.abs(encoded.std(axis=0) - 1).max() < 1e-3
    for split, rows in splitset.samples.items():
        found = splitset.fetch_cache(split, "features")
        expected = scaler.transform(exact[rows].reshape(-1, 3)).reshape(-1, 5, 3)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype == np.float64 else 1e-6)
        assert np.array_equal(found, splitset.fetch_cache(split, "label"))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("kind", ["tabular", "sequence", "image"])
def test_a_small_spread_far_from_zero_is_scaled_in_full_precision(
    store: Any, kind: str, dtype: Any
) -> None:
    """In float32 itself, 1e5 +- 20 is known to 4e-4 of its spread only."""
    shape = {"tabular": (600, 2), "sequence": (90, 5, 2), "image": (60, 2, 4, 2)}[kind]
    array = (RNG.normal(size=shape) * [20, 0.5] + [1e5, -300]).astype(np.float32)
    if dtype == np.float16:
        array = (RNG.normal(size=shape) * [90, 2] + [3e4, -300]).astype(dtype)
    make = {
        "tabular": lambda: table(pd.DataFrame(array, columns=["a", "b"])),
        "sequence": lambda: sequence(array),
        "image": lambda: images(array),
    }[kind]
    for scaler in (StandardScaler(), MinMaxScaler(), RobustScaler()):
        splitset = Splitset.make(coded(make(), (scaler, None)), size_test=0.25)
        train = array[splitset.samples["train"]].reshape(-1, 2).astype(np.float64)
        encoded = splitset.fetch_cache("train", "features")
        assert encoded.dtype == np.float32
        flat = encoded.reshape(-1, 2).astype(np.float64)
        np.testing.assert_allclose(flat, clone(scaler).fit_transform(train), rtol=1e-6, atol=1e-6)
        if isinstance(scaler, StandardScaler):
            assert np.abs(flat.mean(axis=0)).max() < 1e-6
            assert np.abs(flat.std(axis=0) - 1).max() < 1e-3
        back = splitset.fits.get().feature_fit().inverse_transform(np.array(encoded))
        wrong = np.abs(back.reshape(-1, 2) - train) / train.std(axis=0)
        assert wrong.max() < 1e-5


def test_categories_of_short_floats_keep_their_names(store: Any) -> None:
    codes = np.array([0.1, 0.2] * 10, dtype=np.float32).reshape(10, 2, 1)
    splitset = Splitset.make(coded(sequence(codes), (OneHotEncoder(), None)), size_test=0.2)
    splitset.cache_samples()
    assert splitset.fits.get().feature_fit().encoded_columns == ["0_0.1", "0_0.2"]


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_an_image_scaler_really_scales(store: Any, dtype: Any) -> None:
    feature = images(IMAGES.astype(dtype))
    FeatureCoder.from_feature(
        feature, FunctionTransformer(div255, inverse_func=mult255), verbose=False
    )
    splitset = Splitset.make(feature, size_test=0.25)
    rows = splitset.samples["test"]
    found = splitset.fetch_cache("test", "features")
    assert found.shape == (6, 2, 4, 6)
    assert found.dtype == (np.float32 if dtype == np.float16 else np.result_type(dtype, 0.0))
    np.testing.assert_allclose(found, IMAGES[rows] / 255, rtol=1e-7)
    fit = splitset.fits.get().feature_fit()
    assert fit.lossy_columns == []
    np.testing.assert_allclose(fit.inverse_transform(np.array(found)), IMAGES[rows], rtol=1e-6)


def test_columns_keep_their_place_after_decoding(store: Any) -> None:
    """Coders in another order than the columns, and one column without a coder."""
    feature = coded(
        sequence(rename_columns=["x", "y", "z"]),
        (MinMaxScaler(), ["z"]),
        (StandardScaler(), ["x"]),
    )
    splitset = Splitset.make(feature, size_test=0.25)
    found = np.array(splitset.fetch_cache("test", "features"))
    rows, train = splitset.samples["test"], splitset.samples["train"]
    flat = SEQUENCE[train].reshape(-1, 3)
    z = (SEQUENCE[rows][..., 2] - flat[:, 2].min()) / np.ptp(flat[:, 2])
    x = (SEQUENCE[rows][..., 0] - flat[:, 0].mean()) / flat[:, 0].std()
    np.testing.assert_allclose(found, np.stack([z, x, SEQUENCE[rows][..., 1]], axis=-1), rtol=1e-9)
    fit = splitset.fits.get().feature_fit()
    assert fit.encoded_columns == ["z", "x", "y"]
    decoded = fit.inverse_transform(found)
    assert decoded.shape == found.shape
    np.testing.assert_allclose(decoded, SEQUENCE[rows], rtol=1e-5)


def test_filters_of_an_array_know_its_one_dtype(store: Any) -> None:
    feature = sequence(rename_columns=["x", "y", "z"])
    first = FeatureCoder.from_feature(feature, StandardScaler(), columns="y", verbose=False)
    assert first.leftover_dtypes == {"x": "float64", "z": "float64"}
    with pytest.raises(InvalidColumns, match="int64"):
        FeatureCoder.from_feature(feature, MinMaxScaler(), dtypes="int64", verbose=False)
    second = FeatureCoder.from_feature(feature, MinMaxScaler(), dtypes="float64", verbose=False)
    assert second.matching_columns == ["x", "z"]


def test_some_columns_of_an_array_are_a_feature(store: Any) -> None:
    dataset = Dataset.Sequence.from_numpy(SEQUENCE, rename_columns=["x", "y", "z"])
    feature = coded(Feature.from_dataset(dataset, ["z", "x"]), (StandardScaler(), None))
    splitset = Splitset.make(feature, size_test=0.25)
    train = SEQUENCE[splitset.samples["train"]][..., [2, 0]].reshape(-1, 2)
    expected = StandardScaler().fit(train)
    rows = splitset.samples["test"]
    oracle = expected.transform(SEQUENCE[rows][..., [2, 0]].reshape(-1, 2)).reshape(-1, 5, 2)
    np.testing.assert_allclose(splitset.fetch_cache("test", "features"), oracle, rtol=1e-12)


def test_categories_of_a_sequence_are_one_hot(store: Any) -> None:
    codes = RNG.integers(0, 3, size=(20, 4, 2))
    feature = coded(sequence(codes), (OneHotEncoder(), ["1"]))
    splitset = Splitset.make(feature, size_test=0.25)
    rows = splitset.samples["test"]
    onehot = (codes[rows][..., 1, None] == np.arange(3)).astype(float)
    expected = np.concatenate([onehot, codes[rows][..., :1]], axis=-1)
    assert np.array_equal(splitset.fetch_cache("test", "features"), expected)
    assert splitset.fits.get().saw_all


def test_a_coder_of_a_sequence_learns_from_each_samples_label(store: Any) -> None:
    codes = RNG.integers(0, 3, size=(30, 4, 1))
    y = RNG.normal(size=30)
    feature = coded(sequence(codes), (TargetEncoder(smooth=2.0), None))
    splitset = Splitset.make(feature, label_of(y), size_test=0.2)
    train = splitset.samples["train"]
    oracle = TargetEncoder(smooth=2.0, random_state=0)
    oracle.fit(codes[train].reshape(-1, 1), np.repeat(y[train], 4))
    rows = splitset.samples["test"]
    expected = oracle.transform(codes[rows].reshape(-1, 1)).reshape(-1, 4, 1)
    np.testing.assert_allclose(splitset.fetch_cache("test", "features"), expected, rtol=1e-12)


def test_whole_numbers_of_a_continuous_label_are_no_classes(store: Any) -> None:
    """By hand: the mean of a category, drawn towards the mean of all; one column, not thirty."""
    kinds, y = np.array(["a", "b", "c"] * 10), np.arange(30.0)
    feature = coded(table(pd.DataFrame({"kind": kinds})), (TargetEncoder(smooth=2.0), None))
    splitset = Splitset.make(feature, label_of(y), size_test=0.2)
    train, test = splitset.samples["train"], splitset.samples["test"]
    mean = {}
    for kind in "abc":
        own = y[train][kinds[train] == kind]
        mean[kind] = (own.sum() + 2 * y[train].mean()) / (len(own) + 2)
    found = splitset.fetch_cache("test", "features")
    np.testing.assert_allclose(found, [[mean[kind]] for kind in kinds[test]], rtol=1e-12)


def test_a_coder_learns_from_every_class_of_a_onehot_label(store: Any) -> None:
    codes, classes = RNG.integers(0, 3, 60), RNG.integers(0, 3, 60)
    feature = coded(table(pd.DataFrame({"k": codes})), (TargetEncoder(), None))
    onehot = pd.DataFrame(np.eye(3, dtype=int)[classes], columns=["p", "q", "r"])
    label = Label.from_dataset(Dataset.Tabular.from_df(onehot))
    splitset = Splitset.make(feature, label, size_test=0.25)
    train, test = splitset.samples["train"], splitset.samples["test"]
    oracle = TargetEncoder(random_state=0).fit(codes[train, None], classes[train])
    expected = oracle.transform(codes[test, None])
    assert expected.shape == (15, 3)
    np.testing.assert_allclose(splitset.fetch_cache("test", "features"), expected, rtol=1e-12)


def test_a_coder_that_needs_a_label_is_refused_without_one(store: Any) -> None:
    feature = coded(table(columns=["a", "kind"]), (TargetEncoder(), "kind"))
    with pytest.raises(InvalidSplit, match="TargetEncoder of <Feature 1> learns from the label"):
        Splitset.make(feature, size_test=0.2)
    assert not Splitset.select().exists()


@pytest.mark.torch
def test_tensors_of_several_features(store: Any) -> None:
    import torch

    splitset = Splitset.make([sequence(SEQUENCE[:24]), images()], size_test=0.25)
    found = splitset.fetch_cache("test", "features", library="pytorch")
    rows = splitset.samples["test"]
    assert [tuple(one.shape) for one in found] == [(6, 5, 3), (6, 2, 4, 6)]
    assert [one.dtype for one in found] == [torch.float32, torch.float32]
    assert np.array_equal(found[0].numpy(), SEQUENCE[rows].astype(np.float32))
    assert np.array_equal(found[1].numpy(), IMAGES[rows].astype(np.float32))


@pytest.mark.torch
@pytest.mark.parametrize("part", ["features", "label"])
def test_tensors_of_whole_numbers_are_float32_unless_they_are_a_label(
    store: Any, part: str
) -> None:
    import torch

    splitset = Splitset.make(images(), size_test=0.25)
    found = splitset.fetch_cache("test", part, library="pytorch")
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy(), IMAGES[splitset.samples["test"]].astype(np.float32))


# --- several Features, several Splitsets --------------------------------------------


def test_each_feature_of_each_fold_has_its_own_scaler(store: Any) -> None:
    features = [
        coded(table(SERIES[:40], ["b"]), (StandardScaler(), None)),
        coded(sequence(), (StandardScaler(), None)),
    ]
    splitset = Splitset.make(features, size_test=0.2, fold_count=2)
    arrays = [SERIES["b"].to_numpy()[:40, None], SEQUENCE]
    for fold in splitset.folds:
        train = fold.samples["folds_train_combined"]
        for split, rows in fold.samples.items():
            found = splitset.fetch_cache(split, "features", fold_id=fold.id)
            for one, array in zip(found, arrays, strict=True):
                flat = array[train].reshape(-1, array.shape[-1])
                expected = (array[rows] - flat.mean(axis=0)) / flat.std(axis=0)
                np.testing.assert_allclose(one, expected, rtol=1e-9, atol=1e-12)
            label = splitset.fetch_cache(split, "label", fold_id=fold.id)
            assert np.array_equal(label, found[0])
        assert set(fold.fitted_featurecoders) == {feature.id for feature in features}


def test_a_feature_in_a_second_splitset_is_fitted_anew(store: Any) -> None:
    feature = coded(sequence(), (StandardScaler(), None))
    means = []
    for seed in (1, 2):
        splitset = Splitset.make(feature, size_test=0.4, seed=seed)
        splitset.cache_samples()
        train = SEQUENCE[splitset.samples["train"]].reshape(-1, 3)
        fit = splitset.fits.get().feature_fit()
        np.testing.assert_allclose(fit.fitted[0][0].mean_, train.mean(axis=0), rtol=1e-12)
        means.append(train.mean(axis=0))
    assert not np.allclose(means[0], means[1])
    assert [one.features for one in Splitset.select()] == [[feature], [feature]]


# --- arrays larger than memory --------------------------------------------------------


@pytest.fixture
def tiny_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few samples fit into memory, or into one step."""
    monkeypatch.setattr(raw_feature, "RESIDENT_BYTES", 500)
    monkeypatch.setattr(raw_feature, "STEP_BYTES", 500)
    monkeypatch.setattr(chain_fit, "STEPWISE_BYTES", 500)
    monkeypatch.setattr("aiqc.pipeline.prepared_blocks.STEP_BYTES", 700)


@pytest.mark.parametrize("coder", [StandardScaler(), MinMaxScaler(), Normalizer()], ids=repr)
@pytest.mark.parametrize("window", [None, (3, 2)], ids=["rows", "windows"])
def test_a_file_read_in_steps_gives_what_memory_gives(
    store: Any,
    tmp_path: Any,
    request: pytest.FixtureRequest,
    coder: Any,
    window: tuple[int, int] | None,
) -> None:
    np.save(tmp_path / "x.npy", SEQUENCE)

    def cached(seed: int) -> tuple[dict[Any, np.ndarray], list[int]]:
        path = str(tmp_path / "x.npy")
        feature = Feature.from_dataset(Dataset.Sequence.from_numpy(path, ingest=False))
        if window:
            Window.from_feature(feature, *window)
        coded(feature, (coder, ["2", "0"]))
        splitset = Splitset.make(feature, size_test=0.3, seed=seed)
        found = {
            (split, part): np.array(splitset.fetch_cache(split, part))
            for split in splitset.samples
            for part in ("features", "label")
        }
        return found, splitset.fits.get().samples

    whole, seen = cached(1)
    Splitset.get().clear_cache()
    Splitset.get().delete_instance()
    request.getfixturevalue("tiny_memory")
    stepwise, again = cached(1)
    assert again == seen
    for key, array in whole.items():
        np.testing.assert_allclose(stepwise[key], array, rtol=1e-12, atol=1e-12)


def test_a_coder_that_needs_all_data_at_once_is_refused_beyond_memory(
    store: Any, tiny_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_fit, "MAX_FIT_BYTES", 1000)
    splitset = Splitset.make(coded(sequence(), (RobustScaler(), None)), size_test=0.3)
    with pytest.raises(InvalidCoder, match=r"RobustScaler has to see .*StandardScaler"):
        splitset.cache_samples()
    assert not Fit.select().exists()


@pytest.mark.parametrize("in_steps", [False, True])
def test_a_value_that_a_coder_refuses_is_an_error_of_ours(
    store: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, in_steps: bool
) -> None:
    """A coder is tried on some samples of a large array; here not on the one with an infinity."""
    monkeypatch.setattr("aiqc.orm.feature_coder.TRIAL_BYTES", 1000)
    if in_steps:
        request.getfixturevalue("tiny_memory")
    array = SEQUENCE.copy()
    array[21, 2, 1] = np.inf
    feature = coded(sequence(array), (StandardScaler(), None))
    splitset = Splitset.make(feature, samples={"train": range(30), "test": range(30, 40)})
    with pytest.raises(InvalidCoder, match=r"StandardScaler cannot learn from .*infinity"):
        splitset.cache_samples()
    assert not Fit.select().exists()
    assert not splitset.cache_hot


def test_training_rows_that_teach_nothing_are_an_error_of_ours(store: Any) -> None:
    frame = pd.DataFrame({"x": np.arange(1.0, 11), "words": ["a b", "red", *["blue sky"] * 8]})
    given_samples = {"train": [0], "test": range(1, 10)}
    for coder, columns in ((PowerTransformer("box-cox"), "x"), (CountVectorizer(), "words")):
        feature = coded(table(frame, [columns]), (coder, None))
        splitset = Splitset.make(feature, samples=given_samples)
        name = f"{type(coder).__name__} cannot learn from 1 rows of \\['{columns}'\\]"
        with pytest.raises(InvalidCoder, match=name) as caught:
            splitset.cache_samples()
        assert caught.value.__cause__ is not None


def test_data_are_read_once_for_all_folds(
    store: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    np.save(tmp_path / "x.npy", SEQUENCE)
    feature = Feature.from_dataset(Dataset.Sequence.from_numpy(str(tmp_path / "x.npy")))
    coded(feature, (StandardScaler(), None))
    splitset = Splitset.make(feature, size_test=0.2, fold_count=4)
    opened = []
    original = Feature.open_array
    monkeypatch.setattr(Feature, "open_array", lambda row: opened.append(row) or original(row))
    splitset.cache_samples()
    assert opened == [feature]


def test_a_label_is_read_once_to_split_and_once_to_cache(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature, label = sequence(), label_of(np.arange(40.0))
    read = []
    original = Label.to_df
    monkeypatch.setattr(Label, "to_df", lambda row: read.append(row) or original(row))
    splitset = Splitset.make(feature, label, size_test=0.2, fold_count=4)
    assert read == [label]
    splitset.cache_samples()
    assert read == [label, label]


# --- properties ---------------------------------------------------------------------------


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_cached_arrays_are_fancy_indices_of_the_source(store: Any, data: st.DataObject) -> None:
    count = data.draw(st.integers(8, 30))
    shape = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=3))
    dtype = data.draw(st.sampled_from([np.float64, np.float32, np.int16, np.uint8]))
    array = np.random.default_rng(count).integers(0, 200, size=(count, *shape)).astype(dtype)
    feature = sequence(array) if len(shape) == 2 else images(array)
    window = data.draw(st.one_of(st.none(), st.tuples(st.integers(1, 3), st.integers(1, 2))))
    if window is not None:
        Window.from_feature(feature, *window)
    samples = len(starts_of(count, *window)) if window else count
    order = data.draw(st.permutations(range(samples)))
    cut = data.draw(st.integers(1, samples - 1))
    given_samples = {"train": order[:cut], "test": order[cut:]}
    splitset = Splitset.make(feature, samples=given_samples)
    starts = np.array(starts_of(count, *window)) if window else None
    for split, rows in splitset.samples.items():
        assert rows == sorted(given_samples[split])
        places = np.array(rows) if starts is None else starts[rows][:, None] + np.arange(window[0])
        found = splitset.fetch_cache(split, "features")
        assert found.dtype == dtype
        assert np.array_equal(found, array[places])
        target = array[places + window[1]] if window else array[places]
        assert np.array_equal(splitset.fetch_cache(split, "label"), target)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_cached_arrays_of_folds_are_scaled_by_their_own_training_samples(
    store: Any, data: st.DataObject
) -> None:
    count, width = data.draw(st.integers(10, 30)), data.draw(st.integers(1, 4))
    lead = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=2))
    array = np.random.default_rng(count).normal(size=(count, *lead, width)) * 50
    feature = sequence(array) if len(lead) == 1 else images(array)
    taken = data.draw(st.permutations(range(width)))[: data.draw(st.integers(1, width))]
    coded(feature, (MinMaxScaler(), [str(column) for column in taken]))
    if data.draw(st.booleans()):
        FeatureShaper.from_feature(feature, (0, tuple(range(1, array.ndim))))
    order = data.draw(st.permutations(range(count)))
    cut, held = count // 2, count // 4
    folds = [(order[held:cut], order[:held]), (order[: cut - held], order[cut - held : cut])]
    splitset = Splitset.make(
        feature, samples={"train": order[:cut], "test": order[cut:]}, folds=folds
    )
    left = [column for column in range(width) if column not in taken]
    for fold, (train, validation) in zip(splitset.folds.order_by(Fold.idx), folds, strict=True):
        flat = array[train].reshape(-1, width)[:, taken]
        low, high = flat.min(axis=0), flat.max(axis=0)
        scaled = (array[..., taken] - low) / np.where(high > low, high - low, 1)
        encoded = np.concatenate([scaled, array[..., left]], axis=-1)
        for split, rows in (
            ("folds_train_combined", train),
            ("fold_validation", validation),
            ("test", order[cut:]),
        ):
            assert fold.samples[split] == sorted(rows)
            found = splitset.fetch_cache(split, "features", fold_id=fold)
            expected = encoded[sorted(rows)].reshape(found.shape)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
            assert np.array_equal(splitset.fetch_cache(split, "label", fold_id=fold.id), found)
