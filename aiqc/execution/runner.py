"""The loop that runs jobs: claim, train, complete, until nothing is left."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiqc.core.clock import utc_now
from aiqc.core.errors import JobFailed, LeaseLost
from aiqc.core.types import Failure, Lease, Outcome, Owner
from aiqc.execution.heartbeat import heartbeat
from aiqc.execution.lease import LEASE_SECONDS
from aiqc.execution.owner import this_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.protocols import JobStore

#: longest message of a failure that is stored, in characters
MESSAGE_LIMIT = 2_000
#: longest traceback that is stored, in characters; its end is kept
TRACEBACK_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What one call of `run_jobs` did."""

    completed: int
    failed: int


def run_jobs(
    store: JobStore,
    train: Callable[[Lease], Outcome],
    *,
    continue_on_error: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    owner: Owner | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> Ran:
    """Execute runs until none is pending.

    Runs that dead processes left are taken over first, and runs that failed in an earlier call
    are tried again, once (RULINGS, Failures).

    Parameters
    ----------
    store
        Where the runs wait.
    train
        Trains one leased run; writes nothing.
    continue_on_error
        Whether to go on after a run that raises.
    on_progress
        Called with (runs finished, runs in total) at the start and after each run.
    owner
        The process that takes the leases; this one by default.
    lease_seconds
        How long a lease lasts without being renewed.

    Raises
    ------
    JobFailed
        If a run raised and `continue_on_error` is False; the failure is stored first.
    KeyboardInterrupt
        After the interrupted run was given back.
    """
    me = owner or this_process()
    store.recover(utc_now())
    store.retry_failed()
    on_progress(*store.progress())
    try:
        return _run_all(store, train, me, continue_on_error, on_progress, lease_seconds)
    except (KeyboardInterrupt, SystemExit):
        # it may come between a claim and its run, or while a run is being given back
        store.recover(utc_now())
        raise


def _run_all(
    store: JobStore,
    train: Callable[[Lease], Outcome],
    me: Owner,
    continue_on_error: bool,
    on_progress: Callable[[int, int], None],
    lease_seconds: float,
) -> Ran:
    completed = failed = 0
    while (lease := store.claim(me, utc_now(), lease_seconds)) is not None:
        failure = _run_one(store, train, lease, lease_seconds)
        if failure is None:
            completed += 1
        else:
            failed += 1
            if not continue_on_error:
                raise _job_failed(lease, failure) from failure
        on_progress(*store.progress())
    return Ran(completed, failed)


def _run_one(
    store: JobStore, train: Callable[[Lease], Outcome], lease: Lease, lease_seconds: float
) -> Exception | None:
    try:
        with heartbeat(store, lease, lease_seconds=lease_seconds):
            store.complete(lease, train(lease))
    except LeaseLost:
        # whoever took the run over stores its result
        return None
    except Exception as error:  # whatever a user's function raises is recorded
        if _hides_interrupt(error):
            store.release(lease)
            raise KeyboardInterrupt from error
        with suppress(LeaseLost):
            store.fail(lease, failure_of(error))
        return error
    except BaseException:
        store.release(lease)
        raise
    return None


def _hides_interrupt(error: BaseException) -> bool:
    """Whether an error came while an interrupt passed, e.g. from closing a half-written zip."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, KeyboardInterrupt):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def failure_of(error: BaseException) -> Failure:
    """Return an exception as values that can be stored."""
    text = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error)[:MESSAGE_LIMIT], text[-TRACEBACK_LIMIT:])


def _job_failed(lease: Lease, error: Exception) -> JobFailed:
    said = str(error)[:MESSAGE_LIMIT].rstrip(".") or "no message"
    msg = f"Run {lease.run_id} raised {type(error).__name__}: {said}."
    hint = (
        "Its traceback is kept on the Run; the other runs stay pending. "
        "Run the queue again to retry, or pass continue_on_error=True."
    )
    return JobFailed(msg, hint=hint, run_id=lease.run_id)
