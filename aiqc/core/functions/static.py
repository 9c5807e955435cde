"""The value of an expression of a text, found without running it."""

from __future__ import annotations

import ast
import builtins
import dis
import operator
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: builtins without effects; calling them on literals only computes a value
_PURE = {"float", "int", "str", "bool", "tuple", "list", "dict", "set", "frozenset"}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SILENT = {"RESUME", "RETURN_VALUE", "LOAD_CONST", "RETURN_CONST", "LOAD_SMALL_INT"}


class Unknown(Exception):
    """Only running the expression would tell its value."""


def static_value(node: ast.expr, namespace: Mapping[str, Any] | None) -> Any:
    """Return the value of a literal, a name, an attribute of a module, or a display of them.

    Without a namespace every name is unknown, and only literals have a value.

    Raises
    ------
    Unknown
        For anything that would have to be run.
    """
    if isinstance(node, ast.Name):
        return _name(node.id, namespace)
    if isinstance(node, ast.Attribute):
        return _attribute(static_value(node.value, namespace), node.attr)
    if isinstance(node, ast.BinOp):
        return _arithmetic(node, namespace)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        kind = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
        return kind(static_value(item, namespace) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [static_value(key, namespace) for key in node.keys if key is not None]
        return dict(zip(keys, (static_value(v, namespace) for v in node.values), strict=True))
    return _pure_call(node) if isinstance(node, ast.Call) else _folded(node)


def _name(name: str, namespace: Mapping[str, Any] | None) -> Any:
    if namespace is not None and name in namespace:
        return namespace[name]
    if namespace is None or not hasattr(builtins, name):
        raise Unknown(name)
    return getattr(builtins, name)


def _attribute(base: Any, name: str) -> Any:
    if not isinstance(base, ModuleType | type) or not hasattr(base, name):
        raise Unknown(name)
    return getattr(base, name)


def _arithmetic(node: ast.BinOp, namespace: Mapping[str, Any] | None) -> Any:
    operation = _ARITHMETIC.get(type(node.op))
    operands = [static_value(side, namespace) for side in (node.left, node.right)]
    if operation is None or any(type(value) not in (int, float) for value in operands):
        return _folded(node)
    try:
        return operation(*operands)
    except ArithmeticError as error:
        raise Unknown(ast.unparse(node)) from error


def _pure_call(node: ast.Call) -> Any:
    is_pure = isinstance(node.func, ast.Name) and node.func.id in _PURE
    if not is_pure or node.keywords:
        raise Unknown(ast.unparse(node))
    function = getattr(builtins, ast.unparse(node.func))
    try:
        return function(*(static_value(argument, None) for argument in node.args))
    except (TypeError, ValueError) as error:
        raise Unknown(ast.unparse(node)) from error


def _folded(node: ast.expr) -> Any:
    """Let the compiler fold arithmetic on literals; what it cannot fold is unknown."""
    code = compile(ast.Expression(node), "<expression>", "eval", dont_inherit=True)
    if {step.opname for step in dis.get_instructions(code)} - _SILENT:
        raise Unknown(ast.unparse(node))
    return next(s.argval for s in dis.get_instructions(code) if s.opname.startswith("LOAD_"))
