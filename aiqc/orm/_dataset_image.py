"""`Dataset.Image`: registering four-dimensional data (spec/003 §1ai3)."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import to_json
from aiqc.core.enums import DatasetType
from aiqc.core.errors import ResultWarning
from aiqc.data.limits import MAX_BYTES, MAX_PIXELS, MAX_REDIRECTS, TIMEOUT_SECONDS, Limits
from aiqc.orm._blobs import BlobWriter, put_blob
from aiqc.orm._dataset_arrays import places_of
from aiqc.orm._dataset_register import Registrar, register
from aiqc.orm._dataset_sequence import Options, array_fields, given_array

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from aiqc.core.types import Array
    from aiqc.data.image_files import Survey
    from aiqc.data.spool import Spool
    from aiqc.orm._blobs import Blob
    from aiqc.orm.dataset import Dataset


class Image(Registrar):
    """Registers four-dimensional data: samples by channels by rows by columns (spec/003 §1ai3)."""

    @classmethod
    def from_numpy(
        cls,
        arr4D_or_npyPath: Array | str | os.PathLike[str],
        ingest: bool | None = None,
        rename_columns: list[str] | None = None,
        retype: Any = None,
        description: str | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Register an array, or the array of an npy file at a local path or any fsspec URL.

        Parameters
        ----------
        arr4D_or_npyPath
            `(samples, channels, rows, columns)`, or the path or URL of a file that ends with
            .npy.
        ingest, rename_columns, retype, description, name
            As in `Dataset.Sequence.from_numpy`.

        Raises
        ------
        InvalidData
            If the array has other dimensions, is empty, or holds what cannot be stored.
        InvalidInput
            If there is no such file, or an array is given with `ingest=False`.
        Conflict
            If the name belongs to data of another type.
        """
        from aiqc.data.array_input import IMAGE_AXES

        typ = DatasetType.IMAGE
        cls._check(typ, name, description)
        options = Options(typ, IMAGE_AXES, ingest, rename_columns, retype)
        with given_array(arr4D_or_npyPath, "arr4D_or_npyPath", options) as given:
            return register(
                cls._model,
                typ,
                given.facts.sha256_hexdigest,
                given.contents,
                ingest=given.is_ingested,
                description=description,
                name=name,
            )

    @classmethod
    def from_folder(
        cls,
        folder_path: str | os.PathLike[str],
        ingest: bool = False,
        rename_columns: list[str] | None = None,
        retype: Any = None,
        description: str | None = None,
        name: str | None = None,
        *,
        max_pixels: int = MAX_PIXELS,
        max_bytes: int = MAX_BYTES,
    ) -> Dataset:
        """Register the images of a folder, in natural order: img2 comes before img10.

        Pixels are those that Pillow opens, channels first: no size is changed, and no orientation
        applied but that of TIFF files, which Pillow itself turns.

        Parameters
        ----------
        folder_path
            A folder of images of one size and mode: a local path, or any fsspec URL that can be
            listed. Hidden files are skipped; other files and folders in it are refused.
        ingest
            Whether the pixels are stored in the metastore. Otherwise the files are read again
            when they are needed, and must not have changed.
        rename_columns, retype, description, name
            As in `Dataset.Sequence.from_numpy`.
        max_pixels
            Rows times columns of the largest image that is read.
        max_bytes
            Size of the largest file that is read.

        Raises
        ------
        InvalidData
            If files are no images, damaged, animated, of other modes, or differ in size or mode;
            names them.
        InvalidInput
            If there is no such folder, or it holds no files, or folders; or if a file at a URL
            cannot be read.
        Conflict
            If the name belongs to data of another type.

        Warns
        -----
        ResultWarning
            If files ask to be shown turned or mirrored (EXIF orientation), which is not done.
        """
        from aiqc.data.image_files import list_images
        from aiqc.data.sources import is_url, resolve_source

        typ = DatasetType.IMAGE
        cls._check(typ, name, description)
        folder = resolve_source(folder_path)
        limits = Limits(max_pixels, max_bytes)
        files = list_images(folder)
        # what cannot be a duplicate is stored while it is decoded; a slow URL would not do
        early = ingest and not is_url(folder) and cls._is_new(name, len(files))
        writer = BlobWriter("npy") if early else None
        with _images(folder, files, ingest, rename_columns, retype, limits, writer) as images:
            _warn_turned(images.survey, len(files))
            return register(
                cls._model,
                typ,
                images.digest,
                images.contents,
                ingest=ingest,
                source_path=folder,
                description=description,
                name=name,
            )

    @classmethod
    def from_urls(
        cls,
        urls: list[str],
        source_path: str | None = None,
        ingest: bool = False,
        rename_columns: list[str] | None = None,
        retype: Any = None,
        description: str | None = None,
        name: str | None = None,
        *,
        max_pixels: int = MAX_PIXELS,
        max_bytes: int = MAX_BYTES,
        timeout: float = TIMEOUT_SECONDS,
        max_redirects: int = MAX_REDIRECTS,
    ) -> Dataset:
        """Register images at addresses, in the order given.

        Parameters
        ----------
        urls
            Any that fsspec knows: https, s3, file, ...; a path of a local file too.
        source_path
            Where the images are kept, as a note; nothing is read from there.
        ingest, max_pixels, max_bytes
            As in `from_folder`.
        rename_columns, retype, description, name
            As in `Dataset.Sequence.from_numpy`.
        timeout
            Seconds for one download over HTTP.
        max_redirects
            Redirects that one download over HTTP follows.

        Raises
        ------
        InvalidData
            As in `from_folder`; also if a file has more bytes than `max_bytes`.
        InvalidInput
            If an address cannot be read, in time and with few enough redirects; names it.
        Conflict
            If the name belongs to data of another type.

        Warns
        -----
        ResultWarning
            As in `from_folder`.
        """
        from aiqc.data.image_files import check_urls

        typ = DatasetType.IMAGE
        cls._check(typ, name, description)
        files = check_urls(urls)
        limits = Limits(max_pixels, max_bytes, timeout, max_redirects)
        with _images(None, files, ingest, rename_columns, retype, limits) as images:
            _warn_turned(images.survey, len(files))
            return register(
                cls._model,
                typ,
                images.digest,
                images.contents,
                ingest=ingest,
                source_path=source_path,
                urls=files,
                description=description,
                name=name,
            )

    @classmethod
    def _is_new(cls, name: str | None, count: int) -> bool:
        """Whether no version of a name has so many samples, so that none can be equal."""
        rows = [] if name is None else cls._model.select().where(cls._model.name == name)
        return all(row.shape["samples"] != count for row in rows)


