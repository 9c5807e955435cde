"""Names and versions: equal content is one row, new content the next version (RULINGS)."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiqc.core.errors import Conflict, DuplicateWarning
from aiqc.orm._base import BaseModel
from aiqc.orm._database import current, transaction
from aiqc.orm._schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

M = TypeVar("M", bound=BaseModel)


@contextmanager
def exclusive() -> Iterator[None]:
    """Open a transaction that no other writer of names passes before it ends.

    SQLite's immediate transaction is exclusive already; servers lock the one Schema row.
    """
    with transaction():
        if current().dialect != "sqlite":
            list(Schema.select(Schema.id).for_update())
        yield


def existing_version(model: type[M], name: str | None, **content: Any) -> M | None:
    """Return the version of a name whose content fields all match; None without a name."""
    if name is None:
        return None
    for row in model.select().where(model.name == name).order_by(model.id):
        if all(getattr(row, field) == value for field, value in content.items()):
            found: M = row
            return found
    return None


def next_version(model: type[Any], name: str | None) -> int | None:
    """Return the version number that a new row of this name gets; None without a name."""
    if name is None:
        return None
    versions = [row.version or 0 for row in model.select(model.version).where(model.name == name)]
    return max(versions, default=0) + 1


def warn_duplicate(row: BaseModel, note: str = "") -> None:
    """Say that equal content exists and that its row is returned.

    Parameters
    ----------
    row
        The one that exists.
    note
        One more sentence.
    """
    kind = type(row).__name__
    version = getattr(row, "version", None)
    message = (
        f"{kind} {row.name!r} with equal content exists as version {version} (id {row.id}); "
        f"that row is returned. {note}"
    )
    warnings.warn(message.rstrip(), DuplicateWarning, stacklevel=4)


def version_of_renamed(row: Any, name: str, **content: Any) -> int | None:
    """Return the version a renamed row takes.

    Raises
    ------
    Conflict
        If the name already has a version with equal content.
    """
    if row.name == name:
        current_version: int | None = row.version
        return current_version
    twin = existing_version(type(row), name, **content)
    if twin is not None and twin.id != row.id:
        kind = type(row).__name__
        msg = f"{kind} {row.id} cannot take the name {name!r}: version {twin.version} is equal."
        raise Conflict(msg, hint=f"Use {kind} {twin.id}, or choose another name.", name=name)
    return next_version(type(row), name)
