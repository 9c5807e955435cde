"""Signatures over stored code: what they bind, and where the key comes from."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
import sys
from pathlib import Path

import pytest

import aiqc
from aiqc.core import trust
from aiqc.core.errors import StoreError, UntrustedCode
from aiqc.core.functions import FunctionBundle, from_bytes, to_bytes

KEY = "00112233445566778899aabbccddeeff"
PLACE = ("Algorithm", "fn_build", "pytorch", "ab" * 32)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AIQC_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AIQC_SIGNING_KEY", raising=False)
    return tmp_path / "home"


def test_signature_is_hmac_over_length_prefixed_parts(monkeypatch):
    monkeypatch.setenv("AIQC_SIGNING_KEY", KEY)
    message = b"aiqc.trust.1"
    for part in PLACE:
        message += len(part).to_bytes(8, "big") + part.encode()
    expected = hmac.new(bytes.fromhex(KEY), message, hashlib.sha256).hexdigest()
    assert trust.sign(*PLACE) == expected


@pytest.mark.parametrize(
    "moved",
    [
        ("Predictor", *PLACE[1:]),
        (PLACE[0], "fn_train", *PLACE[2:]),
        (*PLACE[:2], "keras", PLACE[3]),
        (*PLACE[:3], "cd" * 32),
        # the same letters, cut at another place
        ("Algorithmf", "n_build", *PLACE[2:]),
    ],
)
def test_signature_is_of_one_place_and_one_code(moved):
    signature = trust.sign(*PLACE)
    assert trust.is_trusted(signature, *PLACE)
    assert not trust.is_trusted(signature, *moved)


@pytest.mark.parametrize("signature", [None, "", "é", "0" * 64, "ab"])
def test_no_signature(signature):
    assert not trust.is_trusted(signature, *PLACE)


def test_benign_text_over_another_blob_is_found():
    honest = FunctionBundle("fn_build", "f", "def f(): ...\n", b"honest", "lambda")
    signature = trust.sign("Algorithm", "fn_build", "keras", honest.sha256)
    for blob, text in ((b"evil", honest.source), (b"honest", "def f(): 1\n"), (None, "evil()\n")):
        swapped = FunctionBundle("fn_build", "f", text, blob, honest.reason)
        stored = from_bytes(to_bytes(swapped))
        assert not trust.is_trusted(signature, "Algorithm", "fn_build", "keras", stored.sha256)
    assert trust.is_trusted(signature, "Algorithm", "fn_build", "keras", honest.sha256)


@pytest.mark.parametrize(
    ("opaque", "words"),
    [
        (False, ["Read it with get_code()", "aiqc.trust(row)", "AIQC_SIGNING_KEY"]),
        (True, ["opaque", "cannot be read", "aiqc.trust(row)", "AIQC_SIGNING_KEY"]),
    ],
)
def test_require_trust_teaches(opaque, words):
    with pytest.raises(UntrustedCode) as caught:
        trust.require_trust("0" * 64, *PLACE, opaque=opaque)
    for word in ["Algorithm.fn_build", "abababababab", *words]:
        assert word in str(caught.value)
    assert ("get_code" in str(caught.value)) is not opaque
    assert caught.value.field == "fn_build"
    trust.require_trust(trust.sign(*PLACE), *PLACE, opaque=opaque)


def test_another_users_signature(monkeypatch):
    signature = trust.sign(*PLACE)
    own = trust.settings.signing_key_file().read_text()
    monkeypatch.setenv("AIQC_SIGNING_KEY", "ff" * 32)
    assert not trust.is_trusted(signature, *PLACE)
    # the content of the file is what is shared
    monkeypatch.setenv("AIQC_SIGNING_KEY", own)
    monkeypatch.setenv("AIQC_HOME", "/nowhere")
    assert trust.is_trusted(signature, *PLACE)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (KEY, bytes.fromhex(KEY)),
        (KEY.upper() + "\n", bytes.fromhex(KEY)),
        ("correct horse battery", b"correct horse battery"),
    ],
)
def test_key_of_the_environment(text, key, monkeypatch, home):
    monkeypatch.setenv("AIQC_SIGNING_KEY", text)
    assert trust.signing_key() == key
    assert not home.exists()


@pytest.mark.parametrize("text", ["short", "00" * 15])
def test_short_key(text, monkeypatch):
    monkeypatch.setenv("AIQC_SIGNING_KEY", text)
    with pytest.raises(StoreError, match=r"AIQC_SIGNING_KEY has (5|15) bytes.*token_hex"):
        trust.signing_key()


def test_file_is_made_once_and_private(home):
    key = trust.signing_key()
    assert len(key) == 32
    assert trust.signing_key() == key
    assert [path.name for path in home.iterdir()] == ["signing.key"]
    assert (home / "signing.key").stat().st_mode & 0o777 == 0o600
    assert (home / "signing.key").read_text() == key.hex() + "\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_file_that_others_can_read(mode, home):
    trust.signing_key()
    (home / "signing.key").chmod(mode)
    with pytest.raises(StoreError, match=rf"mode 0{mode:o}.*chmod 600 .*signing\.key"):
        trust.signing_key()


def test_empty_file(home):
    trust.signing_key()
    (home / "signing.key").write_text("")
    with pytest.raises(StoreError, match=r"signing\.key has 0 bytes"):
        trust.signing_key()


def test_two_processes_at_once_get_the_same_key(home):
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from aiqc.core import trust\n"
        "time.sleep(max(0.0, float(sys.argv[2]) - time.time()))\n"
        "print(trust.signing_key().hex())"
    )
    root = str(Path(aiqc.__file__).parents[1])
    start = str(__import__("time").time() + 1.0)
    command = [sys.executable, "-c", code, root, start]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(6)
    ]
    keys = {child.communicate(timeout=60)[0] for child in children}
    assert keys == {trust.signing_key().hex() + "\n"}
    assert [path.name for path in home.iterdir()] == ["signing.key"]
