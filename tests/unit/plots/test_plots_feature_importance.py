"""Growth of the loss by shuffled column."""

from __future__ import annotations

import numpy as np
import pytest

from aiqc.plots.feature_importance import (
    importance_figure,
    importance_height,
    importance_info,
    importance_margin,
)
from aiqc.plots.theme import split_colour

NAN = float("nan")
IMPORTANCE = {
    "b": (0.1, [0.0, 0.1, 0.2]),
    "lost": (NAN, [NAN]),
    "a": (0.5, [0.5]),
    "worse": (-0.2, [-0.3, -0.2]),
    "tie": (0.1, [0.1]),
}


@pytest.mark.parametrize(
    ("top_n", "names"),
    [
        (10, ["a", "b", "tie", "worse", "lost"]),
        (None, ["a", "b", "tie", "worse", "lost"]),
        (2, ["a", "b"]),
        (0, []),
    ],
)
def test_most_important_first(top_n, names):
    info = importance_info(IMPORTANCE, top_n)
    assert [column.name for column in info.columns] == names
    assert info.column_count == 5


def test_values_are_kept():
    first = importance_info(IMPORTANCE, 2).columns[1]
    assert (first.name, first.median, first.impacts) == ("b", 0.1, (0.0, 0.1, 0.2))


def test_margin_follows_the_longest_name_not_the_last():
    info = importance_info({"zz": (1.0, []), "a much longer name": (0.5, [])})
    longest = importance_info({"a much longer name": (1.0, [])})
    assert importance_margin(info) == importance_margin(longest)
    assert importance_margin(info) > importance_margin(importance_info({"zz": (1.0, [])}))
    wide = importance_info({"体" * 18: (1.0, [])})
    assert importance_margin(wide) > importance_margin(longest)


def test_margin_of_very_long_names_is_bounded():
    ten_thousand = importance_info({"x" * 10_000: (1.0, [])})
    assert importance_margin(ten_thousand) == importance_margin(
        importance_info({"x" * 44: (1.0, [])})
    )


def test_height_grows_with_the_columns():
    heights = [
        importance_height(importance_info({str(at): (1.0, []) for at in range(count)}, None))
        for count in (1, 3, 10, 100)
    ]
    assert heights == [231, 231, 420, 2850]


def test_figure():
    info = importance_info(IMPORTANCE, 4, feature="sizes", split="test", prediction_id=7)
    figure = importance_figure(info)
    bars, dots = figure.data
    np.testing.assert_array_equal(bars.x, [0.5, 0.1, 0.1, -0.2])
    assert bars.marker.color == split_colour("test")
    assert dots.x.tolist() == [0.5, 0.0, 0.1, 0.2, 0.1, -0.3, -0.2]
    assert dots.y.tolist() == [0, 1, 1, 1, 2, 3, 3]
    assert figure.layout.yaxis.ticktext == ("a", "b", "tie", "worse")
    assert figure.layout.yaxis.range == (3.5, -0.5)
    assert figure.layout.title.text == "Feature importance: sizes"
    assert figure.layout.title.subtitle.text.startswith("top 4 of 5 columns, test split")
    assert figure.layout.xaxis.title.text == "growth of the loss when the column is shuffled"
    assert figure.layout.height == importance_height(info)
    assert figure.layout.margin.l == importance_margin(info)
    assert figure.layout.meta == {"prediction_id": 7}
    assert "Feature importance" in figure.to_json()


def test_given_height_and_margin_are_kept_for_this_figure_only():
    info = importance_info(IMPORTANCE)
    given = importance_figure(info, height=900, margin_left=5)
    assert (given.layout.height, given.layout.margin.l) == (900, 5)
    assert given.layout.yaxis.automargin is False
    assert importance_figure(info).layout.height == importance_height(info)


def test_undefined_columns_have_no_bar():
    figure = importance_figure(importance_info({"lost": (NAN, [NAN, 1.0])}))
    assert np.isnan(figure.data[0].x).all()
    assert figure.data[0].customdata[0] == ["lost", "NaN"]
    assert figure.layout.title.subtitle.text.startswith("1 column, train split")


def test_names_are_cut_and_escaped_and_whole_in_the_hover():
    name = "<b>" + "n" * 60
    figure = importance_figure(importance_info({name: (1.0, [1.0])}))
    assert figure.layout.yaxis.ticktext == ("&lt;b&gt;" + "n" * 40 + "…",)
    assert figure.data[0].customdata[0][0] == "&lt;b&gt;" + "n" * 60


def test_no_column():
    figure = importance_figure(importance_info({}))
    assert [each.text for each in figure.layout.annotations] == ["No column to show"]
