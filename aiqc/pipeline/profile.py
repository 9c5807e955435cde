"""The training profile: what each original column of a Feature held in the training rows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.data.dtypes import Kind, dtype_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiqc.core.types import Array

#: categories whose shares are kept
TOP_COUNT = 50
#: further categories whose names are kept; beyond them a new value may be an old one
NAMED_COUNT = 10_000
#: values of an N-D column that its deciles are taken from; ranges and NaN are of all values
DECILE_VALUES = 100_000
_DECILES = 10
_NUMBERS = (Kind.INTEGER, Kind.FLOAT)
_TIMES = (Kind.DATETIME, Kind.TIMEDELTA)


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: its range and deciles, or its categories. Times are nanoseconds."""

    column: str
    #: 'number', 'datetime', 'timedelta', 'text', 'boolean' or 'category'
    kind: str
    #: numpy dtype of a number; '' of all else
    dtype: str
    #: rows, or values of an N-D column
    count: int
    #: share of missing values, 0 to 1
    nan_rate: float
    #: smallest and largest known number; None where none is known
    minimum: Any = None
    maximum: Any = None
    #: nine observed values below or at which 10, 20 ... 90 % of the known numbers lie
    deciles: list[Any] = field(default_factory=list)
    #: upper ends of the bins, ascending; the last bin has none
    edges: list[Any] = field(default_factory=list)
    #: share of the known numbers in each bin
    shares: list[float] = field(default_factory=list)
    #: category as text -> share of the known values, the most frequent first
    categories: dict[str, float] = field(default_factory=dict)
    #: names of the categories beyond those
    others: list[str] = field(default_factory=list)
    #: whether there were more categories than are named
    is_open: bool = False
    #: training rows, or N-D samples, that hold the values
    samples: int = 0

    @property
    def is_categorical(self) -> bool:
        """Whether the column holds categories rather than numbers."""
        return self.kind in (Kind.TEXT, Kind.BOOLEAN, Kind.CATEGORY)

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as what JSON can hold."""
        return asdict(self)


def profile_frame(frame: pd.DataFrame) -> list[ColumnProfile]:
    """Return the profile of every column of the training rows.

    Parameters
    ----------
    frame
        `(training rows, original columns)`; never written into.

    Examples
    --------
    >>> column = profile_frame(pd.DataFrame({"age": [30.0, 20.0, None, 40.0]}))[0]
    >>> column.minimum, column.maximum, column.nan_rate
    (20.0, 40.0, 0.25)
    """
    return [_profile_column(str(name), values) for name, values in frame.items()]


def profile_arrays(
    chunks: Iterable[Array], names: Sequence[str], count: int, *, by_channel: bool
) -> list[ColumnProfile]:
    """Return the profile of every column (or channel) of a sequence or image Feature.

    Parameters
    ----------
    chunks
        The training samples in parts, `(samples, rows, columns)` or
        `(samples, channels, rows, columns)`; each is read once.
    names
        One a column, or one a channel.
    count
        Samples of all parts; decides from how many values the deciles are taken.
    by_channel
        Whether the axis after the samples, rather than the last one, holds what is profiled.
    """
    lanes: list[_Lane] = [_Lane(name) for name in names]
    for chunk in chunks:
        table = as_lanes(chunk, by_channel=by_channel)
        step = decile_step(count, len(table) // max(len(chunk), 1))
        for position, lane in enumerate(lanes):
            lane.add(table[:, position], step)
    return [lane.profile(count) for lane in lanes]


def as_lanes(array: Array, *, by_channel: bool) -> Array:
    """Return `(values, lanes)`: all values of each column, or of each channel.

    Examples
    --------
    >>> as_lanes(np.zeros((2, 3, 4, 5)), by_channel=True).shape
    (40, 3)
    """
    moved = np.moveaxis(array, 1, -1) if by_channel else array
    return moved.reshape(-1, moved.shape[-1])


def decile_step(sample_count: int, values_a_sample: int) -> int:
    """Return the step through values that leaves about `DECILE_VALUES` of a column.

    It shares no factor with the values of a sample, so that it never meets the same place of
    every sample.
    """
    step = max(1, sample_count * values_a_sample // DECILE_VALUES)
    while math.gcd(step, max(values_a_sample, 1)) > 1:
        step += 1
    return step


def plain_numbers(values: pd.Series[Any]) -> tuple[Array, Array]:
    """Return a column of numbers or times as an array, and where it is missing.

    Times become int64 nanoseconds (of UTC, where they have a zone); what stands in the array
    where a value is missing means nothing.
    """
    missing = values.isna().to_numpy()
    kind = dtype_kind(values.dtype)
    if kind in _TIMES:
        unit = "datetime64[ns]" if kind is Kind.DATETIME else "timedelta64[ns]"
        return values.to_numpy(dtype=unit).astype(np.int64), missing
    if isinstance(values.dtype, np.dtype):
        return values.to_numpy(), missing
    plain: Any = getattr(values.dtype, "numpy_dtype", np.dtype("float64"))
    return values.to_numpy(dtype=plain, na_value=plain.type(0)), missing


def category_texts(values: pd.Series[Any]) -> tuple[Array, list[str]]:
    """Return the code of each value (-1: missing) and the text of each code."""
    codes, found = pd.factorize(values)
    return codes, [str(value) for value in found]


@dataclass(slots=True)
class _Lane:
    """What is known of one column of an array while its parts pass by."""

    name: str
    dtype: str = ""
    count: int = 0
    missing: int = 0
    lows: list[Any] = field(default_factory=list)
    highs: list[Any] = field(default_factory=list)
    kept: list[Array] = field(default_factory=list)

    def add(self, values: Array, step: int) -> None:
        """Take the values of one part."""
        values = values.astype(np.uint8) if values.dtype.kind == "b" else values
        self.dtype = values.dtype.name
        self.count += len(values)
        known = values
        if values.dtype.kind == "f":
            is_known = ~np.isnan(values)
            self.missing += len(values) - int(is_known.sum())
            known = values[is_known]
        if len(known):
            self.lows.append(known.min())
            self.highs.append(known.max())
            self.kept.append(values[::step])

    def profile(self, samples: int) -> ColumnProfile:
        """Return the profile of all parts, which hold so many samples."""
        facts: dict[str, Any] = {"dtype": self.dtype, "count": self.count, "samples": samples}
        rate = self.missing / self.count if self.count else 0.0
        if not self.lows:
            return ColumnProfile(self.name, "number", nan_rate=rate, **facts)
        kept = np.concatenate(self.kept)
        # the range is that of all values, also where the deciles are of some
        ends = np.array([min(self.lows), max(self.highs)], dtype=kept.dtype)
        known = kept[~np.isnan(kept)] if kept.dtype.kind == "f" else kept
        bins = _bins(np.sort(known) if len(known) else ends, *ends)
        return ColumnProfile(self.name, "number", nan_rate=rate, **facts, **bins)


def _profile_column(name: str, values: pd.Series[Any]) -> ColumnProfile:
    kind = dtype_kind(values.dtype)
    if kind not in (*_NUMBERS, *_TIMES):
        return _profile_categories(name, kind, values)
    array, missing = plain_numbers(values)
    known = array[~missing] if missing.any() else array
    rate = float(missing.mean()) if len(missing) else 0.0
    is_number = kind in _NUMBERS
    facts: dict[str, Any] = {
        "kind": "number" if is_number else str(kind),
        "dtype": array.dtype.name if is_number else "",
        "count": len(values),
        "samples": len(values),
        "nan_rate": rate,
    }
    if not len(known):
        return ColumnProfile(name, **facts)
    ascending = np.sort(known)
    return ColumnProfile(name, **facts, **_bins(ascending, ascending[0], ascending[-1]))


def _profile_categories(name: str, kind: Kind, values: pd.Series[Any]) -> ColumnProfile:
    codes, texts = category_texts(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    # by frequency; equally frequent ones by name, so that the profile is the same everywhere
    order = sorted(range(len(texts)), key=lambda code: (-counts[code], texts[code]))
    known = int(counts.sum())
    top, rest = order[:TOP_COUNT], order[TOP_COUNT : TOP_COUNT + NAMED_COUNT]
    return ColumnProfile(
        name,
        kind=str(kind),
        dtype="",
        count=len(values),
        samples=len(values),
        nan_rate=1 - known / len(values) if len(values) else 0.0,
        categories={texts[code]: int(counts[code]) / known for code in top},
        others=[texts[code] for code in rest],
        is_open=len(order) > TOP_COUNT + NAMED_COUNT,
    )


def _bins(ascending: Array, low: Any, high: Any) -> dict[str, Any]:
    """Return range, deciles, bin edges and the share of each bin of sorted numbers."""
    count = len(ascending)
    places = [(k * count + _DECILES - 1) // _DECILES - 1 for k in range(1, _DECILES)]
    deciles = ascending[places]
    edges = _edges(ascending[sorted(set(places))], low, high)
    upper = np.searchsorted(ascending, edges, side="right")
    counts = np.diff(np.concatenate([[0], upper, [count]]))
    return {
        "minimum": low.item(),
        "maximum": high.item(),
        "deciles": deciles.tolist(),
        "edges": edges.tolist(),
        "shares": (counts / count).tolist(),
    }


def _edges(deciles: Array, low: Any, high: Any) -> Array:
    """Return the upper ends of the bins.

    A value that fills a tenth of the rows or more, and so is a decile twice, has a bin of its
    own: otherwise a column of ones with a few zeros would be one bin, and blind.
    """
    if low == high:
        return np.array([_below(low), low], dtype=deciles.dtype)
    values, counts = np.unique(deciles, return_counts=True)
    alone = (values > low) & ((counts > 1) | (values == high))
    found = [values[values < high], _below(values[alone])]
    return np.unique(np.concatenate(found)).astype(deciles.dtype)


def _below(values: Any) -> Any:
    """Return the next smaller number of the same dtype."""
    if np.asarray(values).dtype.kind == "f":
        return np.nextafter(values, np.asarray(-np.inf, dtype=np.asarray(values).dtype))
    lowest = np.iinfo(np.asarray(values).dtype).min
    return np.where(values > lowest, values - (values > lowest), lowest)
