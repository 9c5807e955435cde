"""The studies of study_world, built once for all acceptance tests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from study_world import World


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Build the studies once; the files outlive the connection."""
    from study_world import build_world

    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQC_HOME", str(folder / "home"))
        for name in ("AIQC_DATABASE", "AIQC_CACHE", "AIQC_SIGNING_KEY", "AIQC_TIMEZONE"):
            patch.delenv(name, raising=False)
        return build_world(folder)


@pytest.fixture
def world(built: World, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Reconnect the store of the studies, under the home that it was made in."""
    import aiqc

    assert private_home.exists(), "the test's own home comes first"
    monkeypatch.setenv("AIQC_HOME", str(built.home))
    aiqc.connect(built.store)
    return built


@pytest.fixture
def copy_of_world(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Connect a copy of the store with a home of its own, for tests that write."""
    import aiqc

    aiqc.backup(tmp_path / "copy.sqlite3")
    shutil.copytree(world.home, tmp_path / "home")
    monkeypatch.setenv("AIQC_HOME", str(tmp_path / "home"))
    aiqc.connect(tmp_path / "copy.sqlite3")
    return world
