"""Rows: id or instance, times, stars, names, and what they look like."""

from __future__ import annotations

import inspect
import pickle  # noqa: TID251 - errors cross processes
import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from peewee import ForeignKeyField

from aiqc.core.errors import InvalidInput, RecordNotFound, WrongStore
from aiqc.orm._base import BaseModel, StoreModel
from aiqc.orm._by_id import by_id
from aiqc.orm._database import connect, disconnect, is_connected, proxy
from aiqc.orm._fields import BigInteger, JSONField, Text
from aiqc.orm._registry import extra_models, registry

with extra_models() as TABLES:

    class RowToy(BaseModel):
        version = BigInteger(null=True)
        settings = JSONField(null=True)

        @by_id
        def total(self, more: int, *, factor: int = 1) -> int:
            """Return a number that tells the row and the arguments."""
            return factor * (self.id * 100 + more)

        def _renamed(self, name: str) -> None:
            if name == "taken":
                msg = "taken"
                raise InvalidInput(msg)
            self.version = (self.version or 0) + 1

    class OtherToy(BaseModel):
        row = ForeignKeyField(RowToy, null=True, on_delete="CASCADE", backref="others")

    class AbstractToy(StoreModel):
        _abstract = True
        note = Text(null=True)

    class ConcreteToy(AbstractToy):
        pass


# --- id or instance --------------------------------------------------------------


def test_four_ways_to_call_are_one(any_store: Any) -> None:
    RowToy.create()
    row = RowToy.create()
    calls = [
        RowToy.total(row.id, 5, factor=2),
        RowToy.total(np.int64(row.id), 5, factor=2),
        RowToy.total(row, 5, factor=2),
        RowToy.total(id=row.id, more=5, factor=2),
        row.total(5, factor=2),
        row.total(more=5, factor=2),
    ]
    assert calls == [2 * (200 + 5)] * 6


def test_signatures_are_those_of_the_documentation() -> None:
    assert (
        str(inspect.signature(RowToy.total)) == "(id, more: 'int', *, factor: 'int' = 1) -> 'int'"
    )
    assert str(inspect.signature(RowToy().total)) == "(more: 'int', *, factor: 'int' = 1) -> 'int'"
    assert RowToy.total.__doc__ == "Return a number that tells the row and the arguments."
    assert RowToy.total.__name__ == RowToy().total.__name__ == "total"


@pytest.mark.parametrize("value", ["1", True, 1.0, None, [1], np.bool_(True), np.float64(1)])
def test_what_is_no_id_is_refused(store: Any, value: Any) -> None:
    RowToy.create()
    for call in (RowToy.of, RowToy.get_by_id, lambda id: RowToy.total(id, 1)):
        with pytest.raises(InvalidInput, match=re.escape(type(value).__name__)):
            call(value)


def test_row_of_another_table_is_refused(store: Any) -> None:
    with pytest.raises(InvalidInput, match=r"OtherToy.*RowToy"):
        RowToy.of(OtherToy.create())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ids", "asked", "nearest"),
    [([], 1, []), ([1], 2, [1]), ([1, 2, 5, 9, 12], 6, [2, 5, 9]), ([3, 4], -1, [3, 4]),
     ([1, 2], 2**80, [1, 2]), ([1, 2, 3, 4], 0, [1, 2, 3])],
)  # fmt: skip
def test_missing_id_names_the_nearest(
    any_store: Any, ids: list[int], asked: int, nearest: list[int]
) -> None:
    for id_ in ids:
        RowToy.insert(id=id_).execute()
    for call in (RowToy.of, RowToy.get_by_id, lambda id: RowToy.total(id, 1), RowToy.flip_star):
        with pytest.raises(RecordNotFound) as caught:
            call(asked)
        error: Any = caught.value
        assert (error.model, error.id, error.count, error.nearest) == (
            "RowToy", asked, len(ids), nearest,
        )  # fmt: skip
        assert f"RowToy {asked}" in str(error)
        assert all(str(id_) in error.hint for id_ in nearest)


