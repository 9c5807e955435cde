"""Autoencoders and forecasts from a Dataset to decoded predictions, on every kind of data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from toy_studies import toy_build, toy_train

from aiqc.core.errors import Incompatible, JobFailed
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    FeatureCoder,
    FeatureShaper,
    Hyperparamset,
    MetricResult,
    Prediction,
    Predictor,
    Queue,
    Splitset,
    Window,
)

RNG = np.random.default_rng(11)
COLUMNS = ["a", "b", "c"]
#: rows of a series whose next row follows from the last
SERIES = np.cumsum(RNG.normal(size=(90, 3)), axis=0) * [1, 100, 0.01] + [0, 5000, 3]


def frame() -> pd.DataFrame:
    return pd.DataFrame(SERIES, columns=COLUMNS)


def scaled(feature: Feature) -> Feature:
    """Attach coders that put the columns in the order c, a, b."""
    FeatureCoder.from_feature(feature, StandardScaler(), columns="c", verbose=False)
    FeatureCoder.from_feature(feature, MinMaxScaler(), columns=["a", "b"], verbose=False)
    return feature


def train(
    splitset: Splitset,
    *,
    library: str = "toy",
    functions: tuple[Any, ...] = (toy_build, toy_train),
    permute_count: int = 0,
    **space: Any,
) -> Queue:
    algorithm = Algorithm.make(library, "regression", *functions)
    combos = Hyperparamset.from_algorithm(algorithm, space) if space else None
    queue = Queue.from_algorithm(
        algorithm, splitset, hyperparamset_id=combos, permute_count=permute_count
    )
    queue.run_jobs(progress=False)
    assert queue.status == {"complete": queue.total_runs}
    return queue


def predictor_of(queue: Queue) -> Any:
    return next(run.predictors[0] for run in queue.jobs)


def expected_scores(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return what scikit-learn says of arrays flattened to columns."""
    flat = true.reshape(-1, true.shape[-1]), predicted.reshape(-1, true.shape[-1])
    return {
        "r2": metrics.r2_score(*flat),
        "mse": metrics.mean_squared_error(*flat),
        "mae": metrics.mean_absolute_error(*flat),
        "explained_variance": metrics.explained_variance_score(*flat),
    }


def check_scores(prediction: Any, split: str, true: np.ndarray) -> None:
    predicted = prediction.predictions[split]
    assert predicted.shape == true.shape
    scores = prediction.metrics[split]
    for name, value in expected_scores(true, predicted).items():
        assert scores[name] == pytest.approx(value, rel=1e-9), name


def line_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def torch_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import math

    import torch

    return torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(math.prod(features_shape), math.prod(label_shape)),
        torch.nn.Unflatten(1, label_shape),
    )


