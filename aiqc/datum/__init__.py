"""Small real data sets, each with its licence, that need no download."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidInput
from aiqc.datum.catalogue import CATALOGUE, Datum
from aiqc.datum.manifests import MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from aiqc.core.types import Array

__all__ = ["get_path", "get_remote_urls", "list_datums", "to_arr", "to_df"]

#: how alike a name must be, 0 to 1, to be offered in place of an unknown one
_LIKENESS = 0.4


def list_datums() -> pd.DataFrame:
    """Return one row a data set, from the metadata of its file: no values are read.

    Returns
    -------
    Columns name, typ, analysis, label, goes_with, shape, rows, columns, bytes, source, licence and
    description. The label is a column of the table itself, or of the one that sequences or images
    go with. The shape is (rows, columns), (samples, rows, columns) or
    (samples, channels, rows, columns); rows and columns are its last two numbers.
    """
    import pandas as pd

    return pd.DataFrame([_row(datum) for datum in CATALOGUE])


def _row(datum: Datum) -> dict[str, object]:
    from aiqc.datum.header import read_shape

    shape = read_shape(datum.path)
    return {
        "name": datum.name,
        "typ": str(datum.typ),
        "analysis": str(datum.analysis),
        "label": datum.label,
        "goes_with": datum.goes_with,
        "shape": shape,
        "rows": shape[-2],
        "columns": shape[-1],
        "bytes": datum.path.stat().st_size,
        "source": datum.source,
        "licence": datum.licence,
        "description": datum.description,
    }


def get_path(name: str) -> str:
    """Return the path of a data set's file.

    A table is a Parquet file, for `Dataset.Tabular.from_path`. Sequences and images are a .npy
    file, for `Dataset.Sequence.from_numpy` and `Dataset.Image.from_numpy`.

    Parameters
    ----------
    name
        One of `list_datums()['name']`.

    Raises
    ------
    InvalidInput
        If there is no such data set; names the nearest ones.
    """
    return str(_find(name).path)


def to_df(name: str) -> pd.DataFrame:
    """Return a table as a frame.

    Parameters
    ----------
    name
        A name in `list_datums()` whose typ is tabular.

    Raises
    ------
    InvalidInput
        If there is no such data set; names the nearest ones. If it holds sequences or images.
    """
    import pandas as pd

    datum = _find(name)
    if datum.typ is not DatasetType.TABULAR:
        msg = f"The data set {name!r} has the typ {str(datum.typ)!r}: it is no table."
        raise InvalidInput(msg, hint="Use aiqc.datum.to_arr().", value=name)
    return pd.read_parquet(datum.path)


def to_arr(name: str) -> Array:
    """Return sequences or images as an array.

    Parameters
    ----------
    name
        A name in `list_datums()` whose typ is sequence or image.

    Returns
    -------
    Sequences as (samples, rows, columns), images as (samples, channels, rows, columns).

    Raises
    ------
    InvalidInput
        If there is no such data set; names the nearest ones. If it is a table.
    """
    import numpy as np

    datum = _find(name)
    if datum.typ is DatasetType.TABULAR:
        msg = f"The data set {name!r} is a table."
        raise InvalidInput(msg, hint="Use aiqc.datum.to_df().", value=name)
    array: Array = np.load(datum.path, allow_pickle=False)
    return array


def get_remote_urls(manifest_name: str) -> list[str]:
    """Return the URLs of a few small images, e.g. for `Dataset.Image.from_urls`.

    They are file:// URLs of PNG files that ship with AIQC, so nothing is downloaded. They are
    not percent-encoded, which is how `fsspec` reads them.

    Parameters
    ----------
    manifest_name
        `digits` (ten grey images) or `photos` (five in colour).

    Returns
    -------
    One URL an image, in the order of the file names.

    Raises
    ------
    InvalidInput
        If there is no such manifest; names the known ones.
    """
    known = {manifest.name: manifest for manifest in MANIFESTS}
    if str(manifest_name) not in known:
        msg = f"There is no manifest of images {manifest_name!r}."
        hint = f"The known ones are: {', '.join(sorted(known))}."
        raise InvalidInput(msg, hint=hint, value=manifest_name)
    return [f"file://{path.as_posix()}" for path in known[str(manifest_name)].paths]


def _find(name: str) -> Datum:
    known = {datum.name: datum for datum in CATALOGUE}
    if str(name) in known:
        return known[str(name)]
    near = _nearest(str(name), known)
    msg = f"There is no data set {name!r}."
    hint = f"The nearest names are: {', '.join(near)}. See aiqc.datum.list_datums()."
    raise InvalidInput(msg, hint=hint, value=name)


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    names = sorted(known)
    return difflib.get_close_matches(name, names, cutoff=_LIKENESS) or names
