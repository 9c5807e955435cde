"""The tree of seeds: fixed numbers, no collisions, nothing drawn from global state."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import aiqc
from aiqc.core import seeds


def test_seed_is_numpys_own_sequence():
    name = int.from_bytes(hashlib.sha256(b"fold").digest()[:4], "big")
    sequence = np.random.SeedSequence(entropy=7, spawn_key=(name, 3))
    assert seeds.derive(7, "fold", 3) == int(sequence.generate_state(1, np.uint32)[0])


def test_every_path_has_its_own_seed():
    paths = [(root, name, i) for root in range(5) for name in ("fold", "trial") for i in range(50)]
    drawn = {seeds.derive(root, *rest) for root, *rest in paths}
    drawn |= {seeds.derive(1), seeds.derive(1, "fold"), seeds.derive(1, "fold", 3, 0)}
    assert len(drawn) == len(paths) + 3
    assert all(0 <= seed <= seeds.MAX_SEED for seed in drawn)


@pytest.mark.parametrize("part", [np.int64(3), np.uint8(3), True + 2])
def test_numpy_numbers_are_numbers(part):
    assert seeds.derive(7, "fold", part) == seeds.derive(7, "fold", 3)


def test_text_is_not_its_number():
    assert seeds.derive(7, "3") != seeds.derive(7, 3)


def test_same_in_another_process():
    root = str(Path(aiqc.__file__).parents[1])
    code = "import sys; sys.path.insert(0, sys.argv[1])\nfrom aiqc.core import seeds\n"
    code += "print(seeds.derive(7, 'repeat', 2), seeds.generator(7, 'x').integers(10**9))"
    printed = subprocess.run(
        [sys.executable, "-I", "-c", code, root], capture_output=True, text=True, check=True
    ).stdout.split()
    drawn = seeds.generator(7, "x").integers(10**9)
    assert printed == [str(seeds.derive(7, "repeat", 2)), str(drawn)]


def test_global_generator_is_untouched():
    np.random.seed(5)  # noqa: NPY002 - the user's global generator is what is tested
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    seeds.generator(1, "a").random()
    seeds.derive(1, "a")
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


@pytest.mark.parametrize(
    ("digest", "seed"), [("00000010ff", 16), ("ffffffff" + "0" * 56, 2**32 - 1)]
)
def test_from_digest(digest, seed):
    assert seeds.from_digest(digest) == seed
