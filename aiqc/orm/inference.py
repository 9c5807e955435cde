"""Inference: new data through the fits and the model of one Predictor, kept as a Prediction."""

from __future__ import annotations

import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pandas as pd
from peewee import IntegrityError

from aiqc.core.codecs import pack_arrays, to_json
from aiqc.core.errors import InvalidData, InvalidSplit, ResultWarning
from aiqc.orm._blobs import Blob, put_blob, put_small
from aiqc.orm._results import SMALL_SIZE
from aiqc.orm._versions import exclusive
from aiqc.orm.metric_result import MetricResult, metric_rows
from aiqc.orm.new_data import register_inputs, remove_rows
from aiqc.orm.new_data_report import compared
from aiqc.orm.new_input import new_inputs
from aiqc.orm.prediction import PREDICTIONS, PROBABILITIES, Prediction
from aiqc.orm.prepared import Prepared, prepare_inference, prepare_label
from aiqc.orm.served_model import ServedModel, lock, serve
from aiqc.orm.training_profile import training_profile
from aiqc.pipeline.unknown import first_row, ignored_unknowns
from aiqc.training.task import predict_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.core.types import Array, Features, Scores
    from aiqc.orm.new_input import NewInput
    from aiqc.orm.predictor import Predictor
    from aiqc.orm.splitset import Splitset
    from aiqc.training.evaluate import Predicted

__all__ = ["infer", "infer_inputs", "training_profile"]


def infer(splitset: Splitset, stacklevel: int = 4) -> Prediction:
    """Predict the samples of an inference Splitset, once; see `Splitset.infer`.

    Parameters
    ----------
    splitset
        Made with a `predictor_id`.
    stacklevel
        Of warnings; by default that of the caller of `splitset.infer()`.
    """
    predictor = splitset.predictor
    if predictor is None:
        msg = f"{splitset!r} was made for training and has no Predictor."
        hint = "Make one of the new data: Splitset.make(features, predictor_id=...)."
        raise InvalidSplit(msg, hint=hint, splitset_id=splitset.id)
    found = _existing(splitset)
    if found is not None:
        return found
    split = next(iter(splitset.sizes))
    with lock:
        served = serve(predictor)
        inputs = new_inputs(served.trained, splitset.features)
        values, target, notes = _encoded(served, splitset, inputs)
        task = served.task(values, target, split)
        with _explained(notes):
            predicted, scores = predict_task(task, served.model, served.output, split)
    reports, more = compared(served.trained, inputs)
    prediction = _write(predictor, splitset, split, predicted, scores, reports)
    # after the commit: a warning that is an error must not cost the result
    for note in notes + more:
        warnings.warn(f"{prediction!r}: {note}", ResultWarning, stacklevel=stacklevel)
    return prediction


def infer_inputs(
    predictor: Predictor, inputs: Any, target: Any, record_shifted: bool
) -> Prediction:
    """Register new data and predict them; see `Predictor.infer`."""
    splitset, made = register_inputs(predictor, inputs, target, record_shifted=record_shifted)
    try:
        return infer(splitset, stacklevel=5)
    except BaseException:
        if _existing(splitset) is None:
            remove_rows([splitset, *made])
        raise


@contextmanager
def _explained(notes: list[str]) -> Iterator[None]:
    """Add to an error of the values what is odd about them: a coder may turn it into NaN."""
    try:
        yield
    except InvalidData as error:
        if not notes:
            raise
        more = [f"{note[:1].upper()}{note[1:]}" for note in notes]
        msg = " ".join([error.message, *more])
        raise InvalidData(msg, hint=error.hint, **error.facts) from error


def _existing(splitset: Splitset) -> Prediction | None:
    found: Prediction | None = Prediction.get_or_none(Prediction.splitset == splitset)
    return found


