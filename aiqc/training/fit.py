"""The training loop of PyTorch models: shuffle, batch, step, evaluate each epoch."""

from __future__ import annotations

import copy
import re
import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidData, InvalidInput, ResultWarning
from aiqc.core.lazy import load
from aiqc.training.pytorch_arrays import (
    call_model,
    device_of,
    evaluating,
    forward,
    move,
    row_count,
    split_rows,
    take_rows,
)
from aiqc.training.pytorch_loss import compute_loss

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from aiqc.core.types import History

_MATRIX = 2
_TASKS = re.compile(r"^(Binary|Multiclass|Multilabel)(?=[A-Z])")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class _Samples:
    """Features and label of one split, on the model's device."""

    features: Any
    label: torch.Tensor


def fit(
    model: torch.nn.Module,
    loser: Any,
    optimizer: torch.optim.Optimizer,
    train_features: Any,
    train_label: torch.Tensor,
    eval_features: Any = None,
    eval_label: torch.Tensor | None = None,
    epochs: int = 30,
    batch_size: int = 5,
    enforce_sameSize: bool = True,
    allow_singleSample: bool = False,
    metrics: Sequence[Any] | None = None,
) -> tuple[torch.nn.Module, History]:
    """Train a model and record its loss and metrics after each epoch.

    Each epoch draws a new order of the samples from torch's global generator, cuts it into
    batches and makes one step a batch. After it, loss and metrics of both splits are computed
    in eval mode without gradients, so that no layer learns from being evaluated.

    Parameters
    ----------
    model
        Trained in place, on the device that it is on; data is moved there once.
    loser
        `loser(outputs, label)`, e.g. `torch.nn.CrossEntropyLoss()`.
    optimizer
        Steps the model's parameters.
    train_features, eval_features
        `(samples, ...)` tensor, or a list of them for several Features: handed to `forward` as
        one list, or as one argument each when it requires as many. eval_* may be None.
    train_label, eval_label
        `(samples, 1)`, `(samples,)` class codes, `(samples, classes)` one-hot, or a target of
        more axes, `(samples, ..., columns)`.
    epochs
        How many times all samples are seen.
    batch_size
        Samples a step; more than there are samples gives one batch of all, with a warning.
    enforce_sameSize
        Drop the last batch of an epoch when it is shorter than the others.
    allow_singleSample
        Keep batches of one sample, which batch normalisation cannot take.
    metrics
        Instances of torchmetrics classes; the history names them by class, without the task:
        `MulticlassAccuracy` gives 'accuracy' and 'val_accuracy'. They are copied, not changed.

    Returns
    -------
    tuple
        The model, and the history: series name -> one float64 an epoch ('loss', 'val_loss',
        metrics, 'val_' metrics).

    Raises
    ------
    InvalidInput
        If a count is below 1, or no batch would be left.
    InvalidData
        If features and labels differ in length.
    Incompatible
        If the loss would broadcast outputs and labels.

    Warns
    -----
    ResultWarning
        If `batch_size` is above the number of samples.
    """
    device = device_of(model)
    train = _samples(train_features, train_label, device, "train")
    evaluation = _evaluation_samples(eval_features, eval_label, device)
    size = _batch_rows(row_count(train.label), batch_size)
    _check_epochs(epochs)
    _refuse_no_batch(row_count(train.label), size, enforce_sameSize, allow_singleSample)
    tracked = _track(metrics or (), device)

    series: dict[str, list[float]] = defaultdict(list)
    was_training = model.training
    if not was_training:
        model.train()
    for _ in range(epochs):
        for features, label in _batches(train, size, enforce_sameSize, allow_singleSample):
            optimizer.zero_grad()
            compute_loss(loser, call_model(model, features), label).backward()
            optimizer.step()
        _record(series, "", model, loser, train, tracked)
        if evaluation is not None:
            _record(series, "val_", model, loser, evaluation, tracked)
    if not was_training:
        model.eval()
    return model, {name: np.array(values, dtype=np.float64) for name, values in series.items()}


def _batches(
    samples: _Samples,
    size: int,
    same_size: bool,
    single: bool,
) -> Iterator[tuple[Any, torch.Tensor]]:
    """Yield the batches of one epoch: views of one shuffled copy of features and label."""
    order = load("torch").randperm(row_count(samples.label)).to(samples.label.device)
    features = split_rows(take_rows(samples.features, order), size)
    labels = split_rows(take_rows(samples.label, order), size)
    for batch, label in zip(features, labels, strict=True):
        if _is_kept(len(label), size, same_size=same_size, single=single):
            yield batch, label


def _is_kept(rows: int, size: int, *, same_size: bool, single: bool) -> bool:
    return (rows == size or not same_size) and (rows > 1 or single)


