"""PostgreSQL, MariaDB and MySQL, set to behave as SQLite does where they differ."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from peewee import Database, MySQLDatabase, PostgresqlDatabase

from aiqc.core.errors import StoreError
from aiqc.core.lazy import load
from aiqc.orm._connections import guard_connection, raw_connection
from aiqc.orm._portable import column_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.orm._targets import Target

#: how long one process waits for another that is creating the tables
SCHEMA_WAIT_SECONDS = 120
#: MySQL's and MariaDB's flag: an UPDATE counts the rows it matches, not those it changes
FOUND_ROWS = 2


class MetastorePostgres(PostgresqlDatabase):
    """One PostgreSQL database; every thread has its own connection."""

    def _connect(self) -> Any:
        untyped: Any = super()
        connection = untyped._connect()
        guard_connection(self, connection)
        return connection

    def _initialize_connection(self, conn: Any) -> None:
        with conn.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")


class MetastoreMySQL(MySQLDatabase):
    """One MariaDB or MySQL database; every thread has its own connection."""

    def _connect(self) -> Any:
        untyped: Any = super()
        connection = untyped._connect()
        guard_connection(self, connection)
        return connection

    def _initialize_connection(self, conn: Any) -> None:
        with conn.cursor() as cursor:
            # as PostgreSQL: each statement sees what is committed; no gap locks that deadlock
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
            cursor.execute("SET SESSION time_zone = '+00:00'")

    @property
    def table_options(self) -> str:
        """Options of CREATE TABLE: transactions, and text that is compared by bytes.

        `utf8mb4_bin` ignores trailing spaces, so 'a' would equal 'a '; these do not.
        """
        with raw_connection(self).cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            maria = "maria" in str(cursor.fetchone()[0]).lower()
        collation = "utf8mb4_nopad_bin" if maria else "utf8mb4_0900_bin"
        return f"ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}"


def open_server(target: Target) -> Database:
    """Return the database of a server's URL; the connection is made and tried.

    Raises
    ------
    MissingLibrary
        If the driver is not installed.
    StoreError
        If the server does not answer or refuses.
    """
    database = _postgres(target) if target.dialect == "postgresql" else _mysql(target)
    try:
        database.connect()
    except Exception as error:
        msg = f"{target.masked} cannot be opened: {str(error).strip()}."
        hint = "Check that the server runs, that the database exists, and the account."
        raise StoreError(msg, hint=hint, url=target.masked) from error
    return database


def _postgres(target: Target) -> Database:
    load("psycopg")
    parameters: dict[str, Any] = dict(target.parameters)
    return MetastorePostgres(
        target.database,
        field_types=column_types("postgresql"),
        prefer_psycopg3=True,
        **parameters,
    )


def _mysql(target: Target) -> Database:
    load("pymysql")
    parameters: dict[str, Any] = dict(target.parameters)
    return MetastoreMySQL(
        target.database,
        field_types=column_types("mysql"),
        client_flag=FOUND_ROWS,
        **parameters,
    )


@contextmanager
def schema_lock(database: Database) -> Iterator[None]:
    """Let one process at a time create or migrate the tables.

    SQLite and PostgreSQL do it in one transaction; MySQL commits after each statement, so it
    takes a named lock.
    """
    if isinstance(database, MySQLDatabase):
        name = "aiqc:" + hashlib.sha256(str(database.database).encode()).hexdigest()[:40]
        row = database.execute_sql(
            "SELECT GET_LOCK(%s, %s)", (name, SCHEMA_WAIT_SECONDS)
        ).fetchone()
        if row[0] != 1:
            msg = f"Another process has been creating the tables for {SCHEMA_WAIT_SECONDS} s."
            raise StoreError(msg, hint="Try again once it has ended.")
        try:
            with database.atomic():
                yield
        finally:
            database.execute_sql("SELECT RELEASE_LOCK(%s)", (name,)).fetchone()
        return
    with database.atomic():
        if isinstance(database, PostgresqlDatabase):
            key = int.from_bytes(hashlib.sha256(b"aiqc schema").digest()[:8], "big", signed=True)
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (key,))
        yield
