"""TaskSource: the rows of a Queue as the values that training takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiqc.core.enums import AnalysisType, DatasetType
from aiqc.core.types import Shapes, TrainingTask
from aiqc.orm.feature_shaper import shaper_of
from aiqc.orm.fit import fit_of_label
from aiqc.orm.samples_cache import CachedSplit, feature_fits, read_splits
from aiqc.orm.training_profile import ensure_profiles
from aiqc.orm.window import windows_of
from aiqc.pipeline.target_decoder import TargetDecoder

if TYPE_CHECKING:
    from aiqc.core.types import Array, Features, LabelDecoder, Shape
    from aiqc.orm.algorithm import Algorithm
    from aiqc.orm.feature import Feature
    from aiqc.orm.fold import Fold
    from aiqc.orm.job import Job
    from aiqc.orm.queue import Queue
    from aiqc.orm.splitset import Splitset
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.label_fit import LabelFit


@dataclass(frozen=True, slots=True)
class FoldParts:
    """What every run on a fold shares besides its samples."""

    #: None without a Label
    label_fit: LabelFit | None
    decoder: LabelDecoder
    shapes: Shapes
    #: columns of each Feature that are permuted together; None: not permuted
    groups: tuple[dict[str, list[int]] | None, ...]
    #: encoded columns of each Feature
    names: tuple[list[str], ...]
    #: shape of one encoded sample of each Feature, before its FeatureShaper
    encoded_shapes: tuple[Shape, ...]


class TaskSource:
    """Makes the TrainingTask of any run of a Queue; functions and folds are loaded once."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._algorithm: Algorithm = queue.algorithm
        self._functions, self._metrics = self._algorithm.load()
        self._folds: dict[int | None, FoldParts] = {}
        self._splits: dict[int | None, dict[str, CachedSplit]] = {}

    def task(self, job: Job, seed: int, thread_count: int, permute_count: int = 0) -> TrainingTask:
        """Return what a run of the Job trains on."""
        splits = self.splits(job.fold)
        features = {name: cached.features for name, cached in splits.items()}
        label = {name: cached.label for name, cached in splits.items() if cached.label is not None}
        return self._task(job, features, label, (seed, thread_count, permute_count))

    def inference_task(
        self, job: Job, features: Features, label: Array | None, split: str
    ) -> TrainingTask:
        """Return what predicts new samples as the Job's fold does; its cache is not read.

        Seed and threads are the Queue's and this process's: a Run's own are for the caller to set.

        Parameters
        ----------
        job
            The Job of the Predictor.
        features
            New samples, encoded by the fits of the Job's fold; a list for several Features.
        label
            Their encoded label or target; None where they are only predicted.
        split
            Name of the only split, e.g. 'infer_0'.
        """
        labels = {} if label is None else {split: label}
        settings = (self._queue.seed, default_thread_count(), 0)
        return self._task(job, {split: features}, labels, settings)

    def parts(self, fold: Fold | None) -> FoldParts:
        """Return what the runs on a fold share."""
        key = None if fold is None else fold.id
        if key not in self._folds:
            self._folds[key] = fold_parts(
                self._queue.splitset, fold, self._algorithm.analysis_type
            )
        return self._folds[key]

    def splits(self, fold: Fold | None) -> dict[str, CachedSplit]:
        """Return the samples of a fold, memory-mapped; caches them first if need be."""
        key = None if fold is None else fold.id
        if key not in self._splits:
            self._splits[key] = read_splits(self._queue.splitset, fold)
            ensure_profiles(self._queue.splitset, fold)
        return self._splits[key]

    def _task(
        self,
        job: Job,
        features: dict[str, Features],
        label: dict[str, Array],
        settings: tuple[int, int, int],
    ) -> TrainingTask:
        parts, splitset = self.parts(job.fold), self._queue.splitset
        seed, thread_count, permute_count = settings
        return TrainingTask(
            library=self._algorithm.library,
            analysis_type=self._algorithm.analysis_type,
            functions=self._functions,
            hyperparameters=job.hyperparameters,
            shapes=parts.shapes,
            features=features,
            label=label,
            key_train=splitset.train_key(),
            key_evaluation=splitset.key_evaluation,
            decoder=parts.decoder,
            seed=seed,
            thread_count=thread_count,
            metrics=self._metrics,
            permute_count=permute_count,
            permute_groups=parts.groups,
            feature_names=parts.names,
            encoded_shapes=parts.encoded_shapes,
        )


def fold_parts(splitset: Splitset, fold: Fold | None, analysis_type: AnalysisType) -> FoldParts:
    """Return the decoder, shapes and column groups of a fold; fits are made where they lack."""
    features, fits = splitset.features, feature_fits(splitset, fold)
    encoded = [encoded_shape(feature, fit) for feature, fit in zip(features, fits, strict=True)]
    shapes = [_model_shape(one, shape) for one, shape in zip(features, encoded, strict=True)]
    label_fit = None if splitset.label is None else fit_of_label(splitset, fold)
    decoder: LabelDecoder
    if label_fit is None:
        # the target is the first Feature: itself, or its shifted windows
        decoder = TargetDecoder(fits[0], shaper_of(features[0]), encoded[0])
        label_shape = shapes[0]
    else:
        decoder = decoder_for(label_fit, analysis_type)
        label_shape = _label_shape(label_fit, analysis_type)
    return FoldParts(
        label_fit=label_fit,
        decoder=decoder,
        shapes=Shapes(shapes if len(shapes) > 1 else shapes[0], label_shape),
        groups=tuple(
            None if feature.dataset.typ == DatasetType.IMAGE else fit.groups
            for feature, fit in zip(features, fits, strict=True)
        ),
        names=tuple(fit.encoded_columns for fit in fits),
        encoded_shapes=tuple(encoded),
    )


def encoded_shape(feature: Feature, fit: FeatureFit) -> Shape:
    """Return the shape of one sample of a Feature, encoded and windowed, not yet reshaped."""
    windows = windows_of(feature)
    window = () if windows is None else (windows.size,)
    return (*window, *feature.sample_shape[:-1], len(fit.encoded_columns))


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


def _model_shape(feature: Feature, encoded: Shape) -> Shape:
    """Return the shape in which a sample of a Feature reaches the model."""
    shaper = shaper_of(feature)
    return encoded if shaper is None else shaper.shape_of(encoded)


def _label_shape(label_fit: LabelFit, analysis_type: AnalysisType) -> tuple[int, ...]:
    if analysis_type is AnalysisType.MULTI and label_fit.classes is not None:
        return (len(label_fit.classes),)
    return (1,)
