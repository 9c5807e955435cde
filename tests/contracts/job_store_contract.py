"""What every JobStore owes; inherit the class and make stores to inherit the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest

from aiqc.core.clock import utc_now
from aiqc.core.enums import ModelForm, Output, RunState
from aiqc.core.errors import JobFailed, LeaseLost
from aiqc.core.protocols import JobStore
from aiqc.core.types import Failure, Lease, Outcome, Owner, Shapes, StoredModel
from aiqc.execution.lease import active
from aiqc.execution.owner import this_process
from aiqc.execution.runner import Ran, run_jobs

PENDING, RUNNING, COMPLETE, FAILED = (
    RunState.PENDING,
    RunState.RUNNING,
    RunState.COMPLETE,
    RunState.FAILED,
)
ELSEWHERE = Owner("elsewhere", "boot", 11, 12)
FAILURE = Failure("ZeroDivisionError", "two \0 halves \ud800", "Traceback ...\nZeroDivisionError")


def outcome(lease: Lease) -> Outcome:
    """Return a result that tells the run and the claim apart."""
    number = lease.run_id + lease.token / 100
    return Outcome(
        shapes=Shapes((2,), (1,)),
        history={"loss": np.array([number, np.nan])},
        model=StoredModel(ModelForm.WEIGHTS, f"model {number}".encode(), b"o", Output.PROBABILITY),
        predictions={"train": np.array(["yes", "no"], dtype=object)},
        probabilities={"train": np.array([[number], [0.25]])},
        metrics={"train": {"loss": number, "roc_auc": float("nan"), "recall": float("inf")}},
        importance=None,
        seconds=7.2,
    )


@cache
def dead_owner() -> Owner:
    """Return a process of this host that has ended."""
    code = (
        "from aiqc.execution.owner import this_process as t; o = t();"
        "print(o.host, o.boot_id, o.pid, o.process_start, sep='\\n')"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    host, boot, pid, start = child.stdout.split("\n")[:4]
    return Owner(host, boot, int(pid), int(start))


class JobStoreContract:
    """The behaviour of a JobStore; see `test_job_store_contract.py` for how to inherit it."""

    #: columns of a failure that the store keeps exactly
    keeps_any_text: ClassVar[bool] = True

    def make(self, count: int) -> JobStore:
        """Return a store with `count` runs, all pending."""
        raise NotImplementedError

    def ids(self, store: Any) -> list[int]:
        """Return the ids of the runs in the order of the plan."""
        raise NotImplementedError

    def states(self, store: Any) -> list[RunState]:
        """Return the state of each run, in the order of the plan."""
        raise NotImplementedError

    def failures(self, store: Any) -> dict[int, Failure]:
        """Return the failure of each run that has one, by position."""
        raise NotImplementedError

    def results(self, store: Any) -> dict[int, float]:
        """Return the first loss of each result, by position."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, places: Any) -> Any:
        """Return a store with three runs."""
        return self.make(3)

    def claim(self, store: Any, owner: Owner | None = None, seconds: float = 300) -> Lease:
        """Claim a run that must be there."""
        lease = store.claim(owner or this_process(), utc_now(), seconds)
        assert isinstance(lease, Lease)
        return lease

    # --- claiming ---------------------------------------------------------

    def test_claims_come_in_the_order_of_the_plan(self, store):
        now = utc_now()
        leases = [store.claim(ELSEWHERE, now, 60) for _ in range(3)]
        expected = [
            Lease(own, 1, ELSEWHERE, now + timedelta(seconds=60)) for own in self.ids(store)
        ]
        assert leases == expected
        assert store.claim(ELSEWHERE, now, 60) is None
        assert self.states(store) == [RUNNING] * 3
        assert store.progress() == (0, 3)

    def test_an_empty_store_has_nothing_to_claim(self, places):
        store = self.make(1)
        store.complete(lease := self.claim(store), outcome(lease))
        assert store.claim(ELSEWHERE, utc_now(), 60) is None
        assert store.progress() == (1, 1)

    def test_threads_claim_each_run_once(self, places):
        store, taken, barrier = self.make(8), [], threading.Barrier(4)

        def work() -> None:
            barrier.wait()
            while (lease := store.claim(this_process(), utc_now(), 60)) is not None:
                taken.append(lease.run_id)
                store.complete(lease, outcome(lease))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == self.ids(store)
        assert self.states(store) == [COMPLETE] * 8

    # --- results ----------------------------------------------------------

    def test_a_result_is_visible_once_and_commits_once(self, store):
        lease = self.claim(store)
        identity = store.complete(lease, outcome(lease))
        assert identity >= 1
        assert self.states(store) == [COMPLETE, PENDING, PENDING]
        assert self.results(store) == {0: lease.run_id + 0.01}
        assert store.progress() == (1, 3)
        with pytest.raises(LeaseLost, match=rf"Run {lease.run_id} .* token 1") as lost:
            store.complete(lease, outcome(lease))
        assert (lost.value.run_id, lost.value.token) == (lease.run_id, 1)
        assert self.results(store) == {0: lease.run_id + 0.01}

    def test_results_have_ids_of_their_own(self, store):
        leases = [self.claim(store) for _ in range(3)]
        found = [store.complete(lease, outcome(lease)) for lease in reversed(leases)]
        assert len(set(found)) == 3
        assert list(self.results(store)) == [0, 1, 2]

    def test_a_result_under_an_old_token_is_refused(self, store):
        old = self.claim(store, ELSEWHERE, 1)
        later = utc_now() + timedelta(seconds=2)
        assert store.recover(later) == [old.run_id]
        new = self.claim(store)
        assert (new.run_id, new.token) == (old.run_id, 2)
        for call in (
            lambda: store.complete(old, outcome(old)),
            lambda: store.fail(old, FAILURE),
            lambda: store.renew(old, utc_now(), 60),
        ):
            with pytest.raises(LeaseLost):
                call()
        store.release(old)
        assert self.states(store) == [RUNNING, PENDING, PENDING]
        store.complete(new, outcome(new))
        assert self.results(store) == {0: new.run_id + 0.02}
        assert self.failures(store) == {}

    def test_a_late_result_that_nobody_took_over_counts(self, store):
        lease = self.claim(store, ELSEWHERE, 1)
        assert store.recover(utc_now() + timedelta(seconds=2)) == [lease.run_id]
        assert self.states(store) == [PENDING] * 3
        store.complete(lease, outcome(lease))
        assert self.states(store) == [COMPLETE, PENDING, PENDING]

    def test_a_late_failure_that_nobody_took_over_counts(self, store):
        lease = self.claim(store, ELSEWHERE, 1)
        store.recover(utc_now() + timedelta(seconds=2))
        store.fail(lease, FAILURE)
        assert self.states(store) == [FAILED, PENDING, PENDING]

    # --- failures ---------------------------------------------------------

    def test_a_failure_is_kept_until_the_run_completes(self, store):
        lease = self.claim(store)
        store.fail(lease, FAILURE)
        assert self.states(store) == [FAILED, PENDING, PENDING]
        kept = self.failures(store)[0]
        assert (kept.error_type, kept.traceback) == (FAILURE.error_type, FAILURE.traceback)
        shown = FAILURE.message if self.keeps_any_text else "two \\0 halves \\ud800"
        assert kept.message == shown
        assert store.progress() == (0, 3)
        with pytest.raises(LeaseLost):
            store.complete(lease, outcome(lease))
        assert [self.claim(store).run_id for _ in range(2)] == self.ids(store)[1:]
        assert store.claim(ELSEWHERE, utc_now(), 60) is None
        assert store.retry_failed() == [lease.run_id]
        assert store.retry_failed() == []
        assert self.states(store) == [PENDING, RUNNING, RUNNING]
        assert self.failures(store)[0].error_type == "ZeroDivisionError"
        again = self.claim(store)
        assert (again.run_id, again.token) == (lease.run_id, 2)
        store.complete(again, outcome(again))
        assert self.failures(store) == {}

    # --- giving back, renewing, recovering --------------------------------

    def test_a_released_run_is_the_next_one_again(self, store):
        lease = self.claim(store)
        store.release(lease)
        store.release(lease)
        assert self.states(store) == [PENDING] * 3
        again = self.claim(store)
        assert (again.run_id, again.token) == (lease.run_id, 2)
        store.complete(again, outcome(again))
        store.release(again)
        assert self.states(store) == [COMPLETE, PENDING, PENDING]

    def test_renewing_moves_the_end_of_the_lease(self, store):
        lease, now = self.claim(store, ELSEWHERE, 10), utc_now()
        renewed = store.renew(lease, now, 100)
        assert renewed == Lease(lease.run_id, 1, ELSEWHERE, now + timedelta(seconds=100))
        assert store.recover(now + timedelta(seconds=99)) == []
        assert store.recover(now + timedelta(seconds=101)) == [lease.run_id]

    @pytest.mark.parametrize("ending", ["released", "recovered", "completed", "failed"])
    def test_what_is_not_held_is_not_renewed(self, store, ending):
        lease = self.claim(store, ELSEWHERE, 1)
        end = {
            "released": lambda: store.release(lease),
            "recovered": lambda: store.recover(utc_now() + timedelta(seconds=2)),
            "completed": lambda: store.complete(lease, outcome(lease)),
            "failed": lambda: store.fail(lease, FAILURE),
        }
        end[ending]()
        before = self.states(store)
        with pytest.raises(LeaseLost):
            store.renew(lease, utc_now(), 60)
        assert self.states(store) == before

    def test_only_abandoned_runs_are_recovered(self, places):
        store, here = self.make(5), this_process()
        living = Owner(here.host, here.boot_id, os.getppid(), 0)
        dead = self.claim(store, dead_owner(), 3600)
        elsewhere = self.claim(store, ELSEWHERE, 3600)
        alive = self.claim(store, living, 3600)
        rebooted = self.claim(store, Owner(here.host, "an earlier boot", here.pid, 1), 3600)
        mine = self.claim(store, here, 3600)
        with active(mine.run_id, mine.token):
            assert store.recover(utc_now()) == [dead.run_id, rebooted.run_id]
        # what this process no longer executes was left by an interrupt
        assert store.recover(utc_now()) == [mine.run_id]
        assert self.states(store) == [PENDING, RUNNING, RUNNING, PENDING, PENDING]
        late = utc_now() + timedelta(seconds=3601)
        assert store.recover(late) == [elsewhere.run_id, alive.run_id]
        assert store.recover(late) == []

    def test_finished_runs_are_never_recovered(self, places):
        store = self.make(2)
        first, second = self.claim(store, dead_owner(), 1), self.claim(store, dead_owner(), 1)
        store.complete(first, outcome(first))
        store.fail(second, FAILURE)
        assert store.recover(utc_now() + timedelta(seconds=99)) == []
        assert self.states(store) == [COMPLETE, FAILED]

    # --- with the loop ----------------------------------------------------

    def test_the_loop_stops_at_a_failure_and_a_second_call_ends_it(self, store):
        second = self.ids(store)[1]

        def train(lease: Lease) -> Outcome:
            if lease.run_id == second and lease.token == 1:
                raise ZeroDivisionError("two")
            return outcome(lease)

        with pytest.raises(JobFailed, match=rf"Run {second} raised ZeroDivisionError: two"):
            run_jobs(store, train)
        assert self.states(store) == [COMPLETE, FAILED, PENDING]
        assert 'raise ZeroDivisionError("two")' in self.failures(store)[1].traceback
        assert run_jobs(store, train) == Ran(2, 0)
        assert self.states(store) == [COMPLETE] * 3
        tokens = [1, 2, 1]
        expected = {i: own + tokens[i] / 100 for i, own in enumerate(self.ids(store))}
        assert self.results(store) == pytest.approx(expected)

    def test_the_loop_gives_an_interrupted_run_back(self, store):
        def train(lease: Lease) -> Outcome:
            if lease.run_id == self.ids(store)[1]:
                raise KeyboardInterrupt
            return outcome(lease)

        with pytest.raises(KeyboardInterrupt):
            run_jobs(store, train)
        assert self.states(store) == [COMPLETE, PENDING, PENDING]

    def test_an_interrupt_behind_an_error_is_an_interrupt(self, store):
        def train(lease: Lease) -> Outcome:
            try:
                raise KeyboardInterrupt
            finally:
                raise ValueError("closing what was half written")

        with pytest.raises(KeyboardInterrupt) as caught:
            run_jobs(store, train)
        assert isinstance(caught.value.__cause__, ValueError)
        assert self.states(store) == [PENDING] * 3
        assert self.failures(store) == {}

    def test_an_interrupt_between_claim_and_run_leaves_nothing_running(self, store, monkeypatch):
        claim = store.claim

        def claim_then_interrupt(*args: Any) -> Lease:
            claim(*args)
            raise KeyboardInterrupt

        monkeypatch.setattr(store, "claim", claim_then_interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_jobs(store, outcome)
        assert self.states(store) == [PENDING] * 3

    def test_a_run_taken_over_while_it_trains_is_left_to_the_other(self, store):
        first = self.ids(store)[0]
        other: list[Lease] = []

        def train(lease: Lease) -> Outcome:
            if lease.run_id == first:
                store.recover(utc_now() + timedelta(seconds=301))
                other.append(self.claim(store, ELSEWHERE))
                raise ValueError("late")
            return outcome(lease)

        ran = run_jobs(store, train, continue_on_error=True, owner=Owner("away", "b", 1, 1))
        assert (ran.completed, ran.failed) == (2, 1)
        assert self.states(store) == [RUNNING, COMPLETE, COMPLETE]
        assert self.failures(store) == {}
        store.complete(other[0], outcome(other[0]))
        assert self.results(store)[0] == first + 0.02
