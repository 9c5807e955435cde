"""A JobStore in memory: for tests of the loop, and for tests by others."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiqc.core.enums import RunState
from aiqc.core.errors import LeaseLost
from aiqc.core.types import Failure, Lease, Outcome, Owner
from aiqc.execution.lease import expires_at, is_abandoned
from aiqc.execution.owner import this_process

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class _Slot:
    state: RunState = RunState.PENDING
    token: int = 0
    owner: Owner | None = None
    expires: datetime | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None


class MemoryJobStore:
    """Runs 1..count in a dictionary behind one lock.

    Parameters
    ----------
    count
        How many runs are planned.
    """

    def __init__(self, count: int) -> None:
        self._slots = {run_id: _Slot() for run_id in range(1, count + 1)}
        self._lock = threading.Lock()

    @property
    def states(self) -> list[RunState]:
        """The state of each run, in order."""
        return [slot.state for slot in self._slots.values()]

    @property
    def failures(self) -> dict[int, Failure]:
        """The failures of the runs that failed."""
        return {key: slot.failure for key, slot in self._slots.items() if slot.failure is not None}

    def claim(self, owner: Owner, now: datetime, lease_seconds: float) -> Lease | None:
        """Take the first pending run."""
        with self._lock:
            for run_id, slot in self._slots.items():
                if slot.state is RunState.PENDING:
                    slot.state, slot.owner = RunState.RUNNING, owner
                    slot.token += 1
                    slot.expires = expires_at(now, lease_seconds)
                    return Lease(run_id, slot.token, owner, slot.expires)
        return None

    def renew(self, lease: Lease, now: datetime, lease_seconds: float) -> Lease:
        """Extend a lease."""
        with self._lock:
            slot = self._held(lease)
            if slot.state is not RunState.RUNNING:
                raise _lost(lease)
            slot.expires = expires_at(now, lease_seconds)
            return Lease(lease.run_id, lease.token, lease.owner, slot.expires)

    def complete(self, lease: Lease, outcome: Outcome) -> int:
        """Keep the result; the run's id stands for the Predictor's."""
        with self._lock:
            slot = self._held(lease)
            slot.state, slot.outcome, slot.failure = RunState.COMPLETE, outcome, None
            return lease.run_id

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Keep the failure."""
        with self._lock:
            slot = self._held(lease)
            slot.state, slot.failure = RunState.FAILED, failure

    def release(self, lease: Lease) -> None:
        """Give the run back; nothing happens if it is no longer held."""
        with self._lock:
            slot = self._slots[lease.run_id]
            if slot.state is RunState.RUNNING and slot.token == lease.token:
                slot.state = RunState.PENDING

    def recover(self, now: datetime) -> list[int]:
        """Return abandoned runs to pending."""
        me = this_process()
        with self._lock:
            found = [key for key, slot in self._slots.items() if _abandoned(key, slot, now, me)]
            for run_id in found:
                self._slots[run_id].state = RunState.PENDING
        return found

    def retry_failed(self) -> list[int]:
        """Return failed runs to pending."""
        with self._lock:
            found = [key for key, slot in self._slots.items() if slot.state is RunState.FAILED]
            for run_id in found:
                self._slots[run_id].state = RunState.PENDING
        return found

    def progress(self) -> tuple[int, int]:
        """Return (runs complete, runs in total)."""
        with self._lock:
            done = sum(slot.state is RunState.COMPLETE for slot in self._slots.values())
            return done, len(self._slots)

    def _held(self, lease: Lease) -> _Slot:
        slot = self._slots[lease.run_id]
        # after a lease ran out the run may be pending again: as long as nobody took it, the
        # result of its last owner counts
        waiting = slot.state in {RunState.RUNNING, RunState.PENDING}
        if slot.token != lease.token or not waiting:
            raise _lost(lease)
        return slot


def _lost(lease: Lease) -> LeaseLost:
    msg = f"Run {lease.run_id} is no longer held under token {lease.token}."
    hint = "Another process took it over; nothing is lost."
    return LeaseLost(msg, hint=hint, run_id=lease.run_id, token=lease.token)


def _abandoned(run_id: int, slot: _Slot, now: datetime, me: Owner) -> bool:
    if slot.state is not RunState.RUNNING or slot.owner is None or slot.expires is None:
        return False
    return is_abandoned(slot.owner, run_id, slot.token, slot.expires, now, me)
