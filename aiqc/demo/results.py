"""The best model of a study, and what it is worth: its test metrics beside a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiqc.orm import Prediction, Predictor, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array
    from aiqc.demo.study import Study


@dataclass(frozen=True, slots=True)
class Result:
    """A finished study."""

    study: Study
    queue: Queue
    best: Predictor
    #: {metric: score on the test split}
    scores: dict[str, float]
    #: the same of a model that ignores the features
    baseline: dict[str, float]

    @property
    def prediction(self) -> Prediction:
        """What the best model said of every split."""
        return self.best.predictions.get()


def result_of(study: Study, queue: Queue) -> Result:
    """Choose the best model of a finished Queue and score it on the test split."""
    best = best_predictor(queue, study.metrics[0])
    scores = (best.predictions.get().metrics or {})["test"]
    return Result(
        study,
        queue,
        best,
        {metric: scores[metric] for metric in study.metrics},
        baseline_scores(best, study.metrics),
    )


def best_predictor(queue: Queue, metric: str) -> Predictor:
    """Return the model with the highest score on the evaluation split, then the lowest loss.

    The test split takes no part in the choice, so that its score stays honest.
    """
    frame = queue.metrics_df()
    rows = frame[frame["split"] == queue.splitset.key_evaluation]
    ranked = rows.sort_values([metric, "loss", "predictor_id"], ascending=[False, True, True])
    return Predictor.of(int(ranked["predictor_id"].iloc[0]))


def baseline_scores(predictor: Predictor, metrics: tuple[str, ...]) -> dict[str, float]:
    """Score the majority class, or the mean, of the same training rows on the same test rows."""
    import numpy as np
    from sklearn.dummy import DummyClassifier, DummyRegressor

    job = predictor.job
    splitset = job.queue.splitset
    label = splitset.supervising_label()
    samples = splitset.samples if job.fold is None else job.fold.samples
    train = label.to_arr(samples=samples[splitset.train_key()])[:, 0]
    truth = label.to_arr(samples=samples["test"])[:, 0]
    is_classes = job.queue.algorithm.analysis_type.is_classification
    dummy = DummyClassifier(strategy="most_frequent") if is_classes else DummyRegressor()
    dummy.fit(np.zeros((len(train), 1)), train)
    guess = dummy.predict(np.zeros((len(truth), 1)))
    return {metric: float(_scorers()[metric](truth, guess)) for metric in metrics}


def results_table(results: list[Result]) -> pd.DataFrame:
    """Return one row a study and metric: the best model's test score beside the baseline's."""
    rows = [
        {
            "study": result.queue.name,
            "library": str(result.queue.algorithm.library),
            "models": result.queue.runs_completed,
            "best hyperparameters": hyperparameters_text(result.best),
            "test metric": metric,
            "best model": round(score, 3),
            "baseline": round(result.baseline[metric], 3),
        }
        for result in results
        for metric, score in result.scores.items()
    ]
    return pd.DataFrame(rows)


def hyperparameters_text(predictor: Predictor) -> str:
    """Return `name=value, ...`."""
    values = predictor.job.hyperparameters
    return ", ".join(f"{name}={value}" for name, value in values.items())


def missing_text(queue: Queue) -> str:
    """Say how many values of the study's data are missing, and in which columns."""
    frame = queue.splitset.features[0].to_df()
    counts = frame.isna().sum()
    if not counts.any():
        return f"{len(frame)} rows, no value is missing."
    affected = int(frame.isna().any(axis="columns").sum())
    named = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return f"{len(frame)} rows, {affected} of them with missing values: {named}."


def _scorers() -> dict[str, Callable[[Array, Array], Any]]:
    from sklearn import metrics

    return {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "r2": metrics.r2_score,
        "mae": metrics.mean_absolute_error,
    }
