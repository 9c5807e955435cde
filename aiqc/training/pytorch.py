"""The PyTorch backend: `fn_build` returns a torch.nn.Module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from aiqc.core.enums import ModelForm, Output
from aiqc.core.errors import AIQCError
from aiqc.core.lazy import load
from aiqc.core.types import StoredModel
from aiqc.training.arrays import head, locked, training_arrays
from aiqc.training.backend import role_function
from aiqc.training.determinism import isolated, seed_numpy
from aiqc.training.opaque import dump_opaque, load_opaque
from aiqc.training.output_kind import PROBE_ROWS, check_outputs
from aiqc.training.pytorch_arrays import (
    as_tensors,
    device_of,
    evaluating,
    forward,
    label_tensor,
    materialise,
    move,
    sample_tensors,
)
from aiqc.training.pytorch_loss import compute_loss, outside_interval, warn_of_logit_loss
from aiqc.training.pytorch_output import find_output
from aiqc.training.pytorch_weights import (
    find_difference,
    outputs_on,
    pack_state,
    same_outputs,
    unpack_state,
)
from aiqc.training.returns import (
    as_numpy,
    call_user,
    read_prediction,
    read_training,
    refuse_return,
)
from aiqc.training.signatures import takes_model

if TYPE_CHECKING:
    from aiqc.core.types import Array, Features, History, TrainingTask

_MODULE = "a torch.nn.Module"


@final
class PyTorchBackend:
    """Trains PyTorch modules on the device that fn_build or fn_train puts them on."""

    compute_dtype = "float32"

    def seed(self, seed: int, thread_count: int) -> None:
        """Seed `random`, numpy and torch, and apply the thread count."""
        torch = load("torch")
        seed_numpy(seed)
        torch.manual_seed(seed)
        torch.set_num_threads(thread_count)

    def train(self, task: TrainingTask) -> tuple[Any, Any, Any, History, Output | None]:
        """Build and fit; return (model, optimizer, loser, history, output).

        Raises
        ------
        InvalidFunction
            If a function returns something else than documented.
        Incompatible
            If the model's outputs fit neither the label nor the loss.
        """
        hp = task.hyperparameters
        model = _build(task)
        output = _find_output(task, model)
        loser = self.loser(task, output)
        if output is Output.LOGIT and isinstance(loser, load("torch").nn.BCELoss):
            raise outside_interval()
        if output is Output.PROBABILITY:
            warn_of_logit_loss(loser)
        optimizer = _optimizer(task, model)
        arguments = (model, loser, optimizer, *_training_tensors(task))
        returned = call_user("fn_train", role_function(task, "train"), *arguments, **hp)
        trained, history = read_training(returned, _is_module, _MODULE)
        if trained is not model:
            output = _find_output(task, trained)
        return trained, optimizer, loser, history, output

    def loser(self, task: TrainingTask, output: Output | None) -> Any:
        """Return `loser(outputs, label)`."""
        hp = task.hyperparameters
        if task.functions.lose is None:
            default = role_function(task, "lose")
            return default(**hp) if output is None else default(output, **_without_output(hp))
        loser = call_user("fn_lose", task.functions.lose, **hp)
        if isinstance(loser, type) or not callable(loser):
            refuse_return("fn_lose", "an instance such as torch.nn.BCELoss()", loser)
        return loser

    def predict(
        self, task: TrainingTask, model: Any, features: Features, output: Output | None
    ) -> tuple[Array, Array | None]:
        """Return (class codes or numbers, probabilities or None)."""
        if task.functions.predict is None:
            default = role_function(task, "predict")
            found = (output,) if task.analysis_type.is_classification else ()
            returned = default(model, as_tensors(features), *found)
        else:
            with evaluating(model):
                # copied: there are no tensors that cannot be written
                batch = move(as_tensors(locked(features)), device_of(model))
                returned = call_user("fn_predict", task.functions.predict, model, batch)
        prediction, probabilities = read_prediction(returned)
        shown = None if probabilities is None else as_numpy(probabilities)
        return as_numpy(prediction), shown

    def loss(
        self, task: TrainingTask, model: Any, loser: Any, features: Features, label: Array
    ) -> float:
        """Return the loss of a whole split at once, in eval mode; NaN is a value."""
        with evaluating(model):
            outputs = forward(model, as_tensors(features))
            target = label_tensor(label, task.analysis_type).to(outputs.device)
            return float(compute_loss(loser, outputs, target).mean())

    def export(self, task: TrainingTask, model: Any, optimizer: Any) -> StoredModel:
        """Return weights and optimizer state as safetensors.

        What fn_build cannot rebuild, or what does not repeat its outputs on one batch bit by
        bit, is kept as dill of (model, optimizer); failing that, as a note.
        """
        batch = as_tensors(head(task.features[task.key_train], PROBE_ROWS))
        try:
            stored, reason = self._weights(task, model, optimizer, batch)
        except Exception as error:  # noqa: BLE001 - whatever a state holds, the result is kept
            reason = f"The weights of {type(model).__name__} cannot be stored as data: {error}."
            stored = None
        if stored is not None:
            return stored

        def check(loaded: Any) -> bool:
            expected = outputs_on(model, batch)
            return same_outputs(expected, outputs_on(loaded[0], batch), exactly=True)

        output = _find_output(task, model)
        return dump_opaque((model, optimizer), reason, check=check, output=output)

    def rebuild(self, task: TrainingTask, stored: StoredModel) -> tuple[Any, Any]:
        """Return (model, optimizer) from bytes; the user's generators are put back."""
        if stored.form is not ModelForm.WEIGHTS or stored.model is None:
            model, optimizer = load_opaque(stored)
        else:
            model, optimizer = self._made(task)
            _restore(model, optimizer, stored)
        # ready to predict: a model that fn_build made drops units out
        model.eval()
        return model, optimizer

    def _weights(
        self, task: TrainingTask, model: Any, optimizer: Any, batch: Any
    ) -> tuple[StoredModel | None, str]:
        """Return the stored form, or None and why fn_build cannot rebuild it."""
        built, fresh = self._made(task)
        # A model that fn_train compiled is stored as what it compiled.
        target = model if hasattr(built, "_orig_mod") else getattr(model, "_orig_mod", model)
        difference = find_difference(built, target)
        if difference:
            return None, difference
        stored = StoredModel(
            ModelForm.WEIGHTS,
            pack_state(target.state_dict()),
            pack_state(optimizer.state_dict()),
            # Of the model as built, which is what training went by.
            _find_output(task, built),
        )
        _restore(built, fresh, stored)
        is_compiled = hasattr(model, "_orig_mod")
        if same_outputs(
            outputs_on(model, batch), outputs_on(built, batch), exactly=not is_compiled
        ):
            return stored, ""
        return None, f"The outputs of {type(model).__name__}, built again, differ."

    def _made(self, task: TrainingTask) -> tuple[Any, Any]:
        """Return (model, optimizer) as training started from them; generators are put back."""
        with isolated(task, self):
            model = _build(task)
            return model, _optimizer(task, model)