def _encoded(
    served: ServedModel, splitset: Splitset, inputs: list[NewInput]
) -> tuple[Features, Array | None, list[str]]:
    """Return the encoded Features, what they are scored by, and what the user should know."""
    trained = served.trained
    notes: list[str] = []
    prepared = []
    for idx, new in enumerate(inputs):
        prepared.append(_prepared(served, idx, new))
        notes += _unknown_notes(served, idx, new)
    arrays = [one.features for one in prepared]
    target: Array | None = None
    if splitset.label is not None:
        target = prepare_label(trained.splitset, trained.fold, splitset.label, served.label_fit)
    elif trained.label is None:
        target = prepared[0].target
    return arrays if len(arrays) > 1 else arrays[0], target, notes


def _prepared(served: ServedModel, idx: int, new: NewInput) -> Prepared:
    trained, fit = served.trained, served.fits[idx]
    try:
        with warnings.catch_warnings():
            # counted by `_unknown_notes`
            warnings.filterwarnings("ignore", message="Found unknown categories")
            fold = (trained.splitset, trained.fold)
            return prepare_inference(*fold, idx, new.feature, fit, new.frame)
    except InvalidData as error:
        row = _row_of(new, error.facts)
        if row is None:
            raise
        what = "sample" if new.frame is None else "row"
        place = f"{what} {row} of {_input_name(served, idx)}"
        msg = f"{error.message.removesuffix('.')} ({place})."
        raise InvalidData(msg, hint=error.hint, **error.facts | {what: row}) from error


def _input_name(served: ServedModel, idx: int) -> str:
    """Return how messages call an input; its rows may be gone when they are read."""
    return "the new data" if len(served.fits) == 1 else f"inputs[{idx}]"


def _row_of(new: NewInput, facts: dict[str, Any]) -> int | None:
    """Return the first row, or sample of an array, that holds the value an error is about."""
    column = facts.get("column")
    if column is None or "value" not in facts or "row" in facts:
        return None
    if column not in new.feature.columns:
        return None
    if new.frame is not None:
        return first_row(new.frame[column], facts["value"])
    start = 0
    for chunk in new.chunks([column]):
        found = first_row(pd.Series(chunk.reshape(-1)), facts["value"])
        if found is not None:
            return start + found // int(chunk[0].size)
        start += len(chunk)
    return None


def _unknown_notes(served: ServedModel, idx: int, new: NewInput) -> list[str]:
    counts = ignored_unknowns(served.fits[idx], new.tables)
    if not counts:
        return []
    shown = ", ".join(f"{column!r}: {count}" for column, count in counts.items())
    return [
        f"there are categories in {_input_name(served, idx)} that were not seen when fitting, "
        f"which their coder ignores (column: values): {shown}."
    ]


def _write(
    predictor: Predictor,
    splitset: Splitset,
    split: str,
    predicted: Predicted,
    scores: Scores | None,
    reports: list[dict[str, Any]],
) -> Prediction:
    """Store the result at once; whoever stores it first wins."""
    arrays = {f"{PREDICTIONS}{split}": predicted.decoded}
    if predicted.probabilities is not None:
        arrays[f"{PROBABILITIES}{split}"] = predicted.probabilities
    parts = [(pack_arrays(arrays), "arrays"), (to_json(reports).encode(), "json")]
    metrics = {} if scores is None else {split: scores}
    if sum(len(data) for data, _ in parts) <= SMALL_SIZE:
        # equal bytes from another process at the same moment: the slower way below waits
        with suppress(IntegrityError), exclusive():
            return _commit(predictor, splitset, put_small(parts), metrics)
    blobs = [put_blob(*part) for part in parts]
    with exclusive():
        return _commit(predictor, splitset, blobs, metrics)


def _commit(
    predictor: Predictor, splitset: Splitset, blobs: list[Blob], metrics: dict[str, Scores]
) -> Prediction:
    """Write the rows, unless another process has; the caller holds the transaction."""
    twin = _existing(splitset)
    if twin is not None:
        return twin
    arrays, reports = blobs
    prediction = Prediction.create(
        predictor=predictor, splitset=splitset, arrays_content=arrays, inference_content=reports
    )
    rows = metric_rows(prediction, metrics)
    if rows:
        MetricResult.insert_many(rows).execute()
    return prediction
