"""Probability or logit, found on the model as it is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from aiqc.core.enums import AnalysisType, Output
from aiqc.core.errors import Incompatible
from aiqc.training.output_kind import check_outputs, judge_range

ROWS = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")


def sigmoid(values):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-values))


def naive_softmax(values):
    """Overflows on huge numbers, as a user's own might."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(lambda rows: sigmoid(rows.sum(1, keepdims=True)), Output.PROBABILITY),
        pytest.param(naive_softmax, Output.PROBABILITY, id="a softmax that overflows"),
        pytest.param(lambda rows: rows.sum(1, keepdims=True), Output.LOGIT),
        pytest.param(lambda rows: 0.5 + rows[:, :1] / 100, Output.LOGIT, id="small logits"),
        pytest.param(lambda rows: np.maximum(rows, 0), Output.LOGIT, id="never negative"),
        pytest.param(lambda rows: np.full((20, 1), np.nan), Output.LOGIT, id="NaN"),
    ],
)
def test_range(function, expected):
    assert judge_range(function, ROWS) is expected


def test_range_of_codes_that_cannot_be_scaled():
    def embedded(codes):
        return np.array([0.1, 0.9])[codes.astype(int).ravel()]

    assert judge_range(embedded, np.zeros((4, 1), "float32")) is Output.PROBABILITY
    assert judge_range(embedded, np.ones((4, 1), "float32")) is Output.PROBABILITY


def test_range_of_several_features():
    both = [ROWS, ROWS]
    assert judge_range(lambda f: sigmoid(f[0] + f[1]), both) is Output.PROBABILITY
    assert judge_range(lambda f: 0.5 + (f[0] + f[1]) / 100, both) is Output.LOGIT


@pytest.mark.parametrize(
    ("kind", "label_shape", "outputs", "fits"),
    [
        (AnalysisType.BINARY, (1,), (8, 1), True),
        (AnalysisType.BINARY, (1,), (8,), True),
        (AnalysisType.BINARY, (1,), (8, 2), False),
        (AnalysisType.MULTI, (3,), (8, 3), True),
        (AnalysisType.MULTI, (3,), (8, 4), False),
        (AnalysisType.MULTI, (3,), (8, 1), False),
        (AnalysisType.REGRESSION, (1,), (8,), True),
        (AnalysisType.REGRESSION, (1,), (8, 2), False),
        (AnalysisType.REGRESSION, (5, 2), (8, 5, 2), True),
    ],
)
def test_outputs_fit_the_label(kind, label_shape, outputs, fits):
    task = SimpleNamespace(analysis_type=kind, shapes=SimpleNamespace(label=label_shape))
    if fits:
        check_outputs(task, outputs)
        return
    with pytest.raises(Incompatible, match=r"returns \(\d+,\) a sample; .* needs .*Give the last"):
        check_outputs(task, outputs)


@pytest.mark.parametrize(
    ("target", "outputs", "fits"),
    [
        ((28, 5), (8, 28, 5), True),
        ((28, 5), (8, 1, 5), False),
        ((28, 5), (8, 5, 28), False),
        ((28, 5), (8, 140), False),
        ((5,), (8, 5), True),
        ((5,), (8, 5, 1), False),
        ((1, 1), (8, 1), False),
        # one number a sample, whose axis may be missing
        ((1,), (8,), True),
        ((1,), (8, 1), True),
        ((1,), (8, 2), False),
    ],
)
def test_numbers_come_in_the_shape_of_the_target(target, outputs, fits):
    kind = AnalysisType.REGRESSION
    task = SimpleNamespace(analysis_type=kind, shapes=SimpleNamespace(label=target))
    if fits:
        check_outputs(task, outputs)
        return
    with pytest.raises(Incompatible) as caught:
        check_outputs(task, outputs)
    assert f"returns {outputs[1:]} a sample; regression needs {target}." in str(caught.value)
    assert (caught.value.shape, caught.value.expected) == (outputs[1:], target)


@pytest.mark.torch
def test_last_layer_of_pytorch_models():
    torch = pytest.importorskip("torch")
    from aiqc.training.pytorch_output import find_output

    nn = torch.nn

    class Functional(nn.Module):
        def __init__(self, ending):
            super().__init__()
            self.linear = nn.Linear(3, 2)
            self.ending = ending

        def forward(self, features):
            return self.ending(self.linear(features))

    class Gate(nn.Module):
        """Runs a sigmoid last that is not what it returns."""

        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)
            self.gate = nn.Sigmoid()

        def forward(self, features):
            logits = self.linear(features)
            return 5 * logits * self.gate(logits)

    small = nn.Linear(3, 1)
    nn.init.zeros_(small.weight)
    nn.init.constant_(small.bias, 0.5)
    cases = [
        (nn.Sequential(nn.Linear(3, 1), nn.Sigmoid()), Output.PROBABILITY),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=1)), Output.PROBABILITY),
        (nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0)), Output.PROBABILITY),
        (nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(dim=1)), Output.LOGIT),
        (nn.Linear(3, 1), Output.LOGIT),
        (small, Output.LOGIT),
        (Functional(torch.sigmoid), Output.PROBABILITY),
        (Functional(lambda logits: logits.softmax(1)), Output.PROBABILITY),
        (Functional(torch.tanh), Output.LOGIT),
        (Gate(), Output.LOGIT),
        (nn.Sequential(nn.Linear(3, 1), nn.Dropout(0.5), nn.BatchNorm1d(1)), Output.LOGIT),
    ]
    for model, expected in cases:
        before = {name: value.clone() for name, value in model.state_dict().items()}
        state = torch.get_rng_state()
        kind, shape = find_output(model, ROWS)
        assert (kind, shape[0]) == (expected, 20), model
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        assert all(module.training and not module._forward_hooks for module in model.modules())
