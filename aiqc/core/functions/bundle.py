"""A stored function: the text that runs, or flagged opaque bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import CorruptBlob

if TYPE_CHECKING:
    from collections.abc import Iterator

#: format of the stored bytes
FORMAT = 1
#: what names a notebook's cell: the process of a Jupyter kernel, the count of an IPython shell
_CELL = re.compile(r"ipykernel_\d+|ipython-input-\d+")


@dataclass(frozen=True, slots=True)
class FunctionBundle:
    """One function of an Algorithm, complete enough to run in any process."""

    #: the argument it was given as, e.g. `fn_build`
    name: str
    #: the function's own name in the text
    entry: str
    #: complete text; what runs unless `opaque` is set
    source: str
    #: dill bytes; then these run and `source` is only for reading
    opaque: bytes | None = None
    #: why there is no text that could run; empty for readable bundles
    reason: str = ""

    @property
    def is_opaque(self) -> bool:
        """Whether bytes run that cannot be read."""
        return self.opaque is not None

    @property
    def sha256(self) -> str:
        """Identity: hash of what runs and what is shown, without `name` and `reason`."""
        digest = hashlib.sha256(b"aiqc.function.1")
        kind = b"source" if self.opaque is None else b"opaque"
        for part in (kind, self.entry.encode(), self.source.encode(), self.opaque or b""):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.hexdigest()

    @property
    def likeness(self) -> str:
        """The same for the same cell in another kernel; `sha256` of a text, which is so anyway.

        Bytes hold the name of a cell's file, which has the number of the kernel's process in it.
        """
        if self.opaque is None:
            return self.sha256
        digest = hashlib.sha256(b"aiqc.function.likeness.1")
        for part in (self.entry, self.source, *_instructions(self.opaque)):
            digest.update(f"{len(part)}:{part}".encode())
        return digest.hexdigest()


def _instructions(data: bytes) -> Iterator[str]:
    """Yield the instructions of a pickle, without what differs by process; runs none of them."""
    import pickletools

    try:
        for instruction, argument, _ in pickletools.genops(data):
            if isinstance(argument, str):
                yield _CELL.sub("cell", argument)
            elif instruction.name != "FRAME":  # a length
                yield f"{instruction.name} {argument!r}"
    except ValueError:  # no pickle: only equal bytes are alike
        yield hashlib.sha256(data).hexdigest()


def to_bytes(bundle: FunctionBundle) -> bytes:
    """Return the bundle as JSON bytes; the same bundle gives the same bytes."""
    blob = None if bundle.opaque is None else base64.b64encode(bundle.opaque).decode()
    fields = {
        "format": FORMAT,
        "name": bundle.name,
        "entry": bundle.entry,
        "source": bundle.source,
        "opaque": blob,
        "reason": bundle.reason,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def from_bytes(data: bytes) -> FunctionBundle:
    """Return the bundle that `to_bytes` wrote; runs nothing.

    Raises
    ------
    CorruptBlob
        If the bytes are not a bundle of a known format.
    """
    try:
        fields = json.loads(data)
        _check(fields)
        blob = fields["opaque"]
        opaque = None if blob is None else base64.b64decode(blob, validate=True)
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        msg = f"{len(data)} bytes are not a stored function: {error}."
        hint = "Restore the metastore from a backup, or make the Algorithm again."
        raise CorruptBlob(msg, hint=hint) from error
    return FunctionBundle(
        fields["name"], fields["entry"], fields["source"], opaque, fields["reason"]
    )


def _check(fields: Any) -> None:
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        msg = f"format {FORMAT} was expected"
        raise ValueError(msg)
    wrong = [key for key in ("name", "entry", "source", "reason") if type(fields[key]) is not str]
    if wrong:
        msg = f"{wrong[0]!r} is not text"
        raise ValueError(msg)
