"""Files stay small, functions do one thing, everything public is documented."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "aiqc").rglob("*.py"))
FILE_LINES = 400
FUNCTION_LINES = 60


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def is_overload(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)


def public(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of the module and methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield inner


def code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    start = node.body[0]
    has_docstring = isinstance(start, ast.Expr) and isinstance(start.value, ast.Constant)
    skipped = (start.end_lineno or 0) - start.lineno + 1 if has_docstring else 0
    return (node.end_lineno or 0) - node.lineno + 1 - skipped


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES
    tree = ast.parse(text)
    long = {f.name: code_lines(f) for f in functions(tree) if code_lines(f) > FUNCTION_LINES}
    assert long == {}
    documented = [f for f in public(tree) if not is_overload(f)]
    undocumented = [f.name for f in documented if not ast.get_docstring(f)]
    assert undocumented == []


def parameters(node: ast.FunctionDef) -> list[str]:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [a.arg for a in named if a.arg not in {"self", "cls"} and not a.arg.startswith("_")]


@pytest.mark.parametrize("path", sorted((ROOT / "aiqc" / "orm").glob("[a-z]*.py")), ids=ids)
def test_every_parameter_of_the_public_orm_is_described(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    missing = []
    for owner in classes:
        for method in (n for n in ast.walk(owner) if isinstance(n, ast.FunctionDef)):
            text = ast.get_docstring(method) or ""
            if method.name.startswith("_") or "Parameters\n" not in text:
                continue
            missing += [
                f"{owner.name}.{method.name}({name})"
                for name in parameters(method)
                if name not in text
            ]
    assert missing == []
