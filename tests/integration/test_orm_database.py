"""Connecting, refusing, writing, and two processes at once."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from server_databases import server_database

from aiqc.core import settings
from aiqc.core.errors import (
    AIQCWarning,
    InvalidInput,
    MissingLibrary,
    NewerSchema,
    NotAMetastore,
    StoreError,
    Unsupported,
    WrongStore,
)
from aiqc.orm import _sqlite
from aiqc.orm._base import BaseModel
from aiqc.orm._database import (
    backup,
    connect,
    connection_context,
    connection_string,
    create_db,
    current,
    destroy_db,
    disconnect,
    is_connected,
    live,
    proxy,
    setup,
    transaction,
)
from aiqc.orm._fields import BigInteger, Text
from aiqc.orm._registry import extra_models, registry
from aiqc.orm._schema import Schema

with extra_models() as TABLES:

    class StoreToy(BaseModel):
        number = BigInteger(default=0)
        text = Text(null=True)


def tables_of(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    return {name for (name,) in rows if not name.startswith("sqlite_")}


def in_process(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start Python with the toy table of this file."""
    start = (
        "import sys, warnings; warnings.simplefilter('error')\n"
        "import aiqc.orm\n"
        "from aiqc.orm._base import BaseModel\n"
        "from aiqc.orm._fields import BigInteger, Text\n"
        "from aiqc.orm._database import *\n"
        "class StoreToy(BaseModel):\n"
        "    number = BigInteger(default=0)\n"
        "    text = Text(null=True)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", start + code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


# --- where -----------------------------------------------------------------


def test_first_query_opens_the_users_own_store(private_home: Path) -> None:
    file = private_home / "aiqc" / "aiqc.sqlite3"
    assert (is_connected(), live(), file.exists()) == (False, None, False)
    assert Schema.select().count() == 1
    assert is_connected()
    assert current().path == file


def test_environment_names_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIQC_DATABASE", f"sqlite:///{tmp_path}/named.db")
    assert setup().path == tmp_path / "named.db"
    assert create_db() == current()


def test_path_url_and_string_are_one_store(tmp_path: Path) -> None:
    path = tmp_path / "a b%.sqlite3"
    found = [connect(target) for target in (path, str(path))]
    assert found[0] == found[1]
    assert connect(f"sqlite:///{tmp_path}/a%20b%25.sqlite3").path == path
    assert repr(found[0]) == f"<Metastore {path}>"
    assert (found[0].dialect, len(found[0].uid)) == ("sqlite", 32)


def test_relative_path_is_kept_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert connect("here.sqlite3").path == tmp_path / "here.sqlite3"


def test_memory_store_is_a_private_file_until_left() -> None:
    path = connect(":memory:").path
    assert path is not None
    assert path.parent.stat().st_mode & 0o077 == 0
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(Schema.select().count()))
    thread.start()
    thread.join()
    assert found == [1]
    disconnect()
    assert not path.parent.exists()


def test_memory_store_is_removed_at_exit() -> None:
    path = Path(finished(in_process("print(connect(':memory:').path)")).strip())
    assert not path.parent.exists()


def test_each_store_has_its_own_uid(tmp_path: Path) -> None:
    uids = {connect(tmp_path / name).uid for name in ("a", "b")}
    assert len(uids) == 2
    assert connect(tmp_path / "a").uid in uids


def test_password_is_masked_and_the_child_gets_it() -> None:
    with server_database("postgresql") as url:
        secret = url.replace("root@", "root:pass%2Fword@")
        store = connect(secret)
        assert "pass" not in store.url + repr(store)
        assert "***" in store.url
        assert connection_string() == secret
        disconnect()


# --- refused ---------------------------------------------------------------


