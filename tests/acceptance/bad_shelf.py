"""A small store of sound parts that bad calls are aimed at, and bad things to aim."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

#: what no other process can have
LOCK = threading.Lock()


@dataclass
class Shelf:
    """Ids of rows by what they are."""

    store: Path
    folder: Path
    table: int = 0
    holes: int = 0
    rare: int = 0
    short: int = 0
    feature: int = 0
    coded: int = 0
    all_columns: int = 0
    holed: int = 0
    kind: int = 0
    price: int = 0
    whole: int = 0
    rare_label: int = 0
    short_label: int = 0
    gappy_label: int = 0
    light: int = 0
    #: used by no Splitset
    free: int = 0
    free_label: int = 0
    fitted: int = 0
    splitset: int = 0
    folded: int = 0
    regress: int = 0
    algorithm: int = 0
    other_algorithm: int = 0
    combos: int = 0
    trained: int = 0
    untrained: int = 0
    nan_queue: int = 0
    alone: int = 0
    bare_text: int = 0
    bare_label: int = 0
    twin: int = 0
    binary: int = 0
    fixed: int = 0
    depths: int = 0


def table() -> pd.DataFrame:
    """Return 24 rows of every kind of column."""
    at = np.arange(24)
    return pd.DataFrame(
        {
            "size": at / 4,
            "weight": 100.0 - at,
            "colour": np.array(["red", "blue"])[at % 2],
            "kind": np.array(["oak", "elm", "ash"])[at % 3],
            "price": at * 1.5,
            "whole": at,
        }
    )


def build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=hp.get("C", 1.0))


def build_ridge(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge()


def build_fixed(features_shape: Any, label_shape: Any, C: float = 1.0) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C)


def build_locked(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    with LOCK:
        return features_shape


def build_unseen(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    return "no other case stores these words"


def build_nothing(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    return "no estimator"


def build_too_few(features_shape: Any) -> Any:
    return features_shape


def train_too_few(model: Any, loser: Any) -> Any:
    return model, loser


def train_nothing(
    model: Any, loser: Any, optimizer: Any, a: Any, b: Any, c: Any, d: Any, **hp: Any
) -> Any:
    return 42


def predict_too_few(model: Any, features: Any) -> Any:
    return model.predict(features)[:-1]


def predict_too_many(model: Any, features: Any, more: Any) -> Any:
    return model, features, more


def predict_text(model: Any, features: Any) -> Any:
    return ["oak" for _ in features]


def lose_nothing(**hp: Any) -> Any:
    return 0.5


def metric_of_text(true: Any, predicted: Any) -> Any:
    return "good"


def fill(folder: Path) -> Shelf:
    """Register sound parts in a new store; it is left connected."""
    import aiqc
    from aiqc.orm import Dataset, Feature, Label

    shelf = Shelf(folder / "shelf.sqlite3", folder)
    aiqc.connect(shelf.store)
    frame = table()
    sound = Dataset.Tabular.from_df(frame, name="trees")
    holes = frame.assign(
        size=frame["size"].where(frame.index % 6 != 0),
        colour=frame["colour"].where(frame.index % 6 != 0),
    )
    shelf.table, shelf.holes = sound.id, Dataset.Tabular.from_df(holes).id
    rare = frame.assign(kind=["yew", *frame["kind"][1:]])
    shelf.rare = Dataset.Tabular.from_df(rare).id
    shelf.short = Dataset.Tabular.from_df(frame.head(7)).id
    shelf.feature = Feature.from_dataset(sound, ["size", "weight"]).id
    shelf.coded = Feature.from_dataset(sound, ["size", "weight", "colour"]).id
    shelf.all_columns = Feature.from_dataset(sound).id
    shelf.holed = Feature.from_dataset(shelf.holes, ["size", "weight"]).id
    shelf.fitted = Feature.from_dataset(sound, ["weight", "size"]).id
    shelf.kind = Label.from_dataset(sound, "kind").id
    shelf.price = Label.from_dataset(sound, "price").id
    shelf.whole = Label.from_dataset(sound, "whole").id
    shelf.rare_label = Label.from_dataset(shelf.rare, "kind").id
    shelf.short_label = Label.from_dataset(shelf.short, "kind").id
    shelf.gappy_label = Label.from_dataset(shelf.holes, "size").id
    shelf.light = Feature.from_dataset(shelf.holes, "weight").id
    shelf.free = Feature.from_dataset(sound, ["size", "weight"]).id
    shelf.free_label = Label.from_dataset(sound, "kind").id
    _train(shelf)
    _make_files(folder)
    return shelf


def _train(shelf: Shelf) -> None:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    from aiqc.orm import (
        Algorithm,
        Dataset,
        Feature,
        FeatureCoder,
        Hyperparamset,
        Label,
        LabelCoder,
        Queue,
        Splitset,
    )

    FeatureCoder.from_feature(shelf.coded, OneHotEncoder(), columns="colour", verbose=False)
    FeatureCoder.from_feature(shelf.fitted, StandardScaler(), verbose=False)
    # the Label that other cases want to give a coder stays bare
    kind = Label.from_dataset(shelf.table, "kind")
    LabelCoder.from_label(kind, OrdinalEncoder())
    whole = Splitset.make(shelf.fitted, kind, size_test=0.25)
    shelf.splitset = whole.id
    shelf.folded = Splitset.make(shelf.fitted, kind, fold_count=2, name="folded").id
    shelf.regress = Splitset.make(shelf.fitted, shelf.price, size_test=0.25).id
    algorithm = Algorithm.make("sklearn", "classification_multi", build)
    shelf.algorithm = algorithm.id
    shelf.other_algorithm = Algorithm.make("sklearn", "regression", build_ridge).id
    shelf.combos = Hyperparamset.from_algorithm(algorithm, {"C": [0.1, 1.0]}).id
    trained = Queue.from_algorithm(algorithm, whole, permute_count=0)
    trained.run_jobs(progress=False)
    shelf.trained = trained.id
    shelf.untrained = Queue.from_algorithm(algorithm, whole, repeat_count=2).id
    shelf.alone = Splitset.make(shelf.feature, size_test=0.25).id
    bare = Feature.from_dataset(shelf.table, ["size", "colour"])
    shelf.bare_text = Splitset.make(bare, kind, size_test=0.25).id
    shelf.bare_label = Splitset.make(shelf.feature, shelf.kind, size_test=0.25).id
    shelf.binary = Algorithm.make("sklearn", "classification_binary", build).id
    shelf.fixed = Algorithm.make("sklearn", "classification_multi", build_fixed).id
    shelf.depths = Hyperparamset.from_algorithm(shelf.fixed, {"depth": [1, 2]}).id
    shelf.twin = Dataset.Tabular.from_df(table(), name="twin").id
    holed = Splitset.make(shelf.holed, kind, size_test=0.25)
    holed.cache_samples()
    shelf.nan_queue = Queue.from_algorithm(algorithm, holed).id


def _make_files(folder: Path) -> None:
    (folder / "empty.csv").write_text("", encoding="utf-8")
    (folder / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n", encoding="utf-8")
    (folder / "twice.csv").write_text("a,b,a\n1,2,3\n", encoding="utf-8")
    (folder / "notes.xlsx").write_text("no table", encoding="utf-8")
    (folder / "notes.txt").write_text("no store" * 20, encoding="utf-8")
    with closing(sqlite3.connect(folder / "other.sqlite3")) as other:
        other.execute("CREATE TABLE invoices (id INTEGER)")
        other.commit()


def make_newer(store: Path, newer: Path) -> int:
    """Copy a store and say that a later version of AIQC wrote the copy; returns its version."""
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(newer)) as target:
        source.backup(target)
        ((column, version),) = _version(target)
        target.execute(f"UPDATE {_schema(target)} SET {column} = {version + 40}")
        target.commit()
    return version + 40


def _schema(database: sqlite3.Connection) -> str:
    rows = database.execute("SELECT name FROM sqlite_master WHERE name LIKE '%schema'")
    return str(next(rows)[0])


def _version(database: sqlite3.Connection) -> list[tuple[str, int]]:
    cursor = database.execute(f"SELECT * FROM {_schema(database)}")
    row = cursor.fetchone()
    names = [part[0] for part in cursor.description]
    return [(name, row[i]) for i, name in enumerate(names) if name == "version"]


def digest_of(store: Path) -> dict[str, str]:
    """Return a digest of every row of every table: nothing can be written unseen."""
    found = {}
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in names.fetchall():
            rows = sorted(map(repr, database.execute(f'SELECT * FROM "{name}"')))
            text = f"{len(rows)} rows {hashlib.sha256(repr(rows).encode()).hexdigest()}"
            found[name] = text
    return found
