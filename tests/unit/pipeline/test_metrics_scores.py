from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics

from aiqc.core.enums import AnalysisType
from aiqc.core.errors import InvalidFunction
from aiqc.pipeline.metrics.aggregate import aggregate
from aiqc.pipeline.metrics.registry import (
    default_score,
    display_name,
    metrics_all,
    metrics_classify,
    metrics_regress,
    names_of,
    score_split,
)
from aiqc.pipeline.metrics.regression import numeric_columns

BINARY, MULTI, REGRESSION = AnalysisType.BINARY, AnalysisType.MULTI, AnalysisType.REGRESSION


def same(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        # to the last bit; NaN equals NaN
        assert found[name] == value or (math.isnan(found[name]) and math.isnan(value)), name


def binary_by_sklearn(true, predicted, scores):
    return {
        "accuracy": metrics.accuracy_score(true, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(true, predicted),
        "f1": metrics.f1_score(true, predicted),
        "precision": metrics.precision_score(true, predicted),
        "recall": metrics.recall_score(true, predicted),
        "roc_auc": metrics.roc_auc_score(true, scores),
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_binary_equals_scikit_learn(seed, kind):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 2, 101)
    scores = rng.random(101).astype(kind)
    predicted = (scores > 0.6).astype(int)
    expected = binary_by_sklearn(true, predicted, scores)
    same(score_split(BINARY, true, predicted, scores[:, None], 2), expected)
    # the shapes and types that models return
    column = score_split(BINARY, true[:, None].astype(float), predicted[:, None], scores)
    same(column, expected)
    two = np.stack([1 - scores, scores], axis=1)
    same(score_split("classification_binary", true, predicted.astype(bool), two, 2), expected)


@pytest.mark.parametrize("seed", range(5))
def test_multi_equals_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    true = rng.choice(4, 151, p=[0.1, 0.2, 0.3, 0.4])
    scores = rng.dirichlet(np.ones(4), 151)
    predicted = scores.argmax(axis=1)
    expected = {
        "accuracy": metrics.accuracy_score(true, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(true, predicted),
        "f1": metrics.f1_score(true, predicted, average="weighted"),
        "precision": metrics.precision_score(true, predicted, average="weighted", zero_division=0),
        "recall": metrics.recall_score(true, predicted, average="weighted"),
        "roc_auc": metrics.roc_auc_score(true, scores, multi_class="ovr", average="weighted"),
    }
    same(score_split(MULTI, true, predicted, scores, 4), expected)
    # weights of a user's predict need not sum to one
    same(score_split(MULTI, true, predicted, scores * 7, 4), expected)


def test_multi_of_two_classes():
    true, two = np.array([0, 1, 1, 0]), np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    scores = score_split(MULTI, true, two.argmax(axis=1), two, 2)
    assert scores["roc_auc"] == metrics.roc_auc_score(true, two[:, 1]) == 1.0
    assert scores["accuracy"] == 0.75


def test_shuffled_rows_score_the_same_by_sample_index():
    rng = np.random.default_rng(8)
    source, scores = rng.integers(0, 3, 300), rng.dirichlet(np.ones(3), 300)
    rows = rng.permutation(300)[:77]
    ours = score_split(MULTI, source[rows], scores[rows].argmax(axis=1), scores[rows], 3)
    ordered = np.sort(rows)
    again = score_split(MULTI, source[ordered], scores[ordered].argmax(axis=1), scores[ordered], 3)
    assert ours == pytest.approx(again, abs=1e-15)
    assert ours["accuracy"] == np.mean(source[ordered] == scores[ordered].argmax(axis=1))


def test_a_class_that_the_split_lacks():
    true, predicted = np.array([0, 0, 1, 1, 1]), np.array([0, 2, 1, 1, 0])
    scores = np.eye(3)[predicted]
    labels = [0, 1, 2]
    expected = {
        "accuracy": 0.6,
        # recall 1/2 and 2/3; class 2 has none
        "balanced_accuracy": (1 / 2 + 2 / 3) / 2,
        "f1": metrics.f1_score(true, predicted, labels=labels, average="weighted"),
        "precision": metrics.precision_score(
            true, predicted, labels=labels, average="weighted", zero_division=0
        ),
        "recall": metrics.recall_score(
            true, predicted, labels=labels, average="weighted", zero_division=0
        ),
        "roc_auc": math.nan,
    }
    same(score_split(MULTI, true, predicted, scores, 3), expected)


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        # only the negative class: nothing to find, nothing found
        ([0, 0, 0], [0, 0, 0], (1.0, 1.0, 0.0, 0.0, 0.0)),
        ([0, 0, 0], [0, 1, 0], (2 / 3, 2 / 3, 0.0, 0.0, 0.0)),
        ([1, 1, 1], [1, 1, 0], (2 / 3, 2 / 3, 0.8, 1.0, 2 / 3)),
        ([1], [1], (1.0, 1.0, 1.0, 1.0, 1.0)),
    ],
)
def test_one_class_survives_in_silence(true, predicted, expected):
    probabilities = np.linspace(0.1, 0.9, len(true))[:, None]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = score_split(BINARY, np.array(true), np.array(predicted), probabilities, 2)
    assert caught == []
    names = ("accuracy", "balanced_accuracy", "f1", "precision", "recall")
    for name, value in zip(names, expected, strict=True):
        assert found[name] == pytest.approx(value, abs=1e-15), name
    assert math.isnan(found["roc_auc"])


@pytest.mark.parametrize(
    ("analysis", "true", "predicted", "probabilities"),
    [
        (BINARY, np.array([0, 1]), np.array([np.nan, 1.0]), np.array([[0.1], [0.2]])),
        (MULTI, np.array([0, 1]), np.array([0, np.inf]), np.eye(2)),
        (BINARY, np.zeros(0, int), np.zeros(0, int), np.zeros((0, 1))),
        (REGRESSION, np.array([0.0, 1.0]), np.array([0.0, np.nan]), None),
        (REGRESSION, np.array([0.0, 1.0]), np.array([0.0, -np.inf]), None),
        (REGRESSION, np.zeros(0), np.zeros(0), None),
    ],
)
def test_a_diverged_model_has_nan_scores(analysis, true, predicted, probabilities):
    def raises(true, predicted):
        raise AssertionError

    found = score_split(analysis, true, predicted, probabilities, 2, {"own": raises})
    assert sorted(found) == sorted([*names_of(analysis), "own"])
    assert all(math.isnan(value) for value in found.values())


def test_nan_probabilities_only_lose_roc_auc():
    found = score_split(BINARY, np.array([0, 1]), np.array([0, 1]), np.array([[np.nan], [0.9]]), 2)
    assert found["accuracy"] == 1.0
    assert math.isnan(found["roc_auc"])


def regression_by_sklearn(true, predicted):
    return {
        "r2": metrics.r2_score(true, predicted),
        "mse": metrics.mean_squared_error(true, predicted),
        "rmse": metrics.root_mean_squared_error(true, predicted),
        "mae": metrics.mean_absolute_error(true, predicted),
        "explained_variance": metrics.explained_variance_score(true, predicted),
    }


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", [(80,), (80, 1), (80, 3)])
def test_regression_equals_scikit_learn(kind, shape):
    rng = np.random.default_rng(2)
    true = (rng.normal(size=shape) * 50).astype(kind)
    predicted = (true + rng.normal(size=shape)).astype(np.float32)
    same(score_split(REGRESSION, true, predicted), regression_by_sklearn(true, predicted))


def test_column_and_flat_are_not_broadcast():
    true, predicted = np.arange(5.0), np.arange(5.0)[:, None] + 1
    found = score_split(REGRESSION, true, predicted)
    assert (found["mse"], found["mae"], found["r2"]) == (1.0, 1.0, 0.5)


def test_windows_are_flattened():
    rng = np.random.default_rng(2)
    true, predicted = rng.normal(size=(2, 6, 4, 3))
    expected = regression_by_sklearn(true.reshape(24, 3), predicted.reshape(24, 3))
    same(score_split(REGRESSION, true, predicted), expected)


@pytest.mark.parametrize("shape", [(4, 6, 3), (24, 3), (6, 12, 1)])
def test_windows_in_another_shape_are_refused(shape):
    # all of them hold as many numbers, some even as many in columns of three
    with pytest.raises(InvalidFunction) as caught:
        score_split(REGRESSION, np.zeros((6, 4, 3)), np.zeros(shape))
    assert str(shape) in str(caught.value) or str(shape[0]) in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([[1, 2.5], ["red", None], [1.0, float("nan")], [2, 3], [True, False]], [0, 2, 3]),
        ([["x", "y"]], []),
        ([["1", "2"]], []),
    ],
)
def test_columns_of_numbers(columns, expected):
    values = np.array(columns, dtype=object).T
    assert numeric_columns(values) == expected
    # rows of windows: the columns are the last axis
    assert numeric_columns(np.stack([values, values], axis=1)) == expected


