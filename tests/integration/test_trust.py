"""A stranger's store is listed, plotted and compared without running a byte of it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from toy_studies import KEY, make_queue
from warm_python import warm_python

import aiqc
from aiqc.core.codecs import from_json
from aiqc.core.enums import ModelForm, RunState
from aiqc.core.errors import CorruptBlob, InvalidInput, UntrustedCode
from aiqc.orm import Algorithm, Dataset, Prediction, Predictor, Queue, Run

#: a constant that a bundle takes along, too long for the row of its blob
LONG_TEXT = "0123456789" * 500
#: loading this function writes a file, and so does calling it
STRANGER = """
import os
from pathlib import Path


class Marked:
    Path(os.environ["CANARY"]).touch()
    least = 0


def strange_build(features_shape, label_shape, **hp):
    from aiqc.training.toy_model import ToyModel

    return ToyModel(hidden=max(hp["hidden"], Marked.least))


def strange_train(
    model, loser, optimizer, train_features, train_label, eval_features, eval_label, **hp
):
    model.fit(loser, optimizer, train_features, train_label, epochs=2)
    return model, {"loss": [0.5, 0.25, 0.125, 0.0625]}


def strange_metric(true, predicted):
    return float((true == predicted).sum())
"""
MAKE = """
import os, sys, warnings, aiqc
sys.path.insert(0, os.environ["FOLDER"])
from aiqc.orm import Algorithm, Hyperparamset, Queue
from aiqc.training.toy_model import ToyModel
from stranger import strange_build, strange_metric, strange_train
from toy_studies import make_splitset
aiqc.connect(os.environ["STORE"])
algorithm = Algorithm.make(
    "toy", "classification_binary", strange_build, strange_train, metrics={"hits": strange_metric}
)
splitset = make_splitset()
combos = Hyperparamset.from_algorithm(algorithm, {"hidden": [0, 2]})
finished = Queue.from_algorithm(algorithm, splitset, hyperparamset_id=combos, permute_count=1)
finished.run_jobs(progress=False)
pending = Queue.from_algorithm(algorithm, splitset, hyperparamset_id=combos, permute_count=0)
"""


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file of a store that another user made."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "stranger.py").write_text(STRANGER)
    warm_python().run(
        MAKE,
        FOLDER=str(folder),
        STORE=str(folder / "store.sqlite3"),
        CANARY=str(folder / "canary"),
        AIQC_HOME=str(folder / "home"),
        AIQC_SIGNING_KEY="c4" * 32,
    )
    assert (folder / "canary").exists()
    return (folder / "store.sqlite3").read_bytes()


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "canary"
    monkeypatch.setenv("CANARY", str(path))
    monkeypatch.setenv("AIQC_SIGNING_KEY", KEY)
    # functions are loaded once a process
    monkeypatch.setattr("aiqc.core.functions.load._loaded", {})
    return path


@pytest.fixture
def file(strangers: bytes, canary: Path, tmp_path: Path) -> Path:
    """Connect a copy of the stranger's store, with a key of our own."""
    path = tmp_path / "strangers.sqlite3"
    path.write_bytes(strangers)
    aiqc.connect(path)
    return path


