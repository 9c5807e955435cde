"""From a function to its bundle: readable text where possible, else opaque bytes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from aiqc.core.functions.bundle import FunctionBundle
from aiqc.core.functions.collect import Collection, collect
from aiqc.core.functions.kinds import check_callable, plain_function
from aiqc.core.functions.opaque import dump_function, visible_text
from aiqc.core.functions.signature import check_parameters
from aiqc.core.functions.verify import difference
from aiqc.core.functions.write import write_source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def bundle_function(
    function: Callable[..., Any], name: str, *, parameters: Sequence[str] | None = None
) -> FunctionBundle:
    """Return a function with everything it needs to run in another process.

    The user's helper functions, classes and constants become part of the text, wherever they
    were defined; installed libraries are imported. The text is compiled and compared with the
    live function, its helpers, defaults, decorators and classes; nothing is run. A function
    without such a text (lambda, closure, partial, bound method, array as a global, ...) is
    kept as dill bytes and says so, once a clean process has loaded them.

    Parameters
    ----------
    function
        The user's function, from a notebook, a script or a module.
    name
        The argument it was passed as, e.g. `fn_build`.
    parameters
        Names of the documented positional arguments; None checks nothing.

    Raises
    ------
    InvalidFunction
        If it is no Python function, cannot take `parameters`, uses an undefined global, a local
        module, or an object of this process (open file, lock, database row).
    """
    check_callable(function, name)
    if parameters is not None:
        check_parameters(function, name, parameters)
    collection = collect(function, name)
    entry = _entry(function)
    if not collection.reasons:
        source = write_source(collection)
        reason = difference(collection, source)
        if not reason:
            return FunctionBundle(name, entry, source)
    else:
        reason = collection.reasons[0]
    blob = dump_function(function, name, collection.data)
    return FunctionBundle(name, entry, _shown(collection, function), blob, reason)


def _entry(function: Callable[..., Any]) -> str:
    plain = plain_function(inspect.unwrap(function))
    return plain.__code__.co_name if plain is not None else ""


def _shown(collection: Collection, function: Callable[..., Any]) -> str:
    text = visible_text(function)
    return text or (write_source(collection) if collection.definitions else "")
