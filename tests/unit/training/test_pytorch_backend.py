"""The PyTorch backend: defaults by output, probabilities, storing and going on training."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_tasks import make_task

from aiqc.core.enums import AnalysisType, Library, ModelForm, Output
from aiqc.core.errors import Incompatible, InvalidFunction, ResultWarning
from aiqc.core.types import Functions
from aiqc.training.arrays import compute_task
from aiqc.training.pytorch import PyTorchBackend
from aiqc.training.task import rebuild_task, train_task
from aiqc.utils.pytorch import fit

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
nn = torch.nn

BINARY, MULTI, REGRESSION = AnalysisType.BINARY, AnalysisType.MULTI, AnalysisType.REGRESSION


def train(model, loser, optimizer, *arrays, **hp):
    return fit(model, loser, optimizer, *arrays, epochs=hp.get("epochs", 8), batch_size=10)


def builder(*ending, inputs=4):
    """Return an fn_build of a small network that ends in the given layers."""

    def build(features_shape, label_shape, **hp):
        return nn.Sequential(
            nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, label_shape[0]), *ending
        )

    return build


def make(kind, build, *, task_train=train, lose=None, optimize=None, predict=None, **changes):
    """Return a task with its arrays as the backend computes with them."""
    functions = Functions(build, task_train, predict, lose, optimize)
    task = make_task(Library.PYTORCH, kind, functions, **changes)
    return compute_task(task, PyTorchBackend())


def run(task):
    """Return what `train` gives, seeded as a run is."""
    backend = PyTorchBackend()
    backend.seed(task.seed, 1)
    return backend.train(task)


@pytest.mark.parametrize(
    ("kind", "ending", "one_hot", "loss", "output"),
    [
        (BINARY, [], False, "BCEWithLogitsLoss", Output.LOGIT),
        (BINARY, [nn.Sigmoid()], False, "BCELoss", Output.PROBABILITY),
        (MULTI, [], False, "CrossEntropyLoss", Output.LOGIT),
        (MULTI, [], True, "CrossEntropyLoss", Output.LOGIT),
        (MULTI, [nn.LogSoftmax(1)], False, "CrossEntropyLoss", Output.LOGIT),
        (MULTI, [nn.Softmax(1)], False, "ProbabilityCrossEntropyLoss", Output.PROBABILITY),
        (MULTI, [nn.Softmax(1)], True, "ProbabilityCrossEntropyLoss", Output.PROBABILITY),
        (REGRESSION, [], False, "L1Loss", None),
    ],
)
def test_defaults(kind, ending, one_hot, loss, output):
    task = make(kind, builder(*ending), one_hot=one_hot, hyperparameters={"epochs": 1})
    _, optimizer, loser, _, found = run(task)
    assert (type(loser).__name__, found) == (loss, output)
    assert isinstance(optimizer, torch.optim.Adamax)
    assert optimizer.param_groups[0]["lr"] == 0.01


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("ending", [[], [nn.Softmax(1)], [nn.LogSoftmax(1)], [nn.Sigmoid()]])
def test_multi_class_probabilities_sum_to_one_and_are_the_models(ending, one_hot):
    task = make(MULTI, builder(*ending), one_hot=one_hot, hyperparameters={"epochs": 20})
    model, _, loser, _, output = run(task)
    features = task.features["test"]
    prediction, chances = PyTorchBackend().predict(task, model, features, output)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-6)
    with torch.no_grad():
        logits = model[:3](torch.from_numpy(features))
        raw = logits.sigmoid() if ending and isinstance(ending[0], nn.Sigmoid) else logits.exp()
    np.testing.assert_allclose(chances, raw / raw.sum(1, keepdim=True), rtol=1e-4)
    assert prediction.tolist() == raw.argmax(1).tolist()
    codes = task.decoder.ordinal(task.label["test"])
    assert (prediction == codes).mean() > 0.8
    # The loss is the cross-entropy of just these probabilities, whatever the model ends in.
    expected = -np.log(chances[np.arange(40), codes]).mean()
    found = PyTorchBackend().loss(task, model, loser, features, task.label["test"])
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("ending", [[], [nn.Sigmoid()], [nn.Sigmoid(), nn.Flatten(0)]])
def test_binary_probability_is_of_the_positive_class(ending):
    task = make(BINARY, builder(*ending), hyperparameters={"epochs": 20})
    model, _, _, _, output = run(task)
    features = task.features["test"]
    prediction, chances = PyTorchBackend().predict(task, model, features, output)
    assert chances.shape == (40, 1)
    with torch.no_grad():
        expected = torch.sigmoid(model[:3](torch.from_numpy(features)))
    np.testing.assert_allclose(chances, expected, rtol=1e-5)
    assert prediction.tolist() == (expected[:, 0] >= 0.5).long().tolist()
    assert (prediction == task.label["test"][:, 0]).mean() > 0.8


@pytest.mark.parametrize(
    ("kind", "one_hot", "shape", "dtype"),
    [
        (BINARY, False, (120, 1), torch.float32),
        (MULTI, False, (120,), torch.int64),
        (MULTI, True, (120, 3), torch.float32),
        (REGRESSION, False, (120, 1), torch.float32),
    ],
)
def test_tensors_that_reach_fn_train(kind, one_hot, shape, dtype):
    seen = []

    def note(model, loser, optimizer, *arrays, **hp):
        seen.extend(arrays)
        return model

    run(make(kind, builder(), task_train=note, one_hot=one_hot))
    features, label, eval_features, eval_label = seen
    assert (features.shape, features.dtype) == ((120, 4), torch.float32)
    assert (tuple(label.shape), label.dtype) == (shape, dtype)
    assert len(eval_features) == len(eval_label) == 40
    assert eval_label.dtype == dtype


def test_read_only_arrays_give_no_warning_and_stay():
    task = make(REGRESSION, builder())
    for values in (*task.features.values(), *task.label.values()):
        values.flags.writeable = False
    before = task.features["train"].copy()

    def spoil(model, loser, optimizer, features, *rest, **hp):
        features.zero_()
        return model

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(replace(task, functions=replace(task.functions, train=spoil)))
    assert np.array_equal(task.features["train"], before)


@pytest.mark.parametrize(
    "optimize",
    [
        lambda model, **hp: torch.optim.SGD(model.parameters(), lr=hp["rate"]),
        lambda network, rate, **hp: torch.optim.SGD(network.parameters(), lr=rate),
        lambda **hp: lambda parameters: torch.optim.SGD(parameters, lr=hp["rate"]),
    ],
)
def test_forms_of_fn_optimize(optimize):
    task = make(REGRESSION, builder(), optimize=optimize, hyperparameters={"rate": 0.03})
    model, optimizer, *_ = run(task)
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.param_groups[0]["lr"] == 0.03
    assert list(model.parameters()) == optimizer.param_groups[0]["params"]


@pytest.mark.parametrize(
    ("kind", "ending", "lose", "second"),
    [
        (MULTI, [nn.Softmax(1)], nn.CrossEntropyLoss, "softmax"),
        (BINARY, [nn.Sigmoid()], nn.BCEWithLogitsLoss, "sigmoid"),
        (MULTI, [], nn.CrossEntropyLoss, None),
        (MULTI, [nn.LogSoftmax(1)], nn.CrossEntropyLoss, None),
        (MULTI, [nn.LogSoftmax(1)], nn.NLLLoss, None),
        (BINARY, [nn.Sigmoid()], nn.BCELoss, None),
        (BINARY, [], nn.BCEWithLogitsLoss, None),
    ],
)
def test_a_second_softmax_is_told(kind, ending, lose, second):
    """On probabilities of three classes no loss below log(1 + 2 / e) can be reached."""
    task = make(kind, builder(*ending), lose=lambda **hp: lose())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        run(task)
    words = [str(one.message) for one in told if one.category is ResultWarning]
    if second is None:
        assert words == []
    else:
        assert len(words) == 1
        assert f"{lose.__name__} applies a {second} of its own" in words[0]


@pytest.mark.parametrize(
    ("kind", "build", "changes", "error", "pattern"),
    [
        (BINARY, builder(), {"lose": lambda **hp: nn.BCELoss()}, Incompatible, "Sigmoid.*WithLog"),
        (MULTI, builder(nn.Linear(3, 4)), {}, Incompatible, r"\(4,\) a sample; .* \(3,\)"),
        (REGRESSION, builder(nn.Linear(1, 2)), {}, Incompatible, r"\(2,\) a sample; .* \(1,\)"),
        (
            BINARY,
            lambda features, label, **hp: nn.Linear,
            {},
            InvalidFunction,
            "fn_build returned type",
        ),
        (BINARY, builder(), {"lose": lambda **hp: nn.BCELoss}, InvalidFunction, "fn_lose return"),
        (BINARY, builder(), {"optimize": lambda **hp: 3}, InvalidFunction, "fn_optimize returned"),
        (
            REGRESSION,
            lambda features, label, **hp: nn.LSTM(4, 1, batch_first=True),
            {},
            InvalidFunction,
            "returned tuple instead of one tensor.*fn_predict",
        ),
    ],
)
def test_bad_functions(kind, build, changes, error, pattern):
    with pytest.raises(error, match=pattern):
        run(make(kind, build, **changes))


def test_loss_and_predictions_do_not_move_batch_norm_or_modes():
    task = make(BINARY, builder(nn.BatchNorm1d(1), nn.Dropout(0.5)))
    model, _, loser, _, output = run(task)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    backend = PyTorchBackend()
    first = backend.predict(task, model, task.features["test"], output)[1]
    second = backend.predict(task, model, task.features["test"], output)[1]
    backend.loss(task, model, loser, task.features["test"], task.label["test"])
    assert np.array_equal(first, second)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_of_many_chunks_is_that_of_the_split(monkeypatch, reduction):
    from aiqc.training import pytorch_arrays

    task = make(REGRESSION, builder(), lose=lambda **hp: nn.MSELoss(reduction=reduction))
    model, _, loser, _, _ = run(task)
    arguments = (task, model, loser, task.features["train"], task.label["train"])
    whole = PyTorchBackend().loss(*arguments)
    monkeypatch.setattr(pytorch_arrays, "CHUNK_ROWS", 7)
    assert PyTorchBackend().loss(*arguments) == pytest.approx(whole, rel=1e-6)
    with torch.no_grad():
        outputs = model(torch.from_numpy(task.features["train"])).numpy()
    squares = (outputs - task.label["train"]) ** 2
    assert whole == pytest.approx(getattr(squares, reduction)(), rel=1e-5)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.last = nn.Linear(4, 1)

    def forward(self, features):
        return self.last(self.second(torch.relu(self.first(features))))


def batch_norm(features_shape, label_shape, **hp):
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1)
    )


MODELS = {
    "dense": builder(),
    "batch norm": batch_norm,
    "tied": lambda features_shape, label_shape, **hp: Tied(),
    "lazy": lambda features_shape, label_shape, **hp: nn.Sequential(
        nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.Linear(8, 1)
    ),
    "bfloat16 part": lambda features_shape, label_shape, **hp: nn.Sequential(
        nn.Linear(4, 8), Half(), nn.Linear(8, 1)
    ),
}
OPTIMIZERS = {
    "Adamax": None,
    "AdamW": lambda model, **hp: torch.optim.AdamW(model.parameters(), amsgrad=True),
    "SGD": lambda model, **hp: torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9),
    "tensor rate": lambda model, **hp: torch.optim.Adam(
        model.parameters(), lr=torch.tensor(0.01), betas=(0.8, 0.99)
    ),
    "groups": lambda model, **hp: torch.optim.Adam(
        [{"params": [p], "lr": 0.01 * (i + 1)} for i, p in enumerate(model.parameters())]
    ),
    "per tensor state": lambda model, **hp: torch.optim.Rprop(model.parameters()),
}


class Half(nn.Module):
    """Computes in bfloat16, which numpy has no type for."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8).bfloat16()

    def forward(self, features):
        return self.linear(features.bfloat16()).float()


