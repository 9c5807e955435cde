"""The Keras backend: defaults by output, compiled prediction, storing and going on training."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_tasks import make_task

from aiqc.core.enums import AnalysisType, Library, ModelForm, Output
from aiqc.core.errors import Incompatible, InvalidFunction, InvalidInput
from aiqc.core.types import Functions
from aiqc.training.arrays import compute_task
from aiqc.training.keras import KerasBackend
from aiqc.training.task import train_task
from aiqc.utils.tensorflow import TrainingCallback

pytestmark = pytest.mark.keras

BINARY, MULTI, REGRESSION = AnalysisType.BINARY, AnalysisType.MULTI, AnalysisType.REGRESSION


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
    model.compile(optimizer=optimizer, loss=loser)
    epochs = hp.get("epochs", 3)
    model.fit(features, label, epochs=epochs, batch_size=30, verbose=0)
    return model


def builder(ending=None, *further):
    """Return an fn_build of a small network with an activation and further layers."""

    def build(features_shape, label_shape, **hp):
        from keras import Sequential, layers

        last = layers.Dense(label_shape[0], activation=ending)
        rest = [make(layers) for make in further]
        return Sequential(
            [layers.Input(features_shape), layers.Dense(8, activation="relu"), last, *rest]
        )

    return build


def make(kind, build, *, task_train=train, lose=None, optimize=None, predict=None, **changes):
    """Return a task with its arrays as the backend computes with them."""
    functions = Functions(build, task_train, predict, lose, optimize)
    task = make_task(Library.KERAS, kind, functions, **changes)
    return compute_task(task, KerasBackend())


def run(task):
    """Return what `train` gives, seeded as a run is."""
    backend = KerasBackend()
    backend.seed(task.seed, 1)
    return backend.train(task)


def untrained(model, *arguments, **hp):
    return model


@pytest.mark.parametrize(
    ("kind", "build", "one_hot", "loss", "from_logits"),
    [
        (BINARY, builder(), False, "BinaryCrossentropy", True),
        (BINARY, builder("sigmoid"), False, "BinaryCrossentropy", False),
        (BINARY, builder(None, lambda k: k.Activation("sigmoid")), False, "BinaryC", False),
        (MULTI, builder(), False, "SparseCategoricalCrossentropy", True),
        (MULTI, builder("softmax"), False, "SparseCategoricalCrossentropy", False),
        (MULTI, builder(None, lambda k: k.Softmax()), True, "CategoricalCrossentropy", False),
        (MULTI, builder("log_softmax"), True, "CategoricalCrossentropy", True),
        (MULTI, builder("softmax", lambda k: k.Flatten()), True, "CategoricalC", False),
        (REGRESSION, builder(), False, "MeanAbsoluteError", None),
    ],
)
def test_defaults(keras, kind, build, one_hot, loss, from_logits):
    task = make(kind, build, one_hot=one_hot, task_train=untrained)
    _, optimizer, loser, history, output = run(task)
    assert type(loser).__name__.startswith(loss)
    assert history == {}
    assert isinstance(optimizer, keras.optimizers.Adamax)
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    if from_logits is None:
        assert output is None
        return
    assert loser.get_config()["from_logits"] is from_logits
    assert output is (Output.LOGIT if from_logits else Output.PROBABILITY)


@pytest.mark.parametrize(
    ("kind", "ending", "one_hot"),
    [
        (BINARY, None, False),
        (BINARY, "sigmoid", False),
        (MULTI, None, True),
        (MULTI, "softmax", False),
        (MULTI, "sigmoid", True),
    ],
)
def test_probabilities_and_loss(keras, kind, ending, one_hot):
    task = make(kind, builder(ending), one_hot=one_hot, task_train=untrained)
    model, _, loser, _, output = run(task)
    features, backend = task.features["test"], KerasBackend()
    prediction, chances = backend.predict(task, model, features, output)
    raw = model.predict(features, verbose=0)
    if ending is None:
        raw = 1 / (1 + np.exp(-raw)) if kind is BINARY else np.exp(raw)
    if kind is BINARY:
        np.testing.assert_allclose(chances, raw, rtol=1e-5)
        assert chances.shape == (40, 1)
        assert prediction.tolist() == (raw[:, 0] >= 0.5).astype(int).tolist()
    else:
        np.testing.assert_allclose(chances, raw / raw.sum(1, keepdims=True), rtol=1e-5)
        np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-6)
        assert prediction.tolist() == raw.argmax(1).tolist()
    label = task.label["test"]
    found = KerasBackend().loss(task, model, loser, features, label)
    model.compile(loss=loser)
    assert found == pytest.approx(model.evaluate(features, label, verbose=0), rel=1e-5)
    if ending != "sigmoid" or kind is BINARY:  # of one sigmoid a class, Keras takes the softmax
        codes = task.decoder.ordinal(label)
        both = np.hstack([1 - chances, chances]) if kind is BINARY else chances
        assert found == pytest.approx(-np.log(both[np.arange(40), codes]).mean(), rel=1e-4)


def test_prediction_of_chunks_equals_model_predict(keras, monkeypatch):
    from aiqc.training import keras_forward

    task = make(REGRESSION, builder(None, lambda k: k.Dropout(0.5)), task_train=untrained)
    model, *_ = run(task)
    features = task.features["train"]
    expected = model.predict(features, verbose=0)
    assert np.array_equal(keras_forward.forward(model, features), expected)
    loser = keras.losses.MeanSquaredError()
    label = task.label["train"]
    whole = keras_forward.mean_loss(model, loser, features, label)
    assert whole == pytest.approx(((expected - label) ** 2).mean(), rel=1e-5)
    monkeypatch.setattr(keras_forward, "CHUNK_ROWS", 7)
    np.testing.assert_allclose(keras_forward.forward(model, features), expected, rtol=1e-6)
    chunks = keras_forward.mean_loss(model, loser, features, label)
    assert chunks == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("loser", ["mse", "function", "unhashable"])
def test_forms_of_losses(keras, loser):
    from aiqc.training.keras_forward import mean_loss

    class Unhashable:
        __hash__ = None

        def __call__(self, true, predicted):
            return keras.ops.mean(keras.ops.square(true - predicted))

    kinds = {"mse": "mse", "function": keras.losses.mean_squared_error, "unhashable": Unhashable()}
    task = make(REGRESSION, builder(), task_train=untrained)
    model, *_ = run(task)
    features, label = task.features["test"], task.label["test"]
    expected = ((model.predict(features, verbose=0) - label) ** 2).mean()
    assert mean_loss(model, kinds[loser], features, label) == pytest.approx(expected, rel=1e-5)


def test_two_losses_of_one_model_are_told_apart(keras):
    from aiqc.training.keras_forward import mean_loss

    model = builder()((4,), (1,))
    features, label = np.ones((5, 4), "float32"), np.full((5, 1), 100.0, "float32")
    kinds = [keras.losses.MeanSquaredError, keras.losses.MeanAbsoluteError] * 3
    results = [round(mean_loss(model, kind(), features, label), 3) for kind in kinds]
    assert len(set(results)) == 2
    assert results[0] == pytest.approx(results[1] ** 2, rel=1e-3)


def test_graphs_do_not_keep_models():
    from aiqc.training import keras_forward

    model = builder()((4,), (1,))
    keras_forward.forward(model, np.zeros((3, 4), "float32"))
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def unbuilt(features_shape, label_shape, **hp):
    from keras import Sequential, layers

    return Sequential([layers.Dense(8), layers.Dropout(0.4), layers.Dense(1)])


def subclassed(features_shape, label_shape, **hp):
    import keras

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(8)
            self.drop = keras.layers.Dropout(0.4)
            self.last = keras.layers.Dense(1)

        def call(self, features, training=False):
            return self.last(self.drop(self.first(features), training=training))

    return Own()


def normalised(features_shape, label_shape, **hp):
    from keras import Input, Model, layers

    inputs = Input(features_shape)
    hidden = layers.BatchNormalization()(layers.Dense(8)(layers.GaussianNoise(0.1)(inputs)))
    return Model(inputs, layers.Dense(1)(layers.Dropout(0.4)(hidden)))


def go_on(task, model, optimizer, loser):
    """Return all variables after two more epochs, from a fixed seed."""
    import keras

    keras.utils.set_random_seed(5)
    if not model.compiled:
        model.compile(optimizer=optimizer, loss=loser)
    features, label = task.features["train"], task.label["train"]
    model.fit(features, label, epochs=2, batch_size=30, verbose=0)
    return [keras.ops.convert_to_numpy(variable) for variable in model.variables]


@pytest.mark.parametrize("build", [unbuilt, subclassed, normalised])
def test_rebuilt_model_trains_on_as_if_never_stored(keras, build):
    task = make(REGRESSION, build)
    model, optimizer, loser, history, _ = run(task)
    assert history["loss"].shape == (3,)
    backend = KerasBackend()
    stored = backend.export(task, model, optimizer)
    assert (stored.form, stored.note) == (ModelForm.WEIGHTS, "")
    assert len(stored.optimizer) > len(stored.model)
    state = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    rebuilt, rebuilt_optimizer = backend.rebuild(replace(task, features={}, label={}), stored)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state  # noqa: NPY002
    assert rebuilt.compiled
    assert rebuilt.optimizer is rebuilt_optimizer
    expected, found = go_on(task, model, optimizer, loser), go_on(task, rebuilt, None, None)
    assert len(expected) == len(found)
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_overhead_beyond_the_arrays(keras):
    task = make(REGRESSION, normalised)
    model, optimizer, *_ = run(task)
    stored = KerasBackend().export(task, model, optimizer)
    variables = [*model.variables, *optimizer.variables]
    raw = sum(keras.ops.convert_to_numpy(variable).nbytes for variable in variables)
    assert 0 < len(stored.model) + len(stored.optimizer) - raw <= 6 * 1024


def test_another_model_than_fn_build_makes_is_kept_opaque(keras):
    def new_head(model, loser, optimizer, *arguments, **hp):
        return keras.Sequential([*model.layers, keras.layers.Dense(1)])

    task = make(REGRESSION, builder(), task_train=new_head)
    model, optimizer, *_ = run(task)
    stored = KerasBackend().export(task, model, optimizer)
    assert stored.form is ModelForm.OPAQUE
    assert "5 layers where fn_build makes 4" in stored.note
    rebuilt, _ = KerasBackend().rebuild(task, stored)
    features = task.features["test"]
    expected = model.predict(features, verbose=0)
    assert np.array_equal(rebuilt.predict(features, verbose=0), expected)


@pytest.mark.parametrize(
    ("kind", "build", "changes", "error", "pattern"),
    [
        (MULTI, builder(None, lambda k: k.Dense(4)), {}, Incompatible, r"\(4,\) a .* \(3,\)"),
        (BINARY, lambda features, label, **hp: 3, {}, InvalidFunction, "fn_build returned int"),
        (BINARY, builder(), {"lose": lambda **hp: 3}, InvalidFunction, "fn_lose returned int"),
        (BINARY, builder(), {"optimize": lambda **hp: 3}, InvalidFunction, "fn_optimize returned"),
    ],
)
def test_bad_functions(keras, kind, build, changes, error, pattern):
    with pytest.raises(error, match=pattern):
        run(make(kind, build, **changes))


def test_metric_cutoff_stops_after_the_first_epoch_that_holds(keras):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    x = np.linspace(-1, 1, 50).reshape(-1, 1)
    cutoffs = [
        {"metric": "val_loss", "cutoff": 0.05, "above_or_below": "below"},
        {"metric": "mae", "cutoff": 0.3, "above_or_below": "below"},
    ]
    stop = TrainingCallback.MetricCutoff(cutoffs)
    history = model.fit(
        *(x, 3 * x), epochs=200, validation_data=(x, 3 * x), callbacks=[stop], verbose=0
    ).history
    held = (np.array(history["val_loss"]) <= 0.05) & (np.array(history["mae"]) <= 0.3)
    assert 1 < len(held) < 200
    assert held.tolist() == [False] * (len(held) - 1) + [True]

    unknown = [{"metric": "acc", "cutoff": 0.3, "above_or_below": "above"}]
    with pytest.raises(InvalidInput, match=r"'acc'.*Known metrics: loss, mae"):
        model.fit(x, 3 * x, callbacks=[TrainingCallback.MetricCutoff(unknown)], verbose=0)


def outcome_digest():
    """Return a hash of the stored variables of a run with dropout and batch norm."""
    outcome = train_task(make(REGRESSION, normalised))
    data = (outcome.model.model or b"") + (outcome.model.optimizer or b"")
    return hashlib.sha256(data).hexdigest()


def test_another_process_gives_equal_bits(keras):
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "import test_keras_backend as tests; print(tests.outcome_digest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    keras.utils.set_random_seed(99)
    assert ran.stdout.split()[-1] == outcome_digest()


def test_other_keras_backends():
    """The same protocol on KERAS_BACKEND=torch, in a process of its own."""
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "import keras, test_keras_backend as tests\n"
        "from aiqc.training.task import rebuild_task, train_task\n"
        "assert keras.backend.backend() == 'torch'\n"
        "task = tests.make(tests.BINARY, tests.builder(), hyperparameters={'epochs': 30})\n"
        "outcome = train_task(task)\n"
        "model, _ = rebuild_task(task, outcome.model)\n"
        "chances = tests.KerasBackend().predict("
        "task, model, task.features['test'], outcome.model.output)[1]\n"
        "assert (chances == outcome.probabilities['test']).all()\n"
        "print(outcome.model.form, outcome.metrics['train']['accuracy'] > 0.8)"
    )
    pytest.importorskip("torch")
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "torch"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split()[-2:] == ["weights", "True"]
