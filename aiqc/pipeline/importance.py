"""Permutation importance: how much worse the loss gets when a column is shuffled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from aiqc.core import seeds
from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiqc.core.types import Array, Features, Importance, Shape

#: up to this many positions are moved quicker one by one than together
_NARROW = 4


def permutation_importance(
    features: Features,
    groups: Sequence[Mapping[str, list[int]] | None],
    loss_of: Callable[[Features], float],
    permute_count: int,
    seed: int,
    *,
    shapes: Sequence[Shape] = (),
    layout: Literal["C", "F"] = "C",
) -> Importance:
    """Return what shuffling each original column adds to the loss; positive = important.

    All encoded positions of a column are permuted together and across samples only, so a
    sequence keeps its order in time. The features are not changed.

    Parameters
    ----------
    features
        Encoded `(samples, ..., columns)`, or as `shapes` says; a list for several Features.
    groups
        One per Feature: original column -> its encoded positions; None: not permuted.
    loss_of
        Mean loss of the model on features like these. The permuted array is one buffer that
        changes between calls: keep no reference to it.
    permute_count
        Permutations of each column.
    seed
        Each permutation derives from this, the Feature's index and the repeat: a column's
        result does not depend on which other columns are permuted, or when.
    shapes
        One per Feature: shape of one encoded sample before it was reshaped, columns last. A
        reshape keeps the order of the values, so the columns are found again whatever became of
        their axis. Empty: no Feature was reshaped.
    layout
        Memory order of the buffer of a Feature that was not reshaped. In 'F' a column is moved
        without touching the memory of the others, where the library reads it as quickly.

    Returns
    -------
    Importance
        One per Feature: column -> (median of the permuted losses - baseline, each permuted
        loss - baseline); None where skipped; NaN where the baseline is NaN.

    Raises
    ------
    InvalidInput
        If `permute_count` is below 1, or `groups` or `shapes` do not fit the features.
    """
    arrays = features if isinstance(features, list) else [features]
    _check(arrays, groups, shapes or [array.shape[1:] for array in arrays], permute_count)
    if all(columns is None for columns in groups):
        return tuple(None for _ in groups)
    baseline = float(loss_of(features))

    def losses_of(index: int, columns: Mapping[str, list[int]]) -> dict[str, list[float]]:
        if math.isnan(baseline):
            return {column: [float("nan")] * permute_count for column in columns}
        buffer, columns_last = _buffer(arrays[index], shapes[index] if shapes else None, layout)
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
                columns_last,
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


def _buffer(array: Array, shape: Shape | None, layout: Literal["C", "F"]) -> tuple[Array, Array]:
    """Return a private copy of the features, and a view of it whose last axis are the columns."""
    if shape is None or shape == array.shape[1:]:
        buffer = np.array(array, order=layout)
        return buffer, buffer
    buffer = np.array(array, order="C")
    return buffer, buffer.reshape(len(buffer), *shape)


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
    arrays: list[Array],
    groups: Sequence[Mapping[str, list[int]] | None],
    shapes: Sequence[Shape],
    permute_count: int,
) -> None:
    if permute_count < 1:
        msg = f"permute_count={permute_count} permutes nothing."
        raise InvalidInput(msg, hint="Use at least 1.", permute_count=permute_count)
    if not len(groups) == len(shapes) == len(arrays):
        msg = f"There are columns of {len(groups)} Features, but {len(arrays)} Features."
        raise InvalidInput(msg, hint="Pass one entry a Feature, None to skip it.")
    for index, (array, columns, shape) in enumerate(zip(arrays, groups, shapes, strict=True)):
        if math.prod(shape) != math.prod(array.shape[1:]):
            msg = f"Feature {index} has samples of shape {array.shape[1:]}, not {shape} reshaped."
            raise InvalidInput(msg, hint="Give the shape before its FeatureShaper.", shape=shape)
        _check_positions(index, columns or {}, shape[-1])


def _check_positions(index: int, columns: Mapping[str, list[int]], width: int) -> None:
    for column, positions in columns.items():
        if not positions or min(positions) < 0 or max(positions) >= width:
            msg = f"Column {column!r} of Feature {index} has positions {positions} of {width}."
            raise InvalidInput(msg, hint="Give its positions on the last axis.", column=column)
