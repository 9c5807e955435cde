"""Datasets in a real store: versions, names, sources, columns that are read, deletion."""

from __future__ import annotations

import gzip
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_studies import make_queue, make_splitset, points
from warm_python import warm_python

import aiqc
from aiqc.core.errors import (
    Conflict,
    DataChanged,
    DuplicateWarning,
    InvalidInput,
    RecordInUse,
    WrongStore,
)
from aiqc.orm import Dataset, Feature, Label, LabelCoder, Predictor, Queue, Splitset, _blob_reader
from aiqc.orm._blob_tables import CHUNK_SIZE, Blob
from aiqc.orm._blobs import collect_orphans
from aiqc.orm._connect import connection_string
from aiqc.orm._registry import registry


def frame(*numbers: float) -> pd.DataFrame:
    return pd.DataFrame({"n": list(numbers), "t": [f"row {n}" for n in numbers]})


# --- versions --------------------------------------------------------------


def test_equal_content_is_its_version_whichever_that_is(any_store: Any) -> None:
    first = Dataset.Tabular.from_df(frame(1, 2), name="study")
    second = Dataset.Tabular.from_df(frame(1, 3), name="study")
    third = Dataset.Tabular.from_df(frame(4), name="study", description="the third")
    assert [row.version for row in (first, second, third)] == [1, 2, 3]
    expected = r"Dataset 'study' with equal content exists as version 1 \(id 1\)"
    with pytest.warns(DuplicateWarning, match=expected):
        again = Dataset.Tabular.from_df(frame(1, 2), name="study")
    assert (again, again.version, Dataset.select().count()) == (first, 1, 3)
    # a version counts from the largest one
    second.delete_instance()
    assert Dataset.Tabular.from_df(frame(5), name="study").version == 4
    # another name is another thing, and so is no name at all; the bytes are shared
    other = Dataset.Tabular.from_df(frame(1, 2), name="other")
    unnamed = [Dataset.Tabular.from_df(frame(1, 2)) for _ in range(2)]
    assert (other.version, [row.version for row in unnamed]) == (1, [None, None])
    assert len({other.id, first.id, *(row.id for row in unnamed)}) == 4
    assert {row.content_id for row in (other, *unnamed)} == {first.content_id}


@pytest.mark.parametrize(
    "changed",
    [
        pd.DataFrame({"n": [1, 2], "t": ["row 1", "row 2"]}, dtype=object).convert_dtypes(),
        frame(1.0, 2.0),
        frame(2, 1),
        frame(1, 2)[["t", "n"]],
        frame(1, 2).rename(columns={"n": "m"}),
        pd.concat([frame(1, 2), frame(1, 2)], ignore_index=True),
        frame(1, 2).assign(n=[1, np.nan]),
    ],
    ids=["nullable", "floats", "order of rows", "order of columns", "name", "twice", "missing"],
)
def test_whatever_changes_the_data_is_a_new_version(store: Any, changed: pd.DataFrame) -> None:
    Dataset.Tabular.from_df(frame(1, 2), name="study")
    assert Dataset.Tabular.from_df(changed, name="study").version == 2


def test_a_name_belongs_to_one_type(any_store: Any) -> None:
    Dataset.Sequence.from_numpy(np.zeros((2, 3, 4)), name="study")
    with pytest.raises(Conflict, match=r"'study' belongs to sequence data; this is tabular data"):
        Dataset.Tabular.from_df(frame(2), name="study")
    other = Dataset.Tabular.from_df(frame(2))
    with pytest.raises(Conflict, match="belongs to sequence data"):
        other.set_info(name="study")
    assert [(row.name, row.version) for row in Dataset.select().order_by(Dataset.id)] == [
        ("study", 1),
        (None, None),
    ]


def test_names_are_told_apart_by_case_and_spaces(any_store: Any) -> None:
    rows = [Dataset.Tabular.from_df(frame(1), name=name) for name in ("a", "A", "a ", "ä")]
    assert [row.version for row in rows] == [1] * 4


TWIN = """
import os, time, warnings, aiqc
from aiqc.orm import Dataset
from toy_studies import points
aiqc.connect(os.environ["STORE"])
frame = points(3000)
while time.time() < float(os.environ["START"]):
    time.sleep(0.0005)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    row = Dataset.Tabular.from_df(frame, name="twins")
print(row.id, row.version, len(caught))
"""


