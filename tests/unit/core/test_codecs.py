"""JSON, npy and packed arrays: every value comes back equal in type and bits."""

from __future__ import annotations

import json
import math
from enum import StrEnum

import numpy as np
import pytest

from aiqc.core.codecs import from_json, from_npy, pack_arrays, to_json, to_npy, unpack_arrays
from aiqc.core.errors import CorruptBlob, InvalidInput


class Word(StrEnum):
    A = "a"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (0.1 + 0.2, 0.30000000000000004),
        (5e-324, 5e-324),
        (float("inf"), float("inf")),
        ({"a": (1, [2.0, (None,)])}, {"a": (1, [2.0, (None,)])}),
        ({}, {}),
        ((), ()),
        ("naïve 💡\n\u2028", "naïve 💡\n\u2028"),
        (Word.A, "a"),
        (np.float32(0.5), 0.5),
        (np.int8(-3), -3),
        (np.bool_(True), True),
        ({"b": 1, "a": 2}, {"b": 1, "a": 2}),
    ],
)
def test_json(value, expected):
    result = from_json(to_json(value))
    assert result == expected
    assert type(result) is type(expected)
    assert repr(result) == repr(expected)


def test_json_nan_and_zeros():
    nan, zero = from_json(to_json([float("nan"), -0.0]))
    assert math.isnan(nan)
    assert math.copysign(1, zero) == -1


def test_json_is_standard():
    text = to_json({"loss": float("nan"), "t": (1,), "a": np.array([1.0, np.inf])})
    json.loads(text, parse_constant=lambda name: pytest.fail(f"bare {name}"))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.array([[np.nan, -np.inf], [0.1, -0.0]], dtype=np.float32),
        np.array([True, False]),
        np.array(5.0),
        np.zeros((0, 3), dtype=np.uint16),
        np.array([2**64 - 1], dtype=np.uint64),
        np.arange(3, dtype=">i4"),
    ],
)
def test_json_array(array):
    result = from_json(to_json({"array": array}))["array"]
    assert (result.dtype, result.shape) == (array.dtype, array.shape)
    assert result.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1: "a"}, "key 1 of type int"),
        ({"__aiqc__": 1}, "key '__aiqc__'"),
        ([object()], "of type object has no JSON form"),
        (b"x", "of type bytes"),
        ({1, 2}, "of type set"),
        (1j, "of type complex"),
        (np.array(["a"], dtype=object), "of type ndarray"),
        ("\ud800", "surrogate"),
    ],
)
def test_json_refuses(value, text):
    with pytest.raises(InvalidInput, match=text):
        to_json(value)


@pytest.mark.parametrize("text", ["", "{", '{"__aiqc__":"array"}', '{"__aiqc__":"float"}'])
def test_json_damaged(text):
    with pytest.raises(CorruptBlob, match=f"{len(text)} characters"):
        from_json(text)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(["a", "éé"]),
        np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]"),
        np.zeros((0, 4)),
        np.array(1.5),
    ],
)
def test_npy(array):
    result = from_npy(to_npy(array))
    assert (result.dtype, result.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(result, array)


def test_npy_refuses_objects():
    with pytest.raises(InvalidInput, match="dtype object"):
        to_npy(np.array([{}], dtype=object))


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_nothing_is_unpickled():
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(CorruptBlob):
        from_npy(buffer.getvalue())
    buffer = io.BytesIO()
    np.savez(buffer, **{"a:x": np.array([Bomb()], dtype=object)})
    with pytest.raises(CorruptBlob):
        unpack_arrays(buffer.getvalue())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04rubbish", b"\x93NUMPY", b"x" * 300])
def test_damaged_arrays(data):
    for read in (from_npy, unpack_arrays):
        with pytest.raises(CorruptBlob, match=f"{len(data)} bytes are not"):
            read(data)


def test_damage_inside_a_pack():
    data = pack_arrays({"x": np.arange(50.0), "t": np.array(["a", "b"])})
    for cut in (len(data) // 2, len(data) - 3):
        with pytest.raises(CorruptBlob):
            unpack_arrays(data[:cut])
    with pytest.raises(CorruptBlob):
        unpack_arrays(to_npy(np.arange(3)))


def test_pack_keeps_names_order_dtypes_and_values():
    arrays = {
        "z": np.arange(3, dtype=np.int16),
        "a:b/c": np.array([[1.5, np.nan]]),
        "scalar": np.array(2.0, dtype=np.float32),
        "empty": np.zeros((2, 0)),
        "text": np.array([["x", "longer"], ["x", ""]]),
        "no text": np.array([], dtype="<U4"),
        "dates": np.array(["2020-01-01"], dtype="datetime64[us]"),
        "file": np.array([True]),
    }
    result = unpack_arrays(pack_arrays(arrays))
    assert list(result) == list(arrays)
    for name, array in arrays.items():
        assert (result[name].dtype, result[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(result[name], array)


def test_pack_keeps_each_object():
    values = ["1", 1, 1.0, True, None, 0.0, -0.0, False, 0, "", float("inf"), "None", "é"]
    array = np.array(values, dtype=object)
    result = unpack_arrays(pack_arrays({"x": array}))["x"]
    assert [repr(value) for value in result] == [repr(value) for value in values]


def test_pack_stores_nan_once_and_many_categories():
    nans = np.array([float("nan") for _ in range(400)], dtype=object)
    assert b'"values":[{"__aiqc__":"float","value":"nan"}]' in pack_arrays({"x": nans})
    many = np.array([str(number) for number in range(300)], dtype=object)
    assert unpack_arrays(pack_arrays({"x": many}))["x"].tolist() == many.tolist()


@pytest.mark.parametrize("value", [[1], (1, 2), b"x", {}, 1j])
def test_pack_refuses_other_objects(value):
    array = np.empty(1, dtype=object)
    array[0] = value
    with pytest.raises(InvalidInput, match=rf"'x' holds .* of type {type(value).__name__}"):
        pack_arrays({"x": array})
