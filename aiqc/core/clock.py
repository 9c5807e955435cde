"""Time: stored as UTC without a zone, shown in the user's zone."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiqc.core.errors import InvalidInput

#: spec/003 §0: "2022Jun23_07:13:14"
STAMP_FORMAT = "%Y%b%d_%H:%M:%S"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def utc_now() -> datetime:
    """Return now in UTC, naive, as every table stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


def timezone_now() -> datetime:
    """Return now in the user's zone: `AIQC_TIMEZONE`, else the system's.

    Raises
    ------
    InvalidInput
        If `AIQC_TIMEZONE` names no known zone.
    """
    return to_local(utc_now())


def to_local(moment: datetime) -> datetime:
    """Return a stored (naive, UTC) time in the user's zone."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return aware.astimezone(_zone())


def format_stamp(moment: datetime) -> str:
    """Return a stored time as people read it, e.g. `2022Jun23_07:13:14`."""
    local = to_local(moment)
    # %b would follow the locale that another library has set
    return local.strftime(STAMP_FORMAT.replace("%b", _MONTHS[local.month - 1]))


def _zone() -> ZoneInfo | None:
    name = os.environ.get("AIQC_TIMEZONE")
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"AIQC_TIMEZONE={name!r} is not a time zone."
        raise InvalidInput(msg, hint="Use a name such as 'Europe/Berlin'.", value=name) from error
