"""Every column type keeps hard values exactly, or refuses them alike, on every database."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from peewee import SQL, IntegrityError

from aiqc.core.enums import RunState
from aiqc.core.errors import CorruptBlob, InvalidInput, StoreError
from aiqc.orm._base import BaseModel, StoreModel
from aiqc.orm._database import proxy, transaction
from aiqc.orm._fields import (
    ArrayField,
    BigInteger,
    BlobBytes,
    Boolean,
    Digest,
    Double,
    EnumField,
    Id,
    IndexField,
    IndexMapField,
    JSONField,
    LongText,
    Name,
    Text,
    UTCDateTime,
)
from aiqc.orm._registry import extra_models

with extra_models() as TABLES:

    class FieldToy(BaseModel):
        structure = JSONField(null=True)
        blob = BlobBytes(null=True)
        long_text = LongText(null=True)
        text = Text(null=True)
        label = Name(null=True)
        digest = Digest(null=True)
        number = BigInteger(null=True)
        moment = UTCDateTime(null=True)
        state = EnumField(RunState, null=True)
        measure = Double(null=True)
        flag = Boolean(null=True)
        array = ArrayField(null=True)
        indices = IndexField(null=True)
        samples = IndexMapField(null=True)

    class UniqueToy(StoreModel):
        id = Id()
        label = Name(unique=True)


def stored(**values: Any) -> FieldToy:
    """Return the row as a later process would read it."""
    return FieldToy.get(FieldToy.id == FieldToy.create(**values).id)


TEXTS = {
    "empty": "",
    "spaces": "  both ends  ",
    "unicode": "naïve Ελλάδα 日本語",
    "emoji": "🧪🇪🇺👩‍🔬",
    "quotes": 'it\'s "quoted" `back` \\ % %s ? :x {} --',
    "lines": "a\r\nb\n\tc\x01\x7f",
    "long": "é" * 100_000,
    "number": "007",
}


def test_text_survives(any_store: Any) -> None:
    for value in TEXTS.values():
        row = stored(text=value, long_text=value)
        assert (row.text, row.long_text) == (value, value)


JSON_VALUES = {
    "nan": {"loss": [1.5, math.nan, math.inf, -math.inf]},
    "nul": {"a\0b": "c\0"},
    "nested": {"a": [1, {"b": None, "c": [True, False]}], "": ""},
    "tuple": (1, (2, "x"), []),
    "big": [2**70, -(2**63), 0.1, 1e-320, -0.0],
    "text": "just text 🧪",
    "zero": 0,
    "false": False,
    "empty": [],
}


def test_json_survives(any_store: Any) -> None:
    for value in JSON_VALUES.values():
        found = stored(structure=value).structure
        assert repr(found) == repr(value)  # repr tells nan, -0.0, 1 and True apart


def test_none_is_null_for_every_field(any_store: Any) -> None:
    row = stored()
    names = [name for name, field in FieldToy._meta.fields.items() if field.null]
    assert [getattr(row, name) for name in names] == [None] * len(names)
    assert FieldToy.select().where(FieldToy.structure.is_null()).count() == 1


def refused(field: str, *values: Any) -> None:
    """Check that each value is refused by name, and that nothing is written."""
    for value in values:
        with pytest.raises(InvalidInput, match=rf"FieldToy\.{field}\b") as caught:
            FieldToy.create(**{field: value})
        assert caught.value.hint
    assert FieldToy.select().count() == 0


@pytest.mark.parametrize("field", ["text", "long_text", "label"])
def test_text_that_not_every_database_holds_is_refused(any_store: Any, field: str) -> None:
    refused(field, "a\0b", "\ud800", 5, b"bytes")


def test_text_is_compared_by_bytes(any_store: Any) -> None:
    for value in ["Abc", "abc", "abc ", "ábc", "ABC"]:
        UniqueToy.create(label=value)
        FieldToy.create(text=value)
    assert [row.label for row in UniqueToy.select().where(UniqueToy.label == "abc")] == ["abc"]
    assert [row.text for row in FieldToy.select().where(FieldToy.text == "abc")] == ["abc"]
    ordered = [row.text for row in FieldToy.select().order_by(FieldToy.text)]
    assert ordered == ["ABC", "Abc", "abc", "abc ", "ábc"]
    with pytest.raises(IntegrityError):
        UniqueToy.create(label="abc")


def test_name_of_255_characters_fits_and_256_are_refused(any_store: Any) -> None:
    assert stored(label="é" * 255).label == "é" * 255
    with pytest.raises(InvalidInput, match="255"):
        FieldToy.create(label="é" * 256)


INTEGERS = [0, -1, 3_000_000_000, 2**63 - 1, -(2**63), np.int64(7), np.uint8(255), True]


def test_integers_survive(any_store: Any) -> None:
    for value in INTEGERS:
        found = stored(number=value).number
        assert (found, type(found)) == (int(value), int)
        assert FieldToy.select().where(FieldToy.number == value).count() == 1


def test_other_numbers_are_refused(any_store: Any) -> None:
    refused("number", 2**63, -(2**63) - 1, 1.0, "1", np.float64(2))


def test_floats_survive_to_the_last_bit(any_store: Any) -> None:
    for value in [0.0, 0.1, 1e308, 5e-324, 2**53 + 1, np.float32(0.1), 1 / 3, -1e-7]:
        assert repr(stored(measure=value).measure) == repr(float(value))


def test_floats_without_a_portable_form_are_refused(any_store: Any) -> None:
    refused("measure", math.nan, math.inf, -math.inf, "1.0", np.float64("nan"))


def test_bytes_survive(any_store: Any) -> None:
    for value in [b"", bytes(range(256)), b"\0" * 1_000_000, b"\xff\xfe'\\%s"]:
        assert stored(blob=value).blob == value
        assert stored(blob=memoryview(value)).blob == value


def test_text_is_not_bytes(any_store: Any) -> None:
    refused("blob", "text")


PLAIN = datetime(2026, 6, 23, 7, 13, 14, 123456)  # noqa: DTZ001
INDIA = timedelta(hours=5, minutes=30)
MOMENTS = {
    "microseconds": (PLAIN, PLAIN),
    "whole": (PLAIN.replace(microsecond=0), PLAIN.replace(microsecond=0)),
    "utc": (PLAIN.replace(tzinfo=UTC), PLAIN),
    "east": (PLAIN.replace(tzinfo=timezone(INDIA)), PLAIN - INDIA),
    "old": (datetime(1970, 1, 1), datetime(1970, 1, 1)),  # noqa: DTZ001
    "summer": (datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 2, 30)),  # noqa: DTZ001
}


def test_moments_are_naive_utc(any_store: Any) -> None:
    for value, expected in MOMENTS.values():
        row = stored(moment=value)
        assert row.moment == expected
        assert row.moment.tzinfo is None
        assert row in list(FieldToy.select().where(FieldToy.moment == value))


def test_moments_sort_and_compare_as_time(any_store: Any) -> None:
    steps = [timedelta(0), timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=300)]
    whole = PLAIN.replace(microsecond=0)
    for step in reversed(steps):
        FieldToy.create(moment=whole + step)
    rows = FieldToy.select(FieldToy.moment).order_by(FieldToy.moment)
    assert [row.moment - whole for row in rows] == steps
    assert FieldToy.select().where(FieldToy.moment <= whole).count() == 1


def test_what_is_no_moment_is_refused(any_store: Any) -> None:
    refused("moment", "2026-06-23", PLAIN.date(), 5)


def test_enum_members_survive_and_others_are_refused(any_store: Any) -> None:
    assert stored(state=RunState.TIMED_OUT).state is RunState.TIMED_OUT
    assert stored(state="failed").state is RunState.FAILED
    assert FieldToy.select().where(FieldToy.state == RunState.FAILED).count() == 1
    with pytest.raises(InvalidInput, match="'done' is no RunState"):
        FieldToy.create(state="done")
    with transaction():
        row = FieldToy.create(state="failed")
        table = FieldToy._meta.table_name
        proxy.execute_sql(f"UPDATE {table} SET state = 'later' WHERE id = {row.id}")
    with pytest.raises(StoreError, match="'later'"):
        FieldToy.of(row.id)


def test_flags_are_bools(any_store: Any) -> None:
    for value in [True, False, np.bool_(True)]:
        assert stored(flag=value).flag is bool(value)


def test_digest_survives(any_store: Any) -> None:
    for value in ["a" * 64, "0123456789abcdef" * 4]:
        assert stored(digest=value).digest == value


def test_what_is_no_digest_is_refused(any_store: Any) -> None:
    refused("digest", "a" * 63, "A" * 64, "g" * 64, "")


ARRAYS = {
    "nan": np.array([[1.0, np.nan], [np.inf, -0.0]]),
    "empty": np.empty((0, 3), dtype=np.float32),
    "scalar": np.array(5),
    "text": np.array(["a", "日本", ""]),
    "bool": np.array([True, False]),
    "big": np.arange(300_000, dtype=np.float64),
    "uint64": np.array([2**64 - 1], dtype=np.uint64),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "moment": np.array(["2026-06-23"], dtype="datetime64[D]"),
}


def test_arrays_survive_with_dtype_and_shape(any_store: Any) -> None:
    for value in ARRAYS.values():
        found = stored(array=value).array
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert found.tobytes() == value.tobytes()


def test_array_of_objects_is_refused(any_store: Any) -> None:
    refused("array", np.array([object()]))


INDICES = {
    "empty": [],
    "zero": [0],
    "mixed": [3, 1, 2, 2, -5],
    "wide": [-(2**63), 2**63 - 1],
    "byte": [255, 256],
    "signed": [-1, 255],
    "long": list(range(200_000)),
}


def test_index_lists_survive(any_store: Any) -> None:
    for value in INDICES.values():
        for given in (value, tuple(value), np.array(value, dtype=np.int64)):
            found = stored(indices=given).indices
            assert found == value
            assert all(type(index) is int for index in found)


def test_what_is_no_index_list_is_refused(any_store: Any) -> None:
    refused("indices", [1.5], [[1, 2]], ["a"], [True], [2**70])


def test_index_maps_survive_in_order(any_store: Any) -> None:
    value = {"train": [5, 0, 300], "validation": [], "test": np.array([2, 1])}
    found = stored(samples=value).samples
    assert list(found.items()) == [("train", [5, 0, 300]), ("validation", []), ("test", [2, 1])]
    assert stored(samples={}).samples == {}
    with pytest.raises(InvalidInput, match=r"under .test."):
        FieldToy.create(samples={"train": [1], "test": [0.5]})
    with pytest.raises(InvalidInput, match="text keys"):
        FieldToy.create(samples={1: [1]})


def test_damaged_array_is_named(any_store: Any) -> None:
    row = FieldToy.create(array=np.arange(3), indices=[1], samples={"a": [1]})
    for field in (FieldToy.array, FieldToy.indices, FieldToy.samples):
        FieldToy.update({field: SQL(proxy.obj.param, [b"junk"])}).execute()
        with pytest.raises(CorruptBlob, match=rf"FieldToy\.{field.name} .*backup"):
            FieldToy.of(row.id)
        FieldToy.update({field: None}).execute()


def test_ids_are_not_given_twice(any_store: Any) -> None:
    first = FieldToy.create()
    first.delete_instance()
    assert FieldToy.create().id > first.id


def test_an_update_counts_the_rows_that_match(any_store: Any) -> None:
    row = FieldToy.create(number=1)
    same = FieldToy.update({FieldToy.number: 1}).where(FieldToy.id == row.id)
    assert (same.execute(), same.execute()) == (1, 1)
    assert FieldToy.update({FieldToy.number: 1}).where(FieldToy.id == 99).execute() == 0
    FieldToy.update({FieldToy.number: FieldToy.number + 41}).execute()
    assert FieldToy.of(row.id).number == 42
