"""What every row of spec/003 has: an id, times, a star, a name and a description (section 0)."""

from __future__ import annotations

import html
from typing import Any, ClassVar, Self

from aiqc.core.clock import format_stamp, utc_now
from aiqc.core.errors import InvalidInput
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import Boolean, Id, Text, UTCDateTime
from aiqc.orm._proxy import transaction
from aiqc.orm._registry import row_id
from aiqc.orm._store_model import StoreModel

__all__ = ["BaseModel", "StoreModel"]

#: columns of a terminal that a row's repr may take
REPR_WIDTH = 79


class BaseModel(StoreModel):
    """What every row of spec/003 has: an id, times, a star, a name and a description."""

    _abstract: ClassVar[bool] = True

    #: 1, 2, ...; never given twice
    id = Id()
    #: when the row was made, in UTC
    time_created = UTCDateTime(default=utc_now)
    #: when the row was last written, in UTC
    time_updated = UTCDateTime(default=utc_now)
    #: whether the row is a favourite
    is_starred = Boolean(default=False)
    #: short name to remember the row by
    name = Text(null=True)
    #: what is unique about the row
    description = Text(null=True)

    def save(self, force_insert: bool = False, only: Any = None) -> int:
        """Write the assigned attributes and `time_updated`.

        Parameters
        ----------
        force_insert
            Insert although the row has an id.
        only
            Fields to write instead of all that were assigned.
        """
        is_new = force_insert or row_id(self) is None
        self.time_updated = self.time_created if is_new else utc_now()
        if only is not None:
            only = [*only, BaseModel.time_updated.name]
        return super().save(force_insert=force_insert, only=only)

    @by_id
    def created_at(self) -> str:
        """Return when the row was made, e.g. `2022Jun23_07:13:14`, in the user's zone."""
        return format_stamp(self.time_created)

    @by_id
    def updated_at(self) -> str:
        """Return when the row was last written, e.g. `2022Jun23_07:13:14`, in the user's zone."""
        return format_stamp(self.time_updated)

    @by_id
    def flip_star(self) -> Self:
        """Make the row a favourite, or no longer one; returns the row."""
        with transaction():
            model = type(self)
            stored = model.select(model.is_starred).where(model.id == self.id).scalar()
            self.is_starred = not stored
            self.save(only=["is_starred"])
        return self

    @by_id
    def set_info(self, name: str | None = None, description: str | None = None) -> Self:
        """Set what is given; returns the row.

        Parameters
        ----------
        name
            Short name to remember the row by. A Dataset or Splitset takes its next version there.
        description
            What is unique about the row.

        Raises
        ------
        InvalidInput
            If a text is not text, or the name is empty.
        """
        check_info(name, description)
        with transaction():
            if name is not None and name != self.name:
                self._renamed(name)
                self.name = name
            if description is not None:
                self.description = description
            self.save()
        return self

    def _renamed(self, name: str) -> None:
        """Prepare the row for a new name; versioned tables override this."""

    def __repr__(self) -> str:
        version = getattr(self, "version", None)
        end = f" v{version}>" if version is not None else ">"
        start = f"<{type(self).__name__} {row_id(self) or 'unsaved'}"
        if not self.name:
            return start + end
        room = REPR_WIDTH - len(start) - len(end) - 1
        return f"{start} {_shortened(repr(self.name), room)}{end}"

    def _repr_html_(self) -> str:
        facts = {
            "created": format_stamp(self.time_created),
            "updated": format_stamp(self.time_updated),
            "starred": "yes" if self.is_starred else "",
            "description": self.description or "",
        }
        rows = "".join(
            f"<tr><th style='text-align:left'>{key}</th><td>{html.escape(value)}</td></tr>"
            for key, value in facts.items()
            if value
        )
        return f"<b>{html.escape(repr(self))}</b><table>{rows}</table>"


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 4, 0)]}...'"


def check_info(name: Any, description: Any) -> None:
    """Refuse names and descriptions that are not text, and empty names.

    Raises
    ------
    InvalidInput
        Names the value.
    """
    for label, value in (("name", name), ("description", description)):
        if value is not None and not isinstance(value, str):
            msg = f"{label} = {value!r} is {type(value).__name__}, not text."
            raise InvalidInput(msg, hint="Pass a str.", value=value)
    if name is not None and not name.strip():
        msg = f"The name {name!r} is empty."
        raise InvalidInput(msg, hint="Pass a short name.", value=name)
