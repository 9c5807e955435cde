"""What a PyTorch Algorithm does where the user gave no function; `get_code` shows it."""
# ruff: noqa: ARG001 - the documented signatures fix the arguments

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType, Output
from aiqc.core.lazy import load
from aiqc.training.pytorch_arrays import evaluating, forward, to_numpy

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from aiqc.core.types import Array

#: probability from which on the positive class is predicted
THRESHOLD = 0.5


def binary_lose(output: Output, **hp: Any) -> Any:
    """Return BCELoss for a model that ends in probabilities, BCEWithLogitsLoss for logits."""
    nn = load("torch").nn
    return nn.BCELoss() if output is Output.PROBABILITY else nn.BCEWithLogitsLoss()


def multi_lose(output: Output, **hp: Any) -> Any:
    """Return CrossEntropyLoss; for a model that ends in probabilities, of their logarithm.

    CrossEntropyLoss applies a softmax of its own: on probabilities it would train on the softmax
    of a softmax, whose loss cannot fall below log(1 + (classes - 1) / e).
    """
    if output is Output.PROBABILITY:
        return _probability_loss()()
    return load("torch").nn.CrossEntropyLoss()


def regression_lose(**hp: Any) -> Any:
    """Return the mean absolute error."""
    return load("torch").nn.L1Loss()


def optimize(model: torch.nn.Module, **hp: Any) -> Any:
    """Return Adamax with a learning rate of 0.01 over all parameters."""
    return load("torch").optim.Adamax(model.parameters(), lr=0.01)


def binary_predict(model: torch.nn.Module, features: Any, output: Output) -> tuple[Array, Array]:
    """Return class codes `(samples,)` and the probability of the positive class `(samples, 1)`."""
    torch = load("torch")
    with evaluating(model):
        outputs = forward(model, features)
        positive = outputs if output is Output.PROBABILITY else torch.sigmoid(outputs)
    probabilities = to_numpy(positive).reshape(-1, 1)
    return (probabilities[:, 0] >= THRESHOLD).astype(np.int64), probabilities


def multi_predict(model: torch.nn.Module, features: Any, output: Output) -> tuple[Array, Array]:
    """Return class codes `(samples,)` and probabilities `(samples, classes)` that sum to 1."""
    torch = load("torch")
    with evaluating(model):
        outputs = forward(model, features)
        outputs = outputs.reshape(len(outputs), -1)
        if output is Output.PROBABILITY:
            # One sigmoid a class is in [0, 1] too, and does not sum to 1.
            spread = outputs / outputs.sum(dim=1, keepdim=True).clamp_min(1e-30)
        else:
            spread = torch.softmax(outputs, dim=1)
    probabilities = to_numpy(spread)
    return probabilities.argmax(axis=1), probabilities


def regression_predict(model: torch.nn.Module, features: Any) -> Array:
    """Return the model's numbers."""
    with evaluating(model):
        return to_numpy(forward(model, features))


@cache
def _probability_loss() -> type[Any]:
    """Return the class, made when torch is there."""
    nn = load("torch").nn

    class ProbabilityCrossEntropyLoss(nn.CrossEntropyLoss):  # type: ignore[misc,name-defined]
        """CrossEntropyLoss of a model that ends in a softmax."""

        def forward(self, outputs: Any, label: Any) -> Any:
            """Return the cross-entropy; a softmax of log-probabilities gives them back."""
            tiny = load("torch").finfo(outputs.dtype).tiny
            return super().forward(outputs.clamp_min(tiny).log(), label)

    return ProbabilityCrossEntropyLoss


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
