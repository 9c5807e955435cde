"""Inference on sequences, images and windows: the same predictions as in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_studies import toy_build, toy_train

from aiqc.core.errors import Incompatible, InvalidData, InvalidSplit, ResultWarning
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    FeatureCoder,
    FeatureShaper,
    Label,
    Predictor,
    Queue,
    Splitset,
    Window,
)

pytestmark = pytest.mark.usefixtures("store")

COUNT = 40
DRAW = np.random.default_rng(11)
TRUE = DRAW.normal(size=COUNT)
TARGET = pd.DataFrame({"y": 50 + 10 * TRUE})
SEQUENCE = TRUE[:, None, None] + 0.1 * DRAW.normal(size=(COUNT, 6, 2))
IMAGE = np.clip(128 + 40 * TRUE[:, None, None, None] + DRAW.normal(size=(COUNT, 3, 4, 5)), 0, 255)
IMAGE = IMAGE.astype(np.uint8)
WORDS = pd.DataFrame({"word": np.where(TRUE > 0, "high", "low")})
SERIES = pd.DataFrame({"a": np.sin(np.arange(COUNT) / 3), "b": np.cos(np.arange(COUNT) / 5)})


def scaled(feature: Feature) -> Feature:
    from sklearn.preprocessing import StandardScaler

    FeatureCoder.from_feature(feature, StandardScaler(), include=True, verbose=False)
    return feature


def sequence(array: Any = SEQUENCE) -> Feature:
    return Feature.from_dataset(Dataset.Sequence.from_numpy(array))


def image(array: Any = IMAGE) -> Feature:
    return Feature.from_dataset(Dataset.Image.from_numpy(array))


def windowed(frame: pd.DataFrame = SERIES, *, record_shifted: bool = True) -> Feature:
    feature = Feature.from_dataset(Dataset.Tabular.from_df(frame))
    Window.from_feature(feature, 5, 2, record_shifted=record_shifted)
    return feature


def train(
    features: list[Feature], label: Label | None = None, library: Any = None, **split: Any
) -> list[Predictor]:
    """Train a linear model on every fold; return the Predictors."""
    split.setdefault("size_test", 0.25)
    ids: Any = features
    splitset = Splitset.make(ids, label, **split)
    algorithm = library or Algorithm.make("toy", "regression", toy_build, toy_train)
    queue = Queue.from_algorithm(algorithm, splitset, permute_count=0)
    queue.run_jobs(progress=False)
    return list(Predictor.select().order_by(Predictor.id))


def target() -> Label:
    return Label.from_dataset(Dataset.Tabular.from_df(TARGET), "y")


def splits_of(predictor: Predictor) -> dict[str, list[int]]:
    job = predictor.job
    found: dict[str, list[int]] = (
        job.queue.splitset.samples if job.fold is None else job.fold.samples
    )
    return found


def check_same(predictors: list[Predictor], array: np.ndarray[Any, Any]) -> None:
    """Compare inference on each split's samples with the predictions of training."""
    for predictor in predictors:
        then = predictor.predictions[0]
        for split, rows in splits_of(predictor).items():
            now = predictor.infer(array[rows], TARGET.iloc[rows])
            (key,) = now.predictions
            assert now.predictions[key] == pytest.approx(then.predictions[split], rel=1e-9), split
            assert now.metrics[key] == pytest.approx(then.metrics[split], rel=1e-9)


@pytest.mark.parametrize("split", [{}, {"fold_count": 2}], ids=["whole", "folds"])
@pytest.mark.parametrize(
    ("make", "array"), [(sequence, SEQUENCE), (image, IMAGE)], ids=["sequence", "image"]
)
def test_supervised_arrays(make: Any, array: Any, split: dict[str, Any]) -> None:
    predictors = train([scaled(make())], target(), **split)
    assert len(predictors) == (split.get("fold_count") or 1)
    check_same(predictors, array)


def test_a_shaped_image() -> None:
    feature = scaled(image())
    FeatureShaper.from_feature(feature, (0, 1, (2, 3)))
    predictors = train([feature], target())
    assert predictors[0].features_shapes == (3, 20)
    check_same(predictors, IMAGE)


