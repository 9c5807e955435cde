"""`Dataset.Tabular`: registering and reading two-dimensional data (spec/003 §1ai1)."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pandas as pd

from aiqc.core.enums import DatasetType
from aiqc.core.errors import Unsupported
from aiqc.orm._blobs import open_blob, put_blob
from aiqc.orm._dataset_register import Registrar, register, source_changed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aiqc.core.types import Array
    from aiqc.data.array_source import ArraySource
    from aiqc.orm._blobs import Blob
    from aiqc.orm.dataset import Dataset


class Tabular(Registrar):
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
        from aiqc.data.digest import frame_digest
        from aiqc.data.tabular import clean_frame

        cls._check(DatasetType.TABULAR, name, description)
        given = dataframe if df is None else df
        frame = clean_frame(given, rename_columns, retype)  # type: ignore[arg-type]
        return register(
            cls._model,
            DatasetType.TABULAR,
            frame_digest(frame),
            lambda: _contents(frame, ingest=True),
            ingest=True,
            source_format="dataframe",
            description=description,
            name=name,
        )

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
        from aiqc.data.digest import frame_digest
        from aiqc.data.sources import resolve_source, source_format
        from aiqc.data.tabular import clean_frame, read_table

        cls._check(DatasetType.TABULAR, name, description)
        source = resolve_source(str(file_path))
        frame = clean_frame(read_table(source, header), rename_columns, retype)
        return register(
            cls._model,
            DatasetType.TABULAR,
            frame_digest(frame),
            lambda: _contents(frame, ingest=ingest),
            ingest=ingest,
            source_format=source_format(source),
            source_path=source,
            header=header,
            read_options={"rename_columns": rename_columns, "retype": _retype_text(retype)},
            description=description,
            name=name,
        )


class TableForm:
    """How a tabular Dataset is read."""

    @staticmethod
    def to_df(dataset: Dataset, names: list[str] | None, rows: list[int] | None) -> pd.DataFrame:
        """Return a frame `(samples, columns)`."""
        from aiqc.data.parquet import decode_frame

        if dataset.content is None:
            return _select(_read_source(dataset), names, rows)
        with open_blob(dataset.content) as reader:
            return decode_frame(cast(BinaryIO, reader), names, rows)

    @classmethod
    def to_arr(cls, dataset: Dataset, names: list[str] | None, rows: list[int] | None) -> Array:
        """Return an array `(samples, columns)`."""
        from aiqc.data.arrays import frame_to_array

        return frame_to_array(cls.to_df(dataset, names, rows))

    @staticmethod
    def to_pillow(dataset: Dataset, rows: list[int] | None) -> list[Any]:
        """Refuse."""
        del rows
        msg = f"{dataset!r} is {dataset.typ}, and only an image Dataset becomes Pillow images."
        raise Unsupported(msg, hint="Use to_df() or to_arr().", typ=dataset.typ)

    @staticmethod
    def dtypes(dataset: Dataset, names: list[str]) -> dict[str, str]:
        """Return {column: dtype}."""
        return {name: dataset.dtypes[name] for name in names}

    @staticmethod
    def open_array(dataset: Dataset) -> AbstractContextManager[ArraySource]:
        """Refuse."""
        msg = f"{dataset!r} is {dataset.typ}: its columns have dtypes of their own."
        raise Unsupported(msg, hint="Use to_df() or to_arr().", typ=dataset.typ)


def _contents(frame: pd.DataFrame, *, ingest: bool) -> dict[str, Any]:
    """Describe a frame, and store it if asked to; returns values of fields."""
    from aiqc.data.describe import describe

    summary = describe(frame)
    return {
        "columns": summary.columns,
        "dtypes": summary.dtypes,
        "shape": summary.shape,
        "memory_MB": summary.memory_MB,
        "contains_nan": summary.contains_nan,
        "statistics": summary.statistics,
        "is_ingested": ingest,
        "content": _store(frame) if ingest else None,
    }


def _store(frame: pd.DataFrame) -> Blob:
    from aiqc.data.parquet import encode_frame

    with tempfile.TemporaryFile() as sink:
        encode_frame(frame, sink)
        sink.seek(0)
        return put_blob(sink, "parquet")


def _read_source(dataset: Dataset) -> pd.DataFrame:
    """Read a file that was not ingested again; it must not have changed."""
    from aiqc.data.digest import frame_digest
    from aiqc.data.tabular import clean_frame, read_table

    options = dataset.read_options
    frame = clean_frame(
        read_table(str(dataset.source_path), dataset.header),
        options["rename_columns"],
        options["retype"],
    )
    if frame_digest(frame) != dataset.sha256_hexdigest:
        raise source_changed(dataset)
    return frame


def _select(
    frame: pd.DataFrame, columns: list[str] | None, samples: list[int] | None
) -> pd.DataFrame:
    from aiqc.data.samples import check_samples

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