def foreign_file(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE moz_places (id INTEGER)")
    connection.close()


def foreign_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE schema (name TEXT)")
    connection.close()


def newer_store(path: Path) -> None:
    connect(path)
    Schema.update(version=99).execute()
    disconnect()


def damaged_store(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\x13" * 4096)


REFUSED = [
    (lambda path: path.mkdir(), NotAMetastore, "is a folder"),
    (lambda path: path.write_text("a,b\n1,2\n"), NotAMetastore, "is not an SQLite file"),
    (foreign_file, NotAMetastore, "moz_places"),
    (foreign_schema, NotAMetastore, "another application"),
    (newer_store, NewerSchema, "schema 99"),
    (damaged_store, NotAMetastore, "cannot be read"),
]


@pytest.mark.parametrize(("make", "error", "words"), REFUSED)
def test_what_is_no_metastore_is_refused_untouched(
    tmp_path: Path, make: Any, error: type[Exception], words: str
) -> None:
    path, kept = tmp_path / "store", tmp_path / "kept.sqlite3"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    here = connect(kept)
    files = {file.name for file in tmp_path.iterdir()}
    with pytest.raises(error, match=words) as caught:
        connect(path)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert {file.name for file in tmp_path.iterdir()} == files
    assert current() == here


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ("oracle://host/db", InvalidInput, "'oracle'.*postgresql://"),
        ("postgresql+psycopg://host/db", InvalidInput, "postgresql\\+psycopg"),
        ("postgresql://host", InvalidInput, "names no database"),
        ("postgresql://host:port/db", InvalidInput, "cannot be read"),
        ("", InvalidInput, "''"),
        ("/no/such/folder/store.sqlite3", InvalidInput, "/no/such/folder does not exist"),
        ("postgresql://ada:secret@127.0.0.1:1/db", StoreError, r"ada:\*\*\*@127"),
        ("mysql://ada:secret@127.0.0.1:1/db", StoreError, r"ada:\*\*\*@127"),
    ],
)
def test_targets_that_cannot_be_opened_are_refused(
    target: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        connect(target)
    assert "secret" not in str(caught.value)
    assert not is_connected()


@pytest.mark.parametrize(
    ("url", "library"), [("postgresql://h/d", "psycopg"), ("mariadb://h/d", "pymysql")]
)
def test_missing_driver_says_how_to_install_it(
    url: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary, match="pip install"):
        connect(url)


def test_server_database_of_another_application_is_refused(any_store: Any) -> None:
    target = connection_string()
    destroy_db(confirm=True)
    if any_store.path is None:
        connect(target)
        with transaction():
            proxy.execute_sql("CREATE TABLE other (id INTEGER)")
        Schema._schema.drop_all()
        disconnect()
        with pytest.raises(NotAMetastore, match="other"):
            connect(target)


# --- settings of SQLite ------------------------------------------------------


def test_pragmas_of_every_thread(store: Any) -> None:
    found: list[dict[str, Any]] = []
    names = "journal_mode busy_timeout foreign_keys synchronous trusted_schema cell_size_check "
    names += "mmap_size"

    def look() -> None:
        found.append({name: proxy.obj.pragma(name) for name in names.split()})

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    look()
    expected = ["wal", 30_000, 1, 2, 0, 1, 256 * 2**20]
    assert [list(pragmas.values()) for pragmas in found] == [expected] * 3


def test_network_file_system_gets_no_log_and_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite, "on_network", lambda path: True)
    with pytest.warns(AIQCWarning, match="network file system"):
        connect(tmp_path / "remote.sqlite3")
    assert proxy.obj.pragma("journal_mode") == "delete"
    assert proxy.obj.pragma("mmap_size") == 0
    assert Schema.select().count() == 1


def test_log_is_written_back_when_left_and_at_exit(tmp_path: Path) -> None:
    with extra_models(TABLES):
        connect(tmp_path / "left.sqlite3")
        StoreToy.create(text="x" * 5000)
        disconnect()
    finished(in_process("connect(sys.argv[1]); StoreToy.create()", str(tmp_path / "exit.sqlite3")))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["exit.sqlite3", "left.sqlite3"]


