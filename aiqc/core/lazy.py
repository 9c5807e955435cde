"""Heavy libraries load on first use, or say how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from aiqc.core.errors import MissingLibrary

#: which extra of setup.cfg brings an optional library
EXTRAS = {
    "torch": "pytorch",
    "torchmetrics": "pytorch",
    "tensorflow": "keras",
    "keras": "keras",
    "psycopg": "postgres",
    "pymysql": "mysql",
    "s3fs": "s3",
}


def load(name: str) -> Any:
    """Import a library when it is first needed.

    Parameters
    ----------
    name
        Dotted module name.

    Raises
    ------
    MissingLibrary
        If it is not installed; names the extra that brings it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise
        extra = EXTRAS.get(package)
        target = f"aiqc[{extra}]" if extra else package
        msg = f"The library {package!r} is not installed."
        hint = f"Install it with: pip install '{target}'."
        raise MissingLibrary(msg, hint=hint, library=package) from error
