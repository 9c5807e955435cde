"""Predicting, decoding and scoring splits; every library takes this road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.pipeline.metrics.registry import LOSS, score_split
from aiqc.training.arrays import as_compute, label_compute, sample_count
from aiqc.training.predictions import check_prediction, check_probabilities

if TYPE_CHECKING:
    from aiqc.core.enums import Output
    from aiqc.core.protocols import Backend
    from aiqc.core.types import Array, Features, Scores, TrainingTask


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions of one split."""

    #: class codes `(samples,)`, or encoded numbers `(samples, *label shape)`
    encoded: Array
    #: the user's labels or units: `(samples,)`, or `(samples, label columns)`
    decoded: Array
    #: `(samples, 1)` of the positive class or `(samples, classes)`; None for regression
    probabilities: Array | None


def predict_split(
    task: TrainingTask, backend: Backend, model: Any, output: Output | None, features: Features
) -> Predicted:
    """Predict one split, labelled or not, and decode it.

    Parameters
    ----------
    task
        Gives fn_predict, the decoder and the classes.
    backend
        The library.
    model
        Trained, or rebuilt.
    output
        What a classifier returns, as it was found when it was trained.
    features
        Encoded features of the split; any float type.

    Raises
    ------
    InvalidFunction
        If fn_predict returns something else than one prediction a sample.
    """
    ready = as_compute(features, backend.compute_dtype)
    count = sample_count(ready)
    prediction, probabilities = backend.predict(task, model, ready, output)
    encoded = check_prediction(task, prediction, count)
    return Predicted(
        encoded=encoded,
        decoded=_decode(task, encoded),
        probabilities=check_probabilities(task, probabilities, count),
    )


def score_predicted(task: TrainingTask, predicted: Predicted, label: Array, loss: float) -> Scores:
    """Return every metric of one labelled split, `loss` last.

    Parameters
    ----------
    task
        Gives the decoder and the user's own metrics, which see decoded values.
    predicted
        Of the same samples.
    label
        Encoded, as it is stored: not rounded to the backend's float type.
    loss
        Mean loss on encoded values.
    """
    decoder = task.decoder
    if task.analysis_type.is_classification:
        scores = score_split(
            task.analysis_type,
            decoder.ordinal(label),
            predicted.encoded,
            predicted.probabilities,
            class_count=None if decoder.classes is None else len(decoder.classes),
            custom=task.metrics,
            decode=decoder.decode,
        )
    else:
        true = _squeeze(decoder.decode(label))
        scores = score_split(task.analysis_type, true, predicted.decoded, custom=task.metrics)
    return scores | {LOSS: loss}


def split_loss(
    task: TrainingTask, backend: Backend, model: Any, loser: Any, features: Features, label: Array
) -> float:
    """Return the mean loss of one split on encoded values; NaN is a value."""
    dtype = backend.compute_dtype
    ready, target = as_compute(features, dtype), label_compute(label, dtype)
    return float(backend.loss(task, model, loser, ready, target))


def _decode(task: TrainingTask, encoded: Array) -> Array:
    """Return decoded values; rows that are not finite (a diverged model) become NaN."""
    if task.analysis_type.is_classification:
        return task.decoder.decode(encoded)
    finite = np.isfinite(encoded).reshape(len(encoded), -1).all(axis=1)
    if finite.all():
        return _squeeze(task.decoder.decode(encoded))
    decoded = np.full(encoded.shape, np.nan)
    if finite.any():
        # Scalers refuse infinity, so only the finite rows pass through them.
        decoded[finite] = np.reshape(task.decoder.decode(encoded[finite]), encoded[finite].shape)
    return _squeeze(decoded)


def _squeeze(values: Array) -> Array:
    """Return one column as `(samples,)`."""
    single = values.ndim > 1 and values.shape[-1] == 1
    return values.reshape(values.shape[:-1]) if single else values
