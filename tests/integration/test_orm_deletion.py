"""Deletion takes what a row owns, refuses what others use, and leaves nothing dangling."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import CompositeKey, ForeignKeyField, IntegrityError

from aiqc.core.errors import RecordInUse, RecordNotFound
from aiqc.orm._base import BaseModel, StoreModel
from aiqc.orm._database import transaction
from aiqc.orm._fields import BigInteger, CircularKey
from aiqc.orm._registry import extra_models
from aiqc.orm._schema import circular_key

with extra_models() as TABLES:

    class SetToy(BaseModel):
        """Uses a forecaster; a forecaster owns it."""

        maker = CircularKey("MakerToy", on_delete="CASCADE", backref="sets")

    class PartToy(BaseModel):
        owner = ForeignKeyField(SetToy, on_delete="CASCADE", backref="parts")

    class PieceToy(StoreModel):
        part = ForeignKeyField(PartToy, on_delete="CASCADE", backref="pieces", index=False)
        idx = BigInteger()

        class Meta:
            primary_key = CompositeKey("part", "idx")

    class LineToy(BaseModel):
        used = ForeignKeyField(SetToy, on_delete="RESTRICT", backref="lines")

    class TaskToy(BaseModel):
        line = ForeignKeyField(LineToy, on_delete="CASCADE", backref="tasks")
        part = ForeignKeyField(PartToy, null=True, on_delete="RESTRICT", backref="+")

    class MakerToy(BaseModel):
        task = ForeignKeyField(TaskToy, on_delete="CASCADE", backref="makers")

    class NoteToy(BaseModel):
        about = ForeignKeyField(SetToy, null=True, on_delete="SET NULL", backref="notes")

    class ChainToy(BaseModel):
        """Points to its own kind, and by a late key to the next table."""

        before = ForeignKeyField("self", null=True, on_delete="RESTRICT", backref="after")

    circular_key(ChainToy, "head", "HeadToy", on_delete="RESTRICT", backref="chains")

    class HeadToy(BaseModel):
        chain = ForeignKeyField(ChainToy, null=True, on_delete="RESTRICT", backref="heads")


def counts() -> dict[str, int]:
    found = {model.__name__.removesuffix("Toy"): model.select().count() for model in TABLES}
    return {name: count for name, count in found.items() if count}


def study(parts: int = 2) -> tuple[SetToy, LineToy]:
    """A set with parts and pieces; a line on it, with tasks, makers and a set that one made."""
    origin = SetToy.create()
    made = [PartToy.create(owner=origin) for _ in range(parts)]
    for part in made:
        for idx in range(2):
            PieceToy.insert(part=part, idx=idx).execute()
    line = LineToy.create(used=origin)
    makers = [MakerToy.create(task=TaskToy.create(line=line, part=part)) for part in made]
    SetToy.create(maker=makers[0])
    return origin, line


def test_parts_go_with_their_owner(any_store: Any) -> None:
    study()
    alone = SetToy.create()
    PieceToy.insert(part=PartToy.create(owner=alone), idx=0).execute()
    before = counts()
    assert alone.delete_instance() == 3
    assert counts() == {**before, "Set": 2, "Part": 2, "Piece": 4}


def test_a_used_row_is_refused_with_the_users_named(any_store: Any) -> None:
    origin, line = study()
    before = counts()
    with pytest.raises(RecordInUse) as caught:
        origin.delete_instance()
    text = str(caught.value)
    assert f"SetToy {origin.id} is used by LineToy {line.id}, TaskToy 1, TaskToy 2." in text
    assert "recursive=True" in text
    assert caught.value.users == [f"LineToy {line.id}", "TaskToy 1", "TaskToy 2"]
    assert counts() == before


def test_many_users_are_counted(any_store: Any) -> None:
    origin = SetToy.create()
    for _ in range(12):
        LineToy.create(used=origin)
    with pytest.raises(RecordInUse, match=r"LineToy 1, .*LineToy 10; 2 more\."):
        origin.delete_instance()


def test_owner_of_a_circle_goes_with_all_it_owns(any_store: Any) -> None:
    origin, line = study()
    # two tasks, two makers, and the set that one of them made
    assert line.delete_instance() == 1 + 2 + 2 + 1
    assert counts() == {"Set": 1, "Part": 2, "Piece": 4}
    assert origin.delete_instance() == 7
    assert counts() == {}


def test_recursive_takes_users_of_users_around_the_circle(any_store: Any) -> None:
    origin, _ = study(parts=3)
    made = SetToy.get(SetToy.maker.is_null(False))
    LineToy.create(used=made)
    bystander = SetToy.create()
    note = NoteToy.create(about=origin)
    total = sum(counts().values())
    assert origin.delete_instance(recursive=True) == total - 2
    assert counts() == {"Set": 1, "Note": 1}
    assert SetToy.of(bystander.id) == bystander
    assert NoteToy.of(note.id).about_id is None


def test_circle_is_deleted_from_each_of_its_members(any_store: Any) -> None:
    for start in (SetToy, LineToy, TaskToy, MakerToy):
        origin, line = study(parts=1)
        made = SetToy.get(SetToy.maker.is_null(False))
        SetToy.update(maker=made.maker_id).where(SetToy.id == origin.id).execute()
        members = {SetToy: origin, LineToy: line}
        row = members.get(start) or start.select().get()
        total = sum(counts().values())
        assert row.delete_instance(recursive=True) == total
        assert counts() == {}


def test_rows_of_one_table_that_use_each_other(any_store: Any) -> None:
    first = ChainToy.create()
    second = ChainToy.create(before=first)
    third = ChainToy.create(before=second)
    with pytest.raises(RecordInUse, match=f"is used by ChainToy {second.id}\\."):
        first.delete_instance()
    assert third.delete_instance() == 1
    first.before = second
    first.save()
    assert second.delete_instance(recursive=True) == 2
    assert counts() == {}


def test_two_nullable_keys_in_a_circle(any_store: Any) -> None:
    chain = ChainToy.create()
    head = HeadToy.create(chain=chain)
    chain.head = head
    chain.save()
    assert (ChainToy.of(chain.id).head, list(head.chains)) == (head, [chain])
    with pytest.raises(RecordInUse):
        head.delete_instance()
    assert head.delete_instance(recursive=True) == 2
    assert counts() == {}


def test_large_trees(any_store: Any) -> None:
    origin = SetToy.create()
    with transaction():
        parts = [PartToy.create(owner=origin) for _ in range(450)]
        rows = [(part.id, idx) for part in parts for idx in range(2)]
        PieceToy.insert_many(rows, fields=[PieceToy.part, PieceToy.idx]).execute()
    assert origin.delete_instance() == 1 + 450 + 900
    assert counts() == {}


def test_deleted_row_is_not_found_again(any_store: Any) -> None:
    row = SetToy.create()
    assert SetToy.delete_by_id(row.id) == 1
    with pytest.raises(RecordNotFound):
        row.delete_instance()
    with pytest.raises(RecordNotFound):
        row.save()
    with pytest.raises(RecordNotFound):
        SetToy.delete_by_id(row.id)


@pytest.mark.parametrize(
    ("model", "field"),
    [(PartToy, "owner"), (SetToy, "maker"), (ChainToy, "head"), (LineToy, "used")],
)
def test_keys_are_real_on_every_database(any_store: Any, model: Any, field: str) -> None:
    with pytest.raises(IntegrityError):
        model.create(**{field: 12345})
    assert counts() == {}


def test_database_itself_cascades_and_refuses(any_store: Any) -> None:
    origin, line = study()
    with pytest.raises(IntegrityError):
        SetToy.delete().where(SetToy.id == origin.id).execute()
    MakerToy.delete().where(MakerToy.id == 1).execute()
    assert counts()["Set"] == 1  # the set that the maker owned is gone
    LineToy.delete().where(LineToy.id == line.id).execute()
    assert counts() == {"Set": 1, "Part": 2, "Piece": 4}


def test_failure_in_the_middle_deletes_nothing(
    any_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, _ = study()
    before = counts()

    def fail() -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(LineToy, "delete", fail)
    with pytest.raises(KeyboardInterrupt):
        origin.delete_instance(recursive=True)
    monkeypatch.undo()
    assert counts() == before