@dataclass(frozen=True, slots=True)
class _Images:
    """Image files that were read once."""

    spool: Spool
    survey: Survey
    files: list[str]
    rename_columns: list[str] | None
    limits: Limits
    is_ingested: bool
    #: has stored the pixels while they were read
    writer: BlobWriter | None

    @property
    def digest(self) -> str:
        """Identity of the pixels."""
        return self.spool.facts.sha256_hexdigest

    def contents(self) -> dict[str, Any]:
        """Describe the pixels, and store them if wanted; returns values of fields."""
        from aiqc.data.array_input import IMAGE_AXES

        facts, columns = self.spool.facts, self.spool.columns
        retype = str(facts.dtype) if facts.dtype != self.spool.raw_dtype else None
        manifest = to_json({"files": self.files, "sha256": self.survey.sha256}).encode()
        return {
            **array_fields(facts, columns, IMAGE_AXES, self.spool.whole()),
            "source_format": self.survey.source_format,
            "is_ingested": self.is_ingested,
            "content": self._content() if self.is_ingested else None,
            "manifest_content": put_blob(manifest, "json"),
            "read_options": {
                "rename_columns": None if self.rename_columns is None else columns,
                "retype": retype,
                "dtype": str(self.spool.raw_dtype),
                **self.limits.as_options(),
            },
        }

    def _content(self) -> Blob:
        if self.writer is not None:
            return self.writer.finish()
        return put_blob(self.spool.rewound(), "npy")


@contextmanager
def _images(
    folder: str | None,
    files: list[str],
    ingest: bool,
    rename_columns: list[str] | None,
    retype: Any,
    limits: Limits,
    writer: BlobWriter | None = None,
) -> Iterator[_Images]:
    """Read image files once: for their hashes, digest and statistics, and their pixels."""
    from aiqc.data.array_input import column_names
    from aiqc.data.image_files import ImageReader
    from aiqc.data.pillow import own_caps
    from aiqc.data.retype_array import array_dtype
    from aiqc.data.spool import Spool

    dtype = None if retype is None else array_dtype(retype)
    reader = ImageReader(places_of(folder, files), limits, hashed=not ingest)
    spool = Spool(
        len(files),
        DatasetType.IMAGE,
        lambda n: column_names(rename_columns, n),
        dtype,
        keep=ingest and writer is None,
        sink=writer,
    )
    try:
        with own_caps():
            spool.fill(reader.pictures())
        yield _Images(spool, reader.survey(), files, rename_columns, limits, ingest, writer)
    finally:
        spool.close()
        if writer is not None:
            writer.discard()


def _warn_turned(survey: Survey, count: int) -> None:
    if survey.turned_count:
        message = (
            f"{survey.turned_count} of {count} images ask to be shown turned or "
            f"mirrored (EXIF orientation). Their pixels are kept as they are stored; save them "
            f"with PIL.ImageOps.exif_transpose(image) to have them upright."
        )
        warnings.warn(message, ResultWarning, stacklevel=3)
