"""Ingesting a CSV beside reading it and writing it as Parquet."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._harness import Figure, child, spread

ROWS, COLUMNS = 200_000, 30
PAIR = """
import json, os, sys, tempfile, time
import pandas as pd
import aiqc
from aiqc.orm import *
path, folder = sys.argv[1], tempfile.mkdtemp()
aiqc.connect(os.path.join(folder, "s.sqlite3"))
# what both need is loaded before either is timed
pd.DataFrame({"a": [1.0]}).to_parquet(os.path.join(folder, "w.parquet"), compression="zstd")
Dataset.Tabular.from_df(pd.DataFrame({"a": [1.0]}))

def theirs():
    pd.read_csv(path).to_parquet(os.path.join(folder, "x.parquet"), compression="zstd")

def ours():
    return Dataset.Tabular.from_path(path)

def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start

first, second = (ours, theirs) if sys.argv[2] == "0" else (theirs, ours)
one, two = timed(first), timed(second)
a, b = (one, two) if sys.argv[2] == "0" else (two, one)
stored = Dataset.select().order_by(Dataset.id.desc()).first().to_df()
pd.testing.assert_frame_equal(stored, pd.read_csv(path))
print(json.dumps({"ours": a, "theirs": b}))
"""
MEMORY = """
import json, os, sys, tempfile
import pandas as pd
import aiqc
from aiqc.orm import *
path = sys.argv[1]
if sys.argv[2] == "ours":
    aiqc.connect(os.path.join(tempfile.mkdtemp(), "s.sqlite3"))
    Dataset.Tabular.from_df(pd.DataFrame({"a": [1.0]}))

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) / 1024

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
frame = Dataset.Tabular.from_path(path) if sys.argv[2] == "ours" else pd.read_csv(path)
print(json.dumps({"peak": status("VmHWM") - before}))
"""
REPEATS = 7


def measure() -> list[Figure]:
    """Time and peak memory, pinned to one processor."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "floats.csv")
        rng = np.random.default_rng(0)
        names = [f"column_{i}" for i in range(COLUMNS)]
        pd.DataFrame(rng.normal(size=(ROWS, COLUMNS)), columns=names).to_csv(path, index=False)
        pairs = [child(PAIR, path, str(turn % 2), cpus="0") for turn in range(REPEATS)]
        peaks = [
            child(MEMORY, path, "ours", cpus="0")["peak"]
            / child(MEMORY, path, "theirs", cpus="0")["peak"]
            for _ in range(3)
        ]
    return [
        spread(
            "ingest 200k x 30 / (read_csv + to_parquet zstd)",
            [pair["ours"] / pair["theirs"] for pair in pairs],
            "x",
            at_most=1.1,
        ),
        spread("ingest 200k x 30", [pair["ours"] for pair in pairs], "s"),
        spread("ingest peak memory / read_csv's", peaks, "x", at_most=1.3),
    ]
