"""MetricCutoff stops when every cutoff holds, and says what it does not know."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from aiqc.core.errors import InvalidInput
from aiqc.training.callbacks import Cutoff, all_hold, read_cutoffs


def cutoff(metric="loss", limit=0.1, side="below", **extra):
    return {"metric": metric, "cutoff": limit, "above_or_below": side, **extra}


@pytest.mark.parametrize(
    ("cutoffs", "metrics", "expected"),
    [
        ([cutoff("loss", 0.1, "below")], {"loss": 0.1}, True),
        ([cutoff("loss", 0.1, "below")], {"loss": 0.1000001}, False),
        ([cutoff("acc", 0.9, "above")], {"acc": 0.9}, True),
        ([cutoff("acc", 0.9, "above")], {"acc": 0.8999}, False),
        ([cutoff(), cutoff("acc", 0.9, "above")], {"loss": 0.01, "acc": 0.5}, False),
        ([cutoff(), cutoff("acc", 0.9, "above")], {"loss": 0.01, "acc": 0.95}, True),
        ([cutoff("loss", 0.1, "below")], {"loss": math.nan}, False),
        ([cutoff("loss", 0.1, "above")], {"loss": math.nan}, False),
    ],
)
def test_all_must_hold(cutoffs, metrics, expected):
    assert all_hold(read_cutoffs(cutoffs), metrics) is expected


def test_a_single_dict_is_enough():
    assert read_cutoffs(cutoff("acc", 1, "above")) == (Cutoff("acc", 1.0, above=True),)


def test_unknown_metric_names_the_known_ones():
    cutoffs = read_cutoffs([cutoff("val_acc")])
    with pytest.raises(InvalidInput, match=r"'val_acc'.*Known metrics: accuracy, loss"):
        all_hold(cutoffs, {"loss": 1.0, "accuracy": 0.5})


@pytest.mark.parametrize(
    ("thresholds", "pattern"),
    [
        ([], "no thresholds"),
        ([{"metric": "loss", "cutoff": 1}], r"exactly the keys.*Use dict\("),
        ([cutoff(extra=1)], "exactly the keys"),
        (["loss"], "'loss'.*exactly the keys"),
        ([cutoff(metric=3)], "metric 3, which is not text"),
        ([cutoff(limit="0.1")], "cutoff '0.1' for 'loss', which is not a number"),
        ([cutoff(limit=math.nan)], "cutoff nan"),
        ([cutoff(limit=True)], "cutoff True"),
        ([cutoff(side="over")], r"above_or_below='over' for 'loss'.*\('above', 'below'\)"),
    ],
)
def test_malformed_thresholds(thresholds, pattern):
    with pytest.raises(InvalidInput, match=pattern):
        read_cutoffs(thresholds)


def test_import_paths_load_no_library():
    script = (
        "import sys, aiqc.utils.tensorflow as t, aiqc.utils.pytorch as p\n"
        "assert t.TrainingCallback.MetricCutoff and p.fit and p.optimize and t.optimize\n"
        "print(sorted({'torch', 'keras', 'tensorflow', 'sklearn'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"
