"""Pixels between 0 and 1, and back: functions that a FunctionTransformer may hold and store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiqc.core.types import Array


def div255(values: Array) -> Array:
    """Return values of 0 to 255 as 0 to 1.

    Whole numbers become float64, float32 stays float32.

    Examples
    --------
    ::

        FunctionTransformer(div255, inverse_func=mult255)
    """
    return values / 255


def mult255(values: Array) -> Array:
    """Return values of 0 to 1 as 0 to 255: the inverse of `div255`."""
    return values * 255
