"""The steps from one version of the tables to the next, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from peewee import MySQLDatabase

from aiqc.orm._ddl import add_column_statements, create_statements
from aiqc.orm._registry import registry
from aiqc.orm._servers import MetastoreMySQL

if TYPE_CHECKING:
    from collections.abc import Callable

    from peewee import Database, Model

#: the version of the tables that this AIQC reads and writes
SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from a version of the tables to the next."""

    #: what it does, e.g. 'add Run.device'
    name: str
    #: the version that the store has afterwards; one step a version
    version: int
    #: changes the tables and rows, by SQL on the database given
    apply: Callable[[Database], None]


def add_tables(database: Database, names: list[str]) -> None:
    """Create tables by the names of their classes; those that exist are left as they are."""
    present = set(database.get_tables())
    models = [_model(name) for name in names]
    missing = [model for model in models if model._meta.table_name not in present]
    options = database.table_options if isinstance(database, MetastoreMySQL) else ""
    for statement in create_statements(database, missing, options):
        database.execute_sql(statement)


def add_column(database: Database, name: str, field: str) -> None:
    """Add a column that may be null to a table, unless it is there."""
    model = _model(name)
    table = model._meta.table_name
    column = model._meta.fields[field].column_name
    if column in {found.name for found in database.get_columns(table)}:
        return
    inline_key = not isinstance(database, MySQLDatabase)
    for statement in add_column_statements(database, model, field, inline_key=inline_key):
        database.execute_sql(statement)


def _model(name: str) -> type[Model]:
    return next(model for model in registry() if model.__name__ == name)


def _to_version_2(database: Database) -> None:
    tables = ["LabelInterpolater", "FeatureInterpolater", "Window", "FeatureShaper"]
    add_tables(database, tables)
    add_column(database, "Dataset", "manifest_content")
    add_column(database, "Fit", "profile_content")
    add_column(database, "Prediction", "splitset")
    add_column(database, "Prediction", "inference_content")


#: in order
MIGRATIONS: tuple[Migration, ...] = (
    Migration("sequences, images, windows and inference", 2, _to_version_2),
)
