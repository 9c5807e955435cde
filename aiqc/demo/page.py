"""The report as one HTML file that needs no network: tables, and every figure of each study."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from aiqc.demo.results import Result, hyperparameters_text, missing_text, results_table
from aiqc.plots.theme import DARK, LIGHT, Theme, register

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from aiqc.orm import Prediction

#: narrow figures stand beside each other on a wide window; 'wide' ones take the row
STYLE = """
:root { color-scheme: light dark; --text: #24303a; --soft: #5d6a75; --line: #dfe3e8;
  --page: #ffffff; --accent: #0b78bd; }
@media (prefers-color-scheme: dark) {
  :root { --text: #d9dee3; --soft: #9aa5af; --line: #2c3137; --page: #111111;
    --accent: #4aa8e0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: 32px 24px 64px; background: var(--page);
  color: var(--text); font: 15px/1.55 Inter, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 28px; margin: 0 0 8px; } h2 { font-size: 21px; margin: 56px 0 6px;
  padding-top: 20px; border-top: 1px solid var(--line); }
p { margin: 4px 0; max-width: 78ch; } p.soft { color: var(--soft); }
code { font-size: 13.5px; overflow-wrap: anywhere; } a { color: var(--accent); }
.scroll { overflow-x: auto; margin: 18px 0; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 14px 6px 0; text-align: left; border-bottom: 1px solid var(--line);
  white-space: nowrap; } th { color: var(--soft); font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 40px 32px;
  margin-top: 20px; align-items: start; }
.figures > .wide { grid-column: 1 / -1; }
@media (max-width: 900px) { .figures { grid-template-columns: minmax(0, 1fr); } }
"""
#: few buttons, so that they leave room for the titles of narrow figures
CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "modeBarButtons": [["toImage", "resetScale2d"]],
}
#: draws each figure in the colours that the reader's system prefers, again when they change
SCRIPT = """
const data = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
function draw() {
  const figures = dark.matches ? data.dark : data.light;
  figures.forEach((figure, index) => Plotly.react(
    document.getElementById("figure-" + index), figure.data, figure.layout, data.config));
}
dark.addEventListener("change", draw);
draw();
"""


def page(results: list[Result], store: str) -> str:
    """Return the whole page; plotly's script is in it once."""
    from plotly.offline import get_plotlyjs

    sections, light, first = [], [], 0
    for result in results:
        figures = figures_of(result, LIGHT)
        sections.append(_section(result, [is_wide for _, is_wide in figures], first))
        light += figures
        first += len(figures)
    dark = [pair for result in results for pair in figures_of(result, DARK)]
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>AIQC demonstration</title><style>{STYLE}</style></head><body>"
        "<h1>AIQC demonstration</h1>"
        "<p>Each study below was trained from one metastore, and everything on this page was read "
        "back from it. The best model has the highest score on the evaluation split, which it did "
        "not train on; the table gives its score on the test split.</p>"
        f"<p class='soft'>Store: <code>{html.escape(store)}</code></p>"
        f"{_table(results_table(results))}"
        "<p class='soft'>The baseline predicts the majority class, or the mean, of the same "
        f"training rows.</p>{''.join(sections)}"
        f"<script id='figures' type='application/json'>{_json(light, dark)}</script>"
        f"<script>{get_plotlyjs()}</script><script>{SCRIPT}</script></body></html>\n"
    )


def _section(result: Result, widths: list[bool], first: int) -> str:
    best = f"Best model: Predictor {result.best.id} ({hyperparameters_text(result.best)})."
    counts = f"{result.queue.runs_completed} models. {missing_text(result.queue)}"
    texts = [("", result.study.text), ("soft", counts), ("soft", best)]
    paragraphs = "".join(f"<p class='{kind}'>{html.escape(text)}</p>" for kind, text in texts)
    places = "".join(
        f"<div id='figure-{index}' class='{'wide' if is_wide else 'narrow'}'></div>"
        for index, is_wide in enumerate(widths, start=first)
    )
    title = html.escape(result.study.title)
    return f"<h2>{title}</h2>{paragraphs}<div class='figures'>{places}</div>"


def figures_of(result: Result, theme: Theme) -> list[tuple[go.Figure, bool]]:
    """Return the figures of a study in a theme, each with whether it takes the full width."""
    import plotly.io as pio

    prediction, chosen = result.prediction, pio.templates.default
    pio.templates.default = register(theme)
    try:
        drawn = [(result.queue.plot_performance(call_display=False), True)]
        curves = result.best.plot_learning_curve(call_display=False) or []
        drawn += [(figure, len(curves) == 1) for figure in curves]
        if result.queue.algorithm.analysis_type.is_classification:
            drawn += _figures_of_classes(prediction)
        importances = prediction.plot_feature_importance(call_display=False) or []
        drawn += [(figure, True) for figure in importances]
    finally:
        pio.templates.default = chosen
    return [(figure, is_wide) for figure, is_wide in drawn if figure is not None]


def _figures_of_classes(prediction: Prediction) -> list[tuple[go.Figure | None, bool]]:
    matrices = prediction.plot_confusion_matrix(call_display=False) or []
    return [
        (prediction.plot_roc_curve(call_display=False), False),
        (prediction.plot_precision_recall(call_display=False), False),
        *((figure, False) for figure in matrices),
        (prediction.plot_confidence(call_display=False), True),
    ]


def _json(light: list[tuple[go.Figure, bool]], dark: list[tuple[go.Figure, bool]]) -> str:
    lists = {
        name: "[" + ",".join(figure.to_json() for figure, _ in figures) + "]"
        for name, figures in (("light", light), ("dark", dark))
    }
    text = f'{{"light":{lists["light"]},"dark":{lists["dark"]},"config":{json.dumps(CONFIG)}}}'
    return text.replace("<", "\\u003c")  # no text of a figure can close the script element


def _table(frame: pd.DataFrame) -> str:
    return f"<div class='scroll'>{frame.to_html(index=False, border=0)}</div>"
