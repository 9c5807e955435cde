"""Which callables can be stored at all, and which values no code may hold."""

from __future__ import annotations

import functools
import inspect
import io
import types
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from collections.abc import Callable

#: modules whose objects belong to this process: (module prefix, words for a message)
PROCESS_BOUND = {
    "_thread": "a lock",
    "threading": "a lock or thread",
    "multiprocessing": "a process or its lock",
    "socket": "a socket",
    "queue": "a queue",
    "sqlite3": "a database connection",
    "asyncio": "an event loop's object",
    "peewee": "a database row",
    "playhouse": "a database object",
    "sqlalchemy": "a database object",
}


def check_callable(function: object, name: str) -> None:
    """Refuse what is no function of Python.

    Raises
    ------
    InvalidFunction
        For a class, a builtin, a coroutine or generator function, or no callable.
    """
    problem = _problem(function)
    if problem:
        msg = f"{name}={function!r} is {problem}."
        raise InvalidFunction(msg, hint=f"Pass a plain function: def {name}(...).", function=name)


def _problem(function: object) -> str:
    if isinstance(function, type):
        return "a class, not a function"
    if not callable(function):
        return "not callable"
    inner = plain_function(function)
    if inner is None:
        return "built in, and has no text that could be stored"
    if inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner):
        return "a coroutine function"
    return "a generator function" if inspect.isgeneratorfunction(inner) else ""


def plain_function(value: Any) -> types.FunctionType | None:
    """Return the Python function inside a partial, method, wrapper or callable instance."""
    if isinstance(value, functools.partial):
        return plain_function(value.func)
    if isinstance(value, types.MethodType):
        return plain_function(value.__func__)
    if hasattr(value, "__wrapped__"):
        return plain_function(inspect.unwrap(value))
    if isinstance(value, types.FunctionType):
        return value
    method = getattr(type(value), "__call__", None)  # noqa: B004 - the method is needed
    return method if isinstance(method, types.FunctionType) else None


def unreadable_kind(function: Callable[..., Any]) -> str:
    """Return why this kind of callable has no text of its own; empty for functions."""
    if isinstance(function, functools.partial):
        return f"partial of {_name(function.func)!r}"
    if isinstance(function, types.MethodType):
        return f"bound method of {_name(type(function.__self__))!r}"
    if isinstance(function, types.FunctionType) or hasattr(function, "__wrapped__"):
        return ""
    return f"instance of {_name(type(function))!r}"


def process_bound(value: object) -> str:
    """Return what a value is if it cannot leave this process (file, lock, row); else empty."""
    if isinstance(value, io.IOBase):
        return "an open file"
    if isinstance(value, types.GeneratorType | types.CoroutineType):
        return "a running generator"
    if isinstance(value, type | types.ModuleType | types.FunctionType | types.BuiltinFunctionType):
        return ""
    for kind in type(value).__mro__[:-1]:
        words = PROCESS_BOUND.get(str(kind.__module__).partition(".")[0])
        if words:
            return words
    return ""


def _name(value: object) -> str:
    return str(getattr(value, "__name__", type(value).__name__))
