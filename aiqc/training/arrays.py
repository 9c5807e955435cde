"""Features and labels as the arrays that a backend computes with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiqc.core.protocols import Backend
    from aiqc.core.types import Array, Features, TrainingTask


def as_list(features: Features) -> list[Array]:
    """Return the arrays of one or several Features as a list."""
    return features if isinstance(features, list) else [features]


def as_compute(features: Features, dtype: str) -> Features:
    """Return features as C-contiguous float arrays of a dtype; no copy where they are so already.

    Parameters
    ----------
    features
        One array, or a list of arrays for several Features.
    dtype
        'float32' or 'float64'.
    """
    if isinstance(features, list):
        return [np.ascontiguousarray(array, dtype=dtype) for array in features]
    return np.ascontiguousarray(features, dtype=dtype)


def label_compute(label: Array, dtype: str) -> Array:
    """Return a label with its floats as a dtype; class codes stay integers."""
    return np.ascontiguousarray(label, dtype=dtype if label.dtype.kind == "f" else label.dtype)


def compute_task(task: TrainingTask, backend: Backend) -> TrainingTask:
    """Return the task with every array as the backend computes with it."""
    dtype = backend.compute_dtype
    features: Mapping[str, Features] = {
        split: as_compute(values, dtype) for split, values in task.features.items()
    }
    label = {split: label_compute(values, dtype) for split, values in task.label.items()}
    return replace(task, features=features, label=label)


def training_arrays(
    task: TrainingTask,
) -> tuple[Features, Array, Features | None, Array | None]:
    """Return (train_features, train_label, eval_features, eval_label) of a task.

    eval_* are None without an evaluation split.
    """
    train, evaluation = task.key_train, task.key_evaluation
    if evaluation is None:
        return task.features[train], task.label[train], None, None
    return (
        *(task.features[train], task.label[train]),
        *(task.features[evaluation], task.label[evaluation]),
    )


def sample_count(features: Features) -> int:
    """Return how many samples features have."""
    return len(as_list(features)[0])


def locked(features: Features) -> Features:
    """Return views that cannot be written: what a function changed would be scored with later."""
    if isinstance(features, list):
        return [_locked(array) for array in features]
    return _locked(features)


def head(features: Features, count: int) -> Features:
    """Return the first samples of features."""
    if isinstance(features, list):
        return [array[:count] for array in features]
    return features[:count]


def _locked(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
