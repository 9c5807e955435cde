"""The toy model against closed forms and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from training_tasks import SPLITS, draw, make_task

from aiqc.core.enums import AnalysisType, Library, ModelForm
from aiqc.core.errors import InvalidFunction
from aiqc.core.types import Functions
from aiqc.training.task import rebuild_task, train_task
from aiqc.training.toy_defaults import DEFAULTS
from aiqc.training.toy_model import ToyDescent, ToyModel


def task_of(analysis_type, hidden=0, functions=None, **changes):
    own = {"build": lambda features_shape, label_shape, **hp: ToyModel(hidden)} | (functions or {})
    return make_task(Library.TOY, analysis_type, Functions(**own), **changes)


def test_regression_reaches_the_least_squares_solution():
    hp = {"epochs": 500, "learning_rate": 0.2}
    outcome = train_task(task_of(AnalysisType.REGRESSION, hyperparameters=hp))
    features, label = draw(AnalysisType.REGRESSION)
    design = np.column_stack([features, np.ones(200)])
    rows = SPLITS["train"]
    solution = np.linalg.lstsq(design[rows], label[rows], rcond=None)[0]
    expected = (design @ solution)[SPLITS["test"]] * 2 + 10
    np.testing.assert_allclose(outcome.predictions["test"], expected, rtol=1e-9)


@pytest.mark.parametrize("hidden", [0, 3])
@pytest.mark.parametrize("analysis_type", list(AnalysisType))
def test_one_step_follows_the_gradient_of_the_loss(analysis_type, hidden):
    rng = np.random.default_rng(1)
    outputs = 3 if analysis_type is AnalysisType.MULTI else 1
    model = ToyModel(hidden)
    model.start(analysis_type, 4, outputs)
    model.weights = [rng.normal(size=weight.shape) for weight in model.weights]
    features, label = draw(analysis_type)
    target, loser = model.target(label.reshape(-1, 1)), DEFAULTS["lose", analysis_type]()
    before = [weight.copy() for weight in model.weights]
    numeric = []
    for weight in model.weights:
        slope = np.zeros(weight.shape)
        for place in np.ndindex(weight.shape):
            values = []
            for shift in (1e-6, -1e-6):
                weight[place] += shift
                values.append(loser(target, model.forward(features)))
                weight[place] -= shift
            slope[place] = (values[0] - values[1]) / 2e-6
        numeric.append(slope)
    model.weights = [weight.copy() for weight in before]
    model.fit(loser, ToyDescent(1.0), features, label.reshape(-1, 1), epochs=1)
    for old, new, slope in zip(before, model.weights, numeric, strict=True):
        np.testing.assert_allclose(old - new, slope, atol=1e-6)


def test_epochs_and_learning_rate_are_honoured():
    hp = {"epochs": 7, "learning_rate": 0.01}
    task = task_of(AnalysisType.BINARY, hyperparameters=hp)
    outcome = train_task(task)
    assert list(outcome.history) == ["loss", "val_loss"]
    assert outcome.history["loss"].shape == (7,)
    assert (np.diff(outcome.history["loss"]) < 0).all()
    assert outcome.history["loss"][-1] == pytest.approx(outcome.metrics["train"]["loss"])
    assert outcome.history["val_loss"][-1] == pytest.approx(outcome.metrics["validation"]["loss"])
    _, optimizer = rebuild_task(task, outcome.model)
    assert optimizer == ToyDescent(learning_rate=0.01, step_count=7)


def test_diverging_is_no_error():
    hp = {"epochs": 2000, "learning_rate": 50.0}
    outcome = train_task(task_of(AnalysisType.REGRESSION, hyperparameters=hp))
    assert np.isnan(outcome.metrics["test"]["r2"])
    assert np.isnan(outcome.metrics["test"]["loss"])
    assert outcome.model.form is ModelForm.WEIGHTS


def test_another_structure_is_kept_as_opaque():
    def train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
        other = ToyModel(hidden=5)
        other.start(model.analysis_type, 4, 1)
        other.fit(loser, optimizer, features, label)
        return other

    task = task_of(AnalysisType.BINARY, functions={"train": train})
    outcome = train_task(task)
    assert outcome.model.form is ModelForm.OPAQUE
    assert "another model than fn_build makes" in outcome.notes[0]
    model, _ = rebuild_task(task, outcome.model)
    assert model.hidden == 5
    assert np.array_equal(model.forward(task.features["test"]), outcome.probabilities["test"])


def test_a_global_model_is_not_changed():
    shared = ToyModel()
    build = {"build": lambda features_shape, label_shape, **hp: shared}
    train_task(task_of(AnalysisType.BINARY, functions=build))
    assert shared.weights == []


def test_optimizer_must_be_the_toys():
    with pytest.raises(InvalidFunction, match=r"fn_optimize returned float: 0.1"):
        train_task(task_of(AnalysisType.BINARY, functions={"optimize": lambda **hp: 0.1}))
