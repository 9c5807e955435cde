"""Draw every figure for the cases that break plots, into docs/gallery.

Run: python tools/make_gallery.py [folder]

Pictures are made where Chromium (or Chrome) is found; otherwise HTML pages. Each picture
shows one case four times: the default theme on a white and on a black page, `aiqc_light`,
`aiqc_dark`.
"""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import Split
from aiqc.plots.confidence import confidence_figure, confidence_info
from aiqc.plots.confusion_matrix import confusion_figure, confusion_info
from aiqc.plots.feature_importance import importance_figure, importance_info
from aiqc.plots.learning_curve import learning_curve_figure, learning_curve_info
from aiqc.plots.performance import PerformancePoints, performance_figure, performance_info
from aiqc.plots.precision_recall import precision_recall_figure, precision_recall_info
from aiqc.plots.roc_curve import roc_figure, roc_info

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LOGGER = logging.getLogger("make_gallery")
FOLDER = Path(__file__).parent.parent / "docs" / "gallery"
SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)
FOLD_SPLITS = (Split.FOLDS_TRAIN, Split.FOLD_VALIDATION, Split.TEST)
#: template -> page colour
PANELS = (("aiqc", "#ffffff"), ("aiqc", "#111111"), ("aiqc_light", "#fff"), ("aiqc_dark", "#111"))
PANEL_WIDTH = 720
COLOURS = 200
#: of the made-up models: last digit of the diverged ones, and the one without a loss
DIVERGED, LOST = 3, 2
LONG = "mean radius of the <b>nucleus</b> & its surroundings, in micrometres, mean of $3$ scans"
QUIET = {"displayModeBar": False}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

Draw = Callable[[], "Figure"]


def points(
    model_count: int,
    splits: tuple[str, ...] = SPLITS,
    *,
    fold_count: int = 1,
    long_names: bool = False,
) -> PerformancePoints:
    """Return a made-up queue: better models lose less, splits drift apart."""
    draw = np.random.default_rng(7)
    skill = np.repeat(draw.beta(2.2, 1.6, model_count), len(splits))
    drift = np.tile(np.linspace(0, 1, len(splits)), model_count)
    noise = draw.normal(0, 0.02, skill.size)
    score = np.clip(0.52 + 0.47 * skill - 0.09 * drift * skill + noise, 0, 1)
    loss = np.exp(-2.3 * skill) * (0.75 + 0.45 * drift) * np.exp(draw.normal(0, 0.06, skill.size))
    predictor = np.repeat(np.arange(1, model_count + 1), len(splits))
    combo = (predictor - 1) // fold_count + 1
    return PerformancePoints(
        queue_id=3,
        predictor_id=predictor,
        job_id=predictor,
        combo_id=combo,
        fold_index=(predictor - 1) % fold_count if fold_count > 1 else np.full_like(predictor, -1),
        repeat_index=np.zeros_like(predictor),
        split=np.array(splits * model_count, dtype=object),
        loss=loss,
        score=score,
        hyperparameters={
            int(each): hyperparameters(int(each), long_names) for each in np.unique(combo)
        },
    )


def hyperparameters(combo: int, long_names: bool) -> dict[str, Any]:
    """Return a made-up combination."""
    values = {"units": 8 << combo % 5, "learning_rate": 0.1 / combo, "activation": "relu"}
    return {**values, LONG: [LONG] * 3} if long_names else values


def performance(data: PerformancePoints, score_type: str = "accuracy", **limits: float) -> Draw:
    """Return how to draw a queue."""
    return lambda: performance_figure(performance_info(data, score_type, **limits))


def replaced(data: PerformancePoints, **columns: Any) -> PerformancePoints:
    """Return points with other columns."""
    values = {name: getattr(data, name) for name in PerformancePoints.__slots__}
    return PerformancePoints(**{**values, **columns})


def diverged(model_count: int) -> PerformancePoints:
    """Return a regression queue in which one model in ten diverged and one has no loss."""
    data = points(model_count)
    is_lost = data.predictor_id % 10 == DIVERGED
    score = np.where(is_lost, -4e4 * data.loss, 2 * data.score - 1)
    loss = np.where(is_lost, 3e5, data.loss)
    loss[data.predictor_id == LOST] = np.nan
    return replaced(data, loss=loss, score=score)


def performance_cases() -> Iterator[tuple[str, Draw]]:
    """Return the cases of `plot_performance`."""
    for count in (1, 3, 30, 3000):
        yield f"performance-{count}", performance(points(count))
    yield "performance-folds", performance(points(100, FOLD_SPLITS, fold_count=5))
    yield "performance-long-names", performance(points(3, long_names=True), score_type=LONG)
    yield "performance-diverged", performance(diverged(60), score_type="r2")
    spread = points(60)
    decades = 10 ** (6 * (spread.loss - spread.loss.min()))
    yield "performance-decades", performance(replaced(spread, loss=decades))
    yield "performance-none-left", performance(points(3), max_loss=0.01, min_score=0.99)


