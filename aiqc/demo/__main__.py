"""`python -m aiqc.demo`: runs the studies and writes the page."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiqc
from aiqc.demo import breast_cancer, diabetes, penguins
from aiqc.demo.page import page
from aiqc.demo.results import missing_text, result_of, results_table
from aiqc.orm import destroy_db

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.demo.results import Result
    from aiqc.demo.study import Study

STUDIES = (breast_cancer.STUDY, penguins.STUDY, diabetes.STUDY)
STORE = "demo.sqlite3"
PAGE = "report.html"
NATIVE_LOG = "native.log"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run the demonstration."""
    parser = argparse.ArgumentParser(prog="python -m aiqc.demo", description=__doc__)
    parser.add_argument("--output", default="demo_output", help="folder of the store and the page")
    parser.add_argument("--quick", action="store_true", help="train fewer models")
    given = parser.parse_args(arguments)
    folder = Path(given.output).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        parser.error(f"--output: {folder} is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("AIQC_CACHE", str(folder / "cache"))
    with native_log(folder / NATIVE_LOG):
        run(STUDIES, folder, quick=given.quick)


def run(studies: Sequence[Study], folder: Path, *, quick: bool) -> list[Result]:
    """Run studies on a fresh store in the folder; print the results and write the page."""
    started = time.perf_counter()
    aiqc.connect(folder / STORE)
    destroy_db(confirm=True, rebuild=True)  # what an earlier demonstration left
    results = [_run_study(study, quick) for study in studies]
    (folder / PAGE).write_text(page(results, str(folder / STORE)), encoding="utf-8")
    _say(
        "\nBest model of each study beside a baseline (majority class or mean), test split:\n\n"
        f"{results_table(results).to_string(index=False)}\n\n"
        f"Store  {folder / STORE}\n"
        f"Page   {folder / PAGE}\n"
        f"{time.perf_counter() - started:.0f} seconds."
    )
    return results


def _run_study(study: Study, quick: bool) -> Result:
    _say(f"\n{study.title}\n{study.text}")
    queue = study.plan(quick)
    _say(f"Data: {missing_text(queue)}\nModels to train: {queue.total_runs}.")
    queue.run_jobs(progress=sys.stderr.isatty())
    return result_of(study, queue)


@contextmanager
def native_log(path: Path) -> Iterator[None]:
    """Send what C++ libraries write to file descriptor 2 to a file; Python's stderr stays.

    TensorFlow reports missing graphics cards and processor features there, whatever its log
    level.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    python_stderr, terminal = sys.stderr, os.dup(2)
    with path.open("wb") as log:
        os.dup2(log.fileno(), 2)
    sys.stderr = os.fdopen(os.dup(terminal), "w", buffering=1)
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = python_stderr
        os.dup2(terminal, 2)
        os.close(terminal)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
