"""Frames as Parquet, exactly, and a few of their columns or rows back at low cost."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, overload

import numpy as np
import pandas as pd

from aiqc.core.errors import CorruptBlob
from aiqc.data.columns import Facts, pack_dtype, to_arrow, unpack
from aiqc.data.names import check_columns
from aiqc.data.objects import MIXED_MISSING, missing_codes
from aiqc.data.samples import check_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array

#: rows a row group; a float64 column of one is 1 MB
GROUP_ROWS = 131_072
_KEY = b"aiqc"
_VERSION = 1
_MAX_FOOTER_BYTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Column:
    """How one column of a frame lies in the file."""

    name: str
    facts: Facts
    #: extra column that tells None, NaN and NA apart; empty where a column has one of them
    codes: str = ""


@overload
def encode_frame(frame: pd.DataFrame) -> bytes: ...
@overload
def encode_frame(frame: pd.DataFrame, sink: BinaryIO) -> None: ...
def encode_frame(frame: pd.DataFrame, sink: BinaryIO | None = None) -> bytes | None:
    """Return a frame as Parquet bytes, or write them to a sink as they are made.

    One pass, a row group at a time, on the calling thread.

    Parameters
    ----------
    frame
        As `clean_frame` returns it.
    sink
        Open for binary writing; not closed. With a sink nothing is returned.

    Raises
    ------
    InvalidData
        If a text cannot be written as UTF-8; names column and row.
    """
    if sink is not None:
        _write(frame, sink)
        return None
    memory = io.BytesIO()
    _write(frame, memory)
    return memory.getvalue()


def decode_frame(
    file: BinaryIO,
    columns: Sequence[str] | str | None = None,
    samples: Sequence[int] | Array | None = None,
) -> pd.DataFrame:
    """Return a frame, or some of its columns and rows, with exact dtypes.

    The file is read on the calling thread only, and only where the asked columns lie.

    Parameters
    ----------
    file
        Open for binary reading and seeking.
    columns
        Names in the order wanted; all by default.
    samples
        Row numbers in the order wanted, repeats allowed; all by default.

    Raises
    ------
    InvalidColumns
        If a column does not exist; names the nearest ones.
    InvalidInput
        If a row number is negative or too large; names it and the row count.
    CorruptBlob
        If the bytes are not what `encode_frame` wrote.
    """
    parquet = _open(file)
    stored = _from_metadata(parquet)
    known = {column.name: column for column in stored}
    wanted = list(known) if columns is None else check_columns(columns, list(known))
    chosen = [known[name] for name in wanted]
    physical = [name for column in chosen for name in (column.name, column.codes) if name]
    rows = None if samples is None else check_samples(samples, parquet.metadata.num_rows)
    return _to_frame(_read(parquet, physical, rows), chosen)


def _write(frame: pd.DataFrame, sink: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = _columns(frame)
    schema = _table(frame.iloc[:0], columns).schema
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    others = [field.name for field in schema if not pa.types.is_floating(field.type)]
    schema = schema.with_metadata({_KEY: _to_metadata(columns)})
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        use_dictionary=others or False,
        use_byte_stream_split=floats or False,
        write_statistics=False,
    ) as writer:
        for start in range(0, max(len(frame), 1), GROUP_ROWS):
            rows = frame.iloc[start : start + GROUP_ROWS]
            writer.write_table(_table(rows, columns).replace_schema_metadata(schema.metadata))


def _columns(frame: pd.DataFrame) -> list[_Column]:
    taken = {str(name) for name in frame.columns}
    columns = []
    for name, values in frame.items():
        facts = pack_dtype(values, str(name))
        codes = ""
        if facts.get("missing") == MIXED_MISSING:
            codes = f"{name} (missing)"
            while codes in taken:
                codes += "_"
            taken.add(codes)
        columns.append(_Column(str(name), facts, codes))
    return columns


def _table(frame: pd.DataFrame, columns: list[_Column]) -> Any:
    import pyarrow as pa

    arrays, names = [], []
    for column, (_, values) in zip(columns, frame.items(), strict=True):
        arrays.append(to_arrow(values, column.facts, column.name))
        names.append(column.name)
        if column.codes:
            items = values.to_numpy()
            arrays.append(pa.array(missing_codes(items, values.isna().to_numpy())))
            names.append(column.codes)
    return pa.Table.from_arrays(arrays, names=names)


def _to_metadata(columns: list[_Column]) -> bytes:
    stored = [[column.name, column.facts, column.codes] for column in columns]
    return json.dumps({"version": _VERSION, "columns": stored}).encode()


def _from_metadata(parquet: Any) -> list[_Column]:
    text = (parquet.schema_arrow.metadata or {}).get(_KEY)
    if text is None:
        msg = "The Parquet file was not written by AIQC: its metadata has no 'aiqc' entry."
        raise CorruptBlob(msg, hint="Read it with aiqc.data.tabular.read_table.")
    return [_Column(*entry) for entry in json.loads(text)["columns"]]


def _open(file: BinaryIO) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # without pre_buffer, else pyarrow reads on a thread of its own (notes/engineering.md §2)
        return pq.ParquetFile(
            file,
            pre_buffer=False,
            thrift_string_size_limit=_MAX_FOOTER_BYTES,
            thrift_container_size_limit=_MAX_FOOTER_BYTES,
        )
    except pa.ArrowInvalid as error:
        msg = f"The stored bytes are not a Parquet file: {error}."
        raise CorruptBlob(msg, hint="Restore the metastore from a backup.") from error


def _read(parquet: Any, names: list[str], rows: Array | None) -> Any:
    if rows is None:
        return parquet.read(columns=names, use_threads=False)
    return _read_rows(parquet, names, rows)


def _read_rows(parquet: Any, names: list[str], rows: Array) -> Any:
    """Read the row groups that hold the rows, one after the other, and put them in order."""
    import pyarrow as pa

    meta = parquet.metadata
    sizes = [meta.row_group(i).num_rows for i in range(meta.num_row_groups)]
    starts = np.concatenate(([0], np.cumsum(sizes)))
    ascending, inverse = np.unique(rows, return_inverse=True)
    parts = []
    for group, start in enumerate(starts[:-1]):
        inside = ascending[(ascending >= start) & (ascending < starts[group + 1])]
        if len(inside) or (group == 0 and not len(rows)):
            table = parquet.read_row_group(group, columns=names, use_threads=False)
            parts.append(table.take(inside - start))
    return pa.concat_tables(parts).take(inverse)


def _to_frame(table: Any, columns: list[_Column]) -> pd.DataFrame:
    row_count = table.num_rows
    arrays = dict(zip(table.column_names, table.columns, strict=True))
    del table
    values = {}
    for column in columns:
        codes = arrays.pop(column.codes).to_numpy() if column.codes else None
        # popped, so that Arrow's copy of a column goes before the next one is made
        values[column.name] = unpack(arrays.pop(column.name), column.facts, codes)
    return pd.DataFrame(values, index=pd.RangeIndex(row_count), copy=False)
