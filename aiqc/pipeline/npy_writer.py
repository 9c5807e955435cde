"""Files that appear at once or not at all, and npy files that are written in parts."""

from __future__ import annotations

import contextlib
import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidInput, NotReady

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiqc.core.types import Array, Shape


@dataclass(frozen=True, slots=True)
class CachedArray:
    """What an array's file must look like."""

    shape: Shape
    dtype: str
    #: bytes of the file, header included
    bytes: int


class NpyWriter:
    """Writes an npy file of a known number of samples, some at a time.

    Parameters
    ----------
    file
        Open for binary writing.
    path
        What messages call it.
    count
        Samples of all parts together.
    """

    def __init__(self, file: Any, path: Path, count: int) -> None:
        self._file = file
        self._path = path
        self._count = count
        self._written = 0
        self._dtype: np.dtype[Any] | None = None
        self._shape: Shape = ()

    def add(self, part: Array) -> None:
        """Write the next samples, `(samples, ...)`; all parts have one shape and dtype.

        Raises
        ------
        InvalidInput
            If the array holds Python objects, or differs from the parts before it.
        """
        refuse_objects(part, self._path)
        if self._dtype is None:
            self._dtype, self._shape = part.dtype, (self._count, *part.shape[1:])
            header = {"descr": part.dtype.str, "fortran_order": False, "shape": self._shape}
            np.lib.format.write_array_header_1_0(self._file, header)
        elif (part.dtype, part.shape[1:]) != (self._dtype, self._shape[1:]):
            msg = f"A part for {self._path.name!r} is {part.dtype} {part.shape[1:]}, those before "
            msg += f"it are {self._dtype} {self._shape[1:]}."
            raise InvalidInput(msg, hint="Encode all parts alike.", path=str(self._path))
        self._file.write(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        self._written += len(part)

    def facts(self) -> CachedArray:
        """Return what the finished file looks like.

        Raises
        ------
        NotReady
            If samples are missing.
        """
        if self._dtype is None or self._written != self._count:
            msg = f"{self._written} of {self._count} samples of {self._path.name!r} were written."
            raise NotReady(msg, hint="Cache the samples again.", path=str(self._path))
        size = self._file.tell()
        return CachedArray(self._shape, self._dtype.str, size)


def refuse_objects(array: Array, path: Path) -> None:
    """Refuse an array that only pickle could write.

    Raises
    ------
    InvalidInput
        Names the file and the dtype.
    """
    if array.dtype.hasobject:
        msg = f"The array for {path.name!r} holds Python objects ({array.dtype})."
        raise InvalidInput(msg, hint="Encode it as numbers first.", path=str(path))


@contextlib.contextmanager
def npy_writer(path: Path, count: int) -> Iterator[NpyWriter]:
    """Open an npy file for writing in parts; it takes its place when the block ends well.

    Parameters
    ----------
    path
        Its folder is made if need be. Safe beside another writer of the same file.
    count
        Samples of all parts together.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        yield NpyWriter(file, path, count)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Any]:
    """Open a new file beside `path` that takes its place when all is written."""
    fresh = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    try:
        with fresh.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
