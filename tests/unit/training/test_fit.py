"""`utils.pytorch.fit` learns, keeps rows together and leaves no trace of evaluation."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

from aiqc.core.errors import Incompatible, InvalidData, InvalidInput, ResultWarning
from aiqc.training.fit import metric_name
from aiqc.utils.pytorch import fit

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
nn = torch.nn


def line(rows=400):
    """Return x and y = 3x + 1."""
    x = torch.linspace(-1, 1, rows).reshape(-1, 1)
    return x, 3 * x + 1


def linear(seed=0, inputs=1, outputs=1):
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs)


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def iris():
    from sklearn.datasets import load_iris
    from sklearn.preprocessing import StandardScaler

    features, label = load_iris(return_X_y=True)
    scaled = StandardScaler().fit_transform(features).astype("float32")
    return torch.from_numpy(scaled), torch.from_numpy(label)


class Recorder(nn.Module):
    """Notes every training batch; its one weight does not matter."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.batches = []

    def forward(self, features):
        if self.training:
            self.batches.append(features.reshape(-1).tolist())
        return features * (1 + 0 * self.weight)


def test_learns_a_line():
    x, y = line()
    model = linear()
    returned, history = fit(model, nn.MSELoss(), sgd(model), x, y, epochs=20, batch_size=5)
    assert returned is model
    assert model.weight.item() == pytest.approx(3, abs=0.1)
    assert model.bias.item() == pytest.approx(1, abs=0.1)
    assert 1 - ((model(x) - y) ** 2).sum() / ((y - y.mean()) ** 2).sum() > 0.99
    assert list(history) == ["loss"]
    assert history["loss"].shape == (20,)
    assert history["loss"].dtype == np.float64
    assert history["loss"][-1] == pytest.approx(((model(x) - y) ** 2).mean().item(), rel=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_learns_iris(seed):
    features, label = iris()
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adamax(model.parameters(), lr=0.01)
    fit(model, nn.CrossEntropyLoss(), optimizer, features, label, epochs=15)
    assert (model(features).argmax(1) == label).float().mean() > 0.9


def test_features_and_label_stay_together():
    # Unordered features whose label is a function of the row alone: misaligned rows cannot fit.
    rng = torch.Generator().manual_seed(0)
    features = torch.eye(40)[torch.randperm(40, generator=rng)]
    label = torch.rand(40, 1, generator=rng)
    model = linear(inputs=40)
    _, history = fit(
        model, nn.MSELoss(), sgd(model, 0.5), features, label, epochs=80, batch_size=4
    )
    assert history["loss"][-1] < 1e-4
    assert torch.allclose(model(features), label, atol=0.03)


def test_several_features_stay_together():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, first, second):
            return self.linear(torch.cat([first, second], 1))

    rng = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 200, 1, generator=rng)
    torch.manual_seed(0)
    model = Sum()
    label = 2 * first - second
    fit(model, nn.MSELoss(), sgd(model), [first, second], label, [first, second], label)
    assert torch.allclose(model.linear.weight, torch.tensor([[2.0, -1.0]]), atol=0.1)


def test_several_features_reach_a_forward_of_one_list():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, features):
            return self.linear(torch.cat(features, 1))

    model = Sum()
    features = [torch.rand(20, 1), torch.rand(20, 1)]
    _, history = fit(model, nn.MSELoss(), sgd(model), features, torch.rand(20, 1), epochs=1)
    assert history["loss"].shape == (1,)


def test_every_epoch_has_another_order_and_every_row_once():
    x = torch.arange(12.0).reshape(-1, 1)
    model = Recorder()
    fit(model, nn.MSELoss(), sgd(model), x, x.clone(), epochs=3, batch_size=4)
    epochs = [[row for batch in model.batches[i : i + 3] for row in batch] for i in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(12))] * 3
    assert epochs[0] != epochs[1] != epochs[2] != list(range(12))


def test_torch_seed_decides():
    x, y = line(50)
    weights = []
    for seed in (1, 1, 2):
        model = linear(0)
        torch.manual_seed(seed)
        fit(model, nn.MSELoss(), sgd(model, 0.01), x, y, epochs=2)
        weights.append(model.weight.item())
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize(
    ("rows", "options", "sizes"),
    [
        pytest.param(11, {"batch_size": 5}, [5, 5], id="the short last one is dropped"),
        pytest.param(
            12, {"batch_size": 5, "enforce_sameSize": False}, [5, 5, 2], id="or kept on demand"
        ),
        pytest.param(
            11, {"batch_size": 5, "enforce_sameSize": False}, [5, 5], id="but not of one row"
        ),
        pytest.param(
            11,
            {"batch_size": 5, "enforce_sameSize": False, "allow_singleSample": True},
            [5, 5, 1],
            id="unless single rows are allowed",
        ),
        pytest.param(3, {"batch_size": 1, "allow_singleSample": True}, [1, 1, 1], id="batch of 1"),
        pytest.param(10, {}, [5, 5], id="five by default"),
    ],
)
def test_batch_sizes(rows, options, sizes):
    x = torch.arange(float(rows)).reshape(-1, 1)
    model = Recorder()
    fit(model, nn.MSELoss(), sgd(model), x, x.clone(), epochs=1, **options)
    assert [len(batch) for batch in model.batches] == sizes


