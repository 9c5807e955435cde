"""The import paths that spec/003 documents; re-exports only."""

from __future__ import annotations
