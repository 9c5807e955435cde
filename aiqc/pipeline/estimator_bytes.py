"""skops bytes without addresses, times, set order and stray memory: equal in, equal out."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Set

#: member of the archive that describes the objects
SCHEMA = "schema.json"

#: no later than any file: the earliest time that a zip can hold
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: the code of Unix in a zip's headers, written on every system
_UNIX = 3
#: how an npy file starts
_NPY = b"\x93NUMPY"
#: what an upgrade changes
_VERSIONS = frozenset({"_sklearn_version", "_skops_version", "protocol"})
#: whether two such objects are one, or only equal, is an accident of interning
_IMMUTABLE = frozenset({"JsonNode", "TypeNode", "FunctionNode", "TupleNode", "SliceNode"})


def canonical_bytes(data: bytes) -> bytes:
    """Return skops bytes deflated, with ids counted and no trace of the process that wrote them.

    Objects that were one stay one. skops names objects and their files by memory address, puts
    the present time on every member, and writes sets in the order of their hashes.

    Parameters
    ----------
    data
        What `skops.io.dumps` returned, of any compression.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read(SCHEMA))
        renaming = _Renaming()
        renaming.rename(schema)
        members = [
            (new, _without_padding(archive.read(old))) for old, new in renaming.files.items()
        ]
    members.append((SCHEMA, json.dumps(schema).encode()))
    return _zipped(members)


def content_digest(data: bytes) -> str:
    """Return the SHA-256 of what canonical bytes hold, whichever library versions wrote them."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name == SCHEMA:
                content = json.dumps(_without(json.loads(content), _VERSIONS)).encode()
            digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


class _Renaming:
    """Counts objects and files in the order in which the schema names them."""

    def __init__(self) -> None:
        #: old name of a member -> its new name
        self.files: dict[str, str] = {}
        self._ids: dict[Any, int] = {}

    def rename(self, item: Any) -> None:
        """Replace ids and file names in place, inner states before those that hold them."""
        is_state = isinstance(item, dict) and isinstance(item.get("__loader__"), str)
        if is_state and item["__loader__"] == "SetNode":
            item["content"].sort(key=_sort_key)
        for inner in item.values() if isinstance(item, dict) else item:
            if isinstance(inner, dict | list):
                self.rename(inner)
        if is_state:
            self._rename_state(item)

    def _rename_state(self, state: dict[str, Any]) -> None:
        if "file" in state:
            old = state["file"]
            new = f"{len(self.files) + 1}{PurePosixPath(old).suffix}"
            state["file"] = self.files.setdefault(old, new)
        if "__id__" in state:
            address = state.pop("__id__")
            content = json.dumps(state) if state["__loader__"] in _IMMUTABLE else None
            state["__id__"] = self._ids.setdefault(content or address, len(self._ids) + 1)


def _sort_key(state: Any) -> str:
    """Return a text of a member of a set that holds no address."""
    return json.dumps(_without(state, {"__id__"}))


def _without(item: Any, keys: Set[str]) -> Any:
    if isinstance(item, dict):
        return {key: _without(value, keys) for key, value in item.items() if key not in keys}
    return [_without(value, keys) for value in item] if isinstance(item, list) else item


def _without_padding(content: bytes) -> bytes:
    """Return npy bytes whose gaps between fields are zero; trees copy stray memory into them."""
    if not content.startswith(_NPY):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _zipped(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
