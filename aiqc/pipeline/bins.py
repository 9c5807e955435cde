"""Strata: the classes or quantile bins that every split should hold in equal proportions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidSplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array

StrataKind: TypeAlias = Literal["class", "continuous", "onehot"]

#: quantile bins of a continuous column where `bin_count` is not given (RULINGS, Preparation)
DEFAULT_BIN_COUNT = 3
#: one bin is no stratification
_LEAST_BIN_COUNT = 2
#: a column of one-hot label can only say yes or no; two are needed for classes
_LEAST_CLASS_COLUMNS = 2

#: the name of the stratum that holds missing values
MISSING = "missing"


def strata_of(
    label: pd.DataFrame | pd.Series[Any] | Array, kind: StrataKind, bin_count: int | None = None
) -> Array | None:
    """Return the stratum of each sample, `(samples,)` int64; None where all are one bin.

    Parameters
    ----------
    label
        `(samples,)` or `(samples, 1)`; for 'onehot' `(samples, classes)`.
    kind
        'class': by value, or by quantile bin where `bin_count` is given and the values are
        numbers. 'continuous': by quantile bin, as `pd.qcut(duplicates='drop')`. 'onehot': by
        the largest column. Missing values are a stratum of their own.
    bin_count
        Quantile bins; 3 where a continuous column gives none.

    Raises
    ------
    InvalidSplit
        If values cannot be binned as asked, or an infinite number has no quantile.

    Examples
    --------
    >>> strata_of(np.array(["b", "a", "b"]), "class").tolist()
    [1, 0, 1]
    >>> strata_of(np.arange(6.0), "continuous").tolist()
    [0, 0, 1, 1, 2, 2]
    """
    coded = named_strata(label, kind, bin_count)
    return None if coded is None else coded[0]


def named_strata(
    label: pd.DataFrame | pd.Series[Any] | Array, kind: StrataKind, bin_count: int | None = None
) -> tuple[Array, list[str]] | None:
    """Return what `strata_of` and `strata_names` return, computed once."""
    if bin_count is not None:
        _check_bin_count(bin_count)
    if kind == "onehot":
        return _onehot(label, bin_count)
    values = _one_column(label)
    if kind == "class" and bin_count is None:
        return _by_value(values)
    return _by_quantile(values, bin_count or DEFAULT_BIN_COUNT)


def strata_names(
    label: pd.DataFrame | pd.Series[Any] | Array, kind: StrataKind, bin_count: int | None = None
) -> list[str]:
    """Return what each stratum of `strata_of` stands for, in order of its number.

    Examples
    --------
    >>> strata_names(np.array(["b", "a", "b"]), "class")
    ['a', 'b']
    """
    coded = named_strata(label, kind, bin_count)
    return [] if coded is None else coded[1]


def refuse_small_strata(
    strata: Array, least: int, reason: str, names: Sequence[str] | None = None
) -> None:
    """Refuse a class that has fewer members than must be told apart.

    Parameters
    ----------
    strata
        `(samples,)` codes or values.
    least
        Members that each class needs.
    reason
        Why that many are needed, as the end of a sentence.
    names
        What the codes stand for (`strata_names`).

    Raises
    ------
    InvalidSplit
        Names the smallest class, its count and the ways out.
    """
    values, counts = np.unique(strata, return_counts=True)
    if counts.size == 0 or counts.min() >= least:
        return
    place = int(np.argmin(counts))
    value, count = values[place].item(), int(counts[place])
    shown = value if names is None else names[value]
    members = "member" if count == 1 else "members"
    msg = f"The class {shown!r} has {count} {members}, but {least} are needed {reason}."
    hint = (
        "Remove or merge the class, for numbers give `bin_count`, or a smaller one, "
        "or pass `stratify=False`."
    )
    raise InvalidSplit(msg, hint=hint, stratum=shown, count=count)


def _check_bin_count(bin_count: object) -> None:
    is_integer = isinstance(bin_count, int | np.integer) and not isinstance(bin_count, bool)
    if is_integer and int(str(bin_count)) >= _LEAST_BIN_COUNT:
        return
    msg = f"bin_count={bin_count!r} is not a number of bins."
    raise InvalidSplit(msg, hint="Use an integer of at least 2.", bin_count=bin_count)


def _one_column(label: Any) -> pd.Series[Any]:
    if isinstance(label, pd.Series):
        return label.reset_index(drop=True)
    frame = label if isinstance(label, pd.DataFrame) else pd.DataFrame(np.asarray(label))
    if frame.shape[1] != 1:
        msg = f"Strata come from one column, not from {frame.shape[1]}."
        raise InvalidSplit(msg, hint="Name one column, or one-hot encode the classes.")
    column: pd.Series[Any] = frame.iloc[:, 0].reset_index(drop=True)
    return column


def _onehot(label: Any, bin_count: int | None) -> tuple[Array, list[str]]:
    columns = np.asarray(label)
    if columns.ndim != 2 or columns.shape[1] < _LEAST_CLASS_COLUMNS:  # noqa: PLR2004
        msg = f"A one-hot label of shape {columns.shape} has no columns to choose from."
        raise InvalidSplit(msg, hint="Pass one column a class.")
    if bin_count is not None:
        msg = f"bin_count={bin_count} was given for a one-hot label, which holds classes."
        raise InvalidSplit(msg, hint="Leave `bin_count` out.", bin_count=bin_count)
    given = label.columns if isinstance(label, pd.DataFrame) else range(columns.shape[1])
    return columns.argmax(axis=1).astype(np.int64), [str(name) for name in given]


def _by_value(values: pd.Series[Any]) -> tuple[Array, list[str]]:
    codes, uniques = pd.factorize(values, sort=True)
    return _with_missing(codes, [str(value) for value in uniques])


def _by_quantile(values: pd.Series[Any], bin_count: int) -> tuple[Array, list[str]] | None:
    _check_binnable(values, bin_count)
    bins = pd.qcut(values, q=bin_count, duplicates="drop")
    if values.nunique() < _LEAST_BIN_COUNT or len(bins.cat.categories) < _LEAST_BIN_COUNT:
        return None
    names = [f"bin {interval}" for interval in bins.cat.categories]
    return _with_missing(bins.cat.codes.to_numpy(), names)


def _check_binnable(values: pd.Series[Any], bin_count: int) -> None:
    kinds = pd.api.types
    is_number = kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values)
    if not (is_number or kinds.is_datetime64_any_dtype(values)):
        example = next(iter(values.tolist()), "")
        msg = (
            f"Values of type {values.dtype}, such as {example!r}, cannot be cut into "
            f"{bin_count} bins."
        )
        raise InvalidSplit(msg, hint="Leave `bin_count` out.", bin_count=bin_count)
    if is_number:
        infinite = np.flatnonzero(np.isinf(values.to_numpy(dtype=float, na_value=np.nan)))
        if infinite.size:
            row = int(infinite[0])
            msg = f"The value {values.iloc[row]} in row {row} has no quantile."
            raise InvalidSplit(msg, hint="Remove the row, or pass `stratify=False`.", row=row)


def _with_missing(codes: Array, names: list[str]) -> tuple[Array, list[str]]:
    codes = np.asarray(codes, dtype=np.int64)
    if (codes < 0).any():
        return np.where(codes < 0, len(names), codes), [*names, MISSING]
    return codes, names