def test_not_found_is_one_error_everywhere(store: Any) -> None:
    lookups = [
        lambda: RowToy.get(RowToy.id == 5),
        lambda: RowToy.get_by_id(5),
        lambda: RowToy[5],
        lambda: RowToy.select().get(),
    ]
    for lookup in lookups:
        with pytest.raises(RecordNotFound) as caught:
            lookup()
        with pytest.raises(RowToy.DoesNotExist):
            lookup()
        assert type(caught.value).__name__ == "RecordNotFound"
        copy = pickle.loads(pickle.dumps(caught.value))
        assert (type(copy), str(copy)) == (RecordNotFound, str(caught.value))
    assert 5 not in RowToy
    assert RowToy.get_or_none(RowToy.id == 5) is None


def test_a_row_that_points_to_a_deleted_one_is_refused(any_store: Any) -> None:
    kept, gone = RowToy.create(), RowToy.create()
    other = OtherToy.create(row=kept)
    RowToy.of(gone.id).delete_instance()
    for write in (
        lambda: OtherToy.create(row=gone),
        lambda: OtherToy(row=gone.id).save(),
        lambda: setattr(other, "row", gone) or other.save(),
    ):
        with pytest.raises(RecordNotFound, match=rf"RowToy {gone.id} has been deleted") as caught:
            write()
        assert type(caught.value).__name__ == "RecordNotFound"
        assert f"RowToy.of({gone.id})" in caught.value.hint
        assert caught.value.facts["used"] == {"RowToy": gone.id}
        copy = pickle.loads(pickle.dumps(caught.value))
        assert (type(copy), str(copy)) == (RecordNotFound, str(caught.value))
    assert OtherToy.select().count() == 1
    assert OtherToy.get().row == kept


def test_of_returns_the_row_it_is_given(store: Any) -> None:
    row = RowToy.create()
    assert RowToy.of(row) is row
    assert RowToy.of(row.id) is not row
    assert RowToy.of(row.id) == row


# --- fields and methods of spec/003 0 ------------------------------------------------


def test_times_are_shown_in_the_users_zone(
    any_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = RowToy.create()
    assert row.time_created == row.time_updated
    assert re.fullmatch(r"\d{4}[A-Z][a-z]{2}\d\d_\d\d:\d\d:\d\d", row.created_at())
    stored = row.time_created.replace(2022, 6, 23, 7, 13, 14, 999_999)
    RowToy.update(time_created=stored, time_updated=stored + timedelta(hours=1)).execute()
    monkeypatch.setenv("AIQC_TIMEZONE", "UTC")
    assert RowToy.created_at(row.id) == "2022Jun23_07:13:14"
    monkeypatch.setenv("AIQC_TIMEZONE", "Asia/Kolkata")
    assert RowToy.created_at(row.id) == "2022Jun23_12:43:14"
    assert RowToy.of(row.id).updated_at() == "2022Jun23_13:43:14"


def test_each_save_moves_time_updated(any_store: Any) -> None:
    row = RowToy.create()
    seen = [row.time_updated]
    for change in (
        row.save,
        row.flip_star,
        lambda: row.set_info("a"),
        lambda: row.save(only=["name"]),
    ):
        change()
        seen.append(RowToy.of(row.id).time_updated)
    assert seen == sorted(set(seen))
    assert RowToy.of(row.id).time_created == seen[0]


def test_star_is_flipped_in_the_store(any_store: Any) -> None:
    row = RowToy.create()
    stale = RowToy.of(row.id)
    assert row.is_starred is False
    assert row.flip_star() is row
    assert row.is_starred is True
    assert RowToy.flip_star(row.id).is_starred is False
    row.flip_star()
    assert stale.flip_star().is_starred is False
    assert RowToy.of(row.id).is_starred is False


def test_info_sets_what_is_given(any_store: Any) -> None:
    row = RowToy.create(name="first", description="old", version=1)
    assert row.set_info(description="new") is row
    found = RowToy.of(row.id)
    assert (found.name, found.description, found.version) == ("first", "new", 1)
    RowToy.set_info(row.id, "second")
    found = RowToy.of(row.id)
    assert (found.name, found.description, found.version) == ("second", "new", 2)
    found.set_info("second", "")
    assert (found.name, found.description, found.version) == ("second", "", 2)


@pytest.mark.parametrize(
    "info",
    [
        {"name": ""},
        {"name": "  "},
        {"name": 5},
        {"description": 1},
        {"name": "taken"},
        {"name": "a\0"},
    ],
)
def test_refused_info_changes_nothing(store: Any, info: dict[str, Any]) -> None:
    row = RowToy.create(name="first", description="old", version=1)
    with pytest.raises(InvalidInput):
        RowToy.set_info(row.id, **info)
    found = RowToy.of(row.id)
    assert (found.name, found.description, found.version) == ("first", "old", 1)


def test_save_writes_only_what_was_assigned(any_store: Any) -> None:
    row = RowToy.create(name="first", settings={"a": 1})
    stale = RowToy.of(row.id)
    row.settings = {"a": 2}
    row.save()
    stale.description = "mine"
    stale.save()
    found = RowToy.of(row.id)
    assert (found.settings, found.description) == ({"a": 2}, "mine")


# --- repr --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"id": 3, "name": "sonar", "version": 2}, "<RowToy 3 'sonar' v2>"),
        ({"id": 3}, "<RowToy 3>"),
        ({"name": "it's"}, '<RowToy unsaved "it\'s">'),
        ({"id": 3, "version": 7}, "<RowToy 3 v7>"),
        ({"id": 1, "name": "a\nb"}, "<RowToy 1 'a\\nb'>"),
    ],
)
def test_repr_is_short(values: dict[str, Any], expected: str) -> None:
    row = RowToy(**values)
    assert (repr(row), str(row)) == (expected, expected)
    assert not is_connected()


