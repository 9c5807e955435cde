"""The tree of errors: drawn, typed, and able to cross processes."""

from __future__ import annotations

import inspect
import pickle  # noqa: TID251 - workers send errors home this way
import re

import pytest

from aiqc.core import errors

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.AIQCError) and kind is not errors.AIQCError
]

#: class -> the builtin it stands beside
BUILTINS = {
    "InvalidInput": ValueError,
    "InvalidData": ValueError,
    "InvalidColumns": ValueError,
    "InvalidSplit": ValueError,
    "InvalidCoder": ValueError,
    "InvalidFunction": ValueError,
    "Incompatible": ValueError,
    "RecordNotFound": LookupError,
    "Conflict": ValueError,
    "RecordInUse": ValueError,
    "StoreError": RuntimeError,
    "NotAMetastore": RuntimeError,
    "NewerSchema": RuntimeError,
    "WrongStore": RuntimeError,
    "CorruptBlob": RuntimeError,
    "DataChanged": RuntimeError,
    "UntrustedCode": PermissionError,
    "JobFailed": RuntimeError,
    "LeaseLost": RuntimeError,
    "NotReady": RuntimeError,
    "MissingLibrary": ImportError,
    "Unsupported": NotImplementedError,
}


def test_every_error_has_its_builtin():
    assert {kind.__name__ for kind in KINDS} == set(BUILTINS)
    for kind in KINDS:
        assert issubclass(kind, BUILTINS[kind.__name__]), kind


def test_the_drawing_is_the_tree():
    drawn = dict(re.findall(r"(\w+) \((\w+)\)", errors.__doc__.partition("AIQCWarning")[0]))
    for name, builtin in drawn.items():
        assert issubclass(getattr(errors, name), BUILTINS[name])
        assert BUILTINS[name].__name__ == builtin
    named = set(re.findall(r"── (\w+)", errors.__doc__))
    assert named == set(BUILTINS) | {"DuplicateWarning", "ResultWarning"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_text_facts_and_another_process(kind):
    error = kind("The column 'a' has 3 NaN.", hint="Drop them.", column="a", count=3)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert type(each) is kind
        assert str(each) == "The column 'a' has 3 NaN. Drop them."
        assert (each.message, each.hint) == ("The column 'a' has 3 NaN.", "Drop them.")
        assert (each.column, each.count, each.facts) == ("a", 3, {"column": "a", "count": 3})
    assert str(kind()) == kind.__doc__.splitlines()[0]


def test_warnings_are_warnings():
    assert issubclass(errors.DuplicateWarning, errors.AIQCWarning)
    assert issubclass(errors.ResultWarning, UserWarning)
