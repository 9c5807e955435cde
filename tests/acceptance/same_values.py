"""Comparison of stored values with expected ones: exact, types included."""

from __future__ import annotations

from typing import Any

import numpy as np
import study_oracle as oracle
from peewee import Model
from study_expected import Satisfies


def assert_same(actual: Any, expected: Any, place: str) -> None:
    """Compare values, types included; arrays bit by bit, coders by what they learned."""
    if isinstance(expected, Satisfies):
        assert expected.holds(actual), f"{place}: {actual!r} is not {expected.words}"
    elif isinstance(expected, dict | list | tuple):
        _assert_items(actual, expected, place)
    elif isinstance(expected, Model):
        assert (type(actual), actual.id) == (type(expected), expected.id), place
    elif hasattr(expected, "fit"):
        assert type(actual) is type(expected), place
        for fact in oracle.fitted_facts(type(expected)):
            assert_same(getattr(actual, fact), getattr(expected, fact), f"{place}.{fact}")
    elif isinstance(expected, np.ndarray):
        assert isinstance(actual, np.ndarray), place
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape), place
        np.testing.assert_array_equal(actual, expected, err_msg=place, strict=True)
    else:
        _assert_plain(actual, expected, place)


def _assert_items(actual: Any, expected: Any, place: str) -> None:
    assert type(actual) is type(expected), f"{place}: {actual!r}"
    if isinstance(expected, dict):
        assert set(actual) == set(expected), place
    else:
        assert len(actual) == len(expected), f"{place}: {actual!r}"
    pairs = expected.items() if isinstance(expected, dict) else enumerate(expected)
    for key, value in pairs:
        assert_same(actual[key], value, f"{place}[{key!r}]")


def _assert_plain(actual: Any, expected: Any, place: str) -> None:
    kinds = {bool: bool, int: int, float: float, str: str, bytes: bytes, type(None): type(None)}
    wanted = kinds.get(type(expected), type(expected))
    if not isinstance(expected, np.generic):
        assert isinstance(actual, wanted), f"{place}: {actual!r} of type {type(actual).__name__}"
        assert isinstance(actual, bool) == isinstance(expected, bool), place
    if isinstance(expected, float) and np.isnan(expected):
        assert np.isnan(actual), place
    else:
        assert actual == expected, f"{place}: {actual!r}, not {expected!r}"