def go_on(task, model, optimizer):
    """Return the weights after two more epochs, from a fixed seed."""
    torch.manual_seed(5)
    features = torch.from_numpy(task.features["train"])
    label = torch.from_numpy(np.float32(task.label["train"]))
    fit(model, nn.L1Loss(), optimizer, features, label, epochs=2, batch_size=10)
    return list(model.state_dict().values())


@pytest.mark.parametrize("optimizer_name", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_rebuilt_model_trains_on_as_if_never_stored(name, optimizer_name):
    task = make(
        REGRESSION,
        MODELS[name],
        optimize=OPTIMIZERS[optimizer_name],
        hyperparameters={"epochs": 2},
    )
    model, optimizer, *_ = run(task)
    backend = PyTorchBackend()
    stored = backend.export(task, model, optimizer)
    assert (stored.form, stored.note) == (ModelForm.WEIGHTS, "")
    state = torch.get_rng_state()
    rebuilt, rebuilt_optimizer = backend.rebuild(replace(task, features={}, label={}), stored)
    assert torch.equal(torch.get_rng_state(), state)
    assert type(rebuilt_optimizer) is type(optimizer)
    for group, other in zip(optimizer.param_groups, rebuilt_optimizer.param_groups, strict=True):
        assert {k: v for k, v in group.items() if k != "params"} == {
            k: v for k, v in other.items() if k != "params"
        }
    expected, found = go_on(task, model, optimizer), go_on(task, rebuilt, rebuilt_optimizer)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_tied_weights_are_stored_once_and_stay_tied():
    task = make(REGRESSION, MODELS["tied"])
    model, optimizer, *_ = run(task)
    stored = PyTorchBackend().export(task, model, optimizer)
    rebuilt, _ = PyTorchBackend().rebuild(task, stored)
    assert rebuilt.first.weight is rebuilt.second.weight
    raw = sum(p.numel() * 4 for p in model.parameters())  # parameters() lists tied ones once
    assert raw < len(stored.model) < raw + 1500


def test_overhead_beyond_the_arrays():
    task = make(REGRESSION, batch_norm)
    model, optimizer, *_ = run(task)
    stored = PyTorchBackend().export(task, model, optimizer)
    arrays = [*model.state_dict().values()]
    for state in optimizer.state.values():
        arrays += [value for value in state.values() if isinstance(value, torch.Tensor)]
    raw = sum(array.numel() * array.element_size() for array in arrays)
    assert len(stored.model) + len(stored.optimizer) - raw <= 6 * 1024


class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, features):
        return self.inner(features)


