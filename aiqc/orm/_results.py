"""From an Outcome to rows: blobs first, then the rows that make the result visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.clock import utc_now
from aiqc.core.codecs import pack_arrays, to_json
from aiqc.core.enums import ModelForm
from aiqc.orm._blobs import Blob, put_blob, put_small
from aiqc.orm.metric_result import MetricResult, metric_rows
from aiqc.orm.prediction import PREDICTIONS, PROBABILITIES, Prediction
from aiqc.orm.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Importance, Outcome
    from aiqc.orm.run import Run


#: results up to this many bytes are committed at once; larger parts go before the small commit
SMALL_SIZE = 1_000_000


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """The blobs of an Outcome."""

    model: Blob | None
    optimizer: Blob | None
    history: Blob
    arrays: Blob
    #: {feature id: {column: ...}} is only known with the run; None without importance
    importance: Importance | None


def is_small(outcome: Outcome) -> bool:
    """Return whether the arrays are small enough to be written in the final transaction."""
    model = outcome.model
    sizes = [len(data) for data in (model.model, model.optimizer) if data is not None]
    arrays = [*outcome.history.values(), *outcome.predictions.values()]
    arrays += (outcome.probabilities or {}).values()
    return sum(sizes) + sum(array.nbytes for array in arrays) <= SMALL_SIZE


def put_outcome(outcome: Outcome, *, at_once: bool = False) -> StoredOutcome:
    """Store the arrays; they are found by content and cost nothing when stored twice.

    Parameters
    ----------
    outcome
        What the run left.
    at_once
        Whether they are written in the transaction that is open, which suits small ones.
    """
    model = outcome.model
    arrays = {f"{PREDICTIONS}{split}": array for split, array in outcome.predictions.items()}
    for split, array in (outcome.probabilities or {}).items():
        arrays[f"{PROBABILITIES}{split}"] = array
    history = {key: np.asarray(series, np.float64) for key, series in outcome.history.items()}
    parts = {
        "history": (pack_arrays(history), "arrays"),
        "arrays": (pack_arrays(arrays), "arrays"),
    }
    if model.model is not None:
        parts["model"] = (model.model, str(model.form))
    if model.optimizer is not None:
        parts["optimizer"] = (model.optimizer, "optimizer")
    values = list(parts.values())
    rows = put_small(values) if at_once else [put_blob(*value) for value in values]
    blobs = dict(zip(parts, rows, strict=True))
    return StoredOutcome(
        model=blobs.get("model"),
        optimizer=blobs.get("optimizer"),
        history=blobs["history"],
        arrays=blobs["arrays"],
        importance=outcome.importance,
    )


def write_outcome(
    run: Run, outcome: Outcome, stored: StoredOutcome, sign_model: Callable[[str], str]
) -> int:
    """Write Predictor, Prediction and MetricResults; the caller holds the transaction."""
    model = outcome.model
    opaque = model.form is ModelForm.OPAQUE and stored.model is not None
    now = utc_now()
    predictor = Predictor.create(
        run=run,
        job=run.job_id,
        repeat_index=run.repeat_index,
        time_started=run.time_started or now,
        time_succeeded=now,
        time_duration=round(outcome.seconds),
        features_shapes=outcome.shapes.features,
        label_shape=outcome.shapes.label,
        model_form=model.form,
        model_output=None if model.output is None else str(model.output),
        model_note=model.note or None,
        model_signature=sign_model(stored.model.sha256) if opaque and stored.model else None,
        model_content=stored.model,
        optimizer_content=stored.optimizer,
        history_content=stored.history,
    )
    prediction = Prediction.create(predictor=predictor, arrays_content=stored.arrays)
    if stored.importance is not None:
        splitset = run.queue.splitset
        write_importance(
            prediction,
            stored.importance,
            feature_ids=[feature.id for feature in splitset.features],
            permute_count=run.queue.permute_count,
            split=splitset.train_key(),
        )
    rows = metric_rows(prediction, outcome.metrics)
    if rows:
        MetricResult.insert_many(rows).execute()
    return int(predictor.id)


def write_importance(
    prediction: Prediction,
    importance: Importance,
    *,
    feature_ids: list[int],
    permute_count: int,
    split: str,
) -> None:
    """Keep feature importance with a Prediction."""
    found: dict[str, Any] = {
        str(feature_id): {
            column: {"median": median, "loss_impacts": impacts}
            for column, (median, impacts) in (columns or {}).items()
        }
        for feature_id, columns in zip(feature_ids, importance, strict=True)
    }
    prediction.importance_content = put_blob(to_json(found).encode(), "json")
    prediction.permute_count = permute_count
    prediction.importance_split = split
    prediction.save()
