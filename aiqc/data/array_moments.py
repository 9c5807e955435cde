"""Counts, means, deviations and extremes a column, from parts that pass by once.

Means and sums of squared deviations of the parts are combined as by Chan, Golub and LeVeque,
"Updating formulae and a pairwise algorithm for computing sample variances" (1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.data.describe import QUARTILES

if TYPE_CHECKING:
    from aiqc.core.types import Array
    from aiqc.data.describe import Statistics

#: values that one byte can hold
_BYTE_VALUES = 256
#: columns that are counted at once, as the bands of an image
_BANDS = 4
#: rows that are counted at once
_COUNTED_ROWS = 1 << 20


class Moments:
    """Running moments of the columns of an array.

    Parameters
    ----------
    column_count
        Length of the last axis.
    dtype
        Of the values.
    """

    def __init__(self, column_count: int, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.count = np.zeros(column_count, dtype=np.int64)
        self.nan_count = np.zeros(column_count, dtype=np.int64)
        self.sum = np.zeros(column_count)
        #: sum of squared deviations from the mean
        self.squares = np.zeros(column_count)
        self.least: Array | None = None
        self.most: Array | None = None
        #: (columns, 256), for dtypes of one byte
        self.histogram: Array | None = None
        if dtype.itemsize == 1:
            self.histogram = np.zeros((column_count, _BYTE_VALUES), dtype=np.int64)

    def update(self, part: Array) -> None:
        """Add values `(rows, columns)`."""
        if self.histogram is not None:
            self._count_bytes(part)
            return
        known = ~np.isnan(part) if part.dtype.kind == "f" else None
        if known is None or known.all():
            self._add(part, np.full(part.shape[1], len(part), dtype=np.int64))
            return
        count = known.sum(axis=0, dtype=np.int64)
        self.nan_count += len(part) - count
        # a column at a time where values are missing, so that nothing stands for them
        for position in range(part.shape[1]):
            if count[position]:
                values = part[known[:, position], position][:, np.newaxis]
                self._add(values, count[position : position + 1], position)

    def _count_bytes(self, part: Array) -> None:
        assert self.histogram is not None
        self.count += len(part)
        values = np.ascontiguousarray(part).view(np.uint8)
        for start in range(0, len(values), _COUNTED_ROWS):
            self.histogram += _byte_histogram(values[start : start + _COUNTED_ROWS])

    def _add(self, part: Array, count: Array, position: int | None = None) -> None:
        where = slice(None) if position is None else slice(position, position + 1)
        # inf - inf and sums beyond the largest float are answers here, not accidents
        with np.errstate(invalid="ignore", over="ignore"):
            added = part.sum(axis=0, dtype=np.float64)
            mean = added / count
            apart = part - mean
            squares = np.einsum("ij,ij->j", apart, apart)
            before = self.count[where].copy()
            total = before + count
            shift = np.where(before == 0, 0.0, mean - self.sum[where] / np.maximum(before, 1))
            self.squares[where] += squares + shift * shift * (before * (count / total))
            self.sum[where] += added
        self.count[where] = total
        self._extend(part.min(axis=0), part.max(axis=0), where, before)

    def _extend(self, least: Array, most: Array, where: slice, before: Array) -> None:
        if self.least is None or self.most is None:
            self.least = np.zeros(len(self.count), dtype=self.dtype)
            self.most = np.zeros(len(self.count), dtype=self.dtype)
        first = before == 0
        self.least[where] = np.where(first, least, np.minimum(self.least[where], least))
        self.most[where] = np.where(first, most, np.maximum(self.most[where], most))


def _byte_histogram(values: Array) -> Array:
    """Return how often each byte occurs, `(columns, 256)`, of bytes `(rows, columns)`."""
    import PIL.Image

    count = values.shape[1]
    if count % _BANDS:
        values = np.pad(values, ((0, 0), (0, -count % _BANDS)))
    found = []
    # Pillow counts four bands in a third of the time that np.bincount takes
    for column in np.ascontiguousarray(values).view("<u4").T:
        bands = np.ascontiguousarray(column)
        image = PIL.Image.frombuffer("RGBA", (len(bands), 1), bands, "raw", "RGBA", 0, 1)
        found.append(image.histogram())
    return np.array(found, dtype=np.int64).reshape(-1, _BYTE_VALUES)[:count]


def statistics_of(moments: Moments, position: int, values: Array | None) -> Statistics:
    """Return the statistics of one column, with the keys that tables have.

    Parameters
    ----------
    moments
        After the last part.
    position
        Of the column.
    values
        All of its values, for the quartiles; None leaves these out.
    """
    if moments.dtype.kind == "b":
        return _of_booleans(moments, position)
    if moments.histogram is not None:
        return _of_bytes(moments.histogram[position], moments.dtype)
    count, missing = int(moments.count[position]), int(moments.nan_count[position])
    counts = {"count": count, "nan_count": missing}
    if not count or moments.least is None or moments.most is None:
        return counts | dict.fromkeys(["mean", "std", "min", *QUARTILES, "max"], float("nan"))
    spread = moments.squares[position] / (count - 1) if count > 1 else float("nan")
    quartiles = {} if values is None else _sorted_quartiles(values)
    return {
        **counts,
        "mean": float(moments.sum[position] / count),
        "std": float(np.sqrt(spread)),
        "min": moments.least[position].item(),
        **quartiles,
        "max": moments.most[position].item(),
    }


def _sorted_quartiles(values: Array) -> dict[str, float]:
    from aiqc.data.describe import quantile

    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values.copy()
    known.sort()
    return {name: quantile(known, share) for name, share in QUARTILES.items()}


def _of_booleans(moments: Moments, position: int) -> Statistics:
    assert moments.histogram is not None
    counts = moments.histogram[position]
    total, true = int(counts.sum()), int(counts[1:].sum())
    found = {"True": true, "False": total - true}
    ordered = sorted((item for item in found.items() if item[1]), key=lambda item: -item[1])
    return {
        "count": total,
        "nan_count": 0,
        "unique_count": len(ordered),
        "top": {name: count / total for name, count in ordered},
    }


def _of_bytes(histogram: Array, dtype: np.dtype[Any]) -> Statistics:
    """All statistics of integers of one byte, exactly, from how often each value occurs."""
    values = np.arange(_BYTE_VALUES, dtype=np.uint8).view(dtype).astype(np.int64)
    order = np.argsort(values)
    values, counts = values[order], histogram[order]
    total = int(counts.sum())
    sum_ = int((values * counts).sum())
    sum_squares = int((values * values * counts).sum())
    # integers have no rounding, so that the difference of large sums is exact
    squares = (sum_squares * total - sum_ * sum_) / total
    there = values[counts > 0]
    ends = np.cumsum(counts)
    return {
        "count": total,
        "nan_count": 0,
        "mean": sum_ / total,
        "std": (squares / (total - 1)) ** 0.5 if total > 1 else float("nan"),
        "min": int(there[0]),
        **{name: _counted_quantile(values, ends, share) for name, share in QUARTILES.items()},
        "max": int(there[-1]),
    }


def _counted_quantile(values: Array, ends: Array, share: float) -> float:
    """Linear interpolation between neighbours, of values that occur many times."""
    place = share * (int(ends[-1]) - 1)
    low = int(place)
    below = float(values[np.searchsorted(ends, low, side="right")])
    above = float(values[np.searchsorted(ends, min(low + 1, int(ends[-1]) - 1), side="right")])
    return below + (above - below) * (place - low)
