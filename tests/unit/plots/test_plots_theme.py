"""Colours, templates and text that every figure shares."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import plotly.io as pio
import pytest

from aiqc.core.enums import Split
from aiqc.plots import theme
from aiqc.plots._text import cut, escape, hyperparameter_text, label, number, percent, width

#: Machado, Oliveira, Fernandes (2009), severity 1, on linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(colour: str, page: str) -> float:
    light = [float(linear(each) @ [0.2126, 0.7152, 0.0722]) + 0.05 for each in (colour, page)]
    return max(light) / min(light)


@pytest.fixture
def default_template():
    before = pio.templates.default
    yield
    pio.templates.default = before


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_split_colours_differ_for_every_eye(deficiency):
    matrix = DEFICIENCIES[deficiency]
    colours = sorted({theme.split_colour(split) for split in Split})
    assert len(colours) == 4
    for one, other in itertools.combinations(colours, 2):
        distance = np.linalg.norm(lab(matrix @ linear(one)) - lab(matrix @ linear(other)))
        assert distance >= 15, (one, other)


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_text_and_colours_stand_out_on_both_pages(page):
    assert contrast(theme.AUTO.text, page) >= 4
    for split in Split:
        assert contrast(theme.split_colour(split), page) >= 2.4, split


def test_readable_text_of_the_light_and_dark_theme():
    assert contrast(theme.LIGHT.text, theme.LIGHT.page) >= 7
    assert contrast(theme.DARK.text, theme.DARK.page) >= 7


def test_colours_and_markers_of_splits():
    assert theme.split_colour("train") == theme.split_colour("folds_train_combined")
    assert theme.split_colour("infer_0") == theme.split_colour("infer_12")
    assert theme.split_colour("infer_0") not in theme.SPLIT_COLOURS.values()
    shapes = [theme.split_symbol(split) for split in ("train", "validation", "test", "infer_0")]
    assert len(set(shapes)) == 4
    names = ["infer_0", "test", "validation", "train", "fold_validation", "folds_train_combined"]
    assert theme.ordered_splits(names) == [
        *("train", "folds_train_combined", "fold_validation", "validation", "test", "infer_0")
    ]


@pytest.mark.usefixtures("default_template")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("plotly", "aiqc"),
        ("none", "aiqc"),
        (None, "aiqc"),
        ("plotly_dark", "aiqc_dark"),
        ("plotly_white", "aiqc_light"),
        ("ggplot2", "aiqc_light"),
        ("plotly_dark+presentation", "aiqc_dark"),
        ("aiqc_dark", "aiqc_dark"),
        ("aiqc_light+presentation", "aiqc_light"),
        ("aiqc", "aiqc"),
    ],
)
def test_theme_follows_the_users_template(chosen, expected):
    theme.register(theme.AUTO)
    pio.templates.default = chosen
    assert theme.current_theme().name == expected
    figure = theme.themed_figure("title", [], 300)
    assert figure.layout.template.layout.font.color == theme.THEMES[expected].text
    assert pio.templates.default == (chosen or pio.templates.default)


def test_template_can_be_named_before_any_figure_of_ours():
    code = (
        "from aiqc.plots import template\n"
        "import sys\n"
        "assert 'plotly' not in sys.modules\n"
        "import plotly.graph_objects as go\n"
        "figure = go.Figure(layout={'template': template()})\n"
        "assert figure.layout.template.layout.paper_bgcolor == 'rgba(0,0,0,0)'\n"
        "go.Figure(layout={'template': 'aiqc_dark'})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.usefixtures("default_template")
def test_template_follows_the_users_default():
    pio.templates.default = "plotly_dark"
    assert theme.template() == "aiqc_dark"


def test_registering_leaves_the_default_alone():
    before = pio.templates.default
    theme.register(theme.DARK)
    assert pio.templates.default == before
    assert {"aiqc", "aiqc_light", "aiqc_dark"} <= set(pio.templates)
    assert pio.templates["aiqc"].layout.paper_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("name", theme.THEMES)
def test_no_button_offers_to_send_a_figure_away(name):
    theme.register(theme.THEMES[name])
    removed = pio.templates[name].layout.modebar.remove
    assert "sendChartToCloud" in removed
    # saving, zooming and going back stay
    assert not {"toImage", "zoom2d", "pan2d", "resetScale2d"} & set(removed)


def test_figure_has_title_notes_and_ids():
    figure = theme.themed_figure("A title", ["one", "two"], 321, queue_id=3, predictor_id=None)
    assert figure.layout.title.text == "A title"
    assert figure.layout.title.subtitle.text == "one<br>two"
    assert figure.layout.height == 321
    assert figure.layout.meta == {"queue_id": 3}
    assert figure.layout.margin.t > theme.themed_figure("A title", [], 321).layout.margin.t


def test_message_figure_says_why():
    figure = theme.message_figure("title", "nothing left", 300)
    assert [each.text for each in figure.layout.annotations] == ["nothing left"]
    assert figure.layout.xaxis.visible is False
    assert len(figure.data) == 0


@pytest.mark.parametrize(
    ("start", "end", "share", "expected"),
    [
        ("#000000", "#ffffff", 0, "#000000"),
        ("#000000", "#ffffff", 1, "#ffffff"),
        ("#102030", "#304050", 0.5, "#203040"),
    ],
)
def test_mix(start, end, share, expected):
    assert theme.mix(start, end, share) == expected


def test_text_on_takes_the_stronger_contrast():
    assert theme.text_on("#ffffff") == "#15191d"
    assert theme.text_on("#000000") == "#ffffff"
    assert theme.text_on(theme.split_colour("train")) == "#ffffff"
    assert theme.text_on(theme.split_colour("validation")) == "#15191d"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>a</b>", "&lt;b&gt;a&lt;/b&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;", "&amp;lt;"),
        ("$x^2$", "&#36;x^2&#36;"),
        ("plain", "plain"),
    ],
)
def test_escape(text, expected):
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("a\n b\tc", 10, "a b c"),
        ("", 5, ""),
    ],
)
def test_cut(text, length, expected):
    assert cut(text, length) == expected


def test_label_cuts_before_it_escapes():
    assert label("<<<<<", 3) == "&lt;&lt;…"


@pytest.mark.parametrize(("text", "expected"), [("abc", 3), ("体重", 4), ("é", 1)])
def test_width_counts_wide_characters_twice(text, expected):
    assert width(text) == expected


def test_numbers():
    assert number(0.123456) == "0.1235"
    assert number(float("nan")) == "NaN"


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, "0 %"), (0.004, "&lt;1 %"), (0.85, "85 %"), (0.999, "&gt;99 %"), (1, "100 %")],
)
def test_percent_never_rounds_to_none_or_all(share, expected):
    assert percent(share) == expected


def test_hyperparameter_text():
    values = {"units": 32, "rate": 0.1 + 0.2, "<i>": "<b>x</b>", "on": True, "none": None}
    assert hyperparameter_text(values) == (
        "units: 32<br>rate: 0.3<br>&lt;i&gt;: &lt;b&gt;x&lt;/b&gt;<br>on: True<br>none: None"
    )


def test_hyperparameter_text_cuts_values_and_lists():
    lines = hyperparameter_text({f"p{at}": "v" * 90 for at in range(20)}).split("<br>")
    assert len(lines) == 13
    assert lines[0] == "p0: " + "v" * 39 + "…"
    assert lines[-1] == "… and 8 more"
