"""metrics_df, metricsAggregate_df and plot_performance: columns, order and values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from toy_studies import make_queue, points

from aiqc.core.errors import InvalidInput, NotReady
from aiqc.orm import MetricResult, Prediction, Predictor, Queue, _blob_reader

NAMES = [
    "accuracy",
    "balanced_accuracy",
    "f1",
    "loss",
    "precision",
    "recall",
    "roc_auc",
]
STATISTICS = ["maximum", "minimum", "pstdev", "median", "mean"]


def places(folds: bool, repeats: bool) -> list[str]:
    return [
        "hyperparamcombo_id",
        *(["fold_index"] if folds else []),
        "job_id",
        *(["repeat_index"] if repeats else []),
        "predictor_id",
    ]


CASES = pytest.mark.parametrize(
    ("folds", "repeats"),
    [(False, False), (False, True), (True, False), (True, True)],
    ids=["plain", "repeats", "folds", "folds and repeats"],
)


def study(folds: bool, repeats: bool, *, run: bool = True) -> Queue:
    split = {"fold_count": 2} if folds else {}
    space = {"hidden": [0, 2], "epochs": [3]}
    queue = make_queue(space=space, repeat_count=1 + repeats, permute_count=0, **split)
    if run:
        queue.run_jobs(progress=False)
    return queue


@CASES
def test_columns_and_rows(store: Any, folds: bool, repeats: bool) -> None:
    queue = study(folds, repeats)
    expected = [*places(folds, repeats), "split", *NAMES]
    frame = queue.metrics_df()
    assert list(frame.columns) == expected
    splits = ["folds_train_combined", "fold_validation", "test"] if folds else ["train", "test"]
    count = 2 * (1 + folds) * (1 + repeats)
    assert len(frame) == count * len(splits)
    # the newest predictor first, its splits in their own order
    assert list(frame["predictor_id"]) == sorted(
        list(range(1, count + 1)) * len(splits), reverse=True
    )
    assert list(frame["split"]) == splits * count
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    for row in frame.itertuples():
        predictor = Predictor.of(row.predictor_id)
        job = predictor.job
        assert (row.hyperparamcombo_id, row.job_id) == (job.hyperparamcombo.id, job.id)
        if repeats:
            assert row.repeat_index == predictor.repeat_index
        if folds:
            assert row.fold_index == job.fold.idx
        scores = predictor.predictions[0].metrics[row.split]
        # full precision: not a digit is lost
        assert {name: getattr(row, name) for name in NAMES} == scores


@CASES
def test_an_empty_queue_gives_an_empty_frame_with_these_columns(
    store: Any, folds: bool, repeats: bool
) -> None:
    queue = study(folds, repeats, run=False)
    frame = queue.metrics_df()
    assert (len(frame), list(frame.columns)) == (0, [*places(folds, repeats), "split", *NAMES])
    spread = queue.metricsAggregate_df()
    assert len(spread) == 0
    assert list(spread.columns) == [*places(folds, repeats), "metric", *STATISTICS]
    chosen = queue.metricsAggregate_df(
        selected_metrics=["loss"], selected_stats=["mean"], sort_by="mean"
    )
    assert list(chosen.columns) == [*places(folds, repeats), "metric", "mean"]
    for report in (lambda: queue.plot_performance(call_display=False), queue.best_predictor):
        with pytest.raises(
            NotReady, match=r"No model of <Queue 1> was trained yet\. Call queue\.r"
        ):
            report()


@CASES
@pytest.mark.parametrize(("score", "sign"), [(None, 1), ("f1", 1), ("loss", -1)])
def test_best_predictor_is_the_one_that_is_marked(
    store: Any, folds: bool, repeats: bool, score: str | None, sign: int
) -> None:
    queue = study(folds, repeats)
    best = queue.best_predictor(score)
    figure = queue.plot_performance(call_display=False, score_type=score)
    assert f"<b>predictor {best.id}</b>" in figure.layout.annotations[0].text
    assert Queue.best_predictor(queue.id, score_type=score) == best
    frame = queue.metrics_df()
    for split in (None, "test"):
        judge = split or ("fold_validation" if folds else "test")
        rows = frame[frame["split"] == judge]
        values = sign * rows[score or "accuracy"]
        tied = rows[values == values.max()].sort_values(["loss", "predictor_id"])
        assert queue.best_predictor(score, split=split).id == tied["predictor_id"].iloc[0]


def test_best_predictor_is_not_judged_by_new_data(two: Queue) -> None:
    best = two.best_predictor()
    others = [row for row in Predictor.select() if row.id != best.id]
    others[0].infer(points(), target=points())
    assert two.best_predictor() == best
    with pytest.raises(InvalidInput, match=r"split='infer_0'.*\['train', 'test'\]"):
        two.best_predictor(split="infer_0")


@CASES
def test_aggregates_are_those_of_the_predictions(store: Any, folds: bool, repeats: bool) -> None:
    queue = study(folds, repeats)
    frame = queue.metricsAggregate_df()
    assert list(frame.columns) == [*places(folds, repeats), "metric", *STATISTICS]
    count = 2 * (1 + folds) * (1 + repeats)
    newest = [number for number in range(count, 0, -1) for _ in NAMES]
    assert list(frame["predictor_id"]) == newest
    assert list(frame["metric"]) == NAMES * count
    by_place = queue.metrics_df().groupby("predictor_id")
    for row in frame.itertuples():
        stored = Predictor.of(row.predictor_id).predictions[0].metrics_aggregate[row.metric]
        assert {name: getattr(row, name) for name in STATISTICS} == stored
        values = by_place.get_group(row.predictor_id)[row.metric].to_numpy()
        assert row.maximum == values.max()
        assert row.minimum == values.min()
        assert row.median == pytest.approx(np.median(values), abs=1e-15)
        assert row.mean == pytest.approx(math.fsum(values) / len(values), abs=1e-15)
        assert row.pstdev == pytest.approx(values.std(ddof=0), abs=1e-15)


def test_metrics_are_recomputed_from_the_source(store: Any) -> None:
    queue = study(folds=True, repeats=False)
    truth = points()["y"].to_numpy()
    for predictor in Predictor.select():
        prediction = predictor.predictions[0]
        for split, rows in predictor.job.fold.samples.items():
            said, chance = prediction.predictions[split], prediction.probabilities[split][:, 0]
            true = truth[rows]
            np.testing.assert_array_equal(said, np.where(chance >= 0.5, "yes", "no"))
            clipped = np.clip(chance, 1e-15, 1 - 1e-15)
            expected = {
                "accuracy": metrics.accuracy_score(true, said),
                "balanced_accuracy": metrics.balanced_accuracy_score(true, said),
                "f1": metrics.f1_score(true, said, pos_label="yes", zero_division=0),
                "precision": metrics.precision_score(true, said, pos_label="yes", zero_division=0),
                "recall": metrics.recall_score(true, said, pos_label="yes", zero_division=0),
                "roc_auc": metrics.roc_auc_score(true == "yes", chance),
                "loss": -np.mean(np.log(np.where(true == "yes", clipped, 1 - clipped))),
            }
            found = prediction.metrics[split]
            assert found == pytest.approx(expected, abs=1e-12)
    assert len(queue.metrics_df()) == 12


@pytest.fixture
def two(store: Any) -> Queue:
    return study(folds=False, repeats=True)


def test_chosen_metrics_and_statistics(two: Queue) -> None:
    chosen = two.metrics_df(selected_metrics=["recall", "accuracy"])
    assert list(chosen.columns)[4:] == ["split", "accuracy", "recall"]
    assert list(two.metrics_df(selected_metrics="loss").columns)[4:] == ["split", "loss"]
    spread = two.metricsAggregate_df(
        selected_metrics=["loss", "f1"], selected_stats=["mean", "maximum"]
    )
    assert list(spread.columns)[4:] == ["metric", "maximum", "mean"]
    assert list(spread["metric"]) == ["f1", "loss"] * 4
    one = Queue.metricsAggregate_df(1, selected_metrics="loss", selected_stats="median")
    assert list(one.columns)[4:] == ["metric", "median"]


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("by", ["loss", ["split", "loss"], ["hyperparamcombo_id", "split"]])
def test_rows_are_sorted(two: Queue, by: Any, ascending: bool) -> None:
    frame = two.metrics_df(sort_by=by, ascending=ascending)
    keys = [by] if isinstance(by, str) else by
    values = list(frame[keys].itertuples(index=False, name=None))
    assert values == sorted(values, reverse=not ascending)
    assert sorted(frame["predictor_id"]) == [1, 1, 2, 2, 3, 3, 4, 4]
    spread = two.metricsAggregate_df(sort_by="mean", ascending=ascending)
    assert list(spread["mean"]) == sorted(spread["mean"], reverse=not ascending)
    first = two.metrics_df(ascending=True)
    assert list(first["predictor_id"]) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert list(first["split"]) == ["train", "test"] * 4


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (
            lambda queue: queue.metrics_df(selected_metrics="auc"),
            r"selected_metrics: 'auc' .*'roc_auc'",
        ),
        (lambda queue: queue.metrics_df(sort_by="size"), r"sort_by='size' .*'split'"),
        (lambda queue: queue.metricsAggregate_df(selected_metrics="r2"), "selected_metrics: 'r2'"),
        (
            lambda queue: queue.metricsAggregate_df(selected_stats="std"),
            r"selected_stats: 'std' .*'pstdev'",
        ),
        (lambda queue: queue.metricsAggregate_df(sort_by="split"), "sort_by='split'"),
        (
            lambda queue: queue.plot_performance(call_display=False, score_type="r2"),
            r"score_type: 'r2' .*'accuracy'",
        ),
        (lambda queue: queue.best_predictor("r2"), r"score_type: 'r2' .*'accuracy'"),
        (lambda queue: queue.best_predictor(split="validation"), r"split='validation'.*'test'"),
    ],
)
def test_what_does_not_exist_is_named(two: Queue, call: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        call(two)


def test_reports_read_no_blob(two: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        pytest.fail("a blob was read")

    monkeypatch.setattr(_blob_reader, "_fetch", refuse)
    monkeypatch.setattr(_blob_reader, "read_blob", refuse)
    queue = Queue.of(two.id)
    assert len(queue.metrics_df()) == 8
    assert len(queue.metricsAggregate_df()) == 28
    queue.plot_performance(call_display=False)
    assert list(Queue.list_df()["runs_completed"]) == [4]
    for row in (queue, *Predictor.select(), *Prediction.select()):
        assert repr(row) in row._repr_html_().replace("&lt;", "<").replace("&gt;", ">")


# --- numbers that SQL has no word for --------------------------------------

ODD = {
    "train": {"loss": float("nan"), "accuracy": 0.1 + 0.2, "f1": float("inf")},
    "test": {"loss": float("-inf"), "accuracy": 5e-324, "f1": 1.7976931348623157e308},
}


def test_nan_infinities_and_every_digit_survive(any_store: Any) -> None:
    queue = make_queue(space={"hidden": [0]}, repeat_count=1, permute_count=0)
    queue.run_jobs(progress=False)
    prediction = Prediction.of(1)
    MetricResult.delete().execute()
    from aiqc.orm.metric_result import metric_rows

    MetricResult.insert_many(metric_rows(prediction, ODD)).execute()
    found = Prediction.of(1).metrics
    assert {split: sorted(scores) for split, scores in found.items()} == {
        "train": ["accuracy", "f1", "loss"],
        "test": ["accuracy", "f1", "loss"],
    }
    for split, scores in ODD.items():
        for name, value in scores.items():
            stored = found[split][name]
            assert stored == value or (math.isnan(stored) and math.isnan(value)), (split, name)
    frame = queue.metrics_df()
    train, test = frame.to_dict("records")
    assert math.isnan(train["loss"])
    assert (train["accuracy"], train["f1"]) == (0.1 + 0.2, float("inf"))
    assert (test["loss"], test["accuracy"]) == (float("-inf"), 5e-324)
    assert test["f1"] == 1.7976931348623157e308
    # a metric that was not stored is NaN, not zero
    assert math.isnan(train["recall"])
    spread = queue.metricsAggregate_df().set_index("metric")
    aggregates = Prediction.of(1).metrics_aggregate
    for name, stored in aggregates.items():
        row = {key: spread.loc[name, key] for key in STATISTICS}
        assert row == pytest.approx(stored, nan_ok=True), name
    assert (spread.loc["loss", "maximum"], spread.loc["loss", "mean"]) == (-math.inf, -math.inf)
    assert spread.loc["recall", STATISTICS].isna().all()


def diverging_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    for weight in model.weights:
        weight[:] = float("nan")
    return model, {"loss": [1.0, float("nan"), float("inf")]}


def test_a_model_that_diverged_is_kept_and_shown(any_store: Any) -> None:
    queue = make_queue(
        space={"hidden": [0]}, train=diverging_train, repeat_count=1, permute_count=0
    )
    queue.run_jobs(progress=False)
    history = Predictor.of(1).history["loss"]
    np.testing.assert_array_equal(history, [1.0, np.nan, np.inf])
    assert queue.metrics_df()["loss"].isna().all()
    spread = queue.metricsAggregate_df(selected_metrics="loss")
    assert spread.loc[0, STATISTICS].isna().all()
    assert queue.plot_performance(call_display=False).layout.height == 560
    with pytest.raises(NotReady, match="has a finite loss and accuracy"):
        queue.best_predictor()


def test_a_metric_with_one_class_in_a_split_is_nan(store: Any) -> None:
    frame = points().sort_values("y", ignore_index=True)
    test = [0, 1, 2, 3]
    assert set(frame["y"].iloc[test]) == {"no"}
    queue = make_queue(
        space={"hidden": [0]},
        repeat_count=1,
        frame=frame,
        size_test=None,
        samples={"train": list(range(4, 48)), "test": test},
    )
    queue.run_jobs(progress=False)
    shown = queue.metrics_df().set_index("split")["roc_auc"]
    assert math.isnan(shown["test"])
    assert 0 <= shown["train"] <= 1
    aggregate = Prediction.of(1).metrics_aggregate["roc_auc"]
    assert aggregate["mean"] == aggregate["maximum"] == shown["train"]


def own_metric(true: Any, predicted: Any) -> float:
    return float((true == "yes").sum() - (predicted == "yes").sum())


def test_own_metrics_are_columns_among_the_others(store: Any) -> None:
    from toy_studies import make_splitset, toy_build

    from aiqc.orm import Algorithm

    algorithm = Algorithm.make(
        "toy", "classification_binary", toy_build, metrics={"excess": own_metric}
    )
    queue = Queue.from_algorithm(algorithm, make_splitset(), permute_count=0)
    assert list(queue.metrics_df().columns) == [
        *("hyperparamcombo_id", "job_id", "predictor_id", "split"),
        *sorted([*NAMES, "excess"]),
    ]
    queue.run_jobs(progress=False)
    frame = queue.metrics_df().set_index("split")
    assert frame["hyperparamcombo_id"].isna().all()
    truth = points()["y"].to_numpy()
    for split, rows in queue.splitset.samples.items():
        said = Prediction.of(1).predictions[split]
        expected = (truth[rows] == "yes").sum() - (said == "yes").sum()
        assert frame.loc[split, "excess"] == expected
    assert queue.plot_performance(call_display=False, score_type="excess").layout.height == 560


def test_queues_of_one_store_are_reported_apart(any_store: Any) -> None:
    first = make_queue(space={"hidden": [0]}, repeat_count=1, permute_count=0)
    second = make_queue(first.splitset, {"hidden": [0, 2]}, repeat_count=2, permute_count=0)
    for queue in (second, first):
        queue.run_jobs(progress=False)
    assert set(first.metrics_df()["predictor_id"]) == {5}
    assert set(second.metrics_df()["predictor_id"]) == {1, 2, 3, 4}
    listed = Queue.list_df()
    assert list(listed["id"]) == [1, 2]
    assert list(listed["total_runs"]) == list(listed["runs_completed"]) == [1, 4]
    assert list(listed["library"]) == ["toy", "toy"]
