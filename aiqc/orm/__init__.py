"""The tables and their methods; the only room that knows the database."""

from __future__ import annotations