def test_batch_above_the_rows_is_one_batch_with_a_warning():
    x = torch.arange(7.0).reshape(-1, 1)
    model = Recorder()
    with pytest.warns(ResultWarning, match="batch_size=50 is above the 7 training samples"):
        fit(model, nn.MSELoss(), sgd(model), x, x.clone(), epochs=2, batch_size=50)
    assert [sorted(batch) for batch in model.batches] == [list(range(7))] * 2


@pytest.mark.parametrize(
    ("arguments", "error", "pattern"),
    [
        ({"batch_size": 0}, InvalidInput, "batch_size=0 is below 1.*at least one"),
        ({"epochs": 0}, InvalidInput, "epochs=0 is below 1.*at least one"),
        ({"batch_size": 1}, InvalidInput, "Batches of 1 of 10.*allow_singleSample=True"),
        ({"train_label": torch.zeros(9, 1)}, InvalidData, r"train_.*\[10, 9\] samples.*as many"),
        ({"eval_features": torch.zeros(3, 1)}, InvalidInput, "Only one of eval_.*Give both"),
        ({"metrics": [nn.Linear]}, InvalidInput, "Linear.*no torchmetrics instance"),
        ({"train_label": torch.zeros(10, 3)}, Incompatible, r"\(5, 1\) for labels of .*\(5, 3\)"),
        ({"loser": nn.CrossEntropyLoss()}, Incompatible, "one output a class.*BCEWithLogitsLoss"),
        ({"loser": nn.BCELoss()}, Incompatible, r"outside \[0, 1\].*Sigmoid\(\).*BCEWithLogits"),
    ],
)
def test_bad_input_is_named(arguments, error, pattern):
    model = linear()
    nn.init.constant_(model.bias, 7)
    given = {
        "model": model,
        "loser": nn.MSELoss(),
        "optimizer": sgd(model),
        "train_features": torch.rand(10, 1),
        "train_label": torch.rand(10, 1),
    }
    with pytest.raises(error, match=pattern):
        fit(**(given | arguments))


def test_evaluation_leaves_batch_norm_alone():
    torch.manual_seed(0)
    train, evaluation = torch.randn(40, 3), torch.randn(40, 3) * 100 + 1000
    label = torch.rand(40, 1)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    alone, optimizer = copy.deepcopy(model), None
    for network, extra in ((model, (evaluation, label)), (alone, (None, None))):
        optimizer = sgd(network, 0.0)
        torch.manual_seed(1)
        fit(network, nn.MSELoss(), optimizer, train, label, *extra, epochs=3, batch_size=8)
    assert torch.equal(model[0].running_mean, alone[0].running_mean)
    assert torch.equal(model[0].running_var, alone[0].running_var)
    assert model[0].num_batches_tracked.item() == 15  # 3 epochs of 5 batches, nothing else


def test_epoch_loss_is_computed_in_eval_mode():
    torch.manual_seed(0)
    features, label = torch.randn(40, 4), torch.rand(40, 1)
    model = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(4), nn.Linear(4, 1))
    _, history = fit(
        *(model, nn.MSELoss(), sgd(model, 0.0), features, label, features[:9], label[:9]),
        epochs=1,
        batch_size=8,
    )
    assert all(module.training for module in model.modules())
    model.eval()
    for name, rows in (("loss", 40), ("val_loss", 9)):
        expected = nn.MSELoss()(model(features[:rows]), label[:rows]).item()
        assert history[name].tolist() == [pytest.approx(expected, rel=1e-6)]


def test_a_frozen_layer_stays_frozen():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))
    model[0].eval()
    before = model[0].running_mean.clone()
    fit(model, nn.MSELoss(), sgd(model), torch.rand(20, 2), torch.rand(20, 1), epochs=2)
    assert torch.equal(model[0].running_mean, before)
    assert [module.training for module in model.modules()] == [True, False, True]


@pytest.mark.parametrize("flat", ["output", "label"])
def test_one_column_and_none_are_aligned_not_broadcast(flat):
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 1)

        def forward(self, features):
            return self.linear(features).reshape(-1)

    x, y = line(60)
    torch.manual_seed(0)
    model = Flat() if flat == "output" else nn.Linear(1, 1)
    label = y if flat == "output" else y.reshape(-1)
    _, history = fit(model, nn.MSELoss(), sgd(model), x, label, x, label, epochs=20)
    # Broadcast to (5, 5) the best fit would be the mean, with a loss of the label's variance.
    assert history["val_loss"][-1] < 0.01 < float(y.var())


