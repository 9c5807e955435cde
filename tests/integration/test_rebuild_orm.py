"""A stored model predicts in another process what it predicted when it was trained."""

# ruff: noqa: NPY002 - the user's global generator is what one test is about

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import LabelBinarizer
from toy_studies import make_queue, make_splitset, points
from warm_python import ROOT, warm_python

from aiqc.core.enums import ModelForm
from aiqc.core.errors import NotReady, ResultWarning
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    Hyperparamset,
    Label,
    LabelCoder,
    Predictor,
    Queue,
)
from aiqc.orm import Splitset as SplitsetRow

#: loads each model, and predicts the samples of each split anew
PREDICT = """
import os, json, numpy as np, aiqc
from aiqc.orm import Predictor
aiqc.connect(os.environ["STORE"])

def forward(model, features):
    if isinstance(model, tuple):
        import torch
        with torch.no_grad():
            return model[0].eval()(torch.from_numpy(np.array(features))).numpy()
    if hasattr(model, "predict_proba"):
        return model.predict_proba(features)[:, 1:]
    if hasattr(model, "forward"):
        return model.forward(features)
    return np.asarray(model(np.array(features)))

worst = 0.0
for predictor in Predictor.select():
    model = predictor.get_model()
    splitset = predictor.job.queue.splitset
    fold = predictor.job.fold
    prediction = predictor.predictions[0]
    for split, stored in prediction.probabilities.items():
        features = splitset.fetch_cache(split, "features", fold_id=fold)
        if not hasattr(model, "weights") or hasattr(model, "layers"):
            if not hasattr(model, "predict_proba"):
                features = np.asarray(features, dtype="float32")
        found = forward(model, features)
        assert found.shape == stored.shape, (found.shape, stored.shape)
        worst = max(worst, float(np.abs(found - stored).max()))
print(worst)
"""


def sklearn_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    if hp["kind"] == "forest":
        return RandomForestClassifier(n_estimators=5, max_depth=3)
    return LogisticRegression()