def history(epoch_count: int) -> dict[str, Any]:
    """Return made-up series, one of them without a twin."""
    epochs = np.arange(epoch_count)
    draw = np.random.default_rng(3)
    noise = draw.normal(0, 0.01, (2, epoch_count))
    loss = 0.2 + np.exp(-epochs / 25) + noise[0]
    return {
        "loss": loss,
        "lr": 0.01 * 0.97**epochs,
        "val_loss": 0.3 + np.exp(-epochs / 22) + epochs / 900 + noise[1],
    }


def curve(series: dict[str, Any], name: str = "loss", **options: Any) -> Draw:
    """Return how to draw one chart of a history."""
    charts = learning_curve_info(series, predictor_id=12, **options)
    return lambda: learning_curve_figure(next(each for each in charts if each.name == name))


def learning_cases() -> Iterator[tuple[str, Draw]]:
    """Return the cases of `plot_learning_curve`."""
    yield "learning-curve-100", curve(history(100))
    yield "learning-curve-1-epoch", curve(history(1))
    yield "learning-curve-12-epochs", curve(history(12), skip_head=False)
    yield "learning-curve-3000", curve(history(3000), evaluation_split=Split.FOLD_VALIDATION)
    yield "learning-curve-alone", curve(history(60), "lr")
    lost = history(20)
    lost["loss"][9:] = np.nan
    lost["val_loss"][8:] = np.inf
    yield "learning-curve-nan", curve(lost)


def impacts(names: list[str]) -> dict[str, tuple[float, list[float]]]:
    """Return made-up importances, some negative."""
    draw = np.random.default_rng(5)
    result = {}
    for row, name in enumerate(names):
        values = draw.normal(0.6 / (row + 1) - 0.02, 0.02, 7)
        result[name] = (float(np.median(values)), values.tolist())
    return result


def importance_cases() -> Iterator[tuple[str, Draw]]:
    """Return the cases of `plot_feature_importance`."""
    columns = [f"column {row}" for row in range(30)]
    cases = {
        "1": (["bill_length_mm"], 10),
        "10": (columns, 10),
        "30": (columns, None),
        "long-names": ([LONG, "体重のグラム", "z", *(f"{LONG} {row}" for row in range(3))], 10),
    }
    for case, (names, top) in cases.items():
        info = importance_info(impacts(names), top, feature="Feature 4")
        yield f"importance-{case}", lambda info=info: importance_figure(info)


