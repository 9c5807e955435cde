"""Columns of Python objects: which can be stored exactly, and why the others cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from aiqc.core.errors import InvalidData

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: what pandas infers -> what is stored
_STORED = {"string": "text", "empty": "text", "boolean": "bool", "date": "date"}
#: what pandas infers -> dtype that holds the same values
_REMEDIES = {
    "integer": "Int64",
    "floating": "float64",
    "mixed-integer-float": "float64",
    "decimal": "float64",
    "datetime64": "datetime64[us]",
    "datetime": "datetime64[us]",
    "timedelta64": "timedelta64[us]",
    "timedelta": "timedelta64[us]",
    "time": "str",
    "bytes": "str",
}
#: the missing values that an object column may hold, by their stored code
MISSING: dict[str, Any] = {"None": None, "nan": float("nan"), "NA": pd.NA}
MIXED_MISSING = "mixed"
_SHOWN_TEXT = 60


def object_kind(values: pd.Series | pd.Index, name: str) -> str:
    """Return 'text', 'bool' or 'date' for a column of only such objects and missing values.

    Raises
    ------
    InvalidData
        If it holds anything else or mixes types; names column, types and rows.
    """
    inferred = infer_dtype(values, skipna=True)
    kind = _STORED.get(inferred)
    found = _types(values)
    if kind is None or not found <= {type(None), float, np.float64, type(pd.NA)}:
        _refuse(values, name, inferred)
    return kind


def missing_kind(values: Array, missing: Array) -> str:
    """Return how missing values are written: 'None', 'nan', 'NA', 'mixed', or '' if none is.

    Parameters
    ----------
    values
        Objects `(samples,)`.
    missing
        Booleans `(samples,)`: where a value is missing.
    """
    names = {_missing_name(kind) for kind in set(map(type, values[missing]))}
    return MIXED_MISSING if len(names) > 1 else "".join(names)


def missing_codes(values: Array, missing: Array) -> Array:
    """Return `(samples,)` int8: 0 for a value, else 1 + the position in `MISSING`."""
    codes = np.zeros(len(values), dtype=np.int8)
    order = list(MISSING)
    codes[missing] = [1 + order.index(_missing_name(type(item))) for item in values[missing]]
    return codes


def put_missing(values: Array, missing: Array, kind: str, codes: Array | None) -> None:
    """Write the missing values of an object array in place, as `missing_kind` named them."""
    if codes is None:
        values[missing] = MISSING.get(kind)
        return
    for position, item in enumerate(MISSING.values()):
        values[codes == position + 1] = item


def _missing_name(kind: type) -> str:
    if kind is type(None):
        return "None"
    return "NA" if kind is type(pd.NA) else "nan"


def _types(values: pd.Series | pd.Index) -> set[type]:
    """Types of the missing values alone."""
    items = np.asarray(values, dtype=object)
    return set(map(type, items[np.asarray(values.isna())]))


def _refuse(values: pd.Series | pd.Index, name: str, inferred: str) -> NoReturn:
    first = _first_of_each_type(values)
    remedy = _REMEDIES.get(inferred)
    places = [f"{kind} (first at row {row}: {_show(item)})" for kind, row, item in first]
    if len(first) == 1:
        msg = f"The column {name!r} holds Python objects of type {places[0]}."
    else:
        msg = f"The column {name!r} mixes types: {' and '.join(places)}."
    if remedy is None and len(first) == 1:
        hint = f"Make it numbers or text first, or drop it: frame.drop(columns={name!r})."
    else:
        hint = f"Choose one type with retype={{{name!r}: {remedy or 'str'!r}}}."
    if inferred == "integer":
        hint += " Integers beyond 64 bits: retype to 'float64' or 'str'."
    raise InvalidData(msg, hint=hint, column=name, types=[kind for kind, _, _ in first])


def _first_of_each_type(values: pd.Series | pd.Index) -> list[tuple[str, int, Any]]:
    """Type name, row and value of the first item of each type, in order of rows."""
    missing = np.asarray(values.isna())
    plain = {type(None), float, np.float64, type(pd.NA)}
    found: dict[type, tuple[str, int, Any]] = {}
    for row, item in enumerate(np.asarray(values, dtype=object)):
        kind = type(item)
        if kind not in found and not (missing[row] and kind in plain):
            found[kind] = (kind.__name__, row, item)
    return list(found.values())


def _show(item: object) -> str:
    text = repr(item)
    return text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 3]}..."
