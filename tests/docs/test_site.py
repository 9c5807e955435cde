"""The site builds with warnings as errors, shows everything, and loads nothing from elsewhere."""

from __future__ import annotations

import pkgutil
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import aiqc_docstrings
import diagram_layout
import make_api
import make_diagram
import make_docs
import pytest
from peewee import ForeignKeyField

import aiqc.orm
from aiqc.orm._registry import registry

ROOT = Path(__file__).parents[2]
#: what a browser fetches by itself; links that a reader follows may lead anywhere
FETCHED = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=[\"'](\w+:)?//")
TABLES = [m for m in registry() if m.__module__.startswith("aiqc.")]
KEYS = {
    (f"{table.__name__}.{field.name}", field.rel_model.__name__)
    for table in TABLES
    for field in table._meta.sorted_fields
    if isinstance(field, ForeignKeyField)
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site without executing tutorials; return the folder of its pages."""
    output = tmp_path_factory.mktemp("site")
    make_docs.stage(output / "source")
    assert make_docs.build(output / "source", output, execute=False) == 0
    return output / "html"


@pytest.mark.slow
@pytest.mark.xdist_group("site")
class TestSite:
    def test_every_page_and_tutorial_is_built(self, site: Path) -> None:
        pages = {p.relative_to(ROOT / "docs") for p in (ROOT / "docs").rglob("*.md")}
        pages |= {p.relative_to(ROOT) for p in (ROOT / "tutorials").glob("*.ipynb")}
        pages |= {Path("changelog"), Path("contributing")}
        written = [page for page in pages if "_build" not in page.parts]
        missing = [page for page in written if not (site / page.with_suffix(".html")).exists()]
        assert missing == []

    def test_every_class_has_a_page_with_calls_by_id(self, site: Path) -> None:
        for name in (name for name in aiqc.orm.__all__ if name[0].isupper()):
            assert f'id="aiqc.orm.{name}"' in read(site / f"reference/api/orm/{name}.html")
        page = read(site / "reference/api/orm/Queue.html")
        assert parameters(page, "aiqc.orm.Queue.run_jobs")[0] == "id"
        assert parameters(page, "aiqc.orm.Queue.from_algorithm")[0] == "algorithm_id"

    def test_nothing_is_fetched_from_elsewhere(self, site: Path) -> None:
        outside = [p.name for p in site.rglob("*.html") if FETCHED.search(read(p))]
        assert outside == []
        styles = [p.name for p in site.rglob("*.css") if re.search(r"url\(\W?\w+://", read(p))]
        assert styles == []

    def test_the_front_page_leads_to_every_section(self, site: Path) -> None:
        page = read(site / "index.html")
        sections = ["install", "tutorials/index", "how-to/index", "reference/index", "changelog"]
        sections += ["explanation/index", "adr/index", "glossary", "gallery/README"]
        assert [name for name in sections if f'href="{name}.html"' not in page] == []
        assert 'src="_images/front-light.png"' in page

    def test_one_copy_of_plotly_is_there(self, site: Path) -> None:
        copies = [p for p in site.rglob("*.js") if p.stat().st_size > 1_000_000]
        assert [p.name for p in copies] == ["plotly.min.js"]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def parameters(page: str, name: str) -> list[str]:
    """Return the parameters of a call as the page shows them."""
    [shown] = re.findall(rf'<dt class="sig[^"]*" id="{re.escape(name)}">(.*?)</dt>', page, re.S)
    found = re.findall(r'<em class="sig-param">(.*?)</em>', shown, re.S)
    return [re.sub(r"<[^>]+>", "", text).partition("=")[0] for text in found]


def test_the_drawing_has_every_table_and_every_key() -> None:
    drawing = ET.fromstring(make_diagram.diagram())
    shapes = [shape for shape in drawing.iter() if "data-key" in shape.attrib]
    drawn = {(shape.attrib["data-key"], shape.attrib["data-to"]) for shape in shapes}
    assert len(shapes) == len(drawn)
    assert drawn == {(key, to) for key, to in KEYS if to != "Blob" or key == "BlobChunk.blob"}
    texts = [text.text for text in drawing.iter() if text.tag.endswith("text")]
    assert {table.__name__ for table in TABLES} <= set(texts)
    dots = [dot[0].text for dot in drawing.iter() if dot.get("class") == "blob" and len(dot)]
    blobs = [f"{key}: a Blob" for key, to in KEYS if to == "Blob" and key != "BlobChunk.blob"]
    assert sorted(dots) == sorted(blobs)


def test_rows_of_a_drawing_follow_the_longest_path() -> None:
    edges = [("b", "a"), ("c", "b"), ("c", "a"), ("c", "d")]
    assert diagram_layout.rows_of(list("abcd"), edges) == {"a": 0, "b": 1, "c": 2, "d": 1}


def test_an_order_without_crossings_is_found_and_boxes_do_not_overlap() -> None:
    edges = [("x", "b"), ("y", "a"), ("z", "a")]
    plan = diagram_layout.layout(dict.fromkeys("abxyz", 100.0), edges)
    links = [(a, b) for names in plan.path.values() for a, b in pairwise(names)]
    assert diagram_layout.crossings(plan.order, links) == 0
    for row in plan.order:
        places = [plan.centre[name] for name in row]
        gaps = [right - left for left, right in pairwise(places)]
        assert all(gap >= 100.0 + diagram_layout.GAP - 1e-6 for gap in gaps)


def test_a_circle_of_keys_is_opened_at_an_optional_one() -> None:
    keys = [
        make_diagram.Key("A", "b", "B", True, False),
        make_diagram.Key("B", "c", "C", False, False),
        make_diagram.Key("C", "a", "A", False, False),
    ]
    assert make_diagram.without_cycles(keys) == keys[1:]


DOCSTRING = """\
Do it at *every* `*step*`.

Parameters
----------
size_test, size_validation
    Shares.

    Or None.
**hp
    The values of fn_.

Returns
-------
A frame.

Raises
------
Conflict
    If taken.

Examples
--------
>>> 2 * 3
6
"""
FIELDS = """\
Do it at \\*every\\* `*step*`.

:param size_test: Shares.

    Or None.
:type size_test: float | None
:param size_validation: Shares.

    Or None.
:param hp: The values of fn\\_.
:returns: A frame.
:raises Conflict: If taken.

.. rubric:: Examples

>>> 2 * 3
6


"""


def test_sections_of_a_docstring_become_fields() -> None:
    made = aiqc_docstrings.fields_of(DOCSTRING.splitlines(), {"size_test": "float | None"})
    assert made == FIELDS.splitlines()


def test_links_of_a_page_follow_the_files_they_lead_to(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "[a](../CHANGELOG.md) [b](glossary.md#x) [c](../LICENSE) ![d](https://e.org/f.png)"
    page.write_text(text, encoding="utf-8")
    origins = {ROOT / "CHANGELOG.md": Path("changelog.md")}
    make_docs._relink(page, ROOT / "docs" / "page.md", Path("page.md"), origins)
    moved = "[a](changelog.md) [b](glossary.md#x) c ![d](https://e.org/f.png)"
    assert read(page) == moved


def test_each_table_page_lists_its_fields_with_their_meaning() -> None:
    page = make_api.table_page("Run", aiqc.orm.Run)
    for field in make_api.make_reference.fields(aiqc.orm.Run):
        assert f"``{field}``" in page
    assert ":class:`~aiqc.orm.Job`" in page


def test_every_public_module_has_a_page() -> None:
    import aiqc.utils

    utils = {f"aiqc.utils.{module.name}" for module in pkgutil.iter_modules(aiqc.utils.__path__)}
    others = {"aiqc", "aiqc.datum", "aiqc.plots"}
    assert set(make_api.MODULES.values()) == utils | others
    assert {"orm.rst", "mlops.rst", "errors.rst"} <= set(make_api.pages())
