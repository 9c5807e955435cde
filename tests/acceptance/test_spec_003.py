"""Every class, method, argument, default and attribute of spec/003 is in the code as it says."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import peewee
import pytest
from spec_rows import KEYWORD_ONLY, REQUIRED, SpecRow, owner_of, spec_rows

import aiqc.orm
from aiqc.orm import _array_fields, _base, _fields

ROWS = spec_rows()
#: rows by kind: who drops or adds a row has to say so here
COUNTS = {"class": 23, "method": 55, "argument": 190, "attribute": 129}
SHARED = Path(__file__).parents[2].parent / "shared"
SPEC = SHARED / "spec" / "003_aiqc_orm_reference.txt"
needs_spec = pytest.mark.skipif(not SPEC.exists(), reason=f"the text is not here: {SPEC}")

#: the type that the text prints -> the fields that stand for it without a ruling
FIELDS: dict[str, tuple[type, ...]] = {
    "AutoField": (_fields.Id,),
    "CharField": (_fields.Text, _fields.Digest, _fields.EnumField),
    "IntegerField": (_fields.BigInteger,),
    "FloatField": (_fields.Double,),
    "BooleanField": (_fields.Boolean,),
    "DateTimeField": (_fields.UTCDateTime,),
    "JSONField": (_fields.JSONField,),
    "ForeignKeyField": (peewee.ForeignKeyField,),
    "DeferredForeignKey": (peewee.DeferredForeignKey, peewee.ForeignKeyField),
}


def _rows(kind: str) -> list[SpecRow]:
    return [row for row in ROWS if row.kind == kind]


def _member(row: SpecRow) -> Any:
    """Return what a row's class holds under its member's name; None where there is nothing."""
    return getattr(owner_of(row.owner), row.member, None)


def _is_there(row: SpecRow) -> bool:
    owner = owner_of(row.owner)
    if row.kind == "class":
        return owner is not None
    if owner is None or not hasattr(owner, row.member):
        return False
    if row.kind != "argument":
        return True
    return row.argument in inspect.signature(_member(row)).parameters


def _arguments(method: SpecRow) -> list[SpecRow]:
    key = (method.owner, method.member)
    return [row for row in _rows("argument") if (row.owner, row.member) == key]


def _default(row: SpecRow) -> Any:
    return inspect.Parameter.empty if row.default == REQUIRED else ast.literal_eval(row.default)


def test_counts() -> None:
    """No row is dropped in silence."""
    assert Counter(row.kind for row in ROWS) == COUNTS


def test_rows_are_unique() -> None:
    twice = [key for key, n in Counter((r.kind, r.place) for r in ROWS).items() if n > 1]
    assert twice == []


@pytest.mark.parametrize("row", _rows("class"), ids=lambda row: row.place)
def test_class(row: SpecRow) -> None:
    assert inspect.isclass(owner_of(row.owner))
    top = row.owner.partition(".")[0]
    assert top in {*aiqc.orm.__all__, "BaseModel", "utils"}, "from aiqc.orm import * gives it"


@pytest.mark.parametrize("method", _rows("method"), ids=lambda row: row.place)
def test_signature(method: SpecRow) -> None:
    """Documented arguments come first, in order, with their defaults; ours are keyword-only."""
    parameters = list(inspect.signature(_member(method)).parameters.values())
    documented = _arguments(method)
    first = [row for row in documented if KEYWORD_ONLY not in row.note]
    head, rest = parameters[: len(first)], parameters[len(first) :]
    assert [p.name for p in head] == [row.argument for row in first]
    assert [p.default for p in head] == [_default(row) for row in first]
    assert {p.kind for p in head} <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert {p.kind for p in rest} <= {inspect.Parameter.KEYWORD_ONLY}
    assert {row.argument for row in documented} <= {p.name for p in parameters}


@pytest.mark.parametrize(
    "method",
    [r for r in _rows("method") if "id" in [a.argument for a in _arguments(r)]],
    ids=lambda row: row.place,
)
def test_id_is_the_classes_alone(method: SpecRow) -> None:
    """`Queue.run_jobs(id)` is `queue.run_jobs()`: the row's own call shows no id."""
    owner = owner_of(method.owner)
    concrete = aiqc.orm.Dataset if method.owner == "BaseModel" else owner
    on_class = list(inspect.signature(getattr(concrete, method.member)).parameters.values())
    on_row = list(inspect.signature(getattr(concrete(), method.member)).parameters.values())
    assert on_class[0].name == "id"
    assert on_class[1:] == on_row


@pytest.mark.parametrize("row", _rows("attribute"), ids=lambda row: row.place)
def test_attribute(row: SpecRow) -> None:
    """It is a column of the type that the text prints; else a ruling says why not."""
    owner = owner_of(row.owner)
    field = owner._meta.fields.get(row.member)
    if isinstance(field, FIELDS.get(row.type, ())):
        return
    value = inspect.getattr_static(owner, row.member)
    assert field is not None or isinstance(value, property)
    assert row.ruling, f"{row.place} is {field or value}, the text says {row.type}"


