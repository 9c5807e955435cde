"""Every training backend keeps the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backend_contract import BackendContract, digest

from aiqc.core.enums import AnalysisType, Library
from aiqc.core.lazy import load
from aiqc.core.types import Functions
from aiqc.training.toy_model import ToyModel


class TestToy(BackendContract):
    library = Library.TOY
    hyperparameters = {"epochs": 200, "learning_rate": 0.3}  # noqa: RUF012

    def functions(self, analysis_type, *, several=False):
        return Functions(build=lambda features_shape, label_shape, **hp: ToyModel())

    def regression_loss(self, true, predicted):
        return float(np.mean((true - predicted) ** 2))


class TestSklearn(BackendContract):
    library = Library.SKLEARN
    draws = False

    def functions(self, analysis_type, *, several=False):
        from sklearn.linear_model import LinearRegression, LogisticRegression

        kind = LogisticRegression if analysis_type.is_classification else LinearRegression
        return Functions(build=lambda features_shape, label_shape, **hp: kind())


@pytest.mark.torch
class TestPyTorch(BackendContract):
    library = Library.PYTORCH
    hyperparameters = {"epochs": 150}  # noqa: RUF012
    tolerance = 1e-4

    def functions(self, analysis_type, *, several=False):
        return Functions(build=torch_joined if several else torch_build, train=torch_train)

    def test_users_torch_stays(self):
        torch = load("torch")
        torch.manual_seed(3)
        state, threads = torch.get_rng_state(), torch.get_num_threads()
        self.train(AnalysisType.BINARY, thread_count=threads + 1)
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == threads

    def test_users_torch_does_not_reach_the_run(self):
        load("torch").manual_seed(1)
        first = self.train(AnalysisType.BINARY)
        load("torch").manual_seed(2)
        assert digest(self.train(AnalysisType.BINARY)) == digest(first)


@pytest.mark.keras
class TestKeras(BackendContract):
    library = Library.KERAS
    hyperparameters = {"epochs": 60}  # noqa: RUF012
    tolerance = 1e-4

    def functions(self, analysis_type, *, several=False):
        ending = {
            AnalysisType.BINARY: "sigmoid",
            AnalysisType.MULTI: "softmax",
            AnalysisType.REGRESSION: None,
        }[analysis_type]

        def build(features_shape, label_shape, **hp):
            layers = load("keras").layers
            shapes = features_shape if several else [features_shape]
            inputs = [layers.Input(shape) for shape in shapes]
            joined = layers.Concatenate()(inputs) if several else inputs[0]
            outputs = layers.Dense(label_shape[-1], activation=ending)(joined)
            return load("keras").Model(inputs if several else inputs[0], outputs)

        return Functions(build=build, train=keras_train)

    def test_users_keras_stays(self):
        keras = load("keras")

        def draw_twice(between):
            keras.utils.set_random_seed(5)
            first = keras.random.normal((3,))
            between()
            return [np.asarray(values).tolist() for values in (first, keras.random.normal((3,)))]

        expected = draw_twice(lambda: None)
        assert draw_twice(lambda: self.train(AnalysisType.BINARY)) == expected

    def test_users_tensorflow_stays(self):
        tensorflow = load("tensorflow")

        def draw_twice(between):
            tensorflow.random.set_seed(5)
            first = tensorflow.random.normal((3,))
            between()
            return [values.numpy().tolist() for values in (first, tensorflow.random.normal((3,)))]

        expected = draw_twice(lambda: None)
        assert draw_twice(lambda: self.train(AnalysisType.BINARY)) == expected


def torch_build(features_shape, label_shape, **hp):
    return load("torch").nn.Linear(features_shape[0], label_shape[-1])


def torch_joined(features_shape, label_shape, **hp):
    torch = load("torch")

    class Joined(torch.nn.Module):
        def __init__(self):
            super().__init__()
            width = sum(shape[0] for shape in features_shape)
            self.linear = torch.nn.Linear(width, label_shape[-1])

        def forward(self, first, second):
            return self.linear(torch.cat([first, second], dim=1))

    return Joined()


def torch_train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
    losses = []
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    for _ in range(hp["epochs"]):
        optimizer.zero_grad()
        outputs = model(*features) if isinstance(features, list) else model(features)
        loss = loser(outputs, label)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"loss": losses}, model


def keras_train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
    optimizer.learning_rate = 0.1
    model.compile(optimizer=optimizer, loss=loser, jit_compile=False)
    losses = [float(model.train_on_batch(features, label)) for _ in range(hp["epochs"])]
    return model, {"loss": losses}


_SCRIPT = """
import sys
sys.path[:0] = [{folder!r}]
from backend_contract import digest
from aiqc.core.enums import AnalysisType
import test_backend_contract as contract
print(digest(contract.{name}().train(AnalysisType.BINARY)))
"""


@pytest.mark.parametrize(
    "contract",
    [
        TestToy,
        TestSklearn,
        pytest.param(TestPyTorch, marks=pytest.mark.torch),
        pytest.param(TestKeras, marks=pytest.mark.keras),
    ],
    ids=lambda kind: kind.__name__,
)
def test_another_process_gives_the_same_bytes(contract):
    script = _SCRIPT.format(folder=str(Path(__file__).parent), name=contract.__name__)
    environment = {**os.environ, "PYTHONHASHSEED": "123", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split()[-1] == digest(contract().train(AnalysisType.BINARY))
