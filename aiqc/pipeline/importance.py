"""Permutation importance: how much worse the loss gets when a column is shuffled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from aiqc.core import seeds
from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiqc.core.types import Array, Features, Importance

#: up to this many positions are moved quicker one by one than together
_NARROW = 4


def permutation_importance(
    features: Features,
    groups: Sequence[Mapping[str, list[int]] | None],
    loss_of: Callable[[Features], float],
    permute_count: int,
    seed: int,
    *,
    layout: Literal["C", "F"] = "C",
) -> Importance:
    """Return what shuffling each original column adds to the loss; positive = important.

    All encoded positions of a column are permuted together and across samples only, so a
    sequence keeps its order in time. The features are not changed.

    Parameters
    ----------
    features
        Encoded `(samples, ..., columns)`; a list for several Features.
    groups
        One per Feature: original column -> its positions on the last axis; None: not permuted.
    loss_of
        Mean loss of the model on features like these. The permuted array is one buffer that
        changes between calls: keep no reference to it.
    permute_count
        Permutations of each column.
    seed
        Each permutation derives from this, the Feature's index and the repeat: a column's
        result does not depend on which other columns are permuted, or when.
    layout
        Memory order of the buffer. In 'F' a column is moved without touching the memory of the
        others, where the library reads it as quickly.

    Returns
    -------
    Importance
        One per Feature: column -> (median of the permuted losses - baseline, each permuted
        loss - baseline); None where skipped; NaN where the baseline is NaN.

    Raises
    ------
    InvalidInput
        If `permute_count` is below 1, or `groups` does not fit the features.
    """
    arrays = features if isinstance(features, list) else [features]
    _check(arrays, groups, permute_count)
    if all(columns is None for columns in groups):
        return tuple(None for _ in groups)
    baseline = float(loss_of(features))

    def losses_of(index: int, columns: Mapping[str, list[int]]) -> dict[str, list[float]]:
        if math.isnan(baseline):
            return {column: [float("nan")] * permute_count for column in columns}
        buffer = np.array(arrays[index], order=layout)
        permuted = [buffer if place == index else array for place, array in enumerate(arrays)]
        # one set of orders for all columns: drawing one costs a fifth of a small model's forward
        # pass, and each column is judged alone
        orders = [
            seeds.generator(seed, "permute", index, repeat).permutation(len(buffer))
            for repeat in range(permute_count)
        ]
        subject = permuted if isinstance(features, list) else buffer
        return {
            column: _permuted_losses(
                buffer,
                positions,
                lambda: float(loss_of(subject)),
                orders,
            )
            for column, positions in columns.items()
        }

    return tuple(
        None if columns is None else _impacts(losses_of(index, columns), baseline)
        for index, columns in enumerate(groups)
    )


def _permuted_losses(
    buffer: Array,
    positions: list[int],
    loss: Callable[[], float],
    orders: list[Array],
) -> list[float]:
    """Return one loss an order; only the column's own values in the buffer are moved."""
    places = _places(positions)
    originals = [buffer[..., place].copy() for place in places]
    losses = []
    try:
        for order in orders:
            for place, original in zip(places, originals, strict=True):
                buffer[..., place] = original.take(order, axis=0)
            losses.append(loss())
    finally:
        for place, original in zip(places, originals, strict=True):
            buffer[..., place] = original
    return losses


def _places(positions: list[int]) -> list[int | slice | list[int]]:
    """Return the indices that together reach these positions quickest."""
    first, last = positions[0], positions[-1]
    if len(positions) <= _NARROW:
        return [*positions]
    return [slice(first, last + 1) if positions == list(range(first, last + 1)) else positions]


def _impacts(
    losses: dict[str, list[float]], baseline: float
) -> dict[str, tuple[float, list[float]]]:
    return {
        column: (_median(values) - baseline, [value - baseline for value in values])
        for column, values in losses.items()
    }


def _median(values: list[float]) -> float:
    return float("nan") if any(map(math.isnan, values)) else float(np.median(values))


def _check(
    arrays: list[Array], groups: Sequence[Mapping[str, list[int]] | None], permute_count: int
) -> None:
    if permute_count < 1:
        msg = f"permute_count={permute_count} permutes nothing."
        raise InvalidInput(msg, hint="Use at least 1.", permute_count=permute_count)
    if len(groups) != len(arrays):
        msg = f"There are columns of {len(groups)} Features, but {len(arrays)} Features."
        raise InvalidInput(msg, hint="Pass one entry a Feature, None to skip it.")
    for index, (array, columns) in enumerate(zip(arrays, groups, strict=True)):
        for column, positions in (columns or {}).items():
            width = array.shape[-1]
            if not positions or min(positions) < 0 or max(positions) >= width:
                msg = f"Column {column!r} of Feature {index} has positions {positions} of {width}."
                raise InvalidInput(msg, hint="Give its positions on the last axis.", column=column)