def test_base_attributes_are_of_every_table() -> None:
    names = [row.member for row in _rows("attribute") if row.owner == "BaseModel"]
    owners = {row.owner for row in _rows("attribute")}
    for owner in sorted(owners):
        assert issubclass(owner_of(owner), _base.BaseModel)
        assert set(names) <= set(owner_of(owner)._meta.fields), owner


def test_nothing_is_missing() -> None:
    assert [row.place for row in ROWS if not _is_there(row)] == []


def test_every_difference_cites_its_ruling() -> None:
    """A default other than the text's is there because a ruling, a decision or the issue says."""
    silent = [
        row.place for row in _rows("argument") if row.note.startswith("text: ") and not row.ruling
    ]
    assert silent == []


@pytest.mark.skipif(not SHARED.exists(), reason=f"the rulings are not here: {SHARED}")
def test_cited_rulings_exist() -> None:
    rulings = (SHARED / "RULINGS.md").read_text(encoding="utf-8")
    design = (SHARED / "DESIGN.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^## (.+)$", rulings, re.MULTILINE))
    decisions = set(re.findall(r"^(\d+)\. \*\*", design, re.MULTILINE))
    for cited in {row.ruling for row in ROWS if row.ruling}:
        source, _, place = cited.partition(":")[0].partition("/")
        known = {
            "RULINGS": sections,
            "DESIGN": {f"3.{n}" for n in decisions},
            "ISSUE": {"1 of 5", "2 of 5"},
        }
        assert place in known[source], cited


class SpecText:
    """The text as far as it is regular: headings of methods, and tables in three lines a row."""

    _HEADING = re.compile(r"^└── ([\w.]+)\(\)$")
    _SECTION = re.compile(r"^(\d+[a-z]*)\. \w")
    _FIELD = re.compile(r"^(\w*Field|DeferredForeignKey)$")
    _DEFAULT = re.compile(r"^(Required|None|True|False|\d+)$")

    def __init__(self, path: Path) -> None:
        stripped = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        self.lines = [line for line in stripped if line]

    @cached_property
    def methods(self) -> list[str]:
        """Names of the methods, as their headings print them."""
        found = (self._HEADING.match(line) for line in self.lines)
        return [match[1] for match in found if match]

    @cached_property
    def attributes(self) -> list[tuple[str, str]]:
        """(name, type) of each attribute, in order."""
        pairs = zip(self.lines, self.lines[1:], strict=False)
        return [(_joined(a), b) for a, b in pairs if self._FIELD.match(b)]

    @cached_property
    def arguments(self) -> list[tuple[str, str, str, str]]:
        """(heading, name, type, default) of each argument in a table."""
        heading, found = "", []
        for name, kind, default in zip(self.lines, self.lines[1:], self.lines[2:], strict=False):
            match = self._HEADING.match(name)
            if match or self._SECTION.match(name):
                heading = match[1] if match else ""
            elif self._DEFAULT.match(default) and len(name) < 40 and not self._DEFAULT.match(name):
                found.append((heading, _joined(name), kind, default))
        return found


def _joined(name: str) -> str:
    """Return a name that the text's table broke or marked up."""
    return name.replace(" ", "").replace("*", "")


@pytest.fixture(scope="module")
def text() -> SpecText:
    return SpecText(SPEC)


@needs_spec
def test_every_method_of_the_text_has_a_row(text: SpecText) -> None:
    owners = {f"{row.owner}.{row.member}" for row in _rows("method")}
    bare = {row.member for row in _rows("method") if row.owner == "BaseModel"}
    assert len(text.methods) == 44
    assert [name for name in text.methods if name not in owners | bare] == []


@needs_spec
def test_every_attribute_of_the_text_has_a_row(text: SpecText) -> None:
    assert [(row.member, row.type) for row in _rows("attribute")] == text.attributes


@needs_spec
def test_every_argument_of_the_text_has_a_row(text: SpecText) -> None:
    rows = _rows("argument")
    known = {(f"{r.owner}.{r.member}", r.argument, r.type, r.text_default) for r in rows}
    known |= {(r.member, r.argument, r.type, r.text_default) for r in rows}
    # the text documents `fit` above the first heading of its section
    known |= {("", a, t, d) for owner, a, t, d in known if owner == "utils.pytorch.fit"}
    # where its own table and its own call differ
    known |= {("Window.from_feature", "dataset_id", "int", "Required")}
    assert len(text.arguments) == 157
    assert [found for found in text.arguments if found not in known] == []


def test_sections_are_in_order() -> None:
    order = [int(re.match(r"\d+", row.section)[0]) for row in ROWS if row.owner[0].isupper()]  # type: ignore[index]
    assert [key for key, _ in groupby(order)] == sorted(set(order))
    assert _array_fields.IndexMapField is type(aiqc.orm.Splitset.samples)
