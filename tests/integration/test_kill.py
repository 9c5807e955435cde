"""Killed and interrupted at any moment, a Queue resumes to what an uninterrupted run leaves."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_studies import KEY, RESULT, check_sound, leavings, rows
from warm_python import INTERRUPTED, ROOT, Ended, warm_python

import aiqc
from aiqc.orm import Prediction
from aiqc.orm._blobs import Blob, put_blob
from aiqc.orm._database import transaction

MAKE = """
import os, aiqc
from toy_studies import make_queue, points
aiqc.connect(os.environ["STORE"])
# the scores of a regression are the quickest to compute
frame = points().drop(columns="y").rename(columns={"b": "y"})
folds = {"fold_count": 2} if os.environ["FOLDS"] == "yes" else {}
space = {"hidden": [3] if folds else [0, 2], "pause": [0.004]}
make_queue(space=space, frame=frame, analysis_type="regression", **folds)
"""
RUN = """
import os, aiqc
from aiqc.orm import Queue
aiqc.connect(os.environ["STORE"])
Queue.run_jobs(1, progress=False)
"""
#: dies where POINT says, on its second passing: `before` is in the middle of the operation
POINTS = """
import os, signal
import aiqc.orm, peewee
from aiqc.orm import _results, job_store, samples_cache
from aiqc.orm.job_store import QueueJobStore
from aiqc.training.toy_model import ToyDescent

passed = []

def die_after(owner, name, passing=2, when=lambda *args: True):
    function = getattr(owner, name)
    def wrapper(*args, **kwargs):
        found = function(*args, **kwargs)
        if when(*args):
            passed.append(name)
            if len(passed) == passing:
                os.kill(os.getpid(), getattr(signal, os.environ["SIGNAL"]))
        return found
    setattr(owner, name, wrapper)

def die_before(owner, name):
    # in the transaction that claims the second run
    function, progress = getattr(owner, name), QueueJobStore.progress
    def wrapper(*args, **kwargs):
        if passed == [1, 2]:
            passed.append(name)
            os.kill(os.getpid(), getattr(signal, os.environ["SIGNAL"]))
        return function(*args, **kwargs)
    def counted(self):
        found = progress(self)
        passed.append(len(passed) + 1)
        return found
    setattr(owner, name, wrapper)
    QueueJobStore.progress = counted

is_running = lambda run, *rest: str(run.state) == "running"
is_complete = lambda run, *rest: str(run.state) == "complete"
{
    "a transaction begins": lambda: die_before(peewee.Database, "push_transaction"),
    "a transaction ends": lambda: die_before(peewee.Database, "commit"),
    "claim, before its commit": lambda: die_after(job_store.Run, "save", when=is_running),
    "after the claim": lambda: die_after(QueueJobStore, "claim"),
    "while the samples are cached": lambda: die_after(samples_cache, "_write_blocks"),
    "while training": lambda: die_after(ToyDescent, "step", passing=8),
    "between two blobs": lambda: die_after(_results, "put_blob", passing=7),
    "after the blobs": lambda: die_after(job_store, "put_outcome"),
    "small arrays written, not committed": lambda: die_after(_results, "put_small"),
    "rows written, not committed": lambda: die_after(job_store, "write_outcome"),
    "run complete, not committed": lambda: die_after(job_store.Run, "save", when=is_complete),
    "after the commit": lambda: die_after(QueueJobStore, "complete"),
}[os.environ["POINT"].removesuffix(" of a large result")]()
if os.environ["POINT"].endswith("large result"):
    job_store.is_small = lambda outcome: False