class Unpicklable(Wrapped):
    def __getstate__(self):
        raise TypeError("holds a lock")


def new_head(model):
    model[2] = nn.Linear(8, 1, bias=False)
    return model


def other_activation(model):
    model[1] = nn.Tanh()
    return model


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Wrapped, "Wrapped"),
        (new_head, "2.bias|2.weight"),
        (other_activation, "Tanh '1' where fn_build makes ReLU '1'"),
        (lambda model: nn.Sequential(*model, nn.Identity()), "Identity '3'"),
    ],
)
def test_another_model_than_fn_build_makes_is_kept_opaque(change, reason):
    def swap(model, loser, optimizer, *arrays, **hp):
        return change(model)

    task = make(REGRESSION, builder(), task_train=swap)
    model, optimizer, *_ = run(task)
    stored = PyTorchBackend().export(task, model, optimizer)
    assert stored.form is ModelForm.OPAQUE
    assert any(words in stored.note for words in reason.split("|")), stored.note
    rebuilt, _ = PyTorchBackend().rebuild(task, stored)
    features = torch.from_numpy(task.features["test"])
    assert torch.equal(rebuilt(features), model(features))


def test_what_cannot_be_stored_is_named():
    def swap(model, loser, optimizer, *arrays, **hp):
        return Unpicklable(model)

    task = make(REGRESSION, builder(), task_train=swap)
    model, optimizer, *_ = run(task)
    stored = PyTorchBackend().export(task, model, optimizer)
    assert (stored.form, stored.model) == (ModelForm.MISSING, None)
    assert "Unpicklable" in stored.note


