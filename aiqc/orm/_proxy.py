"""The one live database of this process: opened by the first query, replaced by `connect`."""

from __future__ import annotations

import importlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peewee import Database, DatabaseProxy

from aiqc.orm._interrupts import interrupt_later

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Metastore:
    """Where the connected metastore is."""

    #: URL of the store; a password is masked
    url: str
    #: the file of an SQLite store
    path: Path | None
    #: random identity, kept inside the store
    uid: str
    #: 'sqlite', 'postgresql' or 'mysql' (which MariaDB is too)
    dialect: str

    def __repr__(self) -> str:
        return f"<Metastore {self.path or self.url}>"


#: held while a store is opened or closed; a query of another thread waits for it
lock = threading.RLock()
_live: Metastore | None = None


class _LazyProxy(DatabaseProxy):
    """Opens the user's store when it is first needed."""

    def __getattr__(self, name: str) -> Any:
        # a completer or test collector that asks for anything must not open a store
        if self.obj is None and (name.startswith("__") or not hasattr(Database, name)):
            raise AttributeError(name)
        return getattr(_database(), name)

    # peewee's `with proxy:` does not pass through __getattr__
    def __enter__(self) -> Any:
        return _database().__enter__()

    def __exit__(self, *error: Any) -> Any:
        return _database().__exit__(*error)


#: what every model is bound to
proxy = _LazyProxy()


def live() -> Metastore | None:
    """Return the connected store, or None; opens nothing."""
    return _live


def current() -> Metastore:
    """Return the connected store; opens `AIQC_DATABASE`, else the user's own, when none is."""
    _database()
    assert _live is not None
    return _live


def install(database: Database | None, store: Metastore | None) -> None:
    """Make a database the live one; for `_database` only."""
    global _live
    with lock:
        proxy.initialize(database)
        _live = store


@contextmanager
def transaction() -> Iterator[None]:
    """Write all or nothing; every write goes through this.

    SQLite takes its write lock at once: a transaction that reads first and locks later fails
    under two writers, whatever the timeout. Inside another transaction this is a savepoint.
    A KeyboardInterrupt is raised after it has ended.
    """
    with interrupt_later(), _database().atomic():
        yield


@contextmanager
def connection_context() -> Iterator[None]:
    """Close this thread's connection afterwards, unless it was open before.

    For the entry point of a thread. One that ends without it closes its connection too, as soon
    as Python drops the thread's local state.
    """
    database = _database()
    was_open = not database.is_closed()
    try:
        yield
    finally:
        if not was_open and not database.is_closed():
            database.close()


def _database() -> Database:
    database = proxy.obj
    if database is None:
        with lock:
            if proxy.obj is None:
                # by name: opening needs the tables, and every table needs this module
                importlib.import_module("aiqc.orm._connect").connect()
            database = proxy.obj
    assert isinstance(database, Database)
    return database
