"""The one place where figures are displayed."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LOGGER = logging.getLogger(__name__)
#: plotly's renderers that open a window outside the notebook
_WINDOWS = frozenset({"browser", "firefox", "chrome", "chromium"})


def present(figures: Figure | list[Figure], call_display: bool) -> Figure | list[Figure] | None:
    """Display figures and return None, or return them.

    In a notebook plotly's renderer draws them in the cell. In a script or at a prompt no
    browser opens by itself, although that is plotly's automatic choice there: only one asked
    for by `PLOTLY_RENDERER` or a `plotly.io.renderers.default` other than the automatic one.
    Otherwise a logged line says how to see the figure.

    Parameters
    ----------
    figures
        One figure or a list of them.
    call_display
        True displays and returns None; False returns `figures` as given.
    """
    if not call_display:
        return figures
    several: list[Figure] = figures if isinstance(figures, list) else [figures]
    for figure in several:
        _display(figure)
    return None


def _display(figure: Figure) -> None:
    import plotly.io as pio

    if not (_in_notebook() or _renderer_was_asked_for(pio.renderers.default)):
        hint = "Use call_display=False and write_html, or set PLOTLY_RENDERER=browser."
        _LOGGER.warning("Outside a notebook no figure is shown. %s", hint)
        return
    try:
        figure.show()
    except ValueError as error:
        if "nbformat" not in str(error):
            raise
        _display_bundle(figure)


def _display_bundle(figure: Figure) -> None:
    """Display without nbformat, which plotly only asks for to check its version."""
    from IPython.display import display

    bundle: Any = figure._repr_mimebundle_()
    display(bundle, raw=True)


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter, Colab or an editor runs; an IPython terminal is none."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return shell is not None and type(shell).__name__ != "TerminalInteractiveShell"


def _renderer_was_asked_for(default: str | None) -> bool:
    if os.environ.get("PLOTLY_RENDERER"):
        return True
    return bool(default) and not _WINDOWS.issuperset((default or "").split("+"))