def test_a_build_that_does_not_repeat_itself_is_kept_opaque():
    factors = iter(range(1, 100))

    class Scaled(nn.Module):
        """Holds a number that is no part of its state."""

        def __init__(self, factor):
            super().__init__()
            self.linear, self.factor = nn.Linear(4, 1), factor

        def forward(self, features):
            return self.linear(features) * self.factor

    task = make(REGRESSION, lambda features, label, **hp: Scaled(next(factors)))
    model, optimizer, *_ = run(task)
    stored = PyTorchBackend().export(task, model, optimizer)
    assert stored.form is ModelForm.OPAQUE
    assert "Scaled, built again, differ" in stored.note


def test_constants_drawn_while_building_are_drawn_again():
    class Projected(nn.Module):
        def __init__(self):
            super().__init__()
            self.projection, self.linear = [torch.randn(4, 4)], nn.Linear(4, 1)

        def forward(self, features):
            return self.linear(features @ self.projection[0])

    task = make(REGRESSION, lambda features, label, **hp: Projected())
    model, optimizer, *_ = run(task)
    assert PyTorchBackend().export(task, model, optimizer).form is ModelForm.WEIGHTS


def test_compiled_models_are_stored_as_what_they_compile():
    def compiled(model, loser, optimizer, *arrays, **hp):
        return torch.compile(model, backend="eager")

    task = make(REGRESSION, builder(), task_train=compiled)
    model, optimizer, *_ = run(task)
    stored = PyTorchBackend().export(task, model, optimizer)
    assert (stored.form, stored.note) == (ModelForm.WEIGHTS, "")
    rebuilt, _ = PyTorchBackend().rebuild(task, stored)
    assert isinstance(rebuilt, nn.Sequential)
    features = torch.from_numpy(task.features["test"])
    assert torch.allclose(rebuilt(features), model(features), rtol=1e-4, atol=1e-6)


