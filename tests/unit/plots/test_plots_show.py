"""Figures are displayed in one place, and no browser opens by itself."""

from __future__ import annotations

import logging
import sys
import types

import plotly.graph_objects as go
import plotly.io as pio
import pytest

from aiqc.plots._show import present


class ZMQInteractiveShell:
    pass


class TerminalInteractiveShell:
    pass


@pytest.fixture
def shown(monkeypatch):
    """Record what plotly is asked to show, with its automatic renderer of scripts."""
    seen = []
    monkeypatch.setattr(go.Figure, "show", lambda figure: seen.append(figure))
    monkeypatch.delenv("PLOTLY_RENDERER", raising=False)
    before = pio.renderers.default
    pio.renderers.default = "browser"
    yield seen
    pio.renderers.default = before


def shell(monkeypatch, instance, displayed=None):
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: instance
    display = types.ModuleType("IPython.display")
    display.display = lambda bundle, raw: displayed.append((bundle, raw))
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", display)


def test_false_returns_what_was_given(shown):
    figures = [go.Figure(), go.Figure()]
    assert present(figures, call_display=False) is figures
    assert present(figures[0], call_display=False) is figures[0]
    assert shown == []


def test_notebook_shows_each_figure_and_returns_none(shown, monkeypatch):
    shell(monkeypatch, ZMQInteractiveShell())
    figures = [go.Figure(layout_title_text="a"), go.Figure(layout_title_text="b")]
    assert present(figures, call_display=True) is None
    assert [figure.layout.title.text for figure in shown] == ["a", "b"]
    assert present(figures[0], call_display=True) is None
    assert len(shown) == 3


@pytest.mark.parametrize("instance", [None, TerminalInteractiveShell()])
def test_no_browser_outside_a_notebook(shown, monkeypatch, caplog, instance):
    shell(monkeypatch, instance)
    with caplog.at_level(logging.WARNING):
        assert present(go.Figure(), call_display=True) is None
    assert shown == []
    assert "PLOTLY_RENDERER=browser" in caplog.text


@pytest.mark.parametrize(
    ("variable", "default", "count"),
    [("browser", "browser", 1), (None, "json", 1), (None, "browser+json", 1), (None, "", 0)],
)
def test_a_renderer_that_was_asked_for_is_used(shown, monkeypatch, variable, default, count):
    shell(monkeypatch, None)
    if variable:
        monkeypatch.setenv("PLOTLY_RENDERER", variable)
    pio.renderers.default = default
    present(go.Figure(), call_display=True)
    assert len(shown) == count


def test_missing_nbformat_does_not_hide_the_figure(shown, monkeypatch):
    def fail(_figure):
        msg = "Mime type rendering requires nbformat>=4.2.0 but it is not installed"
        raise ValueError(msg)

    displayed = []
    shell(monkeypatch, ZMQInteractiveShell(), displayed)
    pio.renderers.default = "plotly_mimetype"
    monkeypatch.setattr(go.Figure, "show", fail)
    present(go.Figure(layout_title_text="a"), call_display=True)
    [(bundle, raw)] = displayed
    assert raw
    [content] = bundle.values()
    assert content["layout"]["title"]["text"] == "a"


def test_other_errors_are_not_swallowed(shown, monkeypatch):
    def fail(_figure):
        msg = "bad renderer"
        raise ValueError(msg)

    shell(monkeypatch, ZMQInteractiveShell())
    monkeypatch.setattr(go.Figure, "show", fail)
    with pytest.raises(ValueError, match="bad renderer"):
        present(go.Figure(), call_display=True)