def torch_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import torch

    return torch.nn.Sequential(
        torch.nn.Linear(features_shape[0], 4),
        torch.nn.BatchNorm1d(4),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(4, 1),
        torch.nn.Sigmoid(),
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
    return fit(model, loser, optimizer, *data, epochs=3, batch_size=12)


def keras_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    import keras

    return keras.Sequential(
        [
            keras.layers.Input(features_shape),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1, activation="sigmoid"),
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
    model.fit(train_features, train_label, epochs=2, batch_size=16, verbose=0)
    return model


def trained(library: str, *functions: Any, space: Any = None, **split: Any) -> Queue:
    algorithm = Algorithm.make(library, "classification_binary", *functions)
    combos = Hyperparamset.from_algorithm(algorithm, space) if space else None
    splitset: SplitsetRow = make_splitset(**split)
    queue = Queue.from_algorithm(
        algorithm, splitset, permute_count=0, repeat_count=2, hyperparamset_id=combos
    )
    queue.run_jobs(progress=False)
    return queue


def elsewhere(store: Any, code: str) -> str:
    """Return what a new process prints, in which hashes differ from this one's."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "STORE": str(store.path), "PYTHONHASHSEED": "77"},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def in_warm(store: Any, home: Path) -> float:
    where = {"AIQC_HOME": str(home / "aiqc"), "STORE": str(store.path)}
    return float(warm_python().run(PREDICT, **where)[0])


def test_toy_models_predict_the_same(store: Any, private_home: Path) -> None:
    make_queue(fold_count=2).run_jobs(progress=False)
    assert {row.model_form for row in Predictor.select()} == {ModelForm.WEIGHTS}
    assert in_warm(store, private_home) == 0
    model = Predictor.of(1).get_model()
    assert (model.hidden, [weight.shape for weight in model.weights]) == (0, [(5, 1), (1,)])


def test_estimators_predict_the_same(store: Any, private_home: Path) -> None:
    queue = trained("sklearn", sklearn_build, space={"kind": ["forest", "linear"]})
    assert {row.model_form for row in Predictor.select()} == {ModelForm.ESTIMATOR}
    assert in_warm(store, private_home) == 0
    kinds = [type(row.get_model()).__name__ for row in Predictor.select().order_by(Predictor.id)]
    assert kinds == ["RandomForestClassifier", "LogisticRegression"] * 2
    assert queue.runs_completed == 4


@pytest.mark.torch
def test_pytorch_models_predict_the_same(store: Any) -> None:
    import torch

    trained("pytorch", torch_build, torch_train)
    assert float(elsewhere(store, PREDICT)) < 1e-6
    model, optimizer = Predictor.of(1).get_model()
    assert not model.training
    # the statistics of BatchNorm are the trained ones: three epochs of three batches
    assert int(model[1].num_batches_tracked) == 9
    assert isinstance(optimizer, torch.optim.Adamax)
    # the optimizer goes on where it stopped, on this model's parameters
    steps = {int(state["step"]) for state in optimizer.state.values()}
    assert steps == {9}
    own = {id(value) for value in model.parameters()}
    assert {id(value) for group in optimizer.param_groups for value in group["params"]} == own


@pytest.mark.keras
def test_keras_models_predict_the_same(store: Any) -> None:
    trained("keras", keras_build, keras_train)
    model = Predictor.of(1).get_model()
    assert [type(layer).__name__ for layer in model.layers] == [
        "Dense",
        "BatchNormalization",
        "Dense",
    ]
    assert not np.allclose(model.layers[1].moving_mean.numpy(), 0)
    features = Queue.of(1).splitset.fetch_cache("test", "features")
    stored = Predictor.of(1).predictions[0].probabilities["test"]
    found = model.predict(features.astype("float32"), verbose=0)
    np.testing.assert_allclose(found, stored, atol=1e-6)
    assert float(elsewhere(store, PREDICT)) < 1e-6


def test_getting_a_model_leaves_the_users_generators(store: Any) -> None:
    make_queue(repeat_count=1).run_jobs(progress=False)
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    Predictor.of(1).get_model()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_model_outlives_its_data(store: Any, tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    points().to_csv(table, index=False)
    dataset = Dataset.Tabular.from_path(str(table), ingest=False)
    label = Label.from_dataset(dataset, "y")
    LabelCoder.from_label(label, LabelBinarizer())
    splitset = SplitsetRow.make(Feature.from_dataset(dataset, ["a", "b"]), label, size_test=0.25)
    make_queue(splitset, repeat_count=1, space={}).run_jobs(progress=False)
    features = splitset.fetch_cache("test", "features")
    features, expected = np.array(features), Predictor.of(1).predictions[0].probabilities["test"]
    splitset.clear_cache()
    table.unlink()
    model = Predictor.of(1).get_model()
    assert np.array_equal(model.forward(features), expected)
    assert not splitset.cache_hot


def test_hyperparameters_are_those_of_the_combination(store: Any) -> None:
    make_queue(space={"hidden": [0, 2], "epochs": [3]}, repeat_count=1).run_jobs(progress=False)
    assert [row.get_hyperparameters(as_pandas=False) for row in Predictor.select()] == [
        {"hidden": 0, "epochs": 3},
        {"hidden": 2, "epochs": 3},
    ]
    shown = Predictor.get_hyperparameters(2)
    expected = pd.DataFrame({"param": ["hidden", "epochs"], "value": [2, 3]})
    pd.testing.assert_frame_equal(shown, expected, check_dtype=False)
    make_queue(space={}, repeat_count=1).run_jobs(progress=False)
    assert Predictor.of(3).get_hyperparameters(as_pandas=False) == {}
    assert list(Predictor.of(3).get_hyperparameters().columns) == ["param", "value"]


def test_a_model_that_cannot_be_stored_leaves_its_results(store: Any) -> None:
    queue = make_queue(space={"hidden": [0]}, train=stubborn_train, repeat_count=1)
    with pytest.warns(ResultWarning, match=r"^Run 1: .*the model is not"):
        queue.run_jobs(progress=False)
    predictor = Predictor.of(1)
    assert (predictor.model_form, predictor.model_file) == (ModelForm.MISSING, None)
    assert predictor.model_note.endswith("Predictions and metrics are kept, the model is not.")
    with pytest.raises(NotReady, match="was not stored"):
        predictor.get_model()
    assert len(predictor.predictions[0].predictions["test"]) == 12
    assert len(queue.metrics_df()) == 2


def stubborn_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    from aiqc.core.enums import AnalysisType
    from aiqc.training.toy_model import ToyModel

    other = ToyModel(hidden=5)
    other.start(AnalysisType.BINARY, train_features.shape[1], 1)
    other.stream = (number for number in range(3))
    return other


def test_another_process_reads_a_predictors_attributes(store: Any, private_home: Path) -> None:
    make_queue(space={"hidden": [2], "epochs": [4]}, repeat_count=1).run_jobs(progress=False)
    code = (
        "import os, aiqc; from aiqc.orm import Predictor; aiqc.connect(os.environ['STORE'])\n"
        "p = Predictor.of(1)\n"
        "print(p.features_shapes, p.label_shape, p.input_shapes, p.repeat_index, p.model_form,\n"
        "      p.model_output, p.model_note, sorted(p.history), len(p.history['loss']))"
    )
    where = {"AIQC_HOME": str(private_home / "aiqc"), "STORE": str(store.path)}
    assert warm_python().run(code, **where) == [
        "(5,) (1,) (5,) 0 weights probability None ['loss', 'val_loss'] 4"
    ]
