"""Values to bytes and back without pickle: JSON that knows NaN, npy, and packed arrays."""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import CorruptBlob, InvalidInput

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: JSON has no NaN or infinity; this key marks an encoded special value
_MARK = "__aiqc__"
_RESTORE = "Restore the metastore from a backup."
#: what numpy, zipfile and json raise on damaged bytes
_DAMAGE = (ValueError, OSError, EOFError, KeyError, TypeError, AttributeError, IndexError)


def to_json(value: Any) -> str:
    """Return JSON text; tuples, NaN, inf, numpy scalars and arrays survive `from_json`.

    Raises
    ------
    InvalidInput
        If a value has no JSON form; names its type.

    Examples
    --------
    >>> from_json(to_json({"loss": float("inf"), "shape": (3, 2)}))
    {'loss': inf, 'shape': (3, 2)}
    """
    text = json.dumps(_encode(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not text.isascii():
        _check_unicode(text)
    return text


def from_json(text: str) -> Any:
    """Return the value that `to_json` wrote.

    Raises
    ------
    CorruptBlob
        If the text is not what `to_json` writes.
    """
    try:
        return json.loads(text, object_hook=_decode)
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{len(text)} characters are not stored JSON: {error}."
        raise CorruptBlob(msg, hint=_RESTORE) from error


def to_npy(array: Array) -> bytes:
    """Return an array as npy bytes.

    Raises
    ------
    InvalidInput
        If it holds Python objects.
    """
    if array.dtype.hasobject:
        msg = f"An array of dtype {array.dtype} holds Python objects, which npy cannot store."
        raise InvalidInput(msg, hint="Convert it to numbers or fixed-width text.", value=array)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def from_npy(data: bytes) -> Array:
    """Return the array of npy bytes; never unpickles.

    Raises
    ------
    CorruptBlob
        If the bytes are not one array.
    """
    try:
        array: Array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        msg = f"{len(data)} bytes are not a stored array: {error}."
        raise CorruptBlob(msg, hint=_RESTORE) from error
    return array


def pack_arrays(arrays: Mapping[str, Array]) -> bytes:
    """Return named arrays as one uncompressed npz; text arrays as codes and categories.

    Object arrays may hold text, numbers, booleans and None only.

    Raises
    ------
    InvalidInput
        If an object array holds anything else; names the array and the value.
    """
    buffer = io.BytesIO()
    columns: dict[str, Array] = {}
    for name, array in arrays.items():
        if array.dtype.kind in "OU":
            columns |= _pack_text(name, array)
        else:
            columns[f"a:{name}"] = np.ascontiguousarray(array).reshape(array.shape)
    np.savez(buffer, allow_pickle=False, **columns)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, Array]:
    """Return the arrays that `pack_arrays` wrote, in their order.

    Raises
    ------
    CorruptBlob
        If the bytes are not packed arrays.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            columns = {name: archive[name] for name in archive.files}
        return _unpack(columns)
    except (*_DAMAGE, zipfile.BadZipFile, zlib.error) as error:
        msg = f"{len(data)} bytes are not packed arrays: {error}."
        raise CorruptBlob(msg, hint=_RESTORE) from error


def _unpack(columns: dict[str, Array]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for key, column in columns.items():
        kind, _, name = key.partition(":")
        if kind == "a":
            arrays[name] = column
        elif kind == "c":
            values = _categories(from_json(bytes(columns[f"j:{name}"]).decode()))
            arrays[name] = values[column]
    return arrays


def _pack_text(name: str, array: Array) -> dict[str, Array]:
    # repr tells 0.0 from -0.0, and one NaN is one category
    flat = [value.item() if isinstance(value, np.generic) else value for value in array.ravel()]
    _check_scalars(name, flat)
    keys = [(type(v), repr(v) if isinstance(v, float) else v) for v in flat]
    values = dict(zip(keys, flat, strict=True))
    numbers = {key: number for number, key in enumerate(values)}
    codes = np.array([numbers[key] for key in keys], dtype=np.int64)
    small = codes.astype(np.min_scalar_type(max(len(values) - 1, 0)))
    text = to_json({"dtype": array.dtype.str, "values": list(values.values())})
    return {
        f"c:{name}": small.reshape(array.shape),
        f"j:{name}": np.frombuffer(text.encode(), dtype=np.uint8),
    }


def _check_scalars(name: str, values: list[Any]) -> None:
    for value in values:
        if value is not None and not isinstance(value, str | bool | int | float):
            msg = f"The array {name!r} holds {value!r} of type {type(value).__name__}."
            hint = "Object arrays may hold text, numbers, booleans and None."
            raise InvalidInput(msg, hint=hint, value=value, name=name)


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        part = text[error.start : error.end]
        msg = f"The text holds {part!r}, half of a surrogate pair, which is not valid Unicode."
        raise InvalidInput(msg, hint="Repair the encoding of the source.", value=part) from error


def _categories(packed: dict[str, Any]) -> Array:
    if packed["dtype"] != "|O":
        return np.array(packed["values"], dtype=packed["dtype"])
    values: Array = np.empty(len(packed["values"]), dtype=object)
    values[:] = packed["values"]
    return values


def _encode(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_MARK: "float", "value": repr(value)}
    return _encode_container(value)


def _encode_container(value: Any) -> Any:
    if isinstance(value, Mapping):
        _check_keys(value)
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return {_MARK: "tuple", "value": [_encode(item) for item in value]}
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        items = _encode(value.tolist())
        return {
            _MARK: "array",
            "dtype": value.dtype.str,
            "shape": list(value.shape),
            "value": items,
        }
    msg = f"{value!r} of type {type(value).__name__} has no JSON form."
    raise InvalidInput(msg, hint="Use numbers, text, lists, tuples and dicts.", value=value)


def _check_keys(value: Mapping[Any, Any]) -> None:
    for key in value:
        if not isinstance(key, str) or key == _MARK:
            msg = f"The key {key!r} of type {type(key).__name__} cannot be stored as JSON."
            raise InvalidInput(msg, hint="Use text keys.", value=key)


def _decode(item: dict[str, Any]) -> Any:
    kind = item.get(_MARK)
    if kind is None:
        return item
    if kind == "float":
        return float(item["value"])
    if kind == "tuple":
        return tuple(item["value"])
    return np.array(item["value"], dtype=item["dtype"]).reshape(item["shape"])
