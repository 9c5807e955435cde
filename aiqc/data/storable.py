"""Which dtypes a metastore keeps exactly; the others are refused with what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype, pandas_dtype

from aiqc.core.errors import InvalidData
from aiqc.data.dtypes import Kind, dtype_kind
from aiqc.data.objects import object_kind

if TYPE_CHECKING:
    from pandas._typing import DtypeObj

_FLOAT64_BYTES = 8
_ANY_REMEDY = "Choose another dtype, e.g. retype={{{name}: 'float64'}} or 'str'."
_EXTENSION_REMEDIES: dict[type, str] = {
    pd.PeriodDtype: "Use frame[{name}].dt.to_timestamp().",
    pd.IntervalDtype: "Store its .array.left and .array.right, or retype={{{name}: 'str'}}.",
    pd.SparseDtype: "Use frame[{name}].sparse.to_dense().",
}


def check_storable(frame: pd.DataFrame) -> None:
    """Refuse the first column whose dtype or objects cannot be stored exactly.

    Raises
    ------
    InvalidData
        Names column and dtype; the hint is the remedy.
    """
    for name, values in frame.items():
        check_dtype(values.dtype, str(name))
        if is_object_dtype(values.dtype):
            object_kind(values, str(name))
        if isinstance(values.dtype, pd.CategoricalDtype):
            _check_categories(values.dtype, str(name))


def check_dtype(dtype: DtypeObj, name: str) -> None:
    """Refuse a dtype that cannot be stored; names the column."""
    remedy = _remedy(dtype, name)
    if remedy:
        msg = f"The column {name!r} has dtype {str(dtype)!r}, which cannot be stored."
        raise InvalidData(msg, hint=remedy, column=name, dtype=str(dtype))


def _check_categories(dtype: pd.CategoricalDtype, name: str) -> None:
    inner = dtype.categories.dtype
    if _remedy(inner, name) or isinstance(inner, pd.CategoricalDtype):
        msg = f"The column {name!r} has categories of dtype {str(inner)!r}; these are not stored."
        raise InvalidData(msg, hint=_text_categories(name), column=name, dtype=str(inner))
    if is_object_dtype(inner):
        object_kind(dtype.categories, name)


def _text_categories(name: str) -> str:
    """How to make the categories of a column text."""
    return (
        f"Make them text: frame[{name!r}] = frame[{name!r}].cat.rename_categories("
        "lambda value: str(value))."
    )


def _remedy(dtype: DtypeObj, name: str) -> str:
    """Return what to do instead; empty for a dtype that can be stored."""
    if isinstance(dtype, np.dtype):
        return _numpy_remedy(dtype, name)
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow_remedy(dtype, name)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "" if _has_name(dtype) else f"Use frame[{name!r}].dt.tz_convert('UTC')."
    if dtype_kind(dtype) is not Kind.OTHER:
        return ""
    return _EXTENSION_REMEDIES.get(type(dtype), _ANY_REMEDY).format(name=repr(name))


def _numpy_remedy(dtype: np.dtype[np.generic], name: str) -> str:
    if dtype.kind == "c":
        return f"Store two columns, frame[{name!r}].to_numpy().real and .imag."
    if dtype.kind == "f" and dtype.itemsize > _FLOAT64_BYTES:
        return f"Use retype={{{name!r}: 'float64'}}."
    return "" if dtype.kind in "biufOMm" else f"Use retype={{{name!r}: 'str'}}."


def _arrow_remedy(dtype: pd.ArrowDtype, name: str) -> str:
    if dtype_kind(dtype) is not Kind.OTHER:
        return ""
    return _ANY_REMEDY.format(name=repr(name))


def _has_name(dtype: pd.DatetimeTZDtype) -> bool:
    """Whether the zone is known by its name in another process too."""
    try:
        return bool(pandas_dtype(str(dtype)) == dtype)
    except (TypeError, ValueError):
        return False
