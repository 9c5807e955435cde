"""Formats by ending, local files, URLs, and what is refused."""

from __future__ import annotations

import functools
import gc
import http.server
import io
import os
import tarfile
import threading
import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from aiqc.core.errors import InvalidInput, MissingLibrary
from aiqc.data.array_input import file_stamp, open_npy
from aiqc.data.fetch import read_files
from aiqc.data.limits import Limits
from aiqc.data.sources import (
    open_source,
    resolve_source,
    source_compression,
    source_format,
)
from aiqc.data.tabular import read_table


@pytest.mark.parametrize(
    ("path", "expected", "compression"),
    [
        ("a.csv", "csv", None),
        ("/x.y/A.CSV", "csv", None),
        ("a.tsv", "tsv", None),
        ("a.parquet", "parquet", None),
        ("a.PQ", "parquet", None),
        ("a.csv.gz", "csv", "gzip"),
        ("a.b.tsv.BZ2", "tsv", "bz2"),
        ("a.csv.xz", "csv", "xz"),
        (Path("a.csv.zst"), "csv", "zstd"),
        ("https://host/folder/a.csv?token=1.pq#x", "csv", None),
        ("s3://bucket/a.tsv.gz", "tsv", "gzip"),
        ("simplecache::https://host/a.parquet", "parquet", None),
        ("zip://inner.csv::s3://bucket/a.zip", "csv", None),
        ("memory://a.csv", "csv", None),
    ],
)
def test_format_and_compression(path, expected, compression):
    assert source_format(path) == expected
    assert source_compression(path) == compression


@pytest.mark.parametrize(
    ("path", "ending"),
    [
        ("a.xlsx", "'.xlsx'"),
        ("a", "''"),
        ("a.gz", "'.gz'"),
        ("a.parquet.gz", "'.parquet.gz'"),
        ("a.json.gz", "'.json.gz'"),
        ("folder.csv/a", "''"),
    ],
)
def test_unknown_format_is_named_with_the_known_ones(path, ending):
    with pytest.raises(InvalidInput, match=rf"{ending}.*\.csv, \.tsv, \.parquet, \.pq.*\.gz"):
        source_format(path)


def test_local_paths_become_absolute_and_urls_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_source("a.csv") == str(tmp_path / "a.csv")
    assert resolve_source("~/a.csv") == str(tmp_path / "a.csv")
    web = ("https://a/b.csv?x=~/c", "HTTP://[::1]:80/a.png", "https://a/b::c")
    for url in ("s3://bucket/a.csv", "zip://a::s3://b/c.zip", *web):
        assert resolve_source(url) == url
    for start in ("zip://a.csv::", "file://", "simplecache::local://"):
        for name in ("d.zip", "~/d.zip", f"{tmp_path}/d.zip"):
            assert resolve_source(start + name) == f"{start}{tmp_path}/d.zip"


def test_local_bytes_are_read_as_they_are(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(b"\x1f\x8b not unpacked")
    with open_source(tmp_path / "a.csv.gz") as file:
        assert file.read() == b"\x1f\x8b not unpacked"


def test_missing_file_names_path_and_neighbours(tmp_path, monkeypatch):
    (tmp_path / "iris_2020.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=rf"{tmp_path}/iris_202.csv.*'iris_2020.csv'"):
        open_source("iris_202.csv")
    with pytest.raises(InvalidInput, match=r"zzz\.csv.*working directory"):
        open_source("zzz.csv")
    with pytest.raises(InvalidInput, match=r"folder '.*/nowhere' does not exist"):
        open_source("nowhere/a.csv")
    with pytest.raises(InvalidInput, match=r"is a folder.*one file"):
        open_source(tmp_path)


def test_unreadable_url():
    with pytest.raises(InvalidInput, match=r"'nosuch://a.csv'.*[Pp]rotocol.*Check the address"):
        open_source("nosuch://a.csv")
    with pytest.raises(InvalidInput, match=r"memory://none/a.csv.*no such file"):
        open_source("memory://none/a.csv")


class BrokenFile(io.BytesIO):
    """A download that ends with an error of its library's own."""

    def read(self, *_):
        raise LookupError("the line\nwent dead.")

    readinto = read


@pytest.mark.parametrize("breaks", ["opening", "reading"])
def test_errors_of_a_protocols_library_are_typed_and_name_the_url(breaks, monkeypatch):
    class Opened:
        fs = None

        def open(self):
            return BrokenFile() if breaks == "reading" else BrokenFile().read()

    monkeypatch.setattr(fsspec, "open", lambda *_: Opened())
    message = r"'xx://b/a\.npy' cannot be (opened|read in parts|read): the line went dead\. Check"
    for use in (open_npy, lambda url: list(read_files([url], Limits()))):
        with pytest.raises(InvalidInput, match=message) as caught:
            use("xx://b/a.npy")
        assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_files_in_archives_are_read(kind, tmp_path):
    array, frame = np.arange(24.0).reshape(2, 3, 4), pd.DataFrame({"a": [1, 2]})
    np.save(tmp_path / "a.npy", array)
    frame.to_csv(tmp_path / "a.csv", index=False)
    archive = str(tmp_path / "made")
    with tarfile.TarFile(archive, "w") if kind == "tar" else zipfile.ZipFile(archive, "w") as made:
        for name in ("a.npy", "a.csv"):
            (made.add if kind == "tar" else made.write)(tmp_path / name, name)
    for folder in (archive, f"file://{archive}"):
        source = open_npy(f"{kind}://a.npy::{folder}")
        gc.collect()
        np.testing.assert_array_equal(source.read(np.array([1, 0])), array[[1, 0]])
        source.close()
        pd.testing.assert_frame_equal(read_table(f"{kind}://a.csv::{folder}"), frame)
        found = list(read_files([f"{kind}://a.csv::{folder}"], Limits()))
        assert found == [(tmp_path / "a.csv").read_bytes()]
        with pytest.raises(InvalidInput, match=rf"{kind}://gone\.npy.* cannot be opened"):
            open_npy(f"{kind}://gone.npy::{folder}")
    # what an archive says of a file may stay when the archive is made again
    assert file_stamp(f"{kind}://a.npy::{archive}") is None
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(InvalidInput, match=r"bad\.zip' cannot be opened"):
        open_npy(f"{kind}://a.npy::{tmp_path}/bad.zip")


def test_protocol_without_its_library(monkeypatch):
    def refuse(*_, **__):
        msg = "Install s3fs to access S3"
        raise ImportError(msg)

    monkeypatch.setattr(fsspec, "open", refuse)
    with pytest.raises(MissingLibrary, match=r"s3://b/a.csv.*s3fs.*pip install"):
        open_source("s3://b/a.csv")


def test_memory_url():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    with fsspec.open("memory://data/t.tsv.gz", "wb", compression="gzip") as file:
        file.write(frame.to_csv(index=False, sep="\t").encode())
    with fsspec.open("memory://data/t.parquet", "wb") as file:
        frame.to_parquet(file)
    for url in ("memory://data/t.tsv.gz", "memory://data/t.parquet"):
        pd.testing.assert_frame_equal(read_table(url), frame)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_http_url(server, tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    pd.testing.assert_frame_equal(read_table(f"{server}/t.csv"), frame)
    pd.testing.assert_frame_equal(read_table(f"{server}/t.csv.gz?x=1"), frame)
    with pytest.raises(InvalidInput, match=r"gone\.csv.*no such file"):
        read_table(f"{server}/gone.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    path.chmod(0)
    with pytest.raises(InvalidInput, match=r"may not be read.*permissions"):
        open_source(path)
