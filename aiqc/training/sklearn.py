"""The scikit-learn backend: `fn_build` returns an unfitted estimator."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, final

import numpy as np

from aiqc.core import seeds
from aiqc.core.enums import ModelForm, Output
from aiqc.core.errors import Incompatible
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features, History, TrainingTask

#: rows on which a stored estimator must repeat its outputs
_CHECK_ROWS = 64
_ESTIMATOR = "an unfitted scikit-learn estimator (an instance with fit and predict)"
_THREE = 3


@final
class SklearnBackend:
    """Trains scikit-learn estimators, alone or in a Pipeline."""

    compute_dtype = "float64"

    def seed(self, seed: int, thread_count: int) -> None:  # noqa: ARG002 - threads: see isolated
        """Seed the generators that estimators with `random_state=None` draw from."""
        seed_numpy(seed)

    def accepts_missing(self, task: TrainingTask) -> bool:
        """Return whether the estimator that fn_build makes takes NaN among its features."""
        return _takes_nan(_build(task))

    def train(self, task: TrainingTask) -> tuple[Any, Any, Any, History, Output | None]:
        """Build and fit; return (model, optimizer, loser, history, output).

        Raises
        ------
        Incompatible
            If features or target are no matrices.
        InvalidFunction
            If fn_build returns no estimator, or fn_train no fitted one.
        """
        hp = task.hyperparameters
        _check_matrices(task)
        output = Output.PROBABILITY if task.analysis_type.is_classification else None
        model, loser = _build(task), self.loser(task, output)
        optimizer = call_user("fn_optimize", role_function(task, "optimize"), **hp)
        returned = call_user(
            "fn_train",
            role_function(task, "train"),
            *(model, loser, optimizer, *_encoded_arrays(task)),
            **hp,
        )
        fitted, history = read_training(returned, _is_estimator, "the fitted estimator")
        return fitted, optimizer, loser, history or _own_history(fitted), output

    def loser(self, task: TrainingTask, output: Output | None) -> Any:  # noqa: ARG002 - protocol
        """Return `loser(true, predicted)` or `loser(true, predicted, probabilities)`."""
        return plain_loser(task)

    def predict(
        self,
        task: TrainingTask,
        model: Any,
        features: Features,
        output: Output | None,  # noqa: ARG002 - protocol
    ) -> tuple[Array, Array | None]:
        """Return (class codes or numbers, probabilities or None); a column for every class."""
        returned = call_user("fn_predict", role_function(task, "predict"), model, locked(features))
        prediction, probabilities = read_prediction(returned)
        if probabilities is None:
            return as_numpy(prediction), None
        spread = _spread(as_numpy(probabilities), model, _class_count(task))
        return as_numpy(prediction), spread

    def loss(
        self, task: TrainingTask, model: Any, loser: Any, features: Features, label: Array
    ) -> float:
        """Return the loss on class codes or encoded numbers."""
        predicted, probabilities = self.predict(task, model, features, None)
        true = _target(task, label)
        if not np.isfinite(predicted).all():
            return float("nan")
        if predicted.size == true.size:
            predicted = predicted.reshape(true.shape)
        if _wants_probabilities(loser):
            return float(loser(true, predicted, _two_columns(probabilities)))
        return float(loser(true, predicted))

    def export(self, task: TrainingTask, model: Any, optimizer: Any) -> StoredModel:  # noqa: ARG002
        """Return the estimator as skops, as dill where skops refuses, or a note."""
        from aiqc.pipeline.estimators import dump_estimator, load_estimator

        output = Output.PROBABILITY if task.analysis_type.is_classification else None
        check = self._repeats(task, model)
        try:
            data = dump_estimator(model)
            if check(load_estimator(data)):
                return StoredModel(ModelForm.ESTIMATOR, data, output=output)
            reason = "Loaded from skops, the estimator's outputs differ."
        except Exception as error:  # noqa: BLE001 - whatever skops raises, the result is kept
            reason = f"skops cannot store {type(model).__name__}: {error}"
        return dump_opaque(model, reason, check=check, output=output)

    def rebuild(self, task: TrainingTask, stored: StoredModel) -> tuple[Any, Any]:  # noqa: ARG002
        """Return (estimator, None) from bytes."""
        if stored.form is ModelForm.ESTIMATOR and stored.model is not None:
            from aiqc.pipeline.estimators import load_estimator

            return load_estimator(stored.model), None
        return load_opaque(stored), None

    def _repeats(self, task: TrainingTask, model: Any) -> Callable[[Any], bool]:
        """Return whether another estimator's outputs on one batch equal the model's."""
        batch = head(task.features[task.key_train], _CHECK_ROWS)
        expected = self.predict(task, model, batch, None)

        def check(other: Any) -> bool:
            return _same(expected, self.predict(task, other, batch, None))

        return check


def _check_matrices(task: TrainingTask) -> None:
    """Refuse sequences, images and windows: estimators take one row of numbers a sample."""
    features = task.shapes.features
    shapes = [*(features if isinstance(features, list) else [features]), task.shapes.label]
    for shape in shapes:
        if len(shape) > 1:
            msg = f"scikit-learn takes one row a sample, and samples have the shape {shape}."
            hint = "Attach a FeatureShaper that multiplies the axes, such as (0, (1, 2))."
            raise Incompatible(msg, hint=hint, shape=shape)


def _build(task: TrainingTask) -> Any:
    """Return a seeded copy of the estimator that fn_build makes."""
    shapes = (task.shapes.features, task.shapes.label)
    built = call_user("fn_build", task.functions.build, *shapes, **task.hyperparameters)
    if isinstance(built, type) or not (_is_estimator(built) and hasattr(built, "fit")):
        refuse_return("fn_build", _ESTIMATOR, built)
    return _seeded(built, task.seed)


def _seeded(built: Any, seed: int) -> Any:
    """Return an unfitted copy whose open `random_state`s, nested ones too, have seeds."""
    if not hasattr(built, "get_params"):
        return copy.deepcopy(built)
    from sklearn.base import clone

    estimator = clone(built)
    found = estimator.get_params(deep=True)
    is_open = {
        name: seeds.derive(seed, name)
        for name, value in found.items()
        if value is None and name.rpartition("__")[2] == "random_state"
    }
    return estimator.set_params(**is_open) if is_open else estimator


def _encoded_arrays(task: TrainingTask) -> tuple[Any, ...]:
    """Return the four arrays of fn_train, labels as scikit-learn takes them."""
    train, train_label, evaluation, eval_label = training_arrays(task)
    target = None if eval_label is None else _target(task, eval_label)
    return train, _target(task, train_label), evaluation, target


def _target(task: TrainingTask, label: Array) -> Array:
    """Return class codes `(samples,)`, or numbers `(samples,)` or `(samples, columns)`."""
    if task.analysis_type.is_classification:
        return task.decoder.ordinal(label)
    single = label.ndim > 1 and label.shape[-1] == 1
    return label.reshape(label.shape[:-1]) if single else label


def _class_count(task: TrainingTask) -> int:
    return 0 if task.decoder.classes is None else len(task.decoder.classes)


def _spread(probabilities: Array, model: Any, class_count: int) -> Array:
    """Return one column a class; zeros for classes that the training rows lacked."""
    known = getattr(model, "classes_", None)
    if known is None or probabilities.ndim == 1 or probabilities.shape[1] != len(known):
        return probabilities
    if len(known) >= class_count:
        return probabilities
    spread = np.zeros((len(probabilities), class_count), dtype=probabilities.dtype)
    spread[:, np.asarray(known, dtype=np.int64)] = probabilities
    return spread


def _two_columns(probabilities: Array | None) -> Array | None:
    """Return binary probabilities of the positive class as a column each for both classes."""
    if probabilities is None:
        return None
    column = probabilities.reshape(len(probabilities), -1)
    return np.hstack([1 - column, column]) if column.shape[1] == 1 else column


def _wants_probabilities(loser: Any) -> bool:
    try:
        parameters = inspect.signature(loser).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [item for item in parameters if item.kind in kinds and item.default is item.empty]
    return len(needed) == _THREE


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "predict") and not isinstance(value, type)


def _takes_nan(estimator: Any) -> bool:
    """Return whether NaN may enter; a Pipeline's steps may until an imputer removes it."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils import get_tags

    if not isinstance(estimator, Pipeline):
        if _is_imputer(estimator) or type(estimator).__name__ == "ColumnTransformer":
            return True
        return hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).input_tags.allow_nan
    for _, step in estimator.steps:
        if step is None or step == "passthrough":
            continue
        if not _takes_nan(step):
            return False
        if _is_imputer(step) or type(step).__name__ == "ColumnTransformer":
            return True
    return True


def _is_imputer(step: Any) -> bool:
    return type(step).__module__.startswith("sklearn.impute")


def _own_history(model: Any) -> History:
    """Return the series that an estimator recorded while it was fitted."""
    steps = getattr(model, "steps", None)
    last = steps[-1][1] if steps else model
    series = {"loss": "loss_curve_", "train_score": "train_score_"}
    found = {name: getattr(last, attribute, None) for name, attribute in series.items()}
    return {
        name: np.asarray(values, dtype=np.float64)
        for name, values in found.items()
        if values is not None and len(values)
    }


def _same(left: tuple[Array, Array | None], right: tuple[Array, Array | None]) -> bool:
    if left[1] is not None and (right[1] is None or not _equal(left[1], right[1])):
        return False
    return _equal(left[0], right[0])


def _equal(left: Array, right: Array) -> bool:
    return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
