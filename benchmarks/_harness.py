"""What every benchmark shares: figures with targets, paired timing, child processes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    #: the median
    value: float
    unit: str
    #: the largest allowed value; None for a figure that is only reported
    at_most: float | None = None
    #: the smallest allowed value
    at_least: float | None = None
    #: smallest and largest of the repeats
    low: float | None = None
    high: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the target was missed."""
        over = self.at_most is not None and self.value > self.at_most
        under = self.at_least is not None and self.value < self.at_least
        return over or under

    @property
    def target(self) -> str:
        """The target as text."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return "" if self.at_least is None else f">= {self.at_least:g}"


def spread(name: str, values: list[float], unit: str, **target: float) -> Figure:
    """Return the median of repeats with their extremes."""
    middle = statistics.median(values)
    return Figure(name, middle, unit, low=min(values), high=max(values), **target)


def seconds(action: Callable[[], object]) -> float:
    """Return the wall seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call took."""

    cpu: float
    wall: float


def cost(action: Callable[[], object]) -> Cost:
    """Return the processor and wall seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def compared(name: str, ours: list[Cost], theirs: list[Cost], at_most: float) -> list[Figure]:
    """Return the ratio of processor seconds, and of wall seconds, pair by pair.

    The target is held against processor seconds: a shared machine lends out its wall clock.
    """
    pairs = list(zip(ours, theirs, strict=True))
    return [
        spread(f"{name}, CPU", [a.cpu / b.cpu for a, b in pairs], "x", at_most=at_most),
        spread(f"{name}, wall", [a.wall / b.wall for a, b in pairs], "x"),
    ]


def paired(
    ours: Callable[[], object], theirs: Callable[[], object], repeats: int, warmups: int = 1
) -> tuple[list[Cost], list[Cost]]:
    """Return the costs of both, measured in turn; the order alternates."""
    for _ in range(warmups):
        ours()
        theirs()
    found: tuple[list[Cost], list[Cost]] = ([], [])
    for turn in range(repeats):
        order = (1, 0) if turn % 2 else (0, 1)
        for which in order:
            found[which].append(cost((ours, theirs)[which]))
    return found


def child(code: str, *arguments: str, cpus: str | None = None) -> dict[str, float]:
    """Run code in a fresh process that prints one JSON object on its last line."""
    command = [sys.executable, "-c", code, *arguments]
    if cpus is not None and hasattr(os, "sched_setaffinity"):
        command = ["taskset", "-c", cpus, *command]
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "AIQC_HOME": home, "PYTHONWARNINGS": "ignore"}
        # libraries were compiled when they were installed, the checkout is at its first import
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    found: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process on one processor, so that a busy machine moves neither of a pair."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def fresh_store() -> Iterator[Path]:
    """Connect a new SQLite store in a temporary folder that also holds the caches."""
    import aiqc
    from aiqc.orm._database import disconnect

    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("AIQC_HOME")
        os.environ["AIQC_HOME"] = folder
        path = Path(folder) / "store.sqlite3"
        aiqc.connect(path)
        try:
            yield path
        finally:
            disconnect()
            if before is None:
                del os.environ["AIQC_HOME"]
            else:
                os.environ["AIQC_HOME"] = before
