"""The columns of an Input: never those of the Target, whichever Dataset row they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidColumns, InvalidData
from aiqc.data.retype import retype_frame
from aiqc.orm import Dataset
from aiqc.orm._lists import as_list, check_known

if TYPE_CHECKING:
    from pandas import DataFrame

    from aiqc.mlops.input import Input
    from aiqc.mlops.target import Target


def target_columns(target: Target) -> list[str]:
    """Return the columns that a Target names; those of its Dataset by default."""
    dataset = Dataset.of(target.dataset)
    names = dataset.columns if target.column is None else as_list(target.column)
    check_known(names, dataset.columns, f"Target({dataset!r})")
    return list(names)


def input_columns(given: Input, target: Target | None) -> list[str]:
    """Return the columns that an Input uses, in order, without those of the Target.

    Raises
    ------
    InvalidColumns
        If both or unknown columns are given, or none is left.
    """
    dataset = Dataset.of(given.dataset)
    place = f"Input({dataset!r})"
    include, exclude = given.include_columns, given.exclude_columns
    if include is not None and exclude is not None:
        msg = f"include_columns={as_list(include)!r} and exclude_columns={as_list(exclude)!r} "
        msg += f"of {place} were both given."
        raise InvalidColumns(msg, hint="Give one of them.", include=include, exclude=exclude)
    left_out = [] if exclude is None else as_list(exclude)
    named = dataset.columns if include is None else as_list(include)
    check_known(named, dataset.columns, f"include_columns of {place}")
    check_known(left_out, dataset.columns, f"exclude_columns of {place}")
    shared = [] if target is None else shared_columns(dataset, target)
    columns = [name for name in named if name not in left_out and name not in shared]
    if not columns:
        raise _none_left(place, named, left_out, shared, target)
    _refuse_steps_of_target(given, place, shared)
    return columns


def _refuse_steps_of_target(given: Input, place: str, shared: list[str]) -> None:
    """Say that a step's column is the target's, before the Feature says that there is none."""
    steps: list[Input.Interpolater | Input.Encoder]
    steps = [*given.interpolater_list(), *given.encoder_list()]
    for step in steps:
        named = [] if step.columns is None else as_list(step.columns)
        for name in (name for name in named if name in shared):
            kind = type(step).__qualname__
            msg = f"{kind} of {place} names the column {name!r}, which is the target's."
            own = kind.replace("Input", "Target")
            hint = f"Leave it out: the target has a step of its own, {own}."
            raise InvalidColumns(msg, hint=hint, column=name)


def shared_columns(dataset: Dataset, target: Target) -> list[str]:
    """Return the columns of a Dataset that are the Target's own: equal name and equal values.

    Data of equal content are equal column by column. Of other data, such as a table that was
    registered once with the target and once without, columns of the same name are compared,
    whatever their dtypes: a target that was retyped is still the target.
    """
    other = Dataset.of(target.dataset)
    names = [name for name in target_columns(target) if name in dataset.columns]
    if dataset.sha256_hexdigest == other.sha256_hexdigest:
        return names
    if dataset.typ != DatasetType.TABULAR or other.typ != DatasetType.TABULAR:
        return []
    if dataset.shape["samples"] != other.shape["samples"]:
        return []
    return [name for name in names if _same_values(dataset, other, name)]


def _same_values(dataset: Dataset, other: Dataset, name: str) -> bool:
    """Whether a column of two Datasets is the same one, or one of them retyped."""
    one, two = dataset.to_df(columns=[name]), other.to_df(columns=[name])
    return one.equals(two) or _becomes(one, two, name) or _becomes(two, one, name)


def _becomes(frame: DataFrame, wanted: DataFrame, name: str) -> bool:
    try:
        return bool(retype_frame(frame, wanted.dtypes[name]).equals(wanted))
    except InvalidData:  # a value that the dtype cannot hold
        return False


def _none_left(
    place: str, named: list[str], left_out: list[str], shared: list[str], target: Target | None
) -> InvalidColumns:
    facts = {"columns": named, "exclude_columns": left_out, "target_columns": shared}
    if not named:
        msg = f"include_columns={named!r} of {place} names no column."
        return InvalidColumns(msg, hint="Name one, or leave it out to use all.", **facts)
    if target is not None and target.column is None:
        msg = f"No column of {place} is left: without column= every column of the Dataset is the "
        msg += "target."
        return InvalidColumns(msg, hint="Name it: Target(dataset, column=...).", **facts)
    if shared:
        msg = f"No column of {place} is left: {shared!r} is the target's."
        return InvalidColumns(msg, hint="Keep at least one other column.", **facts)
    msg = f"No column of {place} is left: exclude_columns={left_out!r}."
    return InvalidColumns(msg, hint="Keep at least one column.", **facts)
