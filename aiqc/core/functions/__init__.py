"""User functions as readable source bundles: make, store, read and load them."""

from __future__ import annotations

from aiqc.core.functions.bundle import FunctionBundle, from_bytes, to_bytes
from aiqc.core.functions.load import load_function
from aiqc.core.functions.make import bundle_function
from aiqc.core.functions.reveal import reveal_code
from aiqc.core.functions.signature import Signature, describe_signature

__all__ = [
    "FunctionBundle",
    "Signature",
    "bundle_function",
    "describe_signature",
    "from_bytes",
    "load_function",
    "reveal_code",
    "to_bytes",
]
