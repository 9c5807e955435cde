"""Loss and metrics by epoch."""

from __future__ import annotations

import numpy as np
import pytest

from aiqc.plots.learning_curve import learning_curve_figure, learning_curve_info
from aiqc.plots.theme import NEUTRAL_COLOUR, split_colour

NAN = float("nan")


def history(**series):
    return {name: np.array(values, dtype=float) for name, values in series.items()}


def test_pairs_and_lone_series():
    charts = learning_curve_info(
        history(val_loss=[3, 2], loss=[2, 1], lr=[0.1, 0.2], val_extra=[1, 1]), skip_head=False
    )
    assert [(chart.name, [curve.name for curve in chart.curves]) for chart in charts] == [
        ("loss", ["loss", "val_loss"]),
        ("lr", ["lr"]),
        ("extra", ["val_extra"]),
    ]
    assert [[curve.split for curve in chart.curves] for chart in charts] == [
        ["train", "validation"],
        [None],
        ["validation"],
    ]
    assert charts[0].curves[0].values.tolist() == [2, 1]
    assert charts[0].curves[1].values.tolist() == [3, 2]
    assert charts[0].curves[0].epochs.tolist() == [1, 2]


def test_history_without_twins_is_of_the_training_split():
    [loss, rate] = learning_curve_info(history(loss=[2, 1], lr=[1, 1]), skip_head=False)
    assert loss.curves[0].split == "train"
    assert rate.curves[0].split is None


@pytest.mark.parametrize(
    ("epoch_count", "first"), [(1, 1), (2, 1), (6, 1), (7, 2), (10, 2), (20, 4), (100, 16)]
)
def test_skip_head_leaves_out_fifteen_percent(epoch_count, first):
    data = history(loss=range(epoch_count), val_loss=range(epoch_count))
    [chart] = learning_curve_info(data)
    for curve in chart.curves:
        assert curve.epochs.tolist() == list(range(first, epoch_count + 1))
        assert curve.values.tolist() == list(range(first - 1, epoch_count))
    assert chart.skipped_count == first - 1
    [whole] = learning_curve_info(data, skip_head=False)
    assert whole.curves[0].epochs.size == epoch_count


@pytest.mark.parametrize(
    ("values", "lost_at"),
    [
        ([1, 2, 3], None),
        ([1, NAN, 3], None),
        ([1, 2, NAN, NAN], 3),
        ([1, NAN, 2, NAN], 4),
        ([1, 2, float("inf")], 3),
        ([NAN, NAN], 1),
        ([], None),
    ],
)
def test_the_epoch_at_which_numbers_end(values, lost_at):
    [chart] = learning_curve_info(history(loss=values), skip_head=False)
    assert chart.curves[0].lost_at == lost_at


def test_history_is_not_changed():
    data = history(loss=[1, float("inf"), 2])
    learning_curve_info(data)
    assert data["loss"].tolist() == [1, float("inf"), 2]


def test_empty_history_has_no_chart():
    assert learning_curve_info({}) == []


def test_figure_of_a_pair():
    data = history(loss=np.linspace(2, 1, 100), val_loss=np.linspace(3, 2, 100))
    [chart] = learning_curve_info(data, predictor_id=12, evaluation_split="test")
    figure = learning_curve_figure(chart)
    train, test = figure.data
    assert (train.name, test.name) == ("train", "test")
    assert (train.line.color, test.line.color) == (split_colour("train"), split_colour("test"))
    assert train.mode == "lines"
    assert figure.layout.title.text == "Learning curve of predictor 12: loss"
    assert figure.layout.title.subtitle.text == (
        "last epoch: train 1, test 2<br>epochs 1 to 15 left out (skip_head=False shows all)"
    )
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("epoch", "loss")
    assert figure.layout.meta == {"predictor_id": 12}
    assert figure.to_dict()["data"][0]["name"] == "train"


def test_figure_of_one_epoch_has_a_marker():
    [chart] = learning_curve_info(history(loss=[0.5]))
    figure = learning_curve_figure(chart)
    assert figure.data[0].mode == "lines+markers"
    assert figure.layout.xaxis.range == (0.5, 1.5)
    assert figure.layout.title.text == "Learning curve: loss"


def test_series_of_no_split_are_neutral():
    charts = learning_curve_info(history(loss=[1, 2], val_loss=[1, 2], mine=[1, 2]))
    figure = learning_curve_figure(charts[1])
    assert figure.data[0].line.color == NEUTRAL_COLOUR
    assert figure.data[0].name == "mine"


def test_lost_numbers_are_marked_where_they_end():
    [chart] = learning_curve_info(history(loss=[3, 2, NAN, NAN]), skip_head=False)
    figure = learning_curve_figure(chart)
    [badge] = figure.layout.annotations
    assert (badge.x, badge.y) == (2, 2)
    assert badge.text == "loss became NaN or infinite at epoch 3"
    assert figure.layout.title.subtitle.text is None


def test_nothing_but_nan_says_so():
    [chart] = learning_curve_info(history(loss=[NAN] * 9))
    [badge] = learning_curve_figure(chart).layout.annotations
    assert badge.text == "loss became NaN or infinite at epoch 1"
    assert badge.xref == "paper"


def test_names_are_escaped():
    [chart] = learning_curve_info({"<b>m": np.array([1.0])})
    figure = learning_curve_figure(chart)
    assert figure.layout.title.text == "Learning curve: &lt;b&gt;m"
    assert figure.layout.yaxis.title.text == "&lt;b&gt;m"