def curves(sample_count: int, splits: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """Return ROC and precision-recall curves of made-up probabilities, with their areas."""
    from sklearn import metrics

    draw = np.random.default_rng(11)
    roc: dict[str, Any] = {}
    recall: dict[str, Any] = {}
    areas: dict[str, float] = {}
    rates: dict[str, float] = {}
    for row, split in enumerate(splits):
        truth = draw.random(sample_count) < 0.3 + 0.05 * row
        scores = draw.normal(truth * (2.6 - 0.7 * row), 1)
        fpr, tpr, _ = metrics.roc_curve(truth, scores)
        precision, recalls, _ = metrics.precision_recall_curve(truth, scores)
        roc[split] = {"fpr": fpr, "tpr": tpr}
        recall[split] = {"precision": precision, "recall": recalls}
        areas[split] = float(metrics.roc_auc_score(truth, scores))
        rates[split] = float(truth.mean())
    return roc, recall, areas, rates


def curve_cases() -> Iterator[tuple[str, Draw]]:
    """Return the cases of `plot_roc_curve` and `plot_precision_recall`."""
    for case, count, splits in (
        ("three-splits", 300, SPLITS),
        ("folds", 3000, (*FOLD_SPLITS[:2], *SPLITS[1:])),
    ):
        roc, recall, areas, rates = curves(count, splits)
        info = roc_info(roc, areas, prediction_id=8, is_micro=case == "folds")
        yield f"roc-{case}", lambda info=info: roc_figure(info)
        other = precision_recall_info(recall, rates, areas, prediction_id=8)
        yield f"precision-recall-{case}", lambda other=other: precision_recall_figure(other)
    roc, _, areas, _ = curves(40, SPLITS[:2])
    roc[Split.TEST] = {
        "fpr": np.zeros(0),
        "tpr": np.zeros(0),
        "reason": "All samples of the split are of class 0.",
    }
    lone = roc_info(roc, areas)
    yield "roc-one-class", lambda: roc_figure(lone)


def confusion_cases() -> Iterator[tuple[str, Draw]]:
    """Return the cases of `plot_confusion_matrix`."""
    draw = np.random.default_rng(13)
    cases: dict[str, tuple[list[str], str]] = {
        "2": (["benign", "malignant"], Split.TRAIN),
        "3": (["Adelie", "Chinstrap", "Gentoo"], Split.VALIDATION),
        "10-long-names": ([f"{row} {LONG}" for row in range(10)], Split.TEST),
        "30": ([f"class {row}" for row in range(30)], Split.FOLD_VALIDATION),
    }
    for case, (names, split) in cases.items():
        count = len(names)
        matrix = draw.poisson(np.full((count, count), 1.2) + np.eye(count) * draw.integers(20, 90))
        info = confusion_info(matrix, names, split)
        yield f"confusion-{case}", lambda info=info: confusion_figure(info)


def confidence_cases() -> Iterator[tuple[str, Draw]]:
    """Return the cases of `plot_confidence`."""
    draw = np.random.default_rng(17)
    species = ["Adelie", "Chinstrap", "Gentoo"]
    many = [f"class {row}" for row in range(30)]
    wide = draw.dirichlet(np.full(30, 0.3))
    binary, test = ["benign", "malignant"], Split.TEST
    cases: dict[str, tuple[Any, ...]] = {
        "binary": ([0.83], binary, "malignant", "malignant", 12, test),
        "binary-low": ([0.004], binary, "malignant", "benign", 0, Split.TRAIN),
        "binary-long-names": ([0.61], [LONG, f"not {LONG}"], LONG, f"not {LONG}", 3, test),
        "3": ([0.08, 0.71, 0.21], species, "Gentoo", "Chinstrap", 40, Split.VALIDATION),
        "30": (wide, many, many[int(wide.argmin())], many[int(wide.argmax())], 5, test),
        "inference": ([0.02, 0.95, 0.03], species, None, "Chinstrap", 0, "infer_0"),
    }
    for case, given in cases.items():
        info = confidence_info(*given, sample=None if given[2] is None else 117)
        yield f"confidence-{case}", lambda info=info: confidence_figure(info)


def cases() -> Iterator[tuple[str, Draw]]:
    """Return every case: its file name and how to draw it in the current template."""
    for chart in (
        performance_cases,
        learning_cases,
        importance_cases,
        curve_cases,
        confusion_cases,
        confidence_cases,
    ):
        yield from chart()


def panels(draw: Draw) -> list[tuple[Figure, str]]:
    """Return the figure in each template, with the colour of its page."""
    import plotly.io as pio

    from aiqc.plots.theme import AUTO, register

    register(AUTO)
    before = pio.templates.default
    drawn = []
    try:
        for template, page in PANELS:
            pio.templates.default = template
            drawn.append((draw(), page))
    finally:
        pio.templates.default = before
    return drawn


def page_html(drawn: list[tuple[Figure, str]]) -> tuple[str, int, int]:
    """Return a page of two by two figures, its width and its height."""
    script = Path(__import__("plotly").__file__).parent / "package_data" / "plotly.min.js"
    width = max([PANEL_WIDTH, *(figure.layout.width or 0 for figure, _ in drawn)])
    height = max(figure.layout.height for figure, _ in drawn)
    parts = [
        f'<div style="float:left;width:{width}px;height:{height}px;background:{page}">'
        f"{figure.to_html(full_html=False, include_plotlyjs=False, config=QUIET)}</div>"
        for figure, page in drawn
    ]
    head = f'<meta charset="utf-8"><script src="{script.as_uri()}"></script>'
    body = f'<body style="margin:0;width:{2 * width}px">{"".join(parts)}</body>'
    return f"<!doctype html><html><head>{head}</head>{body}</html>", 2 * width, 2 * height


def screenshot(browser: str, html: str, width: int, height: int, target: Path) -> None:
    """Photograph a page with a headless browser and store it with few colours."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(html, encoding="utf-8")
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-quic", "--no-first-run"),
            *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-sync"),
            *("--disable-background-networking", "--disable-component-update"),
            *("--hide-scrollbars", "--virtual-time-budget=20000", f"--user-data-dir={folder}/u"),
            *(f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        image = Image.open(io.BytesIO(picture.read_bytes())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def write_case(name: str, draw: Draw, browser: str | None, folder: Path) -> str:
    """Write one case and return its line of the index."""
    drawn = panels(draw)
    if browser is None:
        target = folder / f"{name}.html"
        drawn[0][0].write_html(target, include_plotlyjs="cdn")
        return f"- [{name}]({target.name})"
    html, width, height = page_html(drawn)
    target = folder / f"{name}.png"
    screenshot(browser, html, width, height, target)
    LOGGER.info("%s: %d KB", target.name, target.stat().st_size // 1024)
    return f"## {name}\n\n![{name}]({target.name})\n"


INTRODUCTION = """# Gallery

Every figure for the cases that break plots. Each picture shows one case four times: the
default theme on a white and on a black page, `aiqc_light`, `aiqc_dark`. The data is made up.
Written by `python tools/make_gallery.py`.

"""


def main(folder: Path, wanted: str = "") -> None:
    """Write the cases whose name holds `wanted`, and, where that is all, the index."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [write_case(name, draw, browser, folder) for name, draw in cases() if wanted in name]
    if not wanted:
        (folder / "README.md").write_text(INTRODUCTION + "\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER, "".join(sys.argv[2:3]))
