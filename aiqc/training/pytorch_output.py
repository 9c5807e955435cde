"""Probability or logit: the last executed layer of a PyTorch model, or its range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.core.enums import Output
from aiqc.training.output_kind import judge_range
from aiqc.training.pytorch_arrays import (
    as_output,
    as_tensors,
    call_model,
    device_of,
    evaluating,
    forward,
    generators_kept,
    move,
    to_numpy,
)

if TYPE_CHECKING:
    import torch

    from aiqc.core.types import Features

#: layers whose output decides at once; log-probabilities are logits that need no softmax, and a
#: softmax of them gives the probabilities back
_KINDS = {
    "Sigmoid": Output.PROBABILITY,
    "Softmax": Output.PROBABILITY,
    "LogSoftmax": Output.LOGIT,
    "Linear": Output.LOGIT,
}


def find_output(model: torch.nn.Module, features: Features) -> tuple[Output, tuple[int, ...]]:
    """Return whether a classifier gives probabilities or logits, and the shape of its outputs.

    Nothing of the model changes: eval mode, no gradients, generators put back.

    Parameters
    ----------
    model
        Freshly built.
    features
        One batch of the training split.

    Returns
    -------
    tuple
        The finding, and the shape of the outputs, samples first.
    """
    model = getattr(model, "_orig_mod", model)  # torch.compile hides its layers
    with evaluating(model), generators_kept(model):
        outputs, last = _last_layer(model, features)
        kind = _KINDS.get(last)
        if kind is None:
            kind = judge_range(lambda batch: _outputs(model, batch), features)
    return kind, tuple(outputs.shape)


def _last_layer(model: torch.nn.Module, features: Features) -> tuple[torch.Tensor, str]:
    """Return the outputs and the class of the layer that returned them; '' if none did."""
    seen: list[tuple[str, Any]] = []

    def note(module: Any, inputs: Any, output: Any) -> None:  # noqa: ARG001 - torch's signature
        seen.append((type(module).__name__, output))

    leaves = [module for module in model.modules() if not any(module.children())]
    handles = [module.register_forward_hook(note) for module in leaves]
    try:
        batch = move(as_tensors(features), device_of(model))
        outputs = as_output(call_model(model, batch))
    finally:
        for handle in handles:
            handle.remove()
    name, last = seen[-1] if seen else ("", None)
    return outputs, name if _is_same(last, outputs) else ""


def _is_same(layer_output: Any, outputs: torch.Tensor) -> bool:
    """Return whether the model returned this layer's output, perhaps in another shape."""
    return (
        isinstance(layer_output, type(outputs))
        and layer_output.numel() == outputs.numel()
        and layer_output.data_ptr() == outputs.data_ptr()
    )


def _outputs(model: torch.nn.Module, features: Features) -> Any:
    return to_numpy(forward(model, as_tensors(features)))
