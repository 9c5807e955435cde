"""One chart a file: info (pure values), figure (plotly), shown in one place."""

from __future__ import annotations

from aiqc.plots.theme import template as template

__all__ = ["template"]
