from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from aiqc.pipeline.curves import (
    confusion_matrix_of,
    plot_data_of,
    precision_recall_area,
    precision_recall_curves,
    roc_area,
    roc_curves,
)

RNG = np.random.default_rng(0)
BINARY = RNG.integers(0, 2, 50)
MULTI = RNG.integers(0, 3, 50)
ONE = RNG.random((50, 1))
THREE = RNG.dirichlet(np.ones(3), 50)


def test_binary_equals_scikit_learn():
    predicted = (ONE[:, 0] > 0.5).astype(int)
    data = plot_data_of(BINARY, predicted, ONE, 2)
    fpr, tpr, _ = metrics.roc_curve(BINARY, ONE[:, 0])
    precision, recall, _ = metrics.precision_recall_curve(BINARY, ONE[:, 0])
    assert set(data["roc_curve"]) == {"fpr", "tpr"}
    assert set(data["precision_recall_curve"]) == {"precision", "recall"}
    np.testing.assert_array_equal(data["roc_curve"]["fpr"], fpr)
    np.testing.assert_array_equal(data["roc_curve"]["tpr"], tpr)
    np.testing.assert_array_equal(data["precision_recall_curve"]["precision"], precision)
    np.testing.assert_array_equal(data["precision_recall_curve"]["recall"], recall)
    expected = metrics.confusion_matrix(BINARY, predicted)
    assert data["confusion_matrix"].tolist() == expected.tolist()
    assert roc_area(data["roc_curve"]) == pytest.approx(metrics.roc_auc_score(BINARY, ONE[:, 0]))
    assert precision_recall_area(data["precision_recall_curve"]) == pytest.approx(
        metrics.average_precision_score(BINARY, ONE[:, 0])
    )


def test_two_columns_use_the_second():
    two = np.hstack([1 - ONE, ONE])
    assert roc_curves(BINARY, two, 2)["tpr"].tolist() == roc_curves(BINARY, ONE, 2)["tpr"].tolist()


def test_multi_is_the_micro_average():
    answers = np.eye(3)[MULTI].ravel()
    fpr, tpr, _ = metrics.roc_curve(answers, THREE.ravel())
    curve = roc_curves(MULTI, THREE, 3)
    np.testing.assert_array_equal(curve["fpr"], fpr)
    np.testing.assert_array_equal(curve["tpr"], tpr)
    assert roc_area(curve) == pytest.approx(
        metrics.roc_auc_score(np.eye(3)[MULTI], THREE, average="micro")
    )
    area = precision_recall_area(precision_recall_curves(MULTI, THREE, 3))
    assert area == pytest.approx(
        metrics.average_precision_score(np.eye(3)[MULTI], THREE, average="micro")
    )


@pytest.mark.parametrize(
    ("true", "probabilities", "class_count", "reason"),
    [
        (np.ones(50, int), ONE, 2, "All samples of the split are of class 1."),
        (BINARY, None, 2, "The model gives no probabilities."),
        (BINARY, np.where(ONE > 0.9, np.nan, ONE), 2, "Some probabilities are not finite."),
        (np.zeros(0, int), np.zeros((0, 1)), 2, "The split has no samples."),
        (np.zeros(0, int), np.zeros((0, 3)), 3, "The split has no samples."),
    ],
)
def test_no_curve_says_why(true, probabilities, class_count, reason):
    roc = roc_curves(true, probabilities, class_count)
    assert (roc["fpr"].tolist(), roc["tpr"].tolist(), roc["reason"]) == ([], [], reason)
    both = precision_recall_curves(true, probabilities, class_count)
    assert (both["precision"].tolist(), both["recall"].tolist()) == ([], [])
    assert both["reason"] == reason
    assert np.isnan([roc_area(roc), precision_recall_area(both)]).all()


@pytest.mark.parametrize("kept", [[0], [0, 2], [0, 1, 2]])
def test_confusion_matrix_keeps_absent_classes(kept):
    true = MULTI[np.isin(MULTI, kept)]
    predicted = RNG.integers(0, 3, len(true))
    expected = metrics.confusion_matrix(true, predicted, labels=[0, 1, 2])
    found = confusion_matrix_of(true, predicted.astype(float)[:, None], 3)
    assert (found.tolist(), found.dtype) == (expected.tolist(), np.int64)


def test_confusion_matrix_leaves_out_what_diverged():
    found = confusion_matrix_of(np.array([0, 1, 1]), np.array([0.0, np.nan, 1.0]), 2)
    assert found.tolist() == [[1, 0], [0, 1]]