def test_processes_that_register_the_same_at_once_make_one_row(
    any_store: Any, private_home: Path
) -> None:
    where = {"STORE": connection_string(), "AIQC_HOME": str(private_home / "aiqc")}
    found = warm_python().run(TWIN, 4, START=str(time.time() + 0.4), **where)
    assert sorted(found) == ["1 1 0", "1 1 1", "1 1 1", "1 1 1"]
    assert (Dataset.select().count(), Blob.select().count()) == (1, 1)
    assert len(Dataset.of(1).to_df()) == 3000


def test_renaming_takes_the_next_version_there(any_store: Any) -> None:
    a1 = Dataset.Tabular.from_df(frame(1), name="a")
    b1 = Dataset.Tabular.from_df(frame(2), name="b")
    unnamed = Dataset.Tabular.from_df(frame(3))
    assert b1.set_info(name="a") == b1
    assert (Dataset.of(b1.id).name, Dataset.of(b1.id).version) == ("a", 2)
    unnamed.set_info(name="a", description="joined")
    row = Dataset.of(unnamed.id)
    assert (row.name, row.version, row.description) == ("a", 3, "joined")
    # its own name again changes nothing
    a1.set_info(name="a")
    assert Dataset.of(a1.id).version == 1
    twin = Dataset.Tabular.from_df(frame(1), name="c")
    with pytest.raises(
        Conflict, match=r"Dataset \d+ cannot take the name 'a': version 1 is equal"
    ):
        twin.set_info(name="a")
    assert (Dataset.of(twin.id).name, Dataset.of(twin.id).version) == ("c", 1)
    # the names that were left are free
    assert Dataset.Tabular.from_df(frame(9), name="b").version == 1


# --- read again in another process -----------------------------------------

ATTRIBUTES = [
    "typ",
    "source_format",
    "source_path",
    "urls",
    "columns",
    "dtypes",
    "shape",
    "sha256_hexdigest",
    "memory_MB",
    "contains_nan",
    "header",
    "is_ingested",
    "version",
    "statistics",
    "name",
    "description",
    "is_starred",
]
READ = f"""
import os, json, aiqc
from aiqc.orm import Dataset
aiqc.connect(os.environ["STORE"])
row = Dataset.of(1)
found = {{key: getattr(row, key) for key in {ATTRIBUTES!r}}}
found["frame"] = row.to_df().to_dict("list")
found["array"] = row.to_arr(columns=["age"], samples=[2, 0]).tolist()
found["dtypes of frame"] = [str(dtype) for dtype in row.to_df().dtypes]
print(json.dumps(found))
"""


def test_another_process_reads_every_attribute(
    any_store: Any, private_home: Path, tmp_path: Path
) -> None:
    import json

    path = tmp_path / "people.tsv"
    path.write_text("who\tage\tlate\nAnn\t30\tTrue\nBo\t\tFalse\nÄnn\t50\tTrue\nBo\t40\tTrue\n")
    made = Dataset.Tabular.from_path(
        str(path), retype={"age": "float32"}, name="people", description="four of them"
    )
    made.flip_star()
    where = {"STORE": connection_string(), "AIQC_HOME": str(private_home / "aiqc")}
    found = json.loads(warm_python().run(READ, **where)[0])
    source = pd.read_csv(path, sep="\t").astype({"age": "float32"})
    age = found.pop("statistics")["age"]
    assert age == pytest.approx(
        {"count": 3, "nan_count": 1, "mean": 40, "std": 10, "min": 30, "25%": 35, "50%": 40,
         "75%": 45, "max": 50}
    )  # fmt: skip
    assert found.pop("memory_MB") == source.memory_usage(index=False, deep=True).sum() / 1e6
    digest = found.pop("sha256_hexdigest")
    assert (len(digest), digest) == (64, made.sha256_hexdigest)
    frame_ = found.pop("frame")
    assert frame_["who"] == ["Ann", "Bo", "Änn", "Bo"]
    assert frame_["late"] == [True, False, True, True]
    assert [frame_["age"][i] for i in (0, 2, 3)] == [30, 50, 40]
    assert np.isnan(frame_["age"][1])
    assert found == {
        "typ": "tabular",
        "source_format": "tsv",
        "source_path": str(path),
        "urls": None,
        "columns": ["who", "age", "late"],
        "dtypes": {"who": "str", "age": "float32", "late": "bool"},
        "shape": {"samples": 4, "columns": 3},
        "contains_nan": True,
        "header": "infer",
        "is_ingested": True,
        "version": 1,
        "name": "people",
        "description": "four of them",
        "is_starred": True,
        "array": [[50.0], [30.0]],
        "dtypes of frame": ["str", "float32", "bool"],
    }


