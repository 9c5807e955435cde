"""What a Predictor was trained on: rows that never change, read once a process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from aiqc.core.enums import DatasetType
from aiqc.orm._proxy import current
from aiqc.pipeline.schema_check import FeatureSchema, LabelSchema, Schema, WindowSchema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Shape
    from aiqc.orm.algorithm import Algorithm
    from aiqc.orm.feature import Feature
    from aiqc.orm.fold import Fold
    from aiqc.orm.job import Job
    from aiqc.orm.label import Label
    from aiqc.orm.predictor import Predictor
    from aiqc.orm.splitset import Splitset
    from aiqc.pipeline.profile import ColumnProfile

#: Predictors that are remembered; the one that was used longest ago goes first
KEPT = 64


@dataclass(frozen=True, slots=True)
class Trained:
    """Data, functions and place of a run; no model and no code."""

    job: Job
    fold: Fold | None
    algorithm: Algorithm
    splitset: Splitset
    features: list[Feature]
    label: Label | None
    schema: Schema
    #: content of data, functions, hyperparameters, fold and seed; never ids
    identity: dict[str, Any]
    #: seed and thread count of the run
    seed: int
    thread_count: int | None
    #: one a Feature, once they were read
    profiles: dict[int, list[ColumnProfile]] = field(default_factory=dict)


#: store, Predictor, and when it was made: a copy of a store has the uid of the original
Key: TypeAlias = tuple[str, int, str]

_known: OrderedDict[Key, Trained] = OrderedDict()
_lock = threading.Lock()


def key_of(predictor: Predictor) -> Key:
    """Return what a Predictor is known by in this process, whichever store it is from."""
    store = current()
    return f"{store.uid} {store.url}", int(predictor.id), predictor.time_created.isoformat()


def trained_of(predictor: Predictor) -> Trained:
    """Return what a Predictor was trained on."""
    key = key_of(predictor)
    with _lock:
        found = _known.get(key)
        if found is not None:
            _known.move_to_end(key)
            return found
    found = _read(predictor)
    with _lock:
        _known[key] = found
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


def schema_of(features: Sequence[Feature], label: Label | None) -> Schema:
    """Return what new data and training data are compared by."""
    return Schema(
        [_feature_schema(feature) for feature in features],
        None
        if label is None
        else LabelSchema(label.columns, label.get_dtypes(), label.unique_classes),
    )


def fixed_shape(typ: DatasetType, shape: Shape) -> Shape:
    """Return what of the shape of data, samples first, has to be as it was trained on.

    Columns are found by name, except those of images, which are places.
    """
    return shape[1:] if typ == DatasetType.IMAGE else shape[1:-1]


def named_dtypes(dtypes: Any, columns: Sequence[str]) -> dict[str, str]:
    """Return {column: dtype} of a Dataset's dtypes; an array has one for all columns."""
    return dtypes if isinstance(dtypes, dict) else dict.fromkeys(columns, dtypes)


def _feature_schema(feature: Feature) -> FeatureSchema:
    dataset = feature.dataset
    named = named_dtypes(dataset.dtypes, feature.columns)
    window = feature.windows.first()
    return FeatureSchema(
        typ=str(dataset.typ),
        columns=feature.columns,
        dtypes={column: named[column] for column in feature.columns},
        sample_shape=fixed_shape(dataset.typ, tuple(dataset.shape.values())),
        sample_count=int(dataset.shape["samples"] if window is None else window.window_count),
        window=None
        if window is None
        else WindowSchema(window.size_window, window.size_shift, window.record_shifted),
    )


def _read(predictor: Predictor) -> Trained:
    job, run, model = predictor.job, predictor.run, predictor.model_content
    queue, fold = job.queue, job.fold
    splitset, algorithm = queue.splitset, queue.algorithm
    features, label = splitset.features, splitset.label
    schema = schema_of(features, label)
    if label is not None and not _has_known_classes(label, algorithm.analysis_type):
        own = schema.label
        assert own is not None
        schema = Schema(schema.features, LabelSchema(own.columns, own.dtypes, None))
    identity = {
        "algorithm": algorithm.sha256_hexdigest,
        "splitset": splitset.sha256_hexdigest,
        "hyperparameters": job.hyperparameters,
        "fold": None if fold is None else fold.idx,
        "seed": run.seed,
        "model": None if model is None else model.sha256,
    }
    return Trained(
        job=job,
        fold=fold,
        algorithm=algorithm,
        splitset=splitset,
        features=features,
        label=label,
        schema=schema,
        identity=identity,
        seed=run.seed,
        thread_count=run.thread_count,
    )


def _has_known_classes(label: Label, analysis_type: Any) -> bool:
    """Return whether only the classes that were trained on can be scored."""
    coder = label.labelcoders.first()
    is_threshold = coder is not None and type(coder.sklearn_preprocess).__name__ == "Binarizer"
    return bool(analysis_type.is_classification) and not is_threshold
