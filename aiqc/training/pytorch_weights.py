"""Weights and optimizer state of PyTorch models as bytes, and back into what fn_build makes."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import CorruptBlob
from aiqc.core.lazy import load
from aiqc.training.pytorch_arrays import call_model, device_of, evaluating, generators_kept, move
from aiqc.training.tensor_codec import TensorPacker, decode, read_structure, structure_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

#: any number: models that sample in `forward` are compared on the same draws
_CHECK_SEED = 0


def pack_state(state: Any) -> bytes:
    """Return a state_dict as safetensors; tensors that share storage are stored once.

    Raises
    ------
    InvalidInput
        If something in it is neither a tensor nor has a JSON form.
    """
    torch = load("torch")
    from safetensors.torch import save

    packer = TensorPacker(lambda value: isinstance(value, torch.Tensor), _storage_key)
    structure = packer.encode(dict(state))
    tensors = {name: _stored(tensor) for name, tensor in packer.tensors.items()}
    data: bytes = save(tensors, metadata=structure_metadata(structure))
    return data


def unpack_state(data: bytes) -> Any:
    """Return the state_dict that `pack_state` wrote; tensors on the CPU.

    Raises
    ------
    CorruptBlob
        If the bytes are something else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as read

    structure = read_structure(data)
    try:
        return decode(structure, read(data))
    except SafetensorError as error:
        msg = f"{len(data)} bytes are not stored weights: {error}."
        raise CorruptBlob(msg, hint="Restore the metastore from a backup.") from error


def find_difference(built: torch.nn.Module, trained: torch.nn.Module) -> str:
    """Return what keeps weights of `trained` from fitting `built`; '' if nothing does.

    Compares the layers, and the names, shapes and types of all tensors, in order.
    """
    for expected, found in _pairs(_layers(built), _layers(trained)):
        if expected != found:
            return f"fn_train returned {found} where fn_build makes {expected}."
    for expected, found in _pairs(_tensors(built), _tensors(trained)):
        if expected != found:
            return f"fn_train returned {found} where fn_build makes {expected}."
    return ""


def outputs_on(model: torch.nn.Module, features: Any) -> list[torch.Tensor]:
    """Return all tensors that the model returns for a batch, in eval mode, on the CPU."""
    torch = load("torch")
    from torch.utils import _pytree as tree

    with evaluating(model), generators_kept(model):
        torch.manual_seed(_CHECK_SEED)
        returned = call_model(model, move(features, device_of(model)))
    leaves = tree.tree_leaves(returned)
    return [leaf.detach().cpu() for leaf in leaves if isinstance(leaf, torch.Tensor)]


def same_outputs(left: list[torch.Tensor], right: list[torch.Tensor], *, exactly: bool) -> bool:
    """Return whether two models gave the same outputs; NaN equals NaN.

    Parameters
    ----------
    left, right
        See `outputs_on`.
    exactly
        Bit by bit; else within the rounding of fused kernels (torch.compile).
    """
    torch = load("torch")
    tolerance = {"rtol": 0.0, "atol": 0.0} if exactly else {"rtol": 1e-4, "atol": 1e-6}
    return len(left) == len(right) and all(
        a.shape == b.shape
        and a.dtype == b.dtype
        and bool(torch.allclose(a, b, equal_nan=True, **tolerance))
        for a, b in zip(left, right, strict=True)
    )


def _storage_key(tensor: torch.Tensor) -> Any:
    """Return the same key for tied weights, which are two parameters over one storage."""
    if tensor.layout is not load("torch").strided or tensor.numel() == 0:
        return id(tensor)
    start = (tensor.device, tensor.data_ptr(), tensor.dtype)
    return (*start, tuple(tensor.shape), tuple(tensor.stride()))


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().contiguous()


def _layers(model: torch.nn.Module) -> list[str]:
    named = model.named_modules()
    return [f"{type(module).__name__} {name or 'model'!r}" for name, module in named]


def _tensors(model: torch.nn.Module) -> list[str]:
    return [f"{name!r} {_shape_of(value)}" for name, value in model.state_dict().items()]


def _shape_of(value: Any) -> str:
    if isinstance(value, load("torch").Tensor):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    return type(value).__name__


def _pairs(left: list[str], right: list[str]) -> Iterator[tuple[str, str]]:
    """Return two lists side by side; the shorter one is continued with 'nothing'."""
    return zip_longest(left, right, fillvalue="nothing")
