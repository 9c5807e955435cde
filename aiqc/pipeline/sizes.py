"""How many rows each split gets."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, TypedDict

from aiqc.core.enums import Split
from aiqc.core.errors import InvalidSplit

#: products such as 0.1 * 30 = 3.0000000000000004 are rounded to this many decimals before ceil
_PRODUCT_DECIMALS = 6
#: sums such as 0.7 + 0.2 + 0.1 likewise
_SUM_DECIMALS = 12


class Size(TypedDict):
    """A split's size: the share that was asked for and the rows that it got."""

    percent: float
    count: int


def split_counts(
    sample_count: int, size_test: float | None = None, size_validation: float | None = None
) -> dict[str, int]:
    """Return rows per split: train first, then validation and test where asked for.

    Test and validation are both a share of all rows, rounded up; train is the rest (RULINGS,
    Preparation).

    Raises
    ------
    InvalidSplit
        If a size is not between 0 and 1, the sizes reach 1, or no training row is left.

    Examples
    --------
    >>> split_counts(101, size_test=0.11, size_validation=0.21)
    {'train': 67, 'validation': 22, 'test': 12}
    """
    if sample_count < 1:
        msg = f"There are {sample_count} samples to split."
        raise InvalidSplit(msg, hint="Pass data with at least one row.", count=sample_count)
    shares = requested_shares(size_test, size_validation)
    held_out = {
        name: max(1, math.ceil(round(share * sample_count, _PRODUCT_DECIMALS)))
        for name, share in shares.items()
        if name != Split.TRAIN
    }
    train_count = sample_count - sum(held_out.values())
    if train_count < 1:
        msg = f"{sample_count} samples leave {train_count} for training beside {held_out}."
        raise InvalidSplit(msg, hint="Make the sizes smaller, or add rows.", count=sample_count)
    return {Split.TRAIN.value: train_count, **held_out}


def requested_shares(
    size_test: float | None = None, size_validation: float | None = None
) -> dict[str, float]:
    """Return the share of each split, train being what the others leave.

    Raises
    ------
    InvalidSplit
        If a size is not between 0 and 1, or the sizes reach 1.
    """
    asked = {Split.VALIDATION: size_validation, Split.TEST: size_test}
    shares = {name.value: _checked(size, name) for name, size in asked.items() if size is not None}
    rest = round(1 - sum(shares.values()), _SUM_DECIMALS)
    if rest <= 0:
        msg = (
            f"size_test={size_test} and size_validation={size_validation} leave no training rows."
        )
        raise InvalidSplit(
            msg,
            hint="Their sum must be below 1.",
            size_test=size_test,
            size_validation=size_validation,
        )
    return {Split.TRAIN.value: rest, **shares}


def _checked(size: Any, name: Split) -> float:
    if not isinstance(size, bool) and isinstance(size, Real) and 0 < float(size) < 1:
        # text first: float(np.float32(0.1)) would be 0.10000000149
        return float(str(size))
    msg = f"size_{name.value}={size!r} is not a share of the rows."
    raise InvalidSplit(msg, hint="Use a number above 0 and below 1, e.g. 0.2.", value=size)