# --- sources that stay where they are --------------------------------------


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_a_source_that_is_not_ingested_is_read_and_checked(
    store: Any, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"data.{ending}"
    source = points(50)

    def write(data: pd.DataFrame) -> None:
        if ending == "parquet":
            data.to_parquet(path)
        else:
            data.to_csv(path, index=False)

    write(source)
    row = Dataset.Tabular.from_path(str(path), ingest=False, name="there")
    assert (row.is_ingested, row.blob, row.content) == (False, None, None)
    assert row.source_path == str(path)
    assert Blob.select().count() == 0
    row = Dataset.of(row.id)
    pd.testing.assert_frame_equal(row.to_df(), source)
    pd.testing.assert_frame_equal(
        row.to_df(columns=["y", "a"], samples=[7, 3]),
        source[["y", "a"]].iloc[[7, 3]].reset_index(drop=True),
    )
    changed = source.copy()
    changed.loc[49, "b"] += 1e-9
    write(changed)
    calls = (
        lambda: row.to_df(),
        lambda: row.to_arr(columns=["a"]),
        # the columns and rows that are asked for have not changed; the data set has
        lambda: row.to_df(columns=["kind"], samples=[0]),
        lambda: Label.from_dataset(row, "y"),
    )
    for call in calls:
        with pytest.raises(DataChanged, match=rf"{path.name} is no longer the data") as caught:
            call()
    assert caught.value.source_path == str(path)
    assert "new content becomes a new version" in str(caught.value)
    assert Dataset.Tabular.from_path(str(path), ingest=False, name="there").version == 2
    write(source)
    pd.testing.assert_frame_equal(row.to_df(), source)
    with pytest.warns(DuplicateWarning, match="version 1"):
        assert Dataset.Tabular.from_path(str(path), ingest=True, name="there") == row
    path.unlink()
    with pytest.raises(InvalidInput, match="There is no file"):
        row.to_df()


def test_a_source_is_read_again_with_its_options(store: Any, tmp_path: Path) -> None:
    path = tmp_path / "raw.csv.gz"
    path.write_bytes(gzip.compress(b"1,x\n2,y\n"))
    row = Dataset.Tabular.from_path(
        str(path),
        ingest=False,
        header=None,
        rename_columns=["number", "letter"],
        retype={"number": "int8"},
    )
    row = Dataset.of(row.id)
    expected = pd.DataFrame({"number": np.array([1, 2], "int8"), "letter": ["x", "y"]})
    pd.testing.assert_frame_equal(row.to_df(), expected)
    assert (row.header, row.dtypes) == (None, {"number": "int8", "letter": "str"})


def test_a_queue_on_changed_data_does_not_train(store: Any, tmp_path: Path) -> None:
    from sklearn.preprocessing import LabelBinarizer

    from aiqc.core.errors import JobFailed

    path = tmp_path / "data.csv"
    points().to_csv(path, index=False)
    dataset = Dataset.Tabular.from_path(str(path), ingest=False)
    label = Label.from_dataset(dataset, "y")
    LabelCoder.from_label(label, LabelBinarizer())
    feature = Feature.from_dataset(dataset, include_columns=["a", "b"])
    splitset = Splitset.make(feature, label, size_test=0.25)
    queue = make_queue(splitset, repeat_count=1)
    points().iloc[::-1].to_csv(path, index=False)
    with pytest.raises((DataChanged, JobFailed), match="is no longer the data"):
        queue.run_jobs(progress=False)
    assert Predictor.select().count() == 0
    points().to_csv(path, index=False)
    queue.run_jobs(progress=False)
    assert queue.runs_completed == 2


# --- reading a few columns of a wide frame ---------------------------------


def test_a_few_columns_fetch_a_few_chunks(any_store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=(20_000, 60))
    wide = pd.DataFrame(values, columns=[f"c{i}" for i in range(60)])
    row = Dataset.Tabular.from_df(wide)
    blob = row.content
    chunk_count = -(-blob.size // CHUNK_SIZE)
    assert chunk_count > 12
    fetched: list[list[int]] = []
    fetch = _blob_reader._fetch

    def counted(blob: Any, wanted: Any) -> Any:
        if wanted:
            fetched.append(list(wanted))
        return fetch(blob, wanted)

    monkeypatch.setattr(_blob_reader, "_fetch", counted)
    row = Dataset.of(row.id)
    # what describes a data set reads none of it
    assert (repr(row), len(row.get_dtypes()), row.shape["samples"]) == ("<Dataset 1>", 60, 20_000)
    assert "<table>" in row._repr_html_()
    Dataset.list_df()
    assert fetched == []
    found = row.to_df(columns=["c41", "c7"])
    np.testing.assert_array_equal(found.to_numpy(), values[:, [41, 7]])
    assert list(found.columns) == ["c41", "c7"]
    chunks = {idx for batch in fetched for idx in batch}
    # two columns of 160 KB lie in at most two chunks each, the footer in one or two
    assert len(chunks) <= 6
    assert sum(len(batch) for batch in fetched) <= 8
    assert len(fetched) <= 8
    fetched.clear()
    np.testing.assert_array_equal(row.to_arr(samples=[19_999, 5]), values[[19_999, 5]])
    assert {idx for batch in fetched for idx in batch} == set(range(chunk_count))


# --- deleting --------------------------------------------------------------


def test_a_data_set_in_use_is_not_deleted(any_store: Any) -> None:
    queue = make_queue(repeat_count=1)
    dataset = queue.splitset.label.dataset
    counts = {table: table.select().count() for table in registry()}
    with pytest.raises(RecordInUse) as caught:
        dataset.delete_instance()
    assert caught.value.users == ["Feature 1", "Label 1"]
    assert str(caught.value).startswith("Dataset 1 is used by Feature 1, Label 1. ")
    assert "delete_instance(recursive=True)" in str(caught.value)
    assert {table: table.select().count() for table in registry()} == counts


@pytest.mark.parametrize("folds", [{}, {"fold_count": 2}], ids=["plain", "folds"])
def test_the_whole_tree_goes_and_its_bytes_with_it(any_store: Any, folds: dict[str, int]) -> None:
    queue = make_queue(space={"hidden": [0, 2]}, repeat_count=1, **folds)
    queue.run_jobs(progress=False)
    other = make_splitset(points(30), name="stays")
    other.cache_samples()
    kept = list(other.features[0].dataset.to_df()["a"])
    # the Algorithm is not made from the data: it stays, with its functions
    stays = {"Schema": 1, "Dataset": 1, "Feature": 1, "FeatureCoder": 2, "Label": 1}
    stays |= {"LabelCoder": 1, "Splitset": 1, "SplitsetFeature": 1, "Fit": 2}
    stays |= {"Algorithm": 1, "Hyperparamset": 1, "Hyperparamcombo": 2}
    removed = queue.splitset.label.dataset.delete_instance(recursive=True)
    counts = {table.__name__: table.select().count() for table in registry()}
    blobs = {name: counts.pop(name) for name in ("Blob", "BlobChunk")}
    assert {name: count for name, count in counts.items() if count} == stays
    assert removed > 20
    orphans = collect_orphans(grace_seconds=-1)
    # two functions; the data, its fits and their samples of the other study
    left = [blob.codec for blob in Blob.select().order_by(Blob.codec)]
    assert left == ["fit", "fit", "function", "function", "npy", "parquet"]
    assert orphans == blobs["Blob"] - len(left)
    assert list(Dataset.get().to_df()["a"]) == kept
    assert collect_orphans(grace_seconds=-1) == 0


def test_blobs_that_may_be_about_to_be_used_are_kept(any_store: Any) -> None:
    row = Dataset.Tabular.from_df(frame(1))
    row.delete_instance()
    assert collect_orphans() == 0
    assert Blob.select().count() == 1
    assert collect_orphans(grace_seconds=-1) == 1


# --- another store ---------------------------------------------------------


def test_rows_of_another_store_are_refused(any_store: Any, tmp_path: Path) -> None:
    queue = make_queue(repeat_count=1)
    rows = [queue, queue.algorithm, queue.splitset, queue.splitset.label, Dataset.of(1)]
    here = connection_string()
    aiqc.connect(tmp_path / "elsewhere.sqlite3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calls = [
            lambda: rows[4].to_df(),
            lambda: rows[4].set_info(description="x"),
            lambda: rows[4].delete_instance(),
            lambda: Feature.from_dataset(rows[4]),
            lambda: Splitset.cache_samples(rows[2]),
            lambda: Queue.from_algorithm(rows[1], 1),
            lambda: queue.metrics_df(),
            lambda: queue.run_jobs(),
        ]
    for call in calls:
        with pytest.raises(WrongStore, match=r"belongs to .*elsewhere\.sqlite3 is connected"):
            call()
    assert {table.select().count() for table in registry() if table.__name__ != "Schema"} == {0}
    aiqc.connect(here)
    assert len(rows[4].to_df()) == 48
    assert queue.total_runs == 2


def test_the_same_file_by_another_way_is_the_same_store(tmp_path: Path) -> None:
    aiqc.connect(tmp_path / "store.sqlite3")
    row = Dataset.Tabular.from_df(frame(1))
    aiqc.connect(f"sqlite:///{tmp_path}/store.sqlite3")
    assert len(row.to_df()) == 1
