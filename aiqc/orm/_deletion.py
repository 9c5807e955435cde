"""Deleting a row with the parts it owns, and refusing to pull it from under its users."""

from __future__ import annotations

import operator
from functools import reduce
from itertools import islice
from typing import TYPE_CHECKING, Any

from peewee import IntegrityError, Model

from aiqc.core.errors import RecordInUse
from aiqc.orm._proxy import transaction
from aiqc.orm._registry import registry, row_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from peewee import ForeignKeyField

#: ids in one statement; SQLite's older builds allow 999 parameters
BATCH = 500
#: the same for a key of several columns: SQLite's parser nests as many conditions
BATCH_OF_KEYS = 40
#: users that an error names before it counts the rest
NAMED = 10

Closure = dict[type[Model], set[Any]]


def delete_row(row: Model, recursive: bool) -> int:
    """Delete a row and what belongs to it; return the number of rows removed.

    A foreign key with `on_delete="CASCADE"` makes its row a part of what it points to, one with
    "SET NULL" lets go of it, any other makes it a user.

    Parameters
    ----------
    row
        A stored row.
    recursive
        Whether users, and users of users, are deleted too.

    Raises
    ------
    RecordInUse
        If something outside the tree uses a row inside it; names the users.
    """
    with transaction():
        closure = _closure(row, recursive)
        if not recursive:
            _refuse_users(row, closure)
        try:
            return _delete(closure)
        except IntegrityError as error:  # a user that appeared since we looked; servers only
            msg = f"{_name(type(row), row_id(row))} came into use while it was deleted."
            raise RecordInUse(msg, hint="Try again.", users=[]) from error


def _keys_to(model: type[Model]) -> list[ForeignKeyField[Any]]:
    """Return the foreign keys that point to a model, from tables of this store."""
    tables = registry()
    return [key for key, source in model._meta.backrefs.items() if source in tables]


def _is(key: ForeignKeyField[Any], action: str) -> bool:
    return (key.on_delete or "").upper() == action


def _closure(row: Model, recursive: bool) -> Closure:
    """Return the ids of the row and all that goes with it, by model."""
    closure: Closure = {type(row): {row_id(row)}}
    todo: list[tuple[type[Model], set[Any]]] = [(type(row), {row_id(row)})]
    while todo:
        model, ids = todo.pop()
        for key in _keys_to(model):
            if _is(key, "SET NULL") or not (recursive or _is(key, "CASCADE")):
                continue
            known = closure.setdefault(key.model, set())
            new = set(_pointing(key, ids)) - known
            if new:
                known |= new
                todo.append((key.model, new))
    return closure


def _pointing(key: ForeignKeyField[Any], ids: Iterable[Any]) -> Iterator[Any]:
    """Yield the ids of the rows whose key points to one of the ids."""
    model = key.model
    columns = _key_columns(model)
    for batch in _batches(ids):
        rows: Any = model.select(*columns).where(key.in_(batch)).tuples()
        for own in rows:
            yield own if len(columns) > 1 else own[0]


def _refuse_users(row: Model, closure: Closure) -> None:
    """Raise if a row outside the closure points into it and would be left dangling."""
    users: dict[tuple[type[Model], Any], None] = {}
    for model, ids in closure.items():
        for key in _keys_to(model):
            if _is(key, "SET NULL"):
                continue
            inside = closure.get(key.model, set())
            users |= {(key.model, own): None for own in _pointing(key, ids) if own not in inside}
    if not users:
        return
    names = [_name(model, own) for model, own in sorted(users, key=_order)]
    rest = f"; {len(names) - NAMED} more" if len(names) > NAMED else ""
    msg = f"{_name(type(row), row_id(row))} is used by {', '.join(names[:NAMED])}{rest}."
    hint = "Delete those first, or the whole tree with delete_instance(recursive=True)."
    raise RecordInUse(msg, hint=hint, users=names)


def _delete(closure: Closure) -> int:
    """Delete the closure, children first; return the number of rows."""
    tables = [model for model, ids in closure.items() if ids]
    keys = [key for model in tables for key in _keys_to(model) if key.model in tables]
    for key in list(keys):
        if key.null and _reaches(key.model, key.rel_model, keys):
            _empty(key, closure)
            # by identity: peewee's == makes an expression, which is always true
            keys = [other for other in keys if other is not key]
    removed = 0
    for model in _children_first(tables, keys):
        for batch in _batches(closure[model], _batch_size(model)):
            removed += int(model.delete().where(_among(model, batch)).execute())
    return removed


def _empty(key: ForeignKeyField[Any], closure: Closure) -> None:
    """Empty a nullable key that closes a circle, so that an order of deletion exists."""
    for batch in _batches(closure[key.model], _batch_size(key.model)):
        key.model.update({key: None}).where(_among(key.model, batch)).execute()


def _reaches(start: type[Model], goal: type[Model], keys: list[ForeignKeyField[Any]]) -> bool:
    """Return whether `goal` is `start`, or points to it at some distance."""
    seen: set[type[Model]] = set()
    todo = [start]
    while todo:
        model = todo.pop()
        if model is goal:
            return True
        if model not in seen:
            seen.add(model)
            todo.extend(key.model for key in keys if key.rel_model is model)
    return False


def _children_first(
    tables: list[type[Model]], keys: list[ForeignKeyField[Any]]
) -> list[type[Model]]:
    """Return the models so that each comes after those that point to it."""
    ordered: list[type[Model]] = []

    def visit(model: type[Model], path: frozenset[type[Model]]) -> None:
        if model in ordered or model in path:
            return
        for key in keys:
            if key.rel_model is model:
                visit(key.model, path | {model})
        ordered.append(model)

    for model in tables:
        visit(model, frozenset())
    return ordered


def _among(model: type[Model], ids: list[Any]) -> Any:
    """Return the condition that a row is one of the ids."""
    columns = _key_columns(model)
    if len(columns) == 1:
        return columns[0].in_(ids)
    rows = [
        reduce(operator.and_, (column == part for column, part in zip(columns, own, strict=True)))
        for own in ids
    ]
    return reduce(operator.or_, rows)


def _key_columns(model: type[Model]) -> list[Any]:
    """Return the fields of the primary key."""
    key: Any = model._meta.primary_key
    if not model._meta.composite_key:
        return [key]
    return [model._meta.fields[name] for name in key.field_names]


def _batch_size(model: type[Model]) -> int:
    return BATCH_OF_KEYS if model._meta.composite_key else BATCH


def _batches(ids: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    rest = iter(ids)
    while batch := list(islice(rest, size)):
        yield batch


def _name(model: type[Model], own: Any) -> str:
    return f"{model.__name__} {own}"


def _order(user: tuple[type[Model], Any]) -> tuple[int, Any]:
    model, own = user
    return registry().index(model), own
