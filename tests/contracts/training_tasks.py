"""Builders of small training tasks, shared by contract and unit tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aiqc.core.enums import AnalysisType, Library
from aiqc.core.types import Functions, Shapes, TrainingTask

BINARY_CLASSES = np.array(["benign", "malignant"], dtype=object)
MULTI_CLASSES = np.array(["bird", "cat", "dog"], dtype=object)
SPLITS = {"train": slice(0, 120), "validation": slice(120, 160), "test": slice(160, 200)}


@dataclass(frozen=True)
class ClassDecoder:
    """Class names of ordinal or one-hot codes."""

    classes: np.ndarray

    def ordinal(self, encoded: np.ndarray) -> np.ndarray:
        one_hot = encoded.ndim == 2 and encoded.shape[1] > 1
        return encoded.argmax(axis=1) if one_hot else encoded.reshape(-1).astype(np.int64)

    def decode(self, values: np.ndarray) -> np.ndarray:
        return self.classes[values]


@dataclass(frozen=True)
class UnitDecoder:
    """Units of a standardised number: `value * scale + mean`."""

    mean: float = 0.0
    scale: float = 1.0
    classes: None = None

    def ordinal(self, encoded: np.ndarray) -> np.ndarray:
        raise AssertionError("a regression has no codes")

    def decode(self, values: np.ndarray) -> np.ndarray:
        column = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        return column * self.scale + self.mean


def draw(analysis_type: AnalysisType, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return features (200, 4) and codes or numbers (200,) that a linear model explains."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(200, 4))
    weights = np.array([[2.0, -1.0, 0.5], [-1.0, 2.0, 0.0], [0.5, 0.5, -2.0], [0.0, 0.0, 0.0]])
    scores = features @ weights
    if analysis_type is AnalysisType.MULTI:
        return features, scores.argmax(axis=1)
    if analysis_type is AnalysisType.BINARY:
        return features, (scores[:, 0] > 0).astype(np.int64)
    return features, scores[:, 0] + rng.normal(scale=0.2, size=200)


def decoder_of(analysis_type: AnalysisType) -> Any:
    """Return the decoder that fits `draw`."""
    if analysis_type is AnalysisType.BINARY:
        return ClassDecoder(BINARY_CLASSES)
    if analysis_type is AnalysisType.MULTI:
        return ClassDecoder(MULTI_CLASSES)
    return UnitDecoder(mean=10.0, scale=2.0)


def label_shape_of(analysis_type: AnalysisType) -> tuple[int, ...]:
    """Return the label shape that fn_build receives."""
    return (3,) if analysis_type is AnalysisType.MULTI else (1,)


def make_task(
    library: Library,
    analysis_type: AnalysisType,
    functions: Functions,
    *,
    one_hot: bool = False,
    several: bool = False,
    evaluation: str | None = "validation",
    hyperparameters: dict[str, Any] | None = None,
    **changes: Any,
) -> TrainingTask:
    """Return a task on the data of `draw`; `changes` replace fields of it."""
    features, label = draw(analysis_type)
    column = label.reshape(-1, 1)
    if one_hot:
        width = 2 if analysis_type is AnalysisType.BINARY else 3
        column = np.eye(width, dtype=np.int64)[label]
    shape: Any = [(2,), (2,)] if several else (4,)
    task = TrainingTask(
        library=library,
        analysis_type=analysis_type,
        functions=functions,
        hyperparameters=hyperparameters or {},
        shapes=Shapes(shape, label_shape_of(analysis_type)),
        features={
            name: [features[rows, :2], features[rows, 2:]] if several else features[rows]
            for name, rows in SPLITS.items()
        },
        label={name: column[rows] for name, rows in SPLITS.items()},
        key_train="train",
        key_evaluation=evaluation,
        decoder=decoder_of(analysis_type),
        seed=7,
        thread_count=1,
        feature_names=(["a", "b"], ["c", "d"]) if several else (["a", "b", "c", "d"],),
    )
    return replace(task, **changes)
