"""Make the pages of the reference that are read from docstrings; `make_docs.py` stages them."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import make_reference

#: page -> the module whose docstring and `__all__` it shows
MODULES = {
    "connect": "aiqc",
    "datum": "aiqc.datum",
    "plots": "aiqc.plots",
    "utils-pytorch": "aiqc.utils.pytorch",
    "utils-tensorflow": "aiqc.utils.tensorflow",
    "utils-sklearn": "aiqc.utils.sklearn",
    "utils-encoding": "aiqc.utils.encoding",
    "utils-meter": "aiqc.utils.meter",
    "utils-config": "aiqc.utils.config",
    "utils-dill": "aiqc.utils.dill",
}
#: peewee's and our column types in plain words
WORDS = {
    "ArrayField": "array",
    "BigInteger": "integer",
    "BlobBytes": "bytes",
    "Boolean": "true or false",
    "Digest": "hash",
    "Double": "number",
    "EnumField": "one of",
    "Id": "integer",
    "IndexField": "list of integers",
    "IndexMapField": "lists of integers by name",
    "JSONField": "JSON",
    "LongText": "text",
    "Name": "text",
    "Text": "text",
    "UTCDateTime": "time",
}


def titled(title: str, mark: str = "=") -> str:
    """Return an underlined title."""
    return f"{title}\n{mark * len(title)}\n"


def class_block(path: str, owner: type) -> str:
    """Return the directives of a class and of its members, in the order of the source."""
    lines = [f".. autoclass:: {path}", "   :no-members:", ""]
    for name, raw in make_reference.documented(owner):
        if inspect.isclass(raw):
            lines += ["   " + line for line in class_block(f"{path}.{name}", raw).splitlines()]
        elif isinstance(raw, property):
            lines += [f"   .. autoproperty:: {path}.{name}", ""]
        else:
            lines += [f"   .. automethod:: {path}.{name}", ""]
    return "\n".join(lines) + "\n"


def comments(model: type) -> dict[str, str]:
    """Return what the `#:` comments of a table's source say of its fields."""
    from sphinx.pycode import ModuleAnalyzer

    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if kind.__module__.startswith("aiqc."):
            documented = ModuleAnalyzer.for_module(kind.__module__).find_attr_docs()
            own = {n: text for (owner, n), text in documented.items() if owner == kind.__name__}
            found |= {name: " ".join(text).strip() for name, text in own.items()}
    return found


def kind_of(field: Any) -> str:
    """Return a field's type in plain words, with a link where it points to a table."""
    from peewee import ForeignKeyField

    if isinstance(field, ForeignKeyField):
        name = field.rel_model.__name__
        import aiqc.orm

        return f":class:`~aiqc.orm.{name}`" if name in aiqc.orm.__all__ else name
    name = type(field).__name__
    words = WORDS.get(name, name)
    if name == "EnumField":
        words = " | ".join(str(member.value) for member in field.kind)
    return f"{words} or None" if field.null else words


def fields_block(model: Any) -> str:
    """Return the table of a model's stored attributes."""
    texts = comments(model)
    names = make_reference.fields(model)
    if not names:
        return ""
    lines = [titled("Fields", "-"), ".. list-table::", "   :widths: 25 25 50", ""]
    for name in names:
        text = texts.get(name, "").replace("*", "\\*")
        lines += [f"   * - ``{name}``", f"     - {kind_of(model._meta.fields[name])}"]
        lines += [f"     - {text}"]
    return "\n".join(lines) + "\n"


def table_page(name: str, model: Any) -> str:
    """Return the page of one class of `aiqc.orm`."""
    return "\n".join([titled(name), class_block(f"aiqc.orm.{name}", model), fields_block(model)])


def summaries(names: list[str]) -> str:
    """Return a table of classes of `aiqc.orm` with the first line of each."""
    import aiqc.orm

    lines = [".. list-table::", "   :widths: 30 70", ""]
    for name in names:
        text = inspect.getdoc(getattr(aiqc.orm, name)) or ""
        lines += [f"   * - :class:`~aiqc.orm.{name}`", f"     - {text.partition(chr(10))[0]}"]
    return "\n".join(lines) + "\n"


def orm_pages() -> dict[str, str]:
    """Return the pages of `aiqc.orm`: one a class, one of functions, and their list."""
    import aiqc.orm
    from aiqc.orm._base import BaseModel, StoreModel

    tables = [name for name in aiqc.orm.__all__ if name[0].isupper()]
    pages = {f"orm/{name}.rst": table_page(name, getattr(aiqc.orm, name)) for name in tables}
    listed = "\n".join(f"   orm/{name}" for name in tables)
    names = [n for n in aiqc.orm.__all__ if not n[0].isupper()]
    functions = "\n".join(f".. autofunction:: aiqc.orm.{name}\n" for name in names)
    every = [
        f".. automethod:: aiqc.orm.Dataset.{name}\n   :no-index:\n"
        for name, raw in dict(
            make_reference.documented(StoreModel) + make_reference.documented(BaseModel)
        ).items()
        if not isinstance(raw, property)
    ]
    pages["orm.rst"] = "\n".join(
        [
            titled("aiqc.orm"),
            "The tables, from data to results; ``from aiqc.orm import *``. "
            "A signature that begins with ``id`` is called on the class with an id or a row, "
            "or on the row without it: ``Queue.run_jobs(3)`` is ``Queue.of(3).run_jobs()``.\n",
            summaries(tables),
            f".. toctree::\n   :hidden:\n\n{listed}\n",
            titled("Functions", "-"),
            functions,
            titled("Every row", "-"),
            "Shown on a Dataset; every table has them.\n",
            *every,
        ]
    )
    return pages


def module_page(module: str) -> str:
    """Return the page of the public names of a module."""
    import aiqc.orm

    loaded = importlib.import_module(module)
    lines = [titled(module), f".. automodule:: {module}\n   :no-members:\n"]
    # the high-level API hands on the tables, which have pages of their own
    for name in (name for name in loaded.__all__ if name not in aiqc.orm.__all__):
        item = getattr(loaded, name)
        if inspect.isclass(item):
            lines.append(class_block(f"{module}.{name}", item))
        elif callable(item):
            lines.append(f".. autofunction:: {module}.{name}\n")
    return "\n".join(lines)


def errors_page() -> str:
    """Return the page of errors and warnings, with what each is raised for."""
    import aiqc.core.errors as errors

    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, BaseException | Warning)
    ]
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    lines = [
        titled("aiqc.core.errors"),
        "The tree is drawn in :doc:`/reference/errors`.\n",
        *(
            f".. autoexception:: aiqc.core.errors.{kind.__name__}()\n   :show-inheritance:\n"
            for kind in own
        ),
    ]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Return every page by its path below `docs/reference/api`."""
    made = orm_pages()
    made |= {f"{page}.rst": module_page(module) for page, module in MODULES.items()}
    made["errors.rst"] = errors_page()
    order = ["orm"]
    if importlib.util.find_spec("aiqc.mlops"):
        made["mlops.rst"] = module_page("aiqc.mlops")
        order.append("mlops")
    order += [*MODULES, "errors"]
    listed = "\n".join(f"   {page}" for page in order)
    made["index.rst"] = (
        f"{titled('Python API')}\nRead from the docstrings.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n{listed}\n"
    )
    return made
