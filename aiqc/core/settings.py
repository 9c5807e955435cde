"""Where things live on this machine. Nothing is created until the first write."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Return the platform's user data folder of AIQC (`AIQC_HOME` overrides it)."""
    home = os.environ.get("AIQC_HOME")
    if home:
        return Path(home).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("aiqc", appauthor=False))


def cache_folder() -> Path:
    """Return the folder of the samples caches: `<data folder>/cache/samples`."""
    override = os.environ.get("AIQC_CACHE")
    base = Path(override).expanduser() if override else data_folder() / "cache"
    return base / "samples"


def database_target() -> str:
    """Return the store that the first query opens: `AIQC_DATABASE`, else the user's file."""
    return os.environ.get("AIQC_DATABASE") or str(data_folder() / "aiqc.sqlite3")


def signing_key_file() -> Path:
    """Return the file (mode 0600) that holds this user's signing key."""
    return data_folder() / "signing.key"
