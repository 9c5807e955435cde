"""Labels fitted to a model's outputs, so that no loss broadcasts silently."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import Incompatible, ResultWarning
from aiqc.core.lazy import load

if TYPE_CHECKING:
    import torch

_MATRIX = 2


def compute_loss(loser: Any, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Return the loss of outputs against labels of the same samples.

    Parameters
    ----------
    loser
        `loser(outputs, label)`.
    outputs
        `(samples, ...)`, as the model returned them.
    label
        `(samples,)` or `(samples, 1)` class codes, `(samples, classes)` one-hot, or numbers
        `(samples, ...)`.

    Raises
    ------
    Incompatible
        If shapes differ in a way that a loss would broadcast, or BCELoss gets numbers outside
        [0, 1].
    """
    target = align_label(loser, outputs, label)
    try:
        return loser(outputs, target)
    except RuntimeError as error:
        if not isinstance(loser, load("torch").nn.BCELoss):
            raise
        if bool(outputs.isnan().any()):
            # BCELoss refuses NaN with the same error; a NaN loss is a value (RULINGS, Records).
            return outputs.sum()
        raise outside_interval() from error


def outside_interval() -> Incompatible:
    """Return the error for BCELoss on numbers that are no probabilities."""
    msg = "BCELoss takes probabilities, and the model returns numbers outside [0, 1]."
    hint = "End the model in torch.nn.Sigmoid(), or return torch.nn.BCEWithLogitsLoss()."
    return Incompatible(msg, hint=hint, function="fn_lose")


def warn_of_logit_loss(loser: Any) -> None:
    """Warn of a loss that makes probabilities itself, where the model has made them already.

    Only of torch's own classes: what a subclass does is not known.
    """
    nn = load("torch").nn
    second = {nn.CrossEntropyLoss: "softmax", nn.BCEWithLogitsLoss: "sigmoid"}.get(type(loser))
    if second is None:
        return
    message = (
        f"{type(loser).__name__} applies a {second} of its own, and the model ends in "
        f"probabilities: a {second} of a {second} learns little. Leave out the model's last "
        "layer, or fn_lose: the default loss fits either."
    )
    warnings.warn(message, ResultWarning, stacklevel=3)


def align_label(loser: Any, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Return the label in the shape and type that the loss needs for these outputs.

    Class codes become int64 `(samples,)` for losses that take codes; `(samples, 1)` and
    `(samples,)` are brought together; whole numbers become floats for losses of numbers.
    """
    if _takes_codes(loser):
        return _as_codes(loser, outputs, label)
    if outputs.shape == label.shape:
        return label if label.is_floating_point() else label.to(outputs.dtype)
    if outputs.numel() == label.numel() and 1 in (outputs.ndim, label.ndim):
        return label.reshape(outputs.shape).to(outputs.dtype)
    if not label.is_floating_point():
        single = label.ndim == _MATRIX and label.shape[1] == 1
        return label.reshape(len(label)) if single else label
    msg = (
        f"The model returns {tuple(outputs.shape)} for labels of shape {tuple(label.shape)}; "
        "the loss would broadcast them."
    )
    hint = "Let the last layer have as many outputs as the label has columns."
    raise Incompatible(msg, hint=hint, function="fn_build")


def _takes_codes(loser: Any) -> bool:
    return isinstance(loser, _code_losses())


@cache
def _code_losses() -> tuple[type, ...]:
    """Return the losses of class codes; found once, since every batch asks."""
    nn = load("torch").nn
    return nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss


def _as_codes(loser: Any, outputs: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    if outputs.ndim == _MATRIX and outputs.shape[1] == 1:
        msg = f"{type(loser).__name__} needs one output a class, and the model returns one column."
        hint = "Give the last layer one output a class, or use BCEWithLogitsLoss for two classes."
        raise Incompatible(msg, hint=hint, function="fn_build")
    if outputs.shape == label.shape:
        is_cross_entropy = isinstance(loser, load("torch").nn.CrossEntropyLoss)
        return label.to(outputs.dtype) if is_cross_entropy else label.argmax(dim=1)
    single = label.ndim == _MATRIX and label.shape[1] == 1 and outputs.ndim == _MATRIX
    codes = label.reshape(len(label)) if single else label
    return codes.long() if codes.is_floating_point() else codes
