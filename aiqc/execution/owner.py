"""Which process holds a lease, and whether it is provably dead."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

from aiqc.core.types import Owner

#: position of the start time in /proc/<pid>/stat, counted after the command name (proc(5))
_START_TIME_FIELD = 19


def this_process() -> Owner:
    """Return the owner that this process is."""
    pid = os.getpid()
    return Owner(socket.gethostname(), _boot_id(), pid, _process_start(pid) or 0)


def is_provably_dead(owner: Owner) -> bool:
    """Return whether this host can prove that the owner no longer runs.

    An owner on another host is never provably dead: its lease must run out.
    """
    if owner.host != socket.gethostname():
        return False
    if owner.boot_id != _boot_id():
        return True
    if not _exists(owner.pid):
        return True
    started = _process_start(owner.pid)
    return bool(owner.process_start and started is not None and started != owner.process_start)


def _exists(pid: int) -> bool:
    if _is_zombie(pid):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_zombie(pid: int) -> bool:
    fields = _stat(pid)
    return fields is not None and fields[0] == "Z"


def _process_start(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[_START_TIME_FIELD])


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # the command name may hold spaces and brackets; the fields start after its last bracket
    return text.rpartition(")")[2].split()


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # without the kernel's id, the node keeps a reboot from looking like the same boot
        return str(uuid.getnode())
