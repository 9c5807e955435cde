"""Dataset: registered data, versioned by name and identified by content (spec/003 §1)."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pandas as pd
from peewee import ForeignKeyField

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidColumns
from aiqc.orm import _dataset_arrays, _dataset_image, _dataset_sequence, _dataset_tabular
from aiqc.orm._base import BaseModel
from aiqc.orm._blobs import Blob, read_blob
from aiqc.orm._by_id import by_id
from aiqc.orm._dataset_register import Registrar, refuse_other_type
from aiqc.orm._fields import BigInteger, Boolean, Digest, Double, EnumField, JSONField, Text
from aiqc.orm._lists import as_list, check_known
from aiqc.orm._versions import version_of_renamed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from peewee import ModelSelect

    from aiqc.core.types import Array
    from aiqc.data.array_source import ArraySource
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label

#: arguments of the methods; `Dataset.Sequence` takes the usual name
Names: TypeAlias = Listed[str]
Samples: TypeAlias = "Listed[int] | Array"


class Dataset(BaseModel):
    """Data of known dimensions, ingested into the metastore or left where it is."""

    #: tabular, sequence or image
    typ: EnumField[DatasetType] = EnumField(DatasetType)
    #: 'dataframe', 'csv', 'tsv', 'parquet', 'ndarray', 'npy', Pillow's format, or 'mixed'
    source_format = Text()
    #: absolute path or URL of the file or folder; None for data from memory
    source_path = Text(null=True)
    #: list of URLs, for images
    urls = JSONField(null=True)
    #: names of the columns, in order
    columns = JSONField()
    #: {column: dtype}; one dtype for a sequence or images
    dtypes = JSONField()
    #: {'samples': n, 'columns': n}, with channels and rows between where there are any
    shape = JSONField()
    #: identity of the data: type, columns, dtypes and values
    sha256_hexdigest = Digest()
    #: size in memory, in megabytes
    memory_MB = Double()
    contains_nan = Boolean()
    #: the `header` argument of the file's reader
    header = JSONField(null=True)
    is_ingested = Boolean()
    version = BigInteger(null=True)
    #: {column: summary numbers}; a column is all values at one place of the last axis
    statistics = JSONField()
    #: rename_columns, retype and caps, applied again when a source is read again
    read_options = JSONField(null=True)
    content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    #: names and hashes of image files, in order
    manifest_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    features: ModelSelect[Feature]
    labels: ModelSelect[Label]

    Tabular = _dataset_tabular.Tabular
    Sequence = _dataset_sequence.Sequence
    Image = _dataset_image.Image

    @property
    def blob(self) -> bytes | None:
        """The stored bytes, Parquet or npy, checked against their hash; None if not ingested."""
        return None if self.content is None else read_blob(self.content)

    @by_id
    def to_df(self, columns: Names | None = None, samples: Samples | None = None) -> Any:
        """Return the data as frames.

        Parameters
        ----------
        columns
            Names, in the order wanted; all by default. Only these are read.
        samples
            Zero-based numbers, in the order wanted; all by default.

        Returns
        -------
        Of a tabular Dataset a frame; of a sequence a list of frames, one a sample; of images a
        list (samples) of lists (channels) of frames.

        Raises
        ------
        InvalidColumns
            If a column does not exist.
        InvalidInput
            If a sample does not exist.
        DataChanged
            If the source was not ingested and is no longer what was registered.
        """
        return self._form.to_df(self, self._names(columns), _listed(samples))

    @by_id
    def to_arr(self, columns: Names | None = None, samples: Samples | None = None) -> Array:
        """Return the data as an array.

        Parameters
        ----------
        columns
            Names, in the order wanted; all by default. Only these are read.
        samples
            Zero-based numbers, in the order wanted; all by default. Only these are read.

        Returns
        -------
        `(samples, columns)`, `(samples, rows, columns)` or `(samples, channels, rows, columns)`.

        Raises
        ------
        InvalidColumns
            If a column does not exist.
        InvalidInput
            If a sample does not exist.
        DataChanged
            If the source was not ingested and is no longer what was registered.
        """
        return self._form.to_arr(self, self._names(columns), _listed(samples))

    @by_id
    def to_pillow(self, samples: Samples | None = None) -> list[Any]:
        """Return images as `PIL.Image.Image`; only an image Dataset has them.

        Channels and dtype decide the mode: 1 to 4 channels of uint8 are L, LA, RGB and RGBA; one
        channel of bool, uint16, int32 or float32 is 1, I;16, I and F.

        Parameters
        ----------
        samples
            Zero-based numbers, in the order wanted; all by default. Only these are read.

        Raises
        ------
        Unsupported
            For every other type of Dataset.
        InvalidData
            If no mode has these channels and this dtype.
        InvalidInput
            If a sample does not exist.
        DataChanged
            If the source was not ingested and is no longer what was registered.
        """
        return self._form.to_pillow(self, _listed(samples))

    @by_id
    def get_dtypes(self, columns: Names | None = None) -> dict[str, str]:
        """Return {column: dtype}, also where all columns have one dtype.

        Parameters
        ----------
        columns
            Names, in the order wanted; all by default.

        Raises
        ------
        InvalidColumns
            If a column does not exist.
        """
        return self._form.dtypes(self, self._names(columns) or list(self.columns))

    @by_id
    @contextmanager
    def open_array(self) -> Iterator[ArraySource]:
        """Open a sequence or image Dataset to be read in parts.

        Yields
        ------
        ArraySource
            `read(samples, columns)` returns positions, reading no others. It is closed at the end
            of the `with` block.

        Raises
        ------
        Unsupported
            For a tabular Dataset.
        DataChanged
            If the source was not ingested and is no longer what was registered. The content of an
            npy file is compared once a process, and again when its size or time has changed;
            image files are compared as they are read.
        """
        with self._form.open_array(self) as source:
            yield source

    @classmethod
    def list_df(cls) -> pd.DataFrame:
        """Return one row a Dataset: id, name, version, type, shape, size, source, time."""
        fields = [cls.id, cls.name, cls.version, cls.typ, cls.shape, cls.memory_MB]
        fields += [cls.contains_nan, cls.is_ingested, cls.source_format, cls.time_created]
        rows = [
            {
                "id": row.id,
                "name": row.name,
                "version": row.version,
                "typ": str(row.typ),
                "samples": row.shape["samples"],
                "columns": row.shape["columns"],
                "memory_MB": row.memory_MB,
                "contains_nan": row.contains_nan,
                "is_ingested": row.is_ingested,
                "source_format": row.source_format,
                "created_at": row.created_at(),
            }
            for row in cls.select(*fields).order_by(cls.id)
        ]
        return pd.DataFrame(rows, columns=_LIST_COLUMNS)

    def _renamed(self, name: str) -> None:
        refuse_other_type(Dataset, name, self.typ)
        self.version = version_of_renamed(self, name, sha256_hexdigest=self.sha256_hexdigest)

    @property
    def _form(self) -> Form:
        return FORMS[DatasetType(self.typ)]

    def _names(self, columns: Names | None) -> list[str] | None:
        if columns is None:
            return None
        names = as_list(columns)
        check_known(names, self.columns, f"{self!r}")
        if not names:
            msg = f"columns={columns!r} asks for no column of {self!r}."
            raise InvalidColumns(msg, hint="Name at least one, or leave columns out for all.")
        return names


class Form(Protocol):
    """How Datasets of one type are read; names and numbers are lists, None for all."""

    def to_df(self, dataset: Dataset, names: list[str] | None, rows: list[int] | None) -> Any:
        """Return frames."""
        ...

    def to_arr(self, dataset: Dataset, names: list[str] | None, rows: list[int] | None) -> Array:
        """Return an array."""
        ...

    def to_pillow(self, dataset: Dataset, rows: list[int] | None) -> list[Any]:
        """Return images, or refuse."""
        ...

    def dtypes(self, dataset: Dataset, names: list[str]) -> dict[str, str]:
        """Return {column: dtype}."""
        ...

    def open_array(self, dataset: Dataset) -> AbstractContextManager[ArraySource]:
        """Open the values to be read in parts, or refuse."""
        ...


FORMS: dict[DatasetType, Form] = {
    DatasetType.TABULAR: _dataset_tabular.TableForm(),
    DatasetType.SEQUENCE: _dataset_arrays.SequenceForm(),
    DatasetType.IMAGE: _dataset_arrays.ImageForm(),
}
Registrar._model = Dataset

_LIST_COLUMNS = [
    "id",
    "name",
    "version",
    "typ",
    "samples",
    "columns",
    "memory_MB",
    "contains_nan",
    "is_ingested",
    "source_format",
    "created_at",
]


def _listed(samples: Samples | None) -> list[int] | None:
    return None if samples is None else as_list(samples)