def test_own_predict_gets_tensors_in_eval_mode_and_its_tensors_become_arrays():
    seen = []

    def predict(model, features):
        seen.append((model.training, torch.is_grad_enabled(), features.dtype))
        chances = torch.sigmoid(model(features))
        return (chances > 0.5).long(), chances

    task = make(BINARY, builder(nn.Dropout(0.5)), predict=predict)
    model, _, _, _, output = run(task)
    found = PyTorchBackend().predict(task, model, task.features["test"], output)
    assert seen == [(False, False, torch.float32)]
    assert [type(values) for values in found] == [np.ndarray, np.ndarray]


def test_diverged_binary_model_has_a_nan_loss():
    task = make(BINARY, builder(nn.Sigmoid()))
    model, _, loser, _, _ = run(task)
    with torch.no_grad():
        model[0].weight.fill_(float("nan"))
    loss = PyTorchBackend().loss(task, model, loser, task.features["test"], task.label["test"])
    assert np.isnan(loss)


def outcome_digest():
    """Return a hash of the stored weights of a run with dropout, batch norm and shuffling."""
    outcome = train_task(make(REGRESSION, batch_norm))
    data = (outcome.model.model or b"") + (outcome.model.optimizer or b"")
    return hashlib.sha256(data).hexdigest()


def test_another_process_gives_equal_bits():
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "import test_pytorch_backend as tests; print(tests.outcome_digest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    torch.manual_seed(99)
    assert ran.stdout.strip() == outcome_digest()


def test_the_run_keeps_what_the_model_ends_in():
    task = make(BINARY, builder(nn.Sigmoid()))
    outcome = train_task(task)
    assert outcome.model.output is Output.PROBABILITY
    model, _ = rebuild_task(task, outcome.model)
    features = task.features["test"]
    _, chances = PyTorchBackend().predict(task, model, features, outcome.model.output)
    assert np.array_equal(chances, outcome.probabilities["test"])


@pytest.mark.gpu
def test_models_on_an_accelerator():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")

    def build(features_shape, label_shape, **hp):
        return batch_norm(features_shape, label_shape).cuda()

    outcome = train_task(make(BINARY, build))
    assert outcome.model.form is ModelForm.WEIGHTS
    assert outcome.metrics["train"]["accuracy"] > 0.8