def _restore(model: Any, optimizer: Any, stored: StoredModel) -> None:
    if stored.model is not None:
        model.load_state_dict(unpack_state(stored.model))
    if stored.optimizer is not None:
        optimizer.load_state_dict(unpack_state(stored.optimizer))


def _build(task: TrainingTask) -> Any:
    """Return the module that fn_build makes, its lazy layers with shapes."""
    shapes = (task.shapes.features, task.shapes.label)
    model = call_user("fn_build", task.functions.build, *shapes, **task.hyperparameters)
    if not _is_module(model):
        refuse_return("fn_build", _MODULE, model)
    materialise(model, sample_tensors(task.shapes.features))
    return model


def _is_module(value: Any) -> bool:
    return isinstance(value, load("torch").nn.Module)


def _find_output(task: TrainingTask, model: Any) -> Output | None:
    """Return what a classifier ends in; refuse outputs that do not fit the label."""
    if task.functions.predict is not None and task.functions.lose is not None:
        return _judged_quietly(task, model)
    batch = head(task.features[task.key_train], PROBE_ROWS)
    output, shape = find_output(model, batch)
    check_outputs(task, shape)
    return output if task.analysis_type.is_classification else None


def _judged_quietly(task: TrainingTask, model: Any) -> Output | None:
    """Return the finding for a model that only the user's own functions call, or None."""
    if not task.analysis_type.is_classification:
        return None
    try:
        return find_output(model, head(task.features[task.key_train], PROBE_ROWS))[0]
    except AIQCError:
        return None


def _optimizer(task: TrainingTask, model: Any) -> Any:
    """Return the optimizer of `fn_optimize(model, **hp)`, or of the factory it returns."""
    function = role_function(task, "optimize")
    arguments = (model,) if takes_model(function) else ()
    returned = call_user("fn_optimize", function, *arguments, **task.hyperparameters)
    if not isinstance(returned, type) and hasattr(returned, "state_dict"):
        return returned
    if not callable(returned):
        refuse_return("fn_optimize", "an optimizer, or a function of the parameters", returned)
    return returned(model.parameters())


def _training_tensors(task: TrainingTask) -> tuple[Any, ...]:
    """Return (train_features, train_label, eval_features, eval_label) as tensors."""
    kind = task.analysis_type
    train, train_label, evaluation, evaluation_label = training_arrays(task)
    tensors = (as_tensors(train), label_tensor(train_label, kind))
    if evaluation is None or evaluation_label is None:
        return (*tensors, None, None)
    return (*tensors, as_tensors(evaluation), label_tensor(evaluation_label, kind))


def _without_output(hp: Any) -> dict[str, Any]:
    """Return the hyperparameters without one that is named as the default's own argument."""
    return {name: value for name, value in hp.items() if name != "output"}
