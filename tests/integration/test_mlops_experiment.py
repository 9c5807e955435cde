"""Experiment: the Queue it makes, the one it finds again, and what it leaves when it fails."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from mlops_studies import architecture, counts, declared, ids_given, pipeline, trained
from toy_studies import RESULT, make_queue, make_splitset, rows, toy_build

from aiqc.core.errors import Incompatible, InvalidFunction, InvalidInput, ResultWarning
from aiqc.mlops import (
    Algorithm,
    Architecture,
    Experiment,
    Hyperparamset,
    Pipeline,
    Queue,
    Stratifier,
    Trainer,
)

if TYPE_CHECKING:
    from aiqc.orm._database import Metastore


def test_the_rows_are_those_of_the_low_level_api(store: Metastore) -> None:
    """The same seeds, and so the same models."""
    by_hand = make_queue(make_splitset(size_test=0.25), {"hidden": [0, 2]}, permute_count=0)
    declared_queue = Experiment(
        architecture(), Trainer(pipeline(), repeat_count=2, permute_count=0), force=True
    )
    assert declared_queue != by_hand
    seeds = [[run.seed for run in queue.runs] for queue in (by_hand, declared_queue)]
    assert seeds[0] == seeds[1]
    assert declared_queue.hyperparamset.seed == by_hand.hyperparamset.seed
    combos = [
        [combo.hyperparameters for combo in queue.hyperparamset.hyperparamcombos]
        for queue in (by_hand, declared_queue)
    ]
    assert combos[0] == combos[1] == [{"hidden": 0}, {"hidden": 2}]


def test_a_queue_made_by_hand_is_found(store: Metastore) -> None:
    by_hand = make_queue(make_splitset(size_test=0.25), {"hidden": [0, 2]}, permute_count=0)
    trainer = Trainer(pipeline(), repeat_count=2, permute_count=0)
    assert Experiment(architecture(), trainer) == by_hand


def test_a_cell_that_is_run_again_returns_its_queue_and_retrains_nothing(
    store: Metastore,
) -> None:
    queue = trained(repeat_count=2)
    before, last_ids = counts(), ids_given(store.path)
    results = rows(store.path, RESULT)
    again = Experiment(architecture(), Trainer(queue.splitset.id, repeat_count=2, permute_count=0))
    again.run_jobs(progress=False)
    assert again == queue
    assert again.status == {"complete": 4}
    assert rows(store.path, RESULT) == results
    assert len(results) == 4
    assert counts() == before
    assert ids_given(store.path) == last_ids


def test_a_whole_notebook_that_is_run_again_retrains_nothing(store: Metastore) -> None:
    queue = trained()
    results = rows(store.path, RESULT)
    before = counts()
    assert trained() == queue  # registers the data again, as another row
    assert rows(store.path, RESULT) == results
    assert counts() == before | {"Dataset": before["Dataset"] + 1}


#: a second process, or kernel, that runs the notebook of the first one
NOTEBOOK = """
import json, sys
sys.path[:0] = [{integration!r}]
import aiqc
aiqc.connect({path!r})
from mlops_studies import counts, trained
queue = trained()
print(json.dumps([queue.id, queue.status, counts()]))
"""


def test_another_process_returns_the_same_rows(
    store: Metastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    monkeypatch.setenv("AIQC_SIGNING_KEY", "5a" * 32)
    integration = str(Path(__file__).parent)
    code = NOTEBOOK.format(integration=integration, path=str(store.path))
    found = []
    results = []
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        found.append(json.loads(ran.stdout))
        results.append(rows(store.path, RESULT))
    first, second = found
    assert first[:2] == second[:2] == [1, {"complete": 2}]
    assert second[2] == first[2] | {"Dataset": 2}
    assert results[0] == results[1]
    assert len(results[0]) == 2


def other_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from aiqc.training.toy_model import ToyModel

    return ToyModel(hidden=hp.get("hidden", 1))


def first_metric(true: Any, predicted: Any) -> float:
    return float(np.mean(true == predicted))


def second_metric(true: Any, predicted: Any) -> float:
    return float(np.mean(true != predicted))


def predict(model: Any, features: Any) -> Any:
    return model.predict(features)


SPACE = {"hidden": [0, 2, 4], "epochs": [1, 2]}
#: (changes of the Architecture, changes of the Trainer, name): each another Queue
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "nothing": ({}, {}, None),
    "name": ({}, {}, "another"),
    "other name": ({}, {}, "a third"),
    "function": ({"fn_build": other_build}, {}, None),
    "one function more": ({"fn_predict": predict}, {}, None),
    "no fn_train": ({"fn_train": None}, {}, None),
    "metric": ({"metrics": {"own": first_metric}}, {}, None),
    "other metric": ({"metrics": {"own": second_metric}}, {}, None),
    "metric's name": ({"metrics": {"mine": first_metric}}, {}, None),
    "values": ({"hyperparameters": {"hidden": [0, 3]}}, {}, None),
    "order of values": ({"hyperparameters": {"hidden": [2, 0]}}, {}, None),
    "float for int": ({"hyperparameters": {"hidden": [0.0, 2.0]}}, {}, None),
    "larger space": ({"hyperparameters": SPACE}, {}, None),
    "order of names": ({"hyperparameters": dict(reversed(SPACE.items()))}, {}, None),
    "no space": ({"hyperparameters": None}, {}, None),
    "seed without space": ({"hyperparameters": None}, {"seed": 1}, None),
    "repeat_count": ({}, {"repeat_count": 2}, None),
    "permute_count": ({}, {"permute_count": 1}, None),
    "seed": ({}, {"seed": 1}, None),
    "search_count": ({"hyperparameters": SPACE}, {"search_count": 3}, None),
    "other search_count": ({"hyperparameters": SPACE}, {"search_count": 2}, None),
    "search_percent": ({"hyperparameters": SPACE}, {"search_percent": 0.5}, None),
    "seed of a search": ({"hyperparameters": SPACE}, {"search_count": 3, "seed": 5}, None),
}


def test_other_content_is_another_row(store: Metastore) -> None:
    """Every change is another Queue than all others, and is itself found again."""
    splitset = pipeline()

    def make(change: str) -> Queue:
        build, train, name = CHANGES[change]
        trainer = Trainer(splitset, **({"permute_count": 0} | train))
        return Experiment(architecture(**build), trainer, name=name)

    made = {change: make(change) for change in CHANGES}
    assert len({row.id for row in made.values()}) == len(CHANGES)
    before = counts()
    assert {change: make(change) for change in CHANGES} == made
    assert counts() == before


@pytest.mark.parametrize(
    ("size", "again"),
    [
        ({"search_percent": 1}, {"search_percent": 1}),
        ({"search_percent": 1}, {"search_percent": 1.0}),
        ({"search_percent": np.float64(0.5)}, {"search_percent": 0.5}),
        ({"search_percent": np.float32(0.3)}, {"search_percent": np.float32(0.3)}),
        ({"search_count": np.int64(3)}, {"search_count": 3}),
    ],
)
def test_a_search_of_equal_size_is_the_same_queue(
    store: Metastore, size: dict[str, Any], again: dict[str, Any]
) -> None:
    splitset, model = pipeline(), architecture(hyperparameters=SPACE)
    first = Experiment(model, Trainer(splitset, **size))
    before = counts()
    assert Experiment(model, Trainer(splitset, **again)) == first
    assert counts() == before


@pytest.mark.parametrize("size", [{"search_count": 3.0}, {"search_percent": "0.5"}])
def test_a_search_is_checked_where_an_equal_one_exists(
    store: Metastore, size: dict[str, Any]
) -> None:
    splitset, model = pipeline(), architecture(hyperparameters=SPACE)
    for existing in ({"search_count": 3}, {"search_percent": 0.5}):
        Experiment(model, Trainer(splitset, **existing))
    with pytest.raises(InvalidInput, match=next(iter(size))):
        Experiment(model, Trainer(splitset, **size))


@pytest.mark.parametrize(
    "change", [{"stratifier": Stratifier(size_test=0.5)}, {"seed": 3}, {"name": "named"}]
)
def test_another_pipeline_is_another_queue(store: Metastore, change: dict[str, Any]) -> None:
    first = Experiment(architecture(), Trainer(pipeline()))
    second = Experiment(architecture(), Trainer(pipeline(**change)))
    assert first != second
    assert Experiment(architecture(), Trainer(pipeline(**change))) == second


def test_a_pipeline_that_was_forced_has_the_queue_of_its_content(store: Metastore) -> None:
    queue = trained()
    forced = Pipeline(**declared(1, force=True))
    assert forced != queue.splitset
    assert Experiment(architecture(), Trainer(forced, permute_count=0)) == queue


def test_force_repeats(store: Metastore) -> None:
    queue = trained()
    before = counts()
    trainer = Trainer(queue.splitset, permute_count=0)
    forced = Experiment(architecture(), trainer, force=True)
    assert forced != queue
    assert forced.splitset == queue.splitset
    assert [run.seed for run in forced.runs] == [run.seed for run in queue.runs]
    assert forced.status == {"pending": 2}
    grown = {"Algorithm": 1, "Hyperparamset": 1, "Hyperparamcombo": 2, "Queue": 1}
    grown |= {"Trial": 2, "Job": 2, "Run": 2}
    assert counts() == {table: n + grown.get(table, 0) for table, n in before.items()}
    assert Experiment(architecture(), trainer) == forced, "the newest is the one to go on with"


def source_of(folder: Path, hidden: int, at: str) -> Any:
    """Return fn_build of a file that was edited, or moved."""
    path = folder / f"{at}.py"
    path.write_text(
        f"{'# moved down' * (at != 'first')}\n\ndef fn_build(features_shape, label_shape, **hp):\n"
        f"    from aiqc.training.toy_model import ToyModel\n\n"
        f"    return ToyModel(hidden={hidden})\n",
        encoding="utf-8",
    )
    spec = importlib.util.spec_from_file_location(f"study_{at}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fn_build


def test_edited_source_is_another_queue_and_moved_source_is_not(
    store: Metastore, tmp_path: Path
) -> None:
    trainer = Trainer(pipeline())
    made = [
        Experiment(Architecture("toy", "classification_binary", function), trainer)
        for function in (
            source_of(tmp_path, 1, "first"),
            source_of(tmp_path, 1, "second"),
            source_of(tmp_path, 2, "third"),
        )
    ]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_a_function_without_text_is_found_again(store: Metastore) -> None:
    """A closure is kept as bytes; the same function has the same bytes in a process."""

    def closed(hidden: int) -> Any:
        def fn_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
            from aiqc.training.toy_model import ToyModel

            return ToyModel(hidden=hidden)

        return fn_build

    trainer = Trainer(pipeline())
    with pytest.warns(ResultWarning, match="fn_build"):
        first = Experiment(Architecture("toy", "classification_binary", closed(1)), trainer)
    assert Experiment(Architecture("toy", "classification_binary", closed(1)), trainer) == first
    with pytest.warns(ResultWarning, match="fn_build"):
        other = Experiment(Architecture("toy", "classification_binary", closed(2)), trainer)
    assert other != first


#: a kernel that runs a cell whose function has no text that could run; `{build}` is its last line
KERNEL = """
import os, sys, warnings
sys.path[:0] = [{integration!r}]
import aiqc
import numpy as np
from aiqc.mlops import Architecture, Experiment, Trainer
from mlops_studies import pipeline
aiqc.connect({path!r})
warnings.simplefilter("ignore")
exec(compile({cell!r}, f"/tmp/ipykernel_{{os.getpid()}}/123.py", "exec"))
study = Architecture("toy", "classification_binary", fn_build)
print(Experiment(study, Trainer(pipeline(), permute_count=0)).id)
"""
CELL = """
sizes, factor, third, fourth = np.array([1, 2]), np.float32(2), np.array([3]), np.array([4])

