"""Scores of classifiers, as scikit-learn computes them on class codes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.pipeline.metrics.codes import as_codes, one_hot, positive_scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Scores

#: in the order in which they are shown
CLASSIFICATION_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "roc_auc",
)

_BINARY = 2


def score_classes(
    true: Array,
    predicted: Array,
    probabilities: Array | None,
    class_count: int,
    *,
    is_binary: bool,
) -> Scores:
    """Return every classification metric of one split, unrounded; NaN where undefined.

    Precision, recall and F1 are those of class 1 (binary) or averaged by class frequency; 0
    where they would divide by 0. ROC-AUC of several classes is one against the rest, averaged
    by class frequency, over all classes: a class that the split lacks leaves it undefined.

    Parameters
    ----------
    true
        `(samples,)` class codes.
    predicted
        `(samples,)` class codes; NaN among them (a diverged model) makes every score NaN.
    probabilities
        `(samples, 1)` of class 1, or `(samples, classes)`; None leaves ROC-AUC undefined.
    class_count
        Classes of the label, whether the split holds them or not.
    is_binary
        Whether class 1 is the positive class.

    Raises
    ------
    InvalidFunction
        If a prediction is no code of a class.
    """
    codes, guesses = as_codes(true, class_count), as_codes(predicted, class_count)
    if codes is None or guesses is None or len(codes) == 0:
        return dict.fromkeys(CLASSIFICATION_METRICS, float("nan"))
    options: dict[str, Any] = (
        {"average": "binary", "pos_label": 1}
        if is_binary
        else {"average": "weighted", "labels": np.arange(class_count)}
    )
    values = {name: _rate(name, codes, guesses, options) for name in ("f1", "precision", "recall")}
    values["accuracy"] = float(_scorer("accuracy")(codes, guesses))
    values["balanced_accuracy"] = _balanced_accuracy(codes, guesses)
    values["roc_auc"] = roc_auc(codes, probabilities, class_count, is_binary=is_binary)
    return {name: values[name] for name in CLASSIFICATION_METRICS}


def roc_auc(
    codes: Array, probabilities: Array | None, class_count: int, *, is_binary: bool
) -> float:
    """Return the area under the ROC curve; NaN where a class is absent or a number not finite.

    Parameters
    ----------
    codes
        `(samples,)` int64 class codes.
    probabilities
        `(samples, 1)` of class 1, or `(samples, classes)`.
    class_count
        Classes of the label.
    is_binary
        Whether class 1 is the positive class; else one against the rest, averaged by class
        frequency.
    """
    from sklearn.metrics import roc_auc_score

    expected = _BINARY if is_binary else class_count
    if len(np.unique(codes)) < expected or probabilities is None:
        return float("nan")
    if not np.isfinite(probabilities).all():
        return float("nan")
    if is_binary:
        return float(roc_auc_score(codes, positive_scores(probabilities)))
    # the same numbers as multi_class='ovr', which would refuse rows that do not sum to 1
    truth = one_hot(codes, class_count)
    return float(roc_auc_score(truth, probabilities, average="weighted"))


def _rate(name: str, codes: Array, guesses: Array, options: dict[str, Any]) -> float:
    return float(_scorer(name)(codes, guesses, zero_division=0, **options))


def _balanced_accuracy(codes: Array, guesses: Array) -> float:
    with warnings.catch_warnings():
        # the split lacks a class that was predicted: its recall does not exist, nor does it count
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        # the split has one class, which is no reason to distrust its labels
        warnings.filterwarnings("ignore", message="A single label was found")
        return float(_scorer("balanced_accuracy")(codes, guesses))


def _scorer(name: str) -> Callable[..., Any]:
    from sklearn import metrics

    scorer: Callable[..., Any] = getattr(metrics, f"{name}_score")
    return scorer
