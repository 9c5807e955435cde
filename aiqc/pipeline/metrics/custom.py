"""The user's own metrics."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from aiqc.core.types import Array, Scores


def check_custom(custom: object, taken: Collection[str]) -> None:
    """Refuse own metrics that cannot be called or whose name is taken.

    Raises
    ------
    InvalidFunction
        Names the metric.
    """
    if not isinstance(custom, Mapping):
        msg = f"metrics={custom!r} is {type(custom).__name__}, not a dict."
        raise InvalidFunction(msg, hint="Give {name: function}.", metric=custom)
    for name, function in custom.items():
        if not isinstance(name, str) or not name:
            msg = f"The metric name {name!r} is not text."
            raise InvalidFunction(msg, hint="Use a text name.", metric=name)
        if name in taken:
            msg = f"The metric name {name!r} is one of AIQC's own."
            raise InvalidFunction(msg, hint="Choose another name.", metric=name)
        if not callable(function):
            msg = f"The metric {name!r} is {function!r}, which cannot be called."
            raise InvalidFunction(msg, hint="Pass function(true, predicted).", metric=name)


def score_custom(
    custom: Mapping[str, Callable[..., Any]], true: Array, predicted: Array
) -> Scores:
    """Return the user's own metrics of one split.

    Parameters
    ----------
    custom
        Name -> function(true, predicted) that returns one number.
    true
        Decoded label.
    predicted
        Decoded predictions.

    Raises
    ------
    InvalidFunction
        If a function raises or returns no number; names the metric and what came back.
    """
    return {name: _call(name, function, true, predicted) for name, function in custom.items()}


def _call(name: str, function: Callable[..., Any], true: Array, predicted: Array) -> float:
    try:
        # copies: a metric that sorts in place must not change what is stored
        value = function(true.copy(), predicted.copy())
    except Exception as error:  # the user's code may raise anything
        msg = f"The metric {name!r} raised {type(error).__name__}: {error}."
        hint = "It is called with the decoded label and predictions."
        raise InvalidFunction(msg, hint=hint, metric=name) from error
    is_scalar = isinstance(value, np.ndarray) and value.ndim == 0
    number = value.item() if is_scalar or isinstance(value, np.generic) else value
    if isinstance(number, Real):
        return float(number)
    msg = f"The metric {name!r} returned {value!r} of type {type(value).__name__}."
    raise InvalidFunction(msg, hint="It must return one number.", metric=name)
