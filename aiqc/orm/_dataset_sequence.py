"""`Dataset.Sequence`: registering three-dimensional data (spec/003 §1ai2)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidInput
from aiqc.orm._blobs import put_blob
from aiqc.orm._dataset_arrays import remember
from aiqc.orm._dataset_register import Registrar, register

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import numpy as np

    from aiqc.core.types import Array
    from aiqc.data.array_facts import ArrayFacts
    from aiqc.data.array_input import Axes
    from aiqc.data.array_source import ArraySource
    from aiqc.orm.dataset import Dataset


class Sequence(Registrar):
    """Registers three-dimensional data: samples by rows by columns (spec/003 §1ai2)."""

    @classmethod
    def from_numpy(
        cls,
        arr3D_or_npyPath: Array | str | os.PathLike[str],
        ingest: bool | None = None,
        rename_columns: list[str] | None = None,
        retype: Any = None,
        description: str | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Register an array, or the array of an npy file at a local path or any fsspec URL.

        Parameters
        ----------
        arr3D_or_npyPath
            `(samples, rows, columns)` of integers, floats or booleans, or the path or URL of a
            file that ends with .npy. Nothing is unpickled.
        ingest
            Whether the values are stored in the metastore. By default those of an array are, and
            those of a file are not: the file is read again, in parts, when it is needed, and must
            not have changed.
        rename_columns
            One name a column, the last axis; '0', '1', ... by default.
        retype
            One numpy dtype for all values.
        description
            What is unique about this data.
        name
            Turns on versioning: equal content returns the existing row with a warning, new
            content becomes the next version. With `ingest=True` the existing row keeps a copy
            from then on, wherever it was read from.

        Raises
        ------
        InvalidData
            If the array has other dimensions, is empty, or holds what cannot be stored.
        InvalidInput
            If there is no such file, or an array is given with `ingest=False`.
        Conflict
            If the name belongs to data of another type.
        """
        from aiqc.data.array_input import SEQUENCE_AXES

        typ = DatasetType.SEQUENCE
        cls._check(typ, name, description)
        options = Options(typ, SEQUENCE_AXES, ingest, rename_columns, retype)
        with given_array(arr3D_or_npyPath, "arr3D_or_npyPath", options) as given:
            return register(
                cls._model,
                typ,
                given.facts.sha256_hexdigest,
                given.contents,
                ingest=given.is_ingested,
                description=description,
                name=name,
            )


@dataclass(frozen=True, slots=True)
class Options:
    """What `from_numpy` of a sequence or image was told."""

    typ: DatasetType
    axes: Axes
    ingest: bool | None
    rename_columns: list[str] | None
    retype: Any


@dataclass(frozen=True, slots=True)
class GivenArray:
    """An array, or the file of one, whose digest is known."""

    source: ArraySource
    facts: ArrayFacts
    columns: list[str]
    options: Options
    #: the values, if they are in memory
    memory: Array | None
    #: None for an array from memory
    path: str | None
    is_ingested: bool

    def contents(self) -> dict[str, Any]:
        """Describe the values, and store them if wanted; returns values of fields."""
        from aiqc.data.npy import NpyStream

        in_memory = self.path is None
        whole = self.memory
        if whole is None and self.facts.wants_whole:
            whole = self.source.read()
        retype = None if self.options.retype is None else str(self.facts.dtype)
        fields = {
            **array_fields(self.facts, self.columns, self.options.axes, whole),
            "source_format": "ndarray" if in_memory else "npy",
            "source_path": self.path,
            "is_ingested": self.is_ingested,
            "content": put_blob(NpyStream(self.source), "npy") if self.is_ingested else None,
        }
        if not in_memory:
            renamed = None if self.options.rename_columns is None else self.columns
            fields["read_options"] = {"rename_columns": renamed, "retype": retype}
        return fields


def array_fields(
    facts: ArrayFacts, columns: list[str], axes: Axes, whole: Array | None
) -> dict[str, Any]:
    """Return the values of the fields that describe a sequence or image.

    Parameters
    ----------
    facts
        After a pass over the values.
    columns
        Names, on the last axis.
    axes
        Names of the axes.
    whole
        The values, where they are in memory.
    """
    from aiqc.data.describe import BYTES_PER_MB

    return {
        "columns": columns,
        "dtypes": str(facts.dtype),
        "shape": axes.shape(facts.shape),
        "memory_MB": facts.byte_count / BYTES_PER_MB,
        "contains_nan": facts.contains_nan,
        "statistics": facts.statistics(whole),
    }


@contextmanager
def given_array(value: Any, argument: str, options: Options) -> Iterator[GivenArray]:
    """Open what the user gave, and pass over it once for its digest and statistics.

    Parameters
    ----------
    value
        An array, or the path or URL of an npy file.
    argument
        What messages call it.
    options
        The other arguments.
    """
    import numpy as np

    from aiqc.data.array_facts import gather
    from aiqc.data.array_input import as_path, column_names, file_stamp, in_memory_array
    from aiqc.data.retype_array import array_dtype
    from aiqc.data.sources import resolve_source

    in_memory = isinstance(value, np.ndarray)
    if in_memory and options.ingest is not None and not options.ingest:
        msg = f"{argument} is an array in memory, with ingest={options.ingest!r}."
        hint = "Leave ingest out, or save the array with np.save and give the path."
        raise InvalidInput(msg, hint=hint, ingest=options.ingest)
    dtype = None if options.retype is None else array_dtype(options.retype)
    memory = in_memory_array(value, options.axes, dtype) if in_memory else None
    path = None if in_memory else resolve_source(as_path(value, argument))
    stamp = None if path is None else file_stamp(path)
    source = _source(memory, path, options.axes, dtype)
    try:
        columns = column_names(options.rename_columns, source.shape[-1])
        facts = gather(source, options.typ, columns)
        if path is not None and stamp == file_stamp(path):
            remember(stamp, facts.sha256_hexdigest)
        is_ingested = in_memory if options.ingest is None else bool(options.ingest)
        yield GivenArray(source, facts, columns, options, memory, path, is_ingested)
    finally:
        source.close()


def _source(
    memory: Array | None, path: str | None, axes: Axes, dtype: np.dtype[Any] | None
) -> ArraySource:
    from aiqc.data.array_input import check_array, open_npy
    from aiqc.data.array_source import MemorySource, SelectedSource

    if memory is not None:
        return MemorySource(memory)
    raw = open_npy(str(path))
    try:
        check_array(raw.shape, raw.dtype, axes, f"The array of {path!r}")
    except BaseException:
        raw.close()
        raise
    return SelectedSource(raw, dtype=dtype)
