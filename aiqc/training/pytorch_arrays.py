"""Arrays to tensors, and tensors through a model in eval mode without gradients."""

from __future__ import annotations

import inspect
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType
from aiqc.core.errors import InvalidFunction
from aiqc.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from aiqc.core.types import Array, Features, Shape

#: values of one chunk of a forward pass: 32 MB of float32
CHUNK_VALUES = 2**23
#: rows of one chunk, however few columns they have
CHUNK_ROWS = 2**14


def as_tensor(array: Array) -> torch.Tensor:
    """Return a float32 tensor over an array; copied only where torch could not write to it."""
    # either memory order will do: a matrix product reads both
    whole = array.flags.c_contiguous or array.flags.f_contiguous
    values = np.asarray(array if whole else np.ascontiguousarray(array), dtype=np.float32)
    if not values.flags.writeable:
        values = values.copy()
    return load("torch").from_numpy(values)


def as_tensors(features: Features) -> Any:
    """Return one float32 tensor, or a list of them for several Features."""
    if isinstance(features, list):
        return [as_tensor(array) for array in features]
    return as_tensor(features)


def label_tensor(label: Array, analysis_type: AnalysisType) -> torch.Tensor:
    """Return a label as fn_train and the losses take it.

    Parameters
    ----------
    label
        `(samples, 1)` class codes or numbers, `(samples, classes)` one-hot, or an unsupervised
        target `(samples, ...)`.
    analysis_type
        Multi-class codes become int64 `(samples,)`; all else keeps its shape as float32.
    """
    if analysis_type is AnalysisType.MULTI and label.size == len(label):
        codes = np.ascontiguousarray(label.reshape(len(label)), dtype=np.int64)
        return load("torch").from_numpy(codes if codes.flags.writeable else codes.copy())
    return as_tensor(label)


def sample_tensors(shapes: Shape | list[Shape]) -> Any:
    """Return one sample of zeros, or a list of them, of the shapes that fn_build receives."""
    torch = load("torch")
    if isinstance(shapes, list):
        return [torch.zeros((1, *shape)) for shape in shapes]
    return torch.zeros((1, *shapes))


def device_of(model: torch.nn.Module) -> torch.device:
    """Return the device of the first parameter or buffer; the CPU where there is none."""
    torch = load("torch")
    for tensors in (model.parameters(), model.buffers()):
        for tensor in tensors:
            return tensor.device
    return torch.device("cpu")


def move(tensors: Any, device: torch.device) -> Any:
    """Return tensors on a device; the same tensors where they are there already."""
    if isinstance(tensors, list | tuple):
        return [tensor.to(device) for tensor in tensors]
    return tensors.to(device)


def row_count(tensors: Any) -> int:
    """Return how many samples one tensor, or a list of tensors, has."""
    return len(tensors[0]) if isinstance(tensors, list | tuple) else len(tensors)


def split_rows(tensors: Any, size: int) -> list[Any]:
    """Return consecutive views of `size` samples; the last may be shorter."""
    if isinstance(tensors, list | tuple):
        return [list(parts) for parts in zip(*(t.split(size) for t in tensors), strict=True)]
    return list(tensors.split(size))


def take_rows(tensors: Any, index: torch.Tensor) -> Any:
    """Return the samples at an index, copied once."""
    if isinstance(tensors, list | tuple):
        return [tensor.index_select(0, index) for tensor in tensors]
    return tensors.index_select(0, index)


def spreads_features(model: torch.nn.Module, features: Any) -> bool:
    """Return whether `forward` requires one argument a Feature, rather than a list of them."""
    if not isinstance(features, list | tuple):
        return False
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return False
    if any(item.kind is item.VAR_POSITIONAL for item in parameters):
        return True
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [item for item in parameters if item.kind in kinds and item.default is item.empty]
    return len(required) == len(features) and len(required) > 1


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Put every layer in eval mode, without gradients; each layer's own mode comes back."""
    torch = load("torch")
    modes = [(module, module.training) for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def generators_kept(model: torch.nn.Module) -> Iterator[None]:
    """Put torch's generators, of the CPU and of the model's device, back afterwards."""
    torch = load("torch")
    device = device_of(model)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def call_model(model: torch.nn.Module, features: Any) -> Any:
    """Return what the model returns for features on its device, in the mode it is in."""
    return model(*features) if spreads_features(model, features) else model(features)


def forward(model: torch.nn.Module, features: Any) -> torch.Tensor:
    """Return the outputs of a whole split, computed in chunks on the model's device.

    Parameters
    ----------
    model
        Called in the mode it is in: see `evaluating`.
    features
        One tensor `(samples, ...)`, or a list of them.

    Raises
    ------
    InvalidFunction
        If the model returns something else than one tensor.
    """
    torch = load("torch")
    device, spread = device_of(model), spreads_features(model, features)
    outputs = []
    for chunk in split_rows(features, chunk_rows(features)):
        batch = move(chunk, device)
        outputs.append(as_output(model(*batch) if spread else model(batch)))
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def as_output(returned: Any) -> torch.Tensor:
    """Return the model's output; refuse anything but one tensor."""
    if isinstance(returned, load("torch").Tensor):
        return returned
    msg = f"The model of fn_build returned {type(returned).__name__} instead of one tensor."
    hint = "Return one tensor from forward, or give fn_predict and use your own loop in fn_train."
    raise InvalidFunction(msg, hint=hint, function="fn_build")


def chunk_rows(features: Any) -> int:
    """Return how many samples one chunk of a forward pass holds."""
    tensors = features if isinstance(features, list | tuple) else [features]
    values = sum(int(tensor[:1].numel()) for tensor in tensors)
    return max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(values, 1)))


def to_numpy(tensor: torch.Tensor) -> Array:
    """Return a tensor as an array; half precision, which numpy lacks in part, as float32."""
    torch = load("torch")
    values = tensor.detach().cpu()
    if values.dtype in (torch.bfloat16, torch.float16):
        values = values.float()
    array: Array = values.numpy()
    return array


def materialise(model: torch.nn.Module, sample: Any) -> None:
    """Give lazy layers (LazyLinear ...) their shapes by one pass of one sample."""
    torch = load("torch")
    lazy = torch.nn.parameter.UninitializedTensorMixin
    tensors = (*model.parameters(), *model.buffers())
    if any(isinstance(tensor, lazy) for tensor in tensors):
        with warnings.catch_warnings(), evaluating(model):
            warnings.simplefilter("ignore", UserWarning)
            call_model(model, move(sample, device_of(model)))
