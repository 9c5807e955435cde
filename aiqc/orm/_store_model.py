"""The base of every table: rows that know which store they came from."""

from __future__ import annotations

import operator
from typing import Any, ClassVar, Self

import peewee

from aiqc.core.errors import InvalidInput, RecordNotFound, WrongStore
from aiqc.orm._deletion import delete_row
from aiqc.orm._proxy import Metastore, current, live, proxy
from aiqc.orm._registry import register, row_id
from aiqc.orm._relations import guard_relations

#: ids that "not found" names
NEAREST = 3
#: characters of a wrong id that are shown
_SHOWN = 80


class _NotFound(RecordNotFound):
    """A `RecordNotFound` that is an error of peewee too, and the plain one elsewhere."""

    def __reduce__(self) -> tuple[Any, ...]:
        # each model has a class of its own, which another process cannot import by name
        return _restore_not_found, (self.message, self.hint, self.facts)


class RowNotFound(_NotFound, peewee.DoesNotExist):
    """There is no such row; peewee's own queries raise it too."""


class UsedRowNotFound(_NotFound, peewee.IntegrityError):
    """A row that another one points to has been deleted; users see a `RecordNotFound`."""


UsedRowNotFound.__name__ = UsedRowNotFound.__qualname__ = RecordNotFound.__name__
UsedRowNotFound.__module__ = RecordNotFound.__module__


def _restore_not_found(message: str, hint: str, facts: dict[str, Any]) -> RecordNotFound:
    return RecordNotFound(message, hint=hint, **facts)


class StoreModel(peewee.Model):
    """A table of the metastore; its rows remember which store they came from.

    A subclass is registered as a table when it is defined, unless its own body says
    `_abstract = True`. `save` writes the attributes that were assigned since the row was read,
    so another process's change to a different column survives; a list or dict that was changed
    in place must be assigned again.
    """

    _abstract: ClassVar[bool] = True
    DoesNotExist: ClassVar[type[RecordNotFound]]
    _store: Metastore | None

    class Meta:
        """Options that every table inherits."""

        database = proxy
        legacy_table_names = False
        only_save_dirty = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._store = live()
        super().__init__(*args, **kwargs)

    @classmethod
    def validate_model(cls) -> None:
        """Register the table; peewee calls this at the end of the class's definition."""
        if getattr(vars(cls).get("__repr__"), "__module__", "") == "peewee":
            del cls.__repr__  # peewee gives every class one of its own
        guard_relations(cls)
        # the name and module that a reader of a traceback knows
        names = {"__module__": RecordNotFound.__module__, "__doc__": RecordNotFound.__doc__}
        cls.DoesNotExist = type("RecordNotFound", (RowNotFound,), names)
        if not vars(cls).get("_abstract", False):
            register(cls)

    @classmethod
    def of(cls, id: Self | int) -> Self:
        """Return the row of an id; a row of this table is returned as it is.

        Parameters
        ----------
        id
            The row's id, or the row.

        Raises
        ------
        RecordNotFound
            If there is no such row; names the nearest ids.
        InvalidInput
            If `id` is neither a whole number nor a row of this table.
        WrongStore
            If the row came from another store than the one connected now.
        """
        if isinstance(id, cls):
            id.check_store()
            return id
        number = _checked_id(cls, id)
        row = cls.get_or_none(_primary(cls) == number) if number in range(2**63) else None
        if row is None:
            raise _not_found(cls, number)
        return row

    @classmethod
    def get_by_id(cls, pk: Any) -> Self:
        """Return the row of an id.

        Parameters
        ----------
        pk
            The row's id.

        Raises
        ------
        RecordNotFound
            If there is no such row; names the nearest ids.
        """
        return cls.get(_primary(cls) == pk) if cls._meta.composite_key else cls.of(pk)

    @classmethod
    def delete_by_id(cls, pk: Any) -> int:
        """Delete a row by its id, as `delete_instance` does.

        Parameters
        ----------
        pk
            The row's id.
        """
        return cls.of(pk).delete_instance()

    @classmethod
    def drop_table(cls, *args: Any, **kwargs: Any) -> None:  # noqa: ARG003 - peewee's signature
        """Refuse: nothing destructive is called on a class.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise _destructive(cls, "drop_table")

    @classmethod
    def truncate_table(cls, *args: Any, **kwargs: Any) -> None:  # noqa: ARG003 - as peewee's
        """Refuse: nothing destructive is called on a class.

        Raises
        ------
        InvalidInput
            Always.
        """
        raise _destructive(cls, "truncate_table")

    def check_store(self) -> None:
        """Refuse to go on with a row of a store that is not connected.

        Raises
        ------
        WrongStore
            Names both stores.
        """
        here = live()
        if self._store is here or self._store is None or self._store == here:
            return
        where = f"{here.url} is connected" if here else "no store is connected"
        msg = f"{self!r} belongs to {self._store.url}, and {where}."
        hint = f"Connect to its store again, or fetch the row with {type(self).__name__}.of(id)."
        raise WrongStore(msg, hint=hint, store=self._store, connected=here)

    def save(self, force_insert: bool = False, only: Any = None) -> int:
        """Write the assigned attributes; return the number of rows written.

        Parameters
        ----------
        force_insert
            Insert although the row has an id.
        only
            Fields to write instead of all that were assigned.

        Raises
        ------
        WrongStore
            If the row came from another store than the one connected now.
        RecordNotFound
            If the row, or one that it points to, has been deleted.
        """
        if self._store is None:
            self._store = current()
        self.check_store()
        is_new = force_insert or row_id(self) is None
        try:
            rows = super().save(force_insert=force_insert, only=only)
        except peewee.IntegrityError as error:
            if "foreign key" in str(error).lower():
                raise _used_not_found(self) from error
            raise
        if not is_new and rows == 0 and rows is not False:
            raise _not_found(type(self), row_id(self))
        return int(rows)

    def delete_instance(
        self,
        recursive: bool = False,
        delete_nullable: bool = False,  # noqa: ARG002
    ) -> int:
        """Delete the row and the parts it owns; return the number of rows removed.

        Parameters
        ----------
        recursive
            Whether rows that use this one are deleted too, with all that use them.
        delete_nullable
            Without meaning here; peewee has it.

        Raises
        ------
        RecordInUse
            If other rows use this one and `recursive` is False; names them.
        RecordNotFound
            If the row has been deleted already.
        """
        self.check_store()
        removed = delete_row(self, recursive)
        if removed == 0:
            raise _not_found(type(self), row_id(self))
        return removed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {row_id(self) or 'unsaved'}>"

    def __str__(self) -> str:
        return repr(self)


def _primary(model: type[peewee.Model]) -> Any:
    return model._meta.primary_key


def _checked_id(model: type[peewee.Model], id: Any) -> int:
    """Return an id as an int; numpy's integers are fine, booleans and text are not."""
    try:
        if not isinstance(id, bool):
            return operator.index(id)
    except TypeError:
        pass
    text = repr(id)
    # a frame or an array would fill the screen
    shown = f"{text} of type " if len(text) <= _SHOWN and "\n" not in text else "A "
    msg = f"{shown}{type(id).__name__} is not the id of a {model.__name__}, or one."
    hint = f"Pass a whole number or a {model.__name__}."
    raise InvalidInput(msg, hint=hint, value=id, model=model.__name__)


