"""Predicting, decoding and scoring splits; every library takes this road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.pipeline.metrics.custom import score_custom
from aiqc.pipeline.metrics.registry import LOSS, score_split
from aiqc.pipeline.metrics.regression import numeric_columns
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
    #: the user's labels or units: `(samples,)`; of an unsupervised model `(samples, ...,
    #: original columns)`
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
        scores = _score_numbers(task, predicted, label)
    return scores | {LOSS: loss}


def split_loss(
    task: TrainingTask, backend: Backend, model: Any, loser: Any, features: Features, label: Array
) -> float:
    """Return the mean loss of one split on encoded values; NaN is a value."""
    dtype = backend.compute_dtype
    ready, target = as_compute(features, dtype), label_compute(label, dtype)
    return float(backend.loss(task, model, loser, ready, target))


def _score_numbers(task: TrainingTask, predicted: Predicted, label: Array) -> Scores:
    """Return the scores of decoded numbers; of encoded ones where every column is text."""
    true = task.decoder.decode(label)
    own = dict(task.metrics)
    if predicted.decoded.dtype.kind != "O" or true.dtype.kind != "O":
        return score_split(task.analysis_type, true, predicted.decoded, custom=own)
    numeric = numeric_columns(true)
    scored = (
        (true[..., numeric].astype(np.float64), predicted.decoded[..., numeric].astype(np.float64))
        if numeric
        else (label, predicted.encoded)
    )
    scores = score_split(task.analysis_type, *scored)
    if np.isfinite(predicted.encoded).all():
        return scores | score_custom(own, true, predicted.decoded)
    return scores | dict.fromkeys(own, float("nan"))


def _decode(task: TrainingTask, encoded: Array) -> Array:
    """Return decoded values; a sample that is not finite (a diverged model) becomes NaN."""
    decoded = task.decoder.decode(encoded)
    if task.analysis_type.is_classification:
        return decoded
    finite = np.isfinite(encoded).reshape(len(encoded), -1).all(axis=1)
    if finite.all():
        return decoded
    # a copy: a decoder may hand back what it was given
    decoded = np.array(decoded)
    decoded[~finite] = np.nan
    return decoded
