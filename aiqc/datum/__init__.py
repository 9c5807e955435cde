"""Small real data sets, each with its licence, that need no download."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from aiqc.core.errors import InvalidInput
from aiqc.datum.catalogue import CATALOGUE, Datum

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["get_path", "list_datums", "to_df"]

#: how alike a name must be, 0 to 1, to be offered in place of an unknown one
_LIKENESS = 0.4


def list_datums() -> pd.DataFrame:
    """Return one row a data set.

    Returns
    -------
    Columns name, analysis, label, rows, columns, source, licence and description.
    """
    import pandas as pd
    from pyarrow import parquet

    rows = []
    for datum in CATALOGUE:
        metadata = parquet.read_metadata(datum.path)
        rows.append(
            {
                "name": datum.name,
                "analysis": str(datum.analysis),
                "label": datum.label,
                "rows": metadata.num_rows,
                "columns": metadata.num_columns,
                "source": datum.source,
                "licence": datum.licence,
                "description": datum.description,
            }
        )
    return pd.DataFrame(rows)


def get_path(name: str) -> str:
    """Return the path of a data set's Parquet file, e.g. for `Dataset.Tabular.from_path`.

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
    """Return a data set as a frame.

    Parameters
    ----------
    name
        One of `list_datums()['name']`.

    Raises
    ------
    InvalidInput
        If there is no such data set; names the nearest ones.
    """
    import pandas as pd

    return pd.read_parquet(_find(name).path)


def _find(name: str) -> Datum:
    known = {datum.name: datum for datum in CATALOGUE}
    if str(name) in known:
        return known[str(name)]
    near = difflib.get_close_matches(str(name), known, cutoff=_LIKENESS) or sorted(known)
    msg = f"There is no data set {name!r}."
    hint = f"The nearest names are: {', '.join(near)}. See aiqc.datum.list_datums()."
    raise InvalidInput(msg, hint=hint, value=name)
