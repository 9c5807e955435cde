"""Every training backend keeps the contract for arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from array_contract import ArrayContract, draw_arrays
from test_backend_contract import keras_train
from training_tasks import SPLITS

from aiqc.core.enums import Library
from aiqc.core.errors import Incompatible
from aiqc.core.lazy import load
from aiqc.core.types import Functions, Shapes
from aiqc.training.task import train_task
from aiqc.training.toy_model import ToyModel


class TestToyArrays(ArrayContract):
    library = Library.TOY
    hyperparameters = {"epochs": 300, "learning_rate": 0.3}  # noqa: RUF012

    def functions(self):
        return Functions(build=lambda features_shape, label_shape, **hp: ToyModel())


class TestSklearnMatrices(ArrayContract):
    library = Library.SKLEARN
    sample = (3,)
    target = (3,)

    def functions(self):
        from sklearn.linear_model import LinearRegression

        return Functions(build=lambda features_shape, label_shape, **hp: LinearRegression())

    def aims(self, features):
        return features[:, ::-1] + 1

    @pytest.mark.parametrize(
        "shapes", [Shapes((4, 3), (3,)), Shapes((3,), (2, 3)), Shapes([(3,), (4, 3)], (3,))]
    )
    def test_arrays_are_refused(self, shapes):
        with pytest.raises(Incompatible, match=r"\(., 3\).*FeatureShaper"):
            train_task(self.task(shapes=shapes))


class Layered(ArrayContract):
    """What libraries with layers owe besides."""

    def flat(self):
        """Return an fn_build whose model lacks the rows of its target."""
        raise NotImplementedError

    def test_a_model_of_another_shape_is_refused_before_training(self):
        reached = []
        functions = Functions(build=self.flat(), train=lambda *args, **hp: reached.append(1))
        with pytest.raises(Incompatible, match=r"\(1, 3\).*\(2, 3\)") as caught:
            train_task(replace(self.task(), functions=functions))
        assert (caught.value.shape, caught.value.expected) == ((1, 3), (2, 3))
        assert not reached

    def test_swapped_axes_are_refused_although_the_count_fits(self):
        functions = self.functions()

        def build(features_shape, label_shape, **hp):
            return functions.build(features_shape, label_shape[::-1], **hp)

        with pytest.raises(Incompatible, match=r"\(3, 2\).*\(2, 3\)"):
            train_task(replace(self.task(), functions=replace(functions, build=build)))


@pytest.mark.torch
class TestPyTorchArrays(Layered):
    library = Library.PYTORCH
    hyperparameters = {"epochs": 150}  # noqa: RUF012

    def functions(self):
        return Functions(build=torch_build, train=torch_train)

    def flat(self):
        return lambda features_shape, label_shape, **hp: torch_build(features_shape, (1, 3))

    @pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
    def test_fit_keeps_samples_and_targets_together(self, several):
        import torchmetrics

        from aiqc.utils.pytorch import fit

        def train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
            arrays = (features, label, eval_features, eval_label)
            score = torchmetrics.MeanSquaredError()
            for group in optimizer.param_groups:
                group["lr"] = 0.03
            return fit(model, loser, optimizer, *arrays, epochs=40, batch_size=20, metrics=[score])

        functions = replace(self.functions(), train=train)
        outcome = train_task(replace(self.task(several=several), functions=functions))
        self.check(outcome)
        # the last epoch's own metric, on encoded values: units are twice them plus 10
        last = outcome.history["val_mean_squared_error"][-1]
        assert last == pytest.approx(outcome.metrics["validation"]["mse"] / 4, rel=1e-4)


@pytest.mark.keras
class TestKerasArrays(Layered):
    library = Library.KERAS
    hyperparameters = {"epochs": 60}  # noqa: RUF012

    def functions(self):
        return Functions(build=keras_build, train=keras_train)

    def flat(self):
        return lambda features_shape, label_shape, **hp: keras_build(features_shape, (1, 3))

    @pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
    def test_fit_of_keras_takes_them(self, several):
        def train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
            optimizer.learning_rate = 0.03
            model.compile(optimizer=optimizer, loss=loser)
            model.fit(
                *(features, label),
                validation_data=(eval_features, eval_label),
                epochs=40,
                batch_size=20,
                verbose=0,
            )
            return model

        functions = replace(self.functions(), train=train)
        outcome = train_task(replace(self.task(several=several), functions=functions))
        self.check(outcome)
        validation = outcome.metrics["validation"]["loss"]
        assert outcome.history["val_loss"][-1] == pytest.approx(validation, rel=1e-4)

    def test_loss_of_many_chunks_is_the_mean_of_all_numbers(self, monkeypatch):
        from aiqc.training import keras_forward

        task = self.task()
        whole = train_task(task)
        monkeypatch.setattr(keras_forward, "CHUNK_ROWS", 32)
        parts = train_task(task)
        for split, rows in SPLITS.items():
            aims = self.aims(draw_arrays(self.sample))[rows]
            by_hand = np.abs((parts.predictions[split] - 10) / 2 - aims).mean()
            assert parts.metrics[split]["loss"] == pytest.approx(by_hand, rel=1e-4)
            assert parts.metrics[split]["loss"] == pytest.approx(whole.metrics[split]["loss"])


def torch_build(features_shape, label_shape, **hp):
    torch = load("torch")
    several = isinstance(features_shape, list)
    width = sum(int(np.prod(shape)) for shape in (features_shape if several else [features_shape]))

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(width, int(np.prod(label_shape)))

        def forward(self, features):
            parts = features if several else [features]
            joined = torch.cat([part.flatten(1) for part in parts], dim=1)
            return self.linear(joined).unflatten(1, label_shape)

    return Linear()


def torch_train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    for _ in range(hp["epochs"]):
        optimizer.zero_grad()
        loser(model(features), label).backward()
        optimizer.step()
    return model


def keras_build(features_shape, label_shape, **hp):
    keras = load("keras")
    layers = keras.layers
    several = isinstance(features_shape, list)
    inputs = [layers.Input(shape) for shape in (features_shape if several else [features_shape])]
    flat = [layers.Flatten()(each) for each in inputs]
    joined = layers.Concatenate()(flat) if several else flat[0]
    outputs = layers.Reshape(label_shape)(layers.Dense(int(np.prod(label_shape)))(joined))
    return keras.Model(inputs if several else inputs[0], outputs)