def _used_not_found(row: StoreModel) -> UsedRowNotFound:
    """Return the error for a row of which the database says that it points to nothing."""
    fields = [field for field in row._meta.refs if row.__data__.get(field.name) is not None]
    used = {field.rel_model.__name__: row.__data__[field.name] for field in fields}
    names = [f"{name} {id}" for name, id in used.items()]
    which = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
    msg = f"A {type(row).__name__} cannot be written: {which} has been deleted."
    first, id = next(iter(used.items()))
    hint = f"Look with {first}.of({id}), and make anew what is gone."
    return UsedRowNotFound(msg, hint=hint, model=type(row).__name__, used=used)


def _not_found(model: type[StoreModel], id: Any) -> RecordNotFound:
    """Return the error for an id without a row: how many rows there are, and the nearest ids."""
    key = _primary(model)
    count = model.select().count()
    name = model.__name__
    facts = {"model": name, "id": id, "count": count}
    error = model.DoesNotExist
    if not count or not isinstance(id, int):
        msg = f"There is no {name} {id}: the table holds {count} rows."
        return error(msg, hint=f"List them with {name}.select().", nearest=[], **facts)
    bound = max(min(id, 2**63 - 1), 0)
    below = model.select(key).where(key < bound).order_by(key.desc()).limit(NEAREST)
    above = model.select(key).where(key > bound).order_by(key).limit(NEAREST)
    halves: list[Any] = [below.tuples(), above.tuples()]
    found = [own for half in halves for (own,) in half]
    nearest = sorted(sorted(found, key=lambda own: abs(own - id))[:NEAREST])
    rows = "1 row" if count == 1 else f"{count} rows"
    msg = f"There is no {name} {id} among {rows}."
    hint = f"The nearest ids are {', '.join(map(str, nearest))}."
    return error(msg, hint=hint, nearest=nearest, **facts)


def _destructive(model: type[peewee.Model], method: str) -> InvalidInput:
    msg = f"{model.__name__}.{method}() would empty a whole table."
    hint = "Delete single rows with delete_instance(), or the store with destroy_db(confirm=True)."
    return InvalidInput(msg, hint=hint, value=method)
