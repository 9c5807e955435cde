"""Run the benchmarks, print a table beside the targets, append to results.csv."""

from __future__ import annotations

import csv
import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks._harness import Figure

#: in this order; each module has `measure() -> list[Figure]`
MODULES = (
    "import_cost",
    "ingest",
    "images",
    "splitset",
    "caching",
    "large_npy",
    "pruned_read",
    "fit_loop",
    "permutation",
    "bookkeeping",
    "run_overhead",
    "inference",
    "reports",
)
RESULTS = Path(__file__).with_name("results.csv")
LIBRARIES = ("numpy", "pandas", "pyarrow", "peewee", "scikit-learn", "torch", "keras")


def main(chosen: list[str]) -> int:
    """Measure; return 1 if a target was missed."""
    figures: list[Figure] = []
    print(f"{'figure':<58}{'median':>12} {'unit':<8}{'target':<10}{'spread':<22}")
    for name in chosen or MODULES:
        for figure in importlib.import_module(f"benchmarks.{name}").measure():
            figures.append(figure)
            print(_line(figure), flush=True)
    _append(figures)
    missed = [figure for figure in figures if figure.missed]
    print(f"{len(figures)} figures, {len(missed)} missed")
    return 1 if missed else 0


def _line(figure: Figure) -> str:
    span = "" if figure.low is None else f"{figure.low:.4g} .. {figure.high:.4g}"
    mark = "  MISSED" if figure.missed else ""
    return (
        f"{figure.name:<58}{figure.value:>12.4g} {figure.unit:<8}"
        f"{figure.target:<10}{span:<22}{mark}"
    )


def _append(figures: list[Figure]) -> None:
    is_new = not RESULTS.exists()
    versions = " ".join(f"{name}={version(name)}" for name in LIBRARIES)
    machine = f"{platform.machine()} {os.cpu_count()} cpus python={platform.python_version()}"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            header = ["time", "figure", "median", "low", "high", "unit", "target", "missed"]
            writer.writerow([*header, "machine", "versions"])
        for figure in figures:
            facts = [f"{figure.value:.6g}", figure.low, figure.high, figure.unit, figure.target]
            writer.writerow([now, figure.name, *facts, figure.missed, machine, versions])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