def torch_train(
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
    return fit(model, loser, optimizer, *data, epochs=30, batch_size=8)


def keras_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import math

    import keras

    layers = [
        keras.layers.Input(features_shape),
        keras.layers.Flatten(),
        keras.layers.Dense(math.prod(label_shape)),
        keras.layers.Reshape(label_shape),
    ]
    return keras.Sequential(layers)


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
    model.compile(optimizer=optimizer, loss=loser)
    evaluation = None if eval_features is None else (eval_features, eval_label)
    model.fit(
        *(train_features, train_label),
        validation_data=evaluation,
        epochs=30,
        batch_size=8,
        verbose=0,
    )
    return model


SEQUENCE = RNG.normal(size=(60, 4, 3)) * [1, 100, 0.01] + [0, 5000, 3]
#: a pattern of every channel, more or less bright
IMAGE = np.rint(RNG.uniform(0, 255, (3, 4, 5)) * RNG.uniform(0.2, 1, (60, 1, 1, 1)))

#: library -> functions, and how well they may be expected to repeat their input
LIBRARIES = [
    pytest.param("toy", (toy_build, toy_train), {"epochs": [300]}, id="toy"),
    pytest.param("pytorch", (torch_build, torch_train), {}, id="pytorch", marks=pytest.mark.torch),
    pytest.param("keras", (keras_build, keras_train), {}, id="keras", marks=pytest.mark.keras),
]


def array_of(kind: str) -> np.ndarray:
    return {"tabular": SERIES, "sequence": SEQUENCE, "image": IMAGE}[kind]


def feature_of(kind: str) -> Feature:
    """Return a scaled Feature of a kind of data."""
    if kind == "tabular":
        return scaled(Feature.from_dataset(Dataset.Tabular.from_df(frame())))
    if kind == "sequence":
        names = {"rename_columns": COLUMNS}
        return scaled(Feature.from_dataset(Dataset.Sequence.from_numpy(SEQUENCE, **names)))
    feature = Feature.from_dataset(Dataset.Image.from_numpy(IMAGE))
    FeatureCoder.from_feature(feature, MinMaxScaler(), verbose=False)
    return feature


KINDS = pytest.mark.parametrize("kind", ["tabular", "sequence", "image"])


@KINDS
@pytest.mark.parametrize(("library", "functions", "space"), LIBRARIES)
@pytest.mark.usefixtures("store")
def test_samples_are_their_own_target(kind, library, functions, space):
    raw, feature = array_of(kind), feature_of(kind)
    splitset = Splitset.make(feature, size_test=0.2, size_validation=0.2)
    queue = train(splitset, library=library, functions=functions, permute_count=1, **space)
    predictor = predictor_of(queue)
    assert predictor.features_shapes == predictor.label_shape == raw.shape[1:]
    prediction = predictor.predictions[0]
    assert list(prediction.predictions) == ["train", "validation", "test"]
    for split, rows in splitset.samples.items():
        check_scores(prediction, split, raw[rows])
    assert prediction.metrics["train"]["r2"] > 0.1
    assert prediction.probabilities is None
    found = prediction.feature_importance[str(feature.id)]
    assert list(found) == ([] if kind == "image" else COLUMNS)


@pytest.mark.parametrize("fold_count", [None, 3])
@pytest.mark.parametrize(("library", "functions", "space"), LIBRARIES)
@pytest.mark.usefixtures("store")
def test_forecasts_are_the_shifted_windows_in_original_units(
    library, functions, space, fold_count
):
    feature = scaled(Feature.from_dataset(Dataset.Tabular.from_df(frame())))
    window = Window.from_feature(feature, size_window=5, size_shift=2)
    future = SERIES[np.array(window.samples_shifted)]
    splitset = Splitset.make(feature, size_test=0.25, fold_count=fold_count)
    queue = train(splitset, library=library, functions=functions, **space)
    assert queue.jobs.count() == (fold_count or 1)
    for job in queue.jobs:
        predictor = job.predictors[0]
        assert predictor.label_shape == (5, 3)
        samples = splitset.samples if job.fold is None else job.fold.samples
        for split, rows in samples.items():
            check_scores(predictor.predictions[0], split, future[rows])
        assert predictor.predictions[0].metrics[splitset.train_key()]["r2"] > 0.1


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("sequence", (0, (1, 2))), ("image", (0, (1, 2, 3))), ("tabular", None)],
)
@pytest.mark.usefixtures("store")
def test_an_exact_copy_decodes_to_the_data(kind, shape):
    # a linear regression of samples on themselves repeats them: what comes back must be the data
    rows = RNG.uniform(0, 255, (100, *array_of(kind).shape[1:]))
    if kind == "tabular":
        feature = Feature.from_dataset(
            Dataset.Tabular.from_df(pd.DataFrame(rows, columns=COLUMNS))
        )
        scaled(feature)
    elif kind == "sequence":
        feature = scaled(
            Feature.from_dataset(Dataset.Sequence.from_numpy(rows, rename_columns=COLUMNS))
        )
    else:
        feature = Feature.from_dataset(Dataset.Image.from_numpy(rows))
        FeatureCoder.from_feature(feature, StandardScaler(), columns=["3", "1"], verbose=False)
    if shape is not None:
        FeatureShaper.from_feature(feature, shape)
    splitset = Splitset.make(feature, size_test=0.25)
    queue = train(splitset, library="sklearn", functions=(line_build,))
    predictor = predictor_of(queue)
    assert predictor.label_shape == (np.prod(rows.shape[1:]),)
    prediction = predictor.predictions[0]
    train_rows = splitset.samples["train"]
    np.testing.assert_allclose(prediction.predictions["train"], rows[train_rows], rtol=1e-5)
    for split, samples in splitset.samples.items():
        check_scores(prediction, split, rows[samples])


@pytest.mark.usefixtures("store")
def test_windows_of_sequences_and_a_shaper_on_top():
    feature = feature_of("sequence")
    window = Window.from_feature(feature, size_window=2, size_shift=1)
    FeatureShaper.from_feature(feature, (0, (1, 2), 3))
    splitset = Splitset.make(feature, size_test=0.25)
    queue = train(splitset, epochs=[3])
    predictor = predictor_of(queue)
    assert predictor.features_shapes == predictor.label_shape == (8, 3)
    future = SEQUENCE[np.array(window.samples_shifted)]
    assert future.shape == (58, 2, 4, 3)
    for split, rows in splitset.samples.items():
        check_scores(predictor.predictions[0], split, future[rows])


