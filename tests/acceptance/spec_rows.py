"""The rows of spec_003.csv as values, and where in the code each of them is."""

from __future__ import annotations

import csv
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: stands for "no default" in the table
REQUIRED = "required"
#: an argument's own note when it comes after the documented ones
KEYWORD_ONLY = "keyword-only"


@dataclass(frozen=True)
class SpecRow:
    """One class, method, argument or attribute that the specification documents."""

    section: str
    owner: str
    member: str
    kind: str
    argument: str
    default: str
    type: str
    ruling: str
    note: str

    @property
    def text_default(self) -> str:
        """The default that the text prints; the table's own where they are equal."""
        if self.note.startswith("text: "):
            return self.note.removeprefix("text: ").partition(";")[0]
        return "Required" if self.default == REQUIRED else self.default

    @property
    def place(self) -> str:
        """What a message or a test id calls the row."""
        return ".".join(part for part in (self.owner, self.member, self.argument) if part)


def spec_rows() -> list[SpecRow]:
    """Return every row of the table, in the order of the specification."""
    with (HERE / "spec_003.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    return [SpecRow(owner=row.pop("class"), **row) for row in found]


def owner_of(name: str) -> Any:
    """Return the class or module that a row's class column names; None where there is none."""
    if name == "BaseModel":
        return importlib.import_module("aiqc.orm._base").BaseModel
    if name == "aiqc.orm":
        return importlib.import_module(name)
    if name.startswith("utils."):
        _, module, *inner = name.split(".")
        found: Any = importlib.import_module(f"aiqc.utils.{module}")
    else:
        found, inner = importlib.import_module("aiqc.orm"), name.split(".")
    for part in inner:
        found = getattr(found, part, None)
        if found is None:
            return None
    return found