"""
NAMED_POINTS = (
    "a transaction begins",
    "a transaction ends",
    "claim, before its commit",
    "after the claim",
    "while the samples are cached",
    "while training",
    "between two blobs of a large result",
    "after the blobs",
    "after the blobs of a large result",
    "small arrays written, not committed",
    "rows written, not committed",
    "run complete, not committed",
    "after the commit",
)
COMMITTING = {
    "small arrays written, not committed",
    "after the blobs",
    "rows written, not committed",
    "run complete, not committed",
}
SIGNALS = (signal.SIGKILL, signal.SIGINT)
#: random moments of each signal as shares of the time that an uninterrupted run takes, in turn
#: for a study without and one with folds
MOMENT_COUNT = 20
DRAW = random.Random(20)
MOMENTS = [
    (signal_, number % 2 == 1, (number + DRAW.random()) / MOMENT_COUNT)
    for signal_ in SIGNALS
    for number in range(MOMENT_COUNT)
]
RUN_COUNT = 4
#: far less than a run and the start of another
STOP_SECONDS = 5


@dataclass(frozen=True)
class Study:
    """A planned store, and what an uninterrupted run of it leaves."""

    planned: Path
    finished: Path
    seconds: float
    leavings: dict[str, Any]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Study]:
    folder = tmp_path_factory.mktemp("studies")
    return {
        folds: plan(folder / ("folds" if folds else "plain"), folds) for folds in (False, True)
    }


def plan(folder: Path, folds: bool) -> Study:
    folder.mkdir()
    planned, finished = folder / "planned.sqlite3", folder / "finished.sqlite3"
    where = environment(folder, planned)
    warm_python().run(MAKE, FOLDS="yes" if folds else "no", **where)
    shutil.copy(planned, finished)
    seconds = []
    for number in range(3):
        shutil.copy(planned, finished)
        start = time.monotonic()
        warm_python().run(RUN, **environment(folder / f"time {number}", finished))
        seconds.append(time.monotonic() - start)
    found = leavings(finished)
    assert [row[2] for row in found["content"]] == ["complete"] * RUN_COUNT
    return Study(planned, finished, min(seconds), found)


def environment(folder: Path, store: Path) -> dict[str, str]:
    return {
        "AIQC_HOME": str(folder / "home"),
        "AIQC_CACHE": str(folder / "cache"),
        "AIQC_SIGNING_KEY": KEY,
        "STORE": str(store),
    }


def copied(study: Study, folder: Path) -> dict[str, str]:
    store = folder / "store.sqlite3"
    shutil.copy(study.planned, store)
    return environment(folder, store)


def states(store: Path) -> list[str]:
    return [state for (state,) in rows(store, "SELECT state FROM run ORDER BY idx")]


def resume_and_compare(study: Study, where: dict[str, str], *, at: str) -> None:
    """Run to the end in a new process; nothing finished is touched, and all is as it should be."""
    store = Path(where["STORE"])
    check_sound(store)
    finished = rows(store, RESULT)
    warm_python().run(RUN, **where)
    check_sound(store)
    assert rows(store, RESULT)[: len(finished)] == finished, at
    found = leavings(store)
    for part, expected in study.leavings.items():
        assert found[part] == expected, (at, part)


def check_interrupted(ended: Ended, store: Path, *, at: str) -> None:
    """An interrupt stopped at once: the run is pending again and no other one was started."""
    assert ended.code == INTERRUPTED, (at, ended)
    found = states(store)
    assert set(found) <= {"complete", "pending"}, at
    completed = found.count("complete")
    assert found == ["complete"] * completed + ["pending"] * (RUN_COUNT - completed), at
    (claims,) = rows(store, "SELECT sum(token) FROM run")[0]
    assert claims in (completed, completed + 1), at


@pytest.mark.parametrize(
    ("signal_", "folds", "share"),
    MOMENTS,
    ids=[
        f"{one.name}-{'folds' if folds else 'plain'}-{share:.3f}" for one, folds, share in MOMENTS
    ],
)
def test_stopped_at_a_random_moment(
    studies: dict[bool, Study],
    tmp_path: Path,
    signal_: signal.Signals,
    folds: bool,
    share: float,
) -> None:
    study = studies[folds]
    where = copied(study, tmp_path)
    at = f"{signal_.name} after {share:.3f} of {study.seconds:.3f} s"
    with warm_python().started(RUN, **where) as (pids, ended):
        # the first bytecodes of a child are Python's, not ours
        time.sleep(0.005 + share * study.seconds)
        with suppress(ProcessLookupError):
            os.kill(pids[0], signal_)
        start = time.monotonic()
    stopping = time.monotonic() - start
    store = tmp_path / "store.sqlite3"
    found = states(store)
    if ended[0].code not in {0, -signal_}:
        check_interrupted(ended[0], store, at=at)
        assert stopping < STOP_SECONDS, at
    elif signal_ is signal.SIGINT:
        # Python was leaving already
        assert found == ["complete"] * RUN_COUNT, (at, ended)
    assert found.count("running") <= 1, at
    resume_and_compare(study, where, at=at)


@pytest.mark.parametrize("signal_", SIGNALS, ids=lambda member: member.name)
@pytest.mark.parametrize("point", NAMED_POINTS)
def test_stopped_at_a_named_point(
    studies: dict[bool, Study], tmp_path: Path, point: str, signal_: signal.Signals
) -> None:
    folds = NAMED_POINTS.index(point) % 2 == 1
    where = copied(studies[folds], tmp_path)
    store = tmp_path / "store.sqlite3"
    at = f"{signal_.name}: {point}"
    with warm_python().started(POINTS + RUN, POINT=point, SIGNAL=signal_.name, **where) as (
        _,
        ended,
    ):
        pass
    done = 1 + (point == "after the commit") - (point == "while the samples are cached")
    if signal_ is signal.SIGINT:
        # a commit that has begun is ended first; a small result is stored in its commit
        done += point in COMMITTING
        check_interrupted(ended[0], store, at=at)
        rest = ["pending"]
    else:
        assert ended[0].code == -signal.SIGKILL, (at, ended[0])
        # before the claim's commit, and after the result's, nobody holds a run
        free = {*NAMED_POINTS[:3], "after the commit"}
        rest = ["pending" if point in free else "running"]
    rest += ["pending"] * RUN_COUNT
    assert states(store) == (["complete"] * done + rest)[:RUN_COUNT], at
    resume_and_compare(studies[folds], where, at=at)


def test_killed_again_and_again(studies: dict[bool, Study], tmp_path: Path) -> None:
    study, draw = studies[True], random.Random(11)
    where = copied(study, tmp_path)
    pauses = [draw.uniform(0.1, 0.5) * study.seconds for _ in range(6)]
    for pause in pauses:
        with warm_python().started(RUN, **where) as (pids, _):
            time.sleep(pause)
            with suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGKILL)
    resume_and_compare(study, where, at=f"SIGKILL after {pauses} s")


def test_predictions_of_a_resumed_queue_are_those_of_an_uninterrupted_one(
    studies: dict[bool, Study], tmp_path: Path
) -> None:
    study = studies[True]
    where = copied(study, tmp_path)
    kill = {"POINT": "rows written, not committed", "SIGNAL": "SIGKILL"}
    with warm_python().started(POINTS + RUN, **kill, **where) as (_, ended):
        pass
    assert ended[0].code == -signal.SIGKILL
    warm_python().run(RUN, **where)

    def predicted(store: Path) -> list[dict[str, Any]]:
        aiqc.connect(store)
        return [dict(row.predictions) for row in Prediction.select().order_by(Prediction.id)]

    resumed, uninterrupted = predicted(Path(where["STORE"])), predicted(study.finished)
    assert len(resumed) == len(uninterrupted) == RUN_COUNT
    for one, other in zip(resumed, uninterrupted, strict=True):
        assert list(one) == ["folds_train_combined", "fold_validation", "test"]
        for split, values in one.items():
            assert len(set(values.ravel())) > 5
            np.testing.assert_array_equal(values, other[split])


@pytest.mark.parametrize("signal_", SIGNALS, ids=lambda member: member.name)
def test_a_plain_script_is_stopped_and_resumed(
    studies: dict[bool, Study], tmp_path: Path, signal_: signal.Signals
) -> None:
    study = studies[False]
    where = copied(study, tmp_path)
    code = RUN.replace("Queue.run", 'print("running", flush=True)\nQueue.run')
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **where},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "running\n"
    store = tmp_path / "store.sqlite3"
    limit = time.monotonic() + 60
    while "running" not in states(store) and time.monotonic() < limit:
        time.sleep(0.005)
    os.kill(child.pid, signal_)
    _, errors = child.communicate(timeout=60)
    # Python leaves an uncaught KeyboardInterrupt by the signal itself
    assert child.returncode == -signal_, errors
    if signal_ is signal.SIGINT:
        assert errors.rstrip().endswith("KeyboardInterrupt")
        assert states(store) == ["pending"] * RUN_COUNT
    resume_and_compare(study, where, at=f"{signal_.name} of a script")


def interrupted(counts: list[int]) -> None:
    """Be interrupted as often as told, inside a transaction inside another."""
    with transaction():
        put_blob(b"first", "text")
        with transaction():
            for count in counts:
                os.kill(os.getpid(), signal.SIGINT)
                put_blob(str(count).encode(), "text")


@pytest.mark.parametrize(("counts", "stored"), [([1], [b"first", b"1"]), ([1, 2], [])])
def test_one_interrupt_waits_for_the_transaction_and_a_second_does_not(
    store: Any, counts: list[int], stored: list[bytes]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupted(counts)
    assert signal.getsignal(signal.SIGINT) is before
    assert [blob.inline for blob in Blob.select().order_by(Blob.id)] == stored
    interrupted([])
    assert put_blob(b"free", "text").size == 4
