"""The id-or-instance descriptor: `Queue.run_jobs(3)` and `queue.run_jobs()` are one method."""

from __future__ import annotations

from functools import cached_property, update_wrapper, wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

M = TypeVar("M")
P = ParamSpec("P")
R = TypeVar("R")


class by_id(Generic[M, P, R]):  # noqa: N801 - used as a decorator
    """Let `Queue.run_jobs(3)`, `Queue.run_jobs(queue)` and `queue.run_jobs()` be one method.

    The method is written with `self`. On the class its first parameter is `id`: the row's id or
    the row, by position or by name. Each way the row must belong to the connected store.

    Parameters
    ----------
    fn
        The method; it must not have a parameter called `id`.

    Examples
    --------
    ::

        class Queue(BaseModel):
            @by_id
            def run_jobs(self, workers: int = 1) -> None: ...


        Queue.run_jobs(3, workers=2)
        Queue.run_jobs(id=3)
        Queue.of(3).run_jobs(workers=2)
    """

    def __init__(self, fn: Callable[Concatenate[M, P], R]) -> None:
        self.fn = fn
        update_wrapper(self, fn)  # type: ignore[arg-type]

    @cached_property
    def _parts(self) -> tuple[Signature, Parameter, list[Parameter]]:
        """The signature, its `self`, and the parameters after it."""
        whole = signature(self.fn)
        first, *rest = whole.parameters.values()
        return whole, first, rest

    @overload
    def __get__(self, obj: None, owner: type[M]) -> Callable[Concatenate[M | int, P], R]: ...
    @overload
    def __get__(self, obj: M, owner: type[M]) -> Callable[P, R]: ...
    def __get__(self, obj: Any, owner: Any = None) -> Any:
        """Return the method of a row, or the one of the class that takes an id."""
        whole, first, rest = self._parts
        if obj is not None:

            @wraps(self.fn)
            def from_row(*args: P.args, **kwargs: P.kwargs) -> R:
                return self.fn(type(obj).of(obj), *args, **kwargs)

            from_row.__signature__ = whole.replace(parameters=rest)  # type: ignore[attr-defined]
            return from_row

        @wraps(self.fn)
        def from_class(id: Any, *args: Any, **kwargs: Any) -> Any:
            return self.fn(owner.of(id), *args, **kwargs)

        named = whole.replace(parameters=[first.replace(name="id"), *rest])
        from_class.__signature__ = named  # type: ignore[attr-defined]
        return from_class
