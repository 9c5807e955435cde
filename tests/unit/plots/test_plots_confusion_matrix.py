"""True against predicted classes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aiqc.core.errors import InvalidInput
from aiqc.plots.confusion_matrix import _compact, confusion_figure, confusion_info
from aiqc.plots.theme import split_colour

#: not symmetric, one class without samples
MATRIX = np.array([[6, 2, 0], [1, 9, 0], [0, 0, 0]])


def test_info():
    info = confusion_info(MATRIX, ["a", "b", 3], "test", prediction_id=5)
    assert info.class_names == ("a", "b", "3")
    assert info.shares.tolist() == [[0.75, 0.25, 0], [0.1, 0.9, 0], [0, 0, 0]]
    assert (info.sample_count, info.accuracy) == (18, 15 / 18)


def test_no_samples():
    info = confusion_info(np.zeros((2, 2), int), ["a", "b"], "test")
    assert math.isnan(info.accuracy)
    note = confusion_figure(info).layout.title.subtitle.text
    assert note == "0 samples; shades: share of the true class"


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c", "d"]])
def test_wrong_names_are_refused(names):
    with pytest.raises(InvalidInput, match=rf"shape \(3, 3\) has {len(names)} class names"):
        confusion_info(MATRIX, names, "test")


def test_figure_has_true_rows_and_predicted_columns():
    figure = confusion_figure(confusion_info(MATRIX, ["a", "<b>", "c"], "test", prediction_id=5))
    tiles, numbers = figure.data
    assert tiles.z[0].tolist() == [0.75, 0.25, 0]
    assert tiles.colorscale[1] == (1, split_colour("test"))
    assert tiles.hovertext[0][1] == (
        "true <b>a</b><br>predicted <b>&lt;b&gt;</b><br>2 samples, 25 % of the true class"
    )
    at = {(x, y): text for x, y, text in zip(numbers.x, numbers.y, numbers.text, strict=True)}
    assert at[1, 0] == "2<br>25 %"
    assert at[0, 1] == "1<br>10 %"
    assert at[2, 2] == "0<br>0 %"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (
        "predicted",
        "true",
    )
    assert figure.layout.yaxis.range == (2.5, -0.5)
    assert figure.layout.xaxis.ticktext == ("a", "&lt;b&gt;", "c")
    assert figure.layout.title.text == "Confusion matrix: test"
    assert figure.layout.title.subtitle.text == (
        "18 samples, accuracy 0.833; shades: share of the true class"
    )
    assert figure.layout.meta == {"prediction_id": 5}
    assert figure.to_dict()["data"][1]["mode"] == "text"


def test_thirty_classes_have_counts_only_and_square_cells():
    counts = np.diag(np.arange(30) * 100)
    figure = confusion_figure(confusion_info(counts, [f"class {at}" for at in range(30)], "train"))
    texts = figure.data[1].text
    assert (texts[0], texts[1], texts[31], texts[32 * 29 - 29]) == ("", "", "100", "2.9k")
    layout = figure.layout
    assert layout.height - layout.margin.t - layout.margin.b == 900
    assert layout.width - layout.margin.l - layout.margin.r == 900
    assert layout.xaxis.tickangle == -45


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, ""), (7, "7"), (999, "999"), (1234, "1.2k"), (45_678, "46k"), (2_500_000, "2.5M")],
)
def test_compact_counts(count, text):
    assert _compact(count) == text


def test_cut_names_that_become_equal_stay_apart():
    names = ["n" * 50 + "1", "n" * 50 + "2", "z"]
    figure = confusion_figure(confusion_info(MATRIX, names, "test"))
    assert figure.layout.xaxis.ticktext[0] == figure.layout.xaxis.ticktext[1]
    assert figure.layout.xaxis.tickvals.tolist() == [0, 1, 2]
    assert figure.data[0].z.shape == (3, 3)
