"""Metrics at full precision on decoded classes and units."""

from __future__ import annotations
