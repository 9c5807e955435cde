"""Files of images in a folder or at URLs, as one array of equal images."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import DataChanged, InvalidData, InvalidInput
from aiqc.data.array_source import take_columns
from aiqc.data.fetch import read_files
from aiqc.data.pillow import own_caps, read_picture
from aiqc.data.samples import plan_runs
from aiqc.data.sources import file_name, list_folder, resolve_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.core.types import Array, Shape
    from aiqc.data.limits import Limits
    from aiqc.data.pillow import Picture

#: how many files a message names
_SHOWN = 8
_NUMBERS = re.compile(r"(\d+)")


@dataclass(slots=True)
class Survey:
    """What a pass over image files found beside their pixels."""

    #: of the bytes of each file; empty where they are not read again
    sha256: list[str]
    #: Pillow's name of their common format, or 'mixed'
    source_format: str
    #: how many ask to be shown turned or mirrored (EXIF), which is not done
    turned_count: int


def natural_key(name: str) -> tuple[list[Any], str]:
    """Return a sorting key under which img2 comes before img10.

    Examples
    --------
    >>> sorted(["img10.png", "img2.png", "IMG1.png"], key=natural_key)
    ['IMG1.png', 'img2.png', 'img10.png']
    """
    parts = _NUMBERS.split(name.casefold())
    # text and numbers alternate, so that like is compared with like
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def list_images(folder_path: str) -> list[str]:
    """Return the names of the files in a folder, in natural order, without hidden ones.

    Parameters
    ----------
    folder_path
        A local path, or a URL that fsspec lists.

    Raises
    ------
    InvalidInput
        If there is no such folder, it holds no file, or holds another folder.
    """
    folder = resolve_source(folder_path)
    found = [entry for entry in list_folder(folder) if not entry[0].startswith(".")]
    names = sorted((name for name, _ in found), key=natural_key)
    folders = sorted((name for name, is_folder in found if is_folder), key=natural_key)
    if folders:
        msg = f"The folder {folder!r} holds other folders: {_listed(folders)}."
        hint = "Register each folder by itself, or list the files in from_urls."
        raise InvalidInput(msg, hint=hint, path=folder, folders=folders)
    if not names:
        msg = f"The folder {folder!r} holds no files; hidden ones are not counted."
        raise InvalidInput(msg, hint="Give a folder of images.", path=folder)
    return names


def check_urls(urls: Any) -> list[str]:
    """Return addresses of images as a list; paths of local files are made absolute.

    Raises
    ------
    InvalidInput
        If there is none, they have no order, or one is not text.
    """
    if not isinstance(urls, Iterable) or isinstance(urls, Mapping | Set | bytes):
        msg = f"urls is {type(urls).__name__}, not a list."
        raise InvalidInput(msg, hint="Give the URL of each image, in order.", urls=urls)
    listed = [urls] if isinstance(urls, str) else list(urls)
    if not listed:
        msg = "urls is an empty list."
        raise InvalidInput(msg, hint="Give the URL of each image, in order.", urls=urls)
    for position, url in enumerate(listed):
        if not isinstance(url, str | os.PathLike) or not str(url).strip():
            msg = f"urls[{position}] is {url!r}, not the text of a URL."
            raise InvalidInput(msg, hint="Give the URL of each image, in order.", url=url)
    return [resolve_source(url) for url in listed]


class ImageFilesSource:
    """Image files as an array; only those that are asked for are read, each checked by hash.

    Parameters
    ----------
    places
        Absolute path or URL of each file, in order.
    sha256
        Of each file, as registered.
    shape, dtype
        Of the whole, as registered before any retype.
    limits
        Caps on each file.
    """

    def __init__(
        self,
        places: Sequence[str],
        sha256: Sequence[str],
        shape: Shape,
        dtype: np.dtype[Any],
        limits: Limits,
    ) -> None:
        self._places = places
        self._sha256 = sha256
        self._limits = limits
        self.shape: Shape = shape
        self.dtype: np.dtype[Any] = dtype

    def read(
        self, samples: slice | Array | None = None, columns: Sequence[int] | None = None
    ) -> Array:
        """Return a private array equal to `whole[samples][..., columns]`."""
        runs, inverse = plan_runs(samples, self.shape[0])
        wanted = [position for run in runs for position in range(*run)]
        width = self.shape[-1] if columns is None else len(columns)
        whole: Array = np.empty((len(wanted), *self.shape[1:-1], width), dtype=self.dtype)
        files = read_files([self._places[position] for position in wanted], self._limits)
        with own_caps():
            for row, (position, data) in enumerate(zip(wanted, files, strict=True)):
                place = self._places[position]
                if hashlib.sha256(data).hexdigest() != self._sha256[position]:
                    raise _changed(place)
                found = read_picture(data, place, self._limits).array
                assert found is not None
                whole[row] = take_columns(found, columns)
        return whole if inverse is None else whole[inverse]

    def close(self) -> None:
        """Do nothing: every file is closed after it was read."""


class ImageReader:
    """Reads image files once, in order, and refuses those that do not fit together.

    Parameters
    ----------
    places
        Absolute path or URL of each file, in order.
    limits
        Caps on each file.
    hashed
        Whether the files will be read again, and must be the same then.
    """

    def __init__(self, places: Sequence[str], limits: Limits, *, hashed: bool) -> None:
        self._places = places
        self._limits = limits
        self._hashed = hashed
        self._sha256: list[str] = []
        self._headers: list[tuple[str, Shape]] = []
        self._formats: set[str] = set()
        self._turned_count = 0
        self._strangers: list[str] = []
        #: whether all images so far have one mode and shape
        self._agree = True

    def pictures(self) -> Iterator[Array]:
        """Yield the array of each image; all have one shape and dtype. Call it inside `own_caps`.

        Raises
        ------
        InvalidData
            At the end if files differ or are no images: one error that names them. At once if
            one is damaged, or passes a cap.
        """
        for place, data in zip(self._places, read_files(self._places, self._limits), strict=True):
            found = self._picture(place, data)
            if found is None:
                self._strangers.append(file_name(place))
                self._agree = False
                continue
            if self._hashed:
                self._sha256.append(hashlib.sha256(data).hexdigest())
            self._formats.add(found.format)
            self._turned_count += found.is_turned
            header = (found.mode, found.shape)
            first = self._headers[0] if self._headers else header
            self._agree = self._agree and header == first
            # equal ones are one object: the garbage collector looks at each of very many
            self._headers.append(first if header == first else header)
            if self._agree and found.array is not None:
                yield found.array
        self._refuse()

    def survey(self) -> Survey:
        """Return what was found beside the pixels, once all images were read."""
        one = len(self._formats) == 1
        source_format = next(iter(self._formats)) if one else "mixed"
        return Survey(self._sha256, source_format, self._turned_count)

    def _picture(self, place: str, data: bytes) -> Picture | None:
        """Decode an image; only its header once images were found to differ."""
        try:
            return read_picture(data, place, self._limits, decode=self._agree)
        except InvalidData as error:
            if error.facts.get("is_image", True):
                raise
            return None

    def _refuse(self) -> None:
        if self._strangers:
            msg = f"These files are not images that Pillow can read: {_listed(self._strangers)}."
            hint = "Move them away, or give them names with a leading dot."
            raise InvalidData(msg, hint=hint, files=self._strangers)
        usual, count = Counter(self._headers).most_common(1)[0]
        if count == len(self._headers):
            return
        odd = [
            (file_name(place), _described(*header))
            for place, header in zip(self._places, self._headers, strict=True)
            if header != usual
        ]
        shown = _listed([f"{name} ({text})" for name, text in odd], quoted=False)
        msg = f"Images differ: {count} are {_described(*usual)}; these are not: {shown}."
        hint = "Crop or convert all images to one size and mode before they are registered."
        raise InvalidData(msg, hint=hint, files=[name for name, _ in odd])


def _described(mode: str, shape: Shape) -> str:
    return f"{mode}, {shape[1]} rows x {shape[2]} columns"


def _listed(names: list[str], *, quoted: bool = True) -> str:
    shown = ", ".join(repr(name) if quoted else name for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _changed(place: str) -> DataChanged:
    msg = f"{place!r} is no longer the image that was registered: its bytes have another hash."
    hint = "Restore the file, or register the images again: new content becomes a new version, "
    hint += "and ingest=True keeps a copy."
    return DataChanged(msg, hint=hint, source_path=place)
