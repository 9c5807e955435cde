"""Hyperparamset: all values to try with an Algorithm (spec/003 §10)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.codecs import to_json
from aiqc.core.seeds import check_seed, from_digest
from aiqc.orm._base import BaseModel
from aiqc.orm._database import transaction
from aiqc.orm._fields import BigInteger, Double, JSONField
from aiqc.orm._late import late
from aiqc.orm.algorithm import Algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peewee import ModelSelect

    from aiqc.orm.hyperparamcombo import Hyperparamcombo


class Hyperparamset(BaseModel):
    """A grid of hyperparameters, or a random subset of it."""

    #: {name: values}
    hyperparameters = JSONField()
    search_count = BigInteger(null=True)
    search_percent = Double(null=True)
    #: seed of the random subset
    seed = BigInteger()
    algorithm = ForeignKeyField(Algorithm, on_delete="RESTRICT", backref="hyperparamsets")
    hyperparamcombos: ModelSelect[Hyperparamcombo]

    @classmethod
    def from_algorithm(
        cls,
        algorithm_id: int | Algorithm,
        hyperparameters: Mapping[str, Any],
        search_count: int | None = None,
        search_percent: float | None = None,
        *,
        seed: int | None = None,
    ) -> Hyperparamset:
        """Store the values, and one Hyperparamcombo for each combination to try.

        Parameters
        ----------
        algorithm_id
            The Algorithm whose functions take the hyperparameters, or its id.
        hyperparameters
            {name: list of values}; numpy numbers are fine, a single value is a list of one.
        search_count
            Try this many combinations, drawn at random.
        search_percent
            Try this share of the combinations, in (0, 1].
        seed
            Seed of the draw; derived from the content by default.

        Raises
        ------
        InvalidInput
            If a name or value cannot be stored, or a size is out of range.
        """
        from aiqc.pipeline.grid import clean_search, clean_space, combinations

        algorithm = Algorithm.of(algorithm_id)
        space = clean_space(hyperparameters)
        search_count, search_percent = clean_search(search_count, search_percent)
        facts = to_json([algorithm.sha256_hexdigest, space, search_count, search_percent])
        root = (
            from_digest(hashlib.sha256(facts.encode()).hexdigest())
            if seed is None
            else check_seed(seed)
        )
        combos = combinations(space, search_count, search_percent, root)
        with transaction():
            row = cls.create(
                algorithm=algorithm,
                hyperparameters=space,
                search_count=search_count,
                search_percent=search_percent,
                seed=root,
            )
            late("write_combos")(row, combos)
        return row
