"""The parts of a bundle as one text, every name defined above where it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiqc.core.functions.collect import Collection
    from aiqc.core.functions.definition import Definition

FUTURE_LINE = "from __future__ import annotations"


def write_source(collection: Collection) -> str:
    """Return the complete text: future, imports, constants, definitions, the entry last."""
    definitions = collection.definitions
    future = any(definition.future for definition in definitions.values())
    heads = [[FUTURE_LINE] if future else [], _import_lines(collection)]
    heads.append([f"{name} = {text}" for name, text in sorted(collection.constants.items())])
    blocks = ["\n".join(lines) + "\n" for lines in heads if lines]
    blocks += [_block(collection, name) for name in _ordered(collection)]
    return "\n\n".join(block if block.endswith("\n") else block + "\n" for block in blocks)


def _import_lines(collection: Collection) -> list[str]:
    return sorted(collection.imports, key=lambda line: (line.startswith("from "), line))


def _block(collection: Collection, name: str) -> str:
    aliases = [f"{a} = {own}\n" for a, own in sorted(collection.aliases.items()) if own == name]
    return collection.definitions[name].text + "".join(["\n\n", *aliases] if aliases else [])


class _Order:
    """Names of definitions in an order in which they can be executed."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.placed: dict[str, None] = {}
        self.open: set[str] = set()

    def needs(self, name: str, *, eager: bool) -> list[str]:
        """Return the definitions one definition reads, now (eager) or when called."""
        definition: Definition = self.collection.definitions[name]
        names = definition.uses.eager if eager else definition.uses.lazy
        owns = [self.collection.aliases.get(used, used) for used in names]
        return [own for own in owns if own in self.collection.definitions and own != name]

    def place(self, name: str, *, deep: bool) -> None:
        """Append a definition behind what it needs at once (deep: also what that may call)."""
        if name in self.open or name in self.placed:
            return
        self.open.add(name)
        for other in self.needs(name, eager=True):
            self.place(other, deep=True)
        for other in self.needs(name, eager=False) if deep else ():
            self.place(other, deep=True)
        self.placed[name] = None


def _ordered(collection: Collection) -> list[str]:
    names = _post_order(collection)
    order = _Order(collection)
    for name in names:
        order.place(name, deep=False)
    return list(order.placed)


def _post_order(collection: Collection) -> list[str]:
    """Return helpers before their callers, the entry last; cycles in order of first use."""
    order = _Order(collection)
    result: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in order.open:
            return
        order.open.add(name)
        for other in [*order.needs(name, eager=True), *order.needs(name, eager=False)]:
            visit(other)
        result[name] = None

    for name in collection.definitions:
        visit(name)
    return list(result)
