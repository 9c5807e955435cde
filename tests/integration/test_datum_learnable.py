"""The figures of docs/reference/datum.md: what a baseline and a simple model make of each set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from aiqc import datum

Matrix = np.ndarray[Any, Any]
#: figures of the baseline and of the model
Figures = tuple[float, float]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "datum.md"
FOLDS = KFold(5, shuffle=True, random_state=0)
MEASURED = ["precipitation", "temp_max", "temp_min", "wind"]
#: how far a figure may lie from the two decimals on the page
ROUNDED = 0.011
#: how much better the model must be
MARGIN = 0.05


def columns() -> Any:
    """Standardise numbers, one-hot encode text."""
    text = OneHotEncoder(handle_unknown="ignore")
    return make_column_transformer(
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            make_pipeline(SimpleImputer(strategy="most_frequent"), text),
            make_column_selector(dtype_exclude="number"),
        ),
    )


def table(name: str, label: str, *models: Any, drop: str = "") -> Figures:
    frame = datum.to_df(name)
    target = frame.pop(label)
    features = frame.drop(columns=drop or [])
    metric = r2_score if pd.api.types.is_numeric_dtype(target) else accuracy_score
    piped = [make_pipeline(columns(), *steps) for steps in models]
    found = [cross_val_predict(model, features, target, cv=FOLDS) for model in piped]
    first, second = (float(metric(target, predicted)) for predicted in found)
    return first, second


def arrays(name: str, labels: str, label: str, model: Any) -> Figures:
    whole = datum.to_arr(name)
    features = whole.reshape(len(whole), -1).astype("float64")
    target = datum.to_df(labels)[label].to_numpy()
    found = [cross_val_predict(each, features, target, cv=FOLDS) for each in (majority(), model)]
    first, second = (float(accuracy_score(target, predicted)) for predicted in found)
    return first, second


def majority() -> Any:
    return DummyClassifier(strategy="most_frequent")


def past(count: int) -> int:
    """Return how many of the samples, which are in order of time, a model is trained on."""
    return count * 3 // 4


def forecast(frames: Matrix, size: int, alpha: float) -> Figures:
    """Return the mean squared errors of the last frame and of a ridge regression on windows."""
    count = len(frames) - size
    cut = past(count)
    windows = np.stack([frames[start : start + size].ravel() for start in range(count)])
    target = frames[size:]
    predicted = Ridge(alpha).fit(windows[:cut], target[:cut]).predict(windows[cut:])
    last = windows[cut:, -frames.shape[1] :]
    first, second = (float(np.mean((guess - target[cut:]) ** 2)) for guess in (last, predicted))
    return first, second


def weather() -> Figures:
    days = datum.to_df("seattle_weather")[MEASURED].to_numpy()
    return forecast(StandardScaler().fit(days[: past(len(days))]).transform(days), 7, 10)


def sea() -> Figures:
    months = datum.to_arr("sea_surface").astype("float64")
    first, second = np.sqrt(forecast(months.reshape(len(months), -1), 4, 100))
    return float(first), float(second)


def rain(*parts: str) -> Figures:
    facts, days = datum.to_df("rain_table"), datum.to_arr("rain_sequence")
    wet = facts["tomorrow"].to_numpy() == "wet"
    cut = past(len(wet))
    scaled = ["season_sin", "season_cos"]
    coder = make_column_transformer(
        (StandardScaler(), scaled), (OneHotEncoder(handle_unknown="ignore"), ["weather"])
    )
    flat = days.reshape(len(days), -1)
    both = {
        "table": coder.fit(facts[:cut]).transform(facts),
        "sequence": StandardScaler().fit(flat[:cut]).transform(flat),
    }
    features = np.hstack([both[part] for part in parts])
    model = LogisticRegression(C=0.02, max_iter=500).fit(features[:cut], wet[:cut])
    score = roc_auc_score(wet[cut:], model.predict_proba(features[cut:])[:, 1])
    return float(roc_auc_score(wet[cut:], days[cut:, -1, 0] > 0)), float(score)


def logistic() -> list[Any]:
    return [LogisticRegression(max_iter=1000)]


CASES: dict[str, Callable[[], Figures]] = {
    "breast_cancer": lambda: table("breast_cancer", "diagnosis", [majority()], logistic()),
    "penguins": lambda: table("penguins", "species", [majority()], logistic()),
    "diabetes": lambda: table("diabetes", "progression", [DummyRegressor()], [Ridge()]),
    "auto_mpg": lambda: table(
        *("auto_mpg", "mpg", [Ridge()], [PolynomialFeatures(2), Ridge(3)]), drop="name"
    ),
    "digits": lambda: arrays("digits", "digits_labels", "digit", RidgeClassifier()),
    "vowels": lambda: arrays(
        *("vowels", "vowels_labels", "speaker"),
        make_pipeline(StandardScaler(), RidgeClassifier(100)),
    ),
    "rain": lambda: rain("table", "sequence"),
    "seattle_weather": weather,
    "sea_surface": sea,
}
#: less is better
ERRORS = {"seattle_weather", "sea_surface"}


def stated() -> dict[str, Figures]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    rows = [row for row in rows if len(row) == 6 and row[0].startswith("`")]
    return {row[0].strip("`"): (float(row[3]), float(row[5])) for row in rows}


def test_the_page_states_figures_of_all_that_can_be_learnt() -> None:
    assert list(stated()) == list(CASES)
    known = set(datum.list_datums()["name"])
    labels = {"digits_labels", "vowels_labels"}
    assert known - labels == set(CASES) - {"rain"} | {"rain_table", "rain_sequence"}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_simple_model_beats_the_baseline_as_stated(name: str) -> None:
    baseline, model = CASES[name]()
    assert (baseline, model) == pytest.approx(stated()[name], abs=ROUNDED)
    gain = baseline - model if name in ERRORS else model - baseline
    assert gain > MARGIN


def test_both_parts_of_rain_tell_something() -> None:
    baseline, table_only = rain("table")
    _, sequence_only = rain("sequence")
    _, both = rain("table", "sequence")
    assert (table_only, sequence_only) == pytest.approx((0.76, 0.78), abs=ROUNDED)
    assert baseline + MARGIN < table_only < sequence_only < both


def test_accuracy_tells_less_of_rain() -> None:
    facts, days = datum.to_df("rain_table"), datum.to_arr("rain_sequence")
    wet = facts["tomorrow"].to_numpy() == "wet"
    assert wet.mean() == pytest.approx(1 - 0.57, abs=0.006)
    later = slice(past(len(wet)), None)
    assert np.mean((days[:, -1, 0] > 0)[later] == wet[later]) == pytest.approx(0.71, abs=0.006)


def test_the_means_are_poorer_forecasts_than_the_last_value() -> None:
    days = datum.to_df("seattle_weather")[MEASURED].to_numpy()
    cut = past(len(days))
    scaled = StandardScaler().fit(days[:cut]).transform(days)
    assert np.mean(scaled[cut:] ** 2) == pytest.approx(1.06, abs=ROUNDED)
    months = datum.to_arr("sea_surface").astype("float64")
    cut = past(len(months) - 4)
    error = months[4:][cut:] - months[4:][:cut].mean(axis=0)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(1.29, abs=ROUNDED)
