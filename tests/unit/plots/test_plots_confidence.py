"""Probabilities of one sample."""

from __future__ import annotations

import numpy as np
import pytest

from aiqc.core.errors import InvalidInput
from aiqc.plots.confidence import Bar, confidence_figure, confidence_info
from aiqc.plots.theme import NEUTRAL_COLOUR, split_colour

BINARY = ["benign", "malignant"]
SPECIES = ["Adelie", "Chinstrap", "Gentoo"]


@pytest.mark.parametrize("row", [[0.75], [0.25, 0.75], [[0.75]]])
def test_binary_info(row):
    info = confidence_info(np.array(row), BINARY, "benign", "malignant", 3, "test")
    assert info.is_binary
    assert info.bars == (
        Bar("benign", 0.25, is_truth=True),
        Bar("malignant", 0.75, is_prediction=True),
    )


def test_multi_info_is_sorted():
    info = confidence_info(np.array([0.1, 0.7, 0.2]), SPECIES, "Gentoo", "Chinstrap", 0, "test")
    assert not info.is_binary
    assert info.bars == (
        Bar("Chinstrap", 0.7, is_prediction=True),
        Bar("Gentoo", 0.2, is_truth=True),
        Bar("Adelie", 0.1),
    )


def test_numbers_as_classes():
    info = confidence_info(np.array([0.2, 0.8]), [0, 1], np.int64(1), np.int64(1), 0, "train")
    assert info.bars[1] == Bar("1", 0.8, is_prediction=True, is_truth=True)


def test_classes_without_room_are_summed_but_never_the_truth():
    row = np.full(30, 0.01)
    row[[4, 9]] = 0.4, 0.31
    names = [f"c{at}" for at in range(30)]
    info = confidence_info(row, names, "c20", "c4", 0, "test", height=175)
    assert [bar.name for bar in info.bars] == ["c4", "c9", "c20", "27 other classes"][
        : len(info.bars)
    ]
    assert info.bars[-1].probability == pytest.approx(0.27)
    assert sum(bar.probability for bar in info.bars) == pytest.approx(row.sum())
    everything = confidence_info(row, names, "c20", "c4", 0, "test", height=900)
    assert len(everything.bars) == 30


@pytest.mark.parametrize(
    ("row", "names"), [([0.5], SPECIES), ([0.2, 0.3, 0.5], BINARY), ([0.5, 0.5], SPECIES)]
)
def test_other_counts_are_refused(row, names):
    with pytest.raises(InvalidInput, match=rf"Sample 7 of 'test' has {len(row)} probabilities"):
        confidence_info(np.array(row), names, None, names[0], 7, "test")


@pytest.mark.parametrize(
    ("probability", "prediction", "length", "sure"),
    [(0.75, "malignant", 0.25, "0.750"), (0.1, "benign", -0.4, "0.900")],
)
def test_binary_figure(probability, prediction, length, sure):
    info = confidence_info(
        np.array([probability]),
        BINARY,
        "benign",
        prediction,
        3,
        "test",
        sample=88,
        prediction_id=2,
    )
    figure = confidence_figure(info)
    _, filled, dot = figure.data
    assert (filled.base, filled.x[0]) == (0.5, pytest.approx(length))
    assert filled.marker.color == split_colour("test")
    assert dot.x == (probability,)
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 0.5
    verdict = "✓" if prediction == "benign" else "✗"
    assert figure.layout.title.text == (
        f"test, row 3, sample 88 · predicted <b>{prediction}</b> ({sure}) "
        f"· true <b>benign</b> {verdict}"
    )
    assert figure.layout.xaxis.title.text == "probability of malignant, threshold 0.5"
    assert figure.layout.height == 175
    assert figure.layout.meta == {"prediction_id": 2}
    assert figure.to_dict()["layout"]["height"] == 175


def test_multi_figure():
    info = confidence_info(np.array([0.1, 0.7, 0.2]), SPECIES, None, "Chinstrap", 0, "infer_0")
    figure = confidence_figure(info, height=300)
    [bars] = figure.data
    assert list(bars.x) == [0.7, 0.2, 0.1]
    assert list(bars.text) == ["0.700", "0.200", "0.100"]
    assert list(bars.marker.color) == [split_colour("infer_0"), NEUTRAL_COLOUR, NEUTRAL_COLOUR]
    assert figure.layout.yaxis.ticktext == ("<b>Chinstrap</b>", "Gentoo", "Adelie")
    assert figure.layout.yaxis.range == (2.5, -0.5)
    assert figure.layout.title.text == "infer_0, row 0 · predicted <b>Chinstrap</b> (0.700)"
    assert figure.layout.height == 300


@pytest.mark.parametrize("row", [[np.nan], [np.nan, 0.5]])
def test_nan_says_so(row):
    info = confidence_info(np.array(row), BINARY, None, "benign", 0, "train")
    figure = confidence_figure(info)
    assert [each.text for each in figure.layout.annotations] == [
        "The model returned NaN for this sample."
    ]


def test_class_names_are_escaped():
    names = ["<b>x</b>", "a&b", "$c$"]
    info = confidence_info(np.array([0.5, 0.3, 0.2]), names, names[1], names[0], 0, "test")
    figure = confidence_figure(info)
    assert figure.layout.yaxis.ticktext == (
        "<b>&lt;b&gt;x&lt;/b&gt;</b>",
        "a&amp;b ✓",
        "&#36;c&#36;",
    )
    assert "<b>&lt;b&gt;x&lt;/b&gt;</b> (0.500)" in figure.layout.title.text
    assert list(figure.data[0].customdata)[2] == "&#36;c&#36;"
