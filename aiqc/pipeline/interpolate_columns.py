"""Which columns an interpolater may take, and whether it can fill them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidColumns
from aiqc.data.dtypes import Kind, dtype_kind
from aiqc.pipeline.filters import Match, match_columns
from aiqc.pipeline.interpolate import interpolate_array, interpolate_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from aiqc.core.types import Array
    from aiqc.pipeline.interpolate import InterpolateStep


def match_floats(
    available: Mapping[str, str],
    dtypes: Sequence[Any] | Any | None = None,
    columns: Sequence[str] | None = None,
    *,
    taken: Iterable[str] = (),
) -> Match:
    """Return the columns that an interpolater takes; with no filter all remaining floats.

    Parameters
    ----------
    available
        Remaining column to dtype name, in data-set order.
    dtypes
        Dtypes to take, or one.
    columns
        Columns to take besides those of `dtypes`.
    taken
        Columns that an earlier interpolater fills.

    Raises
    ------
    InvalidColumns
        If nothing matches, a column is unknown, taken or named twice, or is no float; names it.

    Examples
    --------
    >>> match_floats({"day": "int64", "cm": "float64", "who": "str"}).matching
    ['cm']
    """
    used = set(taken)
    again = [name for name in columns or () if name in used]
    if again:
        msg = f"The column {again[0]!r} is filled by an earlier interpolater."
        hint = f"Choose among the columns that are left: {list(available)}."
        raise InvalidColumns(msg, hint=hint, column=again[0])
    floats = [name for name, dtype in available.items() if dtype_kind(dtype) is Kind.FLOAT]
    if not floats:
        msg = f"No column of floats is left to interpolate: the dtypes are {dict(available)}"
        msg += f", and earlier interpolaters fill {sorted(used)}." if used else "."
        hint = "Register numbers with gaps as floats, e.g. with retype='float64'."
        raise InvalidColumns(msg, hint=hint, available=dict(available))
    if dtypes is not None or columns is not None:
        match = match_columns(available, dtypes=dtypes, columns=columns)
        check_floats({name: available[name] for name in match.matching})
        return match
    leftover = {name: dtype for name, dtype in available.items() if name not in floats}
    original = {"include": True, "dtypes": None, "columns": None}
    return Match(floats, list(leftover), leftover, original)


def check_floats(dtypes: Mapping[str, str]) -> None:
    """Refuse columns that are not floats.

    Raises
    ------
    InvalidColumns
        Names the column and its dtype.
    """
    for column, dtype in dtypes.items():
        if dtype_kind(dtype) is not Kind.FLOAT:
            msg = f"The column {column!r} of dtype {dtype} cannot be interpolated: it is no float."
            hint = "Filter the float columns, or register it with retype='float64'."
            raise InvalidColumns(msg, hint=hint, column=column, dtype=dtype)


def try_frame(frame: pd.DataFrame, step: InterpolateStep) -> int:
    """Interpolate all rows of a table at once; return how many values were missing.

    Raises
    ------
    InvalidData
        If a column cannot be fitted, or a value stays missing.
    """
    missing = int(frame[step.columns].isna().to_numpy().sum())
    rows = np.arange(len(frame), dtype=np.int64)
    interpolate_rows(frame, [step], rows, rows)
    return missing


def try_arrays(chunks: Iterable[Array], columns: list[str], step: InterpolateStep) -> int:
    """Interpolate every slice of an array that comes in parts; return how many were missing.

    Parameters
    ----------
    chunks
        `(samples, [channels,] rows, columns)` each.
    columns
        Names on the last axis.
    step
        The interpolater.

    Raises
    ------
    InvalidData
        If a column of a slice cannot be fitted, or a value stays missing; names the sample.
    """
    positions = [columns.index(name) for name in step.columns]
    missing = first = 0
    for chunk in chunks:
        missing += int(np.isnan(chunk[..., positions]).sum())
        samples = np.arange(first, first + len(chunk))
        interpolate_array(chunk, columns, [step], samples=samples)
        first += len(chunk)
    return missing
