"""Permutation importance beside the forward passes that it needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import _study
from benchmarks._harness import Figure, compared, fresh_store, paired

#: 70 % of the rows train: 10,010
ROWS, COLUMNS, PERMUTATIONS = 14_300, 30, 3


def measure() -> list[Figure]:
    """10k x 30, MLP 64; Prediction's own path, less the reading of the model."""
    return [*_figures("pytorch"), *_figures("keras")]


def _figures(library: str) -> list[Figure]:
    from aiqc.orm import Algorithm, Hyperparamset, Job, Queue
    from aiqc.orm.task_source import TaskSource
    from aiqc.training.arrays import compute_task
    from aiqc.training.backend import load_backend
    from aiqc.training.importance import split_importance

    build, train = {
        "pytorch": (_study.torch_build, _study.torch_train),
        "keras": (_study.keras_build, _study.keras_train),
    }[library]
    with fresh_store():
        splits = _study.splitset(_study.frame(ROWS, COLUMNS))
        algorithm = Algorithm.make(library, "regression", build, train)
        space = Hyperparamset.from_algorithm(algorithm, {"epochs": [2], "width": [64]})
        queue = Queue.from_algorithm(algorithm, splits, hyperparamset_id=space, permute_count=0)
        task = TaskSource(queue).task(Job.of(queue.jobs.first()), 0, 1)
        backend = load_backend(task.library)
        backend.seed(0, 1)
        ready = compute_task(task, backend)
        model, _, loser, _, _ = backend.train(ready)
        features, label = ready.features["train"], ready.label["train"]
        found: dict[str, Any] = {}

        def ours() -> None:
            found["importance"] = split_importance(
                *(ready, backend, model, loser), split="train", permute_count=PERMUTATIONS, seed=0
            )

        def passes() -> None:
            for _ in range(COLUMNS * PERMUTATIONS + 1):
                backend.loss(ready, model, loser, features, label)

        own, floor = paired(ours, passes, repeats=25, warmups=2)
    medians = {name: median for name, (median, _) in found["importance"][0].items()}
    # the study's coefficients run from -1 to 1: the outer columns matter most
    assert medians["c0"] > medians["c15"], medians
    assert np.isfinite(list(medians.values())).all()
    name = f"permutation importance / forward passes, {library}"
    return compared(name, own, floor, at_most=1.2)
