"""The documented import path of the functions that a FunctionTransformer may hold."""

from __future__ import annotations

from aiqc.pipeline.scale255 import div255, mult255

__all__ = ["div255", "mult255"]
