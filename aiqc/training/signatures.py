"""Whether functions take the documented arguments, checked before anything is stored."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import AnalysisType, Library
from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiqc.core.types import Functions

_TRAIN = (
    "model",
    "loser",
    "optimizer",
    "train_features",
    "train_label",
    "eval_features",
    "eval_label",
)
#: documented positional arguments; their order binds, their names do not
DOCUMENTED: dict[str, tuple[str, ...]] = {
    "build": ("features_shape", "label_shape"),
    "train": _TRAIN,
    "predict": ("model", "features"),
    "lose": (),
    "optimize": (),
}
#: libraries whose default fn_train suffices
_TRAIN_OPTIONAL = (Library.SKLEARN, Library.TOY)
_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_functions(
    library: Library,
    analysis_type: AnalysisType,
    build: Any,
    train: Any = None,
    predict: Any = None,
    lose: Any = None,
    optimize: Any = None,
) -> None:
    """Refuse functions that do not take the documented arguments.

    Parameters
    ----------
    library
        The library that trains.
    analysis_type
        What the model predicts; must be a member.
    build, train, predict, lose, optimize
        The functions of an Algorithm; None stands for the default.

    Raises
    ------
    InvalidFunction
        Names the function, what it takes and what it must take.
    """
    AnalysisType(analysis_type)
    given = {
        "build": build,
        "train": train,
        "predict": predict,
        "lose": lose,
        "optimize": optimize,
    }
    for role, function in given.items():
        if function is None:
            _refuse_absent(role, library)
        else:
            _check_one(role, function, library)
    if library is Library.SKLEARN and optimize is not None and train is None:
        msg = "fn_optimize has no effect on a scikit-learn estimator that is fitted by default."
        hint = "Leave fn_optimize out, or use its result in your own fn_train."
        raise InvalidFunction(msg, hint=hint, function="fn_optimize")


def check_hyperparameters(library: Library, functions: Functions, names: Iterable[str]) -> None:
    """Refuse hyperparameters that a function does not take, or one that lacks a needed one.

    Parameters
    ----------
    library
        The library that trains; decides whether fn_optimize is handed the model.
    functions
        The functions of an Algorithm.
    names
        Keys of the hyperparameters.

    Raises
    ------
    InvalidFunction
        Names the function and the argument.
    """
    known = list(names)
    for role in ("build", "train", "lose", "optimize"):
        function = getattr(functions, role)
        parameters = _parameters(function) if function is not None else None
        if parameters is not None:
            first = role == "optimize" and library is Library.PYTORCH and takes_model(function)
            _check_names(role, function, len(DOCUMENTED[role]) + first, known)


def takes_model(function: Callable[..., Any]) -> bool:
    """Return whether an fn_optimize takes the model: has a first argument without a default."""
    parameters = _parameters(function)
    if parameters is None:
        return False
    return any(
        item.kind is inspect.Parameter.VAR_POSITIONAL
        or (item.kind in _NAMED and item.default is item.empty)
        for item in parameters
    )


def _refuse_absent(role: str, library: Library) -> None:
    if role == "build" or (role == "train" and library not in _TRAIN_OPTIONAL):
        msg = f"fn_{role} is required for the library {library.value!r}, None was given."
        hint = f"Pass a function {_wanted(role, library)}."
        raise InvalidFunction(msg, hint=hint, function=f"fn_{role}")


def _check_one(role: str, function: Any, library: Library) -> None:
    if not callable(function):
        msg = f"fn_{role} must be a function, got {type(function).__name__}: {function!r:.80}."
        hint = f"Pass a function {_wanted(role, library)}."
        raise InvalidFunction(msg, hint=hint, function=f"fn_{role}")
    parameters = _parameters(function)
    if parameters is None or _fits(role, parameters, library):
        return
    msg = f"fn_{role} takes {inspect.signature(function)}."
    hint = f"It must take {_wanted(role, library)}; the names are free, the order is not."
    raise InvalidFunction(msg, hint=hint, function=f"fn_{role}")


def _fits(role: str, parameters: list[inspect.Parameter], library: Library) -> bool:
    """Return whether the documented arguments bind, by position, and no others are needed."""
    count = len(DOCUMENTED[role])
    counts = (0, 1) if role == "optimize" and library is Library.PYTORCH else (count,)
    return any(_binds(parameters, count, takes_hp=role != "predict") for count in counts)


def _binds(parameters: list[inspect.Parameter], count: int, *, takes_hp: bool) -> bool:
    named = [item for item in parameters if item.kind in _NAMED]
    kinds = {item.kind for item in parameters}
    if len(named) < count and inspect.Parameter.VAR_POSITIONAL not in kinds:
        return False
    # Further arguments may be hyperparameters by name; then there is **hp, or a bare *.
    rest = [item for item in named[count:] if item.default is item.empty]
    keywords = [
        item
        for item in parameters
        if item.kind is inspect.Parameter.KEYWORD_ONLY and item.default is item.empty
    ]
    if not takes_hp:
        return not rest and not keywords
    return not rest or inspect.Parameter.VAR_KEYWORD in kinds


def _check_names(role: str, function: Any, documented: int, known: list[str]) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    named = [item for item in parameters if item.kind in _NAMED]
    further = named[documented:] + [
        item for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    bound = [item for item in named[:documented] if item.kind is not item.POSITIONAL_ONLY]
    taken = {item.name for item in bound} & set(known)
    lacking = [item.name for item in further if item.default is item.empty]
    absent = [name for name in lacking if name not in known]
    open_ended = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters)
    unknown = [] if open_ended else sorted(set(known) - {item.name for item in further})
    for problem, found in (
        ("has an argument that is also the name of a hyperparameter", sorted(taken)),
        ("needs an argument that is no hyperparameter", absent),
        ("does not take the hyperparameter", unknown),
    ):
        if found:
            msg = f"fn_{role}{inspect.signature(function)} {problem}: {found[0]!r}."
            hint = f"End its arguments with **hp; the hyperparameters are {known}."
            raise InvalidFunction(msg, hint=hint, function=f"fn_{role}", argument=found[0])


def _parameters(function: Any) -> list[inspect.Parameter] | None:
    """Return the parameters, or None where Python cannot tell (builtins)."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def _wanted(role: str, library: Library) -> str:
    names = list(DOCUMENTED[role])
    if role == "predict":
        return f"({', '.join(names)})"
    text = f"({', '.join([*names, '**hp'])})"
    both = role == "optimize" and library is Library.PYTORCH
    return f"(model, **hp) or {text}" if both else text
