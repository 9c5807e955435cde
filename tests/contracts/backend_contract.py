"""What every training backend owes; inherit the class and give functions to inherit the tests."""

# ruff: noqa: NPY002 - the user's global generators are what some tests are about

from __future__ import annotations

import hashlib
import math
import random
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn import metrics
from training_tasks import SPLITS, draw, make_task

from aiqc.core.enums import AnalysisType, Library, ModelForm
from aiqc.core.errors import InvalidData, InvalidFunction
from aiqc.core.types import Functions, Outcome, TrainingTask
from aiqc.training.backend import default_functions, load_backend, role_function
from aiqc.training.evaluate import predict_split
from aiqc.training.task import importance_task, rebuild_task, train_task

KINDS = pytest.mark.parametrize(
    ("analysis_type", "one_hot"),
    [
        pytest.param(AnalysisType.BINARY, False, id="binary"),
        pytest.param(AnalysisType.MULTI, False, id="multi-ordinal"),
        pytest.param(AnalysisType.MULTI, True, id="multi-one-hot"),
        pytest.param(AnalysisType.REGRESSION, False, id="regression"),
    ],
)
TYPES = pytest.mark.parametrize("analysis_type", list(AnalysisType), ids=lambda kind: kind.value)

_TRAINED: dict[Any, Outcome] = {}


