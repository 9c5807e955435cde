"""Curves and matrices of one split of a classifier; derived when asked for, never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np

from aiqc.pipeline.metrics.codes import as_codes, one_hot, positive_scores

if TYPE_CHECKING:
    from aiqc.core.types import Array

_BINARY = 2


class RocCurve(TypedDict):
    """False against true positive rate, from no sample called positive to all."""

    fpr: Array
    tpr: Array
    #: why the curve is empty
    reason: NotRequired[str]


class PrecisionRecallCurve(TypedDict):
    """Precision against recall, from all samples called positive to none."""

    precision: Array
    recall: Array
    #: why the curve is empty
    reason: NotRequired[str]


class PlotData(TypedDict):
    """What the figures of one split show."""

    #: `(classes, classes)` int64: true class down, predicted class across
    confusion_matrix: Array
    roc_curve: RocCurve
    precision_recall_curve: PrecisionRecallCurve


def plot_data_of(
    true: Array, predicted: Array, probabilities: Array | None, class_count: int
) -> PlotData:
    """Return the confusion matrix and both curves of one split.

    Two classes: curves of class 1. More: every (sample, class) pair counts as one yes or no
    (micro-average over the one-hot label). A split without both answers, or with
    probabilities that are not finite, has empty curves and a `reason`.

    Parameters
    ----------
    true
        `(samples,)` class codes.
    predicted
        `(samples,)` class codes.
    probabilities
        `(samples, 1)` of class 1, or `(samples, classes)`.
    class_count
        Classes of the label.
    """
    return PlotData(
        confusion_matrix=confusion_matrix_of(true, predicted, class_count),
        roc_curve=roc_curves(true, probabilities, class_count),
        precision_recall_curve=precision_recall_curves(true, probabilities, class_count),
    )


def confusion_matrix_of(true: Array, predicted: Array, class_count: int) -> Array:
    """Return `(classes, classes)` int64: true class down, predicted class across.

    A class that the split lacks has its row; a prediction that is not finite is not counted.

    Examples
    --------
    >>> confusion_matrix_of(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)
    array([[1, 0],
           [1, 1]])
    """
    guesses = np.asarray(predicted).reshape(-1)
    counted = np.isfinite(guesses) if guesses.dtype.kind == "f" else np.ones(len(guesses), bool)
    truth = as_codes(np.asarray(true).reshape(-1)[counted], class_count)
    found = as_codes(guesses[counted], class_count)
    if truth is None or found is None:
        return np.zeros((class_count, class_count), dtype=np.int64)
    pairs = np.bincount(truth * class_count + found, minlength=class_count**2)
    return pairs.reshape(class_count, class_count).astype(np.int64)


def roc_curves(true: Array, probabilities: Array | None, class_count: int) -> RocCurve:
    """Return the ROC curve of one split, see `plot_data_of`; empty with a `reason` if none."""
    answers, scores, reason = _yes_or_no(true, probabilities, class_count)
    if reason:
        return RocCurve(fpr=np.zeros(0), tpr=np.zeros(0), reason=reason)
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(answers, scores)
    return RocCurve(fpr=fpr, tpr=tpr)


def precision_recall_curves(
    true: Array, probabilities: Array | None, class_count: int
) -> PrecisionRecallCurve:
    """Return the precision-recall curve, see `plot_data_of`; empty with a `reason` if none."""
    answers, scores, reason = _yes_or_no(true, probabilities, class_count)
    if reason:
        return PrecisionRecallCurve(precision=np.zeros(0), recall=np.zeros(0), reason=reason)
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(answers, scores)
    return PrecisionRecallCurve(precision=precision, recall=recall)


def roc_area(curve: RocCurve) -> float:
    """Return the area under a ROC curve by the trapezoidal rule; NaN of an empty one."""
    if not curve["fpr"].size:
        return float("nan")
    return float(np.trapezoid(curve["tpr"], curve["fpr"]))


def precision_recall_area(curve: PrecisionRecallCurve) -> float:
    """Return the average precision, the sum of (R_k - R_(k-1)) P_k; NaN of an empty curve."""
    if not curve["recall"].size:
        return float("nan")
    return float(-np.sum(np.diff(curve["recall"]) * curve["precision"][:-1]))


def _yes_or_no(
    true: Array, probabilities: Array | None, class_count: int
) -> tuple[Array, Array, str]:
    """Return (answers, scores, reason): a reason where no curve can be drawn."""
    nothing: Array = np.zeros(0)
    if probabilities is None:
        return nothing, nothing, "The model gives no probabilities."
    codes = as_codes(true, class_count)
    if codes is None or not np.isfinite(probabilities).all():
        return nothing, nothing, "Some probabilities are not finite."
    if class_count <= _BINARY:
        answers, scores = codes, positive_scores(np.asarray(probabilities))
    else:
        answers, scores = one_hot(codes, class_count).ravel(), np.ravel(probabilities)
    present = np.unique(answers)
    if not len(present):
        return nothing, nothing, "The split has no samples."
    if len(present) < _BINARY:
        return nothing, nothing, f"All samples of the split are of class {present[0]}."
    return answers, scores, ""
