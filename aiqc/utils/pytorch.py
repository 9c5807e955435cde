"""`fit` and the default functions of PyTorch Algorithms, at their documented import path."""

from __future__ import annotations

from aiqc.training.fit import fit
from aiqc.training.pytorch_defaults import (
    binary_lose,
    binary_predict,
    multi_lose,
    multi_predict,
    optimize,
    regression_lose,
    regression_predict,
)

__all__ = [
    "binary_lose",
    "binary_predict",
    "fit",
    "multi_lose",
    "multi_predict",
    "optimize",
    "regression_lose",
    "regression_predict",
]
