"""Everything a function needs: definitions, imports and constants, or why it cannot be text."""

from __future__ import annotations

import builtins
import inspect
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidFunction
from aiqc.core.functions.constants import write_constant
from aiqc.core.functions.definition import Definition, Unreadable, find_definition
from aiqc.core.functions.imports import import_line, submodule_lines
from aiqc.core.functions.kinds import plain_function, process_bound, unreadable_kind
from aiqc.core.functions.names import Uses, name_uses
from aiqc.core.functions.origin import is_installed, is_users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: modules whose objects a builtin may have as its home
_BUILTIN_HOMES = {None, "builtins", "io", "_io", "_sitebuiltins", "site", "sys"}
#: names that only this process knows: (why, what to do)
_ELSEWHERE_UNKNOWN = {
    "__file__": ("no other process has", "Pass the path as a hyperparameter."),
    "get_ipython": ("exists only in a notebook", "Take magics (%, !) out of the function."),
}
_LITERALS = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset)


@dataclass(slots=True)
class Collection:
    """The parts of one bundle while they are gathered."""

    #: the argument it was given as, e.g. `fn_build`; for messages
    argument: str
    #: definition name -> definition, the entry first
    definitions: dict[str, Definition] = field(default_factory=dict)
    #: import statements, an ordered set
    imports: dict[str, None] = field(default_factory=dict)
    #: name -> text of its value
    constants: dict[str, str] = field(default_factory=dict)
    #: other name -> definition name
    aliases: dict[str, str] = field(default_factory=dict)
    #: name -> the object it means, to find one name with two meanings
    bound: dict[str, Any] = field(default_factory=dict)
    #: why it cannot be text; the first one is told
    reasons: list[str] = field(default_factory=list)
    #: globals that only dill can hold
    data: dict[str, Any] = field(default_factory=dict)


def collect(function: Callable[..., Any], name: str) -> Collection:
    """Gather what a function reads, and what that reads in turn.

    Raises
    ------
    InvalidFunction
        For a global that is undefined, a local module, or bound to this process (an open
        file, a lock, a database row); names it and the remedy.
    """
    collection = Collection(name)
    kind = unreadable_kind(function)
    root: Any = plain_function(function) if kind else function
    if kind:
        collection.reasons.append(kind)
    pending: list[tuple[Any, Mapping[str, Any]]] = [(root, _globals(root))]
    seen: set[int] = set()
    while pending:
        value, namespace = pending.pop(0)
        if id(value) not in seen:
            seen.add(id(value))
            pending += _visit(collection, value, namespace)
    return collection


def _visit(
    collection: Collection, value: Any, namespace: Mapping[str, Any]
) -> list[tuple[Any, Mapping[str, Any]]]:
    """Add one function or class; return the user's functions and classes that it reads."""
    try:
        definition = find_definition(value, namespace)
    except Unreadable as reason:
        collection.reasons.append(str(reason))
        found = _closed_over(value)
        uses, owner = _live_uses(value), str(getattr(value, "__name__", value))
    else:
        uses, owner, namespace = definition.uses, definition.name, definition.namespace
        _bind(collection, definition.name, value)
        collection.definitions[definition.name] = definition
        found = []
    for name in uses.names:
        if name in uses.stored and name not in namespace:
            continue
        target = _look_up(collection, name, namespace, owner)
        if target is not _BUILTIN and _add(collection, name, target, namespace, uses, owner):
            found.append((target, _globals(target) or namespace))
    return found


def _closed_over(value: Any) -> list[tuple[Any, Mapping[str, Any]]]:
    """Return the user's functions in the closure of a function, e.g. what a wrapper wraps."""
    cells = getattr(value, "__closure__", None) or ()
    inside = [cell.cell_contents for cell in cells if cell != CellType()]
    return [(item, _globals(item)) for item in inside if is_users(item)]


def _live_uses(value: Any) -> Uses:
    plain = None if isinstance(value, type) else plain_function(value)
    return name_uses(plain.__code__) if plain is not None else Uses()


def _globals(value: Any) -> Mapping[str, Any]:
    plain = plain_function(value) if not isinstance(value, type) else None
    return plain.__globals__ if plain is not None else {}


_BUILTIN = object()


