"""Dataset: registered data, versioned by name and identified by content (spec/003 §1)."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pandas as pd
from peewee import ForeignKeyField

from aiqc.core.enums import DatasetType
from aiqc.core.errors import Conflict, DataChanged, Unsupported
from aiqc.orm._base import BaseModel, check_info
from aiqc.orm._blobs import Blob, open_blob, put_blob, read_blob
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import BigInteger, Boolean, Digest, Double, EnumField, JSONField, Text
from aiqc.orm._lists import as_list, check_known
from aiqc.orm._versions import (
    exclusive,
    existing_version,
    next_version,
    version_of_renamed,
    warn_duplicate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import ModelSelect

    from aiqc.core.types import Array
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label


class Dataset(BaseModel):
    """Data of known dimensions, ingested into the metastore or left where it is."""

    #: tabular, sequence or image
    typ: EnumField[DatasetType] = EnumField(DatasetType)
    #: 'dataframe', 'csv', 'tsv' or 'parquet'
    source_format = Text()
    #: absolute path or URL of the file; None for data from memory
    source_path = Text(null=True)
    #: list of URLs, for images
    urls = JSONField(null=True)
    #: names of the columns, in order
    columns = JSONField()
    #: {column: dtype}
    dtypes = JSONField()
    #: {'samples': rows, 'columns': columns}
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
    #: {column: summary numbers}
    statistics = JSONField()
    #: rename_columns and retype, applied again when a source is read again
    read_options = JSONField(null=True)
    content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    features: ModelSelect[Feature]
    labels: ModelSelect[Label]

    class Tabular:
        """Registers two-dimensional data: samples by columns (spec/003 §1ai1)."""

        @classmethod
        def from_df(
            cls,
            dataframe: pd.DataFrame | None = None,
            rename_columns: list[str] | None = None,
            retype: Any = None,
            description: str | None = None,
            name: str | None = None,
            *,
            df: pd.DataFrame | None = None,
        ) -> Dataset:
            """Ingest a frame.

            Parameters
            ----------
            dataframe
                `(samples, columns)`, with the default integer index. It is not modified.
            rename_columns
                One name a column.
            retype
                A numpy or pandas dtype for all columns, or {column: dtype}.
            description
                What is unique about this data.
            name
                Turns on versioning: equal content returns the existing row with a warning, new
                content becomes the next version.
            df
                Another spelling of `dataframe`.

            Raises
            ------
            InvalidData
                If the frame is not one that can be stored and restored exactly.
            Conflict
                If the name belongs to data of another type.
            """
            from aiqc.data.tabular import clean_frame

            given = dataframe if df is None else df
            frame = clean_frame(given, rename_columns, retype)  # type: ignore[arg-type]
            facts = {"source_format": "dataframe", "name": name, "description": description}
            return _register(frame, ingest=True, **facts)

        @classmethod
        def from_path(
            cls,
            file_path: str,
            ingest: bool = True,
            rename_columns: list[str] | None = None,
            retype: Any = None,
            header: Any = "infer",
            description: str | None = None,
            name: str | None = None,
        ) -> Dataset:
            """Register a CSV, TSV or Parquet file from a local path or any fsspec URL.

            Parameters
            ----------
            file_path
                Ends in .csv, .tsv, .parquet or .pq; text may be compressed (.gz, .bz2, .xz, .zst).
            ingest
                Whether the values are stored in the metastore. Otherwise the source is read
                again when it is needed, and must not have changed.
            rename_columns, retype, description, name
                As in `from_df`.
            header
                As in `pandas.read_csv`; None: the file has no header row.

            Raises
            ------
            InvalidInput
                If there is no such file or its ending is unknown.
            InvalidData
                If its content cannot be read or stored.
            Conflict
                If the name belongs to data of another type.
            """
            from aiqc.data.sources import resolve_source, source_format
            from aiqc.data.tabular import clean_frame, read_table

            source = resolve_source(str(file_path))
            frame = clean_frame(read_table(source, header), rename_columns, retype)
            return _register(
                frame,
                ingest=ingest,
                source_format=source_format(source),
                source_path=source,
                header=header,
                read_options={"rename_columns": rename_columns, "retype": _retype_text(retype)},
                description=description,
                name=name,
            )

    @property
    def blob(self) -> bytes | None:
        """The stored bytes (Parquet), checked against their hash; None if not ingested."""
        return None if self.content is None else read_blob(self.content)

    @by_id
    def to_df(
        self, columns: Sequence[str] | None = None, samples: Sequence[int] | None = None
    ) -> pd.DataFrame:
        """Return the data as a frame.

        Parameters
        ----------
        columns
            Names, in the order wanted; all by default. Only these are read.
        samples
            Zero-based row numbers, in the order wanted; all by default.

        Raises
        ------
        InvalidColumns
            If a column does not exist.
        DataChanged
            If the source was not ingested and is no longer what was registered.
        """
        from aiqc.data.parquet import decode_frame

        names = None if columns is None else as_list(columns)
        check_known(names, self.columns, f"{self!r}")
        rows = None if samples is None else as_list(samples)
        if self.content is None:
            return _select(self._read_source(), names, rows)
        with open_blob(self.content) as reader:
            return decode_frame(cast(BinaryIO, reader), names, rows)

    @by_id
    def to_arr(
        self, columns: Sequence[str] | None = None, samples: Sequence[int] | None = None
    ) -> Array:
        """Return the data as an array `(samples, columns)`; parameters as in `to_df`."""
        from aiqc.data.arrays import frame_to_array

        return frame_to_array(self.to_df(columns, samples))

    @by_id
    def to_pillow(self, samples: Sequence[int] | None = None) -> list[Any]:  # noqa: ARG002
        """Return images; only an image Dataset has them.

        Raises
        ------
        Unsupported
            For every other type of Dataset.
        """
        msg = f"{self!r} is {self.typ}, and only an image Dataset becomes Pillow images."
        raise Unsupported(msg, hint="Use to_df() or to_arr().", typ=self.typ)

    @by_id
    def get_dtypes(self, columns: Sequence[str] | None = None) -> dict[str, str]:
        """Return {column: dtype}.

        Raises
        ------
        InvalidColumns
            If a column does not exist.
        """
        names = self.columns if columns is None else as_list(columns)
        check_known(names, self.columns, f"{self!r}")
        return {name: self.dtypes[name] for name in names}

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
        _refuse_other_type(name, self.typ)
        self.version = version_of_renamed(self, name, sha256_hexdigest=self.sha256_hexdigest)

    def _read_source(self) -> pd.DataFrame:
        from aiqc.data.digest import frame_digest
        from aiqc.data.tabular import clean_frame, read_table

        options = self.read_options
        frame = clean_frame(
            read_table(str(self.source_path), self.header),
            options["rename_columns"],
            options["retype"],
        )
        if frame_digest(frame) != self.sha256_hexdigest:
            msg = f"{self.source_path} is no longer the data that {self!r} was registered from."
            hint = "Restore the file, or register it again: new content becomes a new version."
            raise DataChanged(msg, hint=hint, source_path=self.source_path)
        return frame


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


def _register(frame: pd.DataFrame, *, ingest: bool, name: str | None, **facts: Any) -> Dataset:
    from aiqc.data.describe import describe
    from aiqc.data.digest import frame_digest

    check_info(name, facts["description"])
    _refuse_other_type(name, DatasetType.TABULAR)
    digest = frame_digest(frame)
    existing = existing_version(Dataset, name, sha256_hexdigest=digest)
    if existing is not None:
        warn_duplicate(existing)
        return existing
    summary = describe(frame)
    content = _store(frame) if ingest else None
    with exclusive():
        # another process may have registered the same between the look and the lock
        existing = existing_version(Dataset, name, sha256_hexdigest=digest)
        if existing is None:
            return Dataset.create(
                typ=DatasetType.TABULAR,
                columns=summary.columns,
                dtypes=summary.dtypes,
                shape=summary.shape,
                memory_MB=summary.memory_MB,
                contains_nan=summary.contains_nan,
                statistics=summary.statistics,
                sha256_hexdigest=digest,
                is_ingested=ingest,
                content=content,
                version=next_version(Dataset, name),
                name=name,
                **facts,
            )
    warn_duplicate(existing)
    return existing


def _store(frame: pd.DataFrame) -> Blob:
    from aiqc.data.parquet import encode_frame

    with tempfile.TemporaryFile() as sink:
        encode_frame(frame, sink)
        sink.seek(0)
        return put_blob(sink, "parquet")


def _refuse_other_type(name: str | None, typ: DatasetType) -> None:
    if name is None:
        return
    other = Dataset.get_or_none(Dataset.name == name)
    if other is not None and other.typ != typ:
        msg = f"The name {name!r} belongs to {other.typ} data; this is {typ} data."
        raise Conflict(msg, hint="Choose another name.", name=name)


def _select(
    frame: pd.DataFrame, columns: list[str] | None, samples: list[int] | None
) -> pd.DataFrame:
    from aiqc.data.parquet import check_samples

    if columns is not None:
        frame = frame[columns]
    if samples is None:
        return frame
    return frame.iloc[check_samples(samples, len(frame))].reset_index(drop=True)


def _retype_text(retype: Any) -> Any:
    if retype is None:
        return None
    if isinstance(retype, dict):
        return {str(column): _dtype_text(dtype) for column, dtype in retype.items()}
    return _dtype_text(retype)


def _dtype_text(dtype: Any) -> str:
    return str(pd.api.types.pandas_dtype(dtype))
