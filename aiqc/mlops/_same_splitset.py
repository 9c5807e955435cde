"""Finding the Splitset that exists already, by content and never by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.seeds import check_seed, from_digest
from aiqc.mlops._content import (
    content_of_feature,
    content_of_input,
    content_of_label,
    content_of_target,
)
from aiqc.orm import Dataset, Feature, Splitset, SplitsetFeature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiqc.mlops.input import Input
    from aiqc.mlops.stratifier import Stratifier
    from aiqc.mlops.target import Target
    from aiqc.orm import Label
    from aiqc.orm._split_plan import SplitRequest


@dataclass(frozen=True, slots=True)
class Key:
    """What a Splitset is found by, besides its parts."""

    request: SplitRequest
    seed: int | None
    name: str | None


def key_of(stratifier: Stratifier, seed: int | None, name: str | None) -> Key:
    """Return what a Splitset is found by.

    Raises
    ------
    InvalidInput
        If the seed is no seed.
    """
    from aiqc.orm._split_plan import SplitRequest

    given = stratifier.arguments()
    given["stratify_column"] = given.pop("unsupervised_stratify_col")
    return Key(SplitRequest(**given), None if seed is None else check_seed(seed), name)


def declared_before(inputs: Sequence[Input], target: Target | None, key: Key) -> Splitset | None:
    """Return the newest Splitset that these declarations made; None if there is none.

    Nothing is written and nothing is fitted, so a cell that is run again costs next to nothing.

    Raises
    ------
    InvalidColumns, InvalidCoder, InvalidInput
        If a column, a preprocessor or an argument cannot be used.
    """
    wanted = [content_of_input(given, target) for given in inputs]
    label = None if target is None else content_of_target(target)
    identity = ""
    for row in _named(key.name, Dataset.of(inputs[0].dataset).sha256_hexdigest):
        if not identity and _is_of(row, wanted, label):
            # the same for all rows with these parts
            identity = _identity(row.features, row.label, key)
        if row.sha256_hexdigest == identity:
            return Splitset.of(row.id)
    return None


def _is_of(row: Splitset, wanted: list[str], label: str | None) -> bool:
    if (None if row.label is None else content_of_label(row.label)) != label:
        return False
    return [content_of_feature(feature) for feature in row.features] == wanted


def equal_splitset(features: Sequence[Feature], label: Label | None, key: Key) -> Splitset | None:
    """Return the newest Splitset of the same identity as new parts; None if there is none."""
    digest = _identity(features, label, key)
    for row in _named(key.name, features[0].dataset.sha256_hexdigest):
        if row.sha256_hexdigest == digest:
            return Splitset.of(row.id)
    return None


def _identity(features: Sequence[Feature], label: Label | None, key: Key) -> str:
    """Return the identity that `Splitset.make` gives to these parts."""
    from aiqc.orm._split_plan import content_digest, content_facts

    facts = content_facts(features, label, key.request)
    seed = from_digest(content_digest(facts)) if key.seed is None else key.seed
    return content_digest(facts, seed=seed)


def _named(name: str | None, digest: str) -> Iterator[Any]:
    """Yield the Splitsets of a name whose first Feature has these data, the newest first."""
    named = Splitset.name.is_null() if name is None else Splitset.name == name
    query = (
        Splitset.select(Splitset.id, Splitset.label, Splitset.sha256_hexdigest)
        .join(SplitsetFeature)
        .join(Feature)
        .join(Dataset)
        .where(SplitsetFeature.idx == 0, Dataset.sha256_hexdigest == digest)
        .where(named, Splitset.predictor.is_null())
        .order_by(Splitset.id.desc())
    )
    yield from list(query)
