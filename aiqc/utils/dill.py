"""The documented import path for reading the source of stored functions."""

from __future__ import annotations

from aiqc.core.functions import reveal_code

__all__ = ["reveal_code"]
