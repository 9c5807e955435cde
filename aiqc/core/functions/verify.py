"""Whether a bundle's text defines what the user's process holds; compiles, never runs."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from aiqc.core.functions.check_class import class_difference
from aiqc.core.functions.check_function import function_difference
from aiqc.core.functions.compare import codes_named, same_code
from aiqc.core.functions.definition import FUTURE, Definition, compile_text
from aiqc.core.functions.names import MODULE_NAMES, name_uses

if TYPE_CHECKING:
    from aiqc.core.functions.collect import Collection


def difference(collection: Collection, source: str) -> str:
    """Return why the text would not be the live function; empty if it is exactly that."""
    try:
        module = compile_text(source, "<bundle>", future=False)
    except (SyntaxError, ValueError) as error:
        return f"its text does not compile: {error}"
    future = bool(module.co_flags & FUTURE)
    found = (_definition_difference(each, future) for each in collection.definitions.values())
    return next(filter(None, found), "") or _unresolved(source)


def _definition_difference(definition: Definition, future: bool) -> str:
    value, node, codes = definition.value, definition.node, definition.codes
    if future != definition.future:
        moved = codes_named(compile_text(definition.text, "<moved>", future=future), node.name)
        if not same_code(moved[-1], codes[-1]):
            return f"{node.name!r} needs its annotations evaluated"
    if isinstance(node, ast.ClassDef):
        return class_difference(value, node, codes, definition.namespace)
    return function_difference(value, node, codes, definition.namespace)


def _unresolved(source: str) -> str:
    """Return a name that the text reads and does not define, or defines too late."""
    bound = set(dir(builtins)) | MODULE_NAMES
    later: set[str] = set()
    body = ast.parse(source).body
    future = bool(body) and _is_future(body[0])
    for statement in body[future:]:
        code = compile_text(ast.Module([statement], []), "<bundle>", future=future)
        uses = name_uses(code)
        missing = set(uses.eager) - bound
        if missing:
            return f"{min(missing)!r} would be used before it is defined"
        later |= set(uses.lazy)
        bound |= set(code.co_names) & _binds(statement) | set(uses.stored)
    missing = later - bound
    return f"{min(missing)!r} is not defined in its text" if missing else ""


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _binds(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.partition(".")[0] for a in statement.names}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return {statement.name} if isinstance(statement, ast.FunctionDef | ast.ClassDef) else set()
