"""Docstrings for Sphinx: NumPy sections, types from the signature, `(id, ...)` calls."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SECTIONS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "Examples")
#: where a short name of an annotation may be documented
HOMES = ("aiqc.orm.", "aiqc.", "aiqc.mlops.", "aiqc.core.errors.")
CODE = re.compile(r"(`+[^`]+`+)")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to autodoc."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process_docstring)
    app.connect("autodoc-process-signature", process_signature)
    app.connect("missing-reference", find_short_name)
    return {"parallel_read_safe": True}


def process_signature(
    _app: Sphinx, what: str, _name: str, obj: Any, *_: Any
) -> tuple[str, str | None] | None:
    """Return the parameters without types, and the type returned."""
    if what in {"class", "exception"} and _takes_anything(obj):
        return "", None
    try:
        found = inspect.signature(obj)
    except (TypeError, ValueError):
        return None
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    if what == "method" and bare and bare[0].name in {"self", "cls"}:
        bare = bare[1:]
    text = str(inspect.Signature(bare))
    returned = None if what in {"class", "exception"} else annotation(found.return_annotation)
    return text, returned


def _takes_anything(kind: Any) -> bool:
    """Whether a class is made by its factories, or says nothing about its arguments."""
    # what peewee, Exception and object define tells a reader nothing
    return not getattr(kind.__init__, "__module__", "").startswith("aiqc.mlops")


def annotation(value: Any) -> str | None:
    """Return an annotation as it is written in the source; None where there is none."""
    if value is inspect.Signature.empty:
        return None
    return value if isinstance(value, str) else inspect.formatannotation(value)


def process_docstring(
    _app: Sphinx, _what: str, _name: str, obj: Any, _options: Any, lines: list[str]
) -> None:
    """Turn the sections of a NumPy docstring into Sphinx fields, in place."""
    types = types_of(obj) if callable(obj) else {}
    lines[:] = fields_of(lines, types)


def types_of(obj: Any) -> dict[str, str]:
    """Return {parameter: annotation} of a callable."""
    try:
        parameters = inspect.signature(obj).parameters
    except (TypeError, ValueError):
        return {}
    found = {name: annotation(parameter.annotation) for name, parameter in parameters.items()}
    return {name: text for name, text in found.items() if text}


def fields_of(lines: list[str], types: dict[str, str]) -> list[str]:
    """Return a docstring with its sections as fields."""
    made: list[str] = []
    for title, body in sections(lines):
        if title in {"Parameters", "Attributes"}:
            made += _parameters(body, types)
        elif title in {"Returns", "Yields"}:
            made += _field("returns", body)
        elif title in {"Raises", "Warns"}:
            made += [
                line for kind, text in entries(body) for line in _field(f"raises {kind}", text)
            ]
        elif title == "Examples":
            made += ["", ".. rubric:: Examples", "", *body, ""]
        else:
            made += escaped(body)
    return [*made, ""]


def sections(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Return (title, lines) of each section; what comes before the first has no title."""
    found: list[tuple[str, list[str]]] = [("", [])]
    skip = False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if skip:
            skip = False
        elif line in SECTIONS and re.fullmatch(r"-{4,}", following):
            found.append((line, []))
            skip = True
        else:
            found[-1][1].append(line)
    return found


def entries(body: list[str]) -> list[tuple[str, list[str]]]:
    """Return (names, indented text) of a section that lists things."""
    found: list[tuple[str, list[str]]] = []
    for line in body:
        if line and not line.startswith(" "):
            found.append((line.partition(" : ")[0].strip(), []))
        elif found:
            found[-1][1].append(line)
    return found


def _parameters(body: list[str], types: dict[str, str]) -> list[str]:
    made = []
    for names, text in entries(body):
        for name in names.split(", "):
            plain = name.strip().lstrip("*")
            made += _field(f"param {plain}", text)
            if plain in types:
                made.append(f":type {plain}: {types[plain]}")
    return made


def _field(head: str, text: list[str]) -> list[str]:
    """Return a field with its text, which stays one indented block."""
    first, *rest = inspect.cleandoc("\n".join(escaped(text))).split("\n")
    return [f":{head}: {first}", *(f"    {line}" if line else "" for line in rest)]


def escaped(lines: list[str]) -> list[str]:
    """Return prose in which a star or a trailing underscore means itself."""
    made = []
    literal = False
    for line in lines:
        if line.strip() and not line.startswith(" "):
            literal = False
        made.append(line if literal or line.lstrip().startswith(">>>") else _escape(line))
        literal = literal or line.rstrip().endswith("::")
    return made


def _escape(line: str) -> str:
    parts = CODE.split(line)
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(r"(?<!\*)\*(?!\*)", r"\\*", parts[at])
        parts[at] = re.sub(r"(\w)_(?!\w)", r"\1\\_", parts[at])
    return "".join(parts)


def find_short_name(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """Resolve `Queue` of an annotation to `aiqc.orm.Queue`."""
    from sphinx.util.nodes import make_refnode

    if node.get("refdomain") != "py":
        return None
    objects = env.get_domain("py").objects
    target = node.get("reftarget", "")
    for home in HOMES:
        entry = objects.get(home + target)
        if entry is not None:
            docname = node.get("refdoc")
            return make_refnode(
                app.builder, docname, entry.docname, entry.node_id, contnode, home + target
            )
    return None
