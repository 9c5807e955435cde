"""The tables of a store: made at once, versioned, and migrated in order."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from peewee import (
    Database,
    Model,
    MySQLDatabase,
    SchemaManager,
    SqliteDatabase,
)

from aiqc import __version__
from aiqc.core.clock import utc_now
from aiqc.core.errors import NewerSchema, NotAMetastore, StoreError
from aiqc.orm._ddl import create_statements
from aiqc.orm._fields import BigInteger, CircularKey, Id, Text, UTCDateTime
from aiqc.orm._migrations import MIGRATIONS, SCHEMA_VERSION, Migration
from aiqc.orm._registry import registry
from aiqc.orm._servers import MetastoreMySQL, schema_lock
from aiqc.orm._store_model import StoreModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

SCHEMA_TABLE = "schema"


class Schema(StoreModel):
    """One row: which version of the tables the store has, and the identity of the store."""

    id = Id()
    #: SCHEMA_VERSION of the AIQC that made or last migrated the store
    version = BigInteger()
    #: random, the store's own for ever
    uid = Text()
    time_created = UTCDateTime(default=utc_now)
    #: release of AIQC that made the store
    aiqc_version = Text()


def circular_key(
    model: type[Model], field: str, target: str, on_delete: str = "CASCADE", **options: Any
) -> None:
    """Give a model a foreign key to a model that is defined later; it is null at first.

    It is a real key on every database: part of the table on SQLite, added by ALTER TABLE once
    all tables exist elsewhere. `CircularKey` in the body of the class is the same thing.

    Parameters
    ----------
    model
        The model that points.
    field
        Name of the new attribute; `<field>_id` holds the id.
    target
        Class name of the model it points to.
    on_delete
        'CASCADE': the row belongs to what it points to. 'RESTRICT': it uses it.
    options
        As of peewee's ForeignKeyField: backref, index, ...

    Examples
    --------
    ::

        class Splitset(BaseModel): ...


        circular_key(Splitset, "predictor", "Predictor", backref="inference_splitsets")


        class Predictor(BaseModel): ...


        splitset.predictor, splitset.predictor_id, predictor.inference_splitsets
    """
    key = CircularKey(target, on_delete=on_delete, **options)
    model._meta.add_field(field, key)
    for known in registry():
        if known.__name__ == target:
            key.resolve(known)


def stored_schema(database: Database, place: str) -> tuple[int, str] | None:
    """Return (version, uid) of a store, or None of an empty database; writes nothing.

    Parameters
    ----------
    database
        An open database.
    place
        How errors name it.

    Raises
    ------
    NotAMetastore
        If the database has tables and they are not ours.
    NewerSchema
        If a later version of AIQC wrote it.
    """
    tables = [name for name in database.get_tables() if not name.startswith("sqlite_")]
    if not tables:
        return None
    if SCHEMA_TABLE not in tables or not _is_ours(database):
        shown = ", ".join(tables[:5])
        msg = f"{place} belongs to another application; its tables are {shown}."
        raise NotAMetastore(msg, hint="Choose another path or an empty database.", tables=tables)
    row = _schema_row(database)
    if row is None:
        return None  # a server died between two statements that each commit
    if row[0] > SCHEMA_VERSION:
        msg = f"{place} has schema {row[0]}; AIQC {__version__} knows {SCHEMA_VERSION}."
        hint = "Update AIQC: pip install --upgrade aiqc."
        raise NewerSchema(msg, hint=hint, version=row[0], known=SCHEMA_VERSION)
    return row


def _is_ours(database: Database) -> bool:
    columns = {column.name for column in database.get_columns(SCHEMA_TABLE)}
    return {"version", "uid", "aiqc_version"} <= columns


def _schema_row(database: Database) -> tuple[int, str] | None:
    rows = Schema.select(Schema.version, Schema.uid).order_by(Schema.id).tuples()
    for version, uid in rows.execute(database):
        return int(version), str(uid)
    return None


def prepare(database: Database, place: str) -> str:
    """Create the tables of an empty database; return the uid of the store.

    Several processes may do this at once: one creates, the others find the tables.
    """
    found = stored_schema(database, place)
    if found is None:
        with schema_lock(database):
            found = stored_schema(database, place)
            if found is None:
                return _create_store(database)
    return found[1]


def is_outdated(database: Database) -> bool:
    """Return whether a store must be migrated before it is used."""
    row = _schema_row(database)
    return row is not None and row[0] < SCHEMA_VERSION


def _create_store(database: Database) -> str:
    if isinstance(database, MySQLDatabase):
        drop_tables(database)  # what an interrupted creation left; there is no row in them
    create_tables(database, registry())
    uid = uuid.uuid4().hex
    values: dict[str, Any] = {"version": SCHEMA_VERSION, "uid": uid, "aiqc_version": __version__}
    # without it peewee adds the RETURNING of the store that is connected now
    Schema.insert(values).as_rowcount().execute(database)
    return uid


def create_tables(database: Database, models: Sequence[type[Model]]) -> None:
    """Create tables, their indexes and the keys between them; call it inside `schema_lock`."""
    options = database.table_options if isinstance(database, MetastoreMySQL) else ""
    for statement in create_statements(database, models, options):
        database.execute_sql(statement)


def drop_tables(database: Database) -> None:
    """Drop every table of ours, whatever points to what."""
    present = set(database.get_tables())
    models = [model for model in registry() if model._meta.table_name in present]
    if isinstance(database, MySQLDatabase):
        database.execute_sql("SET SESSION foreign_key_checks = 0")
    for model in reversed(models):
        SchemaManager(model, database=database).drop_table(cascade=_has_cascade(database))
    if isinstance(database, MySQLDatabase):
        database.execute_sql("SET SESSION foreign_key_checks = 1")


def _has_cascade(database: Database) -> bool:
    return not isinstance(database, SqliteDatabase | MySQLDatabase)


def migrate(
    database: Database,
    migrations: Sequence[Migration] | None = None,
    version: int | None = None,
) -> list[str]:
    """Bring a store to a version in one transaction; return the names of the steps taken.

    Keys are checked at the end, so that a step may rebuild a table. MySQL and MariaDB commit
    after each statement that changes a table: there, restore the dump if a step fails.

    Parameters
    ----------
    database
        An open store.
    migrations
        The steps; by default those of this release.
    version
        The version to reach; by default that of this release.

    Raises
    ------
    StoreError
        If rows point to nothing afterwards; everything is taken back.
    """
    migrations = MIGRATIONS if migrations is None else migrations
    version = SCHEMA_VERSION if version is None else version
    is_sqlite = isinstance(database, SqliteDatabase)
    if is_sqlite:
        database.execute_sql("PRAGMA foreign_keys = 0")  # without effect inside a transaction
    try:
        with schema_lock(database):
            row = _schema_row(database)
            start = row[0] if row else version
            steps = [step for step in migrations if start < step.version <= version]
            for step in sorted(steps, key=lambda step: step.version):
                step.apply(database)
                Schema.update({"version": step.version}).execute(database)
            Schema.update({"version": version}).execute(database)
            if is_sqlite:
                _check_keys(database)
    finally:
        if is_sqlite:
            database.execute_sql("PRAGMA foreign_keys = 1")
    return [step.name for step in sorted(steps, key=lambda step: step.version)]


def _check_keys(database: Database) -> None:
    broken = database.execute_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        msg = f"The migration left {len(broken)} rows of {broken[0][0]} that point to nothing."
        raise StoreError(msg, hint="The store is unchanged; please report this.", rows=broken)


def backup_name(name: str, version: int, moment: datetime) -> str:
    """Return the file name of the copy that is made before a migration.

    Examples
    --------
    >>> from datetime import datetime
    >>> backup_name("aiqc.sqlite3", 1, datetime(2026, 6, 23, 7, 13, 14))
    'aiqc.v1-backup-20260623T071314.sqlite3'
    """
    stem = name.removesuffix(".sqlite3")
    return f"{stem}.v{version}-backup-{moment:%Y%m%dT%H%M%S}.sqlite3"
