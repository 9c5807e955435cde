"""Rebuilt models that this process keeps, so that repeated inference does not rebuild them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiqc.core.trust import require_trust
from aiqc.orm.algorithm import Algorithm
from aiqc.orm.fit import fit_of_feature
from aiqc.orm.task_source import TaskSource, default_thread_count
from aiqc.orm.trained import key_of, trained_of
from aiqc.training.task import rebuild_task

if TYPE_CHECKING:
    from aiqc.core.enums import Output
    from aiqc.core.types import Array, Features, TrainingTask
    from aiqc.orm.predictor import Predictor
    from aiqc.orm.trained import Trained
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.label_fit import LabelFit

#: models that are kept; the one that was used longest ago goes first
KEPT = 8
#: held while a model is rebuilt or predicts: seeds and thread counts belong to the process
lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model in memory, with what new data need before and after it."""

    source: TaskSource
    model: Any
    #: what a classifier returns; None for regression
    output: Output | None
    trained: Trained
    fits: list[FeatureFit]
    #: None of an unsupervised model
    label_fit: LabelFit | None
    thread_count: int
    #: field of the Algorithm -> digest of its code, and whether that cannot be read
    code: dict[str, tuple[str, bool]]

    def task(self, features: Features, label: Array | None, split: str) -> TrainingTask:
        """Return what predicts encoded samples, at the seed and thread count of the run."""
        return _task(self.source, self.trained, self.thread_count, (features, label, split))


_models: OrderedDict[tuple[str, int, str, str], ServedModel] = OrderedDict()


def serve(predictor: Predictor) -> ServedModel:
    """Return the model of a Predictor; call it, and use the model, while `lock` is held.

    A model that is kept passes the same check of signatures as one that is rebuilt. Models are
    kept by store, Predictor and digest of their bytes.

    Raises
    ------
    UntrustedCode
        If the Algorithm's functions, or a model stored as code, are not trusted.
    NotReady
        If the model could not be stored when it was trained.
    """
    content = predictor.model_content
    key = (*key_of(predictor), "" if content is None else content.sha256)
    with lock:
        found = _models.get(key)
        if found is None:
            found = _models[key] = _rebuilt(predictor)
            while len(_models) > KEPT:
                _models.popitem(last=False)
        else:
            _check_trust(predictor, found)
            _models.move_to_end(key)
        return found


def forget_models() -> None:
    """Drop every model that is kept."""
    with lock:
        _models.clear()


def _rebuilt(predictor: Predictor) -> ServedModel:
    trained = trained_of(predictor)
    splitset, fold = trained.splitset, trained.fold
    source = TaskSource(trained.job.queue)
    stored = predictor.stored_model()
    thread_count = trained.thread_count or default_thread_count()
    model, _ = rebuild_task(_task(source, trained, thread_count, ([], None, "")), stored)
    bundles = trained.algorithm.bundles()
    return ServedModel(
        source=source,
        model=model,
        output=stored.output,
        trained=trained,
        fits=[fit_of_feature(splitset, fold, feature) for feature in trained.features],
        label_fit=source.parts(fold).label_fit,
        thread_count=thread_count,
        code={field: (one.sha256, one.is_opaque) for field, one in bundles.items()},
    )


def _task(
    source: TaskSource,
    trained: Trained,
    thread_count: int,
    values: tuple[Features, Array | None, str],
) -> TrainingTask:
    task = source.inference_task(trained.job, *values)
    return replace(task, seed=trained.seed, thread_count=thread_count)


def _check_trust(predictor: Predictor, served: ServedModel) -> None:
    """Check the signatures that the store holds now against the code that would run."""
    algorithm = served.trained.algorithm
    query = Algorithm.select(Algorithm.signatures).where(Algorithm.id == algorithm.id)
    signatures = query.get().signatures
    for field, (sha256, is_opaque) in served.code.items():
        signature = signatures.get(field, "")
        library = str(algorithm.library)
        require_trust(signature, "Algorithm", field, library, sha256, opaque=is_opaque)
    predictor.check_trust()
