"""Columns of a frame as private arrays, and outputs of estimators as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidCoder, InvalidData

if TYPE_CHECKING:
    from aiqc.core.types import Array


def raw_array(frame: pd.DataFrame) -> Array:
    """Return a private array `(samples, columns)` of a frame as scikit-learn takes it.

    Numeric columns give their common numpy dtype, missing values of nullable dtypes are NaN;
    any text, category or mixture gives Python objects.
    """
    arrays = [_column(frame.iloc[:, position]) for position in range(frame.shape[1])]
    kinds = {array.dtype.kind for array in arrays}
    if kinds <= set("biuf") or len({array.dtype for array in arrays}) == 1:
        # each column in one piece: its sum is then the pairwise one of the column alone
        return np.stack(arrays).T
    table: Array = np.empty(frame.shape, dtype=object)
    for position, array in enumerate(arrays):
        table[:, position] = array.tolist() if array.dtype.kind in "biuf" else array.astype(object)
    return table


def leftover_array(frame: pd.DataFrame) -> Array:
    """Return columns that no coder takes, `(samples, columns)`; booleans as float32 0 and 1.

    Raises
    ------
    InvalidData
        If a column is not numeric; names it, its dtype and a coder for it.
    """
    arrays = []
    for name in frame:
        values = _column(frame[name])
        if values.dtype.kind not in "biuf" or frame[name].dtype == "category":
            msg = f"The column {name!r} of dtype {frame[name].dtype} is not numeric and no coder "
            msg += "takes it."
            raise InvalidData(msg, hint=_remedy(frame[name]), column=name)
        arrays.append(values.astype(np.float32) if values.dtype.kind == "b" else values)
    return np.stack(arrays, axis=1)


def numbers(output: Any, rows: int, source: str) -> Array:
    """Return what an estimator's transform gave as a dense numeric `(samples, columns)`.

    Raises
    ------
    InvalidCoder
        If it is text or objects, or has another number of rows.
    """
    if hasattr(output, "toarray"):
        output = output.toarray()
    array: Array = np.asarray(output)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or len(array) != rows:  # noqa: PLR2004  a matrix
        msg = f"{source} gave the shape {array.shape} for {rows} samples."
        raise InvalidCoder(
            msg, hint="Use a preprocessor that keeps the samples.", shape=array.shape
        )
    if array.dtype.kind == "b":
        return array.astype(np.float32)
    if array.dtype.kind not in "iuf":
        msg = f"{source} gave {array.dtype} values, not numbers."
        raise InvalidCoder(msg, hint="Encode text with OneHotEncoder() or OrdinalEncoder().")
    return array


def nan_columns(array: Array, names: list[str]) -> dict[str, int]:
    """Return how many NaN each column on the last axis holds; columns without are left out.

    Examples
    --------
    >>> nan_columns(np.array([[1.0, np.nan], [2.0, np.nan]]), ["a", "b"])
    {'b': 2}
    """
    if array.dtype.kind != "f":
        return {}
    counts = np.isnan(array).reshape(-1, array.shape[-1]).sum(axis=0)
    found: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        if count:
            found[name] = found.get(name, 0) + count
    return found


def _column(series: pd.Series[Any]) -> Array:
    """Return a column, possibly a view; a nullable one as floats where it holds missing values."""
    dtype = series.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not isinstance(dtype, np.dtype):
        if series.isna().any():
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        plain = getattr(dtype, "numpy_dtype", np.dtype("float64"))
        return series.to_numpy(dtype=plain)
    values: Array = series.to_numpy()
    return values


def _remedy(series: pd.Series[Any]) -> str:
    if pd.api.types.is_datetime64_any_dtype(series.dtype) or series.dtype.kind == "m":
        return (
            "Leave it out of Feature.columns, or derive numbers from it (year, seconds) before "
            "registering the data."
        )
    return "Add a FeatureCoder for it, e.g. OneHotEncoder() or OrdinalEncoder()."
