"""Which functions an Algorithm accepts, by library and role."""
# ruff: noqa: E501 - tables of cases, one a line

from __future__ import annotations

import re

import pytest

from aiqc.core.enums import AnalysisType, Library
from aiqc.core.errors import InvalidFunction
from aiqc.core.types import Functions
from aiqc.training.signatures import check_functions, check_hyperparameters, takes_model


def build(features_shape, label_shape, **hp): ...
def train(
    model, loser, optimizer, train_features, train_label, eval_features, eval_label, **hp
): ...


GOOD = {"build": build, "train": train}
ACCEPTED = [
    ("other names", Library.KERAS, {"build": lambda a, b, **h: 0}),
    ("no hyperparameters", Library.KERAS, {"build": lambda a, b: 0}),
    ("a named hyperparameter", Library.KERAS, {"build": lambda a, b, units, **hp: 0}),
    ("keyword-only hyperparameter", Library.KERAS, {"build": lambda a, b, *, units: 0}),
    ("hyperparameter with a default", Library.KERAS, {"build": lambda a, b, units=3: 0}),
    ("star arguments", Library.KERAS, {"train": lambda *args, **hp: 0}),
    ("predict", Library.KERAS, {"predict": lambda m, f: 0}),
    ("predict with a default", Library.KERAS, {"predict": lambda m, f, batch=3: 0}),
    ("lose", Library.KERAS, {"lose": lambda **hp: 0}),
    ("lose without hp", Library.PYTORCH, {"lose": lambda: 0}),
    ("Keras optimize", Library.KERAS, {"optimize": lambda **hp: 0}),
    ("PyTorch optimize with model", Library.PYTORCH, {"optimize": lambda model, **hp: 0}),
    ("PyTorch optimize, factory", Library.PYTORCH, {"optimize": lambda **hp: 0}),
    ("sklearn without train", Library.SKLEARN, {"train": None}),
    ("toy without train", Library.TOY, {"train": None}),
    ("a builtin", Library.KERAS, {"lose": dict}),
]
REFUSED = [
    ("build: too few", Library.KERAS, {"build": lambda a: 0}, "build", r"\(features_shape, label_shape, \*\*hp\)"),
    ("build: too many", Library.KERAS, {"build": lambda a, b, c: 0}, "build", r"takes \(a, b, c\)"),
    ("build: none", Library.KERAS, {"build": None}, "build", "required"),
    ("build: no function", Library.KERAS, {"build": 3}, "build", "got int: 3"),
    ("build: keyword-only", Library.KERAS, {"build": lambda *, a, b: 0}, "build", "order"),
    ("train: none", Library.PYTORCH, {"train": None}, "train", "required for the library 'pytorch'"),
    ("train: five", Library.KERAS, {"train": lambda a, b, c, d, e, **hp: 0}, "train", "eval_label"),
    ("train: eight", Library.KERAS, {"train": lambda a, b, c, d, e, f, g, h: 0}, "train", "eval_label"),
    ("predict: one", Library.KERAS, {"predict": lambda m: 0}, "predict", r"\(model, features\)"),
    ("predict: three", Library.KERAS, {"predict": lambda m, f, g: 0}, "predict", r"takes \(m, f, g\)"),
    ("predict: needs a keyword", Library.KERAS, {"predict": lambda m, f, *, g: 0}, "predict", "g"),
    ("lose: a loss itself", Library.PYTORCH, {"lose": lambda true, predicted: 0}, "lose", r"\(\*\*hp\)"),
    ("Keras optimize with model", Library.KERAS, {"optimize": lambda model: 0}, "optimize", r"\(\*\*hp\)"),
    ("PyTorch optimize: two", Library.PYTORCH, {"optimize": lambda a, b: 0}, "optimize", r"\(model, \*\*hp\)"),
    ("sklearn: optimize unused", Library.SKLEARN, {"train": None, "optimize": lambda **hp: 0}, "optimize", "no effect"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("library", "change"), [c[1:] for c in ACCEPTED], ids=[c[0] for c in ACCEPTED]
)
def test_accepts(library, change):
    check_functions(library, AnalysisType.BINARY, **(GOOD | change))


@pytest.mark.parametrize(
    ("library", "change", "role", "pattern"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_refuses(library, change, role, pattern):
    with pytest.raises(InvalidFunction, match=pattern) as caught:
        check_functions(library, AnalysisType.BINARY, **(GOOD | change))
    assert caught.value.function == f"fn_{role}"
    assert f"fn_{role}" in str(caught.value)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda model, **hp: 0, True),
        (lambda m: 0, True),
        (lambda *args: 0, True),
        (lambda **hp: 0, False),
        (lambda lr=0.1: 0, False),
        (lambda *, lr: 0, False),
    ],
)
def test_takes_model(function, expected):
    assert takes_model(function) is expected


HYPERPARAMETERS = [
    (Library.KERAS, {}, ["epochs"], None),
    (Library.KERAS, {"build": lambda a, b, units, **hp: 0}, ["units"], None),
    (
        Library.KERAS,
        {"build": lambda a, b, units, **hp: 0},
        ["epochs"],
        "fn_build.* needs .*'units'",
    ),
    (Library.KERAS, {"build": lambda a, b: 0}, ["epochs"], "fn_build.* does not take .*'epochs'"),
    (Library.KERAS, {"build": lambda a, b: 0}, [], None),
    (Library.KERAS, {}, ["model"], "fn_train.* also the name .*'model'"),
    (Library.KERAS, {"optimize": lambda rate, **hp: 0}, ["rate"], None),
    (Library.PYTORCH, {"optimize": lambda rate, **hp: 0}, ["rate"], "fn_optimize.* also the name"),
    (Library.PYTORCH, {"optimize": lambda m, rate, **hp: 0}, ["rate"], None),
]


@pytest.mark.parametrize(("library", "change", "names", "pattern"), HYPERPARAMETERS)
def test_hyperparameter_names(library, change, names, pattern):
    functions = Functions(**(GOOD | change))
    if pattern is None:
        check_hyperparameters(library, functions, names)
        return
    with pytest.raises(InvalidFunction) as caught:
        check_hyperparameters(library, functions, names)
    assert re.search(pattern, str(caught.value))
