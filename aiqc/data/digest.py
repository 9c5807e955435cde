"""The identity of a frame: a hash of its columns, dtypes and values, however they are held."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.codecs import to_json
from aiqc.core.enums import DatasetType
from aiqc.data.columns import Facts, pack_dtype, to_arrow
from aiqc.data.objects import MIXED_MISSING, missing_codes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import _Hash

    from aiqc.core.types import Array

#: rows hashed at a time; part of the definition of the digest
_STEP_ROWS = 131_072
#: Arrow's own bytes, which may change with its version; the values are hashed instead
_HELD = ("categories", "arrow")


def frame_digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 hex digest of a frame.

    Equal for frames of equal names, dtypes and values in the same order; the bits of NaN, what
    lies under a missing value and how memory is chunked do not matter. None, NaN and NA differ
    in an object column, 0.0 and -0.0 in a float column.

    Parameters
    ----------
    frame
        `(samples, columns)`, as `clean_frame` returns it.

    Examples
    --------
    >>> a, b = pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [1]})
    >>> frame_digest(a) == frame_digest(a.copy()), frame_digest(a) == frame_digest(b)
    (True, False)
    """
    facts = [pack_dtype(values, str(name)) for name, values in frame.items()]
    head = {
        "typ": str(DatasetType.TABULAR),
        "rows": len(frame),
        "columns": [[name, _identity(item)] for name, item in zip(frame, facts, strict=True)],
    }
    hasher = hashlib.sha256(to_json(head).encode())
    for item, (name, values) in zip(facts, frame.items(), strict=True):
        _update(hasher, values, item, str(name))
    return hasher.hexdigest()


def _identity(facts: Facts) -> Facts:
    """Facts without the bytes whose form is Arrow's affair."""
    return {
        key: _identity(value) if isinstance(value, dict) else value
        for key, value in facts.items()
        if key not in _HELD
    }


def _update(hasher: _Hash, values: pd.Series, facts: Facts, name: str) -> None:
    if "ordered" in facts:
        categories = pd.Series(values.cat.categories, copy=False)
        hasher.update(len(categories).to_bytes(8, "little"))
        _update(hasher, categories, facts["of"], name)
    for start in range(0, len(values), _STEP_ROWS):
        rows = values.iloc[start : start + _STEP_ROWS]
        for buffer in _buffers(to_arrow(rows, facts, name)):
            hasher.update(buffer)
        if facts.get("missing") == MIXED_MISSING:
            hasher.update(missing_codes(rows.to_numpy(), rows.isna().to_numpy()).data)


def _buffers(array: Any) -> Iterator[bytes | memoryview]:
    """Where an Arrow array is null, and its values with nulls as zero."""
    import pyarrow as pa

    if array.null_count:
        yield b"\1"
        yield np.packbits(array.is_null().to_numpy(zero_copy_only=False)).data
    else:
        yield b"\0"
    if pa.types.is_dictionary(array.type):
        array = array.indices
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        yield from _text_buffers(array)
    else:
        yield _fixed_buffer(array).data.cast("B")


def _text_buffers(array: Any) -> Iterator[bytes | memoryview]:
    import pyarrow as pa

    filled = array.cast(pa.large_string()).fill_null("")
    _, offsets, data = filled.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[filled.offset :][: len(filled) + 1]
    yield np.diff(bounds).data
    if data is not None:
        yield memoryview(data)[bounds[0] : bounds[-1]]


def _fixed_buffer(array: Any) -> Array:
    import pyarrow as pa

    if pa.types.is_temporal(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())  # noqa: PLR2004
    if array.null_count:
        array = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
    values: Array = array.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f":
        unknown = np.isnan(values)
        if unknown.any():
            values = np.where(unknown, np.array(np.nan, dtype=values.dtype), values)
    return np.ascontiguousarray(values)