def test_every_column_of_a_number_array_is_one():
    assert numeric_columns(np.zeros((2, 4, 3))) == [0, 1, 2]


def test_constant_label_and_single_row():
    constant = score_split(REGRESSION, np.full(4, 2.0), np.array([1.0, 2.0, 3.0, 2.0]))
    assert (constant["r2"], constant["mse"]) == (0.0, 0.5)
    assert score_split(REGRESSION, np.full(4, 2.0), np.full(4, 2.0))["r2"] == 1.0
    single = score_split(REGRESSION, np.array([3.0]), np.array([1.0]))
    assert math.isnan(single["r2"])
    assert (single["mse"], single["rmse"], single["mae"]) == (4.0, 2.0, 2.0)


def test_overflow_is_infinite_in_silence():
    found = score_split(REGRESSION, np.array([0.0, 1.0]), np.array([1e200, -1e200]))
    assert (found["mse"], found["mae"]) == (math.inf, 1e200)


@pytest.mark.parametrize(
    ("analysis", "true", "predicted", "pattern"),
    [
        (BINARY, [0, 1, 1], [0, 1], "2 predictions for 3 samples"),
        (BINARY, [0, 1], [0, 2], "class 2 of sample 1 is not one of 0 to 1"),
        (BINARY, [0, 1], [0.2, 1.0], r"class 0\.2 of sample 0"),
        (BINARY, [0, 1], [-1, 1], "class -1 of sample 0"),
        (REGRESSION, [[0.0, 1.0]], [[0.0, 1.0, 2.0]], r"\(1, 3\) do not fit .* \(1, 2\)"),
    ],
)
def test_misfits_are_refused(analysis, true, predicted, pattern):
    with pytest.raises(InvalidFunction, match=pattern):
        score_split(analysis, np.array(true), np.array(predicted), None, 2)