def _record(
    series: dict[str, list[float]],
    prefix: str,
    model: torch.nn.Module,
    loser: Any,
    samples: _Samples,
    tracked: dict[str, Any],
) -> None:
    """Append the loss and metrics of one split, computed on all of it at once."""
    with evaluating(model):
        outputs = forward(model, samples.features)
        loss = compute_loss(loser, outputs, samples.label)
        series[f"{prefix}loss"].append(float(loss))
        for name, metric in tracked.items():
            series[f"{prefix}{name}"].append(_measure(metric, outputs, samples.label))


def _measure(metric: Any, outputs: torch.Tensor, label: torch.Tensor) -> float:
    predicted, true = _metric_inputs(metric, outputs, label)
    metric.reset()
    metric.update(predicted, true)
    value = float(metric.compute())
    metric.reset()
    return value


def _metric_inputs(
    metric: Any, outputs: torch.Tensor, label: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both as torchmetrics expects: one column flat, classes as int64 codes.

    Numbers of more axes are flattened to `(rows, columns)`, as the scores of a split are.
    """
    if not type(metric).__module__.startswith("torchmetrics.classification"):
        return _columns(outputs), _columns(label).to(outputs.dtype)
    if type(metric).__name__.startswith("Multilabel"):
        return outputs, label.long()
    one_hot = outputs.ndim == _MATRIX and label.shape == outputs.shape and outputs.shape[1] > 1
    codes = label.argmax(dim=1) if one_hot else _flat(label).long()
    return _flat(outputs), codes


def _columns(tensor: torch.Tensor) -> torch.Tensor:
    flat = _flat(tensor)
    return flat.reshape(-1, flat.shape[-1]) if flat.ndim > _MATRIX else flat


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.reshape(len(tensor)) if tensor.numel() == len(tensor) else tensor


def _track(metrics: Sequence[Any], device: torch.device) -> dict[str, Any]:
    """Return history name -> a copy of the metric on the device."""
    tracked: dict[str, Any] = {}
    for metric in metrics:
        if isinstance(metric, type) or not all(
            hasattr(metric, method) for method in ("update", "compute", "reset")
        ):
            msg = f"metrics holds {metric!r}, which is no torchmetrics instance."
            raise InvalidInput(
                msg, hint="Pass instances such as torchmetrics.R2Score().", value=metric
            )
        name = base = metric_name(type(metric).__name__)
        while name in tracked:
            name = f"{base}_{sum(key.startswith(base) for key in tracked) + 1}"
        tracked[name] = copy.deepcopy(metric).to(device)
    return tracked


def metric_name(class_name: str) -> str:
    """Return the name of a torchmetrics class in the history.

    Examples
    --------
    >>> metric_name("MulticlassAccuracy"), metric_name("MeanSquaredError"), metric_name("R2Score")
    ('accuracy', 'mean_squared_error', 'r2_score')
    >>> metric_name("BinaryAUROC"), metric_name("BinaryF1Score")
    ('auroc', 'f1_score')
    """
    return _WORDS.sub("_", _TASKS.sub("", class_name)).lower()


def _samples(features: Any, label: torch.Tensor, device: torch.device, split: str) -> _Samples:
    tensors = features if isinstance(features, list | tuple) else [features]
    lengths = [len(tensor) for tensor in (*tensors, label)]
    if len(set(lengths)) > 1 or lengths[0] == 0:
        msg = f"{split}_features and {split}_label have {lengths} samples (the label last)."
        raise InvalidData(msg, hint="Pass as many labels as samples, and at least one.")
    return _Samples(move(features, device), label.to(device))


def _evaluation_samples(
    features: Any, label: torch.Tensor | None, device: torch.device
) -> _Samples | None:
    if (features is None) is not (label is None):
        msg = "Only one of eval_features and eval_label was given."
        raise InvalidInput(msg, hint="Give both, or neither.")
    if features is None or label is None:
        return None
    return _samples(features, label, device, "eval")


def _check_epochs(epochs: int) -> None:
    if epochs < 1:
        msg = f"epochs={epochs!r} is below 1."
        raise InvalidInput(msg, hint="Train for at least one epoch.", value=epochs)


def _batch_rows(sample_count: int, batch_size: int) -> int:
    """Return the samples of a full batch: all of them at most."""
    if batch_size < 1:
        msg = f"batch_size={batch_size!r} is below 1."
        raise InvalidInput(msg, hint="Put at least one sample in a batch.", value=batch_size)
    if batch_size > sample_count:
        msg = f"batch_size={batch_size} is above the {sample_count} training samples; "
        warnings.warn(msg + "one batch of all of them is used.", ResultWarning, stacklevel=3)
        return sample_count
    return batch_size


def _refuse_no_batch(
    sample_count: int,
    size: int,
    same_size: bool,
    single: bool,
) -> None:
    sizes = (size, sample_count % size) if sample_count % size else (size,)
    if not any(_is_kept(rows, size, same_size=same_size, single=single) for rows in sizes):
        msg = f"Batches of {size} of {sample_count} samples are dropped: allow_singleSample=False."
        raise InvalidInput(msg, hint="Raise batch_size, or pass allow_singleSample=True.")
