"""Several processes at one Queue: every run exactly once, on each database."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from toy_studies import KEY, make_queue
from warm_python import warm_python

import aiqc
from aiqc.core.clock import utc_now
from aiqc.core.enums import RunState
from aiqc.core.types import Lease
from aiqc.execution.heartbeat import heartbeat
from aiqc.execution.owner import this_process
from aiqc.orm import MetricResult, Prediction, Predictor, Run
from aiqc.orm._connect import connection_string
from aiqc.orm._database import proxy
from aiqc.orm.job_store import QueueJobStore

#: every process says when it is ready and begins when all are
WORK = """
import os, time, aiqc
from aiqc.orm import Queue
aiqc.connect(os.environ["STORE"])
queue = Queue.of(1)
while time.time() < float(os.environ["START"]):
    time.sleep(0.001)
queue.run_jobs(progress=False)
"""


@pytest.fixture
def shared(any_store: Any, monkeypatch: pytest.MonkeyPatch, private_home: Any) -> dict[str, str]:
    """Return what other processes need to work on the store of this test."""
    monkeypatch.setenv("AIQC_SIGNING_KEY", KEY)
    home = str(private_home / "aiqc")
    return {"AIQC_SIGNING_KEY": KEY, "AIQC_HOME": home, "STORE": connection_string()}


@pytest.mark.parametrize("folds", [{}, {"fold_count": 2}], ids=["plain", "folds"])
def test_processes_at_one_queue_make_every_run_once(
    shared: dict[str, str], folds: dict[str, int]
) -> None:
    space = {"hidden": [0, 2] if folds else [0, 2, 3, 4], "pause": [0.01]}
    queue = make_queue(space=space, permute_count=0, **folds)
    warm_python().run(WORK, 3, START=str(time.time() + 0.5), **shared)
    runs = list(queue.runs.order_by(Run.idx))
    assert [run.state for run in runs] == [RunState.COMPLETE] * 8
    assert [run.token for run in runs] == [1] * 8
    # nobody waited for another one's whole queue
    assert len({run.owner_pid for run in runs}) == 3
    assert sorted(row.run_id for row in Predictor.select()) == [run.id for run in runs]
    assert Prediction.select().count() == 8
    splits, metrics = 3 if folds else 2, 7
    assert MetricResult.select().count() == 8 * splits * metrics
    # the fits of a fold are made once, whoever comes first
    places = [(fit.fold_id, fit.feature_id, fit.label_id) for fit in queue.splitset.fits]
    assert len(places) == len(set(places)) == 2 * (folds.get("fold_count", 1))


def test_a_living_worker_keeps_its_run(shared: dict[str, str]) -> None:
    queue = make_queue(space={"hidden": [0], "pause": [0.1]}, permute_count=0)
    start = {**shared, "START": "0"}
    with warm_python().started(WORK, **start) as (pids, ended):
        limit = time.monotonic() + 30
        while not queue.status.get("running") and time.monotonic() < limit:
            time.sleep(0.01)
        # the second run is ours, the first one is trained by the other process
        queue.run_jobs(progress=False)
    assert ended[0].code == 0, ended[0].out
    runs = list(queue.runs.order_by(Run.idx))
    assert [(run.state, run.token) for run in runs] == [(RunState.COMPLETE, 1)] * 2
    assert [run.owner_pid for run in runs] == [pids[0], this_process().pid]


def test_the_heartbeat_renews_the_row_and_leaves_no_connection(any_store: Any) -> None:
    queue = make_queue(space={"hidden": [0]}, permute_count=0)
    store = QueueJobStore(queue, 1, str)
    lease = store.claim(this_process(), utc_now(), 1)
    assert isinstance(lease, Lease)
    with heartbeat(store, lease, renew_seconds=0.02, lease_seconds=600):
        limit = time.monotonic() + 30
        while Run.of(lease.run_id).lease_expires == lease.expires and time.monotonic() < limit:
            time.sleep(0.01)
        # the lease that was taken has run out; the one that was renewed has not
        assert store.recover(lease.expires + timedelta(seconds=60)) == []
    assert Run.of(lease.run_id).lease_expires > lease.expires + timedelta(seconds=500)
    assert not proxy.obj.is_closed()


def test_a_run_of_another_store_is_refused(any_store: Any, tmp_path: Any) -> None:
    from aiqc.core.errors import WrongStore

    queue = make_queue(space={"hidden": [0]})
    aiqc.connect(tmp_path / "other.sqlite3")
    with pytest.raises(WrongStore, match=r"other\.sqlite3 is connected"):
        queue.run_jobs(progress=False)
    assert Run.select().count() == 0
