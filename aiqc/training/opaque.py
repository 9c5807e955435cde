"""Models that nothing else can store: signed dill, or a note that nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.core.enums import ModelForm, Output
from aiqc.core.errors import NotReady
from aiqc.core.types import StoredModel

if TYPE_CHECKING:
    from collections.abc import Callable


def dump_opaque(
    model: Any,
    reason: str,
    *,
    check: Callable[[Any], bool],
    optimizer: bytes | None = None,
    output: Output | None = None,
) -> StoredModel:
    """Return a model as dill bytes, or as MISSING when even that fails.

    Parameters
    ----------
    model
        The trained model.
    reason
        Why the usual form is not possible; ends up in the note.
    check
        Whether the model, loaded again, repeats its outputs on one batch.
    optimizer
        The packed optimizer state, if any.
    output
        What a classifier returns.
    """
    import dill

    try:
        data: bytes = dill.dumps(model, recurse=True)
        repeats = check(dill.loads(data))  # noqa: S301 - bytes that this process has just made
    except Exception as error:  # noqa: BLE001 - whatever a user's model raises, its result stands
        return _missing(f"{reason} dill could not store it either: {error}", output)
    if not repeats:
        return _missing(f"{reason} Loaded from dill, its outputs differ.", output)
    note = f"{reason} The model is kept as opaque code and data (dill)."
    return StoredModel(ModelForm.OPAQUE, data, optimizer, output, note)


def load_opaque(stored: StoredModel) -> Any:
    """Return the model of `dump_opaque`; the caller has verified the signature.

    Raises
    ------
    NotReady
        If nothing could be stored.
    """
    if stored.form is ModelForm.MISSING or stored.model is None:
        msg = f"This model could not be stored. {stored.note}"
        hint = "Its predictions and metrics are kept; train again to get a model."
        raise NotReady(msg, hint=hint)
    import dill

    return dill.loads(stored.model)  # noqa: S301 - signed; checked where blobs are read


def _missing(reason: str, output: Output | None) -> StoredModel:
    note = f"{reason} Predictions and metrics are kept, the model is not."
    return StoredModel(ModelForm.MISSING, None, None, output, note)
