"""Versions of the tables: migrations with a copy first, names that fit, keys in a circle."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from peewee import Database, ForeignKeyField

from aiqc.core.errors import NewerSchema, StoreError
from aiqc.orm import _schema
from aiqc.orm._base import BaseModel
from aiqc.orm._database import connect, connection_string, disconnect, proxy
from aiqc.orm._fields import BigInteger, CircularKey, Name, Text
from aiqc.orm._registry import extra_models, registry
from aiqc.orm._schema import SCHEMA_VERSION, Migration, Schema, migrate

with extra_models() as TABLES:

    class StepToy(BaseModel):
        number = BigInteger(default=1)
        kind = Name(null=True, index=True)
        rank = BigInteger(null=True)

        class Meta:
            indexes = ((("kind", "rank"), True), (("rank", "number"), False))

    class ToyWithANameSoLongThatItsIndexesPassTheLimit(BaseModel):
        step = ForeignKeyField(StepToy, on_delete="CASCADE", backref="+")
        another_long_name_of_a_column = Name(null=True, unique=True)


def double(database: Database) -> None:
    database.execute_sql("UPDATE step_toy SET number = number * 2")  # type: ignore[no-untyped-call]


def add_ten(database: Database) -> None:
    database.execute_sql("UPDATE step_toy SET number = number + 10")  # type: ignore[no-untyped-call]


def fail(database: Database) -> None:
    double(database)
    raise KeyboardInterrupt


NOW = SCHEMA_VERSION
STEPS = (Migration("add ten", NOW + 2, add_ten), Migration("double", NOW + 1, double))


def test_steps_run_once_in_order_of_version(any_store: Any) -> None:
    StepToy.create(number=1)
    assert migrate(proxy.obj, STEPS, version=NOW + 2) == ["double", "add ten"]
    assert StepToy.get().number == 12
    assert migrate(proxy.obj, STEPS, version=NOW + 2) == []
    assert (StepToy.get().number, Schema.get().version) == (12, NOW + 2)


def test_failed_step_takes_everything_back(any_store: Any) -> None:
    StepToy.create(number=1)
    with pytest.raises(KeyboardInterrupt):
        migrate(proxy.obj, (*STEPS[1:], Migration("fail", NOW + 2, fail)), version=NOW + 2)
    assert (StepToy.get().number, Schema.get().version) == (1, NOW)
    if any_store.path is not None:
        assert proxy.obj.pragma("foreign_keys") == 1


def test_step_that_leaves_dangling_rows_is_taken_back(store: Any) -> None:
    row = StepToy.create()
    ToyWithANameSoLongThatItsIndexesPassTheLimit.create(step=row)

    def cut(database: Database) -> None:
        database.execute_sql("DELETE FROM step_toy")  # type: ignore[no-untyped-call]

    with pytest.raises(StoreError, match="point to nothing"):
        migrate(proxy.obj, (Migration("cut", NOW + 1, cut),), version=NOW + 1)
    assert StepToy.select().count() == 1


def test_table_can_be_rebuilt_without_losing_what_points_to_it(store: Any) -> None:
    row = StepToy.create()
    ToyWithANameSoLongThatItsIndexesPassTheLimit.create(step=row)

    def rebuild(database: Database) -> None:
        for sql in (
            "CREATE TABLE step_new AS SELECT * FROM step_toy",
            "DROP TABLE step_toy",
            "CREATE TABLE step_toy (id INTEGER PRIMARY KEY, number INTEGER)",
            "INSERT INTO step_toy SELECT id, number FROM step_new",
            "DROP TABLE step_new",
        ):
            database.execute_sql(sql)  # type: ignore[no-untyped-call]

    migrate(proxy.obj, (Migration("rebuild", NOW + 1, rebuild),), version=NOW + 1)
    assert ToyWithANameSoLongThatItsIndexesPassTheLimit.select().count() == 1


def test_older_store_is_copied_then_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.sqlite3"
    with extra_models(TABLES):
        uid = connect(path).uid
        StepToy.create(number=1)
        disconnect()
        monkeypatch.setattr(_schema, "SCHEMA_VERSION", NOW + 2)
        monkeypatch.setattr(_schema, "MIGRATIONS", STEPS)
        assert connect(path).uid == uid
        assert (StepToy.get().number, Schema.get().version) == (12, NOW + 2)
        connect(path)  # nothing left to do
    (copy,) = tmp_path.glob(f"study.v{NOW}-backup-*.sqlite3")
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT number FROM step_toy").fetchall() == [(1,)]
        assert connection.execute("SELECT version, uid FROM schema").fetchall() == [(NOW, uid)]
    connection.close()


def test_newer_server_store_is_refused(any_store: Any) -> None:
    target = connection_string()
    Schema.update(version=99).execute()
    disconnect()
    with pytest.raises(NewerSchema, match=r"schema 99.*pip install"):
        connect(target)


def test_every_table_and_index_is_made(any_store: Any) -> None:
    made = set(proxy.obj.get_tables()) - {"sqlite_sequence"}
    assert made == {model._meta.table_name for model in registry()}
    indexes = {
        (tuple(index.columns), bool(index.unique))
        for index in proxy.obj.get_indexes("step_toy")
        if index.columns != ["id"]
    }
    assert indexes == {(("kind",), False), (("kind", "rank"), True), (("rank", "number"), False)}


def test_every_relation_is_a_key_of_the_database(any_store: Any) -> None:
    for model in registry():
        table = model._meta.table_name
        found = {(key.column, key.dest_table) for key in proxy.obj.get_foreign_keys(table)}
        expected = {
            (field.column_name, field.rel_model._meta.table_name) for field in model._meta.refs
        }
        assert found == expected, table


def test_key_to_a_model_that_was_never_defined_is_named(tmp_path: Path) -> None:
    with extra_models():

        class LostToy(BaseModel):
            note = Text(null=True)
            end = CircularKey("NowhereToy", on_delete="CASCADE")

        with pytest.raises(StoreError, match=r"LostToy\.end points to 'nowheretoy'"):
            connect(tmp_path / "lost.sqlite3")
