"""The JobStore over the tables: runs of one Queue, leased, and their results committed once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from peewee import IntegrityError

from aiqc.core.clock import utc_now
from aiqc.core.enums import RunState
from aiqc.core.errors import LeaseLost
from aiqc.core.types import Lease, Owner
from aiqc.execution.lease import expires_at, is_abandoned
from aiqc.execution.owner import this_process
from aiqc.orm._database import current, transaction
from aiqc.orm._results import StoredOutcome, is_small, put_outcome, write_outcome
from aiqc.orm.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aiqc.core.types import Failure, Outcome
    from aiqc.orm.queue import Queue

#: states in which the last owner's result still counts
_OPEN = (RunState.RUNNING, RunState.PENDING)
#: the state in which a lease is held
_HELD = (RunState.RUNNING,)


class QueueJobStore:
    """Leases the runs of a Queue; satisfies `core.protocols.JobStore`.

    Parameters
    ----------
    queue
        Whose runs are leased.
    thread_count
        Threads that this process computes with; kept on each run that has none yet.
    sign_model
        Signs a model that is stored as code, from its sha256.
    """

    def __init__(self, queue: Queue, thread_count: int, sign_model: Callable[[str], str]) -> None:
        self._queue = queue
        self._thread_count = thread_count
        self._sign_model = sign_model

    def claim(self, owner: Owner, now: datetime, lease_seconds: float) -> Lease | None:
        """Take the pending run that comes first in the plan."""
        expires = expires_at(now, lease_seconds)
        with transaction():
            run = self._first_pending()
            if run is None:
                return None
            run.state = RunState.RUNNING
            run.token += 1
            run.owner_host, run.owner_boot_id = owner.host, owner.boot_id
            run.owner_pid, run.owner_process_start = owner.pid, owner.process_start
            run.lease_expires = expires
            run.time_started, run.time_ended = now, None
            run.thread_count = run.thread_count or self._thread_count
            run.save()
        return Lease(run.id, run.token, owner, expires)

    def renew(self, lease: Lease, now: datetime, lease_seconds: float) -> Lease:
        """Extend a lease; called from the heartbeat's thread."""
        expires = expires_at(now, lease_seconds)
        with transaction():
            held = self._update(lease, _HELD, lease_expires=expires)
        if not held:
            raise _lost(lease)
        return Lease(lease.run_id, lease.token, lease.owner, expires)

    def complete(self, lease: Lease, outcome: Outcome) -> int:
        """Store the blobs, then make the result visible in one transaction."""
        if is_small(outcome):
            # equal bytes from another process at the same moment: the slower way below waits
            with suppress(IntegrityError), transaction():
                return self._commit(lease, outcome, put_outcome(outcome, at_once=True))
        # written in transactions of their own, so that other writers never wait for them
        stored = put_outcome(outcome)
        with transaction():
            return self._commit(lease, outcome, stored)

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Record that the run raised."""
        with transaction():
            held = self._update(
                lease,
                _OPEN,
                state=RunState.FAILED,
                time_ended=utc_now(),
                error_type=failure.error_type,
                error_message=_storable(failure.message),
                traceback=_storable(failure.traceback),
            )
        if not held:
            raise _lost(lease)

    def release(self, lease: Lease) -> None:
        """Give an unfinished run back; nothing happens if it is no longer held."""
        with transaction():
            self._update(lease, _HELD, state=RunState.PENDING, time_started=None)

    def recover(self, now: datetime) -> list[int]:
        """Return abandoned runs to pending."""
        me = this_process()
        with transaction():
            running = Run.select().where(Run.queue == self._queue, Run.state == RunState.RUNNING)
            found = [run for run in running if _is_abandoned(run, now, me)]
            for run in found:
                self._set_pending(run, time_started=None)
        return [run.id for run in found]

    def retry_failed(self) -> list[int]:
        """Return failed runs to pending; their tracebacks stay until they complete."""
        with transaction():
            query = Run.select().where(Run.queue == self._queue, Run.state == RunState.FAILED)
            failed = list(query)
            for run in failed:
                self._set_pending(run)
        return [run.id for run in failed]

    def progress(self) -> tuple[int, int]:
        """Return (runs complete, runs in total)."""
        mine = Run.select().where(Run.queue == self._queue)
        return mine.where(Run.state == RunState.COMPLETE).count(), mine.count()

    def _commit(self, lease: Lease, outcome: Outcome, stored: StoredOutcome) -> int:
        run = self._locked(lease.run_id)
        if run.token != lease.token or run.state not in _OPEN:
            raise _lost(lease)
        predictor_id = write_outcome(run, outcome, stored, self._sign_model)
        run.state, run.time_ended = RunState.COMPLETE, utc_now()
        run.error_type = run.error_message = run.traceback = None
        run.lease_expires = None
        run.save()
        return predictor_id

    def _first_pending(self) -> Run | None:
        query = (
            Run.select()
            .where(Run.queue == self._queue, Run.state == RunState.PENDING)
            .order_by(Run.idx)
            .limit(1)
        )
        if current().dialect != "sqlite":
            # two workers never wait for one another's row (engineering notes §1)
            query = query.for_update(for_update=True, skip_locked=True)
        return next(iter(query), None)

    def _locked(self, run_id: int) -> Run:
        query = Run.select().where(Run.id == run_id)
        return next(iter(query if current().dialect == "sqlite" else query.for_update()))

    def _update(self, lease: Lease, states: tuple[RunState, ...], **values: Any) -> bool:
        mine = (Run.id == lease.run_id, Run.token == lease.token, Run.state.in_(states))
        return bool(Run.update(**values).where(*mine).execute())

    def _set_pending(self, run: Run, **values: Any) -> None:
        unchanged = (Run.id == run.id, Run.token == run.token, Run.state == run.state)
        Run.update(state=RunState.PENDING, **values).where(*unchanged).execute()


def _is_abandoned(run: Run, now: datetime, me: Owner) -> bool:
    owner = Owner(
        run.owner_host or "",
        run.owner_boot_id or "",
        run.owner_pid or 0,
        run.owner_process_start or 0,
    )
    return is_abandoned(owner, run.id, run.token, run.lease_expires or now, now, me)


def _storable(text: str) -> str:
    """Return text that every database can hold: no NUL, no lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def _lost(lease: Lease) -> LeaseLost:
    msg = f"Run {lease.run_id} is no longer held under token {lease.token}."
    hint = "Another process took it over, and stores its result."
    return LeaseLost(msg, hint=hint, run_id=lease.run_id, token=lease.token)
