"""What a kernel runs first in tests and for the documentation: strict warnings, small figures."""

from __future__ import annotations

import warnings

import plotly.io
from plotly.io.base_renderers import MimetypeRenderer

warnings.filterwarnings("error")
# TensorFlow and Keras use what numpy and Python will drop
warnings.filterwarnings("ignore", message=r".*np\.object.*", category=FutureWarning)
warnings.filterwarnings("ignore", category=DeprecationWarning, module="tensorflow|keras")
# the machinery of the kernel itself
for category in (DeprecationWarning, PendingDeprecationWarning):
    warnings.filterwarnings("ignore", category=category, module="ipykernel|IPython|zmq|tornado")
# a bar needs no widgets here
warnings.filterwarnings("ignore", message="IProgress not found")


class _PageRenderer(MimetypeRenderer):
    """A figure as HTML; the page loads plotly.js once, from a file beside it."""

    def to_mimebundle(self, fig_dict: dict) -> dict[str, str]:
        config = {"responsive": True, "displaylogo": False}
        html = plotly.io.to_html(fig_dict, include_plotlyjs=False, full_html=False, config=config)
        return {"text/html": html}


plotly.io.renderers["aiqc_page"] = _PageRenderer()
plotly.io.renderers.default = "aiqc_page"
