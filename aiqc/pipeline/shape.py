"""Reshaping of samples by indices of their axes, which never reorders values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aiqc.core.errors import Incompatible, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiqc.core.types import Array, Shape

#: an axis, a literal length as text, or neighbouring axes whose lengths are multiplied
Index: TypeAlias = "int | str | tuple[int, ...]"


@dataclass(frozen=True, slots=True)
class Shaper:
    """Gives samples another shape, and back."""

    #: the axes of the new shape; the first is 0, the samples
    indices: tuple[Index, ...]
    #: axis of the new shape on which the columns are; the samples are axis 0
    column_position: int

    def apply(self, array: Array) -> Array:
        """Return samples in the new shape; a view where numpy can make one.

        Parameters
        ----------
        array
            `(samples, *encoded sample shape)`.

        Raises
        ------
        InvalidInput
            If the indices do not fit the shape.
        """
        return array.reshape(len(array), *self.shape_of(array.shape[1:]))

    def undo(self, array: Array, sample_shape: Shape) -> Array:
        """Return reshaped samples in the shape that they had; the inverse of `apply`.

        Parameters
        ----------
        array
            `(samples, *new sample shape)`.
        sample_shape
            Shape of one sample before `apply`.

        Raises
        ------
        Incompatible
            If the samples are not of the shape that `apply` gives; shows both.
        """
        expected = self.shape_of(sample_shape)
        if tuple(array.shape[1:]) != expected:
            found = tuple(array.shape[1:])
            msg = f"A sample has the shape {found}; reshape_indices={self.indices} makes "
            msg += f"{expected} of {tuple(sample_shape)}."
            hint = f"Give samples of the shape {expected}."
            raise Incompatible(msg, hint=hint, shape=found, expected=expected)
        return array.reshape(len(array), *sample_shape)

    def shape_of(self, sample_shape: Shape) -> Shape:
        """Return the shape of one sample after `apply`.

        Parameters
        ----------
        sample_shape
            Shape of one sample before it.

        Raises
        ------
        InvalidInput
            If the indices do not fit the shape.
        """
        return _planned(self.indices, tuple(sample_shape))[0]


def plan_shape(reshape_indices: Any, sample_shape: Shape) -> Shaper:
    """Return how samples of a shape are reshaped, or refuse what would reorder their values.

    An int stands for the length of that axis, where axis 0 are the samples; a text for the length
    that it spells; a tuple of axes for the product of their lengths. Axis 0 comes first and the
    axes ascend. Between two axes that are named, the lengths in texts multiply to those of the
    axes that are not: so an axis may be left out where its length is 1, '1' adds one, and texts
    may stand for an axis that they split or repeat. The columns may not be split.

    Parameters
    ----------
    reshape_indices
        Ints, texts and tuples, as above.
    sample_shape
        Shape of one encoded sample: ([window,] [channels,] [rows,] columns).

    Raises
    ------
    InvalidInput
        Names the entry and shows the shape it was tried on.

    Examples
    --------
    >>> plan_shape((0, "1", 1, 2), (5, 6)).shape_of((5, 6))
    (1, 5, 6)
    >>> plan_shape((0, (1, 2), 3), (3, 60, 4)).shape_of((3, 60, 4))
    (180, 4)
    """
    indices = normal_indices(reshape_indices)
    return Shaper(indices, _planned(indices, tuple(int(length) for length in sample_shape))[1])


def normal_indices(reshape_indices: Any) -> tuple[Index, ...]:
    """Return indices as a tuple of ints, texts and tuples of ints.

    Raises
    ------
    InvalidInput
        If an entry is something else.
    """
    if isinstance(reshape_indices, str | bytes) or not hasattr(reshape_indices, "__iter__"):
        msg = f"reshape_indices={reshape_indices!r} is not a tuple."
        hint = "Pass one such as (0, '1', 1, 2)."
        raise InvalidInput(msg, hint=hint, value=reshape_indices)
    return tuple(_entry(entry, reshape_indices) for entry in reshape_indices)


def _entry(entry: Any, whole: Any) -> Index:
    if _is_axis(entry):
        return int(entry)
    if isinstance(entry, str) and entry.isascii() and entry.isdigit() and int(entry) > 0:
        return str(int(entry))
    if isinstance(entry, tuple | list) and entry and all(_is_axis(axis) for axis in entry):
        return tuple(int(axis) for axis in entry)
    msg = f"{entry!r} in reshape_indices={whole!r} is no index."
    hint = "Use the number of an axis, a length as text such as '1', or a tuple of axes."
    raise InvalidInput(msg, hint=hint, value=entry)


def _is_axis(entry: Any) -> bool:
    is_whole = isinstance(entry, int | np.integer) and not isinstance(entry, bool)
    return is_whole and bool(entry >= 0)


def _planned(indices: tuple[Index, ...], sample_shape: Shape) -> tuple[Shape, int]:
    """Return (shape of a reshaped sample, position of the columns with the samples as axis 0)."""
    _check_axes(indices, sample_shape)
    lengths = (-1, *sample_shape)
    new: list[int] = []
    columns = 0
    #: the first axis that is not placed yet, and the literals since the last one that was
    following, literals = 1, 1
    for position, entry in enumerate(indices[1:], start=1):
        if isinstance(entry, str):
            new.append(int(entry))
            literals *= int(entry)
            continue
        axes = (entry,) if isinstance(entry, int) else entry
        _check_gap(indices, sample_shape, range(following, axes[0]), literals)
        following, literals = axes[-1] + 1, 1
        new.append(math.prod(lengths[axis] for axis in axes))
        columns = position
    rest = range(following, len(lengths))
    _check_gap(indices, sample_shape, rest, literals)
    if rest and isinstance(indices[-1], str):
        columns = _literal_columns(indices, sample_shape)
    return tuple(new), columns


def _literal_columns(indices: tuple[Index, ...], sample_shape: Shape) -> int:
    """Return the position of the text that stands for the columns, alone or in a product."""
    width = sample_shape[-1]
    position = len(indices) - 1
    length = int(str(indices[position]))
    while length == 1 < width:
        position -= 1
        length = int(str(indices[position]))
    if length % width:
        why = f"the length {length} splits the {width} columns"
        raise _refused(indices, sample_shape, why)
    return position


def _check_axes(indices: tuple[Index, ...], sample_shape: Shape) -> None:
    """Refuse axes that do not exist, do not ascend, or leave nothing but the samples."""
    if not indices or indices[0] != 0:
        raise _refused(indices, sample_shape, "axis 0, the samples, is not the first")
    if len(indices) == 1:
        raise _refused(indices, sample_shape, "no axis but the samples is left")
    for before, axis in pairwise(_flat(indices)):
        if axis > len(sample_shape):
            raise _refused(indices, sample_shape, f"there is no axis {axis}")
        if axis <= before:
            why = f"axis {axis} comes after axis {before}, which would reorder values"
            raise _refused(indices, sample_shape, why)
    for entry in indices:
        if isinstance(entry, tuple):
            _check_neighbours(entry, indices, sample_shape)


def _check_neighbours(
    entry: tuple[int, ...], indices: tuple[Index, ...], sample_shape: Shape
) -> None:
    """Refuse a product of axes with another one, longer than 1, between them."""
    for axis in range(entry[0], entry[-1]):
        if axis not in entry and sample_shape[axis - 1] != 1:
            why = f"the axes {entry} are no neighbours, axis {axis} is between them"
            raise _refused(indices, sample_shape, why)


def _flat(indices: Iterable[Index]) -> Iterable[int]:
    for entry in indices:
        if isinstance(entry, int):
            yield entry
        elif isinstance(entry, tuple):
            yield from entry


def _check_gap(
    indices: tuple[Index, ...], sample_shape: Shape, left_out: Sequence[int], literals: int
) -> None:
    """Refuse axes that are left out and texts at their place whose lengths differ."""
    product = math.prod(sample_shape[axis - 1] for axis in left_out)
    if product == literals:
        return
    named = [f"axis {axis} of length {sample_shape[axis - 1]}" for axis in left_out]
    if literals == 1:
        many = [
            text for text, axis in zip(named, left_out, strict=True) if sample_shape[axis - 1] > 1
        ]
        why = f"{' and '.join(many)} {'is' if len(many) == 1 else 'are'} left out"
    elif named:
        why = f"the texts multiply to {literals} in place of {' and '.join(named)}"
    else:
        why = f"the texts multiply to {literals}, which would add values"
    raise _refused(indices, sample_shape, why)


def _refused(indices: tuple[Index, ...], sample_shape: Shape, why: str) -> InvalidInput:
    shape = ", ".join(["samples", *(str(length) for length in sample_shape)])
    msg = f"reshape_indices={indices} does not fit the shape ({shape}): {why}."
    hint = "Name the axes in their order, add one with '1', multiply neighbours in a tuple; only "
    hint += "an axis of length 1 may be left out."
    return InvalidInput(msg, hint=hint, indices=indices, shape=sample_shape)
