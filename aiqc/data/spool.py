"""Arrays written to an npy file as their samples come, with facts gathered on the way."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np

from aiqc.data.array_facts import ArrayFacts
from aiqc.data.array_source import STEP_BYTES, as_bytes
from aiqc.data.npy import FileBytes, NpySource, npy_header
from aiqc.data.retype_array import retype_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aiqc.core.enums import DatasetType
    from aiqc.core.types import Array


class Sink(Protocol):
    """Where the bytes of an npy file go."""

    def write(self, part: memoryview, /) -> None:
        """Take the next bytes; their memory is used again afterwards."""


class Spool:
    """A pass over samples of one shape and dtype: their facts and, if wanted, an npy file.

    Parameters
    ----------
    count
        How many samples there will be.
    typ
        Sequence or image.
    name_columns
        Returns the names for a number of columns.
    dtype
        What the values become; None leaves them as they are.
    keep
        Whether the values are wanted again; they are written to a temporary file.
    sink
        Takes the bytes of the npy file as they come.
    """

    def __init__(
        self,
        count: int,
        typ: DatasetType,
        name_columns: Callable[[int], Sequence[str]],
        dtype: np.dtype[Any] | None,
        *,
        keep: bool,
        sink: Sink | None = None,
    ) -> None:
        self._count = count
        self._typ = typ
        self._name_columns = name_columns
        self._dtype = dtype
        self._keep = keep
        self._sink = sink
        self._file: IO[bytes] | None = None
        #: samples that were taken
        self._done = 0
        #: dtype of the samples before they were retyped
        self.raw_dtype: np.dtype[Any] = np.dtype("uint8")
        self.columns: list[str] = []
        self.facts: ArrayFacts

    def fill(self, samples: Iterator[Array]) -> None:
        """Take the samples, in order.

        Parameters
        ----------
        samples
            Arrays of one sample each.
        """
        buffer: Array | None = None
        filled = 0
        for sample in samples:
            if buffer is None:
                buffer = self._begin(sample)
            buffer[filled] = sample
            filled += 1
            if filled == len(buffer):
                self._flush(buffer)
                filled = 0
        if buffer is not None and filled:
            self._flush(buffer[:filled])

    def whole(self) -> Array | None:
        """Return all values if they are few (`ArrayFacts.wants_whole`), else None."""
        if self._file is None or not self.facts.wants_whole:
            return None
        return NpySource(FileBytes(self._file), "the temporary file").read()

    def rewound(self) -> IO[bytes]:
        """Return the temporary file at its start, to be read."""
        assert self._file is not None
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Delete the temporary file."""
        if self._file is not None:
            self._file.close()

    def _begin(self, sample: Array) -> Array:
        """Look at the first sample; return an empty array for some of them."""
        self.raw_dtype = sample.dtype
        dtype = sample.dtype if self._dtype is None else self._dtype
        shape = (self._count, *sample.shape)
        self.columns = list(self._name_columns(sample.shape[-1]))
        self.facts = ArrayFacts(self._typ, self.columns, shape, dtype)
        if self._keep or self.facts.wants_whole:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._write(memoryview(npy_header(shape, dtype)))
        step = min(max(STEP_BYTES // sample.nbytes, 1), self._count)
        buffer: Array = np.empty((step, *sample.shape), dtype=sample.dtype)
        return buffer

    def _flush(self, part: Array) -> None:
        values = retype_array(part, self.facts.dtype, self._done)
        self._done += len(part)
        self.facts.update(values)
        self._write(as_bytes(values))

    def _write(self, part: memoryview) -> None:
        if self._file is not None:
            self._file.write(part)
        if self._sink is not None:
            self._sink.write(part)