class TestCustom:
    def test_decoded_values_reach_it(self):
        seen = {}

        def cost(true, predicted):
            seen["values"] = (true.tolist(), predicted.tolist())
            true[:] = "changed"
            return np.float32(0.5)

        names = np.array(["cat", "dog"])
        true, predicted = np.array([0, 1]), np.array([1, 1])
        found = score_split(
            BINARY, true, predicted, None, 2, {"cost": cost}, decode=lambda codes: names[codes]
        )
        assert seen["values"] == (["cat", "dog"], ["dog", "dog"])
        assert (found["cost"], type(found["cost"])) == (0.5, float)
        assert (names.tolist(), true.tolist()) == (["cat", "dog"], [0, 1])

    @pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.array(3.0)])
    def test_numbers(self, value):
        numbers = np.array([1.0, 2.0])
        found = score_split(REGRESSION, numbers, numbers, custom={"own": lambda *_: value})
        assert found["own"] == 3.0

    @pytest.mark.parametrize(
        ("custom", "pattern"),
        [
            ({"own": lambda *_: "high"}, "'own' returned 'high' of type str"),
            ({"own": lambda *_: None}, "'own' returned None"),
            ({"own": lambda *_: np.zeros(2)}, "'own' returned array.* of type ndarray"),
            ({"own": lambda *_: 1j}, "'own' returned 1j"),
            ({"own": lambda *_: 1 / 0}, "'own' raised ZeroDivisionError: division by zero"),
            ({"own": 3}, "'own' is 3, which cannot be called"),
            ({"accuracy": max}, "'accuracy' is one of AIQC's own"),
            ({"loss": max}, "'loss' is one of AIQC's own"),
            ({7: max}, "name 7 is not text"),
        ],
    )
    def test_refused(self, custom, pattern):
        numbers = np.array([1.0, 2.0])
        with pytest.raises(InvalidFunction, match=pattern) as caught:
            score_split(REGRESSION, numbers, numbers, custom=custom)
        assert caught.value.metric == next(iter(custom))


def test_names():
    assert metrics_classify == [
        "accuracy",
        "balanced_accuracy",
        "f1",
        "precision",
        "recall",
        "roc_auc",
    ]
    assert metrics_regress == ["r2", "mse", "rmse", "mae", "explained_variance"]
    assert metrics_all == [*metrics_classify, *metrics_regress, "loss"]
    assert [default_score(kind) for kind in AnalysisType] == ["accuracy", "accuracy", "r2"]
    assert [display_name(name) for name in ("f1", "r2", "loss", "own_cost")] == [
        "F1",
        "R²",
        "Loss",
        "Own cost",
    ]


class TestAggregate:
    def test_hand_computed(self):
        found = aggregate({"train": {"r2": 1.0}, "validation": {"r2": 0.5}, "test": {"r2": -3.0}})
        # mean -0.5; deviations 1.5, 1, -2.5: variance 9.5 / 3
        assert found == {
            "r2": {
                "mean": -0.5,
                "median": 0.5,
                "pstdev": math.sqrt(9.5 / 3),
                "minimum": -3.0,
                "maximum": 1.0,
            }
        }

    def test_undefined_splits_do_not_count(self):
        found = aggregate(
            {"a": {"roc_auc": math.nan}, "b": {"roc_auc": 0.8}, "c": {"roc_auc": 0.6}}
        )
        assert found["roc_auc"]["mean"] == pytest.approx(0.7, abs=1e-15)
        assert (found["roc_auc"]["minimum"], found["roc_auc"]["maximum"]) == (0.6, 0.8)
        assert found["roc_auc"]["pstdev"] == pytest.approx(0.1, abs=1e-15)

    def test_undefined_everywhere(self):
        (found,) = aggregate({"a": {"r2": math.nan}, "b": {"r2": math.nan}}).values()
        assert len(found) == 5
        assert all(math.isnan(value) for value in found.values())

    def test_infinite_loss(self):
        (found,) = aggregate({"a": {"loss": math.inf}, "b": {"loss": 1.0}}).values()
        assert (found["mean"], found["maximum"], found["minimum"]) == (math.inf, math.inf, 1.0)
        assert math.isnan(found["pstdev"])

    def test_metric_of_one_split_only(self):
        assert aggregate({"a": {"x": 2.0}, "b": {}})["x"]["mean"] == 2.0
        assert aggregate({}) == {}
