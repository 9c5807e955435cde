"""One tree of seeds: every draw derives from a recorded root (DESIGN §3.8)."""

from __future__ import annotations

import hashlib

import numpy as np

from aiqc.core.errors import InvalidInput

#: the largest seed that numpy, torch, Keras and scikit-learn all accept
MAX_SEED = 2**32 - 1


def derive(root: int, *path: str | int) -> int:
    """Return the seed at a path of the tree, e.g. `derive(7, "fold", 3)`.

    Parameters
    ----------
    root
        The recorded seed.
    path
        Names and numbers from the root to the draw; the same path gives the same seed in
        every process.

    Examples
    --------
    >>> derive(7, "fold", 3) == derive(7, "fold", 3)
    True
    >>> derive(7, "fold", 3) == derive(7, "fold", 4)
    False
    """
    key = [_number(part) if isinstance(part, str) else int(part) for part in path]
    sequence = np.random.SeedSequence(entropy=root, spawn_key=tuple(key))
    return int(sequence.generate_state(1, np.uint32)[0])


def generator(root: int, *path: str | int) -> np.random.Generator:
    """Return a numpy generator seeded at a path of the tree."""
    return np.random.default_rng(derive(root, *path))


def is_whole_number(value: object) -> bool:
    """Return whether a value is an integer, numpy's among them; True and False are not.

    Examples
    --------
    >>> is_whole_number(np.int64(3)), is_whole_number(True), is_whole_number("3")
    (True, False, False)
    """
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool)


def check_seed(seed: object) -> int:
    """Return a seed given by the user.

    Raises
    ------
    InvalidInput
        If it is not a whole number from 0 to 4294967295.
    """
    if is_whole_number(seed) and 0 <= seed <= MAX_SEED:  # type: ignore[operator]
        return int(seed)  # type: ignore[call-overload, no-any-return]
    msg = f"seed={seed!r} is not a whole number from 0 to {MAX_SEED}."
    raise InvalidInput(msg, hint="Use a whole number such as seed=7, or leave it out.", value=seed)


def from_digest(digest: str) -> int:
    """Return the default seed of something identified by a hex digest (RULINGS, Records)."""
    return int(digest[:8], 16)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
