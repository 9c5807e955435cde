"""Where a module comes from: an installed library, or a file of the user's own."""

from __future__ import annotations

import builtins
import importlib.metadata
import inspect
import json
import os
import site
import sys
import sysconfig
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

_SELF = __name__.partition(".")[0]
#: flag of types that a class statement made (CPython, Include/object.h)
_HEAP_TYPE = 1 << 9
#: where `exec` without a module name says that its functions come from
_NO_HOME = (None, "builtins")


def is_users(value: Any) -> bool:
    """Whether a value is a function or class whose text belongs into a bundle."""
    if isinstance(value, type):
        if value.__module__ != "builtins":
            return not is_installed(value.__module__)
        is_builtin = getattr(builtins, value.__name__, None) is value
        return bool(value.__flags__ & _HEAP_TYPE) and not is_builtin
    inner = inspect.unwrap(value) if hasattr(value, "__wrapped__") else value
    if not isinstance(inner, FunctionType):
        return False
    return inner.__module__ in _NO_HOME or not is_installed(inner.__module__)


def is_installed(module_name: str | None) -> bool:
    """Whether any process of this environment can import the module by name.

    A file beside the notebook is not installed: its functions are copied into the bundle.
    """
    if not module_name or module_name == "__main__":
        return False
    root = module_name.partition(".")[0]
    modules = [m for m in (sys.modules.get(module_name), sys.modules.get(root)) if m is not None]
    if root == _SELF:
        return True
    files = [file for file in map(_file, modules) if file]
    return bool(modules) and _is_library(root, files[0] if files else "")


def _is_library(root: str, file: str) -> bool:
    if not file:
        return root in sys.stdlib_module_names
    if any(file.startswith(folder) for folder in _library_folders()):
        return True
    project = _editable_projects().get(root)
    return project is not None and file.startswith(project)


def _file(module: ModuleType) -> str:
    path = getattr(module, "__file__", None)
    if not path:
        path = next(iter(getattr(module, "__path__", [])), None)
    return os.path.realpath(path) if path else ""


@cache
def _library_folders() -> tuple[str, ...]:
    keys = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [sysconfig.get_path(key) for key in keys]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(dict.fromkeys(os.path.realpath(folder) + os.sep for folder in folders))


@cache
def _editable_projects() -> dict[str, str]:
    """Top-level name -> folder of each project installed with `pip install -e`."""
    projects: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        record = json.loads(distribution.read_text("direct_url.json") or "{}")
        if not record.get("dir_info", {}).get("editable"):
            continue
        folder = os.path.realpath(str(record["url"]).removeprefix("file://")) + os.sep
        for name in (distribution.read_text("top_level.txt") or "").split():
            projects[name] = folder
    return projects
