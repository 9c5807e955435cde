"""Turn a percent script into a notebook, and back; notebooks are shipped, scripts are edited.

A cell starts with `# %%` (code) or `# %% [markdown]` (its lines are comments). After it may stand
`tags=["parameters"] small="epochs = 2"`: JSON values, as in
`# %% tags=["full-size"]`. `small` is what runs in place of the cell in tests.

    python tools/make_notebook.py draft.py tutorials/name.ipynb
    python tools/make_notebook.py tutorials/name.ipynb draft.py
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAD = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?P<options>.*)$")
OPTION = re.compile(r"\s*(\w+)=")
KNOWN = {"tags", "small"}
NOTEBOOK = {
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}


def options_of(text: str) -> dict[str, Any]:
    """Return the options of a cell's first line: `tags=["x"] small="a = 1"`."""
    found: dict[str, Any] = {}
    at = 0
    while match := OPTION.match(text, at):
        found[match[1]], at = json.JSONDecoder().raw_decode(text, match.end())
    if text[at:].strip() or set(found) - KNOWN:
        msg = f"Not understood after '# %%': {text.strip()}. Known: {sorted(KNOWN)}."
        raise ValueError(msg)
    return found


def cells_of(script: str) -> list[dict[str, Any]]:
    """Return the cells of a percent script, as a notebook holds them."""
    parts: list[tuple[re.Match[str], list[str]]] = []
    for line in script.splitlines():
        if head := HEAD.match(line):
            parts.append((head, []))
        elif parts:
            parts[-1][1].append(line)
        elif line.strip():
            msg = f"Before the first '# %%': {line}"
            raise ValueError(msg)
    seen: dict[str, int] = {}
    return [_cell(head, lines, seen) for head, lines in parts]


def _cell(head: re.Match[str], lines: list[str], seen: dict[str, int]) -> dict[str, Any]:
    is_markdown = bool(head["markdown"])
    if is_markdown:
        lines = [re.sub(r"^# ?", "", line) for line in lines]
    source = "\n".join(lines).strip("\n")
    options = options_of(head["options"])
    metadata: dict[str, Any] = {}
    if "small" in options:
        metadata["aiqc"] = {"small": options["small"]}
    if "tags" in options:
        metadata["tags"] = options["tags"]
    cell: dict[str, Any] = {"cell_type": "markdown" if is_markdown else "code"}
    if not is_markdown:
        cell["execution_count"] = None
    cell["id"] = _cell_id(source, seen)
    cell["metadata"] = metadata
    if not is_markdown:
        cell["outputs"] = []
    return {**cell, "source": source.splitlines(keepends=True)}


def _cell_id(source: str, seen: dict[str, int]) -> str:
    """Return an id that changes only with the cell; equal cells are numbered."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def notebook_text(cells: list[dict[str, Any]]) -> str:
    """Return the file's text: indented by one, keys in a fixed order, nothing executed."""
    return json.dumps({"cells": cells, **NOTEBOOK}, indent=1, ensure_ascii=False) + "\n"


def script_of(notebook: dict[str, Any]) -> str:
    """Return a notebook as a percent script."""
    return "\n\n".join(_script_cell(cell) for cell in notebook["cells"]) + "\n"


def _script_cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    head = "# %%"
    if cell["cell_type"] == "markdown":
        head += " [markdown]"
        source = "\n".join(f"# {line}".rstrip() for line in source.split("\n"))
    if tags := cell["metadata"].get("tags"):
        head += f" tags={json.dumps(tags)}"
    if small := cell["metadata"].get("aiqc", {}).get("small"):
        head += f" small={json.dumps(small)}"
    return f"{head}\n{source}"


def make(script: Path, target: Path) -> None:
    """Write a notebook from a script, its imports sorted and its code formatted by ruff."""
    target.write_text(notebook_text(cells_of(script.read_text("utf-8"))), encoding="utf-8")
    for command in (["check", "--select", "I001", "--fix"], ["format"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, "-q", str(target)], check=True)
    # the formatter may have changed a cell: its id follows
    formatted = script_of(json.loads(target.read_text("utf-8")))
    target.write_text(notebook_text(cells_of(formatted)), encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("source", type=Path, help="a .py script or an .ipynb notebook")
    parser.add_argument("target", type=Path, help="the other of the two")
    given = parser.parse_args()
    if given.target.suffix == ".ipynb":
        make(given.source, given.target)
    else:
        text = script_of(json.loads(given.source.read_text("utf-8")))
        given.target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
