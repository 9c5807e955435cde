"""How user functions are called, and what may come back."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from aiqc.core.errors import InvalidFunction
from aiqc.training.returns import (
    as_numpy,
    call_user,
    describe,
    read_history,
    read_prediction,
    read_training,
)


class Model:
    history = "Keras models carry one"


MODEL = Model()


def is_model(value):
    return isinstance(value, Model)


def test_call_passes_arguments_and_hyperparameters():
    called = call_user("fn_build", lambda *args, **hp: (args, hp), (4,), (1,), units=3)
    assert called == (((4,), (1,)), {"units": 3})


def test_hyperparameters_may_be_called_function():
    assert call_user("fn_lose", lambda **hp: hp, function=1, function_name=2) == {
        "function": 1,
        "function_name": 2,
    }


@pytest.mark.parametrize(
    ("function", "pattern"),
    [
        (lambda a, b: 0, r"fn_build\(a, b\).*hyperparameter 'units'"),
        (lambda a, **hp: 0, "fn_build.*too many positional"),
        (lambda a, b, c, **hp: 0, "missing a required argument: 'c'"),
        (lambda units, b, **hp: 0, "multiple values for argument 'units'"),
    ],
)
def test_call_refuses(function, pattern):
    with pytest.raises(InvalidFunction, match=pattern):
        call_user("fn_build", function, (4,), (1,), units=3)


def test_exceptions_of_user_code_propagate():
    def broken(**hp):
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        call_user("fn_lose", broken)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (MODEL, {}),
        ((MODEL, {"loss": [1, 2]}), {"loss": [1.0, 2.0]}),
        (({"loss": [1, 2]}, MODEL), {"loss": [1.0, 2.0]}),
        ((MODEL, None), {}),
        ([MODEL, {"b": [1], "a": [2]}], {"b": [1.0], "a": [2.0]}),
    ],
)
def test_training_returns(returned, expected):
    model, history = read_training(returned, is_model, "a model")
    assert model is MODEL
    assert list(history) == list(expected)
    assert {name: values.tolist() for name, values in history.items()} == expected
    assert all(values.dtype == np.float64 for values in history.values())


@pytest.mark.parametrize("returned", [None, 3, "model", (MODEL,), (1, 2), (MODEL, 1, 2), Model])
def test_training_refuses(returned):
    with pytest.raises(InvalidFunction, match=f"fn_train returned .*{type(returned).__name__}"):
        read_training(returned, is_model, "a model")


def test_history_of_keras_kind():
    class History:
        history: ClassVar = {"loss": [np.float32(0.5), 0.25], "val_loss": np.array([1, 2], "f4")}

    found = read_history(History())
    assert {name: values.tolist() for name, values in found.items()} == {
        "loss": [0.5, 0.25],
        "val_loss": [1.0, 2.0],
    }


@pytest.mark.parametrize("history", [3, [1, 2], {"loss": "low"}, {"loss": None}])
def test_history_refuses(history):
    with pytest.raises(InvalidFunction, match="fn_train returned"):
        read_history(history)


def test_prediction_pairs():
    assert read_prediction((1, 2)) == (1, 2)
    assert read_prediction([1, 2]) == ([1, 2], None)


def test_tensors_become_numpy():
    class Tensor:
        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return np.array([1.5])

    assert as_numpy(Tensor()).tolist() == [1.5]
    assert as_numpy([1, 2]).tolist() == [1, 2]


def test_description_is_short_and_on_one_line():
    text = describe(np.zeros((100, 3)))
    assert text.startswith("ndarray of shape (100, 3): array([[0., 0., 0.], [0.,")
    assert len(text) <= 80 + len("ndarray of shape (100, 3): ")
    assert "\n" not in text
