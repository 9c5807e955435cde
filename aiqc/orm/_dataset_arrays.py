"""Reading sequences and images: the samples and columns that are asked for, and no others."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import from_json
from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidData, Unsupported
from aiqc.orm._blobs import open_blob, read_blob
from aiqc.orm._dataset_register import source_changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.core.types import Array, Shape
    from aiqc.data.array_source import ArraySource
    from aiqc.orm.dataset import Dataset

#: (what a file's facts were, digest of the Dataset) of files whose content was compared
_COMPARED: set[tuple[Any, str]] = set()


class SequenceForm:
    """How a sequence Dataset is read."""

    @classmethod
    def to_arr(cls, dataset: Dataset, names: list[str] | None, rows: list[int] | None) -> Array:
        """Return an array `(samples, ..., columns)`."""
        from aiqc.data.samples import check_samples

        wanted = None if rows is None else check_samples(rows, shape_of(dataset)[0])
        with cls.open_array(dataset) as source:
            return source.read(wanted, positions(dataset, names))

    @classmethod
    def to_df(cls, dataset: Dataset, names: list[str] | None, rows: list[int] | None) -> list[Any]:
        """Return a list of frames; for images a list of lists of them, one a channel."""
        array = cls.to_arr(dataset, names, rows)
        columns = list(dataset.columns if names is None else names)
        return [_frames(sample, columns) for sample in array]

    @staticmethod
    def to_pillow(dataset: Dataset, rows: list[int] | None) -> list[Any]:
        """Refuse."""
        del rows
        msg = f"{dataset!r} is {dataset.typ}, and only an image Dataset becomes Pillow images."
        raise Unsupported(msg, hint="Use to_df() or to_arr().", typ=dataset.typ)

    @staticmethod
    def dtypes(dataset: Dataset, names: list[str]) -> dict[str, str]:
        """Return {column: dtype}; all columns of an array have one dtype."""
        return dict.fromkeys(names, dataset.dtypes)

    @staticmethod
    @contextmanager
    def open_array(dataset: Dataset) -> Iterator[ArraySource]:
        """Open the values wherever they are; a file must not have changed."""
        source = _open(dataset)
        try:
            yield source
        finally:
            source.close()


class ImageForm(SequenceForm):
    """How an image Dataset is read."""

    @classmethod
    def to_pillow(cls, dataset: Dataset, rows: list[int] | None) -> list[Any]:
        """Return a list of `PIL.Image.Image`."""
        from aiqc.data.pillow import to_picture

        return [to_picture(sample, f"{dataset!r}") for sample in cls.to_arr(dataset, None, rows)]


def positions(dataset: Dataset, names: Sequence[str] | None) -> list[int] | None:
    """Return where columns are on the last axis; None for all in their order."""
    from aiqc.data.names import check_columns

    if names is None or list(names) == dataset.columns:
        return None
    place = {name: position for position, name in enumerate(dataset.columns)}
    return [place[name] for name in check_columns(list(names), dataset.columns)]


def remember(stamp: Any, digest: str) -> None:
    """Note that a file was compared with a digest, or that the digest was made of it."""
    if stamp is not None:
        _COMPARED.add((stamp, digest))


def shape_of(dataset: Dataset) -> Shape:
    """Return the shape of the whole, samples first."""
    return tuple(dataset.shape.values())


def _frames(array: Array, columns: list[str]) -> Any:
    import pandas as pd

    if array.ndim > 2:  # noqa: PLR2004 - rows and columns make a frame
        return [_frames(part, columns) for part in array]
    return pd.DataFrame(array, columns=pd.Index(columns))


def _open(dataset: Dataset) -> ArraySource:
    if dataset.content is not None:
        from aiqc.data.npy import FileBytes, NpySource

        return NpySource(FileBytes(open_blob(dataset.content)), f"the blob of {dataset!r}")
    if dataset.manifest_content is not None:
        return _open_images(dataset)
    return _open_npy(dataset)


def _open_images(dataset: Dataset) -> ArraySource:
    """Image files are compared one by one, when they are read."""
    import numpy as np

    from aiqc.data.array_source import SelectedSource
    from aiqc.data.image_files import ImageFilesSource
    from aiqc.data.limits import Limits

    assert dataset.manifest_content is not None
    manifest = from_json(read_blob(dataset.manifest_content).decode())
    options = dict(dataset.read_options)
    dtype = np.dtype(options.pop("dtype"))
    retype = options.pop("retype")
    options.pop("rename_columns")
    source = ImageFilesSource(
        places_of(dataset.source_path if dataset.urls is None else None, manifest["files"]),
        manifest["sha256"],
        shape_of(dataset),
        dtype,
        Limits(**options),
    )
    return SelectedSource(source, dtype=None if retype is None else np.dtype(retype))


def places_of(folder: str | None, files: Sequence[str]) -> list[str]:
    """Return where image files are: in a folder, or at addresses of their own."""
    from aiqc.data.sources import file_in

    return list(files) if folder is None else [file_in(folder, name) for name in files]


def _open_npy(dataset: Dataset) -> ArraySource:
    """Open a file of which the digest was compared, now or earlier in this process."""
    import numpy as np

    from aiqc.data.array_facts import array_digest
    from aiqc.data.array_input import file_stamp, open_npy
    from aiqc.data.array_source import SelectedSource
    from aiqc.data.sources import is_url

    path, retype = str(dataset.source_path), dataset.read_options["retype"]
    stamp = file_stamp(path)
    try:
        raw = open_npy(path)
    except InvalidData as error:
        raise source_changed(dataset) from error
    if not is_url(path) and stamp != file_stamp(path):
        # another file took its place before it was opened, or after: only the content tells
        stamp = None
    try:
        source = SelectedSource(raw, dtype=None if retype is None else np.dtype(retype))
        if (stamp, dataset.sha256_hexdigest) not in _COMPARED:
            if source.shape != shape_of(dataset) or str(source.dtype) != dataset.dtypes:
                raise source_changed(dataset)
            try:
                digest = array_digest(source, DatasetType(dataset.typ), dataset.columns)
            except InvalidData as error:
                raise source_changed(dataset) from error
            if digest != dataset.sha256_hexdigest:
                raise source_changed(dataset)
            remember(stamp, digest)
    except BaseException:
        raw.close()
        raise
    return source
