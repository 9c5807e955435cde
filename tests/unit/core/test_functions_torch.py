"""A PyTorch notebook: device and dtype globals, a module class, `no_grad`, aliases."""

from __future__ import annotations

import linecache

import pytest

from aiqc.core.functions import bundle_function, load_function

pytestmark = pytest.mark.torch

NOTEBOOK = """\
import torch
import torch.nn.functional as F
from torch import nn, optim

device = torch.device("cpu")
KIND = torch.float64


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dense = nn.Linear(3, width)

    def forward(self, x):
        return F.relu(self.dense(x))


def fn_build(features_shape, label_shape, **hp):
    return Net(hp["width"]).to(device, KIND)


def fn_optimize(model, **hp):
    return optim.Adam(model.parameters(), lr=hp["lr"])


@torch.no_grad()
def fn_predict(model, features):
    return model(torch.as_tensor(features, dtype=KIND)).numpy()
"""


def test_pytorch_functions():
    lines = NOTEBOOK.splitlines(keepends=True)
    linecache.cache["<torch cell>"] = (len(NOTEBOOK), None, lines, "<torch cell>")
    space = {"__name__": "__main__", "_ih": [NOTEBOOK]}
    exec(compile(NOTEBOOK, "<torch cell>", "exec", dont_inherit=True), space)
    names = ("fn_build", "fn_optimize", "fn_predict")
    bundles = {name: bundle_function(space[name], name) for name in names}
    assert [bundle.reason for bundle in bundles.values()] == ["", "", ""]
    assert bundles["fn_build"].source == (
        "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
        "KIND = torch.float64\ndevice = torch.device('cpu')\n\n\n"
        + NOTEBOOK[NOTEBOOK.index("class Net") : NOTEBOOK.index("def fn_optimize")].rstrip()
        + "\n"
    )
    build, optimize, predict = (load_function(bundles[name]) for name in names)
    model = build((3,), (1,), width=4)
    assert optimize(model, lr=0.5).param_groups[0]["lr"] == 0.5
    predicted = predict(model, [[1.0, 2.0, 3.0]])
    assert (predicted.shape, str(predicted.dtype)) == ((1, 4), "float64")
