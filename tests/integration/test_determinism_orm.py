"""The same store content gives the same seeds, samples, fits and weights in every process."""

# ruff: noqa: NPY002 - the user's global generator is what some tests are about

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_studies import KEY, make_queue
from warm_python import HERE, ROOT

import aiqc
from aiqc.orm import Predictor, Run

#: makes the same study from nothing and prints what it came to
STUDY = """
import json, os, sys
sys.path.insert(0, os.environ["HERE"])
import aiqc
aiqc.connect(os.environ["STORE"])
from aiqc.orm import Algorithm, Fit, Fold, Hyperparamset, Predictor, Queue, Run
import test_rebuild_orm as functions
from toy_studies import make_splitset, toy_build, toy_train

library = sys.argv[1]
build, train = {
    "toy": (toy_build, toy_train),
    "sklearn": (functions.sklearn_build, None),
    "pytorch": (functions.torch_build, functions.torch_train),
    "keras": (functions.keras_build, functions.keras_train),
}[library]
space = {"toy": {"hidden": [3]}, "sklearn": {"kind": ["forest", "linear"]}}.get(library)
split = {"fold_count": 2} if library in ("toy", "sklearn") else {}
splitset = make_splitset(name="study", **split)
algorithm = Algorithm.make(library, "classification_binary", build, train)
combos = Hyperparamset.from_algorithm(algorithm, space) if space else None
queue = Queue.from_algorithm(
    algorithm, splitset, repeat_count=2, permute_count=1, hyperparamset_id=combos
)
queue.run_jobs(progress=False)
predictions = [row.predictions[0] for row in Predictor.select().order_by(Predictor.id)]
print(json.dumps({
    "dataset": splitset.label.dataset.sha256_hexdigest,
    "splitset": [splitset.sha256_hexdigest, splitset.seed, splitset.uid],
    "samples": {name: list(rows) for name, rows in splitset.samples.items()},
    "folds": [
        {name: list(rows) for name, rows in fold.samples.items()}
        for fold in splitset.folds.order_by(Fold.idx)
    ],
    "algorithm": algorithm.sha256_hexdigest,
    "columns": [coder.encoded_column_names for coder in splitset.features[0].featurecoders],
    "queue": queue.seed,
    "runs": [[run.seed, run.thread_count] for run in Run.select().order_by(Run.idx)],
    "fits": [fit.content.sha256 for fit in Fit.select().order_by(Fit.id)],
    "models": [row.model_content.sha256 for row in Predictor.select().order_by(Predictor.id)],
    "optimizers": [
        row.optimizer_content and row.optimizer_content.sha256
        for row in Predictor.select().order_by(Predictor.id)
    ],
    "histories": [row.history_content.sha256 for row in Predictor.select().order_by(Predictor.id)],
    "arrays": [row.arrays_content.sha256 for row in predictions],
    "importance": [row.importance_content.sha256 for row in predictions],
    "metrics": [repr(row.metrics) for row in predictions],
}))
"""


def study(folder: Path, library: str, hash_seed: str) -> dict[str, Any]:
    where = folder / hash_seed
    where.mkdir()
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STUDY, library],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "AIQC_HOME": str(where),
            "AIQC_SIGNING_KEY": KEY,
            "HERE": str(HERE),
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": hash_seed,
            "STORE": str(where / "store.sqlite3"),
        },
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("library", "models"),
    [
        ("toy", 4),
        ("sklearn", 8),
        pytest.param("pytorch", 2, marks=[pytest.mark.torch, pytest.mark.slow]),
        pytest.param("keras", 2, marks=[pytest.mark.keras, pytest.mark.slow]),
    ],
)
def test_another_process_comes_to_the_same_bytes(
    tmp_path: Path, library: str, models: int
) -> None:
    first, second = (study(tmp_path, library, seed) for seed in ("1", "4242"))
    for part, found in first.items():
        assert second[part] == found, part
    assert len(first["models"]) == models
    assert {threads for _, threads in first["runs"]} == {1}
    # the draws of the runs differ: equal seeds would make equal models too
    assert len({seed for seed, _ in first["runs"]}) == len(first["runs"])
    assert len(set(first["models"])) == models


def weights() -> list[str]:
    return [row.model_content.sha256 for row in Predictor.select().order_by(Predictor.id)]


def test_the_users_generators_decide_nothing_and_stay(tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        aiqc.connect(tmp_path / f"{number}.sqlite3")
        np.random.seed(number)
        random.seed(number)
        queue = make_queue(space={"hidden": [3]})
        numpy_before, python_before = np.random.get_state()[1].copy(), random.getstate()
        queue.run_jobs(progress=False)
        np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)
        assert random.getstate() == python_before
        found.append((queue.seed, [run.seed for run in Run.select()], weights()))
    assert found[0] == found[1]
    assert len(set(found[0][2])) == 2


def test_another_seed_gives_other_weights_and_is_kept(store: Any) -> None:
    from aiqc.orm import Queue

    queue = make_queue(space={"hidden": [3]}, repeat_count=1)
    parts = (queue.algorithm, queue.splitset, 1, 0, queue.hyperparamset)
    again = Queue.from_algorithm(*parts)
    other = Queue.from_algorithm(*parts, seed=queue.seed + 1)
    for row in (queue, again, other):
        row.run_jobs(progress=False)
    assert (again.seed, other.seed) == (queue.seed, queue.seed + 1)
    first, second, third = weights()
    assert first == second
    assert third != first


def test_seeds_follow_from_the_place_in_the_plan(store: Any) -> None:
    """The seed of combination, fold and repeat does not depend on how many others there are."""
    small = make_queue(space={"hidden": [3]}, repeat_count=1, fold_count=2)
    large = make_queue(small.splitset, {"hidden": [3]}, repeat_count=3)
    seeds = [
        {(run.job.fold.idx, run.repeat_index): run.seed for run in queue.runs}
        for queue in (small, large)
    ]
    assert small.seed == large.seed
    assert {place: seeds[1][place] for place in seeds[0]} == seeds[0]
    assert len(set(seeds[1].values())) == 6


def test_a_run_keeps_its_thread_count_when_it_is_resumed(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiqc.orm import train_job

    queue = make_queue(space={"hidden": [3]}, repeat_count=1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    seen = []

    def interrupted(task: Any) -> Any:
        seen.append(task.thread_count)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_job, "train_task", interrupted)
        with pytest.raises(KeyboardInterrupt):
            queue.run_jobs(progress=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    train = train_job.train_task
    recorded = lambda task: (seen.append(task.thread_count), train(task))[1]  # noqa: E731
    monkeypatch.setattr(train_job, "train_task", recorded)
    queue.run_jobs(progress=False)
    assert seen == [1, 1]
    assert [run.thread_count for run in queue.runs] == [1]
