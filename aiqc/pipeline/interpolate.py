"""Interpolation of missing values, which leaks nothing into the training rows.

`pandas.Series.interpolate` does the arithmetic, with the row positions as the axis of the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidData
from aiqc.pipeline.interpolate_kwargs import DEFAULT_KWARGS, LINEAR, call_pandas, check_kwargs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiqc.core.types import Array

__all__ = [
    "DEFAULT_KWARGS",
    "InterpolateStep",
    "check_kwargs",
    "interpolate_array",
    "interpolate_new",
    "interpolate_rows",
]


@dataclass(frozen=True, slots=True)
class InterpolateStep:
    """One interpolater: its columns and how it fills them."""

    columns: list[str]
    #: arguments of `pandas.DataFrame.interpolate`, as `check_kwargs` returns them
    kwargs: dict[str, Any]
    #: whether the training rows are interpolated without the others
    process_separately: bool


def interpolate_rows(
    frame: pd.DataFrame, steps: Sequence[InterpolateStep], train_rows: Array, rows: Array
) -> pd.DataFrame:
    """Return some rows of a frame without missing values in the columns of the steps.

    A step that processes separately interpolates the training rows alone, and the other rows
    asked for with the filled training rows present. A row that is both keeps its training value.
    Every row stands at its own position in the series, so gaps between rows count.

    Parameters
    ----------
    frame
        All rows; never written.
    steps
        The interpolaters, in order; no column is in two of them.
    train_rows
        Positions of the training rows.
    rows
        Positions of the rows to return, in the order wanted; may repeat.

    Returns
    -------
    The rows asked for, indexed 0, 1, ...; columns without a step are as they were.

    Raises
    ------
    InvalidData
        If a column cannot be fitted, or a value stays missing; names the row and column.
    """
    rows = np.asarray(rows, dtype=np.int64)
    is_train, is_asked = _marked(len(frame), train_rows), _marked(len(frame), rows)
    result = frame.iloc[rows].reset_index(drop=True)
    for step, column in _columns(steps):
        values = _floats(frame[column])
        missing = np.isnan(values)
        if not missing[rows].any():
            continue
        where = f"the column {column!r}"
        if step.process_separately:
            filled = _fill_apart(values, is_train, is_asked, step.kwargs, where)
        else:
            filled = _fill(values, np.arange(len(values)), step.kwargs, where)
        _check_filled(filled, missing & is_asked, where)
        result[column] = _as_before(filled[rows], frame[column])
    return result


def interpolate_new(
    train: pd.DataFrame,
    new: pd.DataFrame,
    steps: Sequence[InterpolateStep],
    *,
    first_position: int | None = None,
) -> pd.DataFrame:
    """Return new rows, which follow the training rows, without missing values.

    Parameters
    ----------
    train
        The training rows as they were registered; an index of integers gives their positions.
    new
        The rows to fill, in the order of their time; never written.
    steps
        The interpolaters, in order.
    first_position
        Position of the first new row, such as the length of the data that was trained on; by
        default it follows the last training row.

    Returns
    -------
    The new rows, indexed 0, 1, ...

    Raises
    ------
    InvalidData
        If a column cannot be fitted, or a value stays missing; names the row and column.
    """
    result = new.reset_index(drop=True)
    train, positions = _in_order(train)
    first = int(positions[-1]) + 1 if len(positions) else 0
    first = first if first_position is None else max(first, first_position)
    following = np.arange(first, first + len(new), dtype=np.int64)
    for step, column in _columns(steps):
        added = _floats(new[column])
        missing = np.isnan(added)
        if not missing.any():
            continue
        where = f"the column {column!r} of the new data"
        known = _floats(train[column])
        if step.process_separately:
            known = _fill(known, positions, step.kwargs, f"the column {column!r}")
        whole = np.concatenate([known, added])
        whole = _fill(whole, np.concatenate([positions, following]), step.kwargs, where)
        filled = whole[len(known) :]
        _check_filled(filled, missing, where)
        result[column] = _as_before(filled, new[column])
    return result


def interpolate_array(
    array: Array,
    columns: list[str],
    steps: Sequence[InterpolateStep],
    *,
    samples: Array | None = None,
) -> Array:
    """Return an array whose two-dimensional slices are filled each on its own.

    Parameters
    ----------
    array
        `(samples, rows, columns)` or `(samples, channels, rows, columns)`; never written.
    columns
        Names on the last axis.
    steps
        The interpolaters, in order.
    samples
        Numbers of the samples, for messages, where the array is a part of the data.

    Returns
    -------
    The same array where nothing is missing, else one of its own; slices without a missing value
    are equal bit for bit.

    Raises
    ------
    InvalidData
        If a column of a slice cannot be fitted, or a value stays missing; names the sample, the
        channel, the row and the column.
    """
    result = array
    for step, column in _columns(steps):
        position = columns.index(column)
        missing = np.isnan(array[..., position])
        for index in map(tuple, np.argwhere(missing.any(axis=-1)).tolist()):
            if result is array:
                result = array.copy()
            values = array[index][..., position].astype(np.float64)
            number = index[0] if samples is None else int(samples[index[0]])
            where = _slice_name(column, (number, *index[1:]))
            filled = _fill(values, np.arange(len(values)), step.kwargs, where)
            _check_filled(filled, missing[index], where)
            result[index][..., position] = filled
    return result


def _columns(steps: Sequence[InterpolateStep]) -> Iterator[tuple[InterpolateStep, str]]:
    return ((step, column) for step in steps for column in step.columns)


def _marked(count: int, rows: Array) -> Array:
    """Return which of all rows are among some, `(count,)` bool."""
    marks = np.zeros(count, dtype=bool)
    marks[np.asarray(rows, dtype=np.int64)] = True
    return marks


def _fill_apart(
    values: Array, is_train: Array, is_asked: Array, kwargs: Mapping[str, Any], where: str
) -> Array:
    """Return values whose training rows were filled alone, then those asked for beside them."""
    filled = values.copy()
    train = np.flatnonzero(is_train)
    filled[train] = _fill(values[train], train, kwargs, where)
    if (is_asked & ~is_train).any():
        together = np.flatnonzero(is_train | is_asked)
        beside = _fill(filled[together], together, kwargs, where)
        is_other = ~is_train[together]
        filled[together[is_other]] = beside[is_other]
    return filled


def _fill(values: Array, positions: Array, kwargs: Mapping[str, Any], where: str) -> Array:
    """Return values with the missing ones filled as far as the method does.

    Raises
    ------
    InvalidData
        If there is no known value, or the method cannot fit those that there are.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    known = int((~missing).sum())
    if not known:
        msg = f"No value of {where} is known among the {len(values)} rows it is filled from."
        raise InvalidData(msg, hint="Leave the column out of the interpolater.", place=where)
    try:
        return call_pandas(values, positions, kwargs)
    except Exception as error:
        msg = (
            f"method={kwargs['method']!r} cannot fit the {known} known values of {where}: {error}."
        )
        raise InvalidData(msg, hint=f"Try {LINEAR}.", place=where) from error


def _check_filled(values: Array, was_missing: Array, where: str) -> None:
    """Refuse what was missing and still is, or became infinite."""
    bad = np.flatnonzero(was_missing & ~np.isfinite(values))
    if not bad.size:
        return
    row = int(bad[0])
    became = "is still missing" if np.isnan(values[row]) else "became infinite"
    msg = f"Row {row} of {where} {became} after interpolation ({bad.size} rows in all)."
    hint = f"Try {LINEAR}, which fills every gap, also at the ends."
    raise InvalidData(msg, hint=hint, row=row, place=where)


def _floats(series: pd.Series[Any]) -> Array:
    values: Array = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def _as_before(values: Array, series: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series(values).astype(series.dtype)


def _in_order(train: pd.DataFrame) -> tuple[pd.DataFrame, Array]:
    """Return training rows in the order of their positions, each once, and the positions."""
    if train.index.dtype.kind not in "iu":
        return train, np.arange(len(train))
    positions, first = np.unique(train.index.to_numpy(dtype=np.int64), return_index=True)
    return train.iloc[first], positions


def _slice_name(column: str, index: tuple[int, ...]) -> str:
    where = f"the column {column!r} of sample {index[0]}"
    return where if len(index) == 1 else f"{where}, channel {index[1]}"
