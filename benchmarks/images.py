"""Ingesting a folder of images beside decoding it with Pillow; fetching some beside all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._harness import Figure, child, spread

COUNT, SIDE, FETCHED = 20_000, 64, 100
PAIR = """
import json, os, sys, tempfile, time
import numpy as np
from PIL import Image
import aiqc
from aiqc.orm import *
images, folder = sys.argv[1], tempfile.mkdtemp()
aiqc.connect(os.path.join(folder, "s.sqlite3"))
# what both need is loaded before either is timed
warm = os.path.join(folder, "warm")
os.mkdir(warm)
Image.new("RGB", (4, 4)).save(os.path.join(warm, "a.png"))
Dataset.Image.from_folder(warm, ingest=True).to_arr()

def theirs():
    names = sorted(os.listdir(images))
    opened = (Image.open(os.path.join(images, name)) for name in names)
    return np.stack([np.asarray(image).transpose(2, 0, 1) for image in opened])

def ours():
    return Dataset.Image.from_folder(images, ingest=True)

def timed(action):
    wall, cpu = time.perf_counter(), time.process_time()
    result = action()
    return result, time.perf_counter() - wall, time.process_time() - cpu

def fetched(samples, expected):
    # median wall seconds of three calls after a first one
    walls = []
    for _ in range(4):
        array, wall, _ = timed(lambda: dataset.to_arr(samples=samples))
        assert (array == expected).all()
        del array
        walls.append(wall)
    return sorted(walls[1:])[1]

# the files are in the page cache for both
for name in os.listdir(images):
    with open(os.path.join(images, name), "rb") as file:
        file.read()
order = (ours, theirs) if sys.argv[2] == "0" else (theirs, ours)
found = {action.__name__: timed(action) for action in order}
dataset, stacked = found["ours"][0], found["theirs"][0]
few = int(sys.argv[3])
picked = np.random.default_rng(0).choice(len(stacked), few, replace=False)
row = np.arange(1000, 1000 + few)
whole = fetched(None, stacked)
some, run = fetched(picked, stacked[picked]), fetched(row, stacked[row])
print(json.dumps({
    "wall": found["theirs"][1] / found["ours"][1],
    "cpu": found["theirs"][2] / found["ours"][2],
    "ours_wall": found["ours"][1],
    "ours_cpu": found["ours"][2],
    "theirs_wall": found["theirs"][1],
    "theirs_cpu": found["theirs"][2],
    "all": whole,
    "some": whole / some,
    "run": whole / run,
}))
"""
REPEATS = 6


def measure() -> list[Figure]:
    """Speeds, pinned to one processor, each pair in a process and store of its own.

    The target of ingest is held against processor seconds: a shared machine lends out its wall
    clock, and its disk. The order of the two alternates.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        pairs = [
            child(PAIR, folder, str(turn % 2), str(FETCHED), cpus="0") for turn in range(REPEATS)
        ]
    size = f"{COUNT:,} images of {SIDE}x{SIDE}x3"
    return [
        _of(pairs, "cpu", f"{size}: speed of ingest / decode and stack, CPU", "x", at_least=0.7),
        _of(pairs, "wall", f"{size}: speed of ingest / decode and stack, wall", "x"),
        _of(pairs, "ours_cpu", f"{size}: ingest, CPU", "s"),
        _of(pairs, "ours_wall", f"{size}: ingest, wall", "s"),
        _of(pairs, "theirs_cpu", f"{size}: decode and stack, CPU", "s"),
        _of(pairs, "theirs_wall", f"{size}: decode and stack, wall", "s"),
        _of(pairs, "all", f"{size}: fetching all", "s"),
        _of(pairs, "some", f"fetching all / {FETCHED} at random", "x", at_least=20),
        _of(pairs, "run", f"fetching all / {FETCHED} in a row", "x", at_least=20),
    ]


def _of(pairs: list[dict[str, float]], key: str, name: str, unit: str, **target: float) -> Figure:
    return spread(name, [pair[key] for pair in pairs], unit, **target)


def _write(folder: Path) -> None:
    """Write PNG files with the smooth shapes and the grain of small photographs."""
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=float)
        grained = np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(grained).save(folder / f"img{number:05d}.png")
