"""Fixtures for all tests: a home of their own, and fresh metastores on each database."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest

if TYPE_CHECKING:
    from aiqc.orm._database import Metastore

#: environment variable that holds the URL of a server's administrator, by dialect
SERVERS = {"postgresql": "AIQC_TEST_POSTGRES", "mysql": "AIQC_TEST_MARIADB"}


@pytest.fixture(autouse=True)
def private_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give the test an empty home; whatever it connected to is left afterwards."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AIQC_HOME", str(home / "aiqc"))
    for name in ("AIQC_DATABASE", "AIQC_CACHE", "AIQC_SIGNING_KEY", "AIQC_TIMEZONE"):
        monkeypatch.delenv(name, raising=False)
    yield home
    database = sys.modules.get("aiqc.orm._database")
    if database is not None:
        database.disconnect()


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Metastore]:
    """Connect a fresh SQLite store; models in the module's `TABLES` are tables of it."""
    with _connected(str(tmp_path / "store.sqlite3"), request) as metastore:
        yield metastore


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.servers),
        pytest.param("mysql", marks=pytest.mark.servers, id="mariadb"),
    ]
)
def any_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Metastore]:
    """Connect a fresh store of each database in turn; a server's own one is dropped after."""
    if request.param == "sqlite":
        with _connected(str(tmp_path / "store.sqlite3"), request) as metastore:
            yield metastore
        return
    with server_database(request.param) as url, _connected(url, request) as metastore:
        yield metastore


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


@contextmanager
def _connected(target: str, request: pytest.FixtureRequest) -> Iterator[Metastore]:
    import aiqc.orm  # noqa: F401 - every table is known
    from aiqc.orm._database import connect, disconnect
    from aiqc.orm._registry import extra_models

    with extra_models(getattr(request.module, "TABLES", ())):
        yield connect(target)
        disconnect()


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
