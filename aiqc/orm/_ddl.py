"""The statements that create tables, as text.

peewee writes the same statements through its query builder, which takes longer than a new store
may take to open.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from peewee import SCOPE_VALUES, DeferredForeignKey, ForeignKeyField, Model, Node, SqliteDatabase

from aiqc.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

#: characters of a name that PostgreSQL keeps
IDENTIFIER_LENGTH = 63


def create_statements(
    database: Database, models: Sequence[type[Model]], table_options: str = ""
) -> list[str]:
    """Return the statements that create tables, their indexes, and the keys between them.

    SQLite cannot add a key to a table later, and accepts one to a table that is still to come;
    elsewhere a key to a later table is added at the end.

    Parameters
    ----------
    database
        Decides the dialect.
    models
        The tables, in order.
    table_options
        Text after each CREATE TABLE.

    Raises
    ------
    StoreError
        If a `CircularKey` names a model that was never defined.
    """
    builder = _Builder(database)
    is_sqlite = isinstance(database, SqliteDatabase)
    statements: list[str] = []
    late: list[str] = []
    done: set[type[Model]] = set()
    for model in models:
        done.add(model)
        keys = _foreign_keys(model)
        early = [is_sqlite or key.rel_model in done for key in keys]
        now = [key for key, is_early in zip(keys, early, strict=True) if is_early]
        statements.append(f"{builder.table(model, now)} {table_options}".rstrip())
        statements += builder.indexes(model)
        late += [
            builder.late_key(key)
            for key, is_early in zip(keys, early, strict=True)
            if not is_early
        ]
    return statements + late


def add_column_statements(
    database: Database, model: type[Model], field: str, *, inline_key: bool
) -> list[str]:
    """Return the statements that add a column to an existing table, with its key and index.

    Parameters
    ----------
    database
        Decides the dialect.
    model
        The table.
    field
        Name of the field; it may be null.
    inline_key
        Whether a foreign key is part of the column; MySQL ignores one that is, SQLite can add
        it in no other way.
    """
    builder = _Builder(database)
    meta = model._meta
    added: Any = meta.fields[field]
    key = added if isinstance(added, ForeignKeyField) else None
    column = builder.column(added)
    if key is not None and inline_key:
        column += builder.references(key)
    statements = [f"ALTER TABLE {builder.name(meta.table_name)} ADD COLUMN {column}"]
    if key is not None and not inline_key:
        statements.append(builder.late_key(key))
    if added.index or added.unique:
        statements.append(builder.index(model, [added], bool(added.unique)))
    return statements


def _foreign_keys(model: type[Model]) -> list[ForeignKeyField[Any]]:
    for field in model._meta.sorted_fields:
        if isinstance(field, DeferredForeignKey):
            place, target = f"{model.__name__}.{field.name}", field.rel_model_name
            msg = f"{place} points to {target!r}, and no such model is defined."
            raise StoreError(msg, hint="Import the module that defines it.", field=place)
    return [field for field in model._meta.sorted_fields if isinstance(field, ForeignKeyField)]


class _Builder:
    """Writes statements in one dialect."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.types: dict[str, str] = database.get_context_options()["field_types"]
        self.marks = database.quote
        # SQLite gives the last id again after a deletion unless it is told not to
        self.auto = " AUTOINCREMENT" if isinstance(database, SqliteDatabase) else ""

    def table(self, model: type[Model], keys: list[ForeignKeyField[Any]]) -> str:
        """Return CREATE TABLE with these foreign keys."""
        meta = model._meta
        parts = [self.column(field) for field in meta.sorted_fields]
        if meta.composite_key:
            names = meta.primary_key.field_names  # type: ignore[union-attr]
            parts.append(f"PRIMARY KEY ({self.names(meta.fields[name] for name in names)})")
        parts += [self.key(key) for key in keys]
        parts += [self.node(node) for node in meta.constraints or ()]
        return f"CREATE TABLE {self.name(meta.table_name)} ({', '.join(parts)})"

    def column(self, field: Any) -> str:
        """Return the definition of a column."""
        kind = self.types.get(field.field_type, field.field_type)
        modifiers = field.get_modifiers()
        size = f"({', '.join(map(str, modifiers))})" if modifiers else ""
        text = f"{self.name(field.column_name)} {kind}{size}"
        if not field.null:
            text += " NOT NULL"
        if field.primary_key:
            text += " PRIMARY KEY" + (self.auto if field.auto_increment else "")
        return " ".join([text, *(self.node(node) for node in field.constraints or ())])

    def key(self, key: ForeignKeyField[Any]) -> str:
        """Return a foreign key constraint."""
        return f"FOREIGN KEY ({self.names([key])}){self.references(key)}"

    def references(self, key: ForeignKeyField[Any]) -> str:
        """Return what a key points to, and what happens to it there."""
        target = self.name(key.rel_model._meta.table_name)
        text = f" REFERENCES {target} ({self.names([key.rel_field])})"
        return text + (f" ON DELETE {key.on_delete}" if key.on_delete else "")

    def late_key(self, key: ForeignKeyField[Any]) -> str:
        """Return ALTER TABLE that adds a foreign key."""
        table = key.model._meta.table_name
        name = self.name(_limited(f"fk_{table}_{key.column_name}"))
        return f"ALTER TABLE {self.name(table)} ADD CONSTRAINT {name} {self.key(key)}"

    def indexes(self, model: type[Model]) -> list[str]:
        """Return CREATE INDEX for the fields and groups of fields that are indexed."""
        meta = model._meta
        found = [
            self.index(model, [field], bool(field.unique))
            for field in meta.sorted_fields
            if not field.primary_key and (field.index or field.unique)
        ]
        for index in meta.indexes:
            if isinstance(index, Node):
                found.append(self.node(index))
            else:
                names, unique = index
                found.append(self.index(model, [meta.fields[name] for name in names], unique))
        return found

    def index(self, model: type[Model], fields: list[Any], unique: bool) -> str:
        """Return CREATE INDEX."""
        table = model._meta.table_name
        name = _limited("_".join([table, *(field.column_name for field in fields)]))
        kind = "UNIQUE INDEX" if unique else "INDEX"
        return f"CREATE {kind} {self.name(name)} ON {self.name(table)} ({self.names(fields)})"

    def node(self, node: Any) -> str:
        """Return what peewee writes for a constraint or index of its own."""
        text, _ = self.database.get_sql_context(scope=SCOPE_VALUES).sql(node).query()
        return str(text)

    def names(self, fields: Any) -> str:
        """Return the quoted names of columns."""
        return ", ".join(self.name(field.column_name) for field in fields)

    def name(self, text: str) -> str:
        """Return a quoted identifier."""
        return f"{self.marks[0]}{text}{self.marks[1]}"


def _limited(name: str) -> str:
    """Return a name that every database takes whole."""
    if len(name) <= IDENTIFIER_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: IDENTIFIER_LENGTH - 9]}_{digest}"
