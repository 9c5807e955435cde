"""Paths and URLs become targets, and network mounts are told from local ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiqc.core.errors import InvalidInput
from aiqc.orm._mounts import mount_type
from aiqc.orm._targets import Target, parse_target

FILES = [
    ("/data/a.sqlite3", "/data/a.sqlite3"),
    (Path("/data/a.sqlite3"), "/data/a.sqlite3"),
    ("sqlite:////data/a.sqlite3", "/data/a.sqlite3"),
    ("sqlite:////data/a%20b.sqlite3?x=1", "/data/a b.sqlite3"),
    ("SQLITE:////data/a", "/data/a"),
    ("/data/with:colon", "/data/with:colon"),
]


@pytest.mark.parametrize(("given", "path"), FILES)
def test_files(given: str | Path, path: str) -> None:
    assert parse_target(given) == Target("sqlite", Path(path))


@pytest.mark.parametrize("given", [":memory:", "sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_memory(given: str) -> None:
    assert parse_target(given) == Target("sqlite", None)


def test_relative_paths_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert parse_target("a/b").path == tmp_path / "a" / "b"
    assert parse_target("sqlite:///a/b").path == tmp_path / "a" / "b"
    assert parse_target("~/b").path == Path("/home/ada/b")


SERVERS = [
    ("postgres://h/d", "postgresql", {"host": "h"}, "postgresql://h/d"),
    (
        "mariadb://ada:p%40ss@h:3307/d%20e?connect_timeout=5",
        "mysql",
        {"host": "h", "port": 3307, "user": "ada", "password": "p@ss", "connect_timeout": 5},
        "mysql://ada:***@h:3307/d%20e?connect_timeout=5",
    ),
    ("postgresql:///d?host=/var/run", "postgresql", {"host": "/var/run"}, None),
    ("mysql://[::1]:3306/d", "mysql", {"host": "::1", "port": 3306}, "mysql://[::1]:3306/d"),
]


@pytest.mark.parametrize(("url", "dialect", "parameters", "masked"), SERVERS)
def test_servers(
    url: str, dialect: str, parameters: dict[str, object], masked: str | None
) -> None:
    target = parse_target(url)
    assert (target.dialect, target.parameters) == (dialect, parameters)
    assert parse_target(target.secret) == target
    assert "p@ss" not in target.masked
    assert "p%40ss" not in target.masked
    if masked is not None:
        assert target.masked == masked


@pytest.mark.parametrize("given", ["", "  ", "ftp://h/d", "postgresql://h", "mysql://h:x/d"])
def test_refused(given: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_target(given)
    assert caught.value.hint


MOUNTS = """\
rootfs / ext4 rw 0 0
nas:/home /home nfs4 rw 0 0
/dev/sdb /home/ada/local xfs rw 0 0
//win/share /mnt/my\\040share cifs rw 0 0
overlay /over ext4 rw 0 0
overlay /over 9p rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/a", "ext4"),
        ("/home/ada/a", "nfs4"),
        ("/home/ada/local/a", "xfs"),
        ("/home/ada/locally/a", "nfs4"),
        ("/homely/a", "ext4"),
        ("/mnt/my share/a", "cifs"),
        ("/over/a", "9p"),
    ],
)
def test_mounts(path: str, kind: str) -> None:
    assert mount_type(Path(path), MOUNTS) == kind
