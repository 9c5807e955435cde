"""Flags of many rows as short text: packed bits, compressed."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from aiqc.core.types import Array


def pack_flags(flags: Array) -> str:
    """Return booleans as text that `unpack_flags` reads.

    Examples
    --------
    >>> unpack_flags(pack_flags(np.array([True, False, True])), 3).tolist()
    [True, False, True]
    """
    return base64.b64encode(zlib.compress(np.packbits(flags).tobytes())).decode("ascii")


def unpack_flags(text: str, count: int) -> Array:
    """Return the first `count` booleans of packed text."""
    packed = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8)
    return np.unpackbits(packed, count=count).astype(np.bool_)
