"""Connections end with their thread and stay out of forked children."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peewee import Database


def raw_connection(database: Database) -> Any:
    """Return the driver's connection of this thread; opens it."""
    untyped: Any = database
    return untyped.connection()


def guard_connection(database: Database, connection: Any) -> None:
    """Let a new connection end with its thread."""
    state: Any = database
    state._state.guard = ConnectionGuard(connection)


def forget_connections(database: Database) -> None:
    """Drop what a forked child inherited; the guards leak it."""
    state: Any = database
    state._lock = threading.Lock()
    state._state.reset()


class ConnectionGuard:
    """Closes a connection when its thread ends; kept in that thread's local state.

    A thread that queried the store and ended would otherwise leave its file descriptor open
    until the garbage collector runs. In a forked child the connection is the parent's: closing
    it there would end the parent's session or checkpoint its log, so it is leaked instead.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.process = os.getpid()

    def close(self) -> None:
        """Close the connection, or leak that of a parent process."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if os.getpid() == self.process:
            with suppress(Exception):  # closed already, or the server is gone
                connection.close()
        else:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    def __del__(self) -> None:
        self.close()
