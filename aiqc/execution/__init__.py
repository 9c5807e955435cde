"""Time, processes and failure: leases and the loop that runs jobs. No database."""

from __future__ import annotations
