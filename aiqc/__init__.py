"""An object-oriented metastore for machine learning.

`aiqc.connect(path_or_url)` chooses the store; without it the first query opens the user's own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiqc.orm._database import connect as connect
    from aiqc.orm._database import setup as setup
    from aiqc.orm._maintenance import backup as backup
    from aiqc.orm.trusting import trust as trust

__version__ = "0.2.0"

#: public name -> the module that holds it; loaded when it is first used
_LAZY = {
    "backup": "aiqc.orm._maintenance",
    "connect": "aiqc.orm._database",
    "setup": "aiqc.orm._database",
    "trust": "aiqc.orm.trusting",
}

#: packages that are attributes without an import of their own
_ROOMS = ("datum", "utils")

__all__ = ["__version__", "backup", "connect", "setup", "trust"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY and name not in _ROOMS:
        msg = f"module 'aiqc' has no attribute {name!r}"
        raise AttributeError(msg)
    if name in _ROOMS:
        return importlib.import_module(f"aiqc.{name}")
    # every table must be known before a store is opened
    importlib.import_module("aiqc.orm")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_ROOMS})
