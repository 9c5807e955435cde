"""One new row on a model that is kept in memory, and the profile of the training rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import _study
from benchmarks._harness import Cost, Figure, cost, fresh_store, spread

REPEATS, WARMUPS = 15, 3
MILLISECONDS = 1000.0


def measure() -> list[Figure]:
    """Time inference beyond the model's own predict call, and what a profile costs."""
    figures = []
    # the cost grows with the columns: that of a wide table is shown, not held to a target
    for columns, target in ((_study.COLUMNS, {"at_most": 30.0}), (200, {})):
        with fresh_store():
            figures += _one_row(columns, target)
    return [*figures, *_profiles()]


def _one_row(columns: int, target: dict[str, float]) -> list[Figure]:
    from aiqc.orm import Algorithm, Dataset, Feature, Predictor, Queue, Splitset

    table = _study.frame(columns=columns)
    algorithm = Algorithm.make("sklearn", "regression", _build)
    queue = Queue.from_algorithm(algorithm, _study.splitset(table), permute_count=0)
    queue.run_jobs(progress=False)
    predictor = Predictor.select().get()
    row = table.drop(columns="label")[:1]
    feature = Feature.from_dataset(Dataset.Tabular.from_df(row))
    made = [Splitset.make(feature, predictor_id=predictor) for _ in range(REPEATS + WARMUPS)]
    model, array = predictor.get_model(), np.zeros((1, columns))
    own = _costs(lambda: model.predict(array))
    figures = []
    for name, action in (
        ("splitset.infer(), one row", lambda: made.pop().infer()),
        ("predictor.infer(frame), one row registered", lambda: predictor.infer(row)),
    ):
        ours = _costs(action)
        pairs = list(zip(ours, own, strict=True))
        cpu = [(a.cpu - b.cpu) * MILLISECONDS for a, b in pairs]
        wall = [(a.wall - b.wall) * MILLISECONDS for a, b in pairs]
        name = f"{name}, {columns} columns, beyond predict"
        figures.append(spread(f"{name}, CPU", cpu, "ms", **target))
        figures.append(spread(f"{name}, wall", wall, "ms"))
    return figures


def _profiles() -> list[Figure]:
    import pandas as pd

    from aiqc.pipeline.profile import profile_frame

    figures = []
    for rows, columns, target in ((10_000, 30, {"at_most": 15.0}), (200_000, 29, {})):
        frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, columns)))
        costs = _costs(lambda frame=frame: profile_frame(frame), repeats=5)
        values = [one.cpu * MILLISECONDS for one in costs]
        figures.append(spread(f"training profile, {rows:,} x {columns}", values, "ms", **target))
    return figures


def _costs(action: Callable[[], Any], repeats: int = REPEATS) -> list[Cost]:
    for _ in range(WARMUPS):
        action()
    return [cost(action) for _ in range(repeats)]


def _build(features_shape, label_shape, **hp):  # noqa: ARG001
    from sklearn.linear_model import Ridge

    return Ridge()
