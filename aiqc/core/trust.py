"""Whose code may run: signatures over stored functions with this user's key."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from typing import TYPE_CHECKING

from aiqc.core import settings
from aiqc.core.errors import StoreError, UntrustedCode

if TYPE_CHECKING:
    from pathlib import Path

#: bytes of a generated key, and the least that a given one may have
KEY_BYTES = 32
MIN_KEY_BYTES = 16


def signing_key() -> bytes:
    """Return this user's key: `AIQC_SIGNING_KEY` (hex or text), else a file that only they read.

    Workers and notebooks elsewhere share a store by sharing the key: set the variable to the
    content of the file. The file is made on first use; two processes at once get the same key.

    Raises
    ------
    StoreError
        If others can read the file, or the key is too short.
    """
    given = os.environ.get("AIQC_SIGNING_KEY", "").strip()
    if given:
        return _decode(given, "AIQC_SIGNING_KEY")
    path = settings.signing_key_file()
    if not path.exists():
        _create(path)
    _check_mode(path)
    return _decode(path.read_text(encoding="utf-8").strip(), str(path))


def sign(kind: str, field: str, library: str, sha256: str) -> str:
    """Return the signature (HMAC-SHA256, RFC 2104, hex) of code at one place of the store.

    Parameters
    ----------
    kind, field
        Table and column, e.g. `Algorithm`, `fn_build`: moved elsewhere it is not trusted.
    library
        Which library it is for, e.g. `pytorch`.
    sha256
        Identity of the code, `FunctionBundle.sha256`.
    """
    return hmac.new(
        signing_key(), _message(kind, field, library, sha256), hashlib.sha256
    ).hexdigest()


def is_trusted(signature: str | None, kind: str, field: str, library: str, sha256: str) -> bool:
    """Whether this user signed that code for that place. Takes the same time either way."""
    expected = sign(kind, field, library, sha256)
    return hmac.compare_digest(expected.encode(), (signature or "").encode())


def require_trust(
    signature: str | None,
    kind: str,
    field: str,
    library: str,
    sha256: str,
    *,
    opaque: bool = False,
) -> None:
    """Refuse to run code that this user has not signed.

    Raises
    ------
    UntrustedCode
        Says how to read the code and how to trust it; of opaque code, that it cannot be read.
    """
    if is_trusted(signature, kind, field, library, sha256):
        return
    msg = f"{kind}.{field} ({sha256[:12]}) was not signed by you, so it was not run."
    trust = "aiqc.trust(row) signs it, or share the signer's key as AIQC_SIGNING_KEY."
    if opaque:
        hint = f"It is opaque: what runs cannot be read. If you trust who made it, {trust}"
    else:
        hint = f"Read it with get_code(); if you want to run it, {trust}"
    raise UntrustedCode(msg, hint=hint, kind=kind, field=field, library=library, sha256=sha256)


def _message(*parts: str) -> bytes:
    """Join texts so that no two lists of parts give the same bytes."""
    encoded = [part.encode() for part in parts]
    return b"aiqc.trust.1" + b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


def _decode(text: str, place: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = text.encode()
    if len(key) < MIN_KEY_BYTES:
        msg = f"The signing key in {place} has {len(key)} bytes; {MIN_KEY_BYTES} are the least."
        hint = "Make one with: python -c 'import secrets; print(secrets.token_hex(32))'."
        raise StoreError(msg, hint=hint, place=place)
    return key


def _create(path: Path) -> None:
    """Write the key aside and link it into place: no process sees half a key or a second one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()


def _check_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"Other users can read the signing key {path} (mode {mode:04o})."
        raise StoreError(msg, hint=f"Run: chmod 600 '{path}'.", path=str(path))
