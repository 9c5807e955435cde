"""The registry of training backends: strings, so that a library loads on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

from aiqc.core.enums import AnalysisType, Library
from aiqc.training.returns import call_user, refuse_return

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.protocols import Backend
    from aiqc.core.types import TrainingTask

#: library -> module and class of its backend
BACKENDS: dict[Library, str] = {
    Library.KERAS: "aiqc.training.keras:KerasBackend",
    Library.PYTORCH: "aiqc.training.pytorch:PyTorchBackend",
    Library.SKLEARN: "aiqc.training.sklearn:SklearnBackend",
    Library.TOY: "aiqc.training.toy:ToyBackend",
}


def load_backend(library: Library) -> Backend:
    """Return the backend of a library.

    Raises
    ------
    MissingLibrary
        If the library is not installed; names the extra that brings it.
    """
    module, _, name = BACKENDS[library].partition(":")
    return cast("Backend", getattr(importlib.import_module(module), name)())


def default_functions(
    library: Library, analysis_type: AnalysisType
) -> dict[str, Callable[..., Any]]:
    """Return the functions that stand in for those the user did not give.

    Parameters
    ----------
    library
        The library that trains.
    analysis_type
        What the model predicts.

    Returns
    -------
    dict
        'fn_lose', 'fn_optimize', 'fn_predict', and 'fn_train' where it is optional -> function;
        their source is what `Algorithm.get_code` shows.
    """
    found = _defaults(library)
    return {f"fn_{role}": found[role, kind] for role, kind in found if kind is analysis_type}


def role_function(task: TrainingTask, role: str) -> Callable[..., Any]:
    """Return the user's function of a role ('lose', 'train', ...), or the library's default."""
    own: Callable[..., Any] | None = getattr(task.functions, role)
    return _defaults(task.library)[role, task.analysis_type] if own is None else own


def plain_loser(task: TrainingTask) -> Any:
    """Return the loss function of fn_lose or the default, for libraries without loss objects.

    Raises
    ------
    InvalidFunction
        If fn_lose returns nothing that can be called.
    """
    loser = call_user("fn_lose", role_function(task, "lose"), **task.hyperparameters)
    if not callable(loser):
        refuse_return("fn_lose", "a function loser(true, predicted)", loser)
    return loser


def _defaults(library: Library) -> dict[tuple[str, AnalysisType], Callable[..., Any]]:
    module = importlib.import_module(f"aiqc.training.{library.value}_defaults")
    return cast("dict[tuple[str, AnalysisType], Callable[..., Any]]", module.DEFAULTS)
