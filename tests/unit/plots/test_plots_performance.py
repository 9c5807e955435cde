"""Every model of a queue by loss and score."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

from aiqc.core.errors import InvalidInput
from aiqc.plots._axis import AxisRange, axis_range, model_starts
from aiqc.plots._best import badge_offset
from aiqc.plots.performance import (
    PerformancePoints,
    best_of,
    performance_figure,
    performance_info,
)
from aiqc.plots.theme import split_colour

NAN = float("nan")


def points(rows, hyperparameters=None, **columns):
    """Make points of (predictor, split, loss, score) rows."""
    predictor = np.array([row[0] for row in rows], dtype=np.int64)
    values = {
        "queue_id": 3,
        "predictor_id": predictor,
        "job_id": predictor + 100,
        "combo_id": predictor + 200,
        "fold_index": np.full(len(rows), -1),
        "repeat_index": np.zeros(len(rows), dtype=np.int64),
        "split": [row[1] for row in rows],
        "loss": np.array([row[2] for row in rows], dtype=float),
        "score": np.array([row[3] for row in rows], dtype=float),
        "hyperparameters": hyperparameters or {},
    }
    return PerformancePoints(**{**values, **columns})


#: shuffled on purpose: neither predictors nor splits are in order
ROWS = [
    (2, "test", 0.5, 0.70),
    (1, "train", 0.2, 0.90),
    (2, "train", 0.1, 0.95),
    (1, "validation", 0.3, 0.80),
    (3, "validation", 0.6, 0.85),
    (1, "test", 0.4, 0.75),
    (2, "validation", 0.4, 0.85),
    (3, "train", 0.5, 0.86),
    (3, "test", 0.7, 0.60),
]


def many(count):
    draw = np.random.default_rng(1)
    splits = ["train", "validation", "test"] * count
    predictor = np.repeat(np.arange(1, count + 1), 3)
    return PerformancePoints(
        queue_id=1,
        predictor_id=predictor,
        job_id=predictor,
        combo_id=predictor,
        fold_index=predictor % 5,
        repeat_index=predictor % 2,
        split=np.array(splits, dtype=object),
        loss=draw.random(predictor.size),
        score=draw.random(predictor.size),
        hyperparameters={at: {"units": at, "rate": 1 / at} for at in range(1, count + 1)},
    )


def test_points_are_sorted_by_predictor_and_split():
    info = performance_info(points(ROWS), "accuracy")
    assert info.split_names == ("train", "validation", "test")
    assert info.predictor_id.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert info.split_code.tolist() == [0, 1, 2] * 3
    assert info.loss.tolist() == [0.2, 0.3, 0.4, 0.1, 0.4, 0.5, 0.5, 0.6, 0.7]
    assert info.score.tolist() == [0.9, 0.8, 0.75, 0.95, 0.85, 0.7, 0.86, 0.85, 0.6]
    assert info.job_id.tolist() == [101, 101, 101, 102, 102, 102, 103, 103, 103]
    assert (info.model_count, info.excluded_count, info.unplaceable_count) == (3, 0, 0)


@pytest.mark.parametrize(
    ("max_loss", "min_score", "kept", "excluded"),
    [
        (None, None, [1, 2, 3], 0),
        (0.5, None, [1, 2], 1),
        (0.49, None, [1], 2),
        (None, 0.7, [1, 2], 1),
        (None, 0.71, [1], 2),
        (0.5, 0.75, [1], 2),
        (0.01, None, [], 3),
    ],
)
def test_limits_judge_every_split(max_loss, min_score, kept, excluded):
    info = performance_info(points(ROWS), "accuracy", max_loss, min_score)
    assert sorted(set(info.predictor_id.tolist())) == kept
    assert info.predictor_id.size == 3 * len(kept)
    assert info.excluded_count == excluded


@pytest.mark.parametrize("lost", [NAN, math.inf, -math.inf])
@pytest.mark.parametrize("column", ["loss", "score"])
def test_a_model_without_a_number_is_counted_not_shown(lost, column):
    data = points(ROWS)
    getattr(data, column)[0] = lost
    info = performance_info(data, "accuracy", max_loss=1)
    assert sorted(set(info.predictor_id.tolist())) == [1, 3]
    assert (info.unplaceable_count, info.excluded_count) == (1, 0)
    notes = performance_figure(info).layout.title.subtitle.text
    assert notes == "2 models<br>1 model without a finite loss and accuracy not shown"


@pytest.mark.parametrize(
    ("rows", "score_type", "best"),
    [
        (ROWS, "accuracy", (2, "validation", 0.4, 0.85)),
        (ROWS, "mse", (1, "validation", 0.3, 0.8)),
        ([row for row in ROWS if row[1] != "validation"], "accuracy", (1, "test", 0.4, 0.75)),
        ([row for row in ROWS if row[1] == "train"], "accuracy", (2, "train", 0.1, 0.95)),
        (
            [(1, "fold_validation", 0.3, 0.8), (1, "test", 0.3, 0.9), (2, "test", 0.1, 0.99)],
            "accuracy",
            (1, "fold_validation", 0.3, 0.8),
        ),
        ([(2, "test", 0.3, 0.8), (1, "test", 0.3, 0.8)], "accuracy", (1, "test", 0.3, 0.8)),
    ],
)
def test_best_is_judged_on_the_evaluation_split(rows, score_type, best):
    found = performance_info(points(rows), score_type).best
    assert (found.predictor_id, found.split, found.loss, found.score) == best


@pytest.mark.parametrize("score_type", ["accuracy", "mse", "loss"])
@pytest.mark.parametrize("drop", [(), ("validation",), ("validation", "test")])
def test_best_of_is_what_the_chart_marks(score_type, drop):
    rows = [row for row in ROWS if row[1] not in drop]
    data = points([*rows, (4, "train", NAN, 1.0), (4, "test", 0.0, 1.0)])
    assert best_of(data, score_type) == performance_info(data, score_type).best


@pytest.mark.parametrize(
    ("score_type", "split", "best"),
    [
        ("accuracy", "test", 1),
        ("accuracy", "train", 2),
        ("mse", "test", 3),
        ("accuracy", "validation", 2),
    ],
)
def test_another_split_may_judge(score_type, split, best):
    found = best_of(points(ROWS), score_type, split)
    assert (found.predictor_id, found.split) == (best, split)


def test_a_split_that_is_not_there_is_refused():
    with pytest.raises(InvalidInput, match=r"split='infer_0'.*\['train', 'validation', 'test'\]"):
        best_of(points(ROWS), "accuracy", "infer_0")
    assert best_of(points([(1, "test", NAN, 0.5)]), "accuracy") is None


@pytest.mark.parametrize(
    ("points_at", "at", "offset"),
    [
        ([(100, 200)], (100, 200), (70, 16)),
        # something right of and below it: the next place is right of and above it
        ([(100, 200), (200, 190)], (100, 200), (70, -16)),
        # at the right edge it goes to the left, at the lower right corner up and left
        ([(780, 200)], (780, 200), (-70, 16)),
        ([(780, 5)], (780, 5), (-40, -60)),
        # crowded on all near sides: further away
        ([(x, y) for x in range(0, 800, 20) for y in range(170, 231, 10)], (400, 200), (40, 60)),
    ],
)
def test_the_badge_looks_for_a_free_place(points_at, at, offset):
    x, y = np.array(points_at, dtype=float).T
    assert badge_offset(x, y, at, (800, 400), 20) == offset


def test_different_lengths_are_refused():
    with pytest.raises(InvalidInput, match=r"queue 3 differ in length.*'loss': 2"):
        performance_info(points(ROWS, loss=np.zeros(2)), "accuracy")


def test_nothing_given_is_not_changed():
    data = points(ROWS)
    performance_figure(performance_info(data, "accuracy", 0.5))
    assert data.loss.tolist() == [row[2] for row in ROWS]
    assert data.split == [row[1] for row in ROWS]


@pytest.mark.parametrize("rows", [[], ROWS])
def test_nothing_left_says_so(rows):
    info = performance_info(points(rows), "accuracy", 0.01, 0.5)
    figure = performance_figure(info)
    assert info.best is None
    assert len(figure.data) == 0
    [message] = figure.layout.annotations
    hidden = "<br>3 models hidden by max_loss=0.01 and min_score=0.5" if rows else ""
    assert message.text == "No model to show" + hidden


def test_figure_of_three_models():
    hyperparameters = {201: {"units": 8, "<b>act</b>": "$relu$"}}
    figure = performance_figure(performance_info(points(ROWS, hyperparameters), "accuracy"))
    lines, train, validation, test, best = figure.data
    np.testing.assert_array_equal(lines.x, [0.2, 0.3, 0.4, NAN, 0.1, 0.4, 0.5, NAN, 0.5, 0.6, 0.7])
    assert lines.showlegend is False
    assert [each.name for each in (train, validation, test)] == ["train", "validation", "test"]
    for each in (train, validation, test):
        assert each.marker.color == split_colour(each.name)
        assert each.type == "scatter"
    assert validation.x.tolist() == [0.3, 0.4, 0.6]
    assert validation.y.tolist() == [0.8, 0.85, 0.85]
    assert test.customdata.tolist() == [[at, 100 + at, 200 + at, -1, 0] for at in (1, 2, 3)]
    assert list(test.hovertext) == ["units: 8<br>&lt;b&gt;act&lt;/b&gt;: &#36;relu&#36;", "", ""]
    assert best.x.tolist() == [0.1, 0.4, 0.5]
    assert figure.layout.title.text == "Queue 3: Accuracy and loss by model and split"
    assert figure.layout.xaxis.title.text == "Loss (lower is better)"
    assert figure.layout.yaxis.title.text == "Accuracy (higher is better)"
    assert figure.layout.height == 560
    assert figure.layout.meta == {"queue_id": 3}
    [badge] = figure.layout.annotations
    assert (badge.x, badge.y) == (0.4, 0.85)
    assert "predictor 2" in badge.text


def test_axis_names_its_unit_and_direction():
    figure = performance_figure(performance_info(points(ROWS), "mse"), height=700)
    assert (
        figure.layout.yaxis.title.text
        == "Mean squared error, squared units of the label (lower is better)"
    )
    assert figure.layout.height == 700


@pytest.mark.parametrize(
    ("columns", "present", "absent"),
    [
        ({}, ["job", "combination", "%{hovertext}"], ["fold", "repeat"]),
        ({"fold_index": np.arange(9)}, ["fold %{customdata[3]}"], ["repeat"]),
        ({"repeat_index": np.arange(9)}, ["repeat %{customdata[4]}"], ["fold"]),
        ({"combo_id": np.full(9, -1)}, ["job"], ["combination", "%{hovertext}"]),
    ],
)
def test_hover_names_only_what_tells_models_apart(columns, present, absent):
    figure = performance_figure(performance_info(points(ROWS, **columns), "accuracy"))
    template = figure.data[1].hovertemplate
    assert template.startswith("<b>predictor %{customdata[0]}</b>, train<br>accuracy %{y:.4g}")
    assert all(text in template for text in present)
    assert not any(text in template for text in absent)


def test_one_point():
    figure = performance_figure(performance_info(points([(1, "test", 0.5, 0.7)]), "r2"))
    assert [trace.x.tolist() for trace in figure.data] == [[0.5]] * 3


def test_stored_names_are_escaped():
    rows = [(1, "<i>split</i>", 0.5, 0.7)]
    figure = performance_figure(performance_info(points(rows), "<script>"))
    shown = json.dumps([figure.to_dict()["layout"]["title"], figure.data[1].name])
    assert "<script>" not in shown
    assert "<i>" not in shown + figure.data[1].hovertemplate + figure.layout.annotations[0].text


@pytest.mark.parametrize(("count", "kind"), [(333, "scatter"), (334, "scattergl")])
def test_many_points_are_drawn_on_a_canvas(count, kind):
    figure = performance_figure(performance_info(many(count), "accuracy"))
    assert {trace.type for trace in figure.data} == {kind}
    assert all(trace.line.shape is None for trace in figure.data)


def test_ten_thousand_models(record_property):
    data = many(10_000)
    start = time.perf_counter()
    figure = performance_figure(performance_info(data, "accuracy"))
    record_property("build_seconds", time.perf_counter() - start)
    assert len(figure.data) == 5
    assert sum(len(trace.x) for trace in figure.data[1:4]) == 30_000
    text = figure.to_json()
    assert len(text) < 8e6
    assert json.loads(text)["data"][0]["x"]["dtype"] == "f8"


def model(values, splits=2):
    return np.repeat(np.arange(len(values) // splits), splits)


@pytest.mark.parametrize(
    ("values", "lower_is_better", "expected"),
    [
        ([], True, AxisRange()),
        # accuracies are never cut
        ([0.99, 0.99, 0.98, 0.98, 0.0, 0.1], False, AxisRange()),
        # anchor 7, spread 2 -> 47
        ([5.0, 6.0, 7.0, 8.0, 30.0, 46.0], True, AxisRange()),
        # one of three R2 far off: anchor .75 (upper quarter of worst), spread .25 -> -4.25
        ([0.7, 1.0, 0.8, 0.9, -500.0, 0.2], False, AxisRange(limits=(0.16, 1.04))),
        # one of three losses diverged
        ([0.3, 0.4, 0.4, 0.5, 2e5, 4e5], True, AxisRange(limits=(0.29, 0.51))),
        # a loss of zero has no logarithm: anchor .1 spread .1 -> 2.1
        ([0.0, 0.1, 0.0, 0.1, 3e3, 4e3, 5e4, 5e5], True, AxisRange(limits=(-0.005, 0.105))),
    ],
)
def test_axis_range(values, lower_is_better, expected):
    found = axis_range(np.array(values), model(values), lower_is_better)
    assert found.is_log == expected.is_log
    assert found.limits == (expected.limits and pytest.approx(expected.limits))


def test_spread_over_decades_is_logarithmic():
    values = 10.0 ** np.arange(8)
    found = axis_range(values, np.arange(8), lower_is_better=True)
    assert found.is_log
    assert found.holds(values).all()
    assert found.position(1000.0) == pytest.approx(3)
    assert found.limits[0] == pytest.approx(10**-0.35)


def test_vanishing_losses_do_not_stretch_a_logarithmic_axis():
    values = np.array([1e-16, *10.0 ** np.arange(8)])
    found = axis_range(values, np.arange(9), lower_is_better=True)
    assert found.is_log
    assert found.holds(values).tolist() == [False] + [True] * 8


def test_models_beyond_the_axes_are_counted_once():
    rows = [(at, split, 0.3 + at / 50, 0.8) for at in range(9) for split in ("train", "test")]
    rows += [(9, "train", 0.4, 0.8), (9, "test", 4e5, -4e5)]
    info = performance_info(points(rows), "r2")
    assert info.beyond_count == 1
    figure = performance_figure(info)
    assert figure.layout.title.subtitle.text == (
        "10 models<br>1 model partly beyond the axes, double-click to see all"
    )
    assert figure.layout.xaxis.range[1] < 1
    assert figure.layout.yaxis.range[0] > -10


def test_logarithmic_axis_of_the_figure():
    rows = [(at, "test", 10.0**at, 0.5) for at in range(8)]
    figure = performance_figure(performance_info(points(rows), "accuracy"))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.range == pytest.approx((-0.35, 7.35))
    assert figure.layout.annotations[0].x == 0


def test_model_starts():
    assert model_starts(np.array([4, 4, 7, 9, 9])).tolist() == [0, 2, 3]
