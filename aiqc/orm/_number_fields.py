"""Column types for whole numbers, finite floats, and moments."""

from __future__ import annotations

import math
import operator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from peewee import SqliteDatabase

from aiqc.orm._portable import PortableField, refused

V = TypeVar("V")

INT64 = range(-(2**63), 2**63)


class BigInteger(PortableField[V]):
    """A whole number of 64 bits; numpy integers are accepted, floats and text are not."""

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> BigInteger[int | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> BigInteger[int]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "BIGINT"

    def db_value(self, value: Any) -> int | None:
        """Return a Python integer; sqlite3 would store a numpy integer as bytes."""
        if value is None:
            return None
        try:
            number = operator.index(value)
        except TypeError:
            raise refused(self, value, "is not a whole number", "Pass an int.") from None
        if number not in INT64:
            raise refused(self, value, "needs more than 64 bits", "Store it as text.")
        return number


class Double(PortableField[V]):
    """A finite float of 64 bits.

    Raises
    ------
    InvalidInput
        If the value is NaN, infinite or no number: SQL has no portable form of it. Values that
        may be NaN belong in a `JSONField` or an `ArrayField`.
    """

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> Double[float | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> Double[float]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "DOUBLE"

    def db_value(self, value: Any) -> float | None:
        """Return a checked float."""
        if value is None:
            return None
        if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
            raise refused(self, value, "is not a number", "Pass a float.")
        number = float(value)
        if not math.isfinite(number):
            raise refused(self, value, "is not finite", "Store None, or use a JSONField.")
        return number


class UTCDateTime(PortableField[V]):
    """A moment with microseconds, stored in UTC without a zone; naive values are UTC."""

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls, *, null: Literal[True], **kwargs: Any
        ) -> UTCDateTime[datetime | None]: ...
        @overload
        def __new__(
            cls, *, null: Literal[False] = ..., **kwargs: Any
        ) -> UTCDateTime[datetime]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "UTCDATETIME"

    def db_value(self, value: Any) -> Any:
        """Return a naive datetime in UTC; for SQLite, text that sorts as time does."""
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise refused(self, value, "is not a datetime", "Use aiqc.core.clock.utc_now().")
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        database = self.model._meta.database
        if isinstance(getattr(database, "obj", database), SqliteDatabase):
            return value.isoformat(" ", "microseconds")
        return value

    def python_value(self, value: Any) -> datetime | None:
        """Return a naive datetime in UTC."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value
