"""A linear, logistic or softmax model in numpy that trains in milliseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np

from aiqc.core.enums import AnalysisType
from aiqc.training.arrays import as_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features, History, Shape

#: loser(true, predicted) -> mean loss
Loser: TypeAlias = "Callable[[Array, Array], float]"


@dataclass
class ToyDescent:
    """Plain gradient descent; counts its steps."""

    learning_rate: float = 0.1
    step_count: int = 0

    def step(self, weights: list[Array], gradients: list[Array]) -> None:
        """Move the weights against their gradients, in place."""
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= self.learning_rate * gradient
        self.step_count += 1


@final
class ToyModel:
    """A linear model with a link that fits the analysis type, or one tanh layer before it.

    Parameters
    ----------
    hidden
        Units of the hidden layer; 0 for none.
    """

    def __init__(self, hidden: int = 0) -> None:
        self.hidden = hidden
        self.analysis_type = AnalysisType.REGRESSION
        #: shape of one sample's numbers; classifiers have one axis
        self.shape: Shape = (1,)
        #: matrix `(inputs, outputs)` and bias `(outputs,)` of each layer, in order
        self.weights: list[Array] = []

    def start(self, analysis_type: AnalysisType, inputs: int, outputs: int | Shape) -> None:
        """Draw the weights from numpy's global generator, as the real libraries draw theirs.

        Parameters
        ----------
        analysis_type
            Decides the link.
        inputs
            Numbers a sample that go in.
        outputs
            Numbers a sample that come out, or the shape in which they do.
        """
        self.analysis_type = analysis_type
        self.shape = (outputs,) if isinstance(outputs, int) else outputs
        sizes = [inputs, *([self.hidden] if self.hidden else []), math.prod(self.shape)]
        self.weights = []
        for before, after in pairwise(sizes):
            drawn = np.random.normal(  # noqa: NPY002 - the generator that Backend.seed seeds
                scale=1 / np.sqrt(before), size=(before, after)
            )
            self.weights += [drawn, np.zeros(after)]

    def forward(self, features: Features) -> Array:
        """Return probabilities `(samples, 1 or classes)`, or numbers `(samples, *label shape)`."""
        outputs = self._forward(flatten(features))[-1]
        return outputs.reshape(len(outputs), *self.shape)

    def fit(
        self,
        loser: Loser,
        optimizer: ToyDescent,
        train_features: Features,
        train_label: Array,
        eval_features: Features | None = None,
        eval_label: Array | None = None,
        *,
        epochs: int = 50,
    ) -> History:
        """Descend the gradient of cross-entropy or squared error; return loss and val_loss.

        Parameters
        ----------
        loser
            `loser(true, predicted)`; what the history reports.
        optimizer
            Moves the weights once an epoch, on all rows.
        train_features, train_label, eval_features, eval_label
            As `fn_train` receives them; eval_* may be None.
        epochs
            How often to step.
        """
        inputs, target = flatten(train_features), self.target(train_label)
        losses: dict[str, list[float]] = {"loss": []}
        if eval_features is not None and eval_label is not None:
            losses["val_loss"] = []
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(epochs):
                optimizer.step(self.weights, self._gradients(inputs, target))
                losses["loss"].append(loser(target, self.forward(inputs)))
                if eval_features is not None and eval_label is not None:
                    predicted = self.forward(eval_features)
                    losses["val_loss"].append(loser(self.target(eval_label), predicted))
        return {name: np.array(values) for name, values in losses.items()}

    def target(self, label: Array) -> Array:
        """Return a label as the numbers that `forward` aims at: 0 or 1, one-hot, or as it is."""
        classes = self.weights[-1].shape[0]
        if self.analysis_type is AnalysisType.MULTI and label.shape[-1] == 1 < classes:
            return np.eye(classes)[label[:, 0].astype(np.int64)]
        if self.analysis_type is AnalysisType.BINARY:
            return label[:, -1:].astype(np.float64)
        return label.reshape(len(label), *self.shape)

    def _forward(self, inputs: Array) -> list[Array]:
        """Return the outputs of every layer; the last one linked."""
        with np.errstate(over="ignore", invalid="ignore"):
            if not self.hidden:
                return [self._link(inputs @ self.weights[0] + self.weights[1])]
            inner = np.tanh(inputs @ self.weights[0] + self.weights[1])
            return [inner, self._link(inner @ self.weights[2] + self.weights[3])]

    def _link(self, raw: Array) -> Array:
        if self.analysis_type is AnalysisType.BINARY:
            chances: Array = 1 / (1 + np.exp(-np.clip(raw, -500, 500)))
            return chances
        if self.analysis_type is AnalysisType.MULTI:
            powers = np.exp(raw - raw.max(axis=1, keepdims=True))
            shares: Array = powers / powers.sum(axis=1, keepdims=True)
            return shares
        return raw

    def _gradients(self, inputs: Array, target: Array) -> list[Array]:
        """Return d loss / d weights; cross-entropy and squared error share `predicted - true`."""
        outputs = self._forward(inputs)
        error = (outputs[-1] - target.reshape(len(target), -1)) / len(inputs)
        if self.analysis_type is AnalysisType.REGRESSION:
            error *= 2 / error.shape[1]
        if not self.hidden:
            return [inputs.T @ error, error.sum(axis=0)]
        inner = outputs[0]
        back = (error @ self.weights[2].T) * (1 - inner**2)
        return [inputs.T @ back, back.sum(axis=0), inner.T @ error, error.sum(axis=0)]


def flatten(features: Features) -> Array:
    """Return one array `(samples, inputs)` of one or several Features."""
    return np.hstack([array.reshape(len(array), -1) for array in as_list(features)])
