"""Files and URLs that hold data: their format, compression and bytes."""

from __future__ import annotations

import os
import re
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast
from urllib.parse import urlsplit

from aiqc.core.errors import AIQCError, InvalidInput, MissingLibrary
from aiqc.data.names import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

SourcePath: TypeAlias = "str | os.PathLike[str]"

FORMATS = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".pq": "parquet"}
#: ending of a compressed text file -> name of the method
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]+(://|::)")


def is_url(path: SourcePath) -> bool:
    """Return whether fsspec opens the path.

    Examples
    --------
    >>> is_url("s3://bucket/a.csv"), is_url("folder/a.csv"), is_url("C:/a.csv")
    (True, False, False)
    """
    return _URL.match(os.fspath(path)) is not None


def is_http(path: str) -> bool:
    """Return whether a URL is one of the web; '::' in it separates nothing."""
    return path.lower().startswith(("http://", "https://"))


def source_format(path: SourcePath) -> str:
    """Return 'csv', 'tsv' or 'parquet', by how the path or URL ends.

    Raises
    ------
    InvalidInput
        If the ending is unknown; names it and the known ones.

    Examples
    --------
    >>> source_format("Iris.CSV.gz")
    'csv'
    """
    name = file_name(path)
    stem, last = os.path.splitext(name)  # noqa: PTH122 - also the last part of a URL
    ending = os.path.splitext(stem)[1] if last.lower() in COMPRESSIONS else last  # noqa: PTH122
    found = FORMATS.get(ending.lower())
    if found is None or (ending is not last and found == "parquet"):
        shown = last if ending == last else f"{ending}{last}"
        msg = f"The format of {os.fspath(path)!r} is unknown: the ending {shown!r} is not known."
        known = f"{', '.join(FORMATS)}; text also with {', '.join(COMPRESSIONS)}"
        raise InvalidInput(msg, hint=f"Use one of {known}.", ending=shown)
    return found


def source_compression(path: SourcePath) -> str | None:
    """Return 'gzip', 'bz2', 'xz' or 'zstd' by the last ending; None for a plain file."""
    ending = os.path.splitext(file_name(path))[1]  # noqa: PTH122
    return COMPRESSIONS.get(ending.lower())


def file_name(path: SourcePath) -> str:
    """Return the last part of a path; of a chained URL ('a::b'), of the first file in it."""
    text = os.fspath(path)
    if not is_url(text):
        return text.replace("\\", "/").rpartition("/")[2]
    parts = [part for part in text.split("::") if "://" in part] or [text]
    return urlsplit(parts[0]).path.rpartition("/")[2] or urlsplit(parts[0]).netloc


def resolve_source(path: object) -> str:
    """Return an absolute local path, or a URL as it was given, with a local path in it absolute.

    Raises
    ------
    InvalidInput
        If it is no path.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        msg = f"{path!r} of type {type(path).__name__} is neither a path nor a URL."
        raise InvalidInput(msg, hint="Give a str or pathlib.Path.", path=path)
    if not is_url(text):
        return _absolute(text)
    if is_http(text):
        return text
    # the last part of 'zip://a.csv::data.zip' is where the others are found
    *others, last = text.split("::")
    protocol, mark, rest = last.rpartition("://")
    if protocol in ("", "file", "local") and rest:
        last = f"{protocol}{mark}{_absolute(rest)}"
    return "::".join([*others, last])


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def list_folder(folder: str) -> list[tuple[str, bool]]:
    """Return the name of each entry of a folder, and whether it is a folder itself.

    Parameters
    ----------
    folder
        As `resolve_source` returns it.

    Raises
    ------
    InvalidInput
        If there is no such folder, or the server does not list it.
    """
    if is_url(folder):
        return _list_url(folder)
    if not Path(folder).is_dir():
        msg = f"There is no folder {folder!r}."
        raise InvalidInput(msg, hint="Give the path of a folder of images.", path=folder)
    with os.scandir(folder) as found:
        return [(entry.name, entry.is_dir()) for entry in found]


def file_in(folder: str, name: str) -> str:
    """Return the path or URL of a file in a folder.

    Examples
    --------
    >>> file_in("s3://bucket/cats", "1.png"), file_in("zip://cats::a.zip", "1.png")
    ('s3://bucket/cats/1.png', 'zip://cats/1.png::a.zip')
    """
    if not is_url(folder):
        return os.path.join(folder, name)  # noqa: PTH118 - Path is slow for many
    parts = folder.split("::")
    # what stands before the first address names a cache
    place = next(i for i, part in enumerate(parts) if "://" in part or i == len(parts) - 1)
    parts[place] += name if parts[place].endswith("/") else f"/{name}"
    return "::".join(parts)


def open_source(path: SourcePath) -> BinaryIO:
    """Return a local file or any fsspec URL, opened for reading its bytes as they are.

    Raises
    ------
    InvalidInput
        If there is no such file, or the path is a folder; a missing local file is named with
        its absolute path and the nearest names in its folder.
    MissingLibrary
        If the URL's protocol needs a library that is not installed.
    """
    if is_url(path):
        return _open_url(os.fspath(path))
    return check_local(path).open("rb")


def check_local(path: SourcePath) -> Path:
    """Return the absolute path of a local file that exists and can be read, else refuse it."""
    target = Path(resolve_source(path))
    if target.is_dir():
        msg = f"{str(target)!r} is a folder."
        raise InvalidInput(msg, hint="Give the path of one file in it.", path=str(target))
    if not target.is_file():
        msg = f"There is no file {str(target)!r}."
        raise InvalidInput(msg, hint=_missing_hint(target), path=str(target))
    if not os.access(target, os.R_OK):
        msg = f"The file {str(target)!r} may not be read by this user."
        raise InvalidInput(msg, hint="Change its permissions.", path=str(target))
    return target


def _missing_hint(target: Path) -> str:
    if not target.parent.is_dir():
        return f"The folder {str(target.parent)!r} does not exist either."
    near = nearest(target.name, (entry.name for entry in target.parent.iterdir()))
    if near:
        return f"Did you mean {' or '.join(map(repr, near))} in that folder?"
    return "Check the path; it is resolved against the working directory."


@contextmanager
def url_errors(url: str, action: str) -> Iterator[None]:
    """Turn whatever the library of a protocol raises in the block into a typed error.

    Parameters
    ----------
    url
        Which the message names.
    action
        What cannot be done with it: 'opened', 'read'.
    """
    try:
        yield
    except AIQCError:
        raise
    except ImportError as error:
        msg = f"Opening {url!r} needs a library that is not installed: {error}."
        hint = "Install the fsspec library of this protocol, e.g. pip install 'aiqc[s3]'."
        raise MissingLibrary(msg, hint=hint, url=url) from error
    except Exception as error:
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        reason = "There is no such file" if isinstance(error, FileNotFoundError) else text
        msg = f"The URL {url!r} cannot be {action}: {reason}."
        hint = "Check the address and your access, or download the file and give its path."
        raise InvalidInput(msg, hint=hint, url=url) from error


def _list_url(url: str) -> list[tuple[str, bool]]:
    import fsspec

    with url_errors(url, "listed"):
        files, inner = fsspec.core.url_to_fs(url)
        files.invalidate_cache()
        found = files.ls(inner, detail=True)
        # what is known of each file would outlive the file
        files.invalidate_cache()
    own = inner.rstrip("/")
    named = [(str(entry["name"]).rstrip("/"), entry["type"] == "directory") for entry in found]
    return [(name.rpartition("/")[2], is_folder) for name, is_folder in named if name != own]


def _open_url(url: str) -> BinaryIO:
    import fsspec

    with url_errors(url, "opened"):
        opened = fsspec.open(url, "rb")
        file = cast(BinaryIO, opened.open())
    if "::" in url:
        # an archive that the file lies in is closed when its file system is collected
        weakref.finalize(file, _keep, opened.fs).atexit = False
    return file


def _keep(files: object) -> None:
    """Hold an object until a call that comes with another one's end."""
