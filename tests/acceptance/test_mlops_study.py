"""Studies told in the high-level API alone: every kind of data, from the Dataset to new data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from aiqc import datum
from aiqc.core.errors import Incompatible, InvalidInput
from aiqc.mlops import (
    Architecture,
    Dataset,
    Experiment,
    Inference,
    Input,
    Pipeline,
    Prediction,
    Queue,
    Splitset,
    Stratifier,
    Target,
    Trainer,
)
from aiqc.orm._registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("store")

COUNT = 40


def counts() -> dict[str, int]:
    return {model.__name__: model.select().count() for model in registry()}


def draw() -> np.random.Generator:
    return np.random.default_rng(20220623)


def classes() -> pd.DataFrame:
    return pd.DataFrame({"kind": np.where(np.arange(COUNT) % 2, "odd", "even")})


def signal(*shape: int) -> Any:
    """Return noise of mean 5, with the class of `classes` in its first column."""
    values = 5 + draw().normal(size=(COUNT, *shape))
    values[np.arange(COUNT) % 2 == 1, ..., 0] += 6
    return values


def table() -> Dataset:
    frame = pd.DataFrame(signal(3), columns=["a", "b", "c"])
    return Dataset.Tabular.from_df(frame.join(classes()))


def labels() -> Dataset:
    return Dataset.Tabular.from_df(classes())


def sequences() -> Dataset:
    return Dataset.Sequence.from_numpy(signal(6, 2))


def images() -> Dataset:
    return Dataset.Image.from_numpy(np.clip(signal(2, 4, 4) * 8, 0, 255).astype("uint8"))


def series() -> Dataset:
    hour = np.arange(4.0 * COUNT)
    frame = pd.DataFrame({"level": np.sin(hour / 5), "trend": hour / 100, "hour": hour % 24})
    return Dataset.Tabular.from_df(frame)


def toy_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from aiqc.training.toy_model import ToyModel

    return ToyModel(hidden=hp.get("hidden", 0))


def toy_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    data = (train_features, train_label, eval_features, eval_label)
    return model, model.fit(loser, optimizer, *data, epochs=hp.get("epochs", 20))


def toy(analysis_type: str) -> Architecture:
    return Architecture(
        "toy", analysis_type, toy_build, toy_train, hyperparameters={"hidden": [0, 3]}
    )


SCALED = Input.Encoder(StandardScaler())
KIND = {"column": "kind", "encoder": Target.Encoder(OrdinalEncoder())}


@dataclass
class Study:
    """Registers its data anew at each call of `pipeline`, as a notebook does."""

    pipeline: Callable[..., Splitset]
    analysis_type: str = "classification_binary"
    #: data sets of the Inputs, then that of the Target
    sources: list[Callable[[], Dataset]] = field(default_factory=list)
    has_target: bool = True


def tabular(**stratifier: Any) -> Splitset:
    dataset = table()
    return Pipeline(
        Input(dataset, encoders=SCALED),
        Target(dataset, **KIND),
        Stratifier(size_test=0.25, **stratifier),
    )


def sequence() -> Splitset:
    return Pipeline(
        Input(sequences(), encoders=SCALED, reshape_indices=(0, (1, 2))),
        Target(labels(), **KIND),
        Stratifier(size_test=0.25),
    )


def image() -> Splitset:
    return Pipeline(
        Input(images(), encoders=SCALED),
        Target(labels(), **KIND),
        Stratifier(size_test=0.25),
    )


def multi_modal() -> Splitset:
    source = table()
    return Pipeline(
        [
            Input(source, include_columns=["c", "a", "kind"], encoders=SCALED),
            Input(images(), encoders=SCALED),
        ],
        Target(source, **KIND),
        Stratifier(size_test=0.25, fold_count=2),
    )


def forecast() -> Splitset:
    return Pipeline(
        Input(series(), encoders=SCALED, window=Input.Window(6, 2)),
        stratifier=Stratifier(size_test=0.25),
    )


def autoencoder() -> Splitset:
    return Pipeline(
        Input(table(), exclude_columns="kind", encoders=SCALED),
        stratifier=Stratifier(size_test=0.25),
    )


STUDIES = {
    "tabular": Study(tabular, sources=[table, table]),
    "tabular in folds": Study(lambda: tabular(fold_count=2), sources=[table, table]),
    "sequence": Study(sequence, sources=[sequences, labels]),
    "image": Study(image, sources=[images, labels]),
    "multi-modal": Study(multi_modal, sources=[table, images, table]),
    "forecast": Study(forecast, "regression", sources=[series], has_target=False),
    "autoencoder": Study(autoencoder, "regression", sources=[table], has_target=False),
}


def run(study: Study, architecture: Architecture | None = None) -> Queue:
    """Run the cells of a notebook, from the data to the trained models."""
    architecture = architecture or toy(study.analysis_type)
    queue = Experiment(architecture, Trainer(study.pipeline(), permute_count=0))
    queue.run_jobs(progress=False)
    return queue


def check_inference(study: Study, queue: Queue) -> None:
    """Predict the training data as new data: the predictions are those of the training."""
    for job in queue.jobs:
        predictor = job.predictors.get()
        trained = predictor.predictions.where(Prediction.splitset.is_null()).get()
        sources = [make() for make in study.sources]
        target = sources.pop() if study.has_target else None
        new = Inference(predictor, sources, target, record_shifted=study.pipeline is forecast)
        found = np.asarray(new.predictions["infer_0"])
        owner = queue.splitset if job.fold is None else job.fold
        for name, rows in owner.samples.items():
            expected = np.asarray(trained.predictions[name])
            if expected.dtype.kind == "f":
                # a matrix product of other rows rounds in another order
                np.testing.assert_allclose(found[rows], expected, rtol=1e-9, atol=1e-9)
            else:
                np.testing.assert_array_equal(found[rows], expected)
        assert set(new.metrics) == {"infer_0"}
        assert new.predictor == predictor


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_from_data_to_new_data(name: str) -> None:
    study = STUDIES[name]
    queue = run(study)
    folds = queue.splitset.fold_count or 1
    assert queue.status == {"complete": 2 * folds}
    check_inference(study, queue)


@pytest.mark.parametrize("name", STUDIES)
def test_a_notebook_that_is_run_again_writes_nothing_but_data(name: str) -> None:
    study = STUDIES[name]
    queue = run(study)
    sources = [make() for make in study.sources]
    target = sources.pop() if study.has_target else None
    predictor = queue.jobs[0].predictors.get()
    prediction = Inference(predictor, sources, target)
    before = counts()

    assert run(study) == queue
    again = [make() for make in study.sources]
    target = again.pop() if study.has_target else None
    assert Inference(predictor.id, [one.id for one in again], target) == prediction

    after = counts()
    assert after.pop("Dataset") > before.pop("Dataset")
    assert after == before


def test_the_columns_of_each_input() -> None:
    first, second = multi_modal().features
    assert first.columns == ["c", "a"], "the target is left out, the order is kept"
    assert second.sample_shape == (2, 4, 4)


def zeros(model: Any, features: Any) -> Any:
    import numpy

    return numpy.zeros_like(model.forward(features))


def test_forecasts_are_in_the_units_and_order_of_the_data() -> None:
    """An encoded zero is a column's mean over the rows that the scaler may see."""
    model = Architecture("toy", "regression", toy_build, toy_train, fn_predict=zeros)
    queue = run(STUDIES["forecast"], model)
    splitset = queue.splitset
    windows = splitset.features[0].windows.get()
    seen = np.unique(np.array(windows.samples_unshifted)[splitset.samples["train"]])
    means = series().to_df().iloc[seen].mean().to_numpy()
    prediction = Inference(queue.jobs[0].predictors.get(), series(), record_shifted=True)
    found = prediction.predictions["infer_0"]
    assert found.shape == (windows.window_count, 6, 3)
    np.testing.assert_allclose(found, np.broadcast_to(means, found.shape), rtol=1e-12)


