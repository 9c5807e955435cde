"""The documentation cannot lie: its code runs, its links resolve, its lists are complete."""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

import aiqc.core.errors
from aiqc.core.errors import AIQCError, AIQCWarning

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: what is built stands beside what is written
WRITTEN = sorted(path for path in DOCS.rglob("*.md") if DOCS / "_build" not in path.parents)
WITH_CODE = [ROOT / "README.md", *WRITTEN]
#: pages whose results are checked too, each in a test of its own
TOLD = [ROOT / "README.md", DOCS / "tutorials" / "first-study.md"]
PAGES = [
    *WITH_CODE,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "aiqc" / "datum" / "README.md",
]
BLOCK = re.compile(r"(?:<!-- needs: (\w+) -->\n)?```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\bAIQC_[A-Z_]+\b")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, needs: set[str]) -> list[str]:
    """Return the code of a page, with the blocks that need nothing or one of these libraries."""
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [code for library, code in found if not library or library in needs]


def needing(library: str) -> list[Path]:
    return [path for path in WITH_CODE if f"<!-- needs: {library} -->" in path.read_text("utf-8")]


@contextmanager
def ran(path: Path, folder: Path, needs: set[str]) -> Iterator[ModuleType]:
    """Run the blocks of a page, in order, as one module whose source can be inspected."""
    name = f"docs_{path.stem.replace('-', '_')}"
    file = folder / f"{name}.py"
    file.write_text("\n".join(blocks(path, needs)), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with warnings.catch_warnings():
            # a page may show what warns
            warnings.simplefilter("ignore", AIQCWarning)
            spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]


def run_page(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, needs: set[str]
) -> ModuleType:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AIQC_DATABASE", str(folder / "default.sqlite3"))
    # a page may set variables; they end with the test
    monkeypatch.setenv("AIQC_SIGNING_KEY", "")
    monkeypatch.delenv("AIQC_SIGNING_KEY")
    with ran(path, folder, needs) as module:
        return module


@pytest.mark.parametrize(
    "path", [p for p in WITH_CODE if p not in TOLD and blocks(p, set())], ids=name_of
)
def test_code_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_page(path, tmp_path, monkeypatch, set())


@pytest.mark.torch
@pytest.mark.parametrize("path", needing("torch"), ids=name_of)
def test_pytorch_code_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    run_page(path, tmp_path, monkeypatch, {"torch"})
    assert "pytorch" in libraries()


@pytest.mark.keras
@pytest.mark.parametrize("path", needing("keras"), ids=name_of)
def test_keras_code_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("keras")
    run_page(path, tmp_path, monkeypatch, {"keras"})
    assert "keras" in libraries()


def libraries() -> list[str]:
    """Return the libraries of the Queues that a page has left in its store."""
    from aiqc.orm import Queue

    return list(Queue.list_df()["library"])


def test_the_pages_with_code_are_found() -> None:
    assert len([p for p in WITH_CODE if blocks(p, {"torch", "keras"})]) >= 12


def test_the_example_of_the_readme_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = run_page(ROOT / "README.md", tmp_path, monkeypatch, set())
    assert page.queue.status == {"complete": 3}
    table = page.queue.metrics_df()
    assert table[table["split"] == "test"]["accuracy"].min() > 0.9


def test_the_tutorial_trains_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = run_page(DOCS / "tutorials" / "first-study.md", tmp_path, monkeypatch, set())
    assert page.queue.status == {"complete": 9}
    assert page.dataset.to_df().isna().any(axis="columns").sum() == 11
    assert page.prediction.metrics["test"]["accuracy"] > 0.8
    names = page.feature.featurecoders[1].encoded_column_names
    assert "sex_nan" in names


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_resolve(path: Path) -> None:
    broken = []
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    texts = (heading.lower() for heading in HEADING.findall(path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", text).strip().replace(" ", "-") for text in texts}


#: sections whose list takes in what is in their folder
GLOBBED = ("adr", "explanation", "how-to", "reference", "tutorials")


def test_every_page_is_in_a_list_of_contents() -> None:
    """Sphinx says so too, later; a folder without a list, or a page beside them, is found here."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^[\w/-]+$", index, re.MULTILINE))
    for folder in GLOBBED:
        assert f"{folder}/index" in listed
        contents = (DOCS / folder / "index.md").read_text(encoding="utf-8")
        if not re.search(r"^0?\*$", contents, re.MULTILINE):
            # in an order of its own: each page by name
            own = {path.stem for path in WRITTEN if path.parent.name == folder} - {"index"}
            own |= {path.stem for path in (DOCS.parent / folder).glob("*.ipynb")}
            assert own == set(re.findall(r"^[\w-]+$", contents, re.MULTILINE))
    others = {path.relative_to(DOCS) for path in WRITTEN if path.parent.name not in GLOBBED}
    assert {str(path.with_suffix("")) for path in others} - listed == {"index"}


def test_every_error_is_in_the_reference_where_it_stands_in_the_tree() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    assert tree_of(page) == {
        kind.__name__: kind.__bases__[0].__name__
        for kind in vars(aiqc.core.errors).values()
        if isinstance(kind, type) and issubclass(kind, (AIQCError, AIQCWarning))
    }


def tree_of(page: str) -> dict[str, str]:
    """Return {class: its parent} of a drawn tree; the roots stand beside a builtin."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in page.splitlines():
        drawn = re.match(r"((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+)(?: \((\w+)\))?(?:\s{2,}|$)", line)
        if not drawn or not ("── " in line or drawn[3]):
            continue
        depth = len(drawn[1]) // 4 + (1 if "── " in line else 0)
        path = [*path[:depth], drawn[2]]
        found[drawn[2]] = path[depth - 1] if depth else drawn[3]
    return found


def test_the_builtins_beside_the_errors_are_right() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    pairs = dict(re.findall(r"── (\w+) \((\w+)\)", page))
    assert len(pairs) >= 10
    for name, builtin in pairs.items():
        bases = getattr(aiqc.core.errors, name).__bases__
        assert builtin in {base.__name__ for base in bases}


def test_every_table_is_in_the_glossary_with_one_term() -> None:
    import aiqc.orm  # noqa: F401 - every table is registered
    from aiqc.orm._registry import registry

    page = (DOCS / "glossary.md").read_text(encoding="utf-8")
    tables_part = page.partition("## Words that are not tables")[0]
    terms = re.findall(r"^\*\*(\w+)\*\*: ", tables_part, re.MULTILINE)
    tables = {model.__name__ for model in registry() if model.__module__.startswith("aiqc.")}
    assert sorted(terms) == sorted({*tables, "Metastore"})


def test_every_environment_variable_is_documented() -> None:
    sources = (ROOT / "aiqc").rglob("*.py")
    used = {name for path in sources for name in VARIABLE.findall(path.read_text("utf-8"))}
    page = (DOCS / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(AIQC_[A-Z_]+)`", page, re.MULTILINE))
    assert documented == used


def test_every_metric_is_in_the_reference() -> None:
    from aiqc.utils.meter import metrics_all

    page = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(metrics_all)


def test_the_reference_of_tables_is_as_the_tool_writes_it() -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools/make_reference.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = (DOCS / "reference" / "orm.md").read_text(encoding="utf-8")
    assert page == tool.reference(), "Run: python tools/make_reference.py"


def test_the_readme_names_every_folder_of_the_package() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(aiqc/\w+)` \|", page, re.MULTILINE))
    folders = {f"aiqc/{path.parent.name}" for path in (ROOT / "aiqc").glob("*/__init__.py")}
    assert listed == folders
