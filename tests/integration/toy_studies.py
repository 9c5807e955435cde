"""Small studies on the toy library, and what they leave in a store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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

#: a key that all processes of a test share
KEY = "5a" * 32

#: columns of a finished run that a rerun must leave as they are
RESULT = """
    SELECT run.idx, run.id, run.token, run.seed, run.thread_count, run.time_started,
           run.time_ended, predictor.id, predictor.job_id, predictor.repeat_index,
           predictor.time_created, predictor.time_updated, predictor.time_started,
           predictor.time_succeeded, prediction.id, prediction.time_updated
    FROM run JOIN predictor ON predictor.run_id = run.id
    JOIN prediction ON prediction.predictor_id = predictor.id
    WHERE run.state = 'complete' ORDER BY run.idx
"""
#: what must be equal in an interrupted and an uninterrupted run
CONTENT = """
    SELECT run.idx, run.id, run.state, run.seed, predictor.id, predictor.job_id,
           predictor.repeat_index, predictor.model_form, model.sha256, optimizer.sha256,
           history.sha256, arrays.sha256, importance.sha256, prediction.id
    FROM run LEFT JOIN predictor ON predictor.run_id = run.id
    LEFT JOIN prediction ON prediction.predictor_id = predictor.id
    LEFT JOIN blob AS model ON model.id = predictor.model_content_id
    LEFT JOIN blob AS optimizer ON optimizer.id = predictor.optimizer_content_id
    LEFT JOIN blob AS history ON history.id = predictor.history_content_id
    LEFT JOIN blob AS arrays ON arrays.id = prediction.arrays_content_id
    LEFT JOIN blob AS importance ON importance.id = prediction.importance_content_id
    ORDER BY run.idx
"""
METRICS = """
    SELECT predictor_id, split, metric, value, non_finite
    FROM metric_result JOIN prediction ON prediction.id = prediction_id
    ORDER BY predictor_id, split, metric
"""
BLOBS = "SELECT sha256, codec, size FROM blob ORDER BY sha256, codec"
FITS = """
    SELECT splitset_id, fold_id, feature_id, label_id, samples_digest, saw_all, blob.sha256
    FROM fit JOIN blob ON blob.id = fit.content_id ORDER BY fold_id, feature_id, label_id
"""


def points(count: int = 48) -> pd.DataFrame:
    """Return two numbers, a category and a class that follows from them, with a little noise."""
    draw = np.random.default_rng(7)
    a, b = draw.normal(size=count), draw.normal(size=count)
    kind = np.array(["red", "green", "blue"])[draw.integers(0, 3, count)]
    yes = a - b + 0.5 * (kind == "red") + 0.3 * draw.normal(size=count) > 0
    return pd.DataFrame({"a": a, "b": b, "kind": kind, "y": np.where(yes, "yes", "no")})


def toy_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from aiqc.training.toy_model import ToyModel

    return ToyModel(hidden=hp.get("hidden", 0))


def toy_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    import time

    data = (train_features, train_label, eval_features, eval_label)
    series: dict[str, list[float]] = {}
    for _ in range(hp.get("epochs", 5)):
        for name, values in model.fit(loser, optimizer, *data, epochs=1).items():
            series.setdefault(name, []).append(float(values[0]))
        time.sleep(hp.get("pause", 0))
    return model, series


def failing_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    import os

    model.fit(loser, optimizer, train_features, train_label, epochs=2)
    if hp["hidden"] == 2 and "HEALED" not in os.environ:
        raise ArithmeticError("the second combination diverged")
    return model


def make_splitset(
    frame: pd.DataFrame | None = None, *, name: str | None = None, **split: Any
) -> Splitset:
    """Return a Splitset of `points` with scaled and one-hot coders, and one for a text label."""
    from sklearn.preprocessing import LabelBinarizer, OneHotEncoder, StandardScaler

    frame = points() if frame is None else frame
    dataset = Dataset.Tabular.from_df(frame, name=name)
    label = Label.from_dataset(dataset, "y")
    if frame["y"].dtype.kind != "f":
        LabelCoder.from_label(label, LabelBinarizer())
    feature = Feature.from_dataset(dataset, exclude_columns="y")
    FeatureCoder.from_feature(feature, StandardScaler(), dtypes="float64", verbose=False)
    FeatureCoder.from_feature(feature, OneHotEncoder(), columns="kind", verbose=False)
    split.setdefault("size_test", 0.25)
    return Splitset.make(feature, label, **split)


def make_queue(
    splitset: Splitset | None = None,
    space: dict[str, Any] | None = None,
    *,
    train: Any = toy_train,
    repeat_count: int = 2,
    permute_count: int = 1,
    analysis_type: str = "classification_binary",
    **split: Any,
) -> Queue:
    """Return a planned Queue of the toy library."""
    splitset = splitset or make_splitset(**split)
    algorithm = Algorithm.make("toy", analysis_type, toy_build, train)
    space = {"hidden": [0, 2], "pause": [0.0]} if space is None else space
    combos = Hyperparamset.from_algorithm(algorithm, space) if space else None
    return Queue.from_algorithm(
        algorithm,
        splitset,
        repeat_count=repeat_count,
        permute_count=permute_count,
        hyperparamset_id=combos,
    )


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on an SQLite store that nobody needs to have open."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def leavings(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that a Queue leaves and that no clock decides."""
    queries = {"content": CONTENT, "metrics": METRICS, "blobs": BLOBS, "fits": FITS}
    return {name: rows(path, query) for name, query in queries.items()}


def check_sound(path: Path) -> None:
    """Check that the file is whole and that no key points nowhere."""
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
