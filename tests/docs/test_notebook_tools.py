"""What tutorials are written and run with."""

from __future__ import annotations

import json
from pathlib import Path

import make_notebook
import nbformat
import pytest
import run_tutorial
from nbclient.exceptions import CellExecutionError

SCRIPT = """\
# %% [markdown]
# # Title
#
# The idea.

# %% tags=["parameters"] small="a = 1\\nb = 2"
a = 10
b = 20

# %% tags=["full-size"]
assert a > b, "baseline"

# %%
print(a, b)
"""


def notebook_of(script: str) -> nbformat.NotebookNode:
    text = make_notebook.notebook_text(make_notebook.cells_of(script))
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_a_script_becomes_cells() -> None:
    title, parameters, full, last = make_notebook.cells_of(SCRIPT)
    assert (title["cell_type"], "".join(title["source"])) == ("markdown", "# Title\n\nThe idea.")
    assert parameters["source"] == ["a = 10\n", "b = 20"]
    small = {"small": "a = 1\nb = 2"}
    assert parameters["metadata"] == {"aiqc": small, "tags": ["parameters"]}
    assert full["metadata"] == {"tags": ["full-size"]}
    assert (last["outputs"], last["execution_count"], last["metadata"]) == ([], None, {})


def test_a_notebook_becomes_its_script_again() -> None:
    notebook = json.loads(make_notebook.notebook_text(make_notebook.cells_of(SCRIPT)))
    assert make_notebook.script_of(notebook) == SCRIPT


def test_only_a_changed_cell_changes_its_id() -> None:
    before = [cell["id"] for cell in make_notebook.cells_of(SCRIPT)]
    after = [cell["id"] for cell in make_notebook.cells_of(SCRIPT.replace("print(a", "print(-a"))]
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
    twice = [cell["id"] for cell in make_notebook.cells_of("# %%\n1\n\n# %%\n1\n")]
    assert len(set(twice)) == 2


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import aiqc\n# %%\n", "Before the first"),
        ("# %% tag=['x']\n1\n", "Expecting value"),
        ('# %% label="x"\n1\n', "Known: "),
        ("# %% a title\n1\n", "Not understood"),
    ],
)
def test_a_head_that_means_nothing_is_refused(script: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_notebook.cells_of(script)


def test_small_parameters_take_the_place_of_the_cell_and_full_cells_are_left_out() -> None:
    notebook = notebook_of(SCRIPT)
    small = run_tutorial.small(notebook)
    assert [cell.source for cell in small.cells[1:]] == ["a = 1\nb = 2", "print(a, b)"]
    assert notebook.cells[1].source == "a = 10\nb = 20"
    assert len(notebook.cells) == 4


@pytest.mark.slow
def test_a_kernel_has_a_home_of_its_own_and_small_figures(tmp_path: Path) -> None:
    script = """\
# %%
import os
import warnings
import pathlib
import aiqc.orm
import plotly.graph_objects as go
pathlib.Path("left.txt").write_text("x")
print(os.getcwd(), pathlib.Path.home(), aiqc.setup())
# %%
go.Figure(go.Scatter(y=[1, 2])).show()
"""
    done = run_tutorial.run(notebook_of(script), tmp_path / "home")
    [printed] = done.cells[0].outputs
    assert printed.text.count(str(tmp_path / "home")) == 3
    assert (tmp_path / "home" / "work" / "left.txt").read_text() == "x"
    figure = done.cells[1].outputs[0].data["text/html"]
    assert "Plotly.newPlot" in figure
    assert len(figure) < 20_000


@pytest.mark.slow
@pytest.mark.parametrize("category", ["UserWarning", "DeprecationWarning"])
def test_a_warning_fails_the_cell(category: str, tmp_path: Path) -> None:
    script = f"# %%\nimport warnings\nwarnings.warn('look', {category})\n"
    with pytest.raises(CellExecutionError, match="look"):
        run_tutorial.run(notebook_of(script), tmp_path / "home")