@pytest.mark.usefixtures("store")
def test_categories_come_back_as_text_and_numbers_are_scored():
    kinds = np.array(["red", "green", "blue"])[RNG.integers(0, 3, 90)]
    table = frame().assign(kind=kinds)[["a", "kind", "b", "c"]]
    feature = scaled(Feature.from_dataset(Dataset.Tabular.from_df(table)))
    FeatureCoder.from_feature(feature, OneHotEncoder(), columns="kind", verbose=False)
    splitset = Splitset.make(feature, size_test=0.25)
    queue = train(splitset, epochs=[800], permute_count=2)
    prediction = predictor_of(queue).predictions[0]
    for split, rows in splitset.samples.items():
        predicted, true = prediction.predictions[split], table.iloc[rows]
        assert predicted.shape == true.shape
        assert predicted[:, 1].tolist() == true["kind"].tolist()
        numbers = predicted[:, [0, 2, 3]].astype(float)
        for name, value in expected_scores(true[COLUMNS].to_numpy(), numbers).items():
            assert prediction.metrics[split][name] == pytest.approx(value, rel=1e-9)
    assert list(prediction.feature_importance[str(feature.id)]) == ["a", "kind", "b", "c"]


@pytest.mark.usefixtures("store")
def test_columns_of_text_alone_are_scored_encoded():
    kinds = np.array(["red", "green", "blue"])[RNG.integers(0, 3, 60)]
    feature = Feature.from_dataset(Dataset.Tabular.from_df(pd.DataFrame({"kind": kinds})))
    FeatureCoder.from_feature(feature, OneHotEncoder(), columns="kind", verbose=False)
    splitset = Splitset.make(feature, size_test=0.25)
    prediction = predictor_of(train(splitset, epochs=[400])).predictions[0]
    assert (
        prediction.predictions["test"][:, 0].tolist() == kinds[splitset.samples["test"]].tolist()
    )
    assert 0.9 < prediction.metrics["test"]["r2"] < 1
    assert prediction.metrics["test"]["mse"] == pytest.approx(prediction.metrics["test"]["loss"])


@pytest.mark.parametrize("kind", ["tabular", "sequence"])
@pytest.mark.parametrize("shape", [None, (0, (1, 2)), (0, "1", 1, 2)])
@pytest.mark.usefixtures("store")
def test_importance_by_direct_computation(kind, shape):
    from aiqc.core import seeds

    feature = feature_of(kind)
    if kind == "tabular":
        Window.from_feature(feature, size_window=4, size_shift=1)
    if shape is not None:
        FeatureShaper.from_feature(feature, shape)
    splitset = Splitset.make(feature, size_test=0.25)
    queue = train(splitset, epochs=[20], permute_count=3)
    predictor = predictor_of(queue)
    features, target = (
        np.array(splitset.fetch_cache("train", part)) for part in ("features", "label")
    )
    model = predictor.get_model()
    whole = features.reshape(len(features), 4, 3)  # encoded columns: c, a, b

    def loss_of(values: np.ndarray) -> float:
        return float(np.mean((target - model.forward(values.reshape(features.shape))) ** 2))

    seed = seeds.derive(predictor.run.seed, "importance")
    found = predictor.predictions[0].feature_importance[str(feature.id)]
    for position, column in enumerate(["c", "a", "b"]):
        losses = []
        for repeat in range(3):
            order = seeds.generator(seed, "permute", 0, repeat).permutation(len(features))
            moved = whole.copy()
            # across samples only: each sample's own order in time is kept
            moved[:, :, position] = whole[order][:, :, position]
            losses.append(loss_of(moved))
        np.testing.assert_allclose(
            found[column]["loss_impacts"], np.array(losses) - loss_of(whole), rtol=1e-9
        )


