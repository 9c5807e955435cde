"""Arrays and npy files as sources that can be registered as sequences or images."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidData, InvalidInput, MissingLibrary
from aiqc.data.npy import FileBytes, LocalBytes, NpySource
from aiqc.data.retype_array import is_storable, retype_array
from aiqc.data.sources import check_local, file_name, is_url, open_source, url_errors
from aiqc.data.tabular import text_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array, Shape

#: facts that fsspec gives about a file -> they change when its content does
_VALIDATORS = ["ETag", "etag", "LastModified", "Last-Modified", "last_modified", "mtime", "md5"]
_VALIDATORS += ["modified", "created", "generation", "crc32c"]


@dataclass(frozen=True, slots=True)
class Axes:
    """What the axes of a type of data are called, samples first and columns last."""

    names: tuple[str, ...]

    def shape(self, shape: Shape) -> dict[str, int]:
        """Return a shape by the names of its axes."""
        return dict(zip(self.names, shape, strict=True))


SEQUENCE_AXES = Axes(("samples", "rows", "columns"))
IMAGE_AXES = Axes(("samples", "channels", "rows", "columns"))


class _UrlBytes(FileBytes):
    """The file at a URL, read at positions: a server may refuse that, or go away."""

    def __init__(self, url: str) -> None:
        super().__init__(open_source(url))
        self._url = url

    def size(self) -> int:
        with url_errors(self._url, "read in parts"):
            return super().size()

    def fill(self, view: memoryview, offset: int) -> int:
        with url_errors(self._url, "read in parts"):
            return super().fill(view, offset)


def is_npy(path: str | os.PathLike[str]) -> bool:
    """Return whether a path or URL ends with .npy."""
    return file_name(path).lower().endswith(".npy")


def in_memory_array(array: Array, axes: Axes, dtype: np.dtype[Any] | None) -> Array:
    """Return a user's array, in another dtype if wanted, after checking that it can be registered.

    Raises
    ------
    InvalidData
        If it has other axes, no values, values that are not numbers or booleans, or one that
        cannot be retyped.
    """
    if isinstance(array, np.ma.MaskedArray):
        msg = "A masked array came, whose mask cannot be stored."
        raise InvalidData(msg, hint="Use array.filled(np.nan) or array.data.")
    check_array(array.shape, array.dtype, axes, "The array")
    plain = np.asarray(array)
    return plain if dtype is None else retype_array(plain, dtype)


def open_npy(path: str) -> NpySource:
    """Return the array of a local npy file or fsspec URL as a source; its holder closes it.

    Parameters
    ----------
    path
        As `resolve_source` returns it.

    Raises
    ------
    InvalidInput
        If there is no such file.
    InvalidData
        If it is no npy file, or is cut off.
    """
    reader = _UrlBytes(path) if is_url(path) else LocalBytes(str(check_local(path)))
    try:
        return NpySource(reader, path)
    except BaseException:
        reader.close()
        raise


def file_stamp(path: str) -> tuple[Any, ...] | None:
    """Return what changes when a file does: size and times, or a server's own validators.

    None where a server tells nothing of the kind, so that only the content can be compared; and
    for a file in an archive, where these facts are not the archive's.
    """
    if not is_url(path):
        facts = check_local(path).stat()
        return path, facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_ctime_ns
    if "::" in path:
        return None
    import fsspec

    try:
        with url_errors(path, "opened"):
            files, inner = fsspec.core.url_to_fs(path)
            files.invalidate_cache()
            info = files.info(inner)
    except (InvalidInput, MissingLibrary):
        # opening it says what is wrong
        return None
    known = tuple((key, str(info[key])) for key in _VALIDATORS if info.get(key) is not None)
    return (path, info.get("size"), *known) if known else None


def check_array(shape: Shape, dtype: np.dtype[Any], axes: Axes, what: str) -> None:
    """Refuse an array that cannot be registered.

    Raises
    ------
    InvalidData
        Names the shape or the dtype.
    """
    wanted = ", ".join(axes.names)
    if len(shape) != len(axes.names):
        msg = f"{what} has {len(shape)} dimensions, shape {shape}; {len(axes.names)} are needed."
        hint = f"Bring it to ({wanted}), e.g. with array.reshape(...) or array[np.newaxis]."
        raise InvalidData(msg, hint=hint, shape=shape)
    if 0 in shape:
        msg = f"{what} is empty: its shape is {shape}."
        raise InvalidData(msg, hint=f"Give at least one of each: {wanted}.", shape=shape)
    if not is_storable(dtype):
        msg = f"{what} holds {dtype}; only integers, floats to 64 bits and booleans are stored."
        raise InvalidData(msg, hint=_remedy(dtype), dtype=str(dtype))


def column_names(rename_columns: Sequence[str] | str | None, count: int) -> list[str]:
    """Return one name a column: those given, or '0', '1', ...

    Raises
    ------
    InvalidInput
        If the names are not as many as the columns.
    InvalidData
        If a name is empty or given twice.
    """
    return text_names([str(position) for position in range(count)], rename_columns)


def as_path(value: Any, argument: str) -> str:
    """Return a path that a user gave instead of an array.

    Raises
    ------
    InvalidInput
        If it is neither an array nor a path, or does not end with .npy.
    """
    if not isinstance(value, str | os.PathLike):
        shown = " ".join(repr(value)[:60].split())
        msg = f"{argument} is {type(value).__name__}, neither an ndarray nor a path: {shown}."
        raise InvalidInput(msg, hint="Use np.asarray(...), or the path of an npy file.")
    path = os.fspath(value)
    if not isinstance(path, str) or not is_npy(path):
        msg = f"{argument}={path!r} does not end with .npy."
        hint = "Write the array with np.save, and give the path of that file."
        raise InvalidInput(msg, hint=hint, path=path)
    return path


def _remedy(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "c":
        return "Store its .real and .imag as two columns."
    if dtype.kind == "f":
        return "Use array.astype('float64')."
    if dtype.kind in "mM":
        return "Use array.astype('int64') of a unit that you choose."
    if dtype.names is not None:
        return "Use numpy.lib.recfunctions.structured_to_unstructured(array)."
    return "Use array.astype('float64') if its values are numbers, else encode them first."
