"""One run from data to outcome: train, predict, score, explain, store as bytes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiqc.core import seeds
from aiqc.core.types import Outcome, StoredModel
from aiqc.training.arrays import compute_task
from aiqc.training.backend import load_backend
from aiqc.training.determinism import isolated
from aiqc.training.evaluate import Predicted, predict_split, score_predicted, split_loss
from aiqc.training.importance import split_importance
from aiqc.training.missing import refuse_missing

if TYPE_CHECKING:
    from aiqc.core.enums import Output
    from aiqc.core.protocols import Backend
    from aiqc.core.types import Array, Importance, Scores, TrainingTask


def train_task(task: TrainingTask) -> Outcome:
    """Train and evaluate one run.

    Everything is drawn from the task's seed at the task's thread count; the user's global
    generators and thread counts are as before afterwards, also after an exception.

    Parameters
    ----------
    task
        Arrays, functions and names; nothing of it is changed.

    Raises
    ------
    InvalidData
        If NaN would reach a model that cannot take it.
    InvalidFunction
        If a function takes other arguments, or returns something else, than documented.
        Exceptions that the user's code raises propagate unchanged.
    """
    backend = load_backend(task.library)
    start = time.perf_counter()
    with isolated(task, backend):
        refuse_missing(task, backend)
        found = backend.train(compute_task(task, backend))
        model, optimizer, loser, history, output = found
        # anew: fn_train may have written into its arrays
        ready = compute_task(task, backend)
        predictions, probabilities, metrics = _evaluate(
            task, ready, backend, (model, loser, output)
        )
        importance = _importance(ready, backend, model, loser)
        seconds = time.perf_counter() - start
        stored = replace(backend.export(ready, model, optimizer), output=output)
    return Outcome(
        shapes=task.shapes,
        history=history,
        model=stored,
        predictions=predictions,
        probabilities=probabilities,
        metrics=metrics,
        importance=importance,
        seconds=seconds,
        notes=(stored.note,) if stored.note else (),
    )


def rebuild_task(task: TrainingTask, stored: StoredModel) -> tuple[Any, Any]:
    """Return (model, optimizer) of a stored model; the user's generators stay untouched.

    Raises
    ------
    NotReady
        If the model could not be stored.
    """
    backend = load_backend(task.library)
    with isolated(task, backend):
        return backend.rebuild(task, stored)


def predict_task(
    task: TrainingTask, model: Any, output: Output | None, split: str
) -> tuple[Predicted, Scores | None]:
    """Predict one split with a trained or rebuilt model, and score it where it has a label.

    Parameters
    ----------
    task
        Holds the split's features and, where it is to be scored, its label.
    model
        As `rebuild_task` returns it.
    output
        What a classifier returns, as it was stored; None for regression.
    split
        Name of the split.

    Returns
    -------
    tuple
        The predictions, and the scores or None.

    Raises
    ------
    InvalidData
        If NaN would reach a model that cannot take it.
    InvalidFunction
        If fn_predict returns something else than one prediction a sample.
    """
    backend = load_backend(task.library)
    with isolated(task, backend):
        refuse_missing(task, backend)
        ready = compute_task(task, backend)
        features, label = ready.features[split], ready.label.get(split)
        found = predict_split(ready, backend, model, output, features)
        if label is None:
            return found, None
        loss = split_loss(ready, backend, model, backend.loser(ready, output), features, label)
        return found, score_predicted(task, found, task.label[split], loss)


def importance_task(
    task: TrainingTask, stored: StoredModel, split: str, permute_count: int, seed: int
) -> Importance:
    """Return the feature importance of a stored model on one of its splits.

    Parameters
    ----------
    task
        The task that trained it; of its splits only `split` is read.
    stored
        The model.
    split
        Name of the split whose columns are permuted.
    permute_count
        Permutations per column.
    seed
        Of the permutations.
    """
    backend = load_backend(task.library)
    with isolated(task, backend):
        ready = compute_task(task, backend)
        model, _ = backend.rebuild(ready, stored)
        loser = backend.loser(ready, stored.output)
        return split_importance(
            ready, backend, model, loser, split=split, permute_count=permute_count, seed=seed
        )


def _evaluate(
    task: TrainingTask,
    ready: TrainingTask,
    backend: Backend,
    trained: tuple[Any, Any, Output | None],
) -> tuple[dict[str, Array], dict[str, Array] | None, dict[str, Scores]]:
    """Return decoded predictions, probabilities and scores of every split.

    The true values come from `task`, not from `ready`, whose floats may be narrower. Encoded
    predictions of one split are held at a time. Probabilities are None for regression and for
    models without any.
    """
    model, loser, output = trained
    predictions: dict[str, Array] = {}
    probabilities: dict[str, Array] = {}
    metrics: dict[str, Scores] = {}
    for split, features in ready.features.items():
        found = predict_split(ready, backend, model, output, features)
        loss = split_loss(ready, backend, model, loser, features, ready.label[split])
        metrics[split] = score_predicted(task, found, task.label[split], loss)
        predictions[split] = found.decoded
        if found.probabilities is not None:
            probabilities[split] = found.probabilities
    whole = len(probabilities) == len(predictions)
    return predictions, probabilities if whole else None, metrics


def _importance(
    ready: TrainingTask, backend: Backend, model: Any, loser: Any
) -> Importance | None:
    if not ready.permute_count:
        return None
    return split_importance(
        *(ready, backend, model, loser),
        split=ready.key_train,
        permute_count=ready.permute_count,
        seed=seeds.derive(ready.seed, "importance"),
    )
