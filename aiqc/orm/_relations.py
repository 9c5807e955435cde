"""Foreign keys that are followed only in the store that their row came from."""

from __future__ import annotations

from typing import Any

from peewee import BackrefAccessor, ForeignKeyAccessor, Model


class _Forward(ForeignKeyAccessor):
    """`row.dataset`: an id of store A must not fetch the row of that id from store B."""

    def get_rel_instance(self, instance: Any) -> Any:
        if instance.__data__.get(self.name) is not None and self.name not in instance.__rel__:
            instance.check_store()
        return super().get_rel_instance(instance)  # type: ignore[no-untyped-call]


class _Backward(BackrefAccessor):
    """`dataset.features`, a query."""

    def __get__(self, instance: Any, instance_type: Any = None) -> Any:
        if instance is not None:
            instance.check_store()
        return super().__get__(instance, instance_type)  # type: ignore[no-untyped-call]


def guard_relations(model: type[Model]) -> None:
    """Replace peewee's accessors of a model's foreign keys by ones that check the store."""
    for key in model._meta.refs:
        setattr(model, key.name, _Forward(model, key, key.name))
        if key.backref not in ("+", "!"):
            setattr(key.rel_model, key.backref, _Backward(key))
