"""Writing many rows of one table."""

from __future__ import annotations

from typing import Any

#: rows written by one statement; more would pass the limits on parameters
ROWS_A_STATEMENT = 500


def insert_rows(model: type[Any], rows: list[dict[str, Any]]) -> None:
    """Insert rows in order; the caller holds the transaction."""
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        model.insert_many(rows[start : start + ROWS_A_STATEMENT]).execute()
