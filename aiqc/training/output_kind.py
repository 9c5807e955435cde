"""Whether a classifier ends in probabilities or in logits (RULINGS, Training)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType, Output
from aiqc.core.errors import Incompatible

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features, TrainingTask

#: samples of the training split that are looked at
PROBE_ROWS = 64
#: a logit that happens to lie in [0, 1] leaves it when its inputs grow by this
_FACTORS = (1000.0, -1000.0)
_SLACK = 1e-6


def judge_range(outputs_of: Callable[[Features], Array], features: Features) -> Output:
    """Return PROBABILITY if outputs stay in [0, 1] on a batch and on +-1000 times it.

    Parameters
    ----------
    outputs_of
        Returns the model's outputs in eval mode.
    features
        One batch.
    """
    if not _inside(outputs_of(features)):
        return Output.LOGIT
    for factor in _FACTORS:
        try:
            outputs = outputs_of(_scaled(features, factor))
        except Exception:  # noqa: BLE001 - embeddings refuse codes that they do not know
            continue
        if not _inside(outputs):
            return Output.LOGIT
    return Output.PROBABILITY


def check_outputs(task: TrainingTask, shape: tuple[int, ...]) -> None:
    """Refuse a model whose outputs do not fit the label; losses would broadcast.

    Parameters
    ----------
    task
        Gives the analysis type and the shape of a label.
    shape
        Shape of the model's outputs of one batch, samples first.

    Raises
    ------
    Incompatible
        Names both shapes.
    """
    expected = (1,) if task.analysis_type is AnalysisType.BINARY else tuple(task.shapes.label)
    sample = tuple(shape[1:])
    is_number = task.analysis_type is AnalysisType.REGRESSION and expected != (1,)
    # numbers of the same count in another shape would be compared with the wrong ones
    if sample == expected or (not is_number and math.prod(sample) == math.prod(expected)):
        return
    msg = f"The model of fn_build returns {sample} a sample; {task.analysis_type.value} "
    msg += f"needs {expected}."
    hint = "Give the last layer label_shape[0] outputs (1 for binary), or pass fn_predict."
    if len(expected) > 1:
        hint = f"Let the model end in label_shape, {expected}: the columns last."
    raise Incompatible(msg, hint=hint, function="fn_build", shape=sample, expected=expected)


def _inside(outputs: Array) -> bool:
    """Return whether all finite outputs lie in [0, 1]; a softmax of huge numbers may be NaN."""
    finite = outputs[np.isfinite(outputs)]
    return bool(finite.size) and bool(finite.min() >= -_SLACK and finite.max() <= 1 + _SLACK)


def _scaled(features: Any, factor: float) -> Any:
    if isinstance(features, list):
        return [array * np.float32(factor) for array in features]
    return features * np.float32(factor)