@pytest.mark.parametrize(
    ("loser", "label_of"),
    [
        (nn.CrossEntropyLoss(), lambda codes: codes),
        (nn.CrossEntropyLoss(), lambda codes: codes.reshape(-1, 1)),
        (nn.CrossEntropyLoss(), lambda codes: codes.reshape(-1, 1).float()),
        (nn.CrossEntropyLoss(), lambda codes: nn.functional.one_hot(codes).float()),
        (nn.CrossEntropyLoss(), lambda codes: nn.functional.one_hot(codes)),
        (nn.functional.cross_entropy, lambda codes: codes),
        (nn.MultiMarginLoss(), lambda codes: nn.functional.one_hot(codes)),
    ],
)
def test_codings_of_classes(loser, label_of):
    features, codes = iris()
    model = linear(inputs=4, outputs=3)
    optimizer = torch.optim.Adamax(model.parameters(), lr=0.05)
    _, history = fit(model, loser, optimizer, features, label_of(codes), epochs=10, batch_size=10)
    assert history["loss"][-1] == pytest.approx(loser(model(features), codes).item(), rel=1e-5)
    assert (model(features).argmax(1) == codes).float().mean() > 0.85


def test_whole_number_labels_of_a_binary_loss():
    x = torch.randn(40, 1)
    model = linear()
    label = (x > 0).long()
    _, history = fit(model, nn.BCEWithLogitsLoss(), sgd(model, 1.0), x, label, epochs=10)
    assert history["loss"][-1] < 0.3


def test_nan_loss_is_a_value():
    x, y = line(20)
    x[3] = math.nan
    model = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    _, history = fit(model, nn.BCELoss(), sgd(model), x, (y > 0).float(), epochs=2)
    assert np.isnan(history["loss"]).all()


def test_metrics_equal_scikit_learn_and_are_reset():
    torchmetrics = pytest.importorskip("torchmetrics")
    from sklearn.metrics import accuracy_score

    features, codes = iris()
    model = linear(inputs=4, outputs=3)
    given = torchmetrics.Accuracy(task="multiclass", num_classes=3)
    _, history = fit(
        *(model, nn.CrossEntropyLoss(), sgd(model, 0.0), features, codes),
        *(features[:60], codes[:60]),
        epochs=3,
        metrics=[given],
    )
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    predicted = model(features).argmax(1)
    # The weights do not move: any sample of another epoch or split would change the value.
    for name, rows in (("accuracy", 150), ("val_accuracy", 60)):
        expected = accuracy_score(codes[:rows], predicted[:rows])
        np.testing.assert_allclose(history[name], [expected] * 3, rtol=1e-6)
    assert given.update_count == 0


def test_metrics_of_columns_and_one_hot_labels():
    torchmetrics = pytest.importorskip("torchmetrics")
    from sklearn.metrics import r2_score, roc_auc_score

    x, y = line(50)
    y = y + torch.randn(50, 1, generator=torch.Generator().manual_seed(0))
    model = linear()
    _, history = fit(
        *(model, nn.MSELoss(), sgd(model), x, y),
        epochs=2,
        metrics=[torchmetrics.R2Score(), torchmetrics.MeanSquaredError()],
    )
    assert history["r2_score"][-1] == pytest.approx(r2_score(y, model(x).detach()), rel=1e-4)
    assert history["mean_squared_error"][-1] == pytest.approx(history["loss"][-1], rel=1e-5)

    label = (y > 1).float()
    _, history = fit(
        *(model, nn.BCEWithLogitsLoss(), sgd(model), x, label),
        epochs=1,
        metrics=[torchmetrics.AUROC(task="binary"), torchmetrics.Accuracy(task="binary")],
    )
    assert history["auroc"][0] == pytest.approx(roc_auc_score(label, model(x).detach()), rel=1e-5)
    assert history["accuracy"][0] == ((model(x) > 0) == label).float().mean()

    features, codes = iris()
    model = linear(inputs=4, outputs=3)
    one_hot = nn.functional.one_hot(codes).float()
    accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=3, average="micro")
    _, history = fit(
        *(model, nn.CrossEntropyLoss(), sgd(model), features, one_hot),
        epochs=1,
        metrics=[accuracy, accuracy],
    )
    expected = (model(features).argmax(1) == codes).float().mean()
    assert history["accuracy"].tolist() == [pytest.approx(expected.item())]
    assert history["accuracy_2"].tolist() == history["accuracy"].tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Accuracy", "accuracy"), ("MulticlassF1Score", "f1_score"), ("BinaryAUROC", "auroc")],
)
def test_metric_names(name, expected):
    assert metric_name(name) == expected


def test_long_splits_are_evaluated_in_chunks(monkeypatch):
    from aiqc.training import pytorch_arrays

    x, y = line(50)
    model = linear()
    _, whole = fit(model, nn.MSELoss(), sgd(model, 0.0), x, y, epochs=1)
    monkeypatch.setattr(pytorch_arrays, "CHUNK_ROWS", 7)
    _, chunks = fit(model, nn.MSELoss(), sgd(model, 0.0), x, y, epochs=1)
    assert chunks["loss"][0] == pytest.approx(whole["loss"][0], rel=1e-6)
