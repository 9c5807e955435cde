"""Frames as two-dimensional arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.data.dtypes import is_numeric

if TYPE_CHECKING:
    from aiqc.core.types import Array


def frame_to_array(frame: pd.DataFrame) -> Array:
    """Return `(samples, columns)`: the common dtype of numbers, objects where types mix.

    Equal to `frame.to_numpy()`, except that nullable numbers become plain ones (missing ones
    NaN, so integers with missing ones become float64) and categories become their values.
    Always a new array, which its holder may write to.

    Examples
    --------
    >>> frame_to_array(pd.DataFrame({"a": pd.Series([1, None], dtype="Int64"), "b": [0.5, 1]}))
    array([[1. , 0.5],
           [nan, 1. ]])
    """
    if all(isinstance(dtype, np.dtype) for dtype in frame.dtypes):
        return frame.to_numpy(copy=True)
    plain = {name: _plain(values) for name, values in frame.items()}
    return pd.DataFrame(plain, index=frame.index, copy=False).to_numpy(copy=True)


def _plain(values: pd.Series) -> Any:
    """Return a column without an extension dtype where numpy has one for its values."""
    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_values(values)
    if isinstance(dtype, np.dtype) or not is_numeric(dtype):
        return values
    target: np.dtype[Any] = dtype.numpy_dtype
    if not values.isna().any():
        return values.to_numpy(dtype=target)
    if target.kind != "f":
        target = np.dtype(np.float64)
    return values.to_numpy(dtype=target, na_value=np.nan)


def _category_values(values: pd.Series) -> Array:
    """Return the values of a category column; NaN where missing."""
    categories = frame_to_array(values.cat.categories.to_frame(index=False))[:, 0]
    codes = values.cat.codes.to_numpy()
    if (codes >= 0).all():
        return categories[codes]
    if categories.dtype.kind in "biu":
        categories = categories.astype(np.float64)
    known = pd.Series(categories, copy=False)
    return known.reindex(np.where(codes < 0, len(known), codes)).to_numpy()
