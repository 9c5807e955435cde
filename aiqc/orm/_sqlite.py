"""SQLite done right: write-ahead log, immediate transactions, a file that is checked first."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
import warnings
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from peewee import SqliteDatabase

from aiqc.core.errors import AIQCWarning, InvalidInput, NotAMetastore, StoreError
from aiqc.orm._connections import guard_connection, raw_connection
from aiqc.orm._mounts import on_network
from aiqc.orm._portable import column_types

if TYPE_CHECKING:
    from pathlib import Path

    from aiqc.orm._targets import Target

BUSY_SECONDS = 30
#: of a local file, so much is read where the operating system keeps it, without a copy
MAPPED_BYTES = 256 * 1024 * 1024
#: how long the exit of a process waits for readers before it leaves the log to the next one
EXIT_BUSY_MS = 1000
#: pages that one step of an online backup copies
BACKUP_PAGES = 4096
MAGIC = b"SQLite format 3\0"


class MetastoreSqlite(SqliteDatabase):
    """One SQLite file; every thread has its own connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal_mode_wanted = "delete" if on_network(path) else "wal"
        super().__init__(
            str(path),
            timeout=BUSY_SECONDS,
            lock_type="IMMEDIATE",
            field_types=column_types("sqlite"),
            check_same_thread=False,  # a guard may close it from the garbage collector's thread
        )

    def _connect(self) -> sqlite3.Connection:
        untyped: Any = super()
        connection: sqlite3.Connection = untyped._connect()
        guard_connection(self, connection)
        for pragma in ("foreign_keys = 1", "trusted_schema = 0", "cell_size_check = 1"):
            connection.execute(f"PRAGMA {pragma}")
        if os.access(self.path, os.W_OK):
            set_journal(connection, self.journal_mode_wanted)
        if self.journal_mode_wanted == "wal":
            connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def open_sqlite(target: Target) -> MetastoreSqlite:
    """Return the database of a file that is a metastore or does not exist yet.

    Raises
    ------
    NotAMetastore
        If the path is a folder or the file is not SQLite.
    InvalidInput
        If the folder of the path does not exist.
    """
    path = target.path
    assert path is not None
    check_file(path)
    database = MetastoreSqlite(path)
    if database.journal_mode_wanted != "wal":
        msg = f"{path} is on a network file system: one process should write to it at a time."
        warnings.warn(
            AIQCWarning(f"{msg} Keep it on a local disk, or use a server."), stacklevel=4
        )
    return database


def check_file(path: Path) -> None:
    """Refuse a path that cannot be a metastore; reads 16 bytes and writes nothing."""
    if path.is_dir():
        msg = f"{path} is a folder."
        raise NotAMetastore(
            msg, hint=f"Name a file in it, e.g. {path / 'aiqc.sqlite3'}.", path=path
        )
    if not path.parent.is_dir():
        msg = f"The folder {path.parent} does not exist."
        raise InvalidInput(msg, hint="Create it, or correct the path.", path=path)
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise StoreError(msg, hint="Check the owner and mode of the file.", path=path) from error
    if head and head != MAGIC:
        msg = f"{path} is not an SQLite file."
        raise NotAMetastore(msg, hint="Choose the path of a metastore or of no file.", path=path)


def open_to_look(path: Path) -> SqliteDatabase:
    """Return a database to look at a file that may not be ours; it changes nothing.

    A reader of a file without a log would leave an empty one behind, unless it takes the file to
    be immutable. A journal means that its writer died, and has to be rolled back to be read.
    """
    if path.with_name(f"{path.name}-journal").exists():
        mode = "mode=rw"
    elif path.with_name(f"{path.name}-wal").exists():
        mode = "mode=ro"
    else:
        mode = "immutable=1"
    return SqliteDatabase(f"{path.as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS)


def set_journal(connection: sqlite3.Connection, mode: str) -> None:
    """Choose the journal; the change needs the file alone, and SQLite does not wait for it."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def checkpoint(database: SqliteDatabase) -> None:
    """Move the write-ahead log into the file, unless a reader holds it for a second."""
    connection = raw_connection(database)
    connection.execute(f"PRAGMA busy_timeout = {EXIT_BUSY_MS}")
    with suppress(sqlite3.OperationalError):  # an interrupt left a query of ours half read
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def copy_sqlite(source: Path, path: Path) -> None:
    """Copy all that is committed, as of now, into a new file while others go on writing.

    The copy is written under another name first, so a file at `path` is a whole one.

    Raises
    ------
    FileExistsError
        If there is a file already.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with (
            closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as reader,
            closing(sqlite3.connect(partial, isolation_level=None)) as writer,
        ):
            reader.backup(writer, pages=BACKUP_PAGES)
            # one file, with no log beside it
            writer.execute("PRAGMA journal_mode = delete").fetchall()
        _rename_new(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _rename_new(old: Path, new: Path) -> None:
    """Rename a file unless the new name is taken."""
    try:
        os.link(old, new)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if new.exists():
            raise FileExistsError(new) from None
        old.rename(new)
