"""Declared studies on the toy library, and counts of all that a store holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.preprocessing import LabelBinarizer, OneHotEncoder, StandardScaler
from toy_studies import points, toy_build, toy_train

from aiqc.mlops import (
    Architecture,
    Dataset,
    Experiment,
    Input,
    Pipeline,
    Queue,
    Splitset,
    Stratifier,
    Target,
    Trainer,
)
from aiqc.orm._registry import registry


def counts() -> dict[str, int]:
    """Return the number of rows of every table."""
    return {model.__name__: model.select().count() for model in registry()}


def ids_given(path: Path) -> dict[str, int]:
    """Return the last id that each table of an SQLite store ever gave: a trace of any insert."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))


def declared(dataset: Any, **changes: Any) -> dict[str, Any]:
    """Return the arguments of a Pipeline on `points`, some of them changed."""
    arguments = {
        "inputs": Input(
            dataset,
            encoders=[
                Input.Encoder(StandardScaler(), dtypes="float64"),
                Input.Encoder(OneHotEncoder(), columns="kind"),
            ],
        ),
        "target": Target(dataset, "y", encoder=Target.Encoder(LabelBinarizer())),
        "stratifier": Stratifier(size_test=0.25),
    }
    return arguments | changes


def pipeline(frame: pd.DataFrame | None = None, **changes: Any) -> Splitset:
    """Register `points` without a name, as a notebook cell does, and declare the Pipeline."""
    dataset = Dataset.Tabular.from_df(points() if frame is None else frame)
    return Pipeline(**declared(dataset, **changes))


def architecture(**changes: Any) -> Architecture:
    """Return a toy classifier with two combinations."""
    arguments = {
        "library": "toy",
        "analysis_type": "classification_binary",
        "fn_build": toy_build,
        "fn_train": toy_train,
        "hyperparameters": {"hidden": [0, 2]},
    }
    return Architecture(**arguments | changes)


def trained(splitset: Splitset | None = None, **options: Any) -> Queue:
    """Return a trained Queue."""
    trainer = Trainer(splitset or pipeline(), permute_count=0, **options)
    queue = Experiment(architecture(), trainer)
    queue.run_jobs(progress=False)
    return queue
