"""Every tutorial runs in a fresh kernel at small size, and is stored as the project keeps them."""

from __future__ import annotations

import ast
import hashlib
import re
from pathlib import Path

import make_notebook
import nbformat
import pytest
import run_tutorial

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "tutorials").glob("*.ipynb"))
KERAS = re.compile(r"\b(keras|tensorflow)\b")


def name_of(path: Path) -> str:
    return path.stem


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in run_tutorial.tags(cell)]


def with_marks(path: Path) -> object:
    """Put the tutorials that import TensorFlow into one group, so that they run one by one."""
    group = "tensorflow" if KERAS.search(code(read(path))) else path.stem
    return pytest.param(path, id=path.stem, marks=pytest.mark.xdist_group(group))


def files_of_the_checkout() -> dict[str, str]:
    """Return the files that a kernel could touch, each with its digest."""
    folders = [ROOT / name for name in ("tutorials", "docs", "aiqc", "tools")]
    found = [p for folder in folders for p in folder.rglob("*") if p.is_file()]
    found += [p for p in ROOT.iterdir() if p.is_file()]
    own = {"__pycache__", "_build"}
    return {
        str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in found if not own & {*p.parts}
    }


#: what is taught for each of two libraries, and what is taught once
OF_EACH_LIBRARY = ["binary", "multi-class-folds", "regression", "sequences", "images"]
ONCE = [
    *("scikit-learn", "forecast-table", "forecast-images", "multi-modal", "manual-training-loop"),
    *("evaluation-gallery", "low-level-by-id", "inference-and-drift", "reproducibility"),
]


def test_every_subject_has_its_tutorial() -> None:
    pairs = {f"{library}-{name}" for library in ("pytorch", "keras") for name in OF_EACH_LIBRARY}
    assert {path.stem for path in TUTORIALS} >= pairs | set(ONCE)


def test_the_gallery_shows_every_plot() -> None:
    from aiqc.orm import Prediction, Predictor, Queue

    rows = (Queue, Predictor, Prediction)
    plots = {name for row in rows for name in dir(row) if name.startswith("plot_")} - {"plot_data"}
    text = code(read(ROOT / "tutorials" / "evaluation-gallery.ipynb"))
    assert {name for name in plots if f".{name}(" in text} == plots != set()


@pytest.mark.slow
@pytest.mark.parametrize("path", [with_marks(path) for path in TUTORIALS])
def test_it_runs_at_small_size(path: Path, tmp_path: Path) -> None:
    before = files_of_the_checkout()
    notebook = run_tutorial.run(run_tutorial.small(read(path)), tmp_path / "home")
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in ran)
    last = [str(output.get("data")) for output in ran[-1].outputs]
    assert any("Plotly.newPlot" in data for data in last), "It ends with a plot to look at."
    assert files_of_the_checkout() == before


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_it_is_stored_without_results(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert [cell.execution_count for cell in cells] == [None] * len(cells)


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_it_is_as_the_tool_writes_it(path: Path) -> None:
    """A notebook and its percent script are one text: nothing is lost on the way."""
    text = path.read_text(encoding="utf-8")
    script = make_notebook.script_of(nbformat.reads(text, as_version=4))
    assert make_notebook.notebook_text(make_notebook.cells_of(script)) == text


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_its_parameters_have_a_small_twin(path: Path) -> None:
    [cell] = tagged(read(path), "parameters")
    assert assigned(cell.source) == assigned(cell.metadata["aiqc"]["small"]) != {}
    assert cell.source != cell.metadata["aiqc"]["small"]


def assigned(source: str) -> set[str]:
    """Return the names of a cell of plain assignments of constants."""
    names = set()
    for node in ast.parse(source).body:
        assert isinstance(node, ast.Assign)
        ast.literal_eval(node.value)
        names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_it_asserts_that_a_baseline_is_beaten(path: Path) -> None:
    cells = tagged(read(path), "full-size")
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
    asserts = [ast.unparse(node) for node in nodes if isinstance(node, ast.Assert)]
    assert any("baseline" in text for text in asserts)


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_it_chooses_no_model_by_the_test_split(path: Path) -> None:
    """The best of several test scores is no longer the score of rows that had no part in it."""
    choice = re.compile(r"""["']test["'].*\.(?:max|idxmax|nlargest|sort_values)\(""")
    assert [line for line in code(read(path)).splitlines() if choice.search(line)] == []


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_it_begins_with_a_title_and_its_one_idea(path: Path) -> None:
    first, *others = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
    assert read(path).cells[0] == first
    title, idea, *_ = first.source.split("\n\n")
    assert re.fullmatch(r"# \S.*", title)
    # one sentence; what data it is shown on may follow in the next paragraph
    assert re.fullmatch(r"(?:[^.]|\.(?=\S))+\.", idea)
    titles = [line for cell in others for line in re.findall(r"^# .*", cell.source, re.MULTILINE)]
    assert titles == []


@pytest.mark.parametrize("path", TUTORIALS, ids=name_of)
def test_its_links_resolve_in_the_checkout(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []
