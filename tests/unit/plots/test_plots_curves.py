"""ROC and precision-recall curves by split."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from aiqc.plots.precision_recall import precision_recall_figure, precision_recall_info
from aiqc.plots.roc_curve import roc_figure, roc_info
from aiqc.plots.theme import split_colour

NAN = float("nan")
LINE = {"fpr": np.array([0, 0.2, 1]), "tpr": np.array([0, 0.9, 1])}


def test_roc_info_orders_splits_and_keeps_points():
    info = roc_info({"test": LINE, "train": LINE}, {"train": 0.85, "test": NAN})
    assert [curve.split for curve in info.curves] == ["train", "test"]
    assert info.curves[0].x.tolist() == [0, 0.2, 1]
    assert info.curves[0].y.tolist() == [0, 0.9, 1]
    assert info.curves[0].area == 0.85
    assert np.isnan(info.curves[1].area)
    assert info.undefined == {}


@pytest.mark.parametrize(
    ("points", "reason", "shown"),
    [
        ([NAN, NAN, NAN], {}, "its points are not finite numbers"),
        ([], {"reason": "All samples are of class <b>."}, "All samples are of class &lt;b&gt;."),
    ],
)
def test_a_split_without_a_curve_says_why(points, reason, shown):
    lone = {"fpr": np.array(points), "tpr": np.array(points), **reason}
    info = roc_info({"train": LINE, "test": lone}, {"train": 0.85, "test": NAN})
    assert list(info.undefined) == ["test"]
    figure = roc_figure(info)
    assert [trace.name for trace in figure.data] == ["guessing", "train (AUC 0.850)"]
    assert figure.layout.title.subtitle.text == f"no curve for test: {shown}<br>dotted: guessing"


def test_no_curve_at_all_says_so():
    lone = {"fpr": np.array([NAN]), "tpr": np.array([NAN])}
    figure = roc_figure(roc_info({"test": lone}, {}))
    assert len(figure.data) == 0
    assert figure.layout.annotations[0].text.startswith("no curve for test")


def test_roc_figure():
    info = roc_info(
        {"train": LINE, "fold_validation": LINE}, {"train": 0.85}, is_micro=True, prediction_id=4
    )
    figure = roc_figure(info)
    guess, train, fold = figure.data
    assert (list(guess.x), list(guess.y)) == ([0, 1], [0, 1])
    assert (train.name, fold.name) == ("train (AUC 0.850)", "fold_validation")
    assert fold.line.color == split_colour("fold_validation")
    assert figure.layout.title.text == "ROC curve of prediction 4"
    assert figure.layout.title.subtitle.text == (
        "all classes pooled, each against the rest<br>dotted: guessing"
    )
    assert figure.layout.xaxis.title.text == "false positive rate"
    assert figure.layout.yaxis.title.text == "true positive rate (recall)"
    assert figure.to_dict()["layout"]["meta"] == {"prediction_id": 4}


def test_long_curves_are_thinned_with_both_ends():
    count = 100_000
    line = {"fpr": np.linspace(0, 1, count), "tpr": np.linspace(0, 1, count) ** 0.5}
    [curve] = roc_info({"train": line}, {"train": 0.67}).curves
    assert curve.x.size == 1500
    assert (curve.x[0], curve.x[-1]) == (0, 1)
    assert np.all(np.diff(curve.x) > 0)
    np.testing.assert_allclose(curve.y, curve.x**0.5)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_steps_enclose_the_average_precision(is_reversed):
    draw = np.random.default_rng(2)
    truth = draw.random(60) < 0.4
    scores = draw.normal(truth, 1)
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    if is_reversed:
        precision, recall = precision[::-1], recall[::-1]
    line = {"precision": precision, "recall": recall}
    [curve] = precision_recall_info({"test": line}, {}).curves
    figure = precision_recall_figure(precision_recall_info({"test": line}, {}))
    # "vh": first to the precision of the next point, then along to its recall
    assert figure.data[0].line.shape == "vh"
    area = float(np.sum(np.diff(curve.x) * curve.y[1:]))
    assert area == pytest.approx(metrics.average_precision_score(truth, scores), abs=1e-12)


def test_precision_recall_figure_marks_base_rates():
    line = {"precision": np.array([0.4, 0.8, 1.0]), "recall": np.array([1.0, 0.5, 0.0])}
    info = precision_recall_info(
        {"test": line, "train": line}, {"train": 0.4, "other": 0.9}, {"train": 0.7}
    )
    assert info.base_rates == {"train": 0.4}
    figure = precision_recall_figure(info)
    base, train, test = figure.data
    assert list(base.y) == [0.4, 0.4]
    assert (base.line.color, base.line.dash) == (split_colour("train"), "dot")
    assert (train.name, test.name) == ("train (AP 0.700)", "test")
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (
        "recall",
        "precision",
    )
    assert figure.layout.title.subtitle.text == (
        "dotted: share of positive samples, the precision of guessing"
    )


def test_no_precision_recall_curve_says_so():
    line = {"precision": np.array([NAN]), "recall": np.array([NAN])}
    figure = precision_recall_figure(precision_recall_info({"test": line}, {"test": 0.4}))
    assert len(figure.data) == 0
    assert figure.layout.annotations[0].text.startswith("no curve for test")


def test_split_names_are_escaped():
    figure = roc_figure(roc_info({"<b>": LINE}, {"<b>": 0.5}))
    assert figure.data[1].name == "&lt;b&gt; (AUC 0.500)"
    assert figure.data[1].hovertemplate.startswith("<b>&lt;b&gt;</b>")
