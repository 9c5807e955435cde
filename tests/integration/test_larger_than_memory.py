"""An npy file that is not ingested is split, encoded and cached in a quarter of its size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

#: run in a process of its own, whose memory is its own
STUDY = """
import json, os, sys

import numpy as np
from sklearn.preprocessing import StandardScaler

import aiqc
from aiqc.orm import Dataset, Feature, FeatureCoder, Splitset, Window, feature_coder
from aiqc.pipeline import chain_fit, prepared_blocks, raw_feature

# in proportion to a file that is smaller than those of benchmarks/large_npy.py
raw_feature.RESIDENT_BYTES = chain_fit.STEPWISE_BYTES = 10_000_000
raw_feature.STEP_BYTES = prepared_blocks.STEP_BYTES = feature_coder.TRIAL_BYTES = 2_000_000

folder = sys.argv[1]
aiqc.connect(os.path.join(folder, "s.sqlite3"))


def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))


def study(path):
    feature = Feature.from_dataset(Dataset.Sequence.from_numpy(path))
    Window.from_feature(feature, size_window=3, size_shift=2)
    FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    splitset = Splitset.make(feature, size_test=0.2, size_validation=0.1)
    splitset.cache_samples()
    return splitset


# what is imported and opened once
study(os.path.join(folder, "small.npy")).clear_cache()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
splitset = study(os.path.join(folder, "large.npy"))
peak = status("VmHWM") - before

feature = splitset.features[0]
window, (scaler,) = feature.windows.get(), feature.fitted_featurecoders
rows, whole = splitset.samples["train"], np.load(os.path.join(folder, "large.npy"))
unshifted = np.array(window.samples_unshifted)[rows]
shifted = np.array(window.samples_shifted)[rows]
close = {"rtol": 1e-9, "atol": 1e-12} if whole.dtype == "float64" else {"rtol": 1e-5, "atol": 1e-6}
whole = whole.astype("float64")
seen = whole[np.unique(unshifted)].reshape(-1, whole.shape[-1])
assert scaler.n_samples_seen_ == len(seen)
oracle = StandardScaler().fit(seen)
np.testing.assert_allclose(scaler.mean_, oracle.mean_, rtol=1e-12)
np.testing.assert_allclose(scaler.scale_, oracle.scale_, rtol=1e-12)
encoded = scaler.transform(seen)
assert np.abs(encoded.mean(axis=0)).max() < 1e-6
assert np.abs(encoded.std(axis=0) - 1).max() < 1e-3
whole = oracle.transform(whole.reshape(-1, whole.shape[-1])).reshape(whole.shape)
for kind, windows in (("features", unshifted), ("label", shifted)):
    cached = splitset.fetch_cache("train", kind)
    np.testing.assert_allclose(cached, whole[windows], **close)
counts = [size["count"] for size in splitset.sizes.values()]
print(json.dumps({"peak": peak, "windows": sum(counts)}))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize(("dtype", "count"), [("float64", 18_000), ("float32", 36_000)])
def test_a_large_file_is_cached_in_a_quarter_of_its_size(
    tmp_path: Path, dtype: str, count: int
) -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(5, 3, size=(count, 10, 100)) * np.linspace(1, 2, 100)
    large = values.astype(dtype)
    np.save(tmp_path / "large.npy", large)
    np.save(tmp_path / "small.npy", large[:50, :4, :20])
    env = {**os.environ, "AIQC_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", STUDY, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    # of 3 rows each, 2 apart; the last one is a target only
    assert found["windows"] == (count - 3) // 2
    assert found["peak"] < large.nbytes / 4
