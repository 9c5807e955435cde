"""Arguments of `pandas.Series.interpolate`: defaults, what is refused, and the call itself."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiqc.core.errors import InvalidInput

if TYPE_CHECKING:
    from aiqc.core.types import Array

#: what `interpolate_kwargs=None` stands for; source: the reference, section 4
DEFAULT_KWARGS: dict[str, Any] = {
    "method": "spline",
    "limit_direction": "both",
    "limit_area": None,
    "axis": 0,
    "order": 1,
}
#: methods that work on row positions
METHODS = (
    "linear",
    "index",
    "values",
    "nearest",
    "zero",
    "slinear",
    "quadratic",
    "cubic",
    "polynomial",
    "spline",
    "barycentric",
    "krogh",
    "piecewise_polynomial",
    "from_derivatives",
    "pchip",
    "akima",
    "cubicspline",
)
#: arguments of pandas, then those that it hands on to SciPy
KNOWN = (
    "method",
    "axis",
    "limit",
    "limit_direction",
    "limit_area",
    "order",
    "s",
    "ext",
    "fill_value",
    "bounds_error",
    "bc_type",
    "extrapolate",
)
#: rows along which a curve is fitted, as pandas names them
ROWS = (0, "index", "rows")
#: what an error suggests where a method fails
LINEAR = "interpolate_kwargs={'method': 'linear', 'limit_direction': 'both'}"


def check_kwargs(interpolate_kwargs: Any) -> dict[str, Any]:
    """Return the arguments as they are stored, or refuse those that cannot work.

    None stands for `DEFAULT_KWARGS`. A dict with a `method` replaces the defaults: what it does
    not name is as in pandas, where e.g. `limit_direction` is 'forward'. A dict without a `method`
    amends the defaults. The axis is always that of the rows.

    Raises
    ------
    InvalidInput
        If an argument or method is unknown, the axis is not that of the rows, or pandas refuses
        the arguments on a curve of twelve points.

    Examples
    --------
    >>> check_kwargs({"method": "linear"})
    {'method': 'linear', 'axis': 0}
    >>> check_kwargs({"order": 3})["method"]
    'spline'
    """
    if interpolate_kwargs is None:
        return dict(DEFAULT_KWARGS)
    if not isinstance(interpolate_kwargs, Mapping):
        msg = f"interpolate_kwargs={interpolate_kwargs!r} is no dict."
        raise InvalidInput(msg, hint=f"Pass one, e.g. {LINEAR}.", value=interpolate_kwargs)
    given = {name: _plain(name, value) for name, value in interpolate_kwargs.items()}
    if given.setdefault("axis", 0) not in ROWS:
        msg = f"axis={given['axis']!r} would fit a curve to the columns of a row."
        raise InvalidInput(msg, hint="Leave axis out, or use 0.", value=given["axis"])
    given["axis"] = 0
    kwargs = given if given.get("method") is not None else _amended(given)
    _check_method(kwargs["method"])
    _check_call(kwargs)
    return kwargs


def call_pandas(values: Array, positions: Array, kwargs: Mapping[str, Any]) -> Array:
    """Return values with the missing ones filled, float64; whatever pandas raises is raised.

    A spline passes through every known value (`s=0`) unless `s` is given. 'linear' counts the gaps
    between positions, as 'index' does in pandas; the two are one where there are none.

    Parameters
    ----------
    values
        `(rows,)` float64 with NaN; never written.
    positions
        Row positions, ascending.
    kwargs
        As `check_kwargs` returns them.
    """
    if _is_straight(kwargs):
        return _straight(values, positions)
    arguments = dict(kwargs)
    if arguments["method"] == "spline":
        arguments.setdefault("s", 0)
    elif arguments["method"] == "linear":
        arguments["method"] = "index"
    elif arguments["method"] == "barycentric":
        # SciPy draws an order of the points, which decides the rounding
        arguments["rng"] = 0
    series = pd.Series(np.array(values, dtype=np.float64), index=positions)
    filled: Array = series.interpolate(**arguments).to_numpy(dtype=np.float64)
    return filled


def _is_straight(kwargs: Mapping[str, Any]) -> bool:
    """Return whether the arguments mean the default, a curve of straight lines."""
    return {name: value for name, value in kwargs.items() if name != "s"} == DEFAULT_KWARGS and (
        kwargs.get("s", 0) == 0
    )


def _straight(values: Array, positions: Array) -> Array:
    """Return what pandas does for the default arguments, without its cost for every column.

    A spline of order 1 with `s=0` joins known values by straight lines and continues the outer
    ones.

    Raises
    ------
    ValueError
        If fewer than two values are known.
    """
    missing = np.isnan(values)
    x, y = positions[~missing], values[~missing]
    if len(x) < 2:  # noqa: PLR2004  a line needs two points
        msg = "a straight line needs two known values"
        raise ValueError(msg)
    gaps = positions[missing]
    curve = np.interp(gaps, x, y)
    for beyond, near, far in ((gaps < x[0], 0, 1), (gaps > x[-1], -1, -2)):
        # an infinite neighbour makes infinite or missing values, which the caller refuses
        with np.errstate(invalid="ignore", over="ignore"):
            slope = (y[near] - y[far]) / (x[near] - x[far])
            curve[beyond] = y[near] + slope * (gaps[beyond] - x[near])
    filled: Array = np.array(values, dtype=np.float64)
    filled[missing] = curve
    return filled


def _amended(given: dict[str, Any]) -> dict[str, Any]:
    return DEFAULT_KWARGS | {name: value for name, value in given.items() if name != "method"}


def _plain(name: Any, value: Any) -> Any:
    """Return an argument that JSON can hold.

    Raises
    ------
    InvalidInput
        If the argument is unknown or its value is not a number, a text, a bool or None.
    """
    if name == "inplace":
        msg = "inplace is no argument here: interpolation writes into no data."
        raise InvalidInput(msg, hint="Leave inplace out.", value=value)
    if name not in KNOWN:
        near = difflib.get_close_matches(str(name), KNOWN, n=1)
        meant = f"Did you mean {near[0]!r}? " if near else ""
        msg = f"interpolate_kwargs has the unknown argument {name!r}."
        raise InvalidInput(msg, hint=f"{meant}Use some of {list(KNOWN)}.", value=name)
    if isinstance(value, np.generic):
        value = value.item()
    if value is not None and not isinstance(value, bool | int | float | str):
        msg = f"{name}={value!r} in interpolate_kwargs is {type(value).__name__}."
        raise InvalidInput(msg, hint="Use a number, a text, a bool or None.", value=value)
    return value


def _check_method(method: Any) -> None:
    if method in METHODS:
        return
    near = difflib.get_close_matches(str(method), METHODS, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    msg = f"method={method!r} does not interpolate between rows."
    raise InvalidInput(msg, hint=f"{meant}Use one of {list(METHODS)}.", value=method)


def _check_call(kwargs: dict[str, Any]) -> None:
    """Try the arguments on a curve that every method can fit."""
    curve = np.arange(12.0) ** 2
    curve[5] = np.nan
    try:
        call_pandas(curve, np.arange(12), kwargs)
    except Exception as error:
        msg = f"pandas cannot interpolate with {kwargs}: {error}."
        hint = f"Correct the arguments, or use {LINEAR}."
        raise InvalidInput(msg, hint=hint, value=kwargs) from error