def alter(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def test_looking_runs_nothing(file: Path, canary: Path) -> None:
    finished, pending = Queue.select().order_by(Queue.id)
    assert list(Queue.list_df()["total_runs"]) == [2, 2]
    assert (finished.runs_completed, pending.runs_completed) == (2, 0)
    assert Dataset.list_df()["columns"].tolist() == [4]
    metrics = finished.metrics_df()
    assert metrics["hits"].between(1, 48).all()
    assert len(finished.metricsAggregate_df()) == 2 * 8
    assert len(pending.metrics_df()) == 0
    assert len(finished.plot_performance(call_display=False).data) >= 2
    code = Algorithm.get_code(1)
    assert code["fn_build"].count('Path(os.environ["CANARY"]).touch()') == 1
    assert "(true == predicted).sum()" in code["metrics.hits"]
    for predictor in Predictor.select():
        assert predictor.get_hyperparameters(as_pandas=False)["hidden"] in (0, 2)
        assert predictor.history["loss"].tolist() == [0.5, 0.25, 0.125, 0.0625]
        assert len(predictor.plot_learning_curve(call_display=False)) == 1
        assert len(predictor.model_file) > 100
    for prediction in Prediction.select():
        assert {len(rows) for rows in prediction.predictions.values()} == {36, 12}
        assert set(prediction.importance_df()["Feature"]) == {"a", "b", "kind"}
        assert set(prediction.plot_data) == {"train", "test"}
        for draw in ("roc_curve", "precision_recall", "confidence"):
            assert getattr(prediction, f"plot_{draw}")(call_display=False).data
        assert len(prediction.plot_confusion_matrix(call_display=False)) == 2
        assert len(prediction.plot_feature_importance(call_display=False)) == 1
    for row in (finished, Algorithm.of(1), Predictor.of(1), finished.splitset):
        assert repr(row).startswith("<")
        assert "<table>" in row._repr_html_()
    # nothing is left to run: nothing has to be trusted
    assert finished.run_jobs(progress=False) is None
    assert not canary.exists()


CALLS = {
    "run_jobs": lambda: Queue.run_jobs(2, progress=False),
    "get_model": lambda: Predictor.get_model(1),
    "calc_featureImportance": lambda: Prediction.calc_featureImportance(1, permute_count=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_running_is_refused_and_says_how_to_trust(file: Path, canary: Path, name: str) -> None:
    with pytest.raises(UntrustedCode) as caught:
        CALLS[name]()
    text = str(caught.value)
    assert "Algorithm.fn_build" in text
    assert "was not signed by you" in text
    assert "get_code()" in text
    assert "aiqc.trust(row)" in text
    assert (caught.value.kind, caught.value.field) == ("Algorithm", "fn_build")
    assert isinstance(caught.value, PermissionError)
    assert not canary.exists()
    # no run was claimed, none failed
    assert [(run.state, run.token) for run in Run.select().where(Run.queue == 2)] == [
        (RunState.PENDING, 0)
    ] * 2


@pytest.mark.parametrize("kind", [Algorithm, Predictor, Queue])
@pytest.mark.parametrize("name", CALLS)
def test_what_is_trusted_runs(file: Path, canary: Path, kind: Any, name: str) -> None:
    row = kind.of(1)
    assert aiqc.trust(row) is row
    assert not canary.exists()
    CALLS[name]()
    assert canary.exists()
    assert Queue.of(2).runs_completed == (2 if name == "run_jobs" else 0)


def test_trust_is_of_this_user_only(file: Path, canary: Path, monkeypatch: Any) -> None:
    aiqc.trust(Algorithm.of(1))
    monkeypatch.setenv("AIQC_SIGNING_KEY", "e9" * 32)
    with pytest.raises(UntrustedCode):
        Predictor.get_model(1)
    # who shares the signer's key needs no trust
    monkeypatch.setenv("AIQC_SIGNING_KEY", KEY)
    Predictor.get_model(1)


def test_a_row_without_code_is_not_trusted(file: Path) -> None:
    with pytest.raises(InvalidInput, match=r"<Dataset 1.*> holds no code.*an Algorithm"):
        aiqc.trust(Dataset.of(1))


def test_own_stores_just_work_and_another_process_may_run_them(
    store: Any, private_home: Path
) -> None:
    make_queue(space={"hidden": [0]})
    code = "import os, aiqc; from aiqc.orm import Queue; aiqc.connect(os.environ['STORE'])\n"
    code += "Queue.run_jobs(1, progress=False); print(Queue.of(1).runs_completed)"
    home = {"AIQC_HOME": str(private_home / "aiqc"), "STORE": str(store.path)}
    assert warm_python().run(code, **home) == ["2"]


# --- stored code that was changed ------------------------------------------


def bundle_of(path: Path) -> tuple[int, bytes]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT blob.id, inline FROM blob JOIN algorithm ON blob.id = build_content_id"
        return connection.execute(query).fetchone()


def test_a_flipped_byte_is_found(file: Path, canary: Path) -> None:
    aiqc.trust(Algorithm.of(1))
    blob, data = bundle_of(file)
    place = data.index(b"ToyModel(hidden")
    flipped = data[:place] + b"t" + data[place + 1 :]
    alter(file, "UPDATE blob SET inline = ? WHERE id = ?", flipped, blob)
    for call in (*CALLS.values(), lambda: Algorithm.get_code(1), lambda: Algorithm.of(1).fn_build):
        with pytest.raises(CorruptBlob, match=rf"Blob {blob} .* is damaged.*backup"):
            call()
    assert not canary.exists()


def test_a_flipped_byte_of_a_long_function_is_found(store: Any) -> None:
    queue = make_queue(space={"hidden": [0]}, train=long_train)
    blob = queue.algorithm.train_content
    assert blob.inline is None
    (data,) = _chunk(store.path, blob.id)
    place = data.index(b"epochs=3")
    flipped = data[:place] + b"epochs=4" + data[place + 8 :]
    alter(store.path, "UPDATE blob_chunk SET data = ? WHERE blob_id = ?", flipped, blob.id)
    with pytest.raises(CorruptBlob, match="chunk 0 does not match its checksum"):
        queue.run_jobs(progress=False)
    assert queue.status == {"pending": 2}


def long_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    text = LONG_TEXT
    model.fit(loser, optimizer, train_features, train_label, epochs=3)
    return model, {"loss": [float(len(text))]}


def _chunk(path: Path, blob: int) -> tuple[bytes, ...]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT data FROM blob_chunk WHERE blob_id = ?", (blob,))
        return tuple(data for (data,) in found.fetchall())


def test_code_that_was_replaced_with_a_right_hash_is_refused(file: Path, canary: Path) -> None:
    aiqc.trust(Algorithm.of(1))
    blob, data = bundle_of(file)
    forged = data.replace(b"ToyModel(hidden=max", b"ToyModel(hidden=9 or max")
    assert forged != data
    digest = hashlib.sha256(forged).hexdigest()
    alter(
        file,
        "UPDATE blob SET inline = ?, sha256 = ?, size = ? WHERE id = ?",
        *(forged, digest, len(forged), blob),
    )
    with pytest.raises((UntrustedCode, CorruptBlob)):
        Queue.run_jobs(2, progress=False)
    assert not canary.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE algorithm SET train_content_id = build_content_id",
        "UPDATE algorithm SET predict_content_id = build_content_id",
        "UPDATE algorithm SET library = 'sklearn'",
        "UPDATE algorithm SET signatures = '{}'",
    ],
)
def test_a_signature_holds_for_its_place_only(file: Path, canary: Path, statement: str) -> None:
    aiqc.trust(Algorithm.of(1))
    alter(file, statement)
    with pytest.raises(UntrustedCode):
        Queue.run_jobs(2, progress=False)
    assert not canary.exists()


# --- models that are kept as code ------------------------------------------


def other_model(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    from aiqc.core.enums import AnalysisType
    from aiqc.training.toy_model import ToyModel

    other = ToyModel(hidden=5)
    other.start(AnalysisType.BINARY, train_features.shape[1], 1)
    other.fit(loser, optimizer, train_features, train_label, epochs=2)
    return other


def test_a_model_kept_as_code_is_signed(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiqc.core.errors import ResultWarning

    queue = make_queue(space={"hidden": [0]}, train=other_model, repeat_count=1)
    with pytest.warns(ResultWarning, match="kept as opaque code"):
        queue.run_jobs(progress=False)
    predictor = Predictor.of(1)
    assert predictor.model_form is ModelForm.OPAQUE
    assert predictor.get_model().hidden == 5
    # the Algorithm may be trusted, its models are another matter
    monkeypatch.setenv("AIQC_SIGNING_KEY", KEY)
    aiqc.trust(queue.algorithm)
    with pytest.raises(UntrustedCode, match=r"Predictor\.model_file .*cannot be read") as caught:
        Predictor.get_model(1)
    assert "get_code" not in str(caught.value)
    aiqc.trust(Predictor.of(1))
    assert Predictor.get_model(1).hidden == 5


def test_signatures_are_text_of_each_function(file: Path) -> None:
    stored = Algorithm.of(1).signatures
    assert set(stored) == {"fn_build", "fn_train", "metrics.hits"}
    assert {len(value) for value in stored.values()} == {64}
    with closing(sqlite3.connect(file)) as connection:
        (text,) = connection.execute("SELECT signatures FROM algorithm").fetchone()
    assert from_json(text) == stored
