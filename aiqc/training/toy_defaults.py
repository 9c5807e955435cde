"""What a toy Algorithm does where the user gave no function; `get_code` shows it."""
# ruff: noqa: ARG001 - the documented signatures fix the arguments

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType
from aiqc.training.toy_model import ToyDescent, ToyModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features, History

#: probability from which on the positive class is predicted
THRESHOLD = 0.5
#: keeps the logarithm of a probability finite
_TINY = 1e-15


def train(
    model: ToyModel,
    loser: Any,
    optimizer: ToyDescent,
    train_features: Features,
    train_label: Array,
    eval_features: Features | None,
    eval_label: Array | None,
    **hp: Any,
) -> tuple[ToyModel, History]:
    """Descend `hp['epochs']` times (50 by default) on all rows at once."""
    history = model.fit(
        *(loser, optimizer, train_features, train_label, eval_features, eval_label),
        epochs=hp.get("epochs", 50),
    )
    return model, history


def binary_predict(model: ToyModel, features: Features) -> tuple[Array, Array]:
    """Return class codes at a threshold of 0.5 and the probability of the positive class."""
    probabilities = model.forward(features)
    return (probabilities[:, 0] >= THRESHOLD).astype(np.int64), probabilities


def multi_predict(model: ToyModel, features: Features) -> tuple[Array, Array]:
    """Return the codes of the most probable classes and a probability per class."""
    probabilities = model.forward(features)
    return probabilities.argmax(axis=1), probabilities


def regression_predict(model: ToyModel, features: Features) -> Array:
    """Return the model's numbers."""
    return model.forward(features)


def binary_lose(**hp: Any) -> Callable[[Array, Array], float]:
    """Return the mean binary cross-entropy."""

    def loser(true: Array, predicted: Array) -> float:
        inside = np.clip(predicted, _TINY, 1 - _TINY)
        return float(-np.mean(true * np.log(inside) + (1 - true) * np.log(1 - inside)))

    return loser


def multi_lose(**hp: Any) -> Callable[[Array, Array], float]:
    """Return the mean categorical cross-entropy of one-hot classes."""

    def loser(true: Array, predicted: Array) -> float:
        return float(-np.mean(np.sum(true * np.log(np.clip(predicted, _TINY, 1)), axis=1)))

    return loser


def regression_lose(**hp: Any) -> Callable[[Array, Array], float]:
    """Return the mean squared error."""

    def loser(true: Array, predicted: Array) -> float:
        return float(np.mean((true - predicted) ** 2))

    return loser


def optimize(**hp: Any) -> ToyDescent:
    """Return gradient descent with `hp['learning_rate']`, 0.1 by default."""
    return ToyDescent(learning_rate=hp.get("learning_rate", 0.1))


#: role and analysis type -> function
DEFAULTS: dict[tuple[str, AnalysisType], Callable[..., Any]] = {
    **{("train", kind): train for kind in AnalysisType},
    **{("optimize", kind): optimize for kind in AnalysisType},
    ("lose", AnalysisType.BINARY): binary_lose,
    ("lose", AnalysisType.MULTI): multi_lose,
    ("lose", AnalysisType.REGRESSION): regression_lose,
    ("predict", AnalysisType.BINARY): binary_predict,
    ("predict", AnalysisType.MULTI): multi_predict,
    ("predict", AnalysisType.REGRESSION): regression_predict,
}
