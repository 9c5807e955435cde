"""What a sequence or image holds: one pass for its digest and its statistics a column."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.codecs import to_json
from aiqc.data.array_moments import Moments, statistics_of
from aiqc.data.array_source import STEP_BYTES, as_bytes, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.enums import DatasetType
    from aiqc.core.types import Array, Shape
    from aiqc.data.array_source import ArraySource
    from aiqc.data.describe import Statistics

#: files to this size are read whole for the quartiles of their columns
QUARTILE_BYTES = 32_000_000


class ArrayDigest:
    """The identity of an array: a hash of its type, columns, dtype, shape and values.

    The bits of NaN, the byte order and how the array is held do not matter; 0.0 and -0.0 differ.

    Parameters
    ----------
    typ
        Sequence or image.
    columns
        Names, on the last axis.
    shape
        Of the whole.
    dtype
        Of the whole.
    """

    def __init__(
        self, typ: DatasetType, columns: Sequence[str], shape: Shape, dtype: np.dtype[Any]
    ) -> None:
        head = {
            "typ": str(typ),
            "shape": list(shape),
            "columns": list(columns),
            "dtype": dtype.newbyteorder("=").name,
        }
        self._hasher = hashlib.sha256(to_json(head).encode())

    def update(self, part: Array) -> None:
        """Add the next samples."""
        values = np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("<"))
        if values.dtype.kind == "f":
            unknown = np.isnan(values)
            if unknown.any():
                values = np.where(unknown, np.array(np.nan, dtype=values.dtype), values)
        self._hasher.update(as_bytes(values))

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was added."""
        return self._hasher.hexdigest()


class ArrayFacts:
    """Gathers digest and statistics of an array while its parts pass by.

    Parameters
    ----------
    typ
        Sequence or image.
    columns
        Names, on the last axis.
    shape, dtype
        Of the whole.
    """

    def __init__(
        self, typ: DatasetType, columns: Sequence[str], shape: Shape, dtype: np.dtype[Any]
    ) -> None:
        self._digest = ArrayDigest(typ, columns, shape, dtype)
        self._moments = Moments(len(columns), dtype)
        self._columns = list(columns)
        self.shape = shape
        self.dtype = dtype

    def update(self, part: Array) -> None:
        """Add the next samples."""
        self._digest.update(part)
        self._moments.update(part.reshape(-1, part.shape[-1]))

    @property
    def sha256_hexdigest(self) -> str:
        """The identity of what was added."""
        return self._digest.hexdigest()

    @property
    def byte_count(self) -> int:
        """Size of the whole in memory."""
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))

    @property
    def wants_whole(self) -> bool:
        """Whether the quartiles need all values in memory, and these are few."""
        return self.dtype.itemsize > 1 and self.byte_count <= QUARTILE_BYTES

    @property
    def contains_nan(self) -> bool:
        """Whether any value is NaN."""
        return bool(self._moments.nan_count.any())

    def statistics(self, whole: Array | None = None) -> dict[str, Statistics]:
        """Return statistics a column.

        Count, NaN, mean, standard deviation, minimum and maximum are exact. Quartiles are those
        of all values: from a histogram for numbers of one byte, by sorting a column at a time
        where the whole is in memory, and left out otherwise. Integers of 64 bits are summed as
        floats.

        Parameters
        ----------
        whole
            The array, if it is in memory.
        """
        flat = None if whole is None else whole.reshape(-1, whole.shape[-1])
        found = {}
        for position, name in enumerate(self._columns):
            values = None if flat is None else flat[:, position]
            found[name] = statistics_of(self._moments, position, values)
        return found


def gather(
    source: ArraySource, typ: DatasetType, columns: Sequence[str], step_bytes: int = STEP_BYTES
) -> ArrayFacts:
    """Return the facts about a source after one pass over it."""
    facts = ArrayFacts(typ, columns, source.shape, source.dtype)
    for part in steps(source, step_bytes):
        facts.update(part)
    return facts


def array_digest(source: ArraySource, typ: DatasetType, columns: Sequence[str]) -> str:
    """Return the digest of a source after one pass over it."""
    digest = ArrayDigest(typ, columns, source.shape, source.dtype)
    for part in steps(source):
        digest.update(part)
    return digest.hexdigest()
