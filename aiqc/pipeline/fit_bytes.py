"""Fits to bytes and back: a JSON header, skops bytes and packed indices."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.codecs import from_json, pack_arrays, to_json, unpack_arrays
from aiqc.core.enums import EncodingDimension
from aiqc.core.errors import CorruptBlob
from aiqc.pipeline.coder import FittedCoder
from aiqc.pipeline.estimators import dump_estimator, load_estimator

if TYPE_CHECKING:
    from aiqc.core.types import Array


def coder_header(coder: FittedCoder) -> dict[str, Any]:
    """Return what describes a fitted coder, besides its estimators."""
    return {
        "dimension": str(coder.dimension),
        "columns": coder.columns,
        "names": coder.names,
        "groups": coder.groups,
        "widths": coder.widths,
    }


def coder_from(header: dict[str, Any], estimators: list[Any]) -> FittedCoder:
    """Return the coder that `coder_header` described."""
    return FittedCoder(
        estimators=list(estimators),
        dimension=EncodingDimension(header["dimension"]),
        columns=header["columns"],
        names=header["names"],
        groups=header["groups"],
        widths=header["widths"],
    )


def pack_fit(header: dict[str, Any], estimators: list[Any], arrays: dict[str, Array]) -> bytes:
    """Return a fit as packed arrays: JSON, skops bytes (if any) and indices."""
    blobs = {"header": to_json(header).encode()}
    if any(estimators):
        blobs["estimators"] = dump_estimator(estimators)
    bytes_ = {name: np.frombuffer(data, dtype=np.uint8) for name, data in blobs.items()}
    return pack_arrays(bytes_ | arrays)


def unpack_fit(data: bytes) -> tuple[dict[str, Any], list[Any], dict[str, Array]]:
    """Return (header, estimators, arrays) of `pack_fit`."""
    try:
        arrays = unpack_arrays(data)
    except zipfile.BadZipFile:
        arrays = {}
    if "header" not in arrays:
        msg = f"{len(data)} bytes are not a stored fit."
        raise CorruptBlob(msg, hint="Restore the metastore from a backup.")
    header = from_json(arrays.pop("header").tobytes().decode())
    blob = arrays.pop("estimators", None)
    return header, [] if blob is None else load_estimator(blob.tobytes()), arrays