@pytest.mark.parametrize("kind", ["sequence", "image"])
@pytest.mark.usefixtures("store")
def test_reports_and_plots_of_arrays(kind):
    queue = train(
        Splitset.make(feature_of(kind), size_test=0.25, size_validation=0.25),
        epochs=[2, 4],
        permute_count=1,
    )
    table = queue.metrics_df()
    assert len(table) == 6
    assert np.isfinite(table[["r2", "mse", "loss"]].to_numpy(dtype=float)).all()
    spread = queue.metricsAggregate_df(selected_metrics=["r2"])
    assert len(spread) == 2
    assert len(queue.plot_performance(call_display=False).data) > 0
    predictor = predictor_of(queue)
    assert predictor.plot_learning_curve(call_display=False)
    prediction = predictor.predictions[0]
    (figure,) = prediction.plot_feature_importance(call_display=False)
    assert len(prediction.importance_df()) == (0 if kind == "image" else 3)
    assert ("images, not permuted" in figure.layout.title.text) is (kind == "image")
    assert prediction.plot_data is None
    for plot in ("roc_curve", "precision_recall", "confusion_matrix", "confidence"):
        with pytest.raises(Incompatible, match="regression"):
            getattr(prediction, f"plot_{plot}")(call_display=False)


@KINDS
@pytest.mark.parametrize("fold_count", [None, 2])
@pytest.mark.usefixtures("store")
def test_the_same_rows_are_predicted_the_same_after_training(kind, fold_count):
    from aiqc.orm.task_source import TaskSource
    from aiqc.training.task import predict_task, rebuild_task

    feature = feature_of(kind)
    if kind == "sequence":
        FeatureShaper.from_feature(feature, (0, (1, 2)))
    splitset = Splitset.make(feature, size_test=0.25, fold_count=fold_count)
    queue = train(splitset, epochs=[3])
    for job in queue.jobs:
        predictor = job.predictors[0]
        source, stored = TaskSource(queue), predictor.stored_model()
        fold_id = None if job.fold is None else job.fold.id
        for split in predictor.predictions[0].predictions:
            features, label = (
                splitset.fetch_cache(split, part, fold_id) for part in ("features", "label")
            )
            task = source.inference_task(job, features, label, "infer_0")
            model, _ = rebuild_task(task, stored)
            found, scores = predict_task(task, model, stored.output, "infer_0")
            assert np.array_equal(found.decoded, predictor.predictions[0].predictions[split])
            assert scores == predictor.predictions[0].metrics[split]


@KINDS
@pytest.mark.parametrize("fold_count", [None, 2])
@pytest.mark.usefixtures("store")
def test_inference_on_the_training_rows_repeats_the_predictions(kind, fold_count):
    raw, feature = array_of(kind), feature_of(kind)
    splitset = Splitset.make(feature, size_test=0.25, fold_count=fold_count)
    queue = train(splitset, epochs=[3])
    again = frame() if kind == "tabular" else raw
    for job in queue.jobs:
        predictor = job.predictors[0]
        trained = predictor.predictions[0].predictions
        found = predictor.infer(again).predictions["infer_0"]
        assert found.shape == raw.shape
        samples = splitset.samples if job.fold is None else job.fold.samples
        for split, rows in samples.items():
            np.testing.assert_allclose(found[rows], trained[split], rtol=1e-12)


def diverging_predict(model: Any, features: Any) -> Any:
    values = model.forward(features)
    values[2] = float("inf")
    return values


def spread(true: Any, predicted: Any) -> float:
    if true.shape != predicted.shape or true.shape[1:] != (4, 3):
        raise ValueError(true.shape, predicted.shape)
    return float(abs(true[:, :, 1] - predicted[:, :, 1]).max())


@pytest.mark.usefixtures("store")
def test_own_metrics_see_decoded_arrays():
    splitset = Splitset.make(feature_of("sequence"), size_test=0.25)
    algorithm = Algorithm.make(
        "toy", "regression", toy_build, toy_train, metrics={"spread": spread}
    )
    queue = Queue.from_algorithm(algorithm, splitset)
    queue.run_jobs(progress=False)
    prediction = predictor_of(queue).predictions[0]
    for split, rows in splitset.samples.items():
        wrong = SEQUENCE[rows][:, :, 1] - prediction.predictions[split][:, :, 1]
        expected = pytest.approx(np.abs(wrong).max(), rel=1e-9)
        assert prediction.metrics[split]["spread"] == expected
        again = prediction.predictor.infer(SEQUENCE[rows])
        assert again.metrics[again.split]["spread"] == expected


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.usefixtures("store")
def test_a_sample_that_diverged_is_nan_alone(text):
    table = frame()
    if text:
        table["kind"] = np.array(["red", "green", "blue"])[RNG.integers(0, 3, 90)]
    feature = scaled(Feature.from_dataset(Dataset.Tabular.from_df(table)))
    if text:
        FeatureCoder.from_feature(feature, OneHotEncoder(), columns="kind", verbose=False)
    splitset = Splitset.make(feature, size_test=0.25)
    algorithm = Algorithm.make(
        *("toy", "regression", toy_build, toy_train),
        fn_predict=diverging_predict,
        metrics={"first": first_error},
    )
    queue = Queue.from_algorithm(algorithm, splitset)
    queue.run_jobs(progress=False)
    prediction = predictor_of(queue).predictions[0]
    for split, predicted in prediction.predictions.items():
        missing = pd.DataFrame(predicted).isna().to_numpy()
        assert missing[2].all()
        assert missing.sum() == table.shape[1]
        scores = prediction.metrics[split]
        assert all(np.isnan(scores[name]) for name in ("r2", "mse", "mae", "first"))


