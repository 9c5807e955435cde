"""Columns in another dtype, refused where a value would silently change."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidColumns, InvalidData
from aiqc.data.dtypes import Kind, as_dtype, dtype_kind
from aiqc.data.names import suggestion

if TYPE_CHECKING:
    from pandas._typing import DtypeObj


def retype_frame(frame: pd.DataFrame, retype: Any | Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame with some or all columns in other dtypes; the frame is not modified.

    Numbers may be rounded by a smaller float, never wrapped, cut or made infinite: integers and
    booleans are made only of values they can hold.

    Parameters
    ----------
    frame
        `(samples, columns)` with text names.
    retype
        A dtype, its name or its type for all columns, or column -> such.

    Raises
    ------
    InvalidColumns
        If a column or dtype does not exist; names it.
    InvalidData
        If a value cannot be converted; names column, row, value and dtype.
    """
    names = list(frame.columns)
    if isinstance(retype, Mapping):
        wanted = {str(key): as_dtype(dtype) for key, dtype in retype.items()}
    else:
        wanted = dict.fromkeys(names, as_dtype(retype))
    for name in wanted:
        if name not in names:
            msg = f"retype names the column {name!r}, which does not exist."
            raise InvalidColumns(msg, hint=suggestion(name, names), column=name)
    converted = {
        name: _convert(frame[name], wanted[name], name) if name in wanted else frame[name]
        for name in names
    }
    return pd.DataFrame(converted, index=frame.index, copy=False)


def _convert(values: pd.Series, dtype: DtypeObj, name: str) -> pd.Series:
    if values.dtype == dtype:
        return values
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _convert(values.astype(cast("Any", values.cat.categories.dtype)), dtype, name)
    _check_range(values, dtype, name)
    try:
        # a number too large for its new float becomes infinite; refused below
        with np.errstate(over="ignore"):
            result = values.astype(dtype)
    except (ValueError, TypeError, OverflowError) as error:
        row = _first_refused(values, dtype)
        raise _refusal(values, row, dtype, name) from error
    if dtype_kind(dtype) is Kind.FLOAT:
        _check_infinite(values, result, dtype, name)
    converted: pd.Series = result
    return converted


def _check_range(values: pd.Series, dtype: DtypeObj, name: str) -> None:
    """Refuse what pandas would wrap around, cut off or call True."""
    kind, current = dtype_kind(dtype), dtype_kind(values.dtype)
    if kind not in (Kind.INTEGER, Kind.BOOLEAN):
        return
    if current in (Kind.INTEGER, Kind.FLOAT):
        wrong = ~_fits(values, dtype)
    elif current is Kind.TEXT:
        check = _is_truth if kind is Kind.BOOLEAN else _is_whole
        wrong = ~values.map(check).astype(bool)
    else:
        return
    missing = values.isna()
    if pd.api.types.is_extension_array_dtype(dtype):
        wrong = wrong & ~missing
    elif kind is Kind.BOOLEAN:
        wrong = wrong | missing
    if wrong.any():
        raise _refusal(values, int(np.asarray(wrong).argmax()), dtype, name)


def _fits(values: pd.Series, dtype: DtypeObj) -> pd.Series:
    """Where a number is one that an integer or boolean dtype holds."""
    if dtype_kind(dtype) is Kind.BOOLEAN:
        return values.isin([0, 1])
    plain: Any = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", dtype)
    limits = np.iinfo(plain)
    # the largest integer as a float would be one too large
    inside = (values >= limits.min) & (values < float(limits.max) + 1)
    if dtype_kind(values.dtype) is Kind.INTEGER:
        inside = (values >= limits.min) & (values <= limits.max)
    else:
        inside = inside & (values % 1 == 0)
    return inside.fillna(value=False).astype(bool)


def _is_truth(item: object) -> bool:
    """Whether an object is a boolean; any text would be True to pandas."""
    return isinstance(item, bool | np.bool_)


def _is_whole(item: Any) -> bool:
    """Whether an object is no fraction, which pandas would cut; text is parsed by pandas."""
    fraction = isinstance(item, float | np.floating | Decimal)
    return not fraction or pd.isna(item) or bool(item % 1 == 0)


def _check_infinite(values: pd.Series, result: pd.Series, dtype: DtypeObj, name: str) -> None:
    if dtype_kind(values.dtype) not in (Kind.INTEGER, Kind.FLOAT):
        return
    wrong = result.isin([np.inf, -np.inf]) & ~values.isin([np.inf, -np.inf])
    if wrong.any():
        raise _refusal(values, int(np.asarray(wrong).argmax()), dtype, name)


def _first_refused(values: pd.Series, dtype: DtypeObj) -> int:
    """Row of the first value that cannot be converted, by halving."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            values.iloc[low:middle].astype(dtype)
            low = middle
        except (ValueError, TypeError, OverflowError):
            high = middle
    return low


def _refusal(values: pd.Series, row: int, dtype: DtypeObj, name: str) -> InvalidData:
    value = values.iloc[row]
    shown = value.item() if isinstance(value, np.generic) else value
    msg = f"The value {shown!r} in column {name!r}, row {row}, cannot become {str(dtype)!r}."
    hint = "Correct the value, or choose a dtype that can hold it"
    if pd.isna(value):
        hint += ", e.g. 'Int64', 'boolean' or 'float64' for missing values"
    return InvalidData(msg, hint=f"{hint}.", column=name, row=row, value=shown, dtype=str(dtype))
