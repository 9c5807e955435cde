"""The one place that runs stored code. Callers check `aiqc.core.trust` first."""

from __future__ import annotations

import linecache
import sys
import threading
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import CorruptBlob
from aiqc.core.functions.opaque import load_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from aiqc.core.functions.bundle import FunctionBundle

_loaded: dict[str, Callable[..., Any]] = {}
_lock = threading.RLock()


def load_function(bundle: FunctionBundle) -> Callable[..., Any]:
    """Return the function of a bundle, ready to call; the same bundle gives the same object.

    Its text runs in a module of its own and sees no name of this process; tracebacks and
    `inspect.getsource` show it.

    Raises
    ------
    CorruptBlob
        If the text does not define the function that the bundle names.
    """
    with _lock:
        sha256 = bundle.sha256
        if sha256 not in _loaded:
            opaque = bundle.opaque
            _loaded[sha256] = _execute(bundle, sha256) if opaque is None else load_bytes(opaque)
        return _loaded[sha256]


class _TextLoader(Loader):
    """Lets `inspect`, tracebacks and TensorFlow's autograph find the text again."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, _name: str) -> str:
        """Return the text (PEP 302)."""
        return self.source

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the text runs in `load_function` only."""


def _execute(bundle: FunctionBundle, sha256: str) -> Callable[..., Any]:
    name = f"_aiqc_function_{sha256[:16]}"
    filename = f"/<aiqc>/{bundle.entry}_{sha256[:16]}.py"
    spec = ModuleSpec(name, _TextLoader(bundle.source), origin=filename)
    module = module_from_spec(spec)
    module.__file__ = filename
    lines = bundle.source.splitlines(keepends=True)
    # no modification time: linecache never looks for the file on disk
    linecache.cache[filename] = (len(bundle.source), None, lines, filename)
    sys.modules[module.__name__] = module  # dataclasses look their module up while they are made
    try:
        exec(compile(bundle.source, filename, "exec", dont_inherit=True), vars(module))
    except BaseException:
        del sys.modules[module.__name__]
        raise
    function: Callable[..., Any] | None = vars(module).get(bundle.entry)
    if function is None or not callable(function):
        msg = f"The stored text of {bundle.name} defines no function {bundle.entry!r}."
        raise CorruptBlob(msg, hint="Make the Algorithm again.", function=bundle.name)
    return function
