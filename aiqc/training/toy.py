"""The toy backend: numpy only, for tests and demonstrations."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from aiqc.core.codecs import pack_arrays, unpack_arrays
from aiqc.core.enums import AnalysisType, ModelForm, Output
from aiqc.core.types import StoredModel
from aiqc.training.arrays import head, locked, training_arrays
from aiqc.training.backend import plain_loser, role_function
from aiqc.training.determinism import seed_numpy
from aiqc.training.opaque import dump_opaque, load_opaque
from aiqc.training.returns import (
    as_numpy,
    call_user,
    read_prediction,
    read_training,
    refuse_return,
)
from aiqc.training.toy_model import ToyDescent, ToyModel

if TYPE_CHECKING:
    from aiqc.core.types import Array, Features, History, TrainingTask

#: rows on which a stored model must repeat its outputs
_CHECK_ROWS = 64


@final
class ToyBackend:
    """Trains a ToyModel by gradient descent in milliseconds."""

    compute_dtype = "float64"

    def seed(self, seed: int, thread_count: int) -> None:  # noqa: ARG002 - threads: see isolated
        """Seed numpy's global generator, from which weights are drawn."""
        seed_numpy(seed)

    def train(self, task: TrainingTask) -> tuple[Any, Any, Any, History, Output | None]:
        """Build and fit; return (model, optimizer, loser, history, output).

        Raises
        ------
        InvalidFunction
            If a function returns something else than the toy library's own kinds.
        """
        hp = task.hyperparameters
        output = _output(task)
        model, loser = _build(task), self.loser(task, output)
        optimizer = call_user("fn_optimize", role_function(task, "optimize"), **hp)
        if not isinstance(optimizer, ToyDescent):
            refuse_return("fn_optimize", "a ToyDescent", optimizer)
        arrays = (model, loser, optimizer, *training_arrays(task))
        returned = call_user("fn_train", role_function(task, "train"), *arrays, **hp)
        trained, history = read_training(returned, _is_model, "a ToyModel")
        return trained, optimizer, loser, history, output

    def loser(self, task: TrainingTask, output: Output | None) -> Any:  # noqa: ARG002 - protocol
        """Return `loser(true, predicted)` on one-hot classes, probabilities or numbers."""
        return plain_loser(task)

    def predict(
        self,
        task: TrainingTask,
        model: Any,
        features: Features,
        output: Output | None,  # noqa: ARG002 - protocol
    ) -> tuple[Array, Array | None]:
        """Return (class codes or numbers, probabilities or None)."""
        returned = call_user("fn_predict", role_function(task, "predict"), model, locked(features))
        prediction, probabilities = read_prediction(returned)
        shown = None if probabilities is None else as_numpy(probabilities)
        return as_numpy(prediction), shown

    def loss(
        self,
        task: TrainingTask,  # noqa: ARG002 - protocol
        model: Any,
        loser: Any,
        features: Features,
        label: Array,
    ) -> float:
        """Return the mean loss of the model's raw outputs."""
        with np.errstate(over="ignore", invalid="ignore"):
            return float(loser(model.target(label), model.forward(features)))

    def export(self, task: TrainingTask, model: Any, optimizer: Any) -> StoredModel:
        """Return weights as packed arrays; as dill when fn_build makes another structure."""
        batch = head(task.features[task.key_train], _CHECK_ROWS)
        expected = model.forward(batch)
        state = _pack_optimizer(optimizer)
        data = pack_arrays({str(index): weight for index, weight in enumerate(model.weights)})
        stored = StoredModel(ModelForm.WEIGHTS, data, state, _output(task))
        if _shapes(_build(task)) == _shapes(model):
            rebuilt, _ = self.rebuild(task, stored)
            if np.array_equal(expected, rebuilt.forward(batch), equal_nan=True):
                return stored
        reason = "fn_train returned another model than fn_build makes."

        def check(other: ToyModel) -> bool:
            return np.array_equal(expected, other.forward(batch), equal_nan=True)

        return dump_opaque(model, reason, check=check, optimizer=state, output=_output(task))

    def rebuild(self, task: TrainingTask, stored: StoredModel) -> tuple[Any, Any]:
        """Return (model, optimizer) from bytes."""
        if stored.form is not ModelForm.WEIGHTS or stored.model is None:
            return load_opaque(stored), _unpack_optimizer(stored.optimizer)
        model = _build(task)
        model.weights = list(unpack_arrays(stored.model).values())
        return model, _unpack_optimizer(stored.optimizer)


def _output(task: TrainingTask) -> Output | None:
    return Output.PROBABILITY if task.analysis_type.is_classification else None


def _build(task: TrainingTask) -> ToyModel:
    shapes = (task.shapes.features, task.shapes.label)
    model = call_user("fn_build", task.functions.build, *shapes, **task.hyperparameters)
    if not isinstance(model, ToyModel):
        refuse_return("fn_build", "a ToyModel", model)
    model = copy.deepcopy(model)
    features = task.shapes.features
    each = features if isinstance(features, list) else [features]
    outputs = (1,) if task.analysis_type is AnalysisType.BINARY else tuple(task.shapes.label)
    inputs = sum(math.prod(shape) for shape in each)
    model.start(task.analysis_type, inputs, outputs)
    return model


def _is_model(value: Any) -> bool:
    return isinstance(value, ToyModel)


def _shapes(model: ToyModel) -> list[tuple[int, ...]]:
    return [weight.shape for weight in model.weights]


def _pack_optimizer(optimizer: ToyDescent) -> bytes:
    return pack_arrays(
        {
            "learning_rate": np.array(optimizer.learning_rate, dtype=np.float64),
            "step_count": np.array(optimizer.step_count),
        }
    )


def _unpack_optimizer(data: bytes | None) -> ToyDescent | None:
    if data is None:
        return None
    state = unpack_arrays(data)
    return ToyDescent(float(state["learning_rate"]), int(state["step_count"]))
