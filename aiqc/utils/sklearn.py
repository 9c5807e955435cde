"""The documented import path of what scikit-learn Algorithms do by default."""

from __future__ import annotations

from aiqc.training.sklearn_defaults import (
    classification_lose,
    classification_predict,
    join_features,
    optimize,
    regression_lose,
    regression_predict,
    train,
)

__all__ = [
    "classification_lose",
    "classification_predict",
    "join_features",
    "optimize",
    "regression_lose",
    "regression_predict",
    "train",
]
