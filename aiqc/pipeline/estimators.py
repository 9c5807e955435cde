"""scikit-learn estimators to bytes and back: no pickle, listed types only, checked indices."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import CorruptBlob, InvalidCoder, UntrustedCode
from aiqc.pipeline.estimator_bounds import check_bounds
from aiqc.pipeline.estimator_bytes import SCHEMA, canonical_bytes
from aiqc.pipeline.estimator_types import is_allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: damaged bytes make zipfile, json, numpy and scikit-learn raise any of these
_DAMAGE = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, EOFError,
    RecursionError, NotImplementedError, zipfile.BadZipFile, ImportError,
)  # fmt: skip


def dump_estimator(estimator: Any) -> bytes:
    """Return a fitted estimator as deflated skops bytes.

    Equal estimators give equal bytes, in every process.

    Parameters
    ----------
    estimator
        A scikit-learn estimator, or a list of them.

    Raises
    ------
    InvalidCoder
        If it holds a type that `load_estimator` would refuse; names the types.
    """
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        data = canonical_bytes(skops.io.dumps(estimator))
    except (UnsupportedTypeException, TypeError, ValueError, AttributeError) as error:
        msg = f"{type(estimator).__name__} cannot be stored: {error}"
        raise InvalidCoder(msg, hint=_HINT, kind=type(estimator).__name__) from error
    foreign = foreign_types(data)
    if foreign:
        msg = f"{type(estimator).__name__} holds {', '.join(foreign)}, which cannot be stored."
        raise InvalidCoder(msg, hint=_HINT, types=foreign)
    return data


def load_estimator(data: bytes) -> Any:
    """Return the estimator that `dump_estimator` wrote; runs none of the file's code.

    Raises
    ------
    UntrustedCode
        If the bytes ask for a type that is not listed in `estimator_types`.
    CorruptBlob
        If they are damaged, or an index in them points outside its array.
    """
    import skops.io

    try:
        states = _read_states(data)
        foreign = _foreign(states)
        if not foreign:
            _check_trees(data, states)
            names = sorted({_name(state) for state in states})
            estimator = skops.io.loads(data, trusted=names)
            check_bounds(estimator)
            return estimator
    except _DAMAGE as error:
        if isinstance(error, CorruptBlob):
            raise
        msg = f"{len(data)} bytes are not a stored estimator: {error}"
        raise CorruptBlob(msg, hint="Restore the metastore from a backup.") from error
    msg = f"A stored estimator asks for {', '.join(foreign)}, which is not on the list."
    hint = "Do not load it: AIQC never writes these types."
    raise UntrustedCode(msg, hint=hint, types=foreign)


def foreign_types(data: bytes) -> list[str]:
    """Return the names in skops bytes that are not on our list; loads nothing."""
    return _foreign(_read_states(data))


_HINT = (
    "Use scikit-learn's own classes and numpy's ufuncs; a user's function or class has no "
    "stored form."
)


def _read_states(data: bytes) -> list[dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return list(_states(json.loads(archive.read(SCHEMA))))


def _states(root: Any) -> Iterator[dict[str, Any]]:
    """Yield every state of an object in a schema; iterative, so depth cannot overflow."""
    stack = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "__loader__" in item or "__class__" in item:
                yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _name(state: dict[str, Any]) -> str:
    return f"{state['__module__']}.{state['__class__']}"


def _foreign(states: list[dict[str, Any]]) -> list[str]:
    names = set()
    for state in states:
        loader = str(state.get("__loader__"))
        if not is_allowed(loader, _name(state)):
            names.add(f"{_name(state)} ({loader})")
    return sorted(names)


def _check_trees(data: bytes, states: list[dict[str, Any]]) -> None:
    """Check what Tree's constructor reads unchecked, before it is constructed."""
    trees = [state for state in states if state["__loader__"] == "TreeNode"]
    if not trees:
        return
    by_id: dict[Any, dict[str, Any]] = {}
    for state in states:
        # skops makes the first of two states with one id: they have to be the same
        first = by_id.setdefault(state.get("__id__"), state)
        same = state["__loader__"] not in {"NdArrayNode", "JsonNode", "TupleNode", "DictNode"}
        if "__id__" in state and not same and first != state:
            msg = f"Two objects of a stored estimator share the id {state['__id__']}."
            raise CorruptBlob(msg, hint="Do not load it.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for tree in trees:
            _check_tree_state(archive, tree)


def _check_tree_state(archive: zipfile.ZipFile, state: dict[str, Any]) -> None:
    _, classes, outputs = state["__reduce__"]["args"]["content"]
    content = state["content"]["content"]
    counts = _array(archive, classes)
    nodes = _array(archive, content["nodes"])
    fine = counts.ndim == 1 and counts.size == json.loads(outputs["content"]) and counts.min() > 0
    if not fine or json.loads(content["node_count"]["content"]) != len(nodes):
        msg = "A stored decision tree declares other sizes than its arrays have."
        raise CorruptBlob(msg, hint="Do not load it; train the model again.")


def _array(archive: zipfile.ZipFile, state: dict[str, Any]) -> Any:
    return np.load(io.BytesIO(archive.read(state["file"])), allow_pickle=False)