def test_a_pure_forecast_has_no_metrics_and_one_window_more() -> None:
    queue = run(STUDIES["forecast"])
    predictor = queue.jobs[0].predictors.get()
    known = Inference(predictor, series(), record_shifted=True)
    pure = Inference(predictor, series())
    assert pure != known
    assert pure.metrics is None
    assert set(known.metrics["infer_0"]) >= {"loss", "r2"}
    more = [len(next(iter(made.predictions.values()))) for made in (known, pure)]
    assert more == [(160 - 6 - 2) // 2 + 1, (160 - 6) // 2 + 1]


def test_inference_scores_as_scikit_learn_does() -> None:
    """By hand: the same rows, the same scaler, the same model."""

    def fn_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
        return LogisticRegression(C=hp["C"])

    penguins = datum.to_df("penguins").dropna().sample(frac=1, random_state=7, ignore_index=True)
    study, new = penguins.iloc[:250].reset_index(drop=True), penguins.iloc[250:]
    new = new[new.columns[::-1]].reset_index(drop=True).assign(more=1)
    dataset = Dataset.Tabular.from_df(study)
    splitset = Pipeline(
        Input(
            dataset,
            exclude_columns=["year"],
            encoders=[
                Input.Encoder(StandardScaler(), dtypes="float64"),
                Input.Encoder(OneHotEncoder(), columns=["island", "sex"]),
            ],
        ),
        Target(dataset, "species", encoder=Target.Encoder(OrdinalEncoder())),
        Stratifier(size_test=0.2),
    )
    model = Architecture(
        "sklearn", "classification_multi", fn_build, hyperparameters={"C": [0.01]}
    )
    queue = Experiment(model, Trainer(splitset, permute_count=0))
    queue.run_jobs(progress=False)
    fresh = Dataset.Tabular.from_df(new)
    prediction = Inference(queue.jobs[0].predictors.get().id, fresh.id, fresh.id)

    numbers = study.columns[study.dtypes == "float64"].tolist()
    texts = ["island", "sex"]
    train = study.iloc[splitset.samples["train"]]
    scaler = StandardScaler().fit(train[numbers])
    onehot = OneHotEncoder(sparse_output=False).fit(study[texts])

    def encoded(frame: pd.DataFrame) -> Any:
        return np.hstack([scaler.transform(frame[numbers]), onehot.transform(frame[texts])])

    by_hand = LogisticRegression(C=0.01).fit(encoded(train), train["species"])
    expected = by_hand.predict(encoded(new))
    assert prediction.predictions["infer_0"].tolist() == expected.tolist()
    accuracy = accuracy_score(new["species"], expected)
    assert prediction.metrics["infer_0"]["accuracy"] == pytest.approx(accuracy)


def test_scored_and_unscored_predictions_are_two() -> None:
    predictor = run(STUDIES["tabular"]).jobs[0].predictors.get()
    scored, unscored = Inference(predictor, table(), labels()), Inference(predictor, table())
    flipped = Dataset.Tabular.from_df(classes().iloc[::-1].reset_index(drop=True))
    other = Inference(predictor, table(), flipped)
    assert len({scored.id, unscored.id, other.id}) == 3
    assert unscored.metrics is None
    totals = [
        made.metrics[split]["accuracy"] for made in (scored, other) for split in made.metrics
    ]
    assert sum(totals) == pytest.approx(1), "every class is the other one"
    assert Inference(predictor, table(), labels()) == scored
    assert Inference(predictor, table()) == unscored


def test_force_predicts_again() -> None:
    predictor = run(STUDIES["tabular"]).jobs[0].predictors.get()
    new = table()
    first, before = Inference(predictor, new), counts()
    forced = Inference(predictor, new, force=True)
    assert forced != first
    assert (first.split, forced.split) == ("infer_0", "infer_1")
    np.testing.assert_array_equal(forced.predictions["infer_1"], first.predictions["infer_0"])
    grown = dict.fromkeys(("Feature", "Splitset", "SplitsetFeature", "Prediction"), 1)
    grown["Blob"] = counts()["Blob"] - before["Blob"]
    assert counts() == {name: n + grown.get(name, 0) for name, n in before.items()}
    assert Inference(predictor, new) == forced, "the newest is the one to go on with"


def test_only_predictions_of_these_data_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has predicted much other data finds a Prediction as fast as a new one."""
    from aiqc.mlops import _same_prediction as module

    predictor = run(STUDIES["tabular"]).jobs[0].predictors.get()
    frame = pd.DataFrame(signal(3), columns=["a", "b", "c"])
    made = [
        Inference(predictor, Dataset.Tabular.from_df(frame.head(2) + number))
        for number in range(6)
    ]
    looked, look = [], module._features
    monkeypatch.setattr(module, "_features", lambda row: looked.append(row) or look(row))
    again = Inference(predictor, Dataset.Tabular.from_df(frame.head(2) + 1))
    assert again == made[1]
    assert looked == [made[1]]


def test_new_data_of_another_schema_leave_no_rows() -> None:
    queue = run(STUDIES["tabular"])
    predictor = queue.jobs[0].predictors.get()
    short = Dataset.Tabular.from_df(pd.DataFrame({"a": [1.0], "c": [2.0]}))
    before = counts()
    with pytest.raises(Incompatible, match="'b'"):
        Inference(predictor, short)
    with pytest.raises(InvalidInput):
        Inference(predictor, "short")  # type: ignore[arg-type]
    assert counts() == before


def torch_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from math import prod

    from torch import nn

    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(prod(features_shape), hp["neurons"]),
        nn.ReLU(),
        nn.Linear(hp["neurons"], 1),
        nn.Sigmoid(),
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

    return fit(
        model,
        loser,
        optimizer,
        train_features,
        train_label,
        eval_features,
        eval_label,
        epochs=hp["epochs"],
        batch_size=8,
    )


@pytest.mark.torch
@pytest.mark.parametrize("name", ["tabular", "sequence"])
def test_pytorch(name: str) -> None:
    pytest.importorskip("torch")
    space = {"neurons": [4], "epochs": [40]}
    model = Architecture(
        "PyTorch", "classification_binary", torch_build, torch_train, hyperparameters=space
    )
    queue = run(STUDIES[name], model)
    scores = queue.metrics_df()
    assert scores[scores["split"] == "test"]["accuracy"].min() >= 0.8
    assert run(STUDIES[name], model) == queue
    assert queue.runs_completed == 1
    check_inference(STUDIES[name], queue)


def keras_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input(features_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(hp["neurons"], "relu"),
            keras.layers.Dense(1, "sigmoid"),
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
    model.compile(loss=loser, optimizer=optimizer, metrics=["accuracy"])
    model.fit(
        train_features,
        train_label,
        validation_data=(eval_features, eval_label),
        epochs=hp["epochs"],
        batch_size=8,
        verbose=0,
    )
    return model


@pytest.mark.keras
def test_keras() -> None:
    pytest.importorskip("keras")
    space = {"neurons": [4], "epochs": [40]}
    model = Architecture(
        "keras", "classification_binary", keras_build, keras_train, hyperparameters=space
    )
    queue = run(STUDIES["image"], model)
    scores = queue.metrics_df()
    assert scores[scores["split"] == "test"]["accuracy"].min() >= 0.8
    assert run(STUDIES["image"], model) == queue
    assert queue.runs_completed == 1
    check_inference(STUDIES["image"], queue)
