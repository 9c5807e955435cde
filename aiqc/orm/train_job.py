"""The shell around training: rows to values, values through `training`, values to rows."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import Library
from aiqc.core.errors import InvalidInput, ResultWarning
from aiqc.core.seeds import derive, is_whole_number
from aiqc.execution.runner import run_jobs
from aiqc.orm._database import transaction
from aiqc.orm._results import write_importance
from aiqc.orm.job_store import QueueJobStore
from aiqc.orm.predictor import Predictor, sign_model
from aiqc.orm.run import Run
from aiqc.orm.task_source import TaskSource, default_thread_count
from aiqc.training.task import importance_task, rebuild_task, train_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiqc.core.types import Lease, Outcome
    from aiqc.orm.prediction import Prediction
    from aiqc.orm.queue import Queue


def run_queue(queue: Queue, *, continue_on_error: bool, progress: bool) -> None:
    """Run what is pending of a Queue; see `Queue.run_jobs`."""
    library = str(queue.algorithm.library)
    store = QueueJobStore(queue, default_thread_count(), partial(sign_model, library))
    if not Run.select().where(Run.queue == queue, Run.state != "complete").exists():
        return
    source = TaskSource(queue)
    notes: list[str] = []

    def train(lease: Lease) -> Outcome:
        outcome = _train(queue, source, lease)
        notes.extend(f"Run {lease.run_id}: {note}" for note in outcome.notes)
        return outcome

    with _progress_bar(queue, shown=progress) as show:

        def on_progress(done: int, total: int) -> None:
            show(done, total)
            # after the commit: a warning that is an error must not cost the result
            while notes:
                warnings.warn(notes.pop(0), ResultWarning, stacklevel=7)

        ran = run_jobs(store, train, continue_on_error=continue_on_error, on_progress=on_progress)
    if ran.failed:
        runs = "run" if ran.failed == 1 else "runs"
        message = f"{ran.failed} {runs} of {queue!r} failed; the tracebacks are on queue.runs."
        warnings.warn(message, ResultWarning, stacklevel=4)


def rebuild(predictor: Predictor) -> Any:
    """Return the model of a Predictor as its library knows it; see `Predictor.get_model`."""
    queue, run = predictor.job.queue, predictor.run
    stored = predictor.stored_model()
    # without samples: what was trained on may be gone
    task = TaskSource(queue).inference_task(predictor.job, [], None, "")
    task = replace(task, seed=run.seed, thread_count=_threads(run))
    model, optimizer = rebuild_task(task, stored)
    return (model, optimizer) if queue.algorithm.library is Library.PYTORCH else model


def compute_importance(prediction: Prediction, permute_count: int, split: str | None) -> None:
    """Compute and keep feature importance; see `Prediction.calc_featureImportance`."""
    if not is_whole_number(permute_count) or permute_count < 1:
        msg = f"permute_count={permute_count!r} is not a whole number of at least 1."
        raise InvalidInput(msg, hint="Use 1 or more.", value=permute_count)
    predictor = prediction.predictor
    queue = predictor.job.queue
    run = predictor.run
    task = TaskSource(queue).task(predictor.job, run.seed, _threads(run))
    name = task.key_train if split is None else split
    if name not in task.features:
        msg = f"{prediction!r} has no split {name!r}."
        raise InvalidInput(msg, hint=f"Use one of {list(task.features)}.", value=name)
    seed = derive(task.seed, "importance")
    found = importance_task(task, predictor.stored_model(), name, int(permute_count), seed)
    feature_ids = [feature.id for feature in queue.splitset.features]
    with transaction():
        write_importance(
            prediction,
            found,
            feature_ids=feature_ids,
            permute_count=int(permute_count),
            split=name,
        )


def _train(queue: Queue, source: TaskSource, lease: Lease) -> Outcome:
    run = Run.of(lease.run_id)
    return train_task(source.task(run.job, run.seed, _threads(run), queue.permute_count))


def _threads(run: Run) -> int:
    return int(run.thread_count or default_thread_count())


@contextmanager
def _progress_bar(queue: Queue, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    from tqdm.auto import tqdm

    disable = None if shown else True
    with tqdm(
        total=queue.total_runs, desc=f"Queue {queue.id}", unit="run", disable=disable
    ) as bar:

        def on_progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        yield on_progress
