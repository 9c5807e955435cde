"""What every training backend owes when samples and targets have more than one axis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn import metrics
from training_tasks import SPLITS, UnitDecoder

from aiqc.core.enums import AnalysisType, Library
from aiqc.core.errors import InvalidFunction
from aiqc.core.types import Functions, Outcome, Shapes, TrainingTask
from aiqc.training.task import predict_task, rebuild_task, train_task

#: columns of very different importance: a model that mixes them up scores badly
SCALE = np.array([1.0, 3.0, 0.2])
GROUPS = {"a": [0], "b": [1], "c": [2]}


def draw_arrays(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return samples `(200, *shape)`, columns last."""
    return np.random.default_rng(seed).normal(size=(200, *shape)) * SCALE


class ArrayContract:
    """The behaviour of a backend with arrays; see `test_array_contract.py`."""

    library: ClassVar[Library]
    hyperparameters: ClassVar[dict[str, Any]] = {}
    #: shape of a sample; its last two rows are the target
    sample: ClassVar[tuple[int, ...]] = (4, 3)
    target: ClassVar[tuple[int, ...]] = (2, 3)

    def functions(self) -> Functions:
        """Return functions of a linear model from `features_shape` to `label_shape`.

        With several Features, `features_shape` is a list of shapes.
        """
        raise NotImplementedError

    def aims(self, features: np.ndarray) -> np.ndarray:
        """Return the targets of samples."""
        return features[:, -2:]

    def task(self, *, several: bool = False, **changes: Any) -> TrainingTask:
        """Return an unsupervised task; with several Features, a second one of another shape."""
        first, second = draw_arrays(self.sample), draw_arrays((3,), seed=1)
        aims = self.aims(first)
        task = TrainingTask(
            library=self.library,
            analysis_type=AnalysisType.REGRESSION,
            functions=self.functions(),
            hyperparameters=self.hyperparameters,
            shapes=Shapes([self.sample, (3,)] if several else self.sample, self.target),
            features={
                name: [first[rows], second[rows]] if several else first[rows]
                for name, rows in SPLITS.items()
            },
            label={name: aims[rows] for name, rows in SPLITS.items()},
            key_train="train",
            key_evaluation="validation",
            decoder=UnitDecoder(mean=10.0, scale=2.0),
            seed=7,
            thread_count=1,
        )
        return replace(task, **changes)

    def check(self, outcome: Outcome) -> None:
        """Check predictions and scores against scikit-learn on flattened arrays."""
        aims = self.aims(draw_arrays(self.sample)) * 2 + 10
        for split, rows in SPLITS.items():
            predicted, true = outcome.predictions[split], aims[rows]
            assert predicted.shape == true.shape
            flat = true.reshape(-1, 3), predicted.reshape(-1, 3)
            scores = outcome.metrics[split]
            assert scores["r2"] == metrics.r2_score(*flat)
            assert scores["mse"] == metrics.mean_squared_error(*flat)
            assert scores["explained_variance"] == metrics.explained_variance_score(*flat)
            assert scores["r2"] > 0.9

    def test_learns_arrays(self):
        outcome = train_task(self.task())
        self.check(outcome)
        assert outcome.probabilities is None
        assert outcome.shapes == Shapes(self.sample, self.target)

    def test_several_features(self):
        seen: dict[str, Any] = {}
        task = self.task(several=True)
        own = task.functions.build

        def build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
            seen["shapes"] = features_shape, label_shape
            return own(features_shape, label_shape, **hp)

        self.check(train_task(replace(task, functions=replace(task.functions, build=build))))
        assert seen["shapes"] == ([self.sample, (3,)], self.target)

    @pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
    def test_rebuilt_models_predict_and_score_the_same(self, several):
        task = self.task(several=several)
        outcome = train_task(task)
        model, _ = rebuild_task(task, outcome.model)
        for split in SPLITS:
            alone = replace(
                task, features={"new": task.features[split]}, label={"new": task.label[split]}
            )
            found, scores = predict_task(alone, model, outcome.model.output, "new")
            np.testing.assert_allclose(found.decoded, outcome.predictions[split], rtol=1e-6)
            assert scores.keys() == outcome.metrics[split].keys()
            np.testing.assert_allclose(
                list(scores.values()), list(outcome.metrics[split].values()), rtol=1e-5
            )
            unscored = predict_task(replace(alone, label={}), model, outcome.model.output, "new")
            assert np.array_equal(unscored[0].decoded, found.decoded)
            assert unscored[1] is None

    @pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
    def test_importance_by_column(self, several):
        groups = (GROUPS, None) if several else (GROUPS,)
        shapes = (self.sample, (3,)) if several else (self.sample,)
        task = self.task(
            several=several, permute_count=3, permute_groups=groups, encoded_shapes=shapes
        )
        first, *others = train_task(task).importance
        assert first["b"][0] > first["a"][0] > first["c"][0] > 0
        assert others == [None] * several

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param(lambda shape: (1, *shape[1:]), id="would broadcast"),
            pytest.param(lambda shape: shape[::-1] if len(shape) > 1 else (2,), id="turned"),
            pytest.param(lambda shape: (*shape, 1), id="an axis more"),
            pytest.param(lambda shape: (int(np.prod(shape)) + 1,), id="too many"),
        ],
    )
    def test_predictions_of_another_shape_never_reach_a_metric(self, wrong):
        shape = wrong(self.target)
        reached = []

        def predict(model: Any, features: Any) -> np.ndarray:
            return np.zeros((len(features), *shape))

        task = self.task(metrics={"own": lambda true, predicted: reached.append(1)})
        task = replace(task, functions=replace(task.functions, predict=predict))
        with pytest.raises(InvalidFunction, match="fn_predict returned") as caught:
            train_task(task)
        assert str((120, *shape)) in str(caught.value)
        assert str((120, *self.target)) in str(caught.value)
        assert not reached
