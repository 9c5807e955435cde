"""An npy file larger than memory: registered, windowed, split, encoded and cached in steps."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._harness import Figure, child

#: megabytes of the file
MEGABYTES = int(os.environ.get("AIQC_LARGE_NPY_MB", "4000"))
#: where the file and the cache go, about three times the file together
FOLDER = os.environ.get("AIQC_LARGE_NPY_FOLDER")
ROWS, COLUMNS = 50, 20
CODE = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from sklearn.preprocessing import StandardScaler
path, folder = sys.argv[1:]
os.environ["AIQC_HOME"] = folder
import aiqc
from aiqc.orm import *
aiqc.connect(os.path.join(folder, "s.sqlite3"))

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

def timed(action):
    start = time.perf_counter()
    return action(), time.perf_counter() - start

base = peak()
dataset, register = timed(lambda: Dataset.Sequence.from_numpy(path, ingest=False))
feature = Feature.from_dataset(dataset)
Window.from_feature(feature, size_window=2, size_shift=4)
FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
splitset = Splitset.make(feature, size_test=0.2, size_validation=0.1)
registered = peak()
_, cached = timed(splitset.cache_samples)
found = peak()
sizes = sum(file.stat().st_size for file in Path(splitset.cache_path).rglob("*.npy"))
train = splitset.fetch_cache("train", "features")
sums = np.zeros((2, train.shape[-1]))
for start in range(0, len(train), 5000):
    part = train[start : start + 5000].astype(np.float64)
    sums += part.sum(axis=(0, 1, 2)), (part * part).sum(axis=(0, 1, 2))
mean, square = sums / (train.size / train.shape[-1])
# these windows share no row, so that they are what the scaler saw
assert np.abs(mean).max() < 1e-6, mean
assert np.abs(np.sqrt(square - mean * mean) - 1).max() < 1e-3, square
print(json.dumps({"base": base, "registered": registered, "peak": found, "register_s": register,
                  "cache_s": cached, "cached_mb": sizes / 1e6}))
"""


def measure() -> list[Figure]:
    """Peak memory of a process of its own; nothing is left on disk."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        path = Path(folder) / "large.npy"
        size = _write(path)
        found = child(CODE, str(path), folder)
    quarter = size / 4
    name = f"{size / 1000:g} GB npy, not ingested"
    return [
        Figure(f"{name}: peak memory", found["peak"], "MiB", at_most=quarter / 1.048576),
        Figure("    of which after the imports", found["base"], "MiB"),
        Figure("    of which after Splitset.make", found["registered"], "MiB"),
        Figure("    registering it", found["register_s"], "s"),
        Figure("    caching it", found["cache_s"], "s"),
        Figure("    size of the cache", found["cached_mb"], "MB"),
    ]


def _write(path: Path) -> float:
    """Write the file in steps; return its megabytes."""
    sample_bytes = ROWS * COLUMNS * 4
    count = MEGABYTES * 1_000_000 // sample_bytes
    rng = np.random.default_rng(0)
    block = rng.normal(5, 3, size=(1000, ROWS, COLUMNS)).astype(np.float32)
    with path.open("wb") as file:
        shape = (count, ROWS, COLUMNS)
        facts = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, facts)
        for start in range(0, count, len(block)):
            scale = np.float32(1 + start / count)
            file.write((block[: count - start] * scale).tobytes())
    return count * sample_bytes / 1e6