def helper(value):
    return int(value * factor) + len(third) + len(fourth)

def closed(hidden):
    def fn_build(features_shape, label_shape, **hp):
        from aiqc.training.toy_model import ToyModel

        return ToyModel(hidden=hidden + helper(sizes[0]))

    return fn_build

{build}
"""


def test_a_function_without_text_is_found_by_another_kernel(
    store: Metastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process id in its file's name and the order of its globals differ; it does not."""
    monkeypatch.setenv("AIQC_SIGNING_KEY", "5a" * 32)
    integration = str(Path(__file__).parent)
    ids = []
    for seed, line in (("1", "closed(1)"), ("2", "closed(1)"), ("3", "closed(2)")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        code = KERNEL.format(
            integration=integration,
            path=str(store.path),
            cell=CELL.format(build=f"fn_build = {line}"),
        )
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        ids.append(int(ran.stdout))
    assert ids == [1, 1, 2]


def test_a_trainer_serves_any_number_of_experiments(store: Metastore) -> None:
    trainer = Trainer(pipeline(), repeat_count=2, permute_count=0, search_count=2)
    fields = dict(vars(trainer))
    made = [
        Experiment(architecture(hyperparameters={"hidden": [0, 1, 2, size]}), trainer)
        for size in (3, 4, 5)
    ]
    assert [queue.total_runs for queue in made] == [4, 4, 4]
    assert {queue.repeat_count for queue in made} == {2}
    assert len(set(made)) == 3
    assert vars(trainer) == fields


#: what an Experiment refuses after its Algorithm is stored
BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "hyperparameter": ({"hyperparameters": {"pause": [{1, 2}]}}, {}, InvalidInput),
    "search": ({}, {"search_percent": 2.0}, InvalidInput),
    "analysis": ({"analysis_type": "regression"}, {}, Incompatible),
    "library": ({"library": "tools"}, {}, InvalidInput),
    "function": ({"fn_train": toy_build}, {}, InvalidFunction),
    "metric": ({"metrics": {"loss": first_metric}}, {}, InvalidInput),
    "seed": ({}, {"seed": -1}, InvalidInput),
    "argument": ({"hyperparameters": {"model": [1]}}, {}, InvalidFunction),
}


