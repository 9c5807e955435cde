"""Functions that have no text of their own, as dill bytes. The only room that knows dill."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import io
import subprocess
import sys
import textwrap
import threading
import warnings
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidFunction
from aiqc.core.functions.kinds import plain_function, process_bound
from aiqc.core.functions.origin import is_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: code that is larger holds data, which belongs into a Dataset
MAX_BYTES = 4 * 2**20
_PROBE_SECONDS = 300
_PROBE = """
import importlib.util, sys
if importlib.util.find_spec("aiqc") is None:
    spec = importlib.util.spec_from_file_location("aiqc", sys.argv[1])
    sys.modules["aiqc"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["aiqc"])
import dill
sys.exit(0 if callable(dill.loads(sys.stdin.buffer.read())) else "not callable")
"""
_patch_lock = threading.Lock()


def dump_function(function: Callable[..., Any], name: str, data: Mapping[str, Any]) -> bytes:
    """Return a function and all it captures as bytes that load in any process.

    Parameters
    ----------
    function
        What the user passed.
    name
        The argument it was passed as, for messages.
    data
        The globals that have no text, for messages.

    Raises
    ------
    InvalidFunction
        If it captures an open file, a lock or a database row, is larger than `MAX_BYTES`, or
        cannot be loaded by a clean process.
    """
    sink = _Sink(name, data)
    try:
        with _local_code_by_value():
            _pickler(sink, name).dump(function)
    except InvalidFunction:
        raise
    except Exception as error:  # dill raises whatever the captured objects raise
        msg = f"{name} captures something that cannot be stored: {error}."
        hint = "Make it inside the function, or pass it as a hyperparameter."
        raise InvalidFunction(msg, hint=hint, function=name) from error
    _probe(sink.getvalue(), name)
    return sink.getvalue()


def load_bytes(data: bytes) -> Callable[..., Any]:
    """Return the function of dill bytes. Runs stored code: the caller has checked the trust."""
    import dill

    function: Callable[..., Any] = dill.loads(data)  # noqa: S301 - signed, see trust.py
    return function


def visible_text(function: Callable[..., Any]) -> str:
    """Return what can be shown of a function without text of its own; may be empty."""
    inner = plain_function(function)
    if inner is None:
        return ""
    try:
        return textwrap.dedent(inspect.getsource(inner))
    except (OSError, TypeError, IndentationError):
        return ""


class _Sink(io.BytesIO):
    """Refuses to grow past the limit, so that a huge capture is not copied first."""

    def __init__(self, name: str, data: Mapping[str, Any]) -> None:
        super().__init__()
        self.name = name
        self.data = data

    def write(self, chunk: Any) -> int:
        if self.tell() + len(memoryview(chunk)) > MAX_BYTES:
            msg = f"{self.name} captures more than {MAX_BYTES // 2**20} MB"
            msg += f": the global {next(iter(self.data))!r}." if self.data else "."
            hint = "Pass it as a hyperparameter, register it as a Dataset, or load it inside."
            raise InvalidFunction(msg, hint=hint, function=self.name)
        return super().write(chunk)


def _pickler(sink: io.BytesIO, name: str) -> Any:
    import dill

    class Pickler(dill.Pickler):  # type: ignore[misc]
        def persistent_id(self, value: object) -> None:
            what = process_bound(value)
            if what:
                msg = f"{name} captures {what} of this process ({type(value).__name__})."
                raise InvalidFunction(msg, hint="Make it inside the function.", function=name)

    return Pickler(sink, protocol=4, byref=False, recurse=True)


@contextlib.contextmanager
def _local_code_by_value() -> Iterator[None]:
    """Make dill copy the code of local files; by itself it refers to their module by name.

    Globals come in order of their names: dill's own order is another one in every process.
    """
    from dill import _dill, detect

    with _patch_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original, find = _dill._locate_function, detect.globalvars

        @functools.wraps(original)
        def locate(value: Any, pickler: Any = None) -> bool:
            home = getattr(value, "__module__", None)
            return is_installed(home) and bool(original(value, pickler))

        def in_order(*args: Any, **options: Any) -> dict[str, Any]:
            return dict(sorted(find(*args, **options).items()))

        _dill._locate_function, detect.globalvars = locate, in_order
        try:
            yield
        finally:
            _dill._locate_function, detect.globalvars = original, find


def _probe(data: bytes, name: str) -> None:
    package = importlib.util.find_spec(__name__.partition(".")[0])
    origin = package.origin if package is not None and package.origin else ""
    command = [sys.executable, "-I", "-c", _PROBE, origin]
    try:
        subprocess.run(
            command, input=data, capture_output=True, check=True, timeout=_PROBE_SECONDS
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        printed = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        msg = f"{name} cannot be loaded by another process: {' '.join(printed[-1:]) or error}."
        hint = "Write it as a plain function (def) at the top of a cell or file."
        raise InvalidFunction(msg, hint=hint, function=name) from error
