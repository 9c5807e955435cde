"""Column types for text: names, digests, members of enumerations, and JSON."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from aiqc.core.codecs import from_json, to_json
from aiqc.core.errors import StoreError
from aiqc.orm._portable import DIGEST_LENGTH, NAME_LENGTH, PortableField, place_of, refused

if TYPE_CHECKING:
    from peewee import Field

V = TypeVar("V")
E = TypeVar("E", bound=enum.Enum)

HEXADECIMAL = frozenset("0123456789abcdef")


class Text(PortableField[V]):
    """Text of any length; compared by bytes.

    Raises
    ------
    InvalidInput
        If the value is not text, or holds a NUL character or a lone surrogate, which not every
        database can store.
    """

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> Text[str | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> Text[str]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "LONGTEXT"

    def db_value(self, value: Any) -> str | None:
        """Return checked text."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise refused(self, value, f"is {type(value).__name__}, not text", "Pass a str.")
        text = str.__str__(value)
        if "\0" in text:
            raise refused(self, value, "holds a NUL character", "Remove the '\\x00'.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            problem = f"holds {text[error.start]!r}, which is not a character"
            raise refused(
                self, value, problem, "Decode the source with errors='replace'."
            ) from None
        return text


class LongText(Text[V]):
    """Text of any length: source code, tracebacks, logs; the same column as `Text`."""

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> LongText[str | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> LongText[str]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...


class Name(Text[V]):
    """Text of at most 255 characters that can be indexed or unique on every database."""

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> Name[str | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> Name[str]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "NAME"

    def db_value(self, value: Any) -> str | None:
        """Return checked text that is short enough."""
        text = super().db_value(value)
        if text is not None and len(text) > NAME_LENGTH:
            hint = f"Use at most {NAME_LENGTH} characters."
            raise refused(self, value, "is too long", hint)
        return text


class Digest(Text[V]):
    """A SHA-256 as 64 lower-case hexadecimal digits."""

    if TYPE_CHECKING:

        @overload
        def __new__(cls, *, null: Literal[True], **kwargs: Any) -> Digest[str | None]: ...
        @overload
        def __new__(cls, *, null: Literal[False] = ..., **kwargs: Any) -> Digest[str]: ...
        def __new__(cls, **kwargs: Any) -> Any: ...

    field_type = "DIGEST"

    def db_value(self, value: Any) -> str | None:
        """Return a checked digest."""
        text = super().db_value(value)
        if text is not None and (
            len(text) != DIGEST_LENGTH or set(text) - set("0123456789abcdef")
        ):
            raise refused(self, value, "is not a SHA-256", "Pass hashlib's hexdigest().")
        return text


class EnumField(PortableField[V]):
    """A member of a text enumeration, stored as its value.

    Parameters
    ----------
    kind
        The enumeration.
    """

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls, kind: type[E], *, null: Literal[True], **kwargs: Any
        ) -> EnumField[E | None]: ...
        @overload
        def __new__(
            cls, kind: type[E], *, null: Literal[False] = ..., **kwargs: Any
        ) -> EnumField[E]: ...
        def __new__(cls, kind: Any, **kwargs: Any) -> Any: ...

    field_type = "NAME"

    def __init__(self, kind: type[enum.Enum], **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def db_value(self, value: Any) -> str | None:
        """Return the value of a member, given as member or value."""
        if value is None:
            return None
        try:
            return str(self.kind(value).value)
        except ValueError:
            known = [member.value for member in self.kind]
            problem = f"is no {self.kind.__name__}"
            raise refused(self, value, problem, f"Use one of {known}.") from None

    def python_value(self, value: Any) -> Any:
        """Return the member."""
        if value is None:
            return None
        try:
            return self.kind(value)
        except ValueError as error:
            msg = f"{place_of(self)} holds {value!r}, no {self.kind.__name__}."
            raise StoreError(msg, hint="Use the AIQC version that wrote it.") from error


class JSONField(PortableField[V]):
    """Numbers, text, lists, tuples and dicts as JSON text; NaN and infinity survive."""

    if TYPE_CHECKING:

        def __new__(cls, **kwargs: Any) -> JSONField[Any]: ...

    field_type = "LONGTEXT"

    def db_value(self, value: Any) -> str | None:
        """Return JSON text."""
        if value is None:
            return None
        text = to_json(value)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            problem = f"holds {text[error.start]!r}, which is not a character"
            raise refused(
                self, value, problem, "Decode the source with errors='replace'."
            ) from None
        return text

    def python_value(self, value: Any) -> Any:
        """Return the value that was stored."""
        return None if value is None else from_json(value)


def _encodable(field: Field[Any], text: str) -> str:
    """Return text, or refuse a lone surrogate in it, such as one of a file's undecodable name."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        problem = f"holds {text[error.start]!r}, which is not a character"
        hint = "Decode the source with errors='replace'."
        raise refused(field, text, problem, hint) from None
    return text
