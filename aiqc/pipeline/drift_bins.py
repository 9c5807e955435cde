"""The bins of a drift table: training and new samples of one column, counted in the same bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aiqc.pipeline.stability import OWN_ROWS, merge_bins

if TYPE_CHECKING:
    from aiqc.core.types import Array
    from aiqc.pipeline.profile import ColumnProfile


def samples_by_bin(profile: ColumnProfile, counts: Array, known: float) -> tuple[Array, Array]:
    """Return the training and the new samples of each bin.

    A sample counts as one, however many values it holds: the values of one image or of one series
    depend on one another.

    Parameters
    ----------
    profile
        Of the training rows.
    counts
        New known values in each bin of the profile.
    known
        New samples, less the share of missing values.
    """
    actual = counts * (known / max(float(counts.sum()), 1.0))
    trained = profile.samples * (1 - profile.nan_rate)
    if profile.is_categorical:
        return _categories(profile, actual, trained)
    return _merged(np.array(profile.shares, dtype=np.float64) * trained, actual)


def _categories(profile: ColumnProfile, actual: Array, trained: float) -> tuple[Array, Array]:
    """Return the samples of the categories; the last bin holds those that are not told apart.

    Of more categories than are named the frequent ones are told apart. Otherwise those that
    occurred once estimate how many samples hold one that never occurred (I. J. Good, The
    Population Frequencies of Species, Biometrika 1953). Rare ones are merged in alphabetical
    order: by frequency, those that are frequent by chance would meet.
    """
    names = sorted(profile.categories)
    places = {name: place for place, name in enumerate(profile.categories)}
    shares = np.array([profile.categories[name] for name in names], dtype=np.float64)
    order = np.array([places[name] for name in names], dtype=np.int64)
    kept = np.rint(shares * trained)
    if profile.others:
        frequent = kept >= OWN_ROWS
        kept, order = kept[frequent], order[frequent]
        rest = trained - float(kept.sum())
    else:
        rest = float(np.count_nonzero(kept == 1))
        kept = kept * (1 - rest / max(trained, 1.0))
    found = actual[order]
    last = max(float(actual.sum() - found.sum()), 0.0)
    kept, found = _merged(kept, found)
    return np.append(kept, max(rest, 0.0)), np.append(found, last)


def _merged(expected: Array, actual: Array) -> tuple[Array, Array]:
    if not expected.sum() or not actual.sum():
        return expected, actual
    return merge_bins(expected, actual)
