"""dtypes as names, as kinds, and compared the way a user writes them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import pandas_dtype

from aiqc.core.errors import InvalidColumns

if TYPE_CHECKING:
    from pandas._typing import DtypeObj

#: pandas' nullable numbers and booleans
NULLABLE = frozenset(
    f"{prefix}{size}" for prefix in ("Int", "UInt") for size in (8, 16, 32, 64)
) | {"Float32", "Float64", "boolean"}


class Kind(StrEnum):
    """What the values of a column are, whatever holds them."""

    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    CATEGORY = "category"
    DATETIME = "datetime"
    TIMEDELTA = "timedelta"
    #: complex, period, interval, sparse ...: cannot be stored
    OTHER = "other"


_NUMPY_KINDS = {
    "b": Kind.BOOLEAN,
    "i": Kind.INTEGER,
    "u": Kind.INTEGER,
    "f": Kind.FLOAT,
    "O": Kind.TEXT,
    "M": Kind.DATETIME,
    "m": Kind.TIMEDELTA,
}


def dtype_names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the dtype of each column as text; every text dtype is named 'str'.

    Examples
    --------
    >>> dtype_names(pd.DataFrame({"age": [1.5], "name": pd.Series(["a"], dtype=object)}))
    {'age': 'float64', 'name': 'str'}
    """
    return {str(name): _name(values) for name, values in frame.items()}


def dtype_kind(dtype: Any) -> Kind:
    """Return what values a dtype holds.

    Parameters
    ----------
    dtype
        A dtype, its name, or a type such as `np.float64` or `float`.

    Raises
    ------
    InvalidColumns
        If it is no dtype; names it.

    Examples
    --------
    >>> dtype_kind("Int64").value, dtype_kind("object").value, dtype_kind(float).value
    ('integer', 'text', 'float')
    """
    known = as_dtype(dtype)
    if isinstance(known, np.dtype):
        return _NUMPY_KINDS.get(known.kind, Kind.OTHER)
    if isinstance(known, pd.CategoricalDtype):
        return Kind.CATEGORY
    if isinstance(known, pd.StringDtype):
        return Kind.TEXT
    if isinstance(known, pd.DatetimeTZDtype):
        return Kind.DATETIME
    if isinstance(known, pd.ArrowDtype):
        return _arrow_kind(known)
    return _NUMPY_KINDS[known.kind] if known.name in NULLABLE else Kind.OTHER


def same_dtype(a: Any, b: Any) -> bool:
    """Return whether two dtypes, names or types mean the same; all text is one kind.

    Raises
    ------
    InvalidColumns
        If one of them is no dtype; names it.

    Examples
    --------
    >>> same_dtype("float64", np.float64), same_dtype("object", "str"), same_dtype(int, float)
    (True, True, False)
    """
    first, second = as_dtype(a), as_dtype(b)
    kinds = {dtype_kind(first), dtype_kind(second)}
    if kinds in ({Kind.TEXT}, {Kind.CATEGORY}):
        return True
    return bool(first == second)


def is_numeric(dtype: Any) -> bool:
    """Return whether a dtype holds integers, floats or booleans (as pandas counts them)."""
    return dtype_kind(dtype) in (Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN)


def is_text(dtype: Any) -> bool:
    """Return whether a dtype holds text: 'object', 'str' or 'string'."""
    return dtype_kind(dtype) is Kind.TEXT


def as_dtype(dtype: Any) -> DtypeObj:
    """Return the pandas or numpy dtype that a name or type stands for.

    Raises
    ------
    InvalidColumns
        If it stands for none; names it.
    """
    try:
        return pandas_dtype(dtype)
    except (TypeError, ValueError) as error:
        msg = f"{dtype!r} is not a dtype."
        hint = "Use one such as 'float64', 'int64', 'str', 'category' or 'datetime64[ns]'."
        raise InvalidColumns(msg, hint=hint, dtype=dtype) from error


def _name(values: pd.Series) -> str:
    if dtype_kind(values.dtype) is not Kind.TEXT:
        return str(values.dtype)
    if values.dtype == object:
        inferred = pd.api.types.infer_dtype(values, skipna=True)
        return "str" if inferred in {"string", "empty"} else "object"
    return "str"


def _arrow_kind(dtype: pd.ArrowDtype) -> Kind:
    import pyarrow as pa

    held = dtype.pyarrow_dtype
    kinds = {
        Kind.INTEGER: pa.types.is_integer,
        Kind.FLOAT: pa.types.is_floating,
        Kind.BOOLEAN: pa.types.is_boolean,
        Kind.TEXT: lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
        Kind.DATETIME: lambda kind: pa.types.is_timestamp(kind) or pa.types.is_date32(kind),
        Kind.TIMEDELTA: pa.types.is_duration,
    }
    return next((kind for kind, holds in kinds.items() if holds(held)), Kind.OTHER)