@pytest.mark.parametrize("split", [{}, {"fold_count": 2}], ids=["whole", "folds"])
@pytest.mark.parametrize(
    ("make", "array"), [(sequence, SEQUENCE), (image, IMAGE)], ids=["sequence", "image"]
)
def test_autoencoders_are_scored_by_their_own_input(
    make: Any, array: Any, split: dict[str, Any]
) -> None:
    for predictor in train([scaled(make())], **split):
        then = predictor.predictions[0]
        for name, rows in splits_of(predictor).items():
            now = predictor.infer(array[rows])
            (key,) = now.predictions
            assert now.predictions[key].shape == array[rows].shape
            assert now.predictions[key] == pytest.approx(then.predictions[name], rel=1e-9)
            assert now.metrics[key] == pytest.approx(then.metrics[name], rel=1e-9)
        assert predictor.infer(array[:1]).metrics is not None


def test_a_table_autoencoder() -> None:
    feature = scaled(Feature.from_dataset(Dataset.Tabular.from_df(SERIES)))
    (predictor,) = train([feature])
    then = predictor.predictions[0]
    rows = splits_of(predictor)["test"]
    now = predictor.infer(SERIES.iloc[rows])
    assert now.predictions["infer_0"] == pytest.approx(then.predictions["test"], rel=1e-9)
    assert now.metrics["infer_0"] == pytest.approx(then.metrics["test"], rel=1e-9)


@pytest.mark.parametrize("split", [{}, {"fold_count": 2}], ids=["whole", "folds"])
def test_forecasts(split: dict[str, Any]) -> None:
    predictors = train([scaled(windowed())], **split)
    for predictor in predictors:
        then = predictor.predictions[0]
        count = predictor.job.queue.splitset.features[0].windows.get().window_count
        scored = predictor.infer(SERIES, record_shifted=True)
        found = scored.predictions["infer_0"]
        assert found.shape == (count, 5, 2)
        for name, rows in splits_of(predictor).items():
            assert found[rows] == pytest.approx(then.predictions[name], rel=1e-9, abs=1e-12)
        # the mean squared error by hand, in the units of the series
        windows = predictor.job.queue.splitset.features[0].windows.get().windows()
        truth = SERIES.to_numpy()[windows.shifted()]
        assert scored.metrics["infer_0"]["mse"] == pytest.approx(((truth - found) ** 2).mean())
        # without shifted windows: what comes after the last row, and nothing to score by
        pure = predictor.infer(SERIES)
        (values,) = pure.predictions.values()
        assert len(values) > count
        assert pure.metrics is None
        assert values[-count - 1 : -1] == pytest.approx(found, rel=1e-9, abs=1e-12)
        assert pure.out_of_range.shape == (COUNT, 2)
    with pytest.raises(Incompatible, match="unsupervised and takes no Label"):
        predictors[0].infer(SERIES, target=SERIES["a"])


@pytest.mark.parametrize(("shifted", "least"), [(False, 5), (True, 7)])
def test_fewer_rows_than_a_window_takes_are_refused(shifted: bool, least: int) -> None:
    (predictor,) = train([scaled(windowed())])
    before = Dataset.select().count(), Feature.select().count()
    with pytest.raises(Incompatible, match=rf"has {least - 1} rows.*at least {least} rows"):
        predictor.infer(SERIES[: least - 1], record_shifted=shifted)
    assert (Dataset.select().count(), Feature.select().count()) == before
    found = predictor.infer(SERIES[:least], record_shifted=shifted)
    assert found.predictions["infer_0"].shape == (1, 5, 2)
    assert (found.metrics is not None) is shifted


def test_the_windows_of_new_data_are_those_of_training() -> None:
    (predictor,) = train([scaled(windowed())])
    plain = Feature.from_dataset(Dataset.Tabular.from_df(SERIES))
    with pytest.raises(Incompatible, match=r"no Window.*from_feature\(feature, 5, 2"):
        Splitset.make(plain, predictor_id=predictor)
    Window.from_feature(plain, 4, 2, record_shifted=False)
    with pytest.raises(Incompatible, match="windows of 4 rows, not 5"):
        Splitset.make(plain, predictor_id=predictor)
    made = Splitset.make(windowed(record_shifted=False), predictor_id=predictor)
    assert len(made.samples["infer_0"]) == made.features[0].windows.get().window_count
    assert made.infer().metrics is None


