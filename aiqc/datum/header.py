"""The shape of a stored data set, read from the metadata of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_shape(path: Path) -> tuple[int, ...]:
    """Return the shape without reading the values.

    Parameters
    ----------
    path
        A Parquet file, or a .npy file.

    Returns
    -------
    (rows, columns) of a table, (samples, rows, columns) of sequences, and
    (samples, channels, rows, columns) of images.
    """
    if path.suffix == ".npy":
        return _array_shape(path)
    from pyarrow import parquet

    metadata = parquet.read_metadata(path)
    return (metadata.num_rows, metadata.num_columns)


def _array_shape(path: Path) -> tuple[int, ...]:
    from numpy.lib import format as npy

    with path.open("rb") as file:
        npy.read_magic(file)
        shape, _, _ = npy.read_array_header_1_0(file)
    return tuple(shape)
