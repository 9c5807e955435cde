"""Whether a class's text gives the live class: bases, methods and attributes."""

from __future__ import annotations

import ast
from enum import Enum
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from aiqc.core.functions.check_function import FunctionNode, function_difference
from aiqc.core.functions.compare import codes_named, same_value
from aiqc.core.functions.definition import method_function, methods_of
from aiqc.core.functions.origin import is_installed, is_users
from aiqc.core.functions.static import Unknown, static_value

if TYPE_CHECKING:
    from collections.abc import Mapping


def class_difference(
    kind: type, node: ast.ClassDef, bodies: list[CodeType], namespace: Mapping[str, Any]
) -> str:
    """Return how the live class differs from its text; empty if it does not."""
    return (
        _base_difference(kind, node, namespace)
        or _decorator_difference(node, namespace)
        or _member_difference(kind, node, bodies, namespace)
        or _addition(kind, node)
    )


def _base_difference(kind: type, node: ast.ClassDef, namespace: Mapping[str, Any]) -> str:
    live = getattr(kind, "__orig_bases__", kind.__bases__) if node.bases else ()
    for expression, base in zip(node.bases, live, strict=False):
        if isinstance(expression, ast.Subscript):
            continue
        text = ast.unparse(expression)
        try:
            written = static_value(expression, namespace)
        except Unknown:
            return f"the base {text!r} of class {node.name!r} is computed"
        if written is not base:
            return f"the base {text!r} of class {node.name!r} was redefined"
    return ""


def _decorator_difference(node: ast.ClassDef, namespace: Mapping[str, Any]) -> str:
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = ast.unparse(target)
        try:
            maker = static_value(target, namespace)
        except Unknown:
            return f"decorator {name!r} of class {node.name!r} is computed"
        if is_users(maker):
            return f"class {node.name!r} is decorated by {name!r}"
    return ""


def _member_difference(
    kind: type, node: ast.ClassDef, bodies: list[CodeType], namespace: Mapping[str, Any]
) -> str:
    for statement in node.body:
        found = ""
        if isinstance(statement, FunctionNode):
            found = _method_difference(kind, statement, bodies, namespace)
        elif isinstance(statement, ast.ClassDef):
            inner = vars(kind).get(statement.name)
            if not isinstance(inner, type):
                return f"class {statement.name!r} inside {node.name!r} was replaced"
            found = class_difference(inner, statement, _inside(bodies, statement.name), namespace)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            found = _attribute_difference(kind, statement, namespace)
        if found:
            return found
    return ""


def _method_difference(
    kind: type, node: FunctionNode, bodies: list[CodeType], namespace: Mapping[str, Any]
) -> str:
    member = vars(kind).get(node.name)
    codes = _inside(bodies, node.name)
    if isinstance(member, property):
        live = [f for f in (member.fget, member.fset, member.fdel) if f is not None]
        known = [f for f in live if not function_difference(f, _bare(node), codes, namespace)]
        return "" if known else f"property {node.name!r} of {kind.__name__!r} was replaced"
    function = method_function(member)
    if not hasattr(function, "__wrapped__") and not isinstance(function, FunctionType):
        return f"method {node.name!r} of class {kind.__name__!r} was replaced"
    return function_difference(function, node, codes, namespace)


def _inside(bodies: list[CodeType], name: str) -> list[CodeType]:
    return [code for body in bodies for code in codes_named(body, name)]


def _bare(node: FunctionNode) -> FunctionNode:
    """Return the node of a property's function without `@property` and its kind."""
    return ast.FunctionDef(name=node.name, args=node.args, body=node.body, decorator_list=[])


def _attribute_difference(
    kind: type, statement: ast.Assign | ast.AnnAssign, namespace: Mapping[str, Any]
) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if statement.value is None or not names or names[0] not in vars(kind):
        return ""
    live = vars(kind)[names[0]]
    live = live.value if isinstance(live, Enum) else live
    where = f"attribute {names[0]!r} of class {kind.__name__!r}"
    try:
        written = static_value(statement.value, {**namespace, **vars(kind)})
    except Unknown:
        return "" if _is_library_call(statement.value, namespace) else f"{where} is computed"
    return "" if same_value(written, live) else f"{where} was changed"


def _is_library_call(node: ast.expr, namespace: Mapping[str, Any]) -> bool:
    """Whether an attribute is made by a library, e.g. `field(default_factory=list)`."""
    if not isinstance(node, ast.Call):
        return False
    try:
        maker = static_value(node.func, namespace)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            static_value(argument, namespace)
    except Unknown:
        return False
    return not is_users(maker)


def _addition(kind: type, node: ast.ClassDef) -> str:
    """Return a function that somebody attached to the class after its text had run."""
    written = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
    written |= {child.name for child in node.body if isinstance(child, FunctionNode)}
    for name, function in methods_of(kind):
        is_generated = function.__code__.co_filename.startswith("<string>")
        home = function.__globals__.get("__name__")
        if name not in written and not is_generated and not is_installed(home):
            return f"method {name!r} was attached to class {kind.__name__!r}"
    return ""
