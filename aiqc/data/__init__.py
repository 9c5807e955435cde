"""Files and bytes to frames and arrays, their dtypes, statistics and digests. No database."""

from __future__ import annotations
