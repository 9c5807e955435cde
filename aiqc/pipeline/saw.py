"""The samples that a fit learned from: what makes leakage provable."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.errors import CorruptBlob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array


@dataclass(frozen=True, slots=True)
class Saw:
    """Which samples one estimator was fitted to."""

    #: positions in the data set, int64, in the order they were fitted
    samples: Array
    #: sha256 of these positions as little-endian int64
    digest: str
    #: whether every sample was seen, as categorical coders do
    saw_all: bool

    @classmethod
    def of(cls, samples: Array | None, count: int) -> Saw:
        """Return the record of some samples, or of all `count` for None.

        Examples
        --------
        >>> Saw.of(None, 3).samples
        array([0, 1, 2])
        """
        rows = np.arange(count) if samples is None else np.array(samples, dtype=np.int64)
        rows = rows.astype(np.int64)
        rows.flags.writeable = False
        digest = hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
        return cls(rows, digest, samples is None)

    @staticmethod
    def pack(records: Sequence[Saw]) -> tuple[dict[str, Array], list[dict[str, str | int]]]:
        """Return (arrays, marks) of several records; equal training rows are stored once."""
        arrays: dict[str, Array] = {}
        marks: list[dict[str, str | int]] = []
        for record in records:
            if record.saw_all:
                marks.append({"digest": record.digest, "all": len(record.samples)})
            else:
                marks.append({"digest": record.digest})
                top = int(record.samples.max(initial=0))
                small = record.samples.astype(np.min_scalar_type(top))
                arrays[f"samples_{record.digest}"] = small
        return arrays, marks

    @staticmethod
    def unpack(arrays: dict[str, Array], marks: list[dict[str, str | int]]) -> list[Saw]:
        """Return the records that `pack` wrote.

        Raises
        ------
        CorruptBlob
            If the samples do not match their digest.
        """
        records = []
        for mark in marks:
            rows = None if "all" in mark else arrays[f"samples_{mark['digest']}"]
            record = Saw.of(rows, int(mark.get("all", 0)))
            if record.digest != mark["digest"]:
                msg = f"The samples of a fit do not match their digest {mark['digest']}."
                raise CorruptBlob(msg, hint="Restore the metastore from a backup.")
            records.append(record)
        return records
