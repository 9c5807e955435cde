"""Calling a user's function and reading what it returned, with errors that name the function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from aiqc.core.types import Array, History

_SHOWN_CHARACTERS = 80
_PAIR = 2


def call_user(function_name: str, function: Callable[..., Any], /, *args: Any, **hp: Any) -> Any:
    """Call a function of an Algorithm with its documented arguments and hyperparameters.

    Parameters
    ----------
    function_name
        The role, e.g. 'fn_build'; named in errors.
    function
        The user's function, or a default.
    args
        The documented positional arguments.
    hp
        The hyperparameters.

    Raises
    ------
    InvalidFunction
        If the function does not take these arguments. Exceptions raised inside it propagate.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function(*args, **hp)
    try:
        signature.bind(*args, **hp)
    except TypeError as error:
        msg = f"{function_name}{signature} cannot be called: {_reason(signature, hp, error)}."
        hint = f"End the arguments of {function_name} with **hp and read hp['name'] inside."
        raise InvalidFunction(msg, hint=hint, function=function_name) from error
    return function(*args, **hp)


def describe(value: Any) -> str:
    """Return the type and the beginning of the repr of something that came back."""
    text = " ".join(repr(value).split())
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 3] + "..."
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    return f"{type(value).__name__}{shape}: {text}"


def refuse_return(function_name: str, expected: str, returned: Any) -> NoReturn:
    """Raise InvalidFunction for a wrong return value; names the function and what came back."""
    msg = f"{function_name} returned {describe(returned)}."
    raise InvalidFunction(msg, hint=f"Return {expected}.", function=function_name)


def read_training(
    returned: Any, is_model: Callable[[Any], bool], model_words: str
) -> tuple[Any, History]:
    """Return (model, history) of what fn_train returned.

    Parameters
    ----------
    returned
        `model`, `(model, history)` or `(history, model)`; told apart by type.
    is_model
        Whether a value is a model of the library.
    model_words
        What a model of the library is called, e.g. 'a Keras model'; ends up in the hint.

    Raises
    ------
    InvalidFunction
        If there is no model, or a history that is not one.
    """
    expected = f"{model_words}, or (history, model) with a dict of numbers per epoch"
    if is_model(returned):
        return returned, {}
    if not isinstance(returned, tuple | list) or len(returned) != _PAIR:
        refuse_return("fn_train", expected, returned)
    first, second = returned
    if is_model(first):
        return first, read_history(second)
    if is_model(second):
        return second, read_history(first)
    refuse_return("fn_train", expected, returned)


def read_history(history: Any) -> History:
    """Return a history as float64 arrays, its keys in order.

    Parameters
    ----------
    history
        None, a mapping of series, or a Keras History.

    Raises
    ------
    InvalidFunction
        If it is something else, or a series holds no numbers.
    """
    if history is None:
        return {}
    series = history if isinstance(history, Mapping) else getattr(history, "history", None)
    if not isinstance(series, Mapping):
        refuse_return("fn_train", "a history that maps names to numbers per epoch", history)
    return {str(name): _series(name, values) for name, values in series.items()}


def read_prediction(returned: Any) -> tuple[Any, Any]:
    """Return (prediction, probabilities) of what fn_predict returned; probabilities or None."""
    if isinstance(returned, tuple) and len(returned) == _PAIR:
        return returned[0], returned[1]
    return returned, None


def as_numpy(value: Any) -> Array:
    """Return an array, tensor (on any device) or list as a numpy array."""
    for step in ("detach", "cpu", "numpy"):
        if not isinstance(value, np.ndarray) and hasattr(value, step):
            value = getattr(value, step)()
    return np.asarray(value)


def _series(name: Any, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        items = values if hasattr(values, "dtype") else [as_numpy(value) for value in values]
        return np.asarray(as_numpy(items), dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        msg = f"fn_train returned a history whose {name!r} is {describe(values)}."
        hint = "Give each series one number per epoch."
        raise InvalidFunction(msg, hint=hint, function="fn_train", series=name) from error


def _reason(signature: inspect.Signature, hp: Mapping[str, Any], error: TypeError) -> str:
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return str(error)
    lacking = [name for name in hp if name not in signature.parameters]
    if not lacking:
        return str(error)
    return f"it does not take the hyperparameter {', '.join(repr(name) for name in lacking)}"
