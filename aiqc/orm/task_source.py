"""TaskSource: the rows of a Queue as the values that training takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import AnalysisType
from aiqc.core.types import Shapes, TrainingTask
from aiqc.orm.fit import fit_of_label
from aiqc.orm.samples_cache import CachedSplit, feature_fits, read_splits

if TYPE_CHECKING:
    from aiqc.core.types import Features, LabelDecoder
    from aiqc.orm.algorithm import Algorithm
    from aiqc.orm.fold import Fold
    from aiqc.orm.job import Job
    from aiqc.orm.queue import Queue
    from aiqc.orm.splitset import Splitset
    from aiqc.pipeline.label_fit import LabelFit


@dataclass(frozen=True, slots=True)
class FoldParts:
    """What every run on a fold shares."""

    splits: dict[str, CachedSplit]
    label_fit: LabelFit
    decoder: LabelDecoder
    shapes: Shapes
    groups: tuple[dict[str, list[int]], ...]
    names: tuple[list[str], ...]


class TaskSource:
    """Makes the TrainingTask of any run of a Queue; functions and folds are loaded once."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._algorithm: Algorithm = queue.algorithm
        self._functions, self._metrics = self._algorithm.load()
        self._folds: dict[int | None, FoldParts] = {}

    def task(self, job: Job, seed: int, thread_count: int, permute_count: int = 0) -> TrainingTask:
        """Return what a run of the Job trains on."""
        parts = self.parts(job.fold)
        splitset = self._queue.splitset
        return TrainingTask(
            library=self._algorithm.library,
            analysis_type=self._algorithm.analysis_type,
            functions=self._functions,
            hyperparameters=job.hyperparameters,
            shapes=parts.shapes,
            features={name: cached.features for name, cached in parts.splits.items()},
            label={
                name: cached.label
                for name, cached in parts.splits.items()
                if cached.label is not None
            },
            key_train=splitset.train_key(),
            key_evaluation=splitset.key_evaluation,
            decoder=parts.decoder,
            seed=seed,
            thread_count=thread_count,
            metrics=self._metrics,
            permute_count=permute_count,
            permute_groups=parts.groups,
            feature_names=parts.names,
        )

    def parts(self, fold: Fold | None) -> FoldParts:
        """Return what the runs on a fold share."""
        key = None if fold is None else fold.id
        if key not in self._folds:
            self._folds[key] = fold_parts(
                self._queue.splitset, fold, self._algorithm.analysis_type
            )
        return self._folds[key]


def fold_parts(splitset: Splitset, fold: Fold | None, analysis_type: AnalysisType) -> FoldParts:
    """Return the arrays, decoder, shapes and column groups of a fold."""
    splits = read_splits(splitset, fold)
    fits = feature_fits(splitset, fold)
    label_fit = fit_of_label(splitset, fold)
    train = splits[splitset.train_key()]
    return FoldParts(
        splits=splits,
        label_fit=label_fit,
        decoder=decoder_for(label_fit, analysis_type),
        shapes=Shapes(_feature_shapes(train.features), _label_shape(label_fit, analysis_type)),
        groups=tuple(fit.groups for fit in fits),
        names=tuple(fit.encoded_columns for fit in fits),
    )


def decoder_for(label_fit: LabelFit, analysis_type: AnalysisType) -> LabelDecoder:
    """Return the decoder of a label for an analysis; whole numbers may be classes or units."""
    if analysis_type.is_classification:
        return label_fit
    return replace(label_fit, classes=None, is_categorical=False)


def default_thread_count() -> int:
    """Return the threads this process computes with: OMP_NUM_THREADS, else its processors."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _feature_shapes(features: Features) -> Any:
    if isinstance(features, list):
        return [tuple(array.shape[1:]) for array in features]
    return tuple(features.shape[1:])


def _label_shape(label_fit: LabelFit, analysis_type: AnalysisType) -> tuple[int, ...]:
    if analysis_type is AnalysisType.MULTI and label_fit.classes is not None:
        return (len(label_fit.classes),)
    return (1,)
