"""Planning a Queue: the checks that refuse it, then its Trials, Jobs and Runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import to_json
from aiqc.core.errors import InvalidInput
from aiqc.core.seeds import check_seed, derive, from_digest, is_whole_number
from aiqc.orm._base import check_info
from aiqc.orm._bulk import insert_rows
from aiqc.orm._database import transaction
from aiqc.orm._queue_parts import check_parts
from aiqc.orm.fold import Fold
from aiqc.orm.hyperparamcombo import Hyperparamcombo
from aiqc.orm.job import Job
from aiqc.orm.queue import Queue
from aiqc.orm.run import Run
from aiqc.orm.trial import Trial

if TYPE_CHECKING:
    from aiqc.orm.algorithm import Algorithm
    from aiqc.orm.hyperparamset import Hyperparamset
    from aiqc.orm.splitset import Splitset


def plan_queue(
    algorithm: Algorithm,
    splitset: Splitset,
    hyperparamset: Hyperparamset | None,
    *,
    repeat_count: int,
    permute_count: int,
    description: str | None,
    name: str | None,
    seed: int | None,
) -> Queue:
    """Check that the parts fit together, then write the Queue and its plan at once."""
    check_info(name, description)
    _check_count("repeat_count", repeat_count, 1)
    _check_count("permute_count", permute_count, 0)
    check_parts(algorithm, splitset, hyperparamset)
    folds: list[Fold | None] = list(splitset.folds.order_by(Fold.idx))
    folds = folds or [None]
    combos = _combos(hyperparamset)
    root = _default_seed(algorithm, splitset, hyperparamset) if seed is None else check_seed(seed)
    with transaction():
        queue = Queue.create(
            algorithm=algorithm,
            splitset=splitset,
            hyperparamset=hyperparamset,
            repeat_count=int(repeat_count),
            permute_count=int(permute_count),
            total_runs=len(combos) * len(folds) * int(repeat_count),
            seed=root,
            name=name,
            description=description,
        )
        _write_plan(queue, combos, folds)
    return queue


def run_seed(root: int, trial_idx: int, fold_idx: int, repeat_index: int) -> int:
    """Return the seed of a run from its place in the plan (DESIGN §3.8)."""
    return derive(root, "trial", trial_idx, "fold", fold_idx, "repeat", repeat_index)


def _write_plan(
    queue: Queue, combos: list[Hyperparamcombo | None], folds: list[Fold | None]
) -> None:
    insert_rows(
        Trial, [{"idx": i, "queue": queue, "hyperparamcombo": c} for i, c in enumerate(combos)]
    )
    trials = list(Trial.select().where(Trial.queue == queue).order_by(Trial.idx))
    places = [(trial, fold) for trial in trials for fold in folds]
    insert_rows(Job, [_job_row(queue, trial, fold) for trial, fold in places])
    jobs = list(Job.select(Job.id).where(Job.queue == queue).order_by(Job.id))
    by_place = {(t.idx, f.idx if f else 0): j.id for (t, f), j in zip(places, jobs, strict=True)}
    rows = [
        {
            "idx": 0,
            "queue": queue,
            "job": by_place[place],
            "repeat_index": repeat,
            "seed": run_seed(queue.seed, place[0], place[1], repeat),
        }
        for repeat in range(queue.repeat_count)
        for place in by_place
    ]
    insert_rows(Run, [row | {"idx": idx} for idx, row in enumerate(rows)])


def _job_row(queue: Queue, trial: Trial, fold: Fold | None) -> dict[str, Any]:
    return {
        "queue": queue,
        "trial": trial,
        "hyperparamcombo": trial.hyperparamcombo_id,
        "fold": fold,
        "repeat_count": queue.repeat_count,
    }


def _combos(hyperparamset: Hyperparamset | None) -> list[Hyperparamcombo | None]:
    if hyperparamset is None:
        return [None]
    return list(hyperparamset.hyperparamcombos.order_by(Hyperparamcombo.idx))


def _default_seed(
    algorithm: Algorithm, splitset: Splitset, hyperparamset: Hyperparamset | None
) -> int:
    space = None if hyperparamset is None else hyperparamset.hyperparameters
    facts = to_json([algorithm.sha256_hexdigest, splitset.sha256_hexdigest, space])
    return from_digest(hashlib.sha256(facts.encode()).hexdigest())


def _check_count(argument: str, value: int, least: int) -> None:
    if not is_whole_number(value) or value < least:
        msg = f"{argument}={value!r} is not a whole number of at least {least}."
        raise InvalidInput(msg, hint=f"Use {least} or more.", value=value)
