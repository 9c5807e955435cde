"""Stored in UTC without a zone, shown in the user's zone."""

from __future__ import annotations

import calendar
import locale
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aiqc.core import clock
from aiqc.core.errors import InvalidInput

SUMMER = datetime(2022, 6, 23, 7, 13, 14)  # noqa: DTZ001 - stored times have no zone


@pytest.mark.parametrize(
    ("zone", "moment", "text"),
    [
        ("UTC", SUMMER, "2022Jun23_07:13:14"),
        ("Europe/Berlin", SUMMER, "2022Jun23_09:13:14"),
        ("America/New_York", SUMMER.replace(month=1), "2022Jan23_02:13:14"),
        # winter time in Berlin, and the day before in New York
        ("Europe/Berlin", SUMMER.replace(month=12, hour=23), "2022Dec24_00:13:14"),
        ("America/New_York", SUMMER.replace(hour=1), "2022Jun22_21:13:14"),
        # an aware time is converted, not relabelled
        ("UTC", SUMMER.replace(tzinfo=timezone(timedelta(hours=2))), "2022Jun23_05:13:14"),
    ],
)
def test_stamp(zone, moment, text, monkeypatch):
    monkeypatch.setenv("AIQC_TIMEZONE", zone)
    assert clock.format_stamp(moment) == text


@pytest.mark.parametrize("month", range(1, 13))
def test_months_do_not_follow_the_locale(month, monkeypatch):
    monkeypatch.setenv("AIQC_TIMEZONE", "UTC")
    assert locale.setlocale(locale.LC_TIME) in ("C", "en_US.UTF-8", "C.UTF-8")
    expected = f"2022{calendar.month_abbr[month]}23_07:13:14"
    assert clock.format_stamp(SUMMER.replace(month=month)) == expected


def test_now_is_utc_without_a_zone():
    before = datetime.now(UTC).replace(tzinfo=None)
    now = clock.utc_now()
    assert now.tzinfo is None
    assert before <= now <= datetime.now(UTC).replace(tzinfo=None)


def test_system_zone_without_the_variable(monkeypatch):
    monkeypatch.delenv("AIQC_TIMEZONE", raising=False)
    offset = clock.to_local(SUMMER).utcoffset()
    moment = SUMMER.replace(tzinfo=UTC).timestamp()
    assert offset == timedelta(seconds=time.localtime(moment).tm_gmtoff)


def test_timezone_now(monkeypatch):
    monkeypatch.setenv("AIQC_TIMEZONE", "Asia/Tokyo")
    now = clock.timezone_now()
    assert now.utcoffset() == timedelta(hours=9)
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "Europe", "/etc/localtime"])
def test_unknown_zone(zone, monkeypatch):
    monkeypatch.setenv("AIQC_TIMEZONE", zone)
    with pytest.raises(InvalidInput, match=f"AIQC_TIMEZONE='{zone}'.*Europe/Berlin"):
        clock.timezone_now()
