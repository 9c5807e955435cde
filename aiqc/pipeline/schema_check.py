"""Whether new data are of the schema that a model was trained on; every difference is listed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import Incompatible
from aiqc.data.dtypes import Kind, dtype_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Shape

#: names that a difference lists before it counts the rest
SHOWN = 10
_IMAGE = "image"
#: kinds that stand for one another
_FAMILIES = {
    Kind.INTEGER: "numbers",
    Kind.FLOAT: "numbers",
    Kind.TEXT: "text",
    Kind.CATEGORY: "text",
}


@dataclass(frozen=True, slots=True)
class WindowSchema:
    """Sizes of the windows of a Feature."""

    size: int
    shift: int
    is_shifted: bool


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """What a Feature has to have in common with the one that was trained on."""

    #: 'tabular', 'sequence' or 'image'
    typ: str
    #: its columns, in order
    columns: Sequence[str]
    #: column -> dtype
    dtypes: dict[str, str]
    #: what may not differ of a sample: (), (rows,), or of an image (channels, rows, columns)
    sample_shape: Shape
    #: samples, or windows; not compared with the training data
    sample_count: int = 0
    window: WindowSchema | None = None


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What a Label has to have in common with the one that was trained on."""

    columns: Sequence[str]
    dtypes: dict[str, str]
    #: the classes it holds; None where any value may come (numbers)
    classes: Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class Schema:
    """Features in order, and the Label of supervised data."""

    features: Sequence[FeatureSchema]
    label: LabelSchema | None


def check_schema(trained: Schema, new: Schema, place: str, *, also: Sequence[str] = ()) -> None:
    """Refuse new data that the model cannot take, or that cannot be scored.

    Columns are compared by name: other orders and further columns are fine.

    Parameters
    ----------
    trained
        What the model was trained on.
    new
        What is to be predicted; without a label it is predicted and not scored.
    place
        How the error calls the model.
    also
        Differences that were found before.

    Raises
    ------
    Incompatible
        Lists every difference with its Feature's position; `differences` holds them.
    """
    found = [*also, *differences(trained, new)]
    if not found:
        return
    listed = "".join(f"\n  {number}. {text}" for number, text in enumerate(found, start=1))
    msg = f"The new data do not have the schema that {place} was trained on. Correct:{listed}"
    raise Incompatible(msg, differences=found)


def differences(trained: Schema, new: Schema) -> list[str]:
    """Return what differs and how to correct it, one sentence a difference."""
    wanted, given = trained.features, new.features
    if len(wanted) != len(given):
        names = [f"{index}: {_short(one.columns)}" for index, one in enumerate(wanted)]
        found = [
            f"{len(given)} Features are given and {len(wanted)} were trained on; "
            f"give them in this order: {'; '.join(names)}."
        ]
    else:
        pairs = enumerate(zip(wanted, given, strict=True))
        found = [text for index, pair in pairs for text in _of_feature(index, *pair)]
    return found + _of_label(trained.label, new.label)


def kind_family(dtype: Any) -> str:
    """Return which values stand for one another: 'numbers', 'text', 'boolean', 'datetime' ...

    Examples
    --------
    >>> kind_family("int8") == kind_family("float64"), kind_family("bool")
    (True, 'boolean')
    """
    return _family_of(dtype) if isinstance(dtype, str) else _family(dtype_kind(dtype))


@cache
def _family_of(name: str) -> str:
    """Return the family of a dtype's name; tables of many columns ask for few."""
    return _family(dtype_kind(name))


def _family(kind: Kind) -> str:
    return _FAMILIES.get(kind, str(kind))


def _of_feature(index: int, trained: FeatureSchema, new: FeatureSchema) -> list[str]:
    place = f"Feature {index}"
    if trained.typ != new.typ:
        return [f"{place} is {new.typ}; register {trained.typ} data."]
    columns = trained.columns
    if trained.typ == _IMAGE and trained.sample_shape != new.sample_shape:
        # of a narrower picture no column is to be added by name
        columns = [name for name in columns if name in set(new.columns)]
    found = _of_columns(place, columns, trained.dtypes, new.columns, new.dtypes)
    if trained.sample_shape != new.sample_shape:
        axes = "(channels, rows, columns)" if trained.typ == _IMAGE else "(rows,)"
        found.append(
            f"{place} has samples of {axes} {new.sample_shape}; the model takes "
            f"{trained.sample_shape}: crop, pad or resize them."
        )
    return found + _of_window(place, trained.window, new.window)


def _of_columns(
    place: str,
    columns: Sequence[str],
    dtypes: dict[str, str],
    new_columns: Sequence[str],
    new_dtypes: dict[str, str],
) -> list[str]:
    present = set(new_columns)
    missing = [name for name in columns if name not in present]
    found = []
    if missing:
        extra = [name for name in new_columns if name not in set(columns)]
        among = f"; the data have {_short(extra)} besides" if extra else ""
        found.append(f"{place} lacks the columns {_short(missing)}{among}: add or rename them.")
    wrong = [
        f"{name!r} is {new_dtypes[name]} and was {dtypes[name]}"
        for name in columns
        if name in present and kind_family(new_dtypes[name]) != kind_family(dtypes[name])
    ]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        found.append(f"{place} has other types: {'; '.join(wrong[:SHOWN])}{more}: use retype.")
    return found


def _of_window(place: str, trained: WindowSchema | None, new: WindowSchema | None) -> list[str]:
    if trained is None and new is None:
        return []
    if trained is None:
        return [f"{place} has a Window and the model was trained without one: leave it out."]
    call = f"Window.from_feature(feature, {trained.size}, {trained.shift}, record_shifted=False)"
    if new is None:
        return [f"{place} has no Window and the model was trained with one: attach {call}."]
    if trained.size != new.size:
        return [f"{place} has windows of {new.size} rows, not {trained.size}: attach {call}."]
    if new.is_shifted and trained.shift != new.shift:
        return [
            f"{place} records windows shifted by {new.shift} rows and the model was trained on "
            f"{trained.shift}: use size_shift={trained.shift}."
        ]
    return []


def _of_label(trained: LabelSchema | None, new: LabelSchema | None) -> list[str]:
    if new is None:
        return []
    if trained is None:
        return ["The model is unsupervised and takes no Label: leave it out."]
    place = "The Label"
    found = _of_columns(place, trained.columns, trained.dtypes, new.columns, new.dtypes)
    extra = [name for name in new.columns if name not in trained.columns]
    if extra and len(new.columns) > len(trained.columns):
        found.append(f"{place} has further columns {_short(extra)}: leave them out.")
    if not found and trained.classes is not None and new.classes is not None:
        unseen = [value for value in new.classes if value not in trained.classes]
        if unseen:
            found.append(
                f"{place} {_short(new.columns)} holds the classes {_short(unseen)}, which the "
                f"model does not know: drop those rows, or predict without a Label. Known are "
                f"{_short(trained.classes)}."
            )
    return found


def _short(names: Sequence[Any]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    more = len(names) - SHOWN
    return f"[{shown}]" if more <= 0 else f"[{shown}, and {more} more]"
