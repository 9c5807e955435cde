"""Tensors and the structure around them as one safetensors file in bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import from_json, to_json
from aiqc.core.errors import CorruptBlob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: metadata key of the structure
_KEY = "aiqc"
#: marks a tensor, by its name in the file, and a dict whose keys are not all text
_TENSOR, _ITEMS = "__tensor__", "__items__"
_HEADER_BYTES = 8


class TensorPacker:
    """Replaces tensors of nested values by names, one a tensor however often it occurs."""

    def __init__(
        self, is_tensor: Callable[[Any], bool], key_of: Callable[[Any], Any] = id
    ) -> None:
        self.tensors: dict[str, Any] = {}
        self._is_tensor = is_tensor
        self._key_of = key_of
        self._names: dict[Any, str] = {}

    def encode(self, value: Any) -> Any:
        """Return a value that `to_json` takes, with its tensors set aside."""
        if self._is_tensor(value):
            return {_TENSOR: self._name(value)}
        if isinstance(value, dict):
            if all(isinstance(key, str) for key in value):
                return {key: self.encode(item) for key, item in value.items()}
            pairs = [[self.encode(key), self.encode(item)] for key, item in value.items()]
            return {_ITEMS: pairs}
        if isinstance(value, list | tuple):
            return type(value)(self.encode(item) for item in value)
        return value

    def _name(self, tensor: Any) -> str:
        name = self._names.setdefault(self._key_of(tensor), str(len(self._names)))
        self.tensors[name] = tensor
        return name


def decode(value: Any, tensors: dict[str, Any]) -> Any:
    """Return nested values with their tensors in place again."""
    if isinstance(value, dict):
        if _TENSOR in value:
            return tensors[value[_TENSOR]]
        if _ITEMS in value:
            return {decode(k, tensors): decode(item, tensors) for k, item in value[_ITEMS]}
        return {key: decode(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(decode(item, tensors) for item in value)
    return value


def structure_metadata(structure: Any) -> dict[str, str]:
    """Return the metadata of a safetensors file that holds a structure."""
    return {_KEY: to_json(structure)}


def read_structure(data: bytes) -> Any:
    """Return the structure in the header of a safetensors file.

    Raises
    ------
    CorruptBlob
        If the bytes are something else.
    """
    try:
        length = int.from_bytes(data[:_HEADER_BYTES], "little")
        header = json.loads(data[_HEADER_BYTES : _HEADER_BYTES + length])
        return from_json(header["__metadata__"][_KEY])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{len(data)} bytes are not stored weights: {error!r}."
        raise CorruptBlob(msg, hint="Restore the metastore from a backup.") from error


def sequence(tensors: dict[str, Any]) -> Iterable[Any]:
    """Return tensors named by number in the order of their numbers."""
    return [tensors[str(index)] for index in range(len(tensors))]
