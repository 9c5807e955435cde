"""Copying a metastore while it is in use, and destroying it on purpose."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from aiqc.core import settings
from aiqc.core.errors import InvalidInput, StoreError, Unsupported
from aiqc.orm._connect import check_target, connect, connection_string, disconnect, live_target
from aiqc.orm._schema import drop_tables, stored_schema
from aiqc.orm._servers import open_server, schema_lock
from aiqc.orm._sqlite import copy_sqlite
from aiqc.orm._targets import Target, parse_target

#: files that SQLite keeps beside its own
SIDE_FILES = ("-wal", "-shm", "-journal")


def backup(path: str | Path) -> Path:
    """Copy the connected store into a new file while others go on using it.

    Parameters
    ----------
    path
        A file that does not exist yet, in a folder that does.

    Returns
    -------
    Path
        The copy, absolute: a metastore that `connect` opens.

    Raises
    ------
    InvalidInput
        If the file exists or its folder does not; nothing is overwritten.
    Unsupported
        If the store is on a server.
    """
    connection_string()  # opens the store
    target = live_target()
    assert target is not None
    if target.path is None:
        tool = "pg_dump" if target.dialect == "postgresql" else "mysqldump --single-transaction"
        msg = f"A store on a server is not copied to {path}."
        raise Unsupported(msg, hint=f"Use {tool} on {target.masked}.")
    copy = Path(path).expanduser().absolute()
    if not copy.parent.is_dir():
        msg = f"The folder {copy.parent} does not exist."
        raise InvalidInput(msg, hint="Create it, or correct the path.", path=copy)
    try:
        if copy.exists():
            raise FileExistsError(copy)
        copy_sqlite(target.path, copy)
    except FileExistsError as error:
        msg = f"{copy} exists already."
        raise InvalidInput(msg, hint="Choose a new name; nothing is overwritten.") from error
    return copy


def destroy_db(
    confirm: bool = False,
    rebuild: bool = False,
) -> None:
    """Delete the connected store, else the user's own, with everything in it.

    Parameters
    ----------
    confirm
        Must be True.
    rebuild
        Whether an empty store is created in its place and connected.

    Raises
    ------
    InvalidInput
        If `confirm` is not True; says what would be deleted.
    NotAMetastore
        If the file is something else; it is left untouched.
    """
    target = live_target() or parse_target(settings.database_target())
    if confirm is not True:
        msg = f"{target.masked} would be deleted with everything in it."
        hint = "Call destroy_db(confirm=True), and backup(path) before it."
        raise InvalidInput(msg, hint=hint, confirm=confirm)
    if target.path is None:
        _empty_server(target)
    else:
        check_target(target)
        disconnect()
        _delete_files(target.path)
    if rebuild:
        connect(target.path or target.secret)


def _delete_files(path: Path) -> None:
    try:
        for side in SIDE_FILES:
            path.with_name(path.name + side).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be deleted: {error.strerror}."
        raise StoreError(msg, hint="Close it in other programs.", path=path) from error


def _empty_server(target: Target) -> None:
    disconnect()
    with closing(open_server(target)) as database:
        stored_schema(database, target.masked)
        with schema_lock(database):
            drop_tables(database)