def test_repr_of_a_long_name_fits_a_line() -> None:
    text = repr(RowToy(id=123456, name="n" * 500, version=12))
    assert len(text) <= 79
    assert text.startswith("<RowToy 123456 'nnn")
    assert text.endswith("...' v12>")
    assert repr(ConcreteToy()) == "<ConcreteToy unsaved>"


def test_html_escapes_what_users_wrote(store: Any) -> None:
    row = RowToy.create(name="<script>alert(1)</script>", description="<img src=x> & co")
    text = row._repr_html_()
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;img src=x&gt; &amp; co" in text


def test_repr_asks_nothing_of_the_store(store: Any) -> None:
    row = OtherToy.create(row=RowToy.create())
    row = OtherToy.of(row.id)
    queries: list[str] = []
    proxy.obj.query_hooks.append(lambda event: queries.append(event.sql))
    repr(row), row._repr_html_()
    assert queries == []


# --- the registry, and relations across stores ------------------------------------------------


def test_concrete_models_register_in_order() -> None:
    assert [model.__name__ for model in TABLES] == ["RowToy", "OtherToy", "ConcreteToy"]
    assert not set(TABLES) & set(registry())
    names = [model.__name__ for model in registry()]
    assert names[:3] == ["Schema", "Blob", "BlobChunk"]
    assert len(names) == len(set(names))
    with extra_models(TABLES):
        assert list(registry()[-3:]) == TABLES


def test_relations_are_followed_only_in_their_own_store(tmp_path: Any) -> None:
    with extra_models(TABLES):
        connect(tmp_path / "a")
        parent = RowToy.create(name="a")
        child = OtherToy.of(OtherToy.create(row=parent).id)
        cached = OtherToy.create(row=parent)
        connect(tmp_path / "b")
        OtherToy.create(row=RowToy.create(name="b"))
        for follow in (lambda: child.row, lambda: list(parent.others)):
            with pytest.raises(WrongStore):
                follow()
        assert child.row_id == parent.id
        assert cached.row.name == "a"  # fetched before
        connect(tmp_path / "a")
        assert (child.row.name, list(parent.others)) == ("a", [child, cached])
        disconnect()
