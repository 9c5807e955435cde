"""What all portable column types share: their columns on each database, and how they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import Field

from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    PortableField = Field
else:

    class PortableField(Field):
        """A field that can be subscripted with the type of its values."""

        def __class_getitem__(cls, item):
            return cls


#: characters that an indexed text may have: InnoDB's index keys end at 3072 bytes
NAME_LENGTH = 255
DIGEST_LENGTH = 64
#: characters of a refused value that an error shows
SHOWN_LENGTH = 60


def column_types(dialect: str) -> dict[str, str]:
    """Return the database's column type for each portable type."""
    return {
        "sqlite": {
            "LONGTEXT": "TEXT",
            "NAME": f"VARCHAR({NAME_LENGTH})",
            "DIGEST": f"CHAR({DIGEST_LENGTH})",
            "LONGBLOB": "BLOB",
            "UTCDATETIME": "DATETIME",
        },
        # "C" compares and sorts by bytes, as SQLite does
        "postgresql": {
            "LONGTEXT": 'TEXT COLLATE "C"',
            "NAME": f'VARCHAR({NAME_LENGTH}) COLLATE "C"',
            "DIGEST": f'CHAR({DIGEST_LENGTH}) COLLATE "C"',
            "LONGBLOB": "BYTEA",
            "UTCDATETIME": "TIMESTAMP",
        },
        "mysql": {
            "LONGTEXT": "LONGTEXT",
            "NAME": f"VARCHAR({NAME_LENGTH})",
            "DIGEST": f"CHAR({DIGEST_LENGTH})",
            "LONGBLOB": "LONGBLOB",
            "UTCDATETIME": "DATETIME(6)",
        },
    }[dialect]


def place_of(field: Field[Any]) -> str:
    """Return how errors name a field: `Model.field`."""
    return f"{field.model.__name__}.{field.name}"


def refused(field: Field[Any], value: Any, problem: str, hint: str) -> InvalidInput:
    """Return the error for a value that a column cannot hold."""
    shown = repr(value)
    if len(shown) > SHOWN_LENGTH:
        shown = f"{shown[:SHOWN_LENGTH]}... ({len(shown)} characters)"
    place = place_of(field)
    return InvalidInput(f"{place} = {shown} {problem}.", hint=hint, value=value, field=place)
