"""Whether a function's text gives the live function: code, defaults and decorators."""

from __future__ import annotations

import ast
import inspect
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from aiqc.core.functions.compare import nested_codes, same_code, same_value
from aiqc.core.functions.origin import is_installed, is_users
from aiqc.core.functions.static import Unknown, static_value

if TYPE_CHECKING:
    from collections.abc import Mapping

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
#: decorators that read the class body, not a global
_PROPERTY_PARTS = {"setter", "getter", "deleter"}


def function_difference(
    value: Any, node: FunctionNode, codes: list[CodeType], namespace: Mapping[str, Any]
) -> str:
    """Return how the live function differs from its text; empty if it does not."""
    plain = inspect.unwrap(value)
    if not any(same_code(plain.__code__, code) for code in codes):
        return f"the text of {node.name!r} is not what the live function runs"
    return _default_difference(plain, node, namespace) or _decorators(value, node, namespace)


def _default_difference(
    plain: FunctionType, node: FunctionNode, namespace: Mapping[str, Any]
) -> str:
    live = list(plain.__defaults__ or ())
    written = list(node.args.defaults)
    keywords = plain.__kwdefaults__ or {}
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if default is not None:
            written.append(default)
            live.append(keywords.get(argument.arg))
    if len(live) != len(written):
        return f"the defaults of {node.name!r} were changed"
    for expression, actual in zip(written, live, strict=True):
        text = ast.unparse(expression)
        try:
            expected = static_value(expression, namespace)
        except Unknown:
            return f"the default {text!r} of {node.name!r} is computed"
        if not same_value(expected, actual):
            return f"the default {text!r} of {node.name!r} has another value now"
    return ""


def _decorators(value: Any, node: FunctionNode, namespace: Mapping[str, Any]) -> str:
    """Follow the wrappers from the function outwards, one decorator at a time."""
    wrappers = []
    while hasattr(value, "__wrapped__"):
        wrappers.append(value)
        value = value.__wrapped__
    inner = value
    for decorator in reversed(node.decorator_list):
        used = _apply(decorator, inner, wrappers, namespace)
        if isinstance(used, str):
            return used
        inner = used
    return f"a wrapper around {node.name!r} is not in its text" if wrappers else ""


def _apply(
    decorator: ast.expr, inner: Any, wrappers: list[Any], namespace: Mapping[str, Any]
) -> Any:
    """Return what the decorator made of `inner`, or as text why that cannot be told."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = ast.unparse(target)
    if isinstance(target, ast.Attribute) and target.attr in _PROPERTY_PARTS:
        return inner
    try:
        maker = static_value(target, namespace)
        literals = _arguments(decorator)
    except Unknown:
        return f"decorator {name!r} has computed arguments"
    if not is_users(maker):
        return wrappers.pop() if wrappers and _is_librarys(wrappers[-1]) else inner
    if not wrappers or not isinstance(maker, FunctionType):
        return f"decorator {name!r} does not set __wrapped__"
    wrapper = wrappers.pop()
    return wrapper if _made_by(maker, wrapper, inner, literals) else f"decorated by {name!r}"


def _arguments(decorator: ast.expr) -> list[Any]:
    if not isinstance(decorator, ast.Call):
        return []
    return [
        static_value(a, None) for a in [*decorator.args, *(k.value for k in decorator.keywords)]
    ]


def _is_librarys(wrapper: Any) -> bool:
    if isinstance(wrapper, FunctionType):
        return is_installed(wrapper.__globals__.get("__name__"))
    return is_installed(type(wrapper).__module__)


def _made_by(maker: FunctionType, wrapper: Any, inner: Any, literals: list[Any]) -> bool:
    """Whether a wrapper is what a decorator's text makes, and keeps nothing else."""
    codes = nested_codes(maker.__code__)
    if not isinstance(wrapper, FunctionType) or not _is_one_of(wrapper.__code__, codes):
        return False
    for cell in wrapper.__closure__ or ():
        kept = cell.cell_contents
        is_written = kept is inner or any(same_value(kept, literal) for literal in literals)
        is_helper = isinstance(kept, FunctionType) and _is_one_of(kept.__code__, codes)
        if not is_written and not is_helper:
            return False
    return True


def _is_one_of(code: CodeType, codes: list[CodeType]) -> bool:
    return any(same_code(code, other) for other in codes)
