"""Databases of their own for tests, on the servers that the environment names."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

#: environment variable that holds the URL of a server's administrator, by dialect
SERVERS = {"postgresql": "AIQC_TEST_POSTGRES", "mysql": "AIQC_TEST_MARIADB"}


@contextmanager
def server_database(dialect: str) -> Iterator[str]:
    """Create an empty database on a test server; yields its URL, drops it afterwards."""
    variable = SERVERS[dialect]
    admin = os.environ.get(variable)
    if not admin:
        pytest.skip(f"{variable} is not set: no {dialect} server to test on")
    name = f"aiqc_test_{secrets.token_hex(6)}"
    parts = urlsplit(admin)
    _administer(dialect, admin, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(parts._replace(scheme=dialect, path=f"/{name}"))
    finally:
        force = " WITH (FORCE)" if dialect == "postgresql" else ""
        _administer(dialect, admin, f"DROP DATABASE {name}{force}")


def _administer(dialect: str, url: str, statement: str) -> None:
    connection: Any
    if dialect == "postgresql":
        import psycopg

        connection = psycopg.connect(url, autocommit=True)
    else:
        import pymysql

        parts = urlsplit(url)
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
        )
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()
