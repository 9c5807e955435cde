"""Settings of Sphinx. `make docs` builds from a staged copy, see tools/make_docs.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aiqc

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "AIQC"
author = "AIQC"
version = release = aiqc.__version__
extensions = [
    "aiqc_docstrings",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "_ext", "**.ipynb_checkpoints"]
suppress_warnings = ["mystnb.unknown_mime_type"]
# names of other libraries stay plain text: nothing is fetched to resolve them
nitpick_ignore_regex = [("py:.*", r"(?!aiqc\.).*")]
default_role = "code"

myst_enable_extensions = ["colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 3

nb_execution_mode = os.environ.get("AIQC_DOCS_EXECUTE", "off")
nb_execution_cache_path = os.environ.get("AIQC_DOCS_CACHE", "")
nb_execution_in_temp = True
nb_execution_timeout = 900
# a failed cell is a warning with its traceback, and warnings are errors: all failures are shown
nb_execution_raise_on_error = False
nb_execution_show_tb = True
nb_output_stderr = "remove"
nb_merge_streams = True
# no widgets, so nothing is loaded from elsewhere
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "AIQC"
html_static_path = ["_static"]
html_css_files = ["aiqc.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "sidebar_hide_name": False,
    "navigation_with_keys": True,
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#0b5e96",
        "color-brand-content": "#0b6fb0",
        "color-brand-visited": "#0b6fb0",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6bb8ea",
        "color-brand-content": "#6bb8ea",
        "color-brand-visited": "#6bb8ea",
    },
}


def load_plotly_where_figures_are(_app, _page, _template, context, _doctree):
    """Put the one copy of plotly.js into the head of the pages that draw with it."""
    if "Plotly.newPlot" in context.get("body", ""):
        source = context["pathto"]("_static/plotly.min.js", resource=True)
        # the drawing follows in the body, so the script must be there before
        context["metatags"] = context.get("metatags", "") + f'<script src="{source}"></script>'


def setup(app):
    """Connect to the pages."""
    app.connect("html-page-context", load_plotly_where_figures_are)
