"""Every JobStore keeps the contract: in memory, and over the tables of each database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from job_store_contract import FAILURE, JobStoreContract, outcome

from aiqc.core.clock import utc_now
from aiqc.core.enums import RunState
from aiqc.core.types import Lease, Owner
from aiqc.execution.memory_store import MemoryJobStore
from aiqc.execution.owner import this_process
from aiqc.orm import _results
from aiqc.orm._registry import registry
from aiqc.orm.algorithm import Algorithm
from aiqc.orm.dataset import Dataset
from aiqc.orm.feature import Feature
from aiqc.orm.job_store import QueueJobStore
from aiqc.orm.label import Label
from aiqc.orm.prediction import Prediction
from aiqc.orm.predictor import Predictor
from aiqc.orm.queue import Queue
from aiqc.orm.run import Run
from aiqc.orm.splitset import Splitset


class TestMemory(JobStoreContract):
    @pytest.fixture
    def places(self):
        return None

    def make(self, count):
        return MemoryJobStore(count)

    def ids(self, store):
        return list(range(1, len(store.states) + 1))

    def states(self, store):
        return store.states

    def failures(self, store):
        return {run_id - 1: failure for run_id, failure in store.failures.items()}

    def results(self, store):
        slots = store._slots.items()
        return {
            run_id - 1: float(slot.outcome.history["loss"][0])
            for run_id, slot in slots
            if slot.outcome is not None
        }


def toy_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from aiqc.training.toy_model import ToyModel

    return ToyModel()


def make_queue(count: int) -> Queue:
    """Return a Queue of `count` runs, planned and not trained."""
    frame = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) ** 2, "y": [0, 1] * 5})
    dataset = Dataset.Tabular.from_df(frame)
    splitset = Splitset.make(
        Feature.from_dataset(dataset, exclude_columns="y"),
        Label.from_dataset(dataset, "y"),
        size_test=0.2,
    )
    algorithm = Algorithm.make("toy", "classification_binary", toy_build)
    return Queue.from_algorithm(algorithm, splitset, repeat_count=count, permute_count=0)


def runs_of(queue: Queue) -> list[Run]:
    return list(Run.select().where(Run.queue == queue).order_by(Run.idx))


class TestTables(JobStoreContract):
    keeps_any_text = False

    @pytest.fixture
    def places(self, any_store):
        return any_store

    def make(self, count):
        return QueueJobStore(make_queue(count), 1, lambda sha256: f"signed {sha256}")

    def ids(self, store):
        return [run.id for run in runs_of(store._queue)]

    def states(self, store):
        return [run.state for run in runs_of(store._queue)]

    def failures(self, store):
        from aiqc.core.types import Failure

        return {
            run.idx: Failure(run.error_type, run.error_message, run.traceback)
            for run in runs_of(store._queue)
            if run.error_type is not None
        }

    def results(self, store):
        query = Predictor.select().join(Run).where(Run.queue == store._queue).order_by(Run.idx)
        return {row.run.idx: float(row.history["loss"][0]) for row in query}

    def test_the_rows_say_who_ran_what_and_when(self, store):
        now = utc_now()
        lease = store.claim(Owner("h", "b", 7, 2**40), now, 60)
        run = Run.of(lease.run_id)
        owner = (run.owner_host, run.owner_boot_id, run.owner_pid, run.owner_process_start)
        assert owner == ("h", "b", 7, 2**40)
        assert (run.time_started, run.time_ended) == (now, None)
        assert (run.lease_expires, run.thread_count) == (now + timedelta(seconds=60), 1)
        predictor = Predictor.of(store.complete(lease, outcome(lease)))
        run = Run.of(lease.run_id)
        assert (predictor.run, predictor.job, predictor.repeat_index) == (run, run.job, 0)
        assert predictor.time_started == now
        assert now <= predictor.time_succeeded <= run.time_ended
        assert (predictor.time_duration, run.lease_expires) == (7, None)
        assert predictor.model_file == f"model {lease.run_id + 0.01}".encode()
        prediction = predictor.predictions[0]
        assert prediction.predictions["train"].tolist() == ["yes", "no"]
        assert prediction.probabilities["train"].tolist() == [[lease.run_id + 0.01], [0.25]]
        scores = prediction.metrics["train"]
        assert (scores["loss"], scores["recall"]) == (lease.run_id + 0.01, float("inf"))
        assert np.isnan(scores["roc_auc"])

    def test_thread_count_of_the_first_attempt_is_kept(self, places):
        queue = make_queue(1)
        first = QueueJobStore(queue, 3, str).claim(this_process(), utc_now(), 60)
        assert isinstance(first, Lease)
        QueueJobStore(queue, 3, str).release(first)
        QueueJobStore(queue, 5, str).claim(this_process(), utc_now(), 60)
        assert [run.thread_count for run in runs_of(queue)] == [3]

    def test_queues_do_not_see_one_another(self, places):
        mine, other = self.make(2), self.make(2)
        dead = Owner("elsewhere", "b", 1, 1)
        held = [other.claim(dead, utc_now(), 1) for _ in range(2)]
        other.fail(held[0], FAILURE)
        late = utc_now() + timedelta(seconds=2)
        assert (mine.recover(late), mine.retry_failed(), mine.progress()) == ([], [], (0, 2))
        assert self.states(other) == [RunState.FAILED, RunState.RUNNING]

    @pytest.mark.parametrize("broken", ["metric_rows", "Prediction.create", "Run.save"])
    def test_a_result_that_cannot_be_written_whole_is_not_written(
        self, store, broken, monkeypatch
    ):
        lease = store.claim(this_process(), utc_now(), 60)
        tables = [table for table in registry() if "Blob" not in table.__name__]
        before = {table: table.select().count() for table in tables}

        def fails(*args: Any, **kwargs: Any) -> Any:
            raise OSError("disk full")

        owner, name = {
            "metric_rows": (_results, "metric_rows"),
            "Run.save": (Run, "save"),
            "Prediction.create": (Prediction, "create"),
        }[broken]
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fails)
            with pytest.raises(OSError, match="disk full"):
                store.complete(lease, outcome(lease))
        assert {table: table.select().count() for table in tables} == before
        assert self.states(store)[0] is RunState.RUNNING
        store.complete(lease, outcome(lease))
        assert self.states(store)[0] is RunState.COMPLETE
