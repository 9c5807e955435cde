"""Removing every samples cache of this user."""

from __future__ import annotations


def clear_cache_all() -> int:
    """Delete the cached samples of all Splitsets; they are written again when needed.

    Returns
    -------
    int
        How many caches were removed.
    """
    from aiqc.pipeline.cache import clear_all_caches

    return clear_all_caches()
