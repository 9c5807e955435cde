"""Import statements that bind a given object again in another process."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.util import find_spec, resolve_name
from types import ModuleType
from typing import TYPE_CHECKING, Any

from aiqc.core.functions.definition import parse, texts_of
from aiqc.core.functions.origin import is_installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def import_line(name: str, value: Any, namespace: Mapping[str, Any]) -> str | None:
    """Return the statement that binds `name` to `value`, an installed library's object.

    The user's own statement is preferred where it is found; None if there is none.
    """
    found = _users_line(name, value, namespace)
    if found is not None:
        return found
    if isinstance(value, ModuleType):
        return _module_line(name, value)
    return _attribute_line(name, value) or _namespace_line(name, value, namespace)


def submodule_lines(module: ModuleType, paths: Iterator[tuple[str, ...]]) -> list[str]:
    """Return `import a.b` for each submodule that code reaches as an attribute of a module.

    Importing `a` alone need not make `a.b` exist in another process.
    """
    deepest: dict[str, None] = {}
    for path in paths:
        current: Any = module
        dotted = module.__name__
        for attribute in path[1:]:
            below = _submodule(current, attribute)
            if below is None or getattr(current, attribute, None) is not below:
                break
            current, dotted = below, f"{dotted}.{attribute}"
        if current is not module:
            deepest[dotted] = None
    return [f"import {dotted}" for dotted in deepest]


def _submodule(package: ModuleType, name: str) -> ModuleType | None:
    """Return a submodule of an installed package, loaded if need be.

    Whether it happens to be loaded already must not decide what the bundle says.
    """
    dotted = f"{package.__name__}.{name}"
    if dotted in sys.modules:
        return sys.modules[dotted]
    if not hasattr(package, "__path__") or find_spec(dotted) is None:
        return None
    return import_module(dotted)


def _users_line(name: str, value: Any, namespace: Mapping[str, Any]) -> str | None:
    package = namespace.get("__package__") or None
    trees = [tree for tree in map(parse, texts_of(namespace)) if tree is not None]
    for module in trees:
        for node in ast.walk(module):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found = _matching(node, name, value, package)
                if found is not None:
                    return found
    return None


def _matching(
    node: ast.Import | ast.ImportFrom, name: str, value: Any, package: str | None
) -> str | None:
    for alias in node.names:
        if (alias.asname or alias.name.partition(".")[0]) != name:
            continue
        bound: Any
        if isinstance(node, ast.Import):
            dotted = alias.name if alias.asname else name
            line = _as(f"import {dotted}", dotted, name)
            bound = sys.modules.get(dotted)
        else:
            source = _absolute(node, package)
            line = _as(f"from {source} import {alias.name}", alias.name, name)
            bound = _member(source, alias.name)
        if bound is value and is_installed(line.split()[1]):
            return line
    return None


def _absolute(node: ast.ImportFrom, package: str | None) -> str:
    relative = "." * node.level + (node.module or "")
    return resolve_name(relative, package) if node.level and package else relative


def _member(module_name: str, name: str) -> Any:
    below = sys.modules.get(f"{module_name}.{name}")
    module = sys.modules.get(module_name)
    return below if module is None else getattr(module, name, below)


def _module_line(name: str, module: ModuleType) -> str | None:
    names = [module.__name__, *(key for key, value in sys.modules.items() if value is module)]
    for dotted in names:
        if sys.modules.get(dotted) is module:
            return _as(f"import {dotted}", dotted, name)
    return None


def _attribute_line(name: str, value: Any) -> str | None:
    """Import from the shortest package that offers the object under its own name."""
    own = getattr(value, "__name__", None)
    if not isinstance(own, str) or not is_installed(getattr(value, "__module__", None)):
        return None
    parts = str(value.__module__).split(".")
    for length in range(1, len(parts) + 1):
        module = sys.modules.get(".".join(parts[:length]))
        if module is not None and vars(module).get(own) is value:
            return _as(f"from {module.__name__} import {own}", own, name)
    return None


def _namespace_line(name: str, value: Any, namespace: Mapping[str, Any]) -> str | None:
    """For a function of an installed library, import what its own module holds."""
    home = namespace.get("__name__")
    if isinstance(home, str) and is_installed(home) and _member(home, name) is value:
        return f"from {home} import {name}"
    return None


def _as(statement: str, own: str, name: str) -> str:
    return statement if own == name else f"{statement} as {name}"