def test_the_training_profile_of_a_forecast_is_of_the_rows_of_its_windows() -> None:
    (predictor,) = train([scaled(windowed())])
    feature = predictor.job.queue.splitset.features[0]
    windows = feature.windows.get().windows()
    rows = windows.rows(np.array(splits_of(predictor)["train"]), shifted=False)
    profile = predictor.training_profile[feature.id]
    assert profile.loc["a", "count"] == len(rows)
    assert profile.loc["a", "minimum"] == SERIES["a"].iloc[rows].min()


def test_two_towers() -> None:
    table = Feature.from_dataset(Dataset.Tabular.from_df(SERIES))
    (predictor,) = train([scaled(table), scaled(sequence()), scaled(image())], target())
    then = predictor.predictions[0]
    rows = splits_of(predictor)["test"]
    now = predictor.infer([SERIES.iloc[rows], SEQUENCE[rows], IMAGE[rows]], TARGET.iloc[rows])
    assert now.predictions["infer_0"] == pytest.approx(then.predictions["test"], rel=1e-9)
    assert now.drift["column"].tolist() == [
        *("a", "b"),
        *("0", "1"),
        *("channel_0", "channel_1", "channel_2"),
    ]
    assert now.out_of_range.shape == (len(rows), 7)
    then.calc_featureImportance(permute_count=1)
    titles = [
        figure.layout.title.text for figure in then.plot_feature_importance(call_display=False)
    ]
    ids = [feature.id for feature in predictor.job.queue.splitset.features]
    assert titles == [
        f"Feature importance: Feature {ids[0]} (tabular)",
        f"Feature importance: Feature {ids[1]} (sequence)",
        f"Feature importance: Feature {ids[2]} (images, not permuted)",
    ]


def test_one_array_may_stand_for_two_features() -> None:
    names = (["a", "b"], ["c", "d"])
    first, second = (
        Feature.from_dataset(Dataset.Sequence.from_numpy(SEQUENCE * scale, rename_columns=columns))
        for scale, columns in zip((1, 2), names, strict=True)
    )
    (predictor,) = train([first, second], target())
    apart = predictor.infer([SEQUENCE, SEQUENCE.copy()])
    for place, inputs in enumerate(([SEQUENCE, SEQUENCE], SEQUENCE), start=1):
        found = predictor.infer(inputs)
        expected = apart.predictions["infer_0"].tolist()
        assert found.predictions[f"infer_{place}"].tolist() == expected
        assert [feature.columns for feature in found.splitset.features] == list(names)


def test_an_input_with_an_error_is_named_by_its_place() -> None:
    from sklearn.preprocessing import OneHotEncoder

    words = Feature.from_dataset(
        Dataset.Tabular.from_df(WORDS, name="what <people> said to one another")
    )
    FeatureCoder.from_feature(words, OneHotEncoder(), verbose=False)
    (predictor,) = train([scaled(sequence()), words], target())
    odd = WORDS.copy()
    odd.loc[4, "word"] = "never"
    with pytest.raises(InvalidData, match=r"'never'.*\(row 4 of inputs\[1\]\)"):
        predictor.infer([SEQUENCE, odd])
    then = predictor.predictions[0]
    then.calc_featureImportance(permute_count=1)
    _, figure = then.plot_feature_importance(call_display=False)
    assert figure.layout.title.text.endswith("(what &lt;people&gt; said to o…)")


def test_unseen_codes_in_sequences_are_named_by_sample_or_counted() -> None:
    from sklearn.preprocessing import OneHotEncoder

    codes = DRAW.integers(0, 3, (COUNT, 4, 2))
    predictors = []
    for coder in (OneHotEncoder(), OneHotEncoder(handle_unknown="ignore")):
        feature = sequence(codes)
        FeatureCoder.from_feature(feature, coder, verbose=False)
        predictors.append(train([feature], target())[-1])
    odd = codes[:20].copy()
    odd[[3, 11], 2, 1] = 9
    with pytest.raises(
        InvalidData, match=r"'1' holds 9, .*\(sample 3 of the new data\).*\[0, 1, 2\]"
    ):
        predictors[0].infer(odd)
    with pytest.warns(ResultWarning, match=r"not seen when fitting.*\(column: values\): '1': 2\."):
        found = predictors[1].infer(odd)
    assert found.predictions["infer_0"].shape == (20,)


