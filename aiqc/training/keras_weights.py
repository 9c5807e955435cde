"""Variables of Keras models and optimizers as bytes, and back into what fn_build makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import CorruptBlob
from aiqc.core.lazy import load
from aiqc.training.tensor_codec import read_structure, sequence, structure_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a rebuilt model needs beside its variables."""

    #: the trained model was compiled, so that the rebuilt one can `fit` on
    compiled: bool
    #: the default loss was the sparse one
    ordinal: bool


def model_variables(model: Any) -> list[Any]:
    """Return every variable in order, the seeds of dropout included (`get_weights` lacks them)."""
    return list(model.variables)


def pack_variables(variables: Sequence[Any], facts: ModelFacts | None = None) -> bytes:
    """Return variables, by order, as safetensors (names such as `sequential_1` are no keys)."""
    from safetensors.numpy import save

    arrays = {str(index): _stored(variable) for index, variable in enumerate(variables)}
    structure = {} if facts is None else {"compiled": facts.compiled, "ordinal": facts.ordinal}
    data: bytes = save(arrays, metadata=structure_metadata(structure))
    return data


def unpack_variables(data: bytes) -> list[Array]:
    """Return the arrays that `pack_variables` wrote, in order.

    Raises
    ------
    CorruptBlob
        If the bytes are something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as read

    try:
        return list(sequence(read(data)))
    except (SafetensorError, KeyError) as error:
        msg = f"{len(data)} bytes are not stored weights: {error}."
        raise CorruptBlob(msg, hint="Restore the metastore from a backup.") from error


def unpack_facts(data: bytes) -> ModelFacts:
    """Return the facts of a stored model."""
    found = read_structure(data)
    return ModelFacts(compiled=found["compiled"], ordinal=found["ordinal"])


def find_difference(built: Any, trained: Any) -> str:
    """Return what keeps variables of `trained` from fitting `built`; '' if nothing does.

    Compares the classes of all layers, and shapes and types of all variables, in order.
    """
    expected, found = _layers(built), _layers(trained)
    if len(expected) != len(found):
        return f"fn_train returned {len(found)} layers where fn_build makes {len(expected)}."
    for wanted, layer in zip(expected, found, strict=True):
        if wanted != layer:
            return f"fn_train returned a layer {layer} where fn_build makes {wanted}."
    needed, held = _shapes(model_variables(built)), _shapes(model_variables(trained))
    if needed != held:
        return f"fn_train returned a model with variables {held} where fn_build makes {needed}."
    return ""


def assign(variables: Sequence[Any], arrays: Sequence[Array]) -> None:
    """Set variables in order.

    Raises
    ------
    CorruptBlob
        If there are more or fewer of them, or one has another shape.
    """
    shapes = [tuple(array.shape) for array in arrays]
    if [tuple(variable.shape) for variable in variables] != shapes:
        msg = f"The {len(variables)} variables of fn_build do not fit the {len(arrays)} stored."
        hint = "fn_build must make the same model each time it is called."
        raise CorruptBlob(msg, hint=hint)
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def restore_optimizer(optimizer: Any, model: Any, data: bytes) -> None:
    """Set an optimizer's variables; it is built first if it was when it was stored."""
    arrays = unpack_variables(data)
    if len(optimizer.variables) != len(arrays):
        optimizer.build(model.trainable_variables)
    assign(optimizer.variables, arrays)


def _stored(variable: Any) -> Array:
    array: Array = load("keras").ops.convert_to_numpy(variable)
    return np.ascontiguousarray(array).reshape(array.shape)


def _layers(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model._flatten_layers()]


def _shapes(variables: Sequence[Any]) -> list[tuple[tuple[int, ...], str]]:
    return [(tuple(variable.shape), str(variable.dtype)) for variable in variables]
