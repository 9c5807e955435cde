"""A file that is larger than memory, in small: every step in a quarter of its size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STUDY = """
import os, sys
import numpy as np
from sklearn.preprocessing import StandardScaler
import aiqc
from aiqc.orm import *
from aiqc.orm import feature_coder
from aiqc.pipeline import chain_fit, prepared_blocks, raw_feature

# what counts as small, as much smaller as the file is than one of 16 GB
for module in (chain_fit, feature_coder, prepared_blocks, raw_feature):
    for name in ("STEPWISE_BYTES", "TRIAL_BYTES", "STEP_BYTES", "RESIDENT_BYTES"):
        if hasattr(module, name):
            setattr(module, name, 1_000_000)

folder = sys.argv[1]
aiqc.connect(os.path.join(folder, "s.sqlite3"))

def study(name):
    dataset = Dataset.Sequence.from_numpy(os.path.join(folder, name), ingest=False)
    feature = Feature.from_dataset(dataset)
    Window.from_feature(feature, size_window=3, size_shift=2)
    FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    splitset = Splitset.make(feature, size_test=0.2)
    splitset.cache_samples()
    return splitset

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))

study("small.npy")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
splitset = study("large.npy")
print(status("VmHWM") - before)

whole = np.load(os.path.join(folder, "large.npy"), mmap_mode="r")
starts = [rows[0] for rows in splitset.features[0].windows.get().samples_unshifted]
train = splitset.samples["train"]
scaler = splitset.fits.get().feature_fit().fitted[0][0]
seen = sorted({starts[i] + step for i in train for step in range(3)})
assert scaler.n_samples_seen_ == len(seen) * whole.shape[1]
learned = np.array(whole[seen], dtype=np.float64).reshape(-1, whole.shape[2])
np.testing.assert_allclose(scaler.mean_, learned.mean(axis=0), rtol=1e-9)
found = splitset.fetch_cache("train", "features")
for place in (0, len(train) // 2, len(train) - 1):
    rows = slice(starts[train[place]], starts[train[place]] + 3)
    expected = (whole[rows] - learned.mean(axis=0)) / learned.std(axis=0)
    np.testing.assert_allclose(found[place], expected, rtol=1e-5, atol=1e-6)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_file_is_registered_windowed_split_encoded_and_cached_in_a_quarter_of_its_size(
    tmp_path: Path, dtype: type[np.floating]
) -> None:
    rng = np.random.default_rng(0)
    sample = 100 * 25 * np.dtype(dtype).itemsize
    array = (rng.normal(size=(200_000_000 // sample, 100, 25)) * 5 + 1e3).astype(dtype)
    np.save(tmp_path / "large.npy", array)
    np.save(tmp_path / "small.npy", array[:20])
    env = {**os.environ, "AIQC_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", STUDY, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < array.nbytes / 4
