"""Which models are tables of the metastore, in the order of their definition."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from peewee import Model

_models: list[type[Model]] = []


def registry() -> tuple[type[Model], ...]:
    """Return every model that is a table, in the order of definition."""
    return tuple(_models)


def register(model: type[Model]) -> None:
    """Add a model; `StoreModel` does this for each concrete subclass."""
    _models.append(model)


def row_id(row: Model) -> Any:
    """Return the primary key of a row, None if it is not stored yet."""
    untyped: Any = row
    return untyped.get_id()


@contextmanager
def extra_models(models: Sequence[type[Model]] = ()) -> Iterator[list[type[Model]]]:
    """Add models for a while: those given, and those defined inside; yields the latter.

    Examples
    --------
    ::

        with extra_models() as toys:  # at the top of a test file

            class Toy(BaseModel): ...


        with extra_models(toys):  # in a fixture
            connect(tmp_path / "toys.sqlite3")
    """
    known = len(_models)
    _models.extend(model for model in models if model not in _models)
    start = len(_models)
    defined: list[type[Model]] = []
    try:
        yield defined
    finally:
        defined.extend(_models[start:])
        del _models[known:]
