"""What `get_code` shows; runs nothing."""

from __future__ import annotations

from aiqc.core.functions.bundle import FunctionBundle, from_bytes


def reveal_code(blob: bytes | FunctionBundle) -> str:
    """Return the text of a stored function: exactly what runs, or a warning that it is not.

    Parameters
    ----------
    blob
        A `fn_*` attribute of an Algorithm.

    Raises
    ------
    CorruptBlob
        If the bytes are not a stored function.
    """
    bundle = blob if isinstance(blob, FunctionBundle) else from_bytes(blob)
    if not bundle.is_opaque:
        return bundle.source
    # one line whatever a stranger wrote there
    reason = " ".join(bundle.reason.split())
    head = f"# OPAQUE ({reason}): bytes run that cannot be read; this text may not be what runs."
    body = bundle.source or "# No text was found for it.\n"
    return f"{head}\n{body}"
