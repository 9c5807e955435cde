"""The documented import paths lead to the functions that do the work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aiqc import utils
from aiqc.core.enums import AnalysisType, Library
from aiqc.core.functions import bundle_function
from aiqc.training.backend import default_functions


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("config.timezone_now", "aiqc.core.clock"),
        ("dill.reveal_code", "aiqc.core.functions"),
        ("meter.display_name", "aiqc.pipeline.metrics.registry"),
        ("sklearn.classification_predict", "aiqc.training.sklearn_defaults"),
    ],
)
def test_paths(path, origin):
    module, name = path.split(".")
    assert getattr(getattr(utils, module), name).__module__.startswith(origin)


def test_names_of_metrics():
    assert utils.meter.metrics_all == [
        *utils.meter.metrics_classify,
        *utils.meter.metrics_regress,
        "loss",
    ]
    assert {"accuracy", "f1", "roc_auc", "precision", "recall"} <= set(
        utils.meter.metrics_classify
    )
    assert {"r2", "mse", "explained_variance"} <= set(utils.meter.metrics_regress)


def test_unknown_module():
    with pytest.raises(AttributeError, match="no attribute 'numpy'"):
        _ = utils.numpy
    assert "pytorch" in dir(utils)


def test_nothing_heavy_loads():
    code = (
        "import sys; from aiqc import utils; utils.sklearn, utils.meter, utils.config;"
        "print([name for name in ('torch', 'keras', 'sklearn', 'scipy') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="."
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("library", [Library.SKLEARN, Library.TOY])
@pytest.mark.parametrize("analysis_type", list(AnalysisType))
def test_defaults_show_their_source(library, analysis_type):
    for role, function in default_functions(library, analysis_type).items():
        bundle = bundle_function(function, role)
        assert not bundle.is_opaque
        assert f"def {function.__name__}(" in utils.dill.reveal_code(bundle)