def first_error(true: Any, predicted: Any) -> float:
    return float(abs(true[0, 0] - predicted[0, 0]))


def refuse(feature: Feature, library: str = "toy", analysis: str = "regression") -> str:
    """Return why a Queue is refused, and check that nothing was written."""
    splitset = Splitset.make(feature, size_test=0.25)
    build = line_build if library == "sklearn" else toy_build
    train_function = () if library == "sklearn" else (toy_train,)
    algorithm = Algorithm.make(library, analysis, build, *train_function)
    with pytest.raises(Incompatible) as caught:
        Queue.from_algorithm(algorithm, splitset)
    assert Queue.select().count() == 0
    return str(caught.value)


def turned_predict(model: Any, features: Any) -> Any:
    return model.forward(features).transpose(0, 2, 1)


def flat_predict(model: Any, features: Any) -> Any:
    return model.forward(features).reshape(len(features), -1)


def torch_flat(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 12))


def keras_narrow(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import keras

    # one column, which a loss would compare with all three
    return keras.Sequential([keras.layers.Input(features_shape), keras.layers.Dense(1)])


@pytest.mark.parametrize(
    ("library", "functions", "options", "texts"),
    [
        pytest.param(
            *("toy", (toy_build, toy_train), {"fn_predict": turned_predict}),
            ["shape (30, 3, 4)", "shape (30, 4, 3)"],
            id="toy-turned",
        ),
        pytest.param(
            *("toy", (toy_build, toy_train), {"fn_predict": flat_predict}),
            ["shape (30, 12)", "shape (30, 4, 3)"],
            id="toy-flat",
        ),
        pytest.param(
            *("pytorch", (torch_flat, torch_train), {}),
            ["returns (12,) a sample", "needs (4, 3)"],
            id="pytorch",
            marks=pytest.mark.torch,
        ),
        pytest.param(
            *("keras", (keras_narrow, keras_train), {}),
            ["returns (4, 1) a sample", "needs (4, 3)"],
            id="keras",
            marks=pytest.mark.keras,
        ),
    ],
)
@pytest.mark.usefixtures("store")
def test_an_output_of_another_shape_names_both_and_leaves_nothing(
    library, functions, options, texts
):
    splitset = Splitset.make(feature_of("sequence"), size_test=0.5)
    algorithm = Algorithm.make(library, "regression", *functions, **options)
    queue = Queue.from_algorithm(algorithm, splitset, permute_count=0)
    with pytest.raises(JobFailed) as caught:
        queue.run_jobs(progress=False)
    assert [text for text in texts if text not in str(caught.value)] == []
    assert queue.status == {"failed": 1}
    assert {model.select().count() for model in (Predictor, Prediction, MetricResult)} == {0}


@pytest.mark.usefixtures("store")
class TestRefusals:
    @pytest.mark.parametrize("analysis", ["classification_binary", "classification_multi"])
    def test_a_classification(self, analysis):
        assert "'regression'" in refuse(feature_of("tabular"), analysis=analysis)

    def test_windows_without_a_future(self):
        feature = feature_of("tabular")
        Window.from_feature(feature, 3, 1, record_shifted=False)
        assert "record_shifted=True" in refuse(feature)

    def test_a_coder_without_a_way_back(self):
        feature = Feature.from_dataset(Dataset.Tabular.from_df(frame().abs()))
        FeatureCoder.from_feature(feature, FunctionTransformer(np.log1p), verbose=False)
        found = refuse(feature)
        assert "FunctionTransformer" in found
        assert "inverse_func" in found

    @pytest.mark.parametrize("kind", ["sequence", "image"])
    def test_arrays_for_scikit_learn(self, kind):
        assert "FeatureShaper" in refuse(feature_of(kind), library="sklearn")

    def test_windows_for_scikit_learn(self):
        feature = feature_of("tabular")
        Window.from_feature(feature, 3, 1)
        assert "(0, (1, 2))" in refuse(feature, library="sklearn")
