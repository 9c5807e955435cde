"""The import paths that spec/003 documents; re-exports only."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_MODULES = ("config", "dill", "encoding", "meter", "pytorch", "sklearn", "tensorflow")


def __getattr__(name: str) -> ModuleType:
    """Load a module on first use, so that `utils.pytorch.fit` needs one import only."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]
