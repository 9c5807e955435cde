"""Splitsets of new data for a Predictor: checked against its training schema, never split."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import to_json
from aiqc.core.errors import InvalidSplit
from aiqc.core.seeds import from_digest
from aiqc.orm._versions import exclusive, existing_version, next_version, warn_duplicate
from aiqc.orm.predictor import Predictor
from aiqc.orm.splitset import Splitset
from aiqc.orm.splitset_feature import SplitsetFeature
from aiqc.orm.trained import schema_of, trained_of
from aiqc.pipeline.schema_check import check_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.orm._split_plan import SplitRequest
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label
    from aiqc.pipeline.schema_check import Schema

#: prefix of the only split
INFER = "infer_"
_REFUSED = {
    "size_test": None,
    "size_validation": None,
    "bin_count": None,
    "fold_count": None,
    "stratify_column": None,
    "stratify": True,
    "samples": None,
    "folds": None,
    "groups": None,
    "time": None,
}


def make_inference_splitset(
    features: list[Feature],
    label: Label | None,
    predictor_id: int | Predictor,
    request: SplitRequest,
    *,
    name: str | None,
    description: str | None,
) -> Splitset:
    """Keep new data as the samples that a Predictor is to predict; see `Splitset.make`.

    Raises
    ------
    InvalidSplit
        If an argument asks for a split, or the parts differ in their number of samples.
    Incompatible
        If the data are not of the schema that the model was trained on.
    """
    predictor = Predictor.of(predictor_id)
    _refuse_split(request)
    trained, schema = trained_of(predictor), schema_of(features, label)
    check_schema(trained.schema, schema, repr(predictor))
    count = _sample_count(schema, features, label)
    digest = _digest(trained.identity, schema, features, label)
    content = {"sha256_hexdigest": digest, "predictor_id": predictor.id}
    row = existing_version(Splitset, name, **content)
    is_new = False
    if row is None:
        with exclusive():
            # another process may have written the same between the look and the lock
            row = existing_version(Splitset, name, **content)
            if row is None:
                is_new = True
                facts = {"sha256_hexdigest": digest, "name": name, "description": description}
                row = _write(predictor, features, label, request, count, facts)
    if not is_new:
        warn_duplicate(row)
    return row


def _refuse_split(request: SplitRequest) -> None:
    for argument, default in _REFUSED.items():
        value = getattr(request, argument)
        if value is not default:
            shown = "unsupervised_stratify_col" if argument == "stratify_column" else argument
            msg = f"{shown}={value!r} was given with predictor_id: all samples are predicted."
            raise InvalidSplit(msg, hint=f"Leave out {shown}.", value=value)


def _sample_count(schema: Schema, features: Sequence[Feature], label: Label | None) -> int:
    pairs = zip(features, schema.features, strict=True)
    counts = {repr(feature): one.sample_count for feature, one in pairs}
    if label is not None:
        counts[repr(label)] = int(label.dataset.shape["samples"])
    if len(set(counts.values())) > 1:
        msg = f"The parts of the Splitset differ in their number of samples: {counts}."
        raise InvalidSplit(msg, hint="Use data sets with the same rows.", counts=counts)
    return next(iter(counts.values()))


def _digest(
    identity: dict[str, Any], schema: Schema, features: Sequence[Feature], label: Label | None
) -> str:
    """Return the identity: content of the new data and of the model, never ids."""
    pairs = zip(features, schema.features, strict=True)
    facts = {
        "features": [
            {**_part_facts(feature), "window": None if one.window is None else asdict(one.window)}
            for feature, one in pairs
        ],
        "label": None if label is None else _part_facts(label),
        "predictor": identity,
    }
    return hashlib.sha256(to_json(facts).encode()).hexdigest()


def _part_facts(part: Feature | Label) -> dict[str, Any]:
    return {"data": part.dataset.sha256_hexdigest, "columns": part.columns}


def _write(
    predictor: Predictor,
    features: list[Feature],
    label: Label | None,
    request: SplitRequest,
    count: int,
    facts: dict[str, Any],
) -> Splitset:
    digest, name = facts["sha256_hexdigest"], facts["name"]
    split = f"{INFER}{_next_number(predictor)}"
    row = Splitset.create(
        uid=f"splitset_{digest[:32]}",
        samples={split: list(range(count))},
        sizes={split: {"percent": 1.0, "count": count}},
        supervision="unsupervised" if label is None else "supervised",
        has_validation=False,
        key_train=None,
        key_evaluation=None,
        key_test=None,
        version=next_version(Splitset, name),
        seed=from_digest(digest),
        options=request.to_json(),
        label=label,
        predictor=predictor,
        **facts,
    )
    for idx, feature in enumerate(features):
        SplitsetFeature.create(splitset=row, feature=feature, idx=idx)
    return row


def _next_number(predictor: Predictor) -> int:
    """Return the number after the newest inference of the Predictor.

    Numbers ascend with the rows, so one row is read however many there are.
    """
    query = Splitset.select(Splitset.sizes).where(Splitset.predictor == predictor)
    newest = query.order_by(Splitset.id.desc()).first()
    if newest is None:
        return 0
    return int(next(iter(newest.sizes)).removeprefix(INFER)) + 1
