"""Several Features of different kinds in one Splitset: lists of shapes and arrays everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler
from toy_studies import toy_build, toy_train

from aiqc.core.errors import Incompatible
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    FeatureCoder,
    FeatureShaper,
    Hyperparamset,
    Label,
    LabelCoder,
    Queue,
    Splitset,
    Window,
)

RNG = np.random.default_rng(5)
COUNT = 120
#: neither tower alone tells the class
SEQUENCE = RNG.normal(size=(COUNT, 4, 2)) * 10 + 100
TABLE = pd.DataFrame({"x": RNG.normal(size=COUNT), "z": RNG.normal(size=COUNT)})
IMAGE = RNG.integers(0, 256, size=(COUNT, 1, 4, 4)).astype(np.float64)
SCORE = (SEQUENCE[:, -1, 0] - 100) / 10 + TABLE["x"].to_numpy()
KIND = np.where(SCORE > 0, "up", "down")


def torch_towers(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import math

    import torch

    class Towers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.towers = torch.nn.ModuleList(
                torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(math.prod(shape), 4))
                for shape in features_shape
            )
            self.top = torch.nn.Linear(4 * len(features_shape), math.prod(label_shape))
            self.shape = label_shape
            self.ending = torch.nn.Sigmoid() if hp.get("binary", True) else torch.nn.Identity()

        def forward(self, features: Any) -> Any:
            parts = [tower(part) for tower, part in zip(self.towers, features, strict=True)]
            outputs = self.top(torch.cat(parts, dim=1))
            return self.ending(outputs).unflatten(1, self.shape)

    return Towers()


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
    return fit(model, loser, optimizer, *data, epochs=60, batch_size=15)


def keras_towers(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import math

    import keras

    layers = keras.layers
    inputs = [layers.Input(shape) for shape in features_shape]
    towers = [layers.Dense(4)(layers.Flatten()(each)) for each in inputs]
    ending = "sigmoid" if hp.get("binary", True) else None
    top = layers.Dense(math.prod(label_shape), activation=ending)(layers.Concatenate()(towers))
    return keras.Model(inputs, layers.Reshape(label_shape)(top))


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
    evaluation = (eval_features, eval_label)
    options = {"epochs": 60, "batch_size": 15, "verbose": 0}
    model.fit(train_features, train_label, validation_data=evaluation, **options)
    return model


def toy_predict(model: Any, features: Any) -> Any:
    from aiqc.training.toy_defaults import binary_predict

    # no assert statements: pytest rewrites them, and the stored text is what has to run
    if not isinstance(features, list) or [array.ndim for array in features] != [3, 2]:
        raise TypeError(features)
    return binary_predict(model, features)


LIBRARIES = [
    pytest.param("toy", (toy_build, toy_train), id="toy"),
    pytest.param("pytorch", (torch_towers, torch_train), id="pytorch", marks=pytest.mark.torch),
    pytest.param("keras", (keras_towers, keras_train), id="keras", marks=pytest.mark.keras),
]


def sequence_feature() -> Feature:
    feature = Feature.from_dataset(
        Dataset.Sequence.from_numpy(SEQUENCE, rename_columns=["left", "right"])
    )
    FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    return feature


def table_feature() -> Feature:
    return Feature.from_dataset(Dataset.Tabular.from_df(TABLE))


def image_feature() -> Feature:
    feature = Feature.from_dataset(Dataset.Image.from_numpy(IMAGE))
    FeatureCoder.from_feature(feature, MinMaxScaler(), verbose=False)
    return feature


def label() -> Label:
    found = Label.from_dataset(Dataset.Tabular.from_df(pd.DataFrame({"kind": KIND})), "kind")
    LabelCoder.from_label(found, OrdinalEncoder())
    return found


def train(
    splitset: Splitset,
    library: str,
    functions: tuple[Any, ...],
    *,
    analysis: str = "classification_binary",
    space: dict[str, Any] | None = None,
    permute_count: int = 0,
    **more: Any,
) -> Any:
    algorithm = Algorithm.make(library, analysis, *functions, **more)
    combos = Hyperparamset.from_algorithm(algorithm, space) if space else None
    queue = Queue.from_algorithm(
        algorithm, splitset, hyperparamset_id=combos, permute_count=permute_count
    )
    queue.run_jobs(progress=False)
    return next(job.predictors[0] for job in queue.jobs)


@pytest.mark.parametrize(("library", "functions"), LIBRARIES)
@pytest.mark.usefixtures("store")
def test_two_towers_learn_what_neither_could_alone(library, functions):
    features = [sequence_feature(), table_feature()]
    splitset = Splitset.make(features, label(), size_test=0.2, size_validation=0.2)
    space = {"epochs": [200]} if library == "toy" else None
    predictor = train(splitset, library, functions, space=space, permute_count=2)
    assert predictor.features_shapes == [(4, 2), (2,)]
    assert predictor.label_shape == (1,)
    prediction = predictor.predictions[0]
    for split, rows in splitset.samples.items():
        predicted = prediction.predictions[split]
        accuracy = metrics.accuracy_score(KIND[rows], predicted)
        assert prediction.metrics[split]["accuracy"] == accuracy
    assert prediction.metrics["train"]["accuracy"] > 0.9
    assert prediction.metrics["test"]["accuracy"] > 0.8
    first, second = (prediction.feature_importance[str(feature.id)] for feature in features)
    assert list(first) == ["left", "right"]
    assert list(second) == ["x", "z"]
    assert first["left"]["median"] > first["right"]["median"]
    assert second["x"]["median"] > second["z"]["median"]
    model = predictor.get_model()
    assert model is not None


@pytest.mark.usefixtures("store")
def test_own_functions_get_lists():
    splitset = Splitset.make([sequence_feature(), table_feature()], label(), size_test=0.2)
    predictor = train(splitset, "toy", (toy_build, toy_train), fn_predict=toy_predict)
    assert set(predictor.predictions[0].predictions["test"]) <= {"up", "down"}


@pytest.mark.usefixtures("store")
def test_the_order_of_the_features_is_kept():
    features = [table_feature(), image_feature(), sequence_feature()]
    splitset = Splitset.make(features, label(), size_test=0.2)
    predictor = train(splitset, "toy", (toy_build, toy_train), permute_count=1)
    assert predictor.features_shapes == [(2,), (1, 4, 4), (4, 2)]
    found = predictor.predictions[0].feature_importance
    assert list(found) == [str(feature.id) for feature in features]
    assert [list(columns) for columns in found.values()] == [["x", "z"], [], ["left", "right"]]
    figures = predictor.predictions[0].plot_feature_importance(call_display=False)
    assert len(figures) == 3


@pytest.mark.parametrize(("library", "functions"), LIBRARIES)
@pytest.mark.usefixtures("store")
def test_the_first_feature_is_the_target_without_a_label(library, functions):
    splitset = Splitset.make([image_feature(), table_feature()], size_test=0.25)
    space = {"epochs": [3]} if library == "toy" else {"binary": [False]}
    predictor = train(splitset, library, functions, analysis="regression", space=space)
    assert predictor.features_shapes == [(1, 4, 4), (2,)]
    assert predictor.label_shape == (1, 4, 4)
    prediction = predictor.predictions[0]
    for split, rows in splitset.samples.items():
        predicted, true = prediction.predictions[split], IMAGE[rows]
        assert predicted.shape == true.shape
        expected = metrics.r2_score(true.reshape(-1, 4), predicted.reshape(-1, 4))
        assert prediction.metrics[split]["r2"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.usefixtures("store")
def test_forecasts_from_two_series():
    first, second = table_feature(), sequence_feature()
    windows = [Window.from_feature(feature, 3, 2) for feature in (first, second)]
    splitset = Splitset.make([first, second], size_test=0.25)
    predictor = train(splitset, "toy", (toy_build, toy_train), analysis="regression")
    assert predictor.features_shapes == [(3, 2), (3, 4, 2)]
    assert predictor.label_shape == (3, 2)
    future = TABLE.to_numpy()[np.array(windows[0].samples_shifted)]
    prediction = predictor.predictions[0]
    for split, rows in splitset.samples.items():
        predicted = prediction.predictions[split]
        mse = metrics.mean_squared_error(future[rows].reshape(-1, 2), predicted.reshape(-1, 2))
        assert prediction.metrics[split]["mse"] == pytest.approx(mse, rel=1e-9)


def line_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


@pytest.mark.usefixtures("store")
def test_scikit_learn_takes_several_features_side_by_side_once_they_are_flat():
    features = [sequence_feature(), table_feature()]
    splitset = Splitset.make(features, label(), size_test=0.2)
    algorithm = Algorithm.make("sklearn", "classification_binary", line_build)
    with pytest.raises(Incompatible, match=r"has 2 axes.*\(0, \(1, 2\)\)"):
        Queue.from_algorithm(algorithm, splitset)
    flat = [sequence_feature(), table_feature()]
    FeatureShaper.from_feature(flat[0], (0, (1, 2)))
    splitset = Splitset.make(flat, label(), size_test=0.2)
    predictor = train(splitset, "sklearn", (line_build,), permute_count=2)
    assert predictor.features_shapes == [(8,), (2,)]
    prediction = predictor.predictions[0]
    assert prediction.metrics["test"]["accuracy"] > 0.9
    found = prediction.feature_importance[str(flat[0].id)]
    assert found["left"]["median"] > found["right"]["median"]
