"""The demonstration: it trains, its numbers are right, its page stands alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aiqc import datum
from aiqc.demo import breast_cancer, diabetes, penguins
from aiqc.demo.__main__ import STUDIES, run
from aiqc.demo.results import best_predictor, missing_text, result_of
from aiqc.orm import Algorithm, Dataset, Queue


def charts(page: str) -> dict[str, list[dict[str, object]]]:
    """Return the figures inside a page by theme."""
    text = page.partition("<script id='figures' type='application/json'>")[2]
    found: dict[str, list[dict[str, object]]] = json.loads(text.partition("</script>")[0])
    return found


def titles(page: str) -> list[str]:
    layouts = [figure["layout"] for figure in charts(page)["light"]]
    return [layout["title"]["text"] for layout in layouts]  # type: ignore[index]


def test_it_runs_twice_in_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = []
    for _ in range(2):
        (result,) = run([diabetes.STUDY], tmp_path, quick=True)
        assert Queue.select().count() == 1
        assert Dataset.list_df()["name"].tolist() == ["diabetes"]
        assert result.queue.status == {"complete": 4}
        tables.append(result.scores)
    assert tables[0] == tables[1]
    printed = capsys.readouterr()
    assert str(tmp_path / "demo.sqlite3") in printed.out
    assert str(tmp_path / "report.html") in printed.out


def test_the_regressions_numbers_are_scikit_learns(tmp_path: Path) -> None:
    from sklearn.metrics import mean_absolute_error, r2_score

    (result,) = run([diabetes.STUDY], tmp_path, quick=True)
    truth = datum.to_df("diabetes")["progression"].to_numpy()
    samples = result.queue.splitset.samples
    predicted = result.prediction.predictions["test"].ravel()
    expected = truth[samples["test"]]
    assert result.scores["r2"] == pytest.approx(r2_score(expected, predicted), rel=1e-12)
    assert result.scores["mae"] == pytest.approx(
        mean_absolute_error(expected, predicted), rel=1e-12
    )
    mean = np.full(len(expected), truth[samples["train"]].mean())
    assert result.baseline["r2"] == pytest.approx(r2_score(expected, mean), rel=1e-12)
    assert result.scores["mae"] < result.baseline["mae"]
    # the choice leaves the test split out, and is the one that the figure marks
    table = result.queue.metrics_df()
    validation = table[table["split"] == "validation"].set_index("predictor_id")["r2"]
    assert best_predictor(result.queue, "r2").id == validation.idxmax()
    figure = result.queue.plot_performance(call_display=False)
    badges = " ".join(annotation.text for annotation in figure.layout.annotations)
    assert f"predictor {validation.idxmax()}" in badges


def test_the_page_stands_alone(tmp_path: Path) -> None:
    import plotly.io as pio

    users_template = pio.templates.default
    run([diabetes.STUDY], tmp_path, quick=True)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    found = charts(page)
    assert len(found["light"]) == len(found["dark"]) == page.count("<div id='figure-")
    papers = {
        theme: {figure["layout"]["template"]["layout"]["paper_bgcolor"] for figure in figures}  # type: ignore[index]
        for theme, figures in found.items()
        if theme in {"light", "dark"}
    }
    assert papers == {"light": {"#ffffff"}, "dark": {"#111111"}}
    assert "prefers-color-scheme: dark" in page
    assert pio.templates.default == users_template


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    blocked = tmp_path / "report"
    blocked.write_text("mine", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "aiqc.demo", "--output", str(blocked)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert f"{blocked} is a file, not a folder" in ran.stderr
    assert blocked.read_text(encoding="utf-8") == "mine"


def test_a_store_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    from aiqc.core.errors import NotAMetastore

    (tmp_path / "demo.sqlite3").write_text("notes of mine", encoding="utf-8")
    with pytest.raises(NotAMetastore):
        run([diabetes.STUDY], tmp_path, quick=True)
    assert (tmp_path / "demo.sqlite3").read_text(encoding="utf-8") == "notes of mine"


@pytest.mark.usefixtures("store")
def test_the_full_studies_repeat_fold_and_search() -> None:
    plans = [study.plan(False) for study in STUDIES]
    assert [queue.total_runs for queue in plans] == [8, 6, 6]
    assert [queue.repeat_count for queue in plans] == [2, 1, 1]
    assert [queue.splitset.fold_count for queue in plans] == [None, 3, None]
    assert [queue.splitset.bin_count for queue in plans] == [None, None, 4]


@pytest.mark.torch
@pytest.mark.usefixtures("store")
def test_the_binary_studys_numbers_are_right() -> None:
    queue = breast_cancer.plan(quick=True)
    queue.run_jobs(progress=False)
    result = result_of(breast_cancer.STUDY, queue)
    truth = datum.to_df("breast_cancer")["diagnosis"].to_numpy()[queue.splitset.samples["test"]]
    assert result.scores["accuracy"] == (result.prediction.predictions["test"] == truth).mean()
    assert result.baseline == {
        "accuracy": (truth == "benign").mean(),
        "balanced_accuracy": 0.5,
    }
    assert result.scores["accuracy"] > 0.9
    assert missing_text(queue) == "569 rows, no value is missing."


@pytest.mark.usefixtures("store")
def test_the_gaps_of_the_penguins_are_counted_and_kept() -> None:
    queue = penguins.plan(quick=True)
    assert missing_text(queue) == (
        "344 rows, 11 of them with missing values: bill_length_mm 2, bill_depth_mm 2, "
        "flipper_length_mm 2, body_mass_g 2, sex 11."
    )
    (feature,) = queue.splitset.features
    names = [name for coder in feature.featurecoders for name in coder.encoded_column_names]
    assert [name for name in names if name.startswith("sex_")] == [
        "sex_female",
        "sex_male",
        "sex_nan",
    ]
    fold = queue.splitset.folds.get()
    rows = fold.samples["folds_train_combined"]
    encoded = queue.splitset.fetch_cache("folds_train_combined", "features", fold_id=fold.id)
    bills = datum.to_df("penguins")["bill_length_mm"].iloc[rows]
    filled = bills.fillna(bills.median()).to_numpy()
    expected = (filled - filled.mean()) / filled.std()
    np.testing.assert_allclose(encoded[:, names.index("bill_length_mm")], expected, rtol=1e-6)
    assert sum(size["count"] for size in queue.splitset.sizes.values()) == 344


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.title)
def test_the_functions_are_stored_as_readable_text(study: object) -> None:
    study.plan(True)  # type: ignore[attr-defined]
    (algorithm,) = Algorithm.select()
    bundles = algorithm.bundles()
    assert {name: bundle.is_opaque for name, bundle in bundles.items()} == {
        "fn_build": False,
        "fn_train": False,
    }
    assert "aiqc.demo" not in "".join(bundle.source for bundle in bundles.values())


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.torch
def test_the_command_runs_all_three_libraries(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "aiqc.demo", "--quick", "--output", "shown"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "error::UserWarning"},
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    rows = [
        line.split() for line in ran.stdout.splitlines() if "accuracy" in line or " r2 " in line
    ]
    libraries = {word for row in rows for word in row} & {"pytorch", "keras", "sklearn"}
    assert libraries == {"pytorch", "keras", "sklearn"}
    page = (tmp_path / "shown" / "report.html").read_text(encoding="utf-8")
    shown = " / ".join(titles(page))
    for chart in (
        "Accuracy and loss",
        "Learning curve",
        "ROC",
        "Precision",
        "Confusion",
        "importance",
    ):
        assert chart in shown
    assert {path.name for path in tmp_path.iterdir()} == {"shown"}
