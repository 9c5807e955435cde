"""Which global names a piece of code reads, and when."""

from __future__ import annotations

import dis
import inspect
from dataclasses import dataclass, field
from types import CodeType

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}
#: every module has these
MODULE_NAMES = {
    "__name__",
    "__doc__",
    "__debug__",
    "__builtins__",
    "__module__",
    "__qualname__",
    "__annotations__",
    "__conditional_annotations__",
    "__firstlineno__",
    "__static_attributes__",
    "__classdict__",
}


@dataclass(slots=True)
class Uses:
    """Names in order of first use; dicts serve as ordered sets."""

    #: needed while the text is executed: decorators, defaults, bases, class bodies
    eager: dict[str, None] = field(default_factory=dict)
    #: needed once the function is called
    lazy: dict[str, None] = field(default_factory=dict)
    #: written with `global`
    stored: dict[str, None] = field(default_factory=dict)
    #: `a.b.c` as it is read, to find the submodules that have to be imported
    paths: dict[tuple[str, ...], None] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every name read from the module, in order of first use."""
        return list({**self.eager, **self.lazy})


def name_uses(code: CodeType) -> Uses:
    """Return the global names that the code and everything nested in it read.

    Parameters
    ----------
    code
        A compiled module (definitions at its top level) or the code of a function.

    Examples
    --------
    >>> uses = name_uses(compile("def f(x=A): return np.linalg.norm(x)", "<text>", "exec"))
    >>> list(uses.eager), list(uses.lazy), list(uses.paths)
    (['A'], ['np'], [('A',), ('np', 'linalg', 'norm')])
    """
    uses = Uses()
    _walk(code, uses, eager=not code.co_flags & inspect.CO_OPTIMIZED)
    return uses


def _walk(code: CodeType, uses: Uses, *, eager: bool) -> None:
    steps = list(dis.get_instructions(code))
    own = {s.argval for s in steps if s.opname == "STORE_NAME"} | MODULE_NAMES
    for position, step in enumerate(steps):
        if step.opname == "STORE_GLOBAL":
            uses.stored[step.argval] = None
        if step.opname in _LOADS and step.argval not in own:
            (uses.eager if eager else uses.lazy)[step.argval] = None
            uses.paths[_path(steps, position)] = None
    for const in code.co_consts:
        if isinstance(const, CodeType):
            _walk(const, uses, eager=eager and _runs_at_once(const))


def _path(steps: list[dis.Instruction], position: int) -> tuple[str, ...]:
    path = [str(steps[position].argval)]
    for step in steps[position + 1 :]:
        if step.opname not in _ATTRIBUTES:
            break
        path.append(str(step.argval))
    return tuple(path)


def _runs_at_once(code: CodeType) -> bool:
    """Class bodies and comprehensions run where they stand; functions and lambdas later."""
    if code.co_name == "<lambda>":
        return False
    return not code.co_flags & inspect.CO_OPTIMIZED or code.co_name.startswith("<")
