"""One backend a library: build, fit, predict, store, rebuild."""

from __future__ import annotations
