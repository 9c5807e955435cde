"""What a Keras Algorithm does where the user gave no function; `get_code` shows it."""
# ruff: noqa: ARG001 - the documented signatures fix the arguments

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType, Output
from aiqc.core.lazy import load
from aiqc.training.keras_forward import forward

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features

#: probability from which on the positive class is predicted
THRESHOLD = 0.5


def binary_lose(output: Output, **hp: Any) -> Any:
    """Return BinaryCrossentropy, from logits where the model ends in them."""
    return load("keras").losses.BinaryCrossentropy(from_logits=output is Output.LOGIT)


def multi_lose(output: Output, ordinal: bool, **hp: Any) -> Any:
    """Return CategoricalCrossentropy, or SparseCategoricalCrossentropy for class codes."""
    losses, from_logits = load("keras").losses, output is Output.LOGIT
    if ordinal:
        return losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    return losses.CategoricalCrossentropy(from_logits=from_logits)


def regression_lose(**hp: Any) -> Any:
    """Return the mean absolute error."""
    return load("keras").losses.MeanAbsoluteError()


def optimize(**hp: Any) -> Any:
    """Return Adamax with a learning rate of 0.01."""
    return load("keras").optimizers.Adamax(learning_rate=0.01)


def binary_predict(model: Any, features: Features, output: Output) -> tuple[Array, Array]:
    """Return class codes `(samples,)` and the probability of the positive class `(samples, 1)`."""
    outputs = forward(model, features).reshape(-1, 1)
    probabilities = outputs if output is Output.PROBABILITY else _sigmoid(outputs)
    return (probabilities[:, 0] >= THRESHOLD).astype(np.int64), probabilities


def multi_predict(model: Any, features: Features, output: Output) -> tuple[Array, Array]:
    """Return class codes `(samples,)` and probabilities `(samples, classes)` that sum to 1."""
    outputs = forward(model, features)
    outputs = outputs.reshape(len(outputs), -1)
    # One sigmoid a class is in [0, 1] too, and does not sum to 1.
    spread = outputs if output is Output.PROBABILITY else _exponentials(outputs)
    total = spread.sum(axis=1, keepdims=True)
    probabilities = spread / np.maximum(total, np.finfo(spread.dtype).tiny)
    return probabilities.argmax(axis=1), probabilities


def regression_predict(model: Any, features: Features) -> Array:
    """Return the model's numbers."""
    return forward(model, features)


def _exponentials(logits: Array) -> Array:
    """Return the exponentials of logits, the largest of a row scaled to 1."""
    values: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    return values


def _sigmoid(logits: Array) -> Array:
    """Return the logistic function without overflow."""
    small: Array = np.exp(-np.abs(logits))
    values: Array = np.where(logits >= 0, 1, small) / (1 + small)
    return values


#: role and analysis type -> function; lose and predict of classifiers also take the output
DEFAULTS: dict[tuple[str, AnalysisType], Callable[..., Any]] = {
    **{("optimize", kind): optimize for kind in AnalysisType},
    ("lose", AnalysisType.BINARY): binary_lose,
    ("lose", AnalysisType.MULTI): multi_lose,
    ("lose", AnalysisType.REGRESSION): regression_lose,
    ("predict", AnalysisType.BINARY): binary_predict,
    ("predict", AnalysisType.MULTI): multi_predict,
    ("predict", AnalysisType.REGRESSION): regression_predict,
}
