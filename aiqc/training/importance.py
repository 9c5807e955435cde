"""Permutation importance of one split, for any backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aiqc.core.enums import Library
from aiqc.pipeline.importance import permutation_importance
from aiqc.training.arrays import as_compute, as_list, label_compute

if TYPE_CHECKING:
    from aiqc.core.protocols import Backend
    from aiqc.core.types import Features, Importance, TrainingTask

#: axes of features without rows in time or space
_MATRIX = 2


def split_importance(
    task: TrainingTask,
    backend: Backend,
    model: Any,
    loser: Any,
    *,
    split: str,
    permute_count: int,
    seed: int,
) -> Importance:
    """Return the impact on the loss of permuting each original column of one split.

    Parameters
    ----------
    task
        Gives the split and, in `permute_groups`, the encoded columns of each original one.
    backend, model, loser
        The trained model and its loss.
    split
        Name of the split.
    permute_count
        Permutations per column.
    seed
        Of the permutations.
    """
    features = as_compute(task.features[split], backend.compute_dtype)
    label = label_compute(task.label[split], backend.compute_dtype)

    def loss_of(permuted: Features) -> float:
        return float(backend.loss(task, model, loser, permuted, label))

    groups = task.permute_groups or tuple(None for _ in as_list(features))
    # a matrix product takes either order; other layers are built for rows
    is_matrix = all(array.ndim == _MATRIX for array in as_list(features))
    layout: Literal["C", "F"] = "F" if task.library is Library.PYTORCH and is_matrix else "C"
    return permutation_importance(
        *(features, groups, loss_of, permute_count, seed),
        shapes=task.encoded_shapes,
        layout=layout,
    )