# --- transactions --------------------------------------------------------------


def test_transaction_writes_all_or_nothing(any_store: Any) -> None:
    def fail(number: int) -> None:
        with transaction():
            StoreToy.create(number=number)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail(0)
    assert StoreToy.select().count() == 0
    with transaction():
        StoreToy.create(number=1)
        with pytest.raises(KeyboardInterrupt):
            fail(2)
        StoreToy.create(number=3)
    assert [row.number for row in StoreToy.select().order_by(StoreToy.id)] == [1, 3]


def test_two_writers_that_read_first_lose_no_update(any_store: Any) -> None:
    row = StoreToy.create()
    code = (
        "connect(sys.argv[1])\n"
        "for _ in range(100):\n"
        "    with transaction():\n"
        "        query = StoreToy.select().where(StoreToy.id == int(sys.argv[2]))\n"
        "        row = (query if current().dialect == 'sqlite' else query.for_update()).get()\n"
        "        row.number += 1\n"
        "        row.save()\n"
    )
    workers = [in_process(code, connection_string(), str(row.id)) for _ in range(2)]
    for worker in workers:
        finished(worker)
    assert StoreToy.of(row.id).number == 200


def test_stores_are_not_changed_inside_a_transaction(store: Any, tmp_path: Path) -> None:
    with transaction():
        for change in (disconnect, lambda: connect(tmp_path / "other")):
            with pytest.raises(StoreError, match="inside a transaction"):
                change()
    assert current() == store


# --- two stores ------------------------------------------------------------------


def test_row_of_another_store_is_refused(tmp_path: Path) -> None:
    with extra_models(TABLES):
        connect(tmp_path / "a")
        row = StoreToy.create(number=1)
        unsaved = StoreToy(number=5)
        connect(tmp_path / "b")
        twin = StoreToy.create(number=2)
        assert row.id == twin.id
        row.number = 99
        attempts = [
            row.save,
            unsaved.save,
            row.delete_instance,
            row.flip_star,
            lambda: StoreToy.flip_star(row),
            lambda: StoreToy.of(row),
        ]
        for attempt in attempts:
            with pytest.raises(WrongStore, match=r"/a.*/b is connected"):
                attempt()
        assert [found.number for found in StoreToy.select()] == [2]
        disconnect()
        with pytest.raises(WrongStore, match="no store is connected"):
            row.save()
        assert not is_connected()
        connect(tmp_path / "a")
        assert row.save() == 1
        assert StoreToy.of(row.id).number == 99


def test_copy_of_a_store_is_another_store(tmp_path: Path) -> None:
    with extra_models(TABLES):
        connect(tmp_path / "a")
        row = StoreToy.create()
        connect(backup(tmp_path / "copy"))
        assert StoreToy.of(row.id).number == 0
        with pytest.raises(WrongStore):
            row.save()


# --- several processes and threads -------------------------------------------------


def test_eight_processes_open_a_new_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    code = "print(connect(sys.argv[1]).uid); StoreToy.create()"
    workers = [in_process(code, str(path)) for _ in range(8)]
    uids = {finished(worker).strip() for worker in workers}
    assert len(uids) == 1
    with extra_models(TABLES):
        assert {connect(path).uid} == uids
        assert StoreToy.select().count() == 8
        assert Schema.select().count() == 1


def test_processes_open_a_new_server_store_at_once() -> None:
    for dialect in ("postgresql", "mysql"):
        with server_database(dialect) as url:
            workers = [in_process("print(connect(sys.argv[1]).uid)", url) for _ in range(3)]
            assert len({finished(worker) for worker in workers}) == 1


def test_interrupted_creation_on_mariadb_is_started_again() -> None:
    with server_database("mysql") as url:
        connect(url)
        Schema.delete().execute()  # as if killed before the last statement
        disconnect()
        connect(url)
        assert Schema.select().count() == 1
        disconnect()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to count descriptors")