def test_arrays_of_other_shapes_are_refused() -> None:
    (predictor,) = train([scaled(sequence()), scaled(image())], target())
    with pytest.raises(Incompatible) as caught:
        predictor.infer([SEQUENCE[:, :5], IMAGE[:, :1, :, :4]])
    assert len(caught.value.facts["differences"]) == 2
    text = str(caught.value)
    assert "Feature 0 has samples of (rows,) (5,); the model takes (6,)" in text
    assert "(1, 4, 4); the model takes (3, 4, 5)" in text
    with pytest.raises(Incompatible) as caught:
        predictor.infer([SEQUENCE[:, :5], IMAGE[0]], TARGET.rename(columns={"y": "z"}))
    parts = [
        "inputs[1] has shape (3, 4, 5)",
        "(5,); the model takes (6,)",
        "lacks the columns ['y']",
    ]
    assert [part for part in parts if part not in str(caught.value)] == []
    assert len(caught.value.differences) == 3
    with pytest.raises(InvalidSplit, match=r"inputs\[0\]': 5, 'inputs\[1\]': 4"):
        predictor.infer([SEQUENCE[:5], IMAGE[:4]])
    with pytest.raises(Incompatible, match="Feature 0 is image; register sequence"):
        Splitset.make([image().id, sequence().id], predictor_id=predictor)


def test_drift_of_arrays() -> None:
    (predictor,) = train([scaled(image())], target(), size_test=0.25)
    rows = splits_of(predictor)["train"]
    profile = predictor.training_profile[predictor.job.queue.splitset.features[0].id]
    part = IMAGE[rows]
    assert profile.index.tolist() == ["channel_0", "channel_1", "channel_2"]
    assert profile["minimum"].tolist() == part.min(axis=(0, 2, 3)).tolist()
    assert profile["maximum"].tolist() == part.max(axis=(0, 2, 3)).tolist()
    new = part.copy()
    new[7, 1, 2, 3] = 255 if profile.loc["channel_1", "maximum"] < 255 else 0
    outside = (new < part.min(axis=(0, 2, 3))[:, None, None]) | (
        new > part.max(axis=(0, 2, 3))[:, None, None]
    )
    found = predictor.infer(new)
    assert found.out_of_range.to_numpy().tolist() == outside.any(axis=(2, 3)).tolist()
    assert found.drift["verdict"].tolist() == ["stable"] * 3
    assert found.drift["psi"].max() < 0.01


def test_drift_of_arrays_is_by_name() -> None:
    series = SEQUENCE * [1, 1000]
    feature = Feature.from_dataset(
        Dataset.Sequence.from_numpy(series, rename_columns=["small", "large"])
    )
    (predictor,) = train([scaled(feature)], target())
    rows = splits_of(predictor)["train"]
    turned = Dataset.Sequence.from_numpy(
        series[rows][..., [1, 0]], rename_columns=["large", "small"]
    )
    found = Splitset.make(Feature.from_dataset(turned), predictor_id=predictor).infer()
    assert not found.out_of_range.to_numpy().any()
    assert found.drift["column"].tolist() == ["small", "large"]
    assert found.drift["psi"].max() < 0.01


def norm_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import torch

    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 2),
        torch.nn.BatchNorm2d(4),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(48, 1),
    )


def norm_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    from aiqc.utils.pytorch import fit

    data = (train_features, train_label, eval_features, eval_label)
    return fit(model, loser, optimizer, *data, epochs=2, batch_size=8)


@pytest.mark.torch
def test_pytorch_predicts_one_image_with_batch_norm_in_eval_mode() -> None:
    pytest.importorskip("torch")
    algorithm = Algorithm.make("pytorch", "regression", norm_build, norm_train)
    (predictor,) = train([scaled(image())], target(), algorithm)
    check_same([predictor], IMAGE)
    rows = splits_of(predictor)["test"]
    expected = predictor.predictions[0].predictions["test"]
    for position in (0, 3):
        one = predictor.infer(IMAGE[rows[position] : rows[position] + 1], TARGET[:1])
        (found,) = one.predictions.values()
        assert found[0] == pytest.approx(expected[position], rel=1e-5)
        (scores,) = one.metrics.values()
        assert np.isnan(scores["r2"])


