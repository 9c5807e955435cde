"""Hyperparamcombo: one combination of a Hyperparamset (spec/003 §10b)."""

from __future__ import annotations

from typing import Any

from peewee import ForeignKeyField

from aiqc.orm._base import BaseModel
from aiqc.orm._bulk import insert_rows
from aiqc.orm._fields import BigInteger, JSONField
from aiqc.orm.hyperparamset import Hyperparamset


class Hyperparamcombo(BaseModel):
    """The hyperparameters that the functions of an Algorithm receive."""

    #: zero-based
    idx = BigInteger()
    #: {name: value}
    hyperparameters = JSONField()
    hyperparamset = ForeignKeyField(Hyperparamset, on_delete="CASCADE", backref="hyperparamcombos")

    class Meta:
        """One combination an index."""

        indexes = ((("hyperparamset", "idx"), True),)


def write_combos(hyperparamset: Hyperparamset, combos: list[dict[str, Any]]) -> None:
    """Write one row a combination; the caller holds the transaction."""
    rows = [
        {"hyperparamset": hyperparamset, "idx": idx, "hyperparameters": combo}
        for idx, combo in enumerate(combos)
    ]
    insert_rows(Hyperparamcombo, rows)
