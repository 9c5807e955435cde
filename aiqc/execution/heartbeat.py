"""Keeps a lease alive while its run trains."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiqc.core.clock import utc_now
from aiqc.core.errors import AIQCError, LeaseLost
from aiqc.execution.lease import LEASE_SECONDS, RENEW_SECONDS, active

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.core.protocols import JobStore
    from aiqc.core.types import Lease

_logger = logging.getLogger("aiqc")


@contextmanager
def heartbeat(
    store: JobStore,
    lease: Lease,
    *,
    renew_seconds: float = RENEW_SECONDS,
    lease_seconds: float = LEASE_SECONDS,
) -> Iterator[None]:
    """Renew a lease from a thread until the block is left.

    A lost lease is not raised here: the token decides when the result is handed in.
    """
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(renew_seconds):
            try:
                store.renew(lease, utc_now(), lease_seconds)
            except LeaseLost:
                _logger.warning("Run %s was taken over by another process.", lease.run_id)
                return
            except (AIQCError, OSError) as error:
                _logger.warning("The lease of run %s was not renewed: %s", lease.run_id, error)

    thread = threading.Thread(target=beat, name=f"aiqc-lease-{lease.run_id}", daemon=True)
    with active(lease.run_id, lease.token):
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
