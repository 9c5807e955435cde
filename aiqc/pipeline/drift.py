"""How far new data are from the training rows: flags by row, and a drift table by column.

The index is that of `aiqc.pipeline.stability`. The bins are the training deciles, or the
categories; those with few rows are merged. Missing values are not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.pipeline.drift_bins import samples_by_bin
from aiqc.pipeline.profile import as_lanes, category_texts, decile_step, plain_numbers
from aiqc.pipeline.stability import chance, psi

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from aiqc.core.types import Array
    from aiqc.pipeline.profile import ColumnProfile

#: with fewer known rows on either side there is no verdict
LEAST_ROWS = 30
MODERATE, MAJOR = 0.1, 0.25
_OPEN = "the training rows have more categories than are kept"

#: columns of the drift table, after `feature_id`
COLUMNS = (
    "column",
    "kind",
    "psi",
    "chance",
    "nan_rate_train",
    "nan_rate_new",
    "out_of_range_share",
    "unseen_share",
    "verdict",
    "note",
)


@dataclass(frozen=True, slots=True)
class Tally:
    """New values of one column, counted against its training profile."""

    #: whether each sample holds a value outside of what was trained on
    flags: Array
    #: known values in each bin of the profile
    counts: Array
    missing: int
    unseen: int
    #: all values
    total: int


def tally_frame(profiles: Sequence[ColumnProfile], frame: pd.DataFrame) -> list[Tally]:
    """Count the new values of every profiled column of a frame `(samples, columns)`."""
    return [
        _tally_categories(profile, frame[profile.column])
        if profile.is_categorical
        else _tally_numbers(profile, *plain_numbers(frame[profile.column]))
        for profile in profiles
    ]


def tally_arrays(
    profiles: Sequence[ColumnProfile], chunks: Iterable[Array], count: int, *, by_channel: bool
) -> list[Tally]:
    """Count the new values of a sequence or image Feature; parameters as `profile_arrays`.

    Flags, ranges and NaN are of all values, the bins of as many as deciles are taken from.
    """
    parts: list[list[Tally]] = [[] for _ in profiles]
    for chunk in chunks:
        table = as_lanes(chunk, by_channel=by_channel)
        step = decile_step(count, len(table) // max(len(chunk), 1))
        for position, profile in enumerate(profiles):
            parts[position].append(_tally_lane(profile, table[:, position], len(chunk), step))
    return [_joined(found) for found in parts]


def drift_row(profile: ColumnProfile, tally: Tally) -> dict[str, Any]:
    """Return one row of the drift table."""
    known = len(tally.flags) * (1 - tally.missing / max(tally.total, 1))
    expected, actual = samples_by_bin(profile, tally.counts, known)
    index = limit = float("nan")
    if expected.sum() and actual.sum():
        index, limit = psi(expected, actual), chance(expected, actual)
    notes = _notes(profile, expected, actual)
    return {
        "column": profile.column,
        "kind": profile.kind,
        "psi": index,
        "chance": limit,
        "nan_rate_train": profile.nan_rate,
        "nan_rate_new": tally.missing / tally.total if tally.total else 0.0,
        "out_of_range_share": float(tally.flags.mean()) if len(tally.flags) else 0.0,
        "unseen_share": tally.unseen / tally.total if tally.total else 0.0,
        "verdict": None if notes else verdict(index, limit),
        "note": "; ".join([*notes, *([_OPEN] if profile.is_open else [])]) or None,
    }


def verdict(index: float, limit: float) -> str:
    """Return 'stable', 'moderate' or 'major'.

    Parameters
    ----------
    index
        The population stability index.
    limit
        What chance alone may make it; an index up to it is stable however large it is.

    Examples
    --------
    >>> verdict(0.09, 0.01), verdict(0.1, 0.01), verdict(0.25, 0.01), verdict(0.25, 0.3)
    ('stable', 'moderate', 'major', 'stable')
    """
    if index < MODERATE or index <= limit:
        return "stable"
    return "moderate" if index < MAJOR else "major"


def _notes(profile: ColumnProfile, expected: Array, actual: Array) -> list[str]:
    """Return why there is no verdict."""
    train, new = round(float(expected.sum())), round(float(actual.sum()))
    if not train or not new:
        return ["no known value to compare"]
    notes = []
    if new < LEAST_ROWS:
        notes.append(f"{new} rows are too few for a verdict")
    if train < LEAST_ROWS:
        notes.append(f"{train} training rows are too few for a verdict")
    if profile.is_categorical and len(expected) == 1:
        notes.append("each category has too few rows for a verdict")
    return notes


def _tally_numbers(profile: ColumnProfile, values: Array, missing: Array) -> Tally:
    outside = _outside(profile, values, missing)
    known = _as_trained(profile, values[~missing])
    return Tally(outside, _binned(profile, known), int(missing.sum()), 0, len(values))


def _tally_lane(profile: ColumnProfile, values: Array, samples: int, step: int) -> Tally:
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    outside = np.any(_outside(profile, values, missing).reshape(samples, -1), axis=1)
    some = _as_trained(profile, values[::step][~missing[::step]])
    return Tally(outside, _binned(profile, some), int(missing.sum()), 0, len(values))


def _tally_categories(profile: ColumnProfile, values: pd.Series[Any]) -> Tally:
    codes, texts = category_texts(values)
    places = {text: place for place, text in enumerate(profile.categories)}
    other, seen = len(places), set(profile.others)
    bins = np.array([places.get(text, other) for text in texts], dtype=np.int64)
    is_new = [not profile.is_open and text not in places and text not in seen for text in texts]
    known = codes >= 0
    # one more place, which the code -1 of a missing value finds
    unseen = np.array([*is_new, False])[codes]
    flags = np.asarray(unseen | ~known if profile.nan_rate == 0 else unseen)
    counts = np.bincount(bins[codes[known]], minlength=other + 1)
    return Tally(flags, counts, int((~known).sum()), int(unseen.sum()), len(values))


def _outside(profile: ColumnProfile, values: Array, missing: Array) -> Array:
    """Return where a value lies outside the training range, or is missing for the first time."""
    new = _as_trained(profile, values)
    is_missing = missing if profile.nan_rate == 0 else np.zeros_like(missing)
    if profile.minimum is None:
        return np.asarray(~missing | is_missing)
    with np.errstate(invalid="ignore"):
        beyond = (new < profile.minimum) | (new > profile.maximum)
    return np.asarray((beyond & ~missing) | is_missing)


def _as_trained(profile: ColumnProfile, values: Array) -> Array:
    """Return values in the float type trained on: 0.1 as float64 is below 0.1 as float32."""
    trained = np.dtype(profile.dtype or "int64")
    if trained.kind != "f" or values.dtype.kind not in "iuf":
        return values
    with np.errstate(over="ignore"):
        return values.astype(trained)


def _binned(profile: ColumnProfile, values: Array) -> Array:
    edges = np.array(profile.edges, dtype=profile.dtype or np.int64)
    places = np.searchsorted(edges, values, side="left")
    return np.bincount(places, minlength=len(edges) + 1)


def _joined(parts: list[Tally]) -> Tally:
    return Tally(
        np.concatenate([part.flags for part in parts]),
        np.sum([part.counts for part in parts], axis=0),
        sum(part.missing for part in parts),
        sum(part.unseen for part in parts),
        sum(part.total for part in parts),
    )