def keras_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import keras

    return keras.Sequential(
        [
            keras.layers.Input(features_shape),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )


def keras_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    model.compile(loss=loser, optimizer=optimizer)
    model.fit(train_features, train_label, epochs=2, verbose=0)
    return model


@pytest.mark.keras
def test_keras_predicts_sequences_as_in_training() -> None:
    pytest.importorskip("keras")
    algorithm = Algorithm.make("keras", "regression", keras_build, keras_train)
    (predictor,) = train([scaled(sequence())], target(), algorithm)
    then = predictor.predictions[0]
    for split, rows in splits_of(predictor).items():
        now = predictor.infer(SEQUENCE[rows], TARGET.iloc[rows])
        (key,) = now.predictions
        assert now.predictions[key] == pytest.approx(then.predictions[split], rel=1e-5)
        assert now.metrics[key] == pytest.approx(then.metrics[split], rel=1e-4)
    assert len(predictor.infer(SEQUENCE[:1]).predictions["infer_2"]) == 1


def torch_any(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import math

    import torch

    shapes = features_shape if isinstance(features_shape, list) else [features_shape]

    class Towers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(sum(map(math.prod, shapes)), 4)
            self.norm = torch.nn.BatchNorm1d(4)
            self.outer = torch.nn.Linear(4, math.prod(label_shape))

        def forward(self, features: Any) -> Any:
            given = features if isinstance(features, list) else [features]
            flat = torch.cat([each.flatten(1) for each in given], dim=1)
            return self.outer(self.norm(self.inner(flat))).reshape(-1, *label_shape)

    return Towers()


def keras_any(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import math

    import keras

    layers = keras.layers
    shapes = features_shape if isinstance(features_shape, list) else [features_shape]
    inputs = [layers.Input(shape) for shape in shapes]
    flat = [layers.Flatten()(each) for each in inputs]
    inner = layers.Dense(4)(layers.Concatenate()(flat) if len(flat) > 1 else flat[0])
    outer = layers.Dense(math.prod(label_shape))(layers.BatchNormalization()(inner))
    model_inputs = inputs if isinstance(features_shape, list) else inputs[0]
    return keras.Model(model_inputs, layers.Reshape(label_shape)(outer))


@pytest.mark.parametrize(
    ("library", "functions"),
    [
        pytest.param("pytorch", (torch_any, norm_train), marks=pytest.mark.torch),
        pytest.param("keras", (keras_any, keras_train), marks=pytest.mark.keras),
    ],
)
@pytest.mark.parametrize("kinds", [["table"], ["image"], ["sequence", "image", "table"]])
def test_folds_of_forecasts_repeat_their_predictions(
    library: str, functions: Any, kinds: list[str]
) -> None:
    pytest.importorskip("torch" if library == "pytorch" else library)
    arrays: dict[str, Any] = {"table": SERIES, "sequence": SEQUENCE, "image": IMAGE}
    made = {
        "table": lambda: Feature.from_dataset(Dataset.Tabular.from_df(SERIES)),
        "sequence": sequence,
        "image": image,
    }
    features = [scaled(made[kind]()) for kind in kinds]
    for feature in features:
        Window.from_feature(feature, 4, 1)
    algorithm = Algorithm.make(library, "regression", *functions)
    for predictor in train(features, None, algorithm, fold_count=2):
        then = predictor.predictions[0]
        found = predictor.infer([arrays[kind] for kind in kinds], record_shifted=True)
        (values,) = found.predictions.values()
        assert values.shape[1:] == (4, *arrays[kinds[0]].shape[1:])
        for split, rows in splits_of(predictor).items():
            expected = then.predictions[split]
            most = float(np.abs(expected).max())
            np.testing.assert_allclose(values[rows], expected, rtol=1e-4, atol=1e-5 * most)


def forest_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=5, random_state=0)


def test_scikit_learn_predicts_as_in_training() -> None:
    algorithm = Algorithm.make("sklearn", "regression", forest_build)
    feature = scaled(Feature.from_dataset(Dataset.Tabular.from_df(SERIES)))
    (predictor,) = train([feature], target(), algorithm)
    then = predictor.predictions[0]
    for split, rows in splits_of(predictor).items():
        now = predictor.infer(SERIES.iloc[rows], TARGET.iloc[rows])
        (key,) = now.predictions
        assert now.predictions[key].tolist() == then.predictions[split].tolist()
        assert now.metrics[key] == pytest.approx(then.metrics[split])