def test_dead_threads_leave_no_descriptors(store: Any) -> None:
    def count() -> int:
        links = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.exists()]
        return sum(str(store.path) in link for link in links)

    Schema.select().count()
    gc.disable()
    try:
        before = count()
        for _ in range(20):
            thread = threading.Thread(target=lambda: Schema.select().count())
            thread.start()
            thread.join()
        # SQLite itself keeps one descriptor for reuse while another connection is open
        assert count() <= before + 1
    finally:
        gc.enable()


def test_connection_context_closes_what_it_opened(store: Any) -> None:
    seen: list[bool] = []

    def work() -> None:
        with connection_context():
            Schema.select().count()
            seen.append(proxy.obj.is_closed())
        seen.append(proxy.obj.is_closed())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    with connection_context():
        Schema.select().count()
    assert (seen, proxy.obj.is_closed()) == ([False, True], False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_gets_its_own_connection(any_store: Any) -> None:
    row = StoreToy.create()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the test process may have threads
        child = os.fork()
    if child == 0:
        code = 1
        try:
            StoreToy.update(number=7).where(StoreToy.id == row.id).execute()
            gc.collect()
            disconnect()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert StoreToy.of(row.id).number == 7
    StoreToy.create()


# --- copies and the end ----------------------------------------------------------------


def test_backup_is_a_whole_store_while_others_write(store: Any, tmp_path: Path) -> None:
    StoreToy.create(text="kept")
    with transaction():
        StoreToy.create(text="not yet")
        copy = backup(str(tmp_path / "copy.sqlite3"))
    StoreToy.create(text="later")
    assert sorted(file.name for file in tmp_path.glob("*copy*")) == ["copy.sqlite3"]
    assert tables_of(copy) == {model._meta.table_name for model in registry()}
    assert connect(copy).uid == store.uid
    assert [row.text for row in StoreToy.select()] == ["kept"]


def test_backup_never_overwrites(store: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="exists already"):
        backup(tmp_path / "mine.txt")
    with pytest.raises(InvalidInput, match="does not exist"):
        backup(tmp_path / "no" / "copy")
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(("dialect", "tool"), [("postgresql", "pg_dump"), ("mysql", "mysqldump")])
def test_backup_of_a_server_names_the_tool(dialect: str, tool: str, tmp_path: Path) -> None:
    with server_database(dialect) as url:
        connect(url)
        with pytest.raises(Unsupported, match=tool):
            backup(tmp_path / "copy")
        disconnect()


def test_destroying_needs_confirmation(store: Any) -> None:
    for confirm in (False, 1, "yes"):
        with pytest.raises(InvalidInput, match=f"{store.path}.*confirm=True"):
            destroy_db(confirm)  # type: ignore[arg-type]
    assert Schema.select().count() == 1


def test_destroyed_store_is_gone_or_new(any_store: Any) -> None:
    row = StoreToy.create()
    destroy_db(confirm=True, rebuild=True)
    assert current().uid != any_store.uid
    assert StoreToy.select().count() == 0
    with pytest.raises(WrongStore):
        row.save()
    target, path = connection_string(), current().path
    destroy_db(confirm=True)
    assert not is_connected()
    if path is not None:
        assert list(path.parent.glob("store.sqlite3*")) == []
    connect(target)
    assert StoreToy.select().count() == 0


def test_destroying_spares_what_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "places.sqlite"
    foreign_file(path)
    monkeypatch.setenv("AIQC_DATABASE", str(path))
    with pytest.raises(NotAMetastore):
        destroy_db(confirm=True)
    assert tables_of(path) == {"moz_places"}


def test_importing_touches_nothing(private_home: Path) -> None:
    code = (
        "import os, sqlite3, threading\n"
        "print(is_connected(), threading.active_count(), os.listdir(os.environ['HOME']))"
    )
    assert finished(in_process(code)).strip() == "False 1 []"
    assert not settings.data_folder().exists()
