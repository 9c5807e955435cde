"""Probability or logit: the last layer's activation of a Keras model, or its range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.core.enums import Output
from aiqc.training.keras_forward import as_output, probe
from aiqc.training.output_kind import judge_range

if TYPE_CHECKING:
    from aiqc.core.types import Features

#: activations that decide at once; a softmax of log-probabilities gives the probabilities back
_KINDS = {
    "sigmoid": Output.PROBABILITY,
    "softmax": Output.PROBABILITY,
    "log_softmax": Output.LOGIT,
    "linear": Output.LOGIT,
}
#: layers that compute nothing of their own when they have no activation
_ACTIVATED = ("Dense", "EinsumDense", "Activation")


def find_output(model: Any, features: Features) -> tuple[Output, tuple[int, ...]]:
    """Return whether a classifier gives probabilities or logits, and the shape of its outputs.

    Parameters
    ----------
    model
        Built.
    features
        One batch of the training split.

    Returns
    -------
    tuple
        The finding, and the shape of the outputs, samples first.
    """
    outputs = as_output(probe(model, features))
    kind = _KINDS.get(last_activation(model))
    if kind is None:
        kind = judge_range(lambda batch: as_output(probe(model, batch)), features)
    return kind, outputs.shape


def last_activation(model: Any) -> str:
    """Return the name of the last layer's activation; '' where that cannot be told."""
    layer = _last_layer(model)
    name = type(layer).__name__
    if name in ("Softmax", "Sigmoid"):
        return name.lower()
    if name not in _ACTIVATED:
        return ""
    return str(getattr(layer.activation, "__name__", ""))


def _last_layer(model: Any) -> Any:
    """Return the layer whose output a Sequential or functional model returns, else None."""
    tensors = getattr(model, "outputs", None) or []
    if len(tensors) != 1:
        return None
    operation = tensors[0]._keras_history.operation
    nested = operation is not model and bool(getattr(operation, "outputs", None))
    return _last_layer(operation) if nested else operation