def test_what_fails_leaves_no_rows(any_store: Metastore) -> None:
    splitset = pipeline()
    before = counts()
    for case, (build, train, error) in BROKEN.items():
        with pytest.raises(error):
            Experiment(architecture(**build), Trainer(splitset, **train))
        assert counts() == before, case
    assert Experiment(architecture(), Trainer(splitset)).total_runs == 2


def test_two_at_once_make_one_row(any_store: Metastore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look before either has written; the second looks again once it may write."""
    from aiqc.mlops import experiment as module
    from aiqc.orm._database import connection_context

    splitset = pipeline()
    barrier = threading.Barrier(2, timeout=60)
    look, looks = module.equal_queue, threading.local()

    def looked(key: Any) -> Any:
        found = look(key)
        if not hasattr(looks, "first"):
            looks.first = True
            barrier.wait()
        return found

    monkeypatch.setattr(module, "equal_queue", looked)
    made: list[Any] = []

    def declare() -> None:
        with connection_context():
            try:
                made.append(Experiment(architecture(), Trainer(splitset.id)).id)
            except Exception as error:  # noqa: BLE001 - the assertion shows it
                made.append(error)

    threads = [threading.Thread(target=declare) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1, 1]
    assert (Algorithm.select().count(), Hyperparamset.select().count()) == (1, 1)


def test_the_names_that_people_give_are_kept(store: Metastore) -> None:
    queue = Experiment(
        architecture(), Trainer(pipeline(name="points")), name="first try", description="toy"
    )
    assert (queue.name, queue.description, queue.splitset.name) == ("first try", "toy", "points")
    frame = Queue.list_df()
    assert frame["name"].tolist() == ["first try"]
