"""Fixtures for all tests: a home of their own, and fresh metastores on each database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from server_databases import server_database

if TYPE_CHECKING:
    from aiqc.orm._database import Metastore


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
def _connected(target: str, request: pytest.FixtureRequest) -> Iterator[Metastore]:
    import aiqc.orm  # noqa: F401 - every table is known
    from aiqc.orm._database import connect, disconnect
    from aiqc.orm._registry import extra_models

    with extra_models(getattr(request.module, "TABLES", ())):
        yield connect(target)
        disconnect()
