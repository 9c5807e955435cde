"""The loop that runs jobs, on a store in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import numpy as np
import pytest

from aiqc.core.clock import utc_now
from aiqc.core.enums import ModelForm, RunState
from aiqc.core.errors import JobFailed, LeaseLost
from aiqc.core.types import Failure, Lease, Outcome, Owner, Shapes, StoredModel
from aiqc.execution.heartbeat import heartbeat
from aiqc.execution.lease import is_abandoned
from aiqc.execution.memory_store import MemoryJobStore
from aiqc.execution.owner import is_provably_dead, this_process
from aiqc.execution.runner import Ran, run_jobs

PENDING, RUNNING, COMPLETE, FAILED = (
    RunState.PENDING,
    RunState.RUNNING,
    RunState.COMPLETE,
    RunState.FAILED,
)


def outcome(lease: Lease) -> Outcome:
    return Outcome(
        shapes=Shapes((1,), (1,)),
        history={"loss": np.array([float(lease.run_id)])},
        model=StoredModel(ModelForm.WEIGHTS, b""),
        predictions={},
        probabilities=None,
        metrics={},
        importance=None,
        seconds=0.0,
    )


def dead_owner() -> Owner:
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "from aiqc.execution.owner import this_process as t; o = t();"
            "print(o.host, o.boot_id, o.pid, o.process_start, sep='\\n')",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    host, boot, pid, start = child.stdout.split("\n")[:4]
    return Owner(host, boot, int(pid), int(start))


def test_runs_every_job_once_in_order() -> None:
    store, trained, seen = MemoryJobStore(4), [], []

    def train(lease: Lease) -> Outcome:
        trained.append(lease.run_id)
        return outcome(lease)

    ran = run_jobs(store, train, on_progress=lambda done, total: seen.append((done, total)))
    assert ran == Ran(4, 0)
    assert trained == [1, 2, 3, 4]
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert run_jobs(store, train) == Ran(0, 0)


@pytest.mark.parametrize(
    ("go_on", "states"),
    [
        (False, [COMPLETE, FAILED, PENDING]),
        (True, [COMPLETE, FAILED, COMPLETE]),
    ],
)
def test_a_job_that_raises(go_on: bool, states: list[RunState]) -> None:
    store = MemoryJobStore(3)

    def train(lease: Lease) -> Outcome:
        if lease.run_id == 2:
            raise ZeroDivisionError("two")
        return outcome(lease)

    if go_on:
        assert run_jobs(store, train, continue_on_error=True) == Ran(2, 1)
    else:
        with pytest.raises(JobFailed, match=r"Run 2 raised ZeroDivisionError: two.*continue_on"):
            run_jobs(store, train)
    assert store.states == states
    failure = store.failures[2]
    assert (failure.error_type, failure.message) == ("ZeroDivisionError", "two")
    assert 'raise ZeroDivisionError("two")' in failure.traceback
    assert run_jobs(store, outcome).failed == 0
    assert store.states == [COMPLETE] * 3
    assert store.failures == {}


def test_interrupt_gives_the_run_back_and_stops_at_once() -> None:
    store, trained = MemoryJobStore(3), []

    def train(lease: Lease) -> Outcome:
        trained.append(lease.run_id)
        if lease.run_id == 2 and trained.count(2) == 1:
            raise KeyboardInterrupt
        return outcome(lease)

    with pytest.raises(KeyboardInterrupt):
        run_jobs(store, train)
    assert store.states == [COMPLETE, PENDING, PENDING]
    run_jobs(store, train)
    assert trained == [1, 2, 2, 3]


def test_interrupt_between_claim_and_training_is_recovered_by_the_same_process() -> None:
    store = MemoryJobStore(1)
    store.claim(this_process(), utc_now(), 300)
    assert store.states == [RUNNING]
    assert run_jobs(store, outcome) == Ran(1, 0)


def test_the_run_of_a_dead_process_is_taken_over_at_once() -> None:
    store = MemoryJobStore(1)
    stale = store.claim(dead_owner(), utc_now(), 3600)
    assert stale is not None
    assert run_jobs(store, outcome) == Ran(1, 0)
    with pytest.raises(LeaseLost, match=r"Run 1 .* token 1"):
        store.complete(stale, outcome(stale))


def test_the_run_of_a_living_process_is_left_alone() -> None:
    store = MemoryJobStore(1)
    parent = Owner(this_process().host, this_process().boot_id, os.getppid(), 0)
    store.claim(parent, utc_now(), 3600)
    assert run_jobs(store, outcome) == Ran(0, 0)
    assert store.states == [RUNNING]


def test_a_late_result_that_nobody_took_over_is_accepted() -> None:
    store = MemoryJobStore(1)
    lease = store.claim(Owner("elsewhere", "b", 1, 1), utc_now(), 1)
    assert lease is not None
    assert store.recover(utc_now() + timedelta(seconds=2)) == [1]
    store.complete(lease, outcome(lease))
    assert store.states == [COMPLETE]


def test_a_result_commits_once() -> None:
    store = MemoryJobStore(1)
    lease = store.claim(this_process(), utc_now(), 1)
    assert lease is not None
    store.complete(lease, outcome(lease))
    with pytest.raises(LeaseLost):
        store.complete(lease, outcome(lease))


HERE = this_process()


@pytest.mark.parametrize(
    ("owner", "seconds_left", "abandoned"),
    [
        (Owner("elsewhere", "boot", 1, 1), 1, False),  # another host: wait for the lease
        (Owner("elsewhere", "boot", 1, 1), -1, True),
        (Owner(HERE.host, "an earlier boot", HERE.pid, 1), 1, True),  # this host rebooted
        (Owner(HERE.host, HERE.boot_id, os.getppid(), 0), 1, False),  # alive
        (Owner(HERE.host, HERE.boot_id, os.getppid(), 1), 1, True),  # the pid was reused
        (HERE, 1, True),  # this process, not executing it
    ],
)
def test_abandoned(owner: Owner, seconds_left: int, abandoned: bool) -> None:
    now = utc_now()
    expires = now + timedelta(seconds=seconds_left)
    assert is_abandoned(owner, 1, 1, expires, now, HERE) is abandoned


def test_this_process_is_alive_and_a_finished_one_is_dead() -> None:
    assert not is_provably_dead(this_process())
    assert is_provably_dead(dead_owner())


def test_heartbeat_renews_until_the_block_ends() -> None:
    store = MemoryJobStore(1)
    start = utc_now()
    lease = store.claim(this_process(), start, 1)
    assert lease is not None
    renewed = threading.Event()
    original = store.renew

    def renew(*args: object) -> Lease:
        renewed.set()
        return original(*args)  # type: ignore[arg-type]

    store.renew = renew  # type: ignore[method-assign, assignment]
    with heartbeat(store, lease, renew_seconds=0.01, lease_seconds=60):
        assert renewed.wait(5)
        # this process executes the run: it is not up for taking
        assert store.recover(utc_now()) == []
    assert not [t for t in threading.enumerate() if t.name == "aiqc-lease-1"]


def test_sigint_during_training_is_raised_and_the_run_is_given_back() -> None:
    store = MemoryJobStore(1)

    def train(lease: Lease) -> Outcome:
        os.kill(os.getpid(), signal.SIGINT)
        return outcome(lease)

    with pytest.raises(KeyboardInterrupt):
        run_jobs(store, train)
    assert store.states in ([PENDING], [COMPLETE])


def test_failure_of_an_expired_lease_is_refused_when_taken_over() -> None:
    store = MemoryJobStore(1)
    first = store.claim(Owner("elsewhere", "b", 1, 1), utc_now(), 1)
    assert first is not None
    store.recover(utc_now() + timedelta(seconds=2))
    second = store.claim(HERE, utc_now(), 60)
    assert second is not None
    assert second.token == first.token + 1
    with pytest.raises(LeaseLost):
        store.fail(first, Failure("E", "m", "t"))
    store.release(first)
    assert store.states == [RUNNING]
