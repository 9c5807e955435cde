"""The text of one function or class, found without running anything."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from aiqc.core.functions.compare import codes_named, nested_codes
from aiqc.core.functions.names import Uses, name_uses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: the import at the top also binds the feature itself, which knows its flag
FUTURE = annotations.compiler_flag
DefinitionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Unreadable(Exception):
    """There is no text that could run in place of the value; says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A function or class of the user's, and the text that defines it."""

    #: the name the text binds
    name: str
    #: what the user's process holds under that name, decorators applied
    value: Any
    text: str
    node: DefinitionNode
    #: whether its file has `from __future__ import annotations`
    future: bool
    #: where its names are looked up
    namespace: Mapping[str, Any]
    uses: Uses
    #: the text compiled within its file and alone; imports around it change how calls compile
    codes: list[CodeType]


def find_definition(value: Any, namespace: Mapping[str, Any]) -> Definition:
    """Return the definition of a function (decorated or not) or class.

    Raises
    ------
    Unreadable
        If the text cannot be found or could not stand alone.
    """
    if isinstance(value, type):
        return _find_class(value, namespace)
    return _find_function(value)


def compile_text(text: str | ast.Module, filename: str, *, future: bool) -> CodeType:
    """Compile a module's text with or without postponed annotations; runs nothing."""
    flags = FUTURE if future else 0
    code: CodeType = compile(text, filename, "exec", flags=flags, dont_inherit=True)
    return code


@lru_cache(maxsize=64)
def _file_codes(text: str, future: bool) -> list[CodeType]:
    try:
        return nested_codes(compile_text(text, "<file>", future=future))
    except (SyntaxError, ValueError):
        return []


@lru_cache(maxsize=256)
def parse(text: str) -> ast.Module | None:
    """Return the syntax tree of a text; None if it is not Python (notebook magics)."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def texts_of(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that may have filled a namespace: notebook cells, last first; its file."""
    cells = namespace.get("_ih")
    if isinstance(cells, list):
        yield from (cell for cell in reversed(cells) if isinstance(cell, str))
    file = namespace.get("__file__")
    if isinstance(file, str):
        yield "".join(linecache.getlines(file, dict(namespace)))


def methods_of(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """Yield (name, innermost function) of the functions that a class body defines."""
    for name, member in vars(kind).items():
        inner = inspect.unwrap(method_function(member))
        if isinstance(inner, FunctionType):
            yield name, inner


def method_function(member: Any) -> Any:
    """Return the function behind a staticmethod, classmethod or property; others unchanged."""
    if isinstance(member, staticmethod | classmethod):
        return member.__func__
    return member.fget if isinstance(member, property) else member


def _find_function(value: Any) -> Definition:
    plain = inspect.unwrap(value)
    if not isinstance(plain, FunctionType):
        msg = f"{value!r} wraps no Python function"
        raise Unreadable(msg)
    code = plain.__code__
    _check_function(plain, code)
    text, tree = _file_text(code.co_filename, plain.__globals__)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
            continue
        if _first_line(node) == code.co_firstlineno:
            return _cut(value, node, text, bool(code.co_flags & FUTURE), plain.__globals__)
    msg = f"the text of {code.co_name!r} has changed since it was defined"
    raise Unreadable(msg)


def _check_function(plain: FunctionType, code: CodeType) -> None:
    msg = ""
    if code.co_name == "<lambda>":
        msg = "lambda"
    elif code.co_freevars:
        msg = f"closure over {', '.join(map(repr, code.co_freevars))}"
    elif plain.__qualname__.rpartition(".")[0].rpartition(".")[2] not in ("", "<locals>"):
        msg = f"{plain.__qualname__!r} is defined inside a class"
    elif set(vars(plain)) - {"__wrapped__"}:
        msg = f"attributes set on {code.co_name!r}"
    if msg:
        raise Unreadable(msg)


def _find_class(kind: type, namespace: Mapping[str, Any]) -> Definition:
    if "<locals>" in kind.__qualname__ or "." in kind.__qualname__:
        msg = f"class {kind.__qualname__!r} is defined inside a function or class"
        raise Unreadable(msg)
    prefix = kind.__qualname__ + "."
    own = [f for _, f in methods_of(kind) if f.__qualname__.startswith(prefix)]
    written = [f for f in own if not f.__code__.co_filename.startswith("<string>")]
    if written:
        return _class_of_method(kind, written[0])
    home = getattr(sys.modules.get(kind.__module__), "__dict__", {})
    space = home if home.get(kind.__name__) is kind else namespace
    for text in texts_of(space):
        for node in getattr(parse(text), "body", []):
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__:
                return _cut(
                    kind, node, text, isinstance(space.get("annotations"), _FEATURE), space
                )
    msg = f"the text of class {kind.__name__!r} is not available"
    raise Unreadable(msg)


_FEATURE = type(annotations)


def _class_of_method(kind: type, method: FunctionType) -> Definition:
    code = method.__code__
    text, tree = _file_text(code.co_filename, method.__globals__)
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or node.name != kind.__name__:
            continue
        if node.lineno <= code.co_firstlineno <= (node.end_lineno or 0):
            return _cut(kind, node, text, bool(code.co_flags & FUTURE), method.__globals__)
    msg = f"the text of class {kind.__name__!r} has changed since it was defined"
    raise Unreadable(msg)


def _file_text(filename: str, namespace: dict[str, Any]) -> tuple[str, ast.Module]:
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename, namespace))
    tree = parse(text) if text else None
    if tree is None:
        msg = f"its text ({filename}) is not available"
        raise Unreadable(msg)
    return text, tree


def _first_line(node: DefinitionNode) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _cut(
    value: Any, node: DefinitionNode, text: str, future: bool, namespace: Mapping[str, Any]
) -> Definition:
    lines = text.splitlines(keepends=True)[_first_line(node) - 1 : node.end_lineno]
    own = textwrap.dedent("".join(lines)).rstrip() + "\n"
    tree = parse(own)
    if tree is None or len(tree.body) != 1 or _texts(tree.body[0]) != _texts(node):
        msg = f"the text of {node.name!r} cannot stand alone"
        raise Unreadable(msg)
    alone = compile_text(own, "<definition>", future=future)
    first = _first_line(node)
    codes = [
        code
        for code in _file_codes(text, future)
        if code.co_name == node.name and code.co_firstlineno == first
    ]
    codes += codes_named(alone, node.name)
    return Definition(node.name, value, own, node, future, namespace, name_uses(alone), codes)


def _texts(node: ast.AST) -> list[str]:
    """Return the texts inside a definition, which dedenting may have changed."""
    docstring = None
    if isinstance(node, DefinitionNode):
        docstring = ast.get_docstring(node, clean=False)
    constants = [child.value for child in ast.walk(node) if isinstance(child, ast.Constant)]
    return [text for text in constants if isinstance(text, str) and text != docstring]