class BackendContract:
    """The behaviour of a backend; see `test_backend_contract.py` for how to inherit it."""

    library: ClassVar[Library]
    hyperparameters: ClassVar[dict[str, Any]] = {}
    #: whether two seeds give two models (a solver with one optimum does not)
    draws = True
    #: relative difference allowed between losses and their oracle
    tolerance = 1e-9

    def functions(self, analysis_type: AnalysisType, *, several: bool = False) -> Functions:
        """Return functions that learn `training_tasks.draw`; `several`: two Features of two."""
        raise NotImplementedError

    def regression_loss(self, true: np.ndarray, predicted: np.ndarray) -> float:
        """Return the library's default regression loss."""
        return float(metrics.mean_absolute_error(true, predicted))

    def task(self, analysis_type: AnalysisType, **changes: Any) -> TrainingTask:
        """Return a task of this library."""
        functions = self.functions(analysis_type, several=changes.get("several", False))
        changes.setdefault("hyperparameters", self.hyperparameters)
        changes.setdefault("functions", functions)
        return make_task(self.library, analysis_type, **changes)

    def train(self, analysis_type: AnalysisType, **changes: Any) -> Outcome:
        """Train a task of this library."""
        return train_task(self.task(analysis_type, **changes))

    def trained(self, analysis_type: AnalysisType, *, one_hot: bool) -> Outcome:
        """Return the outcome of a plain task; trained once for all tests that only read it."""
        key = (type(self), analysis_type, one_hot)
        if key not in _TRAINED:
            _TRAINED[key] = self.train(analysis_type, one_hot=one_hot)
        return _TRAINED[key]

    def with_functions(self, analysis_type: AnalysisType, **changes: Any) -> TrainingTask:
        """Return a task some of whose functions are others."""
        functions = replace(self.functions(analysis_type), **changes)
        return self.task(analysis_type, functions=functions)

    # -- protocol

    def test_compute_dtype(self):
        assert load_backend(self.library).compute_dtype in ("float32", "float64")

    @TYPES
    def test_defaults_cover_the_optional_functions(self, analysis_type):
        found = default_functions(self.library, analysis_type)
        assert {"fn_lose", "fn_optimize", "fn_predict"} <= set(found)
        assert all(callable(function) and function.__doc__ for function in found.values())

    # -- results

    @KINDS
    def test_learns_and_decodes(self, analysis_type, one_hot):
        outcome = self.trained(analysis_type, one_hot=one_hot)
        assert list(outcome.predictions) == ["train", "validation", "test"]
        _, label = draw(analysis_type)
        decoder = self.task(analysis_type).decoder
        for split, rows in SPLITS.items():
            predicted, true = outcome.predictions[split], decoder.decode(label[rows])
            assert predicted.shape == true.shape
            if analysis_type.is_classification:
                assert (predicted == true).mean() >= 0.85
            else:
                assert metrics.r2_score(true, predicted) >= 0.9

    @KINDS
    def test_metrics_equal_scikit_learn(self, analysis_type, one_hot):
        outcome = self.trained(analysis_type, one_hot=one_hot)
        _, label = draw(analysis_type)
        decoder = self.task(analysis_type).decoder
        for split, rows in SPLITS.items():
            true, predicted = decoder.decode(label[rows]), outcome.predictions[split]
            scores = outcome.metrics[split]
            if analysis_type is AnalysisType.REGRESSION:
                assert scores["mse"] == metrics.mean_squared_error(true, predicted)
                assert scores["r2"] == metrics.r2_score(true, predicted)
                continue
            assert scores["accuracy"] == metrics.accuracy_score(true, predicted)
            chances = outcome.probabilities[split]
            if analysis_type is AnalysisType.BINARY:
                assert scores["f1"] == metrics.f1_score(true, predicted, pos_label="malignant")
                assert scores["roc_auc"] == metrics.roc_auc_score(label[rows], chances[:, 0])
            else:
                assert scores["f1"] == metrics.f1_score(true, predicted, average="weighted")

    @KINDS
    def test_probabilities(self, analysis_type, one_hot):
        outcome = self.trained(analysis_type, one_hot=one_hot)
        if analysis_type is AnalysisType.REGRESSION:
            assert outcome.probabilities is None
            return
        classes = self.task(analysis_type).decoder.classes
        for split, chances in outcome.probabilities.items():
            assert chances.min() >= 0
            assert chances.max() <= 1
            if analysis_type is AnalysisType.BINARY:
                assert chances.shape == (len(outcome.predictions[split]), 1)
                codes = (chances[:, 0] >= 0.5).astype(int)
            else:
                assert chances.shape == (len(outcome.predictions[split]), 3)
                np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
                codes = chances.argmax(axis=1)
            assert (classes[codes] == outcome.predictions[split]).all()

    @KINDS
    def test_default_loss_by_hand(self, analysis_type, one_hot):
        outcome = self.trained(analysis_type, one_hot=one_hot)
        _, label = draw(analysis_type)
        decoder = self.task(analysis_type).decoder
        for split, rows in SPLITS.items():
            if analysis_type is AnalysisType.REGRESSION:
                encoded = (outcome.predictions[split] - decoder.mean) / decoder.scale
                expected = self.regression_loss(label[rows], encoded)
            else:
                chances = outcome.probabilities[split].astype(np.float64)
                if analysis_type is AnalysisType.BINARY:
                    chances = np.hstack([1 - chances, chances])
                expected = -np.log(chances[np.arange(len(chances)), label[rows]]).mean()
            assert outcome.metrics[split]["loss"] == pytest.approx(expected, rel=self.tolerance)

    def test_both_codings_of_several_classes_agree(self):
        ordinal = self.trained(AnalysisType.MULTI, one_hot=False)
        one_hot = self.trained(AnalysisType.MULTI, one_hot=True)
        for split in SPLITS:
            np.testing.assert_allclose(
                *(outcome.probabilities[split] for outcome in (ordinal, one_hot)), atol=1e-4
            )

    # -- what reaches the user's functions

    @TYPES
    def test_shapes_and_hyperparameters_reach_the_functions(self, analysis_type):
        own = self.functions(analysis_type)
        seen: dict[str, Any] = {}

        def build(features_shape, label_shape, **hp):
            seen["build"] = (features_shape, label_shape, hp)
            return own.build(features_shape, label_shape, **hp)

        task = self.with_functions(analysis_type, build=build)
        train_task(replace(task, hyperparameters={**self.hyperparameters, "extra": "value"}))
        shapes = ((4,), (3,) if analysis_type is AnalysisType.MULTI else (1,))
        assert seen["build"] == (*shapes, {**self.hyperparameters, "extra": "value"})

    def test_several_features(self):
        outcome = self.train(AnalysisType.BINARY, several=True)
        assert outcome.metrics["train"]["accuracy"] >= 0.9

    def test_without_an_evaluation_split(self):
        task = self.task(AnalysisType.BINARY, evaluation=None)
        own, seen = role_function(task, "train"), []

        def train(*args, **hp):
            seen.extend(args[5:7])
            return own(*args, **hp)

        outcome = train_task(replace(task, functions=replace(task.functions, train=train)))
        assert seen == [None, None]
        assert outcome.metrics["train"]["accuracy"] >= 0.9
        assert not [name for name in outcome.history if name.startswith("val_")]

    @pytest.mark.parametrize("order", ["model", "model, history", "history, model"])
    def test_orders_of_what_train_returns(self, order):
        task = self.task(AnalysisType.REGRESSION)
        own = role_function(task, "train")

        def train(*args, **hp):
            returned = own(*args, **hp)
            parts = returned if isinstance(returned, tuple) else (returned,)
            model = next(part for part in parts if hasattr(part, "fit") or hasattr(part, "eval"))
            history = {"z": [3, 2, 1], "a": np.array([1, 2, 3], "f4")}
            kinds = {"model": model, "history": history}
            found = [kinds[name] for name in order.split(", ")]
            return found[0] if len(found) == 1 else tuple(found)

        outcome = train_task(replace(task, functions=replace(task.functions, train=train)))
        if order != "model":
            assert list(outcome.history) == ["z", "a"]
            assert outcome.history["z"].tolist() == [3.0, 2.0, 1.0]
            assert outcome.history["a"].dtype == np.float64

    # -- bad functions

    @pytest.mark.parametrize("role", ["build", "train"])
    @pytest.mark.parametrize("returned", [None, "a model", (1, 2)])
    def test_wrong_return_is_named(self, role, returned):
        task = self.with_functions(AnalysisType.BINARY, **{role: lambda *args, **hp: returned})
        kind = type(returned).__name__
        with pytest.raises(InvalidFunction, match=f"fn_{role} returned {kind}"):
            train_task(task)

    @pytest.mark.parametrize(
        ("returned", "shown"),
        [
            (lambda count: np.zeros(count - 1), "39"),
            (lambda count: np.full(count, np.nan), "nan"),
            (lambda count: np.array(["malignant"] * count, dtype=object), "malignant"),
            (lambda count: np.full(count, 2), r"\[2, 2"),
            (lambda count: np.full(count, -1), "-1"),
            (lambda count: np.full(count, 0.5), "0.5"),
            (lambda count: None, "None"),
        ],
        ids=["short", "NaN", "labels", "class 2", "class -1", "fraction", "None"],
    )
    def test_bad_predictions_are_refused(self, returned, shown):
        def predict(model, features):
            return returned(40), np.full((40, 1), 0.5)

        task = self.with_functions(AnalysisType.BINARY, predict=predict)
        one = {"test": task.features["test"], "train": task.features["test"]}
        label = {"test": task.label["test"], "train": task.label["test"]}
        task = replace(task, features=one, label=label, key_evaluation=None)
        with pytest.raises(InvalidFunction, match=f"fn_predict returned .*{shown}"):
            train_task(task)

    def test_own_predict_is_used(self):
        def predict(model, features):
            return np.ones(len(features)), np.full((len(features), 1), 0.75)

        outcome = train_task(self.with_functions(AnalysisType.BINARY, predict=predict))
        assert set(outcome.predictions["test"]) == {"malignant"}
        assert set(outcome.probabilities["test"].ravel()) == {0.75}
        assert outcome.metrics["test"]["recall"] == 1.0

    def written(self, **functions: Any) -> Outcome:
        """Train a regression on arrays that are converted, and so private and writable."""
        task = self.with_functions(AnalysisType.REGRESSION, **functions)
        is_double = load_backend(self.library).compute_dtype == "float64"
        other = "float32" if is_double else "float64"
        features = {split: values.astype(other) for split, values in task.features.items()}
        label = {split: values.astype(other) for split, values in task.label.items()}
        return train_task(replace(task, features=features, label=label))

    def test_what_train_writes_into_its_arrays_is_not_scored(self):
        own = role_function(self.task(AnalysisType.REGRESSION), "train")

        def train(*args, **hp):
            returned = own(*args, **hp)
            for values in args[3:7]:
                values *= 0
            return returned

        plain, found = self.written(train=own), self.written(train=train)
        assert found.metrics == plain.metrics
        for split, values in plain.predictions.items():
            assert np.array_equal(found.predictions[split], values)

    def test_what_predict_writes_into_its_features_is_not_scored(self):
        def plainly(model, features):
            return np.ones(len(features))

        def predict(model, features):
            with suppress(ValueError):  # arrays, unlike tensors, can be locked
                features *= 0
            return np.ones(len(features))

        assert self.written(predict=predict).metrics == self.written(predict=plainly).metrics

    def test_diverged_regression_survives(self):
        def predict(model, features):
            return np.full((len(features), 1), np.nan)

        outcome = train_task(self.with_functions(AnalysisType.REGRESSION, predict=predict))
        assert np.isnan(outcome.predictions["test"]).all()
        assert math.isnan(outcome.metrics["test"]["r2"])

    def test_hyperparameter_that_a_function_does_not_take(self):
        own = self.functions(AnalysisType.BINARY)
        task = self.with_functions(AnalysisType.BINARY, build=lambda a, b: own.build(a, b))
        with pytest.raises(InvalidFunction, match=r"fn_build.*'surplus'"):
            train_task(replace(task, hyperparameters={"surplus": 1}))

    def test_nan_is_found_before_training(self):
        task = self.task(AnalysisType.BINARY)
        features = task.features["validation"].copy()
        features[:3, 1] = np.nan
        reached = []
        task = replace(
            task,
            features={**task.features, "validation": features},
            functions=replace(task.functions, train=lambda *args, **hp: reached.append(args)),
        )
        with pytest.raises(InvalidData, match=r"'b': 3.*SimpleImputer") as caught:
            train_task(task)
        assert caught.value.counts == {"b": 3}
        assert not reached

    # -- storing

    @KINDS
    def test_rebuilt_model_repeats_itself(self, analysis_type, one_hot):
        task = self.task(analysis_type, one_hot=one_hot)
        outcome = self.trained(analysis_type, one_hot=one_hot)
        assert outcome.model.form in (ModelForm.WEIGHTS, ModelForm.ESTIMATOR)
        assert outcome.notes == ()
        model, _ = rebuild_task(task, outcome.model)
        backend = load_backend(self.library)
        for split, features in task.features.items():
            found = predict_split(task, backend, model, outcome.model.output, features)
            assert np.array_equal(found.decoded, outcome.predictions[split])
            if outcome.probabilities is not None:
                assert np.array_equal(found.probabilities, outcome.probabilities[split])

    def test_importance(self):
        groups = ({"a": [0], "pair": [1, 2], "noise": [3]},)
        task = self.task(AnalysisType.MULTI, permute_count=5, permute_groups=groups)
        outcome = train_task(task)
        (found,) = outcome.importance
        assert list(found) == ["a", "pair", "noise"]
        assert all(len(impacts) == 5 for _, impacts in found.values())
        assert all(median == np.median(impacts) for median, impacts in found.values())
        assert found["pair"][0] > found["a"][0] > 5 * abs(found["noise"][0])
        (again,) = importance_task(task, outcome.model, "train", 5, seed=1)
        assert again["pair"][0] > again["a"][0] > 5 * abs(again["noise"][0])
        (same,) = importance_task(task, outcome.model, "test", 2, seed=1)
        assert same == importance_task(task, outcome.model, "test", 2, seed=1)[0]
        assert same != again

    # -- determinism and isolation

    def test_same_seed_same_result(self):
        first, second = (
            self.trained(AnalysisType.MULTI, one_hot=False),
            self.train(AnalysisType.MULTI),
        )
        assert digest(first) == digest(second)

    def test_another_seed_another_model(self):
        first, second = (self.train(AnalysisType.MULTI, seed=seed) for seed in (1, 2))
        assert (digest(first) != digest(second)) is self.draws

    def test_users_generators_stay(self):
        random.seed(3)
        np.random.seed(3)
        expected = random.random(), np.random.random()
        random.seed(3)
        np.random.seed(3)
        self.train(AnalysisType.BINARY)
        assert (random.random(), np.random.random()) == expected

    def test_users_generators_stay_after_an_exception(self):
        def broken(*args, **hp):
            random.random()
            raise ZeroDivisionError("mine")

        random.seed(3)
        state = random.getstate(), np.random.get_state()[1].tolist()
        with pytest.raises(ZeroDivisionError, match=r"^mine$"):
            train_task(self.with_functions(AnalysisType.BINARY, train=broken))
        assert (random.getstate(), np.random.get_state()[1].tolist()) == state

    def test_inputs_stay_and_may_be_read_only(self):
        task = self.task(AnalysisType.REGRESSION, permute_count=1, permute_groups=({"a": [0]},))
        before = {split: values.copy() for split, values in task.features.items()}
        for values in (*task.features.values(), *task.label.values()):
            values.flags.writeable = False
        outcome = train_task(task)
        assert outcome.metrics["train"]["r2"] >= 0.9
        for split, values in before.items():
            assert np.array_equal(values, task.features[split])


def digest(outcome: Outcome) -> str:
    """Return a hash of everything a run computed; of estimators, their outputs."""
    parts = [values.tobytes() for values in outcome.history.values()]
    chances = outcome.probabilities or {}
    parts += [chances[split].tobytes() for split in chances]
    parts += [repr(values.tolist()).encode() for values in outcome.predictions.values()]
    if outcome.model.form is ModelForm.WEIGHTS:
        parts += [outcome.model.model or b"", outcome.model.optimizer or b""]
    return hashlib.sha256(b"|".join(parts)).hexdigest()
