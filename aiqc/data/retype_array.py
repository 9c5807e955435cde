"""An array in another dtype, refused where a value would silently change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidData, InvalidInput
from aiqc.data.dtypes import as_dtype

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: kinds of numpy dtype that a sequence or image may hold: booleans, integers, floats
KINDS = "biuf"
FLOAT64_BYTES = 8


def array_dtype(retype: Any) -> np.dtype[Any]:
    """Return the dtype that a `retype` argument stands for.

    Raises
    ------
    InvalidInput
        If it is a dict, or not one of numbers or booleans.
    InvalidColumns
        If it stands for no dtype.
    """
    if isinstance(retype, dict):
        msg = f"retype={retype!r} is a dict; all columns of an array have one dtype."
        raise InvalidInput(msg, hint="Give one dtype, e.g. retype='float32'.", retype=retype)
    dtype = as_dtype(retype)
    if not isinstance(dtype, np.dtype) or not is_storable(dtype):
        msg = f"retype={retype!r} is not a numpy dtype of numbers or booleans."
        raise InvalidInput(msg, hint="Use one such as 'float32' or 'int64'.", retype=retype)
    return dtype.newbyteorder("=")


def is_storable(dtype: np.dtype[Any]) -> bool:
    """Return whether a sequence or image may have the dtype."""
    wide = dtype.kind == "f" and dtype.itemsize > FLOAT64_BYTES
    return dtype.kind in KINDS and not wide


def retype_array(array: Array, dtype: np.dtype[Any], first: int = 0) -> Array:
    """Return an array in a dtype; the array itself if it has it.

    Numbers may be rounded by a smaller float, never wrapped, cut or made infinite: integers and
    booleans are made only of values that they can hold.

    Parameters
    ----------
    array
        Of numbers or booleans.
    dtype
        As `array_dtype` returns it.
    first
        Where the array begins in a larger one, whose positions messages tell.

    Raises
    ------
    InvalidData
        If a value cannot be converted; names it, its position and the dtype.

    Examples
    --------
    >>> retype_array(np.array([1.0, 2.0]), np.dtype("uint8"))
    array([1, 2], dtype=uint8)
    """
    if array.dtype == dtype:
        return array.astype(dtype, copy=False)
    if dtype.kind in "biu":
        _refuse(array, ~_fits(array, dtype), dtype, first)
    with np.errstate(over="ignore"):
        result: Array = array.astype(dtype)
    if dtype.kind == "f" and dtype.itemsize < FLOAT64_BYTES:
        _refuse(array, np.isinf(result) & ~np.isinf(array), dtype, first)
    return result


def _fits(array: Array, dtype: np.dtype[Any]) -> Any:
    """Where a value is one that an integer or boolean dtype holds."""
    if dtype.kind == "b":
        return (array == 0) | (array == 1)
    if array.dtype.kind == "b":
        return np.True_
    limits = np.iinfo(dtype)
    if array.dtype.kind in "iu":
        own = np.iinfo(array.dtype)
        inside: Any = np.True_
        if own.min < limits.min:
            inside = array >= limits.min
        return inside & (array <= limits.max) if own.max > limits.max else inside
    # the largest integer as a float would be one too large
    wide = array.astype(np.float64)
    whole = np.floor(wide) == wide
    return whole & (wide >= float(limits.min)) & (wide < float(limits.max) + 1)


def _refuse(array: Array, wrong: Any, dtype: np.dtype[Any], first: int) -> None:
    if not np.any(wrong):
        return
    place = tuple(int(i) for i in np.argwhere(np.broadcast_to(wrong, array.shape))[0])
    value = array[place].item()
    place = (first + place[0], *place[1:])
    msg = f"The value {value!r} at position {place} cannot become {str(dtype)!r}."
    hint = "Correct the value, or choose a dtype that can hold it."
    raise InvalidData(msg, hint=hint, value=value, position=place, dtype=str(dtype))
