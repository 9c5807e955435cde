"""The documented import path of the clock."""

from __future__ import annotations

from aiqc.core.clock import timezone_now

__all__ = ["timezone_now"]
