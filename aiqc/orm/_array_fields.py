"""Column types for bytes and typed arrays: a million samples is not a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import numpy as np

from aiqc.core.codecs import from_npy, pack_arrays, to_npy, unpack_arrays
from aiqc.core.errors import CorruptBlob
from aiqc.orm._portable import PortableField, place_of, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from peewee import Field

    from aiqc.core.types import Array

V = TypeVar("V")
R = TypeVar("R")

#: in the order in which an index list tries them
INTEGERS = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64, np.uint64)


class BlobBytes(PortableField[V]):
    """Bytes in one column; anything that may pass a megabyte belongs in a Blob."""

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> BlobBytes[bytes | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> BlobBytes[bytes]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "LONGBLOB"

    def db_value(self, value: Any) -> bytes | None:
        """Return the value as bytes."""
        if value is None or isinstance(value, bytes):
            return value
        if isinstance(value, bytearray | memoryview):
            return bytes(value)
        raise refused(self, value, f"is {type(value).__name__}, not bytes", "Encode it first.")

    def python_value(self, value: Any) -> bytes | None:
        """Return bytes; some drivers hand out a memoryview."""
        return None if value is None else bytes(value)


class ArrayField(PortableField[V]):
    """A typed numpy array, kept with its dtype and shape."""

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> ArrayField[Array | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> ArrayField[Array]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "LONGBLOB"

    def db_value(self, value: Any) -> bytes | None:
        """Return npy bytes; arrays of objects are refused."""
        if value is None:
            return None
        array = np.asarray(value)
        if array.dtype.hasobject:
            problem = f"is an array of objects, of shape {array.shape}"
            raise refused(self, value, problem, "Give it a numeric or text dtype.")
        return to_npy(array)

    def python_value(self, value: Any) -> Array | None:
        """Return the array."""
        return None if value is None else _restored(self, from_npy, value)


class IndexField(PortableField[V]):
    """A list of whole numbers such as sample indices: a typed array underneath."""

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls, *, null: Literal[True], **kwargs: Any
        ) -> IndexField[list[int] | None]: ...
        @overload
        def __new__(
            cls, *, null: Literal[False] = ..., **kwargs: Any
        ) -> IndexField[list[int]]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "LONGBLOB"

    def db_value(self, value: Any) -> bytes | None:
        """Return npy bytes of the smallest integer type that holds every value."""
        return None if value is None else to_npy(_index_array(self, value))

    def python_value(self, value: Any) -> list[int] | None:
        """Return the list."""
        return None if value is None else _restored(self, from_npy, value).tolist()


class IndexMapField(PortableField[V]):
    """Named lists of whole numbers, such as {'train': [...], 'test': [...]}, in their order."""

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls, *, null: Literal[True], **kwargs: Any
        ) -> IndexMapField[dict[str, list[int]] | None]: ...
        @overload
        def __new__(
            cls, *, null: Literal[False] = ..., **kwargs: Any
        ) -> IndexMapField[dict[str, list[int]]]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "LONGBLOB"

    def db_value(self, value: Any) -> bytes | None:
        """Return the packed arrays."""
        if value is None:
            return None
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise refused(self, value, "is no dict with text keys", "Pass {name: [index, ...]}.")
        return pack_arrays({name: _index_array(self, value[name], name) for name in value})

    def python_value(self, value: Any) -> dict[str, list[int]] | None:
        """Return the dict of lists."""
        if value is None:
            return None
        arrays = _restored(self, unpack_arrays, value)
        return {name: array.tolist() for name, array in arrays.items()}


def _index_array(field: Field[Any], values: Any, key: str = "") -> Array:
    """Return whole numbers as the smallest integer array, or refuse them."""
    array = np.asarray(values)
    if array.size == 0:
        return np.empty(0, dtype=np.uint8)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        where = f" under {key!r}" if key else ""
        problem = f"is {array.dtype} of shape {array.shape}{where}, not a list of whole numbers"
        raise refused(field, values, problem, "Pass a flat list of int.")
    low, high = int(array.min()), int(array.max())
    kinds = [kind for kind in INTEGERS if np.iinfo(kind).min <= low <= high <= np.iinfo(kind).max]
    return array.astype(kinds[0])


def _restored(field: Field[Any], read: Callable[[bytes], R], value: Any) -> R:
    """Return what stored bytes hold; damage is named by its column."""
    try:
        return read(bytes(value))
    except CorruptBlob as error:
        msg = f"{place_of(field)} is damaged: {error.message}"
        raise CorruptBlob(msg, hint=error.hint) from error
