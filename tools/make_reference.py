"""Write docs/reference/orm.md: every public class of aiqc.orm with its methods and attributes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import aiqc.orm
from aiqc.orm._base import BaseModel, StoreModel

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "orm.md"
INTRO = """\
# Tables and methods

`from aiqc.orm import *` gives every name on this page. A method that belongs to a row takes the
row's id or the row first when it is called on the class: `Queue.run_jobs(3)` is
`Queue.of(3).run_jobs()`. Arguments that name a row take its id or the row. Parameters, shapes and
errors are in the docstrings: `help(Splitset.make)`, or shift-tab in Jupyter.

Written by `python tools/make_reference.py`.
"""
#: what peewee or Python brings, and what only this package calls
HIDDEN = {"DoesNotExist", "validate_model", "check_store", "sign_again", "bundles", "load"}
HIDDEN |= {"metric_bundles", "stored_model", "train_key", "supervising_label", "Meta"}
HIDDEN |= {"prepared", "feature_fit", "label_fit", "label_estimator"}
HIDDEN |= {"check_trust", "shaper", "windows"}
HIDDEN |= {"arguments", "encoder_list", "interpolater_list", "own_encoder"}


def signature_text(function: Any) -> str:
    """Return `(name, other=1)`: the parameters and defaults, without types."""
    plain = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in inspect.signature(function).parameters.values()
        if p.name not in {"self", "cls"}
    ]
    return str(inspect.Signature(plain))


def summary(item: Any) -> str:
    """Return the first paragraph of a docstring on one line."""
    text = inspect.getdoc(item) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def defined(owner: type) -> dict[str, Any]:
    """Return what a class defines, with what it inherits beside the common base, by name."""
    common = {*StoreModel.__mro__, *BaseModel.__mro__} - {StoreModel, BaseModel}
    if owner not in (StoreModel, BaseModel):
        common |= {StoreModel, BaseModel}
    kinds = [kind for kind in owner.__mro__ if kind is owner or kind not in common]
    return {name: raw for kind in reversed(kinds) for name, raw in vars(kind).items()}


def documented(owner: type) -> list[tuple[str, Any]]:
    """Return (name, as the class holds it) of the public members: classes, methods, properties."""
    found = []
    for name, raw in defined(owner).items():
        if name.startswith("_") or name in HIDDEN:
            continue
        if inspect.isclass(raw) or isinstance(raw, property) or hasattr(plain(raw), "__code__"):
            found.append((name, raw))
    return found


def plain(raw: Any) -> Any:
    """Return the function of a method, whichever way the class holds it."""
    return raw.__func__ if isinstance(raw, classmethod | staticmethod) else getattr(raw, "fn", raw)


def members(owner: type) -> list[tuple[str, str]]:
    """Return (call or attribute, summary) of the public members of a class."""
    found = []
    for name, raw in documented(owner):
        if inspect.isclass(raw):
            found += [(f"{name}.{inner}", text) for inner, text in members(raw)]
        elif isinstance(raw, property):
            found.append((name, summary(raw)))
        else:
            found.append((f"{name}{signature_text(plain(raw))}", summary(plain(raw))))
    return found


def fields(owner: Any) -> list[str]:
    """Return the stored attributes of a table, without those that every table has."""
    common = {"id", *(f.name for f in BaseModel._meta.sorted_fields)}
    names = (field.name for field in owner._meta.sorted_fields)
    return [name for name in names if name not in common and not name.endswith("_content")]


def section(name: str, owner: Any) -> str:
    """Return the part of the page about one class."""
    lines = [f"## {name}", "", summary(owner), ""]
    if isinstance(owner, type) and issubclass(owner, StoreModel) and owner is not BaseModel:
        lines += ["Fields: " + ", ".join(f"`{field}`" for field in fields(owner)) + ".", ""]
    rows = [f"| `{call}` | {text} |" for call, text in members(owner)]
    return "\n".join([*lines, *(["| Member | |", "|---|---|", *rows, ""] if rows else [])])


def reference() -> str:
    """Return the whole page."""
    tables = [name for name in aiqc.orm.__all__ if name[0].isupper()]
    functions = [name for name in aiqc.orm.__all__ if not name[0].isupper()]
    common = members(StoreModel) + members(BaseModel)
    # a method that BaseModel defines again is shown once
    rows = [f"| `{call}` | {text} |" for call, text in dict(common).items()]
    parts = [INTRO, "## Every row", "", "| Member | |", "|---|---|", *rows, ""]
    stored = [f.name for f in BaseModel._meta.sorted_fields]
    parts += ["Fields: " + ", ".join(f"`{name}`" for name in stored) + ".", ""]
    parts += [section(name, getattr(aiqc.orm, name)) for name in tables]
    parts += ["## Functions", "", "| Function | |", "|---|---|"]
    for name in functions:
        function = getattr(aiqc.orm, name)
        parts.append(f"| `{name}{signature_text(function)}` | {summary(function)} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
