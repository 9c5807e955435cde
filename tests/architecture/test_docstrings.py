"""Every argument of a public function is described: the reference is read from docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import aiqc.datum
import aiqc.mlops
import aiqc.orm
from aiqc.orm._registry import registry

#: peewee's own, refused or without meaning here
_PEEWEES = {"drop_table", "truncate_table"}
_VARIABLE = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}


def _methods(owner: type, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield our public methods of a class and of the classes inside it, such as Dataset.Image."""
    for name in dir(owner):
        home = next((kind for kind in owner.__mro__ if name in vars(kind)), object)
        if name.startswith("_") or name in _PEEWEES or not home.__module__.startswith("aiqc."):
            continue
        value = getattr(owner, name)
        if inspect.isclass(value):
            yield from _methods(value, f"{prefix}.{name}")
        elif inspect.isfunction(value) or inspect.ismethod(value):
            yield f"{prefix}.{name}", value


def _public() -> dict[str, Callable[..., Any]]:
    found = {name: item for model in registry() for name, item in _methods(model, model.__name__)}
    for module in (aiqc, aiqc.orm, aiqc.datum):
        values = {name: getattr(module, name) for name in module.__all__}
        found |= {f"{module.__name__}.{n}": v for n, v in values.items() if inspect.isroutine(v)}
    return found


PUBLIC = _public()


def test_what_is_looked_at() -> None:
    known = {"Queue.run_jobs", "Dataset.Image.from_urls", "Splitset.make", "aiqc.connect"}
    assert known | {"aiqc.datum.to_df", "Prediction.plot_roc_curve"} <= set(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_argument_is_described(name: str) -> None:
    function = PUBLIC[name]
    text = inspect.getdoc(function) or ""
    assert text, name
    section = re.split(
        r"\n(?:Raises|Returns|Examples|Notes)\n-+\n", text.partition("Parameters\n")[2]
    )
    # the id is explained once, in the introduction
    arguments = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in {"self", "cls", "id"} and parameter.kind not in _VARIABLE
    ]
    headings = re.findall(r"^\w[\w, *]*$", section[0], re.MULTILINE)
    described = {word.strip(" *") for heading in headings for word in heading.split(",")}
    assert [argument for argument in arguments if argument not in described] == []
