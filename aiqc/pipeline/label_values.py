"""Values of a Label: missing ones, classes, one-hot form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidData

if TYPE_CHECKING:
    from aiqc.core.types import Array


def check_label(frame: pd.DataFrame) -> None:
    """Refuse a Label with missing or infinite values, dates or durations.

    Raises
    ------
    InvalidData
        Names the column and how many values are wrong.
    """
    for column in frame:
        series = frame[column]
        if series.dtype.kind in "mM":
            msg = f"The Label column {column!r} holds dates or durations ({series.dtype})."
            hint = "Derive a number or a class from it before registering the data."
            raise InvalidData(msg, hint=hint, column=column)
        for word, count in (
            ("missing", int(series.isna().sum())),
            ("infinite", _infinite(series)),
        ):
            if count:
                msg = f"The Label column {column!r} holds {count} {word} values."
                hint = "Drop these rows, or interpolate the Label, before registering the data."
                raise InvalidData(msg, hint=hint, column=column, count=count)


def is_strict_onehot(frame: pd.DataFrame) -> bool:
    """Return whether every row holds one 1 and otherwise 0, in two or more columns.

    Examples
    --------
    >>> is_strict_onehot(pd.DataFrame({"a": [1, 0], "b": [0, 1]}))
    True
    >>> is_strict_onehot(pd.DataFrame({"a": [1, 0], "b": [1, 1]}))
    False
    """
    numeric = all(
        pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
        for dtype in frame.dtypes
    )
    if frame.shape[1] < 2 or not numeric or frame.isna().to_numpy().any():  # noqa: PLR2004  pair
        return False
    values = frame.to_numpy(dtype=np.float64)
    return bool(np.isin(values, (0.0, 1.0)).all() and (values.sum(axis=1) == 1.0).all())


def unique_classes(frame: pd.DataFrame) -> list[Any] | None:
    """Return the classes of a Label as Python values, sorted; None for floats.

    A Label of several columns is one-hot: its classes are the column names, in their order.

    Examples
    --------
    >>> unique_classes(pd.DataFrame({"label": [2, 0, 2]}))
    [0, 2]
    """
    if frame.shape[1] > 1:
        return [str(column) for column in frame]
    series = frame.iloc[:, 0]
    if pd.api.types.is_float_dtype(series.dtype):
        return None
    values = series.dropna().unique().tolist()
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))


def class_array(frame: pd.DataFrame, found: list[Any] | None) -> Array | None:
    """Return the class of each code of an uncoded Label; None where values are no codes.

    Columns of a one-hot Label, False and True, or the integers 0 .. k-1 without a gap.
    """
    if found is None:
        return None
    if frame.shape[1] > 1:
        return sorted_classes(np.array(found, dtype=object))
    dtype = frame.dtypes.iloc[0]
    if pd.api.types.is_bool_dtype(dtype):
        return np.array([False, True])
    if pd.api.types.is_integer_dtype(dtype) and found == list(range(len(found))):
        plain = dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", np.int64)
        return np.arange(len(found), dtype=plain)
    return None


def sorted_classes(values: Any) -> Array:
    """Return the classes of a coder as an array of its own; text as objects."""
    array: Array = np.array(values)
    return array.astype(object) if array.dtype.kind == "U" else array


def is_whole(values: Array) -> bool:
    """Return whether all values are whole numbers."""
    if values.dtype.kind in "biu":
        return True
    return bool(np.isfinite(values).all() and (values == np.floor(values)).all())


def _infinite(series: pd.Series[Any]) -> int:
    if not pd.api.types.is_float_dtype(series.dtype):
        return 0
    return int(np.isinf(series.to_numpy(dtype=np.float64, na_value=np.nan)).sum())
