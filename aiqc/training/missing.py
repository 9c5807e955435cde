"""NaN is found before a model is trained, not in the middle of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.errors import InvalidData
from aiqc.core.protocols import AcceptsMissing
from aiqc.training.arrays import as_list

if TYPE_CHECKING:
    from aiqc.core.protocols import Backend
    from aiqc.core.types import Array, TrainingTask

_SHOWN_COLUMNS = 10
_REMEDY = (
    "Add a scikit-learn imputer such as SimpleImputer to the FeatureCoders, drop the rows, or "
    "use an estimator that takes NaN, such as HistGradientBoostingClassifier."
)


def refuse_missing(task: TrainingTask, backend: Backend) -> None:
    """Refuse a task whose features hold NaN that its model cannot take, or its label any.

    Raises
    ------
    InvalidData
        Names the columns, how many NaN each split holds there, and the remedies.
    """
    _refuse_label(task)
    found = missing_counts(task)
    if not found or (isinstance(backend, AcceptsMissing) and backend.accepts_missing(task)):
        return
    shown = "; ".join(
        f"{column!r}: {count}" for column, count in list(found.items())[:_SHOWN_COLUMNS]
    )
    more = len(found) - _SHOWN_COLUMNS
    rest = f"; and {more} more columns" if more > 0 else ""
    msg = (
        f"The features hold NaN, which this {task.library.value} model does not take "
        f"(column: NaN count over all splits): {shown}{rest}."
    )
    raise InvalidData(msg, hint=_REMEDY, columns=list(found), counts=found)


def missing_counts(task: TrainingTask) -> dict[str, int]:
    """Return column -> number of NaN over all splits, for encoded columns that hold any."""
    found: dict[str, int] = {}
    for features in task.features.values():
        arrays = as_list(features)
        for index, array in enumerate(arrays):
            if array.dtype.kind != "f" or not array.size or not np.isnan(array.min()):
                continue
            counts = np.isnan(array).reshape(-1, _width(task, index, array)).sum(axis=0)
            for position in np.flatnonzero(counts):
                name = _column(task, index, int(position), len(arrays))
                found[name] = found.get(name, 0) + int(counts[position])
    return found


def _width(task: TrainingTask, index: int, array: Array) -> int:
    """Return how many columns a Feature has; its last axis may be another after a reshape."""
    shapes = task.encoded_shapes
    return shapes[index][-1] if index < len(shapes) else array.shape[-1]


def _column(task: TrainingTask, index: int, position: int, feature_count: int) -> str:
    names = task.feature_names[index] if index < len(task.feature_names) else []
    name = names[position] if position < len(names) else f"position {position}"
    return f"{name} of feature {index}" if feature_count > 1 else name


def _refuse_label(task: TrainingTask) -> None:
    counts = {split: _nan_count(label) for split, label in task.label.items()}
    found = {split: count for split, count in counts.items() if count}
    if not found:
        return
    msg = f"The label, or the target without one, holds NaN (split: count): {found}."
    raise InvalidData(msg, hint="Drop those rows, or interpolate or impute them.", counts=found)


def _nan_count(label: Array) -> int:
    return int(np.isnan(label).sum()) if label.dtype.kind == "f" else 0
