"""Pure steps on arrays: filter, encode, stratify, cache, metrics, importance. No database."""

from __future__ import annotations
