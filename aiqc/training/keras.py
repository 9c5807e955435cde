"""The Keras backend: `fn_build` returns a keras.Model; any KERAS_BACKEND."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, final

import numpy as np

from aiqc.core.enums import AnalysisType, ModelForm, Output
from aiqc.core.errors import AIQCError
from aiqc.core.lazy import load
from aiqc.core.types import StoredModel
from aiqc.training.arrays import head, locked, training_arrays
from aiqc.training.backend import role_function
from aiqc.training.determinism import isolated, seed_numpy
from aiqc.training.keras_forward import (
    build_model,
    is_tensorflow,
    mean_loss,
    probe,
    to_numpy,
)
from aiqc.training.keras_output import find_output
from aiqc.training.keras_weights import (
    ModelFacts,
    assign,
    find_difference,
    model_variables,
    pack_variables,
    restore_optimizer,
    unpack_facts,
    unpack_variables,
)
from aiqc.training.opaque import dump_opaque, load_opaque
from aiqc.training.output_kind import PROBE_ROWS, check_outputs
from aiqc.training.returns import (
    as_numpy,
    call_user,
    read_history,
    read_prediction,
    read_training,
    refuse_return,
)

if TYPE_CHECKING:
    from aiqc.core.types import Array, Features, History, TrainingTask

_MODEL = "a keras.Model"


@final
class KerasBackend:
    """Trains Keras models."""

    compute_dtype = "float32"

    def seed(self, seed: int, thread_count: int) -> None:
        """Seed `random`, numpy and Keras; the thread count only counts before the first op."""
        load("keras").utils.set_random_seed(seed)
        seed_numpy(seed)
        if is_tensorflow():
            threading = load("tensorflow").config.threading
            with suppress(RuntimeError):  # TensorFlow has run its first op
                threading.set_intra_op_parallelism_threads(thread_count)
                threading.set_inter_op_parallelism_threads(thread_count)
        elif "torch" in sys.modules:
            load("torch").set_num_threads(thread_count)

    def train(self, task: TrainingTask) -> tuple[Any, Any, Any, History, Output | None]:
        """Build and fit; return (model, optimizer, loser, history, output).

        Raises
        ------
        InvalidFunction
            If a function returns something else than documented.
        Incompatible
            If the model's outputs do not fit the label.
        """
        hp = task.hyperparameters
        model = _build(task)
        output = _find_output(task, model)
        loser, optimizer = self.loser(task, output), _optimizer(task)
        arguments = (model, loser, optimizer, *training_arrays(task))
        returned = call_user("fn_train", role_function(task, "train"), *arguments, **hp)
        trained, history = read_training(returned, _is_model, _MODEL)
        if trained is not model:
            output = _find_output(task, trained)
        return trained, optimizer, loser, history or _own_history(trained), output

    def loser(self, task: TrainingTask, output: Output | None) -> Any:
        """Return the loss of fn_lose, or the default for this output and label coding."""
        if task.functions.lose is None:
            return _default_loser(task, output, ordinal=_is_ordinal(task))
        loser = call_user("fn_lose", task.functions.lose, **task.hyperparameters)
        if isinstance(loser, type) or not (callable(loser) or isinstance(loser, str)):
            expected = "an instance such as keras.losses.BinaryCrossentropy()"
            refuse_return("fn_lose", expected, loser)
        return loser

    def predict(
        self, task: TrainingTask, model: Any, features: Features, output: Output | None
    ) -> tuple[Array, Array | None]:
        """Return (class codes or numbers, probabilities or None)."""
        if task.functions.predict is None:
            default = role_function(task, "predict")
            found = (output,) if task.analysis_type.is_classification else ()
            returned = default(model, features, *found)
        else:
            returned = call_user("fn_predict", task.functions.predict, model, locked(features))
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
        """Return the mean loss of a whole split in inference mode; NaN is a value."""
        return mean_loss(model, loser, features, label)

    def export(self, task: TrainingTask, model: Any, optimizer: Any) -> StoredModel:
        """Return all variables of model and optimizer, by order, as safetensors.

        What fn_build cannot rebuild, or what does not repeat its outputs on one batch bit by
        bit, is kept as dill of the model; failing that, as a note.
        """
        batch = head(task.features[task.key_train], PROBE_ROWS)
        try:
            stored, reason = self._weights(task, model, optimizer, batch)
        except Exception as error:  # noqa: BLE001 - whatever a model holds, the result is kept
            reason = f"The weights of {type(model).__name__} cannot be stored as data: {error}."
            stored = None
        if stored is not None:
            return stored

        def check(loaded: Any) -> bool:
            return _same(_outputs(model, batch), _outputs(loaded, batch))

        return dump_opaque(model, reason, check=check, output=_find_output(task, model))

    def rebuild(self, task: TrainingTask, stored: StoredModel) -> tuple[Any, Any]:
        """Return (model, optimizer); the model is compiled with it if it was when stored.

        The user's generators are put back.
        """
        if stored.form is not ModelForm.WEIGHTS or stored.model is None:
            loaded = load_opaque(stored)
            return loaded, getattr(loaded, "optimizer", None)
        model, optimizer = self._made(task)
        _restore(model, optimizer, stored)
        facts = unpack_facts(stored.model)
        if facts.compiled:
            model.compile(optimizer=optimizer, loss=self._loser(task, stored, facts))
        return model, optimizer

    def _loser(self, task: TrainingTask, stored: StoredModel, facts: ModelFacts) -> Any:
        if task.functions.lose is not None:
            return self.loser(task, stored.output)
        return _default_loser(task, stored.output, ordinal=facts.ordinal)

    def _weights(
        self, task: TrainingTask, model: Any, optimizer: Any, batch: Any
    ) -> tuple[StoredModel | None, str]:
        """Return the stored form, or None and why fn_build cannot rebuild it."""
        built, fresh = self._made(task)
        difference = find_difference(built, model)
        if difference:
            return None, difference
        facts = ModelFacts(compiled=bool(model.compiled), ordinal=_is_ordinal(task))
        stored = StoredModel(
            ModelForm.WEIGHTS,
            pack_variables(model_variables(model), facts),
            pack_variables(optimizer.variables),
            # Of the model as built, which is what training went by.
            _find_output(task, built),
        )
        _restore(built, fresh, stored)
        if _same(_outputs(model, batch), _outputs(built, batch)):
            return stored, ""
        return None, f"The outputs of {type(model).__name__}, built again, differ."

    def _made(self, task: TrainingTask) -> tuple[Any, Any]:
        """Return (model, optimizer) as training started from them; generators are put back."""
        with isolated(task, self):
            return _build(task), _optimizer(task)


def _restore(model: Any, optimizer: Any, stored: StoredModel) -> None:
    if stored.model is not None:
        assign(model_variables(model), unpack_variables(stored.model))
    if stored.optimizer is not None:
        restore_optimizer(optimizer, model, stored.optimizer)


def _build(task: TrainingTask) -> Any:
    """Return the model that fn_build makes, with all its variables."""
    shapes = (task.shapes.features, task.shapes.label)
    model = call_user("fn_build", task.functions.build, *shapes, **task.hyperparameters)
    if not _is_model(model):
        refuse_return("fn_build", _MODEL, model)
    build_model(model, task.shapes.features)
    return model


def _is_model(value: Any) -> bool:
    return isinstance(value, load("keras").Model)


def _is_ordinal(task: TrainingTask) -> bool:
    """Return whether the label is one column; new samples come without a training split."""
    label = next(iter(task.label.values()), None)
    return label is None or label.size == len(label)


def _default_loser(task: TrainingTask, output: Output | None, *, ordinal: bool) -> Any:
    default = role_function(task, "lose")
    if output is None:
        return default()
    if task.analysis_type is AnalysisType.MULTI:
        return default(output, ordinal)
    return default(output)


def _find_output(task: TrainingTask, model: Any) -> Output | None:
    """Return what a classifier ends in; refuse outputs that do not fit the label."""
    batch = head(task.features[task.key_train], PROBE_ROWS)
    own = task.functions.predict is not None and task.functions.lose is not None
    try:
        output, shape = find_output(model, batch)
    except AIQCError:
        if own:
            return None
        raise
    if not own:
        check_outputs(task, shape)
    return output if task.analysis_type.is_classification else None


def _optimizer(task: TrainingTask) -> Any:
    """Return the optimizer of fn_optimize, or what its name stands for."""
    function = role_function(task, "optimize")
    returned = call_user("fn_optimize", function, **task.hyperparameters)
    optimizers = load("keras").optimizers
    if isinstance(returned, str):
        with suppress(ValueError):
            return optimizers.get(returned)
    if not isinstance(returned, optimizers.Optimizer):
        refuse_return("fn_optimize", "a keras optimizer", returned)
    return returned


def _own_history(model: Any) -> History:
    """Return the series that `model.fit` recorded."""
    history = getattr(model, "history", None)
    return read_history(history) if history is not None else {}


def _outputs(model: Any, batch: Features) -> list[Array]:
    """Return all tensors that the model returns for a batch."""
    return [to_numpy(leaf) for leaf in load("keras").tree.flatten(probe(model, batch))]


def _same(left: list[Array], right: list[Array]) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(left, right, strict=True)
    )
