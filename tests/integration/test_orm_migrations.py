"""A store of an earlier version opens with all it held, and can do what this version can."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

import aiqc
from aiqc.core.errors import UntrustedCode
from aiqc.orm import Dataset, Feature, Predictor, Queue, Splitset, Window
from aiqc.orm._database import connect, connection_string, disconnect, proxy
from aiqc.orm._migrations import SCHEMA_VERSION
from aiqc.orm._registry import registry
from aiqc.orm._schema import Schema, is_outdated, migrate

VERSION_1 = Path(__file__).parent / "stores" / "version_1.sql"
#: what version 2 added
NEW_TABLES = ["feature_shaper", "window", "feature_interpolater", "label_interpolater"]
NEW_COLUMNS = [
    ("dataset", "manifest_content_id"),
    ("fit", "profile_content_id"),
    ("prediction", "splitset_id"),
    ("prediction", "inference_content_id"),
]


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    path = tmp_path / "old.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1.read_text())
    connection.close()
    return path


def layout(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Return the columns, keys and indexes of each table, whatever their order."""
    connection = sqlite3.connect(path)
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    found: dict[str, set[tuple[Any, ...]]] = {}
    for table in tables:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        keys = connection.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        indexes = connection.execute(f"PRAGMA index_list({table})").fetchall()
        found[table] = {("column", *row[1:]) for row in columns}
        found[table] |= {("key", *row[2:]) for row in keys}
        found[table] |= {("index", *row[1:3]) for row in indexes}
    connection.close()
    return found


def test_old_store_has_the_layout_of_a_new_one(old_store: Path, tmp_path: Path) -> None:
    for path in (old_store, tmp_path / "new.sqlite3"):
        connect(path)
        disconnect()
    assert layout(old_store) == layout(tmp_path / "new.sqlite3")
    (copy,) = tmp_path.glob("old.v1-backup-*.sqlite3")
    assert "window" not in layout(copy)


def test_old_results_are_read_and_new_rows_are_written(old_store: Path) -> None:
    connect(old_store)
    queue = Queue.get_by_id(1)
    assert queue.runs_completed == 1
    assert queue.metrics_df()["r2"].tolist() == pytest.approx([0.99668, 0.99564, 0.992259], 1e-5)
    assert set(queue.jobs[0].predictors[0].predictions[0].predictions) == {
        *("train", "validation", "test"),
    }
    dataset = Dataset.get_by_id(1)
    assert (dataset.name, dataset.shape) == (
        "made by version 1",
        {"samples": 30, "columns": 3},
    )
    feature = Feature.from_dataset(dataset)
    assert Window.from_feature(feature, 3, 2).window_count == 13
    assert Splitset.make(feature, size_test=0.2).supervision == "unsupervised"
    disconnect()


def test_an_old_model_predicts_new_data_as_it_did(old_store: Path) -> None:
    connect(old_store)
    predictor = Predictor.get_by_id(1)
    splitset = predictor.job.queue.splitset
    dataset = splitset.features[0].dataset
    with pytest.raises(UntrustedCode):
        predictor.infer(dataset)
    aiqc.trust(predictor.job.queue.algorithm)
    found = predictor.infer(dataset).predictions["infer_0"]
    for split, then in predictor.predictions[0].predictions.items():
        assert found[splitset.samples[split]].tolist() == then.tolist()
    # version 1 kept no profile: it is made of the training rows
    profile = predictor.training_profile[splitset.features[0].id]
    rows = dataset.to_df(columns=["x"], samples=splitset.samples["train"])["x"]
    assert profile.loc["x", "minimum"] == rows.min()
    assert profile.loc["x", "count"] == len(rows)
    disconnect()


def test_server_store_is_migrated_in_place(any_store: Any) -> None:
    database, target = proxy.obj, connection_string()
    _make_version_1(database)
    assert is_outdated(database)
    disconnect()
    connect(target)
    assert Schema.get().version == SCHEMA_VERSION
    tables = set(proxy.obj.get_tables())
    assert {model._meta.table_name for model in registry()} <= tables
    for table, column in NEW_COLUMNS:
        assert column in {found.name for found in proxy.obj.get_columns(table)}
        keys = {key.column for key in proxy.obj.get_foreign_keys(table)}
        assert column in keys
    assert migrate(proxy.obj) == []


def _make_version_1(database: Any) -> None:
    """Take away what later versions added, where the dialect lets a key be dropped."""
    for table in NEW_TABLES:
        database.execute_sql(f"DROP TABLE {database.quote[0]}{table}{database.quote[1]}")
    for table, column in NEW_COLUMNS:
        _drop_column(database, table, column)
    Schema.update(version=1).execute()


def _drop_column(database: Any, table: str, column: str) -> None:
    kind = type(database).__name__
    if "MySQL" in kind:
        rows = database.execute_sql(
            "SELECT constraint_name FROM information_schema.key_column_usage "
            "WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s "
            "AND referenced_table_name IS NOT NULL",
            (table, column),
        ).fetchall()
        for (name,) in rows:
            database.execute_sql(f"ALTER TABLE `{table}` DROP FOREIGN KEY `{name}`")
    if "Sqlite" in kind:
        pytest.skip("SQLite cannot drop a column that is a key; the dump covers it")
    quote = database.quote
    database.execute_sql(
        f"ALTER TABLE {quote[0]}{table}{quote[1]} DROP COLUMN {quote[0]}{column}{quote[1]}"
    )
