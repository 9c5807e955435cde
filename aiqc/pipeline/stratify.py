"""Splits of the samples: random and stratified, by group, or in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core import seeds
from aiqc.core.enums import Split
from aiqc.core.errors import InvalidSplit
from aiqc.pipeline.bins import refuse_small_strata
from aiqc.pipeline.chronology import split_by_time
from aiqc.pipeline.grouped import split_by_group
from aiqc.pipeline.sizes import Size, requested_shares, split_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Array

#: scikit-learn stratifies no class with fewer members
_LEAST_MEMBERS = 2


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """Which samples are in which split."""

    #: split name -> sorted row numbers, int64; only the splits that exist
    samples: dict[str, Array]
    #: split name -> share asked for and rows got
    sizes: dict[str, Size]
    #: stratum of every sample (not only of the training rows); None: not stratified
    strata: Array | None


def make_split(
    sample_count: int,
    *,
    size_test: float | None = None,
    size_validation: float | None = None,
    strata: Array | None = None,
    stratify: bool = True,
    groups: Array | None = None,
    time: Array | None = None,
    seed: int,
    names: Sequence[str] | None = None,
) -> SplitPlan:
    """Divide the samples into train, validation and test.

    Parameters
    ----------
    sample_count
        Rows to divide.
    size_test
        Share of all rows; None: no test split.
    size_validation
        Share of all rows; None: no validation split.
    strata
        `(samples,)` stratum of each sample, see `strata_of`.
    stratify
        False ignores `strata`.
    groups
        `(samples,)`; no group is in two splits, the counts are as near as that allows.
    time
        `(samples,)`; train is earliest, test latest, equal times stay together. Strata have no
        meaning then and are not used.
    seed
        The same seed gives the same split in every process.
    names
        What the strata stand for (`strata_names`), for messages.

    Raises
    ------
    InvalidSplit
        If a size, a class, a group or a time does not allow the split.

    Examples
    --------
    >>> plan = make_split(10, size_test=0.2, seed=7)
    >>> {name: len(rows) for name, rows in plan.samples.items()}
    {'train': 8, 'test': 2}
    """
    counts = split_counts(sample_count, size_test, size_validation)
    for name, values in (("strata", strata), ("groups", groups), ("time", time)):
        _check_length(values, sample_count, name)
    used = strata if stratify and time is None else None
    if groups is not None and time is not None:
        msg = "A split by groups and a split by time were both asked for."
        raise InvalidSplit(msg, hint="Pass either `groups` or `time`.")
    if time is not None:
        samples = split_by_time(time, counts)
    elif groups is not None:
        samples = split_by_group(groups, counts, used, seed)
    else:
        samples = _split_randomly(counts, used, seed, names)
    return SplitPlan(samples, _sizes(samples, requested_shares(size_test, size_validation)), used)


def _sizes(samples: dict[str, Array], shares: dict[str, float]) -> dict[str, Size]:
    return {name: Size(percent=shares[name], count=len(rows)) for name, rows in samples.items()}


def _check_length(values: Array | None, sample_count: int, name: str) -> None:
    if values is not None and len(values) != sample_count:
        msg = f"`{name}` has {len(values)} values for {sample_count} samples."
        raise InvalidSplit(msg, hint="Pass one value a sample.", count=len(values))


def _split_randomly(
    counts: dict[str, int], strata: Array | None, seed: int, names: Sequence[str] | None
) -> dict[str, Array]:
    from sklearn.model_selection import train_test_split

    if strata is not None and len(counts) > 1:
        refuse_small_strata(strata, len(counts), f"for {len(counts)} splits", names)
    rest: Array = np.arange(sum(counts.values()), dtype=np.int64)
    samples: dict[str, Array] = {}
    for name in (Split.TEST.value, Split.VALIDATION.value):
        if name not in counts:
            continue
        codes = None if strata is None else strata[rest]
        _check_room(codes, len(rest), counts[name], name, names)
        rest, samples[name] = train_test_split(
            rest,
            train_size=len(rest) - counts[name],
            test_size=counts[name],
            random_state=seeds.derive(seed, "split", name),
            stratify=codes,
        )
    samples[Split.TRAIN.value] = rest
    return {name: np.sort(samples[name]) for name in counts}


def _check_room(
    codes: Any, row_count: int, held_out: int, name: str, names: Sequence[str] | None
) -> None:
    """Refuse what scikit-learn would refuse without naming the class."""
    if codes is None:
        return
    refuse_small_strata(codes, _LEAST_MEMBERS, f"to leave rows for {name} and train", names)
    class_count = len(np.unique(codes))
    room = min(held_out, row_count - held_out)
    if room < class_count:
        place = name if held_out == room else Split.TRAIN.value
        msg = f"The {place} split has {room} rows for {class_count} classes or bins."
        hint = "Make the split larger, give a smaller `bin_count`, or pass `stratify=False`."
        raise InvalidSplit(msg, hint=hint, split=place, count=room, classes=class_count)
