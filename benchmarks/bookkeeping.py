"""What a finished run costs in the store: seconds and bytes beyond its arrays."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _study
from benchmarks._harness import Figure, fresh_store, spread

EPOCHS, ROWS = 300, 1000
RUNS = 100


def measure() -> list[Figure]:
    """Claim, complete and progress of runs with a 20 KB model, 40 KB optimizer, 300 epochs."""
    from aiqc.core.clock import utc_now
    from aiqc.execution.owner import this_process
    from aiqc.orm import Algorithm, Predictor, Queue
    from aiqc.orm.job_store import QueueJobStore

    with fresh_store() as path:
        splits = _study.splitset(_study.frame())
        algorithm = Algorithm.make("toy", "regression", _toy_build)
        queue = Queue.from_algorithm(algorithm, splits, RUNS, permute_count=0)
        store = QueueJobStore(queue, 1, str)
        before = _size(path)
        spent, raw = [], 0
        for index in range(RUNS):
            outcome, size = _outcome(index)
            raw += size
            start = time.perf_counter()
            lease = store.claim(this_process(), utc_now(), 300)
            assert lease is not None
            store.complete(lease, outcome)
            store.progress()
            spent.append((time.perf_counter() - start) * 1000)
        extra = (_size(path) - before - raw) / RUNS
        assert Predictor.select().count() == RUNS
        assert len(Predictor.of(RUNS).history["loss"]) == EPOCHS
    floor = _floor()
    return [
        spread("bookkeeping of a run, 300 epochs", spent[5:], "ms", at_most=10),
        Figure("the same arrays by bare sqlite3, one transaction", floor, "ms"),
        Figure("bytes a predictor beyond its raw arrays", extra / 1024, "KB", at_most=16),
    ]


def _toy_build(features_shape, label_shape, **hp):  # noqa: ARG001
    from aiqc.training.toy_model import ToyModel

    return ToyModel()


def _outcome(index: int) -> tuple[Any, int]:
    from aiqc.core.codecs import pack_arrays
    from aiqc.core.enums import ModelForm
    from aiqc.core.types import Outcome, Shapes, StoredModel

    rng = np.random.default_rng(index)
    weights = rng.normal(size=2500)
    moments = rng.normal(size=5000)
    history = {name: rng.normal(size=EPOCHS) for name in ("loss", "val_loss", "mae", "val_mae")}
    predictions = {
        "train": rng.normal(size=ROWS),
        "validation": rng.normal(size=ROWS // 5),
        "test": rng.normal(size=ROWS // 5),
    }
    names = ("r2", "mse", "explained_variance", "mae", "rmse", "loss")
    outcome = Outcome(
        shapes=Shapes((12,), (1,)),
        history=history,
        model=StoredModel(
            ModelForm.WEIGHTS, pack_arrays({"w": weights}), pack_arrays({"m": moments})
        ),
        predictions=predictions,
        probabilities=None,
        metrics={split: {name: float(rng.random()) for name in names} for split in predictions},
        importance=None,
        seconds=1.0,
    )
    arrays = [weights, moments, *history.values(), *predictions.values()]
    return outcome, sum(array.nbytes for array in arrays)


def _size(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return os.path.getsize(path)  # noqa: PTH202 - one number


def _floor() -> float:
    blobs = [os.urandom(size) for size in (20_000, 40_000, 9_600, 11_200)]
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "floor.sqlite3", isolation_level=None)
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("PRAGMA synchronous=full")
        connection.execute("CREATE TABLE b (data BLOB)")
        spent = []
        for _ in range(20):
            start = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO b VALUES (?)", [(blob,) for blob in blobs])
            connection.execute("COMMIT")
            spent.append((time.perf_counter() - start) * 1000)
        connection.close()
    return float(np.median(spent))
