"""Columns of a frame as private arrays, and outputs of estimators as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidCoder, InvalidData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array


def mixed_array(arrays: Sequence[Array]) -> Array:
    """Return columns of different kinds as Python objects, `(rows, columns)`."""
    table: Array = np.empty((len(arrays[0]), len(arrays)), dtype=object)
    for position, array in enumerate(arrays):
        table[:, position] = array.tolist() if array.dtype.kind in "biuf" else array.astype(object)
    return table


def leftover_values(values: Array, series: pd.Series[Any]) -> Array:
    """Return a column that no coder takes; booleans as float32 0 and 1.

    Parameters
    ----------
    values
        What `column_values` returned for the series.
    series
        The column.

    Raises
    ------
    InvalidData
        If it is not numeric; names it, its dtype and a coder for it.
    """
    if values.dtype.kind not in "biuf" or series.dtype == "category":
        msg = f"The column {series.name!r} of dtype {series.dtype} is not numeric and no coder "
        msg += "takes it."
        raise InvalidData(msg, hint=_remedy(series), column=series.name)
    return values.astype(np.float32) if values.dtype.kind == "b" else values


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


def column_values(series: pd.Series[Any]) -> Array:
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
