"""Ratios measured in one run; one module a question. `python -m benchmarks` runs them all."""

from __future__ import annotations
