"""Every error and warning that AIQC raises on purpose.

The tree (each class is also the builtin it stands beside)::

    AIQCError
    ├── InvalidInput (ValueError)          an argument or a data set that is refused
    │   ├── InvalidData                    the data itself: empty, mixed, NaN, duplicate names
    │   ├── InvalidColumns                 a column or dtype filter that cannot be met
    │   ├── InvalidSplit                   sizes, folds, classes or given samples
    │   ├── InvalidCoder                   a preprocessor that cannot be used
    │   ├── InvalidFunction                a user's function: wrong arguments or return value
    │   └── Incompatible                   parts that are fine alone and wrong together
    ├── RecordNotFound (LookupError)       no row with this id
    ├── Conflict (ValueError)              the row exists, or is in use
    │   └── RecordInUse                    deletion refused; names what uses the row
    ├── StoreError (RuntimeError)          the metastore cannot be used as asked
    │   ├── NotAMetastore                  the file or database is something else
    │   ├── NewerSchema                    written by a later version of AIQC
    │   ├── WrongStore                     the row belongs to a store that is not connected
    │   └── CorruptBlob                    stored bytes no longer match their hash
    ├── DataChanged (RuntimeError)         a source that was not ingested has changed
    ├── UntrustedCode (PermissionError)    stored code was not signed by this user
    ├── JobFailed (RuntimeError)           a run raised; the cause is chained and stored
    ├── LeaseLost (RuntimeError)           another process took this run over
    ├── NotReady (RuntimeError)            asked for before it was computed
    ├── MissingLibrary (ImportError)       an optional dependency is not installed
    └── Unsupported (NotImplementedError)  documented, and not built yet

    AIQCWarning (UserWarning)
    ├── DuplicateWarning                   equal content: the existing row is returned
    └── ResultWarning                      the result stands, and the reader should know this
"""

from __future__ import annotations

from typing import Any


class AIQCError(Exception):
    """Something AIQC refuses to do.

    Parameters
    ----------
    message
        What is wrong, with the offending value and the place.
    hint
        What to do next; becomes the last sentence of the text.
    facts
        The values behind the message; each is an attribute of the error.
    """

    def __init__(self, message: str = "", *, hint: str = "", **facts: Any) -> None:
        self.message = message or (type(self).__doc__ or "").splitlines()[0]
        self.hint = hint
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.message, self.hint, self.facts)


def _restore(kind: type[AIQCError], message: str, hint: str, facts: dict[str, Any]) -> AIQCError:
    return kind(message, hint=hint, **facts)


class InvalidInput(AIQCError, ValueError):
    """An argument was refused."""


class InvalidData(InvalidInput):
    """The data cannot be registered."""


class InvalidColumns(InvalidInput):
    """A column or dtype filter cannot be met."""


class InvalidSplit(InvalidInput):
    """The samples cannot be split as asked."""


class InvalidCoder(InvalidInput):
    """The preprocessor cannot be used."""


class InvalidFunction(InvalidInput):
    """A function of an Algorithm has the wrong arguments or return value."""


class Incompatible(InvalidInput):
    """The parts do not fit together."""


class RecordNotFound(AIQCError, LookupError):
    """There is no row with this id."""


class Conflict(AIQCError, ValueError):
    """The row exists already, or something depends on it."""


class RecordInUse(Conflict):
    """The row cannot be deleted while others use it."""


class StoreError(AIQCError, RuntimeError):
    """The metastore cannot be used as asked."""


class NotAMetastore(StoreError):
    """The file or database is not an AIQC metastore."""


class NewerSchema(StoreError):
    """The metastore was written by a later version of AIQC."""


class WrongStore(StoreError):
    """The row belongs to a metastore that is no longer connected."""


class CorruptBlob(StoreError):
    """Stored bytes no longer match their hash."""


class DataChanged(AIQCError, RuntimeError):
    """A source that was not ingested has changed since it was registered."""


class UntrustedCode(AIQCError, PermissionError):
    """Stored code was not signed by this user."""


class JobFailed(AIQCError, RuntimeError):
    """A run raised an exception."""


class LeaseLost(AIQCError, RuntimeError):
    """Another process has taken this run over."""


class NotReady(AIQCError, RuntimeError):
    """The value has not been computed yet."""


class MissingLibrary(AIQCError, ImportError):
    """An optional library is not installed."""


class Unsupported(AIQCError, NotImplementedError):
    """A kind of data or store that cannot do it."""


class AIQCWarning(UserWarning):
    """Something the reader should know; nothing was refused."""


class DuplicateWarning(AIQCWarning):
    """Equal content is registered already; the existing row is returned."""


class ResultWarning(AIQCWarning):
    """The result stands, and its reader should know this."""
