"""Registering data: names and versions, whatever the type of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from aiqc.core.errors import Conflict, DataChanged
from aiqc.orm._base import check_info
from aiqc.orm._versions import exclusive, existing_version, next_version, warn_duplicate

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.enums import DatasetType
    from aiqc.orm.dataset import Dataset


class Registrar:
    """Base of `Dataset.Tabular`, `.Sequence` and `.Image`; `Dataset` names itself here."""

    _model: ClassVar[type[Dataset]]

    @classmethod
    def _check(cls, typ: DatasetType, name: str | None, description: str | None) -> None:
        """Refuse a name or description that cannot be used before any data is read."""
        check_info(name, description)
        refuse_other_type(cls._model, name, typ)


def register(
    model: type[Dataset],
    typ: DatasetType,
    digest: str,
    contents: Callable[[], dict[str, Any]],
    *,
    ingest: bool,
    name: str | None,
    **facts: Any,
) -> Dataset:
    """Return the version of a name that has equal content, else a new row.

    Called directly by the methods that users call, which the duplicate's warning points to. An
    equal version that is read from elsewhere gets the values if these are to be ingested.

    Parameters
    ----------
    model
        The table.
    typ
        Type of the data.
    digest
        Its identity.
    contents
        Describes the data, and stores it if it is to be ingested; returns values of fields.
    ingest
        Whether the values are to be in the metastore.
    name
        Turns on versions.
    facts
        Values of further fields.
    """
    existing = existing_version(model, name, sha256_hexdigest=digest)
    if existing is not None:
        if ingest and not existing.is_ingested:
            found = contents()
            with exclusive():
                _take_in(existing, found)
        warn_duplicate(existing, _source_note(existing))
        return existing
    found = contents()
    with exclusive():
        # another process may have registered the same between the look and the lock
        existing = existing_version(model, name, sha256_hexdigest=digest)
        if existing is None:
            version = next_version(model, name)
            values = {**found, **facts, "name": name, "version": version}
            return model.create(typ=typ, sha256_hexdigest=digest, **values)
        if ingest and not existing.is_ingested:
            _take_in(existing, found)
    warn_duplicate(existing, _source_note(existing))
    return existing


def source_changed(row: Dataset) -> DataChanged:
    """Return the error for a source whose content is no longer the registered one."""
    msg = f"{row.source_path} is no longer the data that {row!r} was registered from."
    hint = "Restore the file, or register it again: new content becomes a new version, and "
    hint += "ingest=True keeps a copy."
    return DataChanged(msg, hint=hint, source_path=row.source_path)


def _source_note(row: Dataset) -> str:
    """Tell where a row is read from, which need not be what equal content was found in."""
    if row.is_ingested:
        return ""
    place = repr(row.source_path) if row.urls is None else f"{len(row.urls)} URLs"
    return f"It is read from {place}; ingest=True keeps a copy."


def _take_in(row: Dataset, found: dict[str, Any]) -> None:
    """Point a row that was read from elsewhere to its values, which were stored."""
    row.is_ingested, row.content = True, found["content"]
    row.save()


def refuse_other_type(model: type[Dataset], name: str | None, typ: DatasetType) -> None:
    """Refuse a name that belongs to data of another type.

    Raises
    ------
    Conflict
        Names both types.
    """
    if name is None:
        return
    other = model.get_or_none(model.name == name)
    if other is not None and other.typ != typ:
        msg = f"The name {name!r} belongs to {other.typ} data; this is {typ} data."
        raise Conflict(msg, hint="Choose another name.", name=name)