def _look_up(collection: Collection, name: str, namespace: Mapping[str, Any], owner: str) -> Any:
    """Return what a name means there; `_BUILTIN` for what every process has."""
    builtin = getattr(builtins, name, _BUILTIN)
    value = namespace.get(name, builtin)
    if name in _ELSEWHERE_UNKNOWN or (name not in namespace and builtin is _BUILTIN):
        what, hint = _ELSEWHERE_UNKNOWN.get(
            name, ("is not defined", f"Define or import {name!r} before this call or inside it.")
        )
        msg = f"{_where(collection, owner)} uses the global {name!r}, which {what}."
        raise _refusal(collection, name, msg, hint)
    if value is not builtin and not _is_replacement(name, value):
        return value
    is_everywhere = getattr(builtin, "__module__", None) in _BUILTIN_HOMES
    return _BUILTIN if is_everywhere else value


def _is_replacement(name: str, value: Any) -> bool:
    """Whether IPython put this into the namespace in place of a builtin, as it does `open`."""
    home = getattr(value, "__globals__", {}).get("__name__") or getattr(value, "__module__", "")
    return hasattr(builtins, name) and str(home).startswith("IPython.")


def _add(
    collection: Collection,
    name: str,
    value: Any,
    namespace: Mapping[str, Any],
    uses: Uses,
    owner: str,
) -> bool:
    """Add what one name means; True if it is a function or class to be visited."""
    _bind(collection, name, value)
    if isinstance(value, ModuleType):
        _add_module(collection, name, value, namespace, uses, owner)
    elif is_users(value) or any(d.value is value for d in collection.definitions.values()):
        own = _own_name(value)
        if own != name:
            collection.aliases[name] = own
        return True
    elif not _add_import(collection, name, value, namespace):
        _add_value(collection, name, value, owner)
    return False


def _own_name(value: Any) -> str:
    if isinstance(value, type):
        return value.__name__
    return str(inspect.unwrap(value).__code__.co_name)


def _add_module(
    collection: Collection,
    name: str,
    module: ModuleType,
    namespace: Mapping[str, Any],
    uses: Uses,
    owner: str,
) -> None:
    if not is_installed(module.__name__):
        msg = f"{_where(collection, owner)} uses the module {name!r}, a local file"
        msg += f" ({getattr(module, '__file__', module.__name__)}) that other processes lack."
        attribute = next((p[1] for p in uses.paths if p[0] == name and len(p) > 1), "function")
        hint = f"Write `from {module.__name__} import {attribute}`: functions are copied."
        raise _refusal(collection, name, msg, hint)
    line = import_line(name, module, namespace)
    if line is None:
        collection.reasons.append(f"module {name!r} has no import statement")
        return
    below = submodule_lines(module, (path for path in uses.paths if path[0] == name))
    root = module.__name__.partition(".")[0]
    taken = collection.bound.get(root, module)
    if isinstance(taken, ModuleType) and taken.__name__.partition(".")[0] != root:
        below = []  # another library is called so here
    collection.imports |= dict.fromkeys([*([] if below and root == name else [line]), *below])


def _add_import(
    collection: Collection, name: str, value: Any, namespace: Mapping[str, Any]
) -> bool:
    is_named = isinstance(value, type | FunctionType | BuiltinFunctionType)
    if not is_named and (isinstance(value, _LITERALS) or write_constant(value) is not None):
        return False
    line = import_line(name, value, namespace)
    if line is not None:
        collection.imports[line] = None
    return line is not None


def _add_value(collection: Collection, name: str, value: Any, owner: str) -> None:
    what = process_bound(value)
    if what:
        msg = f"{_where(collection, owner)} uses the global {name!r}, {what} of this process."
        raise _refusal(collection, name, msg, "Make it inside the function.")
    written = write_constant(value)
    if written is None:
        collection.data[name] = value
        kind = "array" if hasattr(value, "__array__") else type(value).__name__
        collection.reasons.append(f"global {kind} {name!r}")
        return
    collection.constants[name], needed = written
    if needed:
        _bind(collection, needed, __import__(needed))
        collection.imports[f"import {needed}"] = None


def _bind(collection: Collection, name: str, value: Any) -> None:
    known = collection.bound.setdefault(name, value)
    if known is value or (type(known) is type(value) and _same_constant(known, value)):
        return
    msg = f"{collection.argument} needs two different things that are both named {name!r}."
    raise _refusal(collection, name, msg, "Rename one of them.")


def _same_constant(one: Any, other: Any) -> bool:
    text = write_constant(one)
    return text is not None and text == write_constant(other)


def _where(collection: Collection, owner: str) -> str:
    return f"{collection.argument} ({owner})"


def _refusal(collection: Collection, name: str, msg: str, hint: str) -> InvalidFunction:
    return InvalidFunction(msg, hint=hint, function=collection.argument, global_name=name)
