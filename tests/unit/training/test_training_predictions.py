"""What fn_predict may return, by analysis type."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from training_tasks import make_task

from aiqc.core.enums import AnalysisType, Library
from aiqc.core.errors import InvalidFunction
from aiqc.core.types import Functions, Shapes
from aiqc.training.predictions import check_prediction, check_probabilities

BINARY, MULTI, REGRESSION = AnalysisType


def task_of(analysis_type):
    return make_task(Library.TOY, analysis_type, Functions(build=print))


@pytest.mark.parametrize(
    ("analysis_type", "returned", "expected"),
    [
        (BINARY, np.array([0, 1, 1]), [0, 1, 1]),
        (BINARY, np.array([[0.0], [1.0], [1.0]], "f4"), [0, 1, 1]),
        (BINARY, np.array([False, True, True]), [0, 1, 1]),
        (BINARY, [0, 1, 1], [0, 1, 1]),
        (MULTI, np.array([2, 0, 1], "u1"), [2, 0, 1]),
        (REGRESSION, np.array([1.5, 2.5, np.nan], "f4"), [[1.5], [2.5], [np.nan]]),
        (REGRESSION, np.array([[1], [2], [3]]), [[1.0], [2.0], [3.0]]),
    ],
)
def test_accepted(analysis_type, returned, expected):
    found = check_prediction(task_of(analysis_type), returned, 3)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == (np.float64 if analysis_type is REGRESSION else np.int64)


@pytest.mark.parametrize(
    ("analysis_type", "returned", "pattern"),
    [
        (BINARY, np.array([0, 1]), "from 0 to 1"),
        (BINARY, np.array([0, 1, 2]), r"array\(\[2\]\)"),
        (BINARY, np.array([0.2, 1, 0.7]), r"array\(\[0.2, 0.7\]\)"),
        (BINARY, np.array([0, np.inf, 1]), "inf"),
        (BINARY, "benign", "str: 'benign'"),
        (MULTI, np.eye(3), r"ndarray of shape \(3, 3\)"),
        (MULTI, np.array(["bird", "cat", "dog"]), "bird"),
        (MULTI, [[1], [2, 3], [1]], "list"),
        (REGRESSION, np.array(1.0), "array"),
        (REGRESSION, np.zeros((3, 2)), r"of shape \(3, 1\)"),
        (REGRESSION, np.zeros(4), r"ndarray of shape \(4,\)"),
        (REGRESSION, None, "NoneType: None"),
        (REGRESSION, np.array([1, "x", None], dtype=object), "object"),
    ],
)
def test_refused(analysis_type, returned, pattern):
    with pytest.raises(InvalidFunction, match=f"fn_predict returned .*{pattern}") as caught:
        check_prediction(task_of(analysis_type), returned, 3)
    assert caught.value.function == "fn_predict"


@pytest.mark.parametrize(
    ("target", "returned"),
    [
        ((3, 4), (6, 4, 3)),
        ((3, 4), (6, 12)),
        ((3, 4), (6, 3, 4, 1)),
        ((3, 4), (6, 1, 3, 4)),
        ((3, 4), (72,)),
        # a batch axis that divides the samples, or is a multiple of them
        ((3, 4), (3, 6, 4)),
        ((3, 4), (18, 4)),
        ((3, 4), (6, 4)),
        ((3, 4), (1, 3, 4)),
        ((4,), (4, 6)),
        ((4,), (6, 4, 1)),
        ((1, 1), (6, 1)),
        ((1,), (1, 6)),
        ((1,), (3, 2)),
    ],
)
def test_numbers_in_another_shape_are_refused_also_if_their_count_fits(target, returned):
    task = task_of(REGRESSION)
    task = replace(task, shapes=Shapes((4,), target))
    values = np.zeros(returned)
    with pytest.raises(InvalidFunction) as caught:
        check_prediction(task, values, 6)
    assert f"ndarray of shape {returned}" in str(caught.value)
    assert f"of shape {(6, *target)}" in str(caught.value)


def test_numbers_keep_the_shape_of_the_target():
    task = replace(task_of(REGRESSION), shapes=Shapes((4,), (3, 4)))
    values = np.arange(72.0).reshape(6, 3, 4)
    assert check_prediction(task, values.astype("f4"), 6).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("analysis_type", "returned", "expected"),
    [
        (BINARY, np.array([0.1, 0.9]), [[0.1], [0.9]]),
        (BINARY, np.array([[0.1], [0.9]]), [[0.1], [0.9]]),
        (BINARY, np.array([[0.9, 0.1], [0.1, 0.9]]), [[0.1], [0.9]]),
        (MULTI, [[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0]]),
        (MULTI, None, None),
        (REGRESSION, None, None),
    ],
)
def test_probabilities_accepted(analysis_type, returned, expected):
    found = check_probabilities(task_of(analysis_type), returned, 2)
    assert (None if found is None else found.tolist()) == expected
    assert found is None or found.dtype.kind == "f"


@pytest.mark.parametrize(
    ("analysis_type", "returned", "pattern"),
    [
        (BINARY, np.zeros((2, 3)), r"shape \(2, 1\)"),
        (BINARY, np.zeros(3), r"shape \(2, 1\)"),
        (MULTI, np.zeros((2, 2)), r"shape \(2, 3\)"),
        (MULTI, np.zeros(2), r"shape \(2, 3\)"),
        (MULTI, np.array([["a"] * 3] * 2), r"shape \(2, 3\)"),
        (REGRESSION, np.zeros((2, 1)), "no probabilities"),
    ],
)
def test_probabilities_refused(analysis_type, returned, pattern):
    with pytest.raises(InvalidFunction, match=f"fn_predict returned .*{pattern}"):
        check_probabilities(task_of(analysis_type), returned, 2)
