"""Delimited text files, read by pandas' own C reader; broken ones are refused by line."""

from __future__ import annotations

import lzma
import os
import re
import warnings
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.errors import DtypeWarning, EmptyDataError, ParserError, ParserWarning

from aiqc.core.errors import InvalidData
from aiqc.data.sources import (
    SourcePath,
    check_local,
    is_url,
    open_source,
    resolve_source,
    source_compression,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: what the decompressors raise
_DAMAGES = (OSError, EOFError, zlib.error, lzma.LZMAError)
_PLACE = re.compile(r"line \d+|row \d+")


def read_delimited(path: SourcePath, header: int | str | None, separator: str) -> pd.DataFrame:
    """Return the frame that `pandas.read_csv` makes of a delimited text file.

    Parameters
    ----------
    path
        Local path or fsspec URL, compressed or not.
    header
        As `pandas.read_csv` takes it.
    separator
        One character.

    Raises
    ------
    InvalidData
        If the file is empty, ragged, not UTF-8 or damaged; names file and line.
    """
    try:
        if header is not None:
            _check_names(path, header, separator)
            _check_first_row(path, header, separator)
        return _parse(path, header=header, sep=separator)
    except EmptyDataError as error:
        msg = f"The file {resolve_source(path)!r} is empty: there is nothing in line 1."
        raise InvalidData(msg, hint="Give a file with a row of names and data.") from error
    except ParserError as error:
        raise _ragged(path, str(error)) from error
    except UnicodeDecodeError as error:
        raise _undecodable(path, error) from error
    except _DAMAGES as error:
        _check_damage(path, error)
        raise


def _parse(path: SourcePath, **options: Any) -> pd.DataFrame:
    """Read; a column whose chunks disagree is read again whole, as pandas advises."""
    try:
        with _text_source(path) as source, warnings.catch_warnings():
            warnings.simplefilter("error", DtypeWarning)
            return _read_csv(source, path, options)
    except DtypeWarning:
        with _text_source(path) as source:
            return _read_csv(source, path, options | {"low_memory": False})


def _check_first_row(path: SourcePath, header: Any, separator: str) -> None:
    """Refuse rows longer than the header: pandas would silently use column one as index."""
    options = {"header": header, "sep": separator, "nrows": 1}
    with _text_source(path) as source:
        usual = _read_csv(source, path, options)
    with _text_source(path) as source, warnings.catch_warnings():
        warnings.simplefilter("ignore", ParserWarning)
        without_index = _read_csv(source, path, options | {"index_col": False})
    if not usual.reset_index(drop=True).equals(without_index):
        msg = (
            f"In {resolve_source(path)!r} the first row below the names, line "
            f"{_line_below(path, header)}, has more values than there are names."
        )
        hint = "Add the missing name to the file, or remove the delimiter that ends each row."
        raise InvalidData(msg, hint=hint)


def _check_names(path: SourcePath, header: Any, separator: str) -> None:
    """Refuse a name that stands twice: pandas would silently rename the second one."""
    if header not in {"infer", 0}:
        # what stands above the names may be of any shape, so pandas' own renaming is left
        return
    options = {"header": None, "sep": separator, "dtype": str, "nrows": 1}
    with _text_source(path) as source:
        names = _read_csv(source, path, options).iloc[0].dropna().tolist()
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        first, second, *_ = (i for i, name in enumerate(names) if name == twice[0])
        msg = (
            f"In {resolve_source(path)!r} the columns {first} and {second} have one name: "
            f"{twice[0]!r}."
        )
        hint = "Give each column its own name in the file."
        raise InvalidData(msg, hint=hint, column=twice[0])


def _line_below(path: SourcePath, header: Any) -> int:
    """Return the number of the line after the names, counted from 1; blank lines are skipped."""
    wanted = 2 + (0 if header == "infer" else int(header))
    seen = 0
    with _decompressed(path) as file:
        for number, line in enumerate(file, start=1):
            seen += bool(line.strip())
            if seen == wanted:
                return number
    return wanted


@contextmanager
def _text_source(path: SourcePath) -> Iterator[Any]:
    """Yield what pandas reads: a local path as it is, a stream of anything else."""
    if not is_url(path) and source_compression(path) != "zstd":
        yield os.fspath(check_local(path))
    elif source_compression(path) == "zstd":
        with _decompressed(path) as stream:
            yield stream
    else:
        with open_source(path) as file:
            yield file


def _read_csv(source: Any, path: SourcePath, options: dict[str, Any]) -> pd.DataFrame:
    method: Any = source_compression(path)
    method = None if method == "zstd" else method
    frame: pd.DataFrame = pd.read_csv(source, compression=method, **options)
    return frame


@contextmanager
def _decompressed(path: SourcePath) -> Iterator[Any]:
    """Yield a binary stream of the text, decompressed."""
    import bz2
    import gzip

    import pyarrow as pa

    method = source_compression(path)
    openers: dict[str | None, Any] = {
        "gzip": gzip.open,
        "bz2": bz2.open,
        "xz": lzma.open,
        # pandas needs one more library for zstd; pyarrow brings it
        "zstd": lambda file: pa.input_stream(file, compression="zstd"),
    }
    with open_source(path) as file:
        if method is None:
            yield file
        else:
            with openers[method](file) as stream:
                yield stream


def _ragged(path: SourcePath, reason: str) -> InvalidData:
    text = reason.replace("Error tokenizing data. C error:", "").strip().rstrip(".")
    place = _PLACE.search(text)
    msg = f"The file {resolve_source(path)!r} is not a table: {text}."
    hint = "Correct that line (a missing quote or a delimiter too many?), or read the file "
    hint += "with pandas.read_csv(..., on_bad_lines=...) and register the frame with from_df."
    return InvalidData(msg, hint=hint, place=place.group() if place else None)


def _undecodable(path: SourcePath, error: UnicodeDecodeError) -> InvalidData:
    line, shown = _first_bad_line(path)
    msg = f"The file {resolve_source(path)!r} is not UTF-8 text: line {line} holds {shown}."
    hint = "Save it as UTF-8, or register pandas.read_csv(path, encoding='latin-1') with from_df."
    return InvalidData(msg, hint=hint, line=line, reason=error.reason)


def _first_bad_line(path: SourcePath) -> tuple[int, str]:
    with _decompressed(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return number, f"the byte 0x{line[error.start]:02x}"
    return 1, "another encoding"


def _check_damage(path: SourcePath, error: Exception) -> None:
    """Refuse a file whose compression is broken; other errors of the system pass."""
    method = source_compression(path)
    if method is None or isinstance(error, FileNotFoundError):
        return
    msg = f"The file {resolve_source(path)!r} is not a whole {method} file: {error}."
    hint = "Compress it again, or give it the ending of what it is."
    raise InvalidData(msg, hint=hint) from error
