"""Runs that raise, calls that resume, and rows that a second call leaves as they are."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from toy_studies import failing_train, make_queue

from aiqc.core.enums import RunState
from aiqc.core.errors import JobFailed, ResultWarning
from aiqc.orm import MetricResult, Prediction, Predictor, Queue, Run, train_job
from aiqc.orm._blobs import Blob
from aiqc.orm._results import put_outcome

PENDING, RUNNING, COMPLETE, FAILED = (
    RunState.PENDING,
    RunState.RUNNING,
    RunState.COMPLETE,
    RunState.FAILED,
)


def runs(queue: Queue) -> list[Run]:
    return list(queue.runs.order_by(Run.idx))


def states(queue: Queue) -> list[RunState]:
    return [run.state for run in runs(queue)]


def results() -> list[Any]:
    """Return every column of every row that runs leave."""
    tables = (Run, Predictor, Prediction, MetricResult, Blob)
    return [list(table.select().order_by(table.id).dicts()) for table in tables]


@pytest.fixture
def failing(any_store: Any) -> Queue:
    """Return a Queue whose second combination raises; runs are planned 0, 2, 0, 2."""
    return make_queue(train=failing_train, space={"hidden": [0, 2]})


def test_a_failure_is_recorded_and_stops_the_queue(failing: Queue) -> None:
    message = "the second combination diverged"
    with pytest.raises(JobFailed, match=rf"Run 2 raised ArithmeticError: {message}") as caught:
        failing.run_jobs(progress=False)
    assert isinstance(caught.value.__cause__, ArithmeticError)
    assert caught.value.run_id == 2
    assert "continue_on_error=True" in str(caught.value)
    assert states(failing) == [COMPLETE, FAILED, PENDING, PENDING]
    assert failing.status == {"complete": 1, "failed": 1, "pending": 2}
    failed = runs(failing)[1]
    assert (failed.error_type, failed.error_message) == ("ArithmeticError", message)
    assert failed.traceback.startswith("Traceback (most recent call last):")
    # the user's own line is in it
    assert f'raise ArithmeticError("{message}")' in failed.traceback
    assert failed.traceback.rstrip().endswith(f"ArithmeticError: {message}")
    assert failed.time_ended >= failed.time_started
    assert failed.predictors.count() == 0
    assert [run.error_type for run in runs(failing)] == [None, "ArithmeticError", None, None]


def test_going_on_after_failures_warns_and_says_where_they_are(failing: Queue) -> None:
    with pytest.warns(ResultWarning, match=r"^2 runs of <Queue 1> failed; .* queue\.runs"):
        failing.run_jobs(continue_on_error=True, progress=False)
    assert states(failing) == [COMPLETE, FAILED, COMPLETE, FAILED]
    assert (failing.runs_completed, Predictor.select().count()) == (2, 2)


def test_a_second_call_retries_failures_once_and_nothing_else(
    failing: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.warns(ResultWarning, match="2 runs"):
        failing.run_jobs(continue_on_error=True, progress=False)
    first = list(Predictor.select().order_by(Predictor.id).dicts())
    with pytest.raises(JobFailed, match="Run 2"):
        failing.run_jobs(progress=False)
    # the first failure of a call stops it: the fourth waits, with its old traceback
    assert states(failing) == [COMPLETE, FAILED, COMPLETE, PENDING]
    assert [run.token for run in runs(failing)] == [1, 2, 1, 1]
    assert runs(failing)[3].error_type == "ArithmeticError"
    monkeypatch.setenv("HEALED", "yes")
    failing.run_jobs(progress=False)
    assert states(failing) == [COMPLETE] * 4
    assert [run.token for run in runs(failing)] == [1, 3, 1, 2]
    assert {(run.error_type, run.error_message, run.traceback) for run in runs(failing)} == {
        (None, None, None)
    }
    assert list(Predictor.select().order_by(Predictor.id).dicts())[:2] == first
    assert sorted(row.run_id for row in Predictor.select()) == [1, 2, 3, 4]


def test_a_finished_queue_is_left_as_it_is(any_store: Any) -> None:
    queue = make_queue()
    queue.run_jobs(progress=False)
    before = results()
    assert [len(table) for table in before[:3]] == [4, 4, 4]
    assert queue.run_jobs(progress=False) is None
    assert results() == before


@pytest.mark.parametrize("folds", [{}, {"fold_count": 2}], ids=["plain", "folds"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_stops_at_once_and_the_queue_resumes(
    store: Any, monkeypatch: pytest.MonkeyPatch, folds: dict[str, int], error: type[BaseException]
) -> None:
    queue = make_queue(space={"hidden": [2]} if folds else {"hidden": [0, 2]}, **folds)
    train, calls = train_job.train_task, []

    def train_task(task: Any) -> Any:
        calls.append(task.hyperparameters)
        if len(calls) == 2:
            raise error
        return train(task)

    monkeypatch.setattr(train_job, "train_task", train_task)
    with pytest.raises(error):
        queue.run_jobs(progress=False)
    assert len(calls) == 2
    assert states(queue) == [COMPLETE, PENDING, PENDING, PENDING]
    finished = list(Predictor.select().dicts())
    queue.run_jobs(progress=False)
    assert states(queue) == [COMPLETE] * 4
    assert len(calls) == 5
    assert list(Predictor.select().order_by(Predictor.id).dicts())[:1] == finished
    # two repeats, one a fold or combination; each model once
    places = [(row.job_id, row.repeat_index) for row in Predictor.select().order_by(Predictor.id)]
    assert places == [(1, 0), (2, 0), (1, 1), (2, 1)]


def test_a_full_disk_loses_nothing(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiqc.orm import job_store

    queue = make_queue()

    def full(outcome: Any, **options: Any) -> Any:
        put_outcome(outcome, **options)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(job_store, "put_outcome", full)
        with pytest.raises(JobFailed, match="No space left on device"):
            queue.run_jobs(progress=False)
    assert (Predictor.select().count(), states(queue)[0]) == (0, FAILED)
    queue.run_jobs(progress=False)
    assert states(queue) == [COMPLETE] * 4


def test_a_note_about_a_result_is_a_warning_that_names_the_run(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    queue = make_queue(space={"hidden": [2]}, repeat_count=1)
    train = train_job.train_task
    noted = lambda task: replace(train(task), notes=("kept as code",))  # noqa: E731
    monkeypatch.setattr(train_job, "train_task", noted)
    with pytest.warns(ResultWarning, match=r"^Run 1: kept as code$"):
        queue.run_jobs(progress=False)
    assert states(queue) == [COMPLETE]


def test_the_bar_counts_what_was_finished_before(
    store: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = make_queue(train=failing_train, space={"hidden": [0, 2]}, repeat_count=1)
    with pytest.raises(JobFailed):
        queue.run_jobs(progress=False)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("HEALED", "yes")
    # a bar is for people: none where nobody looks
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    queue.run_jobs()
    out, err = capsys.readouterr()
    assert out == ""
    shown = re.findall(r"Queue 1: +(\d+)%[^\r]* (\d)/2", err)
    assert shown[-1] == ("100", "2")
    assert {int(done) for _, done in shown} <= {0, 1, 2}
