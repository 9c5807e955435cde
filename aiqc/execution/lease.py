"""The rules of a lease, as pure functions of values (DESIGN §3.7)."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiqc.execution.owner import is_provably_dead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.core.types import Owner

#: long against pauses in which a fit holds the interpreter lock
LEASE_SECONDS = 300.0
#: how often a running job extends its lease
RENEW_SECONDS = 30.0
#: runs whose worker died are retried this often by workers (RULINGS, Failures)
MAX_CLAIMS = 3

_active: set[tuple[int, int]] = set()
_active_lock = threading.Lock()


def expires_at(now: datetime, lease_seconds: float) -> datetime:
    """Return when a lease that is taken or renewed now runs out."""
    return now + timedelta(seconds=lease_seconds)


def is_abandoned(
    owner: Owner, run_id: int, token: int, expires: datetime, now: datetime, me: Owner
) -> bool:
    """Return whether a running run may be given to somebody else.

    Parameters
    ----------
    owner
        Who holds the lease.
    run_id, token
        The run and the claim.
    expires
        When the lease runs out, UTC.
    now
        The present, UTC.
    me
        This process. A lease of this process whose run is not being executed was left by an
        interrupt that came while the run was being given back.
    """
    if owner == me:
        return not is_active(run_id, token)
    return is_provably_dead(owner) or expires <= now


def is_active(run_id: int, token: int) -> bool:
    """Return whether this process is executing this claim at the moment."""
    with _active_lock:
        return (run_id, token) in _active


@contextmanager
def active(run_id: int, token: int) -> Iterator[None]:
    """Mark a claim as being executed by this process."""
    with _active_lock:
        _active.add((run_id, token))
    try:
        yield
    finally:
        with _active_lock:
            _active.discard((run_id, token))
