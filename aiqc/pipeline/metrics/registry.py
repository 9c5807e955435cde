"""Which metrics exist, what they are called, and the scores of one split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType
from aiqc.core.errors import InvalidFunction
from aiqc.pipeline.metrics.classification import CLASSIFICATION_METRICS, score_classes
from aiqc.pipeline.metrics.custom import check_custom, score_custom
from aiqc.pipeline.metrics.regression import REGRESSION_METRICS, score_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiqc.core.types import Array, Scores

#: computed by the backend on encoded values, kept beside the scores
LOSS = "loss"

metrics_classify: list[str] = list(CLASSIFICATION_METRICS)
metrics_regress: list[str] = list(REGRESSION_METRICS)
#: every name that AIQC gives to a metric, `loss` last
metrics_all: list[str] = [*metrics_classify, *metrics_regress, LOSS]

_DISPLAY_NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "roc_auc": "ROC-AUC",
    "r2": "R²",
    "mse": "Mean squared error",
    "rmse": "Root mean squared error",
    "mae": "Mean absolute error",
    "explained_variance": "Explained variance",
    LOSS: "Loss",
}


def display_name(metric: str) -> str:
    """Return a metric's name as figures show it; a user's own metric with spaces.

    Examples
    --------
    >>> display_name("roc_auc")
    'ROC-AUC'
    >>> display_name("my_cost")
    'My cost'
    """
    words = metric.replace("_", " ")
    return _DISPLAY_NAMES.get(metric, words[:1].upper() + words[1:])


def default_score(analysis_type: AnalysisType) -> str:
    """Return the metric that plots and searches take first: 'accuracy' or 'r2'."""
    return "accuracy" if AnalysisType(analysis_type).is_classification else "r2"


def names_of(analysis_type: AnalysisType) -> list[str]:
    """Return the metrics that an analysis has, `loss` not among them."""
    is_classification = AnalysisType(analysis_type).is_classification
    return list(metrics_classify if is_classification else metrics_regress)


def score_split(
    analysis_type: AnalysisType,
    true: Array,
    predicted: Array,
    probabilities: Array | None = None,
    class_count: int | None = None,
    custom: Mapping[str, Callable[..., Any]] | None = None,
    *,
    decode: Callable[[Array], Array] | None = None,
) -> Scores:
    """Return all scores of one split, unrounded; NaN where one is undefined.

    Parameters
    ----------
    analysis_type
        Decides the metrics.
    true
        Class codes `(samples,)`, or numbers in the label's units.
    predicted
        The same of the predictions.
    probabilities
        `(samples, 1)` binary or `(samples, classes)`; None for regression.
    class_count
        Classes of the label; not needed for regression and binary.
    custom
        The user's own metrics: name -> function(true, predicted) on decoded values. They are
        NaN where the predictions are not finite.
    decode
        Turns class codes into the user's classes for `custom`; None: passed as they are.

    Raises
    ------
    InvalidFunction
        If predictions do not fit the label, or an own metric raises or returns no number.

    Examples
    --------
    >>> codes = np.array([0, 1, 1, 0])
    >>> score_split("classification_binary", codes, codes)["f1"]
    1.0
    """
    analysis = AnalysisType(analysis_type)
    own = custom or {}
    check_custom(own, metrics_all)
    true, predicted = np.asarray(true), np.asarray(predicted)
    if len(true) != len(predicted):
        msg = f"There are {len(predicted)} predictions for {len(true)} samples."
        raise InvalidFunction(msg, hint="fn_predict returns one prediction a sample.")
    if analysis.is_classification:
        is_binary = analysis is AnalysisType.BINARY
        classes = class_count or (2 if is_binary else int(true.max(initial=0)) + 1)
        scores = score_classes(true, predicted, probabilities, classes, is_binary=is_binary)
    else:
        scores = score_numbers(true, predicted)
    if not (own and len(true) and _is_finite(predicted)):
        return scores | dict.fromkeys(own, float("nan"))
    if decode is not None:
        true, predicted = decode(true), decode(predicted)
    return scores | score_custom(own, true, predicted)


def _is_finite(values: Array) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())
