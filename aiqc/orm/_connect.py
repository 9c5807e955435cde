"""Connecting to a metastore, and leaving it; importing this opens nothing."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from peewee import Database, PeeweeException, SqliteDatabase

from aiqc.core import settings
from aiqc.core.clock import utc_now
from aiqc.core.errors import NotAMetastore, StoreError
from aiqc.orm import _proxy
from aiqc.orm._connections import forget_connections
from aiqc.orm._proxy import Metastore, current, live, proxy
from aiqc.orm._schema import backup_name, is_outdated, migrate, prepare, stored_schema
from aiqc.orm._servers import open_server
from aiqc.orm._sqlite import check_file, checkpoint, copy_sqlite, open_sqlite, open_to_look
from aiqc.orm._targets import Target, parse_target

#: how often a file that looks wrong is looked at, and the time between
LOOKS = 3
LOOK_SECONDS = 0.05
#: what is connected, with its password
_target: Target | None = None
#: folder of a `:memory:` store, and the process that made it and removes it
_temporary: tuple[Path, int] | None = None
_is_watching = False


def connect(target: str | Path | None = None) -> Metastore:
    """Open a metastore, create it if there is none, and leave the one that was open.

    Parameters
    ----------
    target
        A file path, `:memory:` (a private temporary file, removed at exit), or a URL:
        `sqlite:///`, `postgresql://`, `mysql://` or `mariadb://`. None stands for
        `AIQC_DATABASE`, else the file in the user's data folder.

    Returns
    -------
    Metastore
        Where it is; its repr says so.

    Raises
    ------
    InvalidInput
        If the scheme is unknown or the folder of the file does not exist.
    NotAMetastore
        If the file or database is something else; it is left untouched.
    NewerSchema
        If a later version of AIQC wrote it; it is left untouched.
    MissingLibrary
        If the database's driver is not installed.
    StoreError
        If it cannot be opened, or a transaction is open.
    """
    with _proxy.lock:
        _refuse_in_transaction()
        _watch()
        wanted, folder = _resolved(target)
        try:
            database, uid = _opened(wanted)
        except BaseException:
            _remove(folder)
            raise
        disconnect()
        store = Metastore(wanted.masked, wanted.path, uid, wanted.dialect)
        _remember(wanted, folder)
        _proxy.install(database, store)
        return store


def disconnect() -> None:
    """Close the store; the next query opens the user's own again.

    Raises
    ------
    StoreError
        If a transaction is open.
    """
    with _proxy.lock:
        _refuse_in_transaction()
        database, temporary = proxy.obj, _temporary
        if database is None:
            return
        _proxy.install(None, None)
        _remember(None, None)
        _close(database)
        if temporary is not None:
            _remove(temporary)


def is_connected() -> bool:
    """Return whether a store is open."""
    return live() is not None


def setup() -> Metastore:
    """Create the user's data folder and metastore where they are missing; returns where."""
    return current()


def create_db() -> Metastore:
    """Create the metastore where it is missing; returns where it is."""
    return current()


def live_target() -> Target | None:
    """Return what is connected, password included; for `_maintenance` only."""
    return _target


def connection_string() -> str:
    """Return the target that another process passes to `connect`; it holds the password."""
    current()
    assert _target is not None
    return str(_target.path) if _target.path else _target.secret


def check_target(target: Target) -> None:
    """Refuse an SQLite file that is not a metastore of ours; changes nothing.

    Raises
    ------
    NotAMetastore
        If the file is something else.
    NewerSchema
        If a later version of AIQC wrote it.
    """
    path = target.path
    if path is None:
        return None
    check_file(path)
    for _ in range(LOOKS - 1):
        try:
            return _look(path)
        except NotAMetastore:
            # another process may be writing to what looked immutable
            time.sleep(LOOK_SECONDS)
    return _look(path)


def _look(path: Path) -> None:
    """Refuse a file that is not a metastore, as it is now."""
    if not path.exists():
        return
    try:
        with closing(open_to_look(path)) as database:
            stored_schema(database, str(path))
    except PeeweeException as error:
        msg = f"{path} cannot be read as a metastore: {error}."
        hint = "Check the mode of the file and its folder, or restore a backup."
        raise NotAMetastore(msg, hint=hint, path=path) from error


def _resolved(target: str | Path | None) -> tuple[Target, tuple[Path, int] | None]:
    """Return the target with a file in place of `:memory:`, and that file's folder."""
    wanted = parse_target(settings.database_target() if target is None else target)
    if wanted.dialect != "sqlite":
        return wanted, None
    if wanted.path is None:
        folder = Path(tempfile.mkdtemp(prefix="aiqc-"))
        return replace(wanted, path=folder / "memory.sqlite3"), (folder, os.getpid())
    home = settings.data_folder()
    if wanted.path.parent == home.absolute():
        home.mkdir(parents=True, exist_ok=True)
    return wanted, None


def _opened(target: Target) -> tuple[Database, str]:
    """Return an open database with all tables, and the uid of the store."""
    check_target(target)
    database = open_sqlite(target) if target.dialect == "sqlite" else open_server(target)
    try:
        uid = prepare(database, target.masked)
        if is_outdated(database):
            _migrate(database, target)
    except PeeweeException as error:
        _close(database)
        msg = f"{target.masked} cannot be opened: {error}."
        raise StoreError(msg, hint="Check that the account may write there.") from error
    except BaseException:
        _close(database)
        raise
    return database, uid


def _migrate(database: Database, target: Target) -> None:
    """Bring an older store up to date, after a copy of it is safe beside it."""
    row = stored_schema(database, target.masked)
    if target.path is not None and row is not None:
        name = backup_name(target.path.name, row[0], utc_now())
        copy_sqlite(target.path, target.path.with_name(name))
    migrate(database)


def _close(database: Database) -> None:
    """Close this thread's connection; the log of an SQLite store is written back first."""
    if database.is_closed():
        return
    with suppress(PeeweeException):  # a reader holds the log, or the server is gone
        if isinstance(database, SqliteDatabase):
            checkpoint(database)
    with suppress(PeeweeException):
        database.close()


def _refuse_in_transaction() -> None:
    database = proxy.obj
    if database is not None and database.in_transaction():
        msg = "The store cannot be changed inside a transaction."
        raise StoreError(msg, hint="Leave the `with transaction()` block first.")


def _remember(target: Target | None, temporary: tuple[Path, int] | None) -> None:
    global _target, _temporary
    _target, _temporary = target, temporary


def _remove(temporary: tuple[Path, int] | None) -> None:
    """Remove the folder of a `:memory:` store, in the process that made it."""
    if temporary is not None and temporary[1] == os.getpid():
        shutil.rmtree(temporary[0], ignore_errors=True)


def _watch() -> None:
    """From the first store on: tidy up at exit, and give a forked child its own connections."""
    global _is_watching
    if not _is_watching:
        _is_watching = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)


def _at_exit() -> None:
    database = proxy.obj
    if database is not None and not database.in_transaction():
        _close(database)
    _remove(_temporary)


def _after_fork() -> None:
    """Forget the parent's connections; their guards leak them instead of closing them."""
    _proxy.lock = threading.RLock()
    if proxy.obj is not None:
        forget_connections(proxy.obj)
