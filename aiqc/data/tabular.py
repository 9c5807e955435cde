"""Tables: read as pandas reads them, checked and cleaned before they are registered."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiqc.core.errors import InvalidData, InvalidInput
from aiqc.data.delimited import read_delimited
from aiqc.data.retype import retype_frame
from aiqc.data.sources import SourcePath, open_source, resolve_source, source_format
from aiqc.data.storable import check_storable

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_TEXT = 60
_SEPARATORS = {"csv": ",", "tsv": "\t"}


def read_table(path: SourcePath, header: int | str | None = "infer") -> pd.DataFrame:
    """Return the frame that `pandas.read_csv` or `pandas.read_parquet` makes of a file or URL.

    Parameters
    ----------
    path
        Local path or fsspec URL; see `source_format` for the endings.
    header
        'infer' or the number of the row that holds the names; None: there is no such row and
        columns are named 0, 1, ... Parquet: 'infer' only.

    Raises
    ------
    InvalidInput
        If the path or `header` cannot be used.
    InvalidData
        If the file is empty, ragged, not UTF-8 or damaged; names file and line.
    """
    kind = source_format(path)
    _check_header(header, kind)
    if kind == "parquet":
        return _read_parquet(path)
    return read_delimited(path, header, _SEPARATORS[kind])


def clean_frame(
    frame: pd.DataFrame,
    rename_columns: Sequence[str] | str | None = None,
    retype: Any | Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return a frame that can be registered: rows 0 to n-1, text names, storable dtypes.

    The given frame is neither modified nor copied.

    Parameters
    ----------
    frame
        `(samples, columns)` with a single index of integers, which is dropped.
    rename_columns
        One new name a column, in order.
    retype
        A dtype for all columns, or column (after renaming) -> dtype.

    Raises
    ------
    InvalidData
        If rows, names, dtypes or values cannot be registered; names the value and the place.
    InvalidInput
        If an argument is wrong.
    InvalidColumns
        If `retype` names a column that does not exist.
    """
    _check_frame(frame)
    names = text_names(list(frame.columns), rename_columns)
    clean = pd.DataFrame(frame, copy=False).copy(deep=False)
    clean.columns = pd.Index(names)
    clean.index = pd.RangeIndex(len(clean))
    if retype is not None:
        clean = retype_frame(clean, retype)
    check_storable(clean)
    return clean


def _check_header(header: object, kind: str) -> None:
    if kind == "parquet" and header != "infer":
        msg = f"header={header!r} has no meaning for Parquet, which keeps its names."
        raise InvalidInput(msg, hint="Leave header out; rename with rename_columns.")
    number = isinstance(header, int) and not isinstance(header, bool) and header >= 0
    if not (header is None or number or header == "infer"):
        msg = f"header={header!r} is neither 'infer', None nor the number of a row."
        hint = "Use None for a file without names, 0 for names in the first row."
        raise InvalidInput(msg, hint=hint, header=header)


def _read_parquet(path: SourcePath) -> pd.DataFrame:
    import pyarrow as pa

    with open_source(path) as file:
        try:
            return pd.read_parquet(file, engine="pyarrow")
        except pa.ArrowException as error:
            msg = f"The file {resolve_source(path)!r} cannot be read as Parquet: {error}."
            raise InvalidData(msg, hint="Write it again, e.g. frame.to_parquet(path).") from error


def _check_frame(frame: Any) -> None:
    if not isinstance(frame, pd.DataFrame):
        shown = " ".join(repr(frame)[:_SHOWN_TEXT].split())
        msg = f"A pandas DataFrame is needed; {type(frame).__name__} came: {shown}."
        raise InvalidData(msg, hint="Use pd.DataFrame(...), e.g. pd.DataFrame(data).")
    if 0 in frame.shape:
        msg = f"The frame is empty: {frame.shape[0]} rows and {frame.shape[1]} columns."
        raise InvalidData(msg, hint="Give at least one row and one column.", shape=frame.shape)
    for index, axis in ((frame.index, "rows"), (frame.columns, "columns")):
        if isinstance(index, pd.MultiIndex):
            msg = f"The {axis} have a MultiIndex of {index.nlevels} levels, e.g. {index[0]!r}."
            remedy = "frame.reset_index()" if axis == "rows" else "rename_columns after flattening"
            raise InvalidData(msg, hint=f"Use one level: {remedy}.", axis=axis)
    if not pd.api.types.is_integer_dtype(frame.index.dtype):
        first = frame.index[0]
        msg = f"The index holds {frame.index.dtype}, not integers; its first label is {first!r}."
        hint = "Use frame.reset_index() to keep it as a column, or reset_index(drop=True)."
        raise InvalidData(msg, hint=hint, label=first)


def text_names(
    labels: Sequence[Any], rename_columns: Sequence[str] | str | None = None
) -> list[str]:
    """Return one name a column as text, after checking each.

    Parameters
    ----------
    labels
        Those that the data has.
    rename_columns
        Those that the user gives instead.

    Raises
    ------
    InvalidInput
        If there are not as many names as columns.
    InvalidData
        If a name is empty, not valid Unicode, or the name of two columns.
    """
    given, count = list(labels), len(labels)
    if rename_columns is not None:
        if not _is_ordered(rename_columns):
            msg = f"rename_columns={rename_columns!r} is {type(rename_columns).__name__}."
            hint = f"Give {count} names, one a column in order."
            raise InvalidInput(msg, hint=hint, value=rename_columns)
        given = [rename_columns] if isinstance(rename_columns, str) else list(rename_columns)
        if len(given) != count:
            msg = f"rename_columns has {len(given)} names for {count} columns."
            hint = f"Give {count} names, one a column in order."
            raise InvalidInput(msg, hint=hint, name_count=len(given), column_count=count)
    seen: dict[str, int] = {}
    for position, label in enumerate(given):
        name = _text_name(label, position)
        if name in seen:
            first = given[seen[name]]
            msg = f"The columns {seen[name]} and {position} have one name: {first!r}, {label!r}."
            hint = "Names are compared as text; give each column its own with rename_columns."
            raise InvalidData(msg, hint=hint, column=name)
        seen[name] = position
    return list(seen)


def _is_ordered(names: object) -> bool:
    """Whether names come in an order; a dict would be taken for its keys."""
    return hasattr(names, "__iter__") and not isinstance(names, Mapping | Set)


def _text_name(label: Any, position: int) -> str:
    missing = label is None or (pd.api.types.is_scalar(label) and pd.isna(label))
    name = "" if missing else str(label)
    if not name.strip():
        msg = f"The column at position {position} has no name: {label!r}."
        raise InvalidData(msg, hint="Name every column, e.g. with rename_columns.", name=label)
    try:
        name.encode()
    except UnicodeEncodeError as error:
        msg = f"The name {name!r} of the column at position {position} is not valid Unicode."
        raise InvalidData(msg, hint="Rename it with rename_columns.", name=label) from error
    return name
