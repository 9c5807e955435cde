"""A Python process with AIQC imported that forks children: new processes without the wait."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: what a run of a Queue would import, besides the training library
PRELOAD = (
    "aiqc.core.functions",
    "aiqc.data.parquet",
    "aiqc.orm",
    "aiqc.orm._split_write",
    "aiqc.orm.charts",
    "aiqc.orm.reports",
    "aiqc.orm.train_job",
    "aiqc.pipeline.feature_fit",
    "aiqc.pipeline.label_fit",
    "aiqc.training.sklearn",
    "aiqc.training.toy",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "skops.io",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.preprocessing",
    "sklearn.utils",
    "threadpoolctl",
    "tqdm.auto",
)
#: what a child returns for KeyboardInterrupt, as shells do
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: exit code (negative: killed by a signal) and its output."""

    code: int
    out: str


class WarmPython:
    """Starts children by fork from a process that never touched a store.

    Every child executes code with its own environment; several children of one order start
    together.
    """

    def __init__(self) -> None:
        # it outlives the test that starts it, so nothing of that test's store or key goes along
        plain = {key: value for key, value in os.environ.items() if not key.startswith("AIQC_")}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**plain, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{HERE}"},
        )
        atexit.register(self._process.kill)
        assert self._answer() == "ready"

    @contextlib.contextmanager
    def started(
        self, code: str, count: int = 1, **environment: str
    ) -> Iterator[tuple[list[int], list[Ended]]]:
        """Yield the pids of running children, and a list that holds their ends afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            order = {"code": code, "count": count, "environment": environment, "folder": folder}
            self._send(order)
            pids, ended = self._answer(), []
            try:
                yield pids, ended
            finally:
                # the next order must find its own answers
                codes = self._answer()
            texts = [Path(folder, str(number)).read_text() for number in range(count)]
            ended += [Ended(status, text) for status, text in zip(codes, texts, strict=True)]

    def run(self, code: str, count: int = 1, **environment: str) -> list[str]:
        """Return what each child printed; all must end well."""
        with self.started(code, count, **environment) as (_, ended):
            pass
        assert [one.code for one in ended] == [0] * count, "\n".join(one.out for one in ended)
        return [one.out.strip() for one in ended]

    def _send(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@cache
def warm_python() -> WarmPython:
    """Return the one warm process of this session."""
    return WarmPython()


def _serve() -> None:
    for name in PRELOAD:
        importlib.import_module(name)
    gc.freeze()
    _say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        pids = []
        for number in range(order["count"]):
            pid = os.fork()
            if pid == 0:
                _be_child(order, number)
            pids.append(pid)
        _say(pids)
        _say([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids])


def _be_child(order: dict[str, Any], number: int) -> None:
    """Execute the order with its output in a file, and leave as a script would.

    Only the modules are not taken down one by one, which would take longer than most orders.
    """
    status = 1
    try:
        handle = os.open(Path(order["folder"], str(number)), os.O_CREAT | os.O_WRONLY)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.environ.update(order["environment"], CHILD=str(number))
        exec(compile(order["code"], "<child>", "exec"), {"__name__": "__child__"})
        status = 0
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BaseException:  # noqa: BLE001 - the child's own failure is its output
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
