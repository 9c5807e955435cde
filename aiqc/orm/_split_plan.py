"""From the arguments of `Splitset.make` to the samples of each split, and their identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.codecs import to_json
from aiqc.core.enums import Split
from aiqc.core.errors import InvalidSplit
from aiqc.core.seeds import derive
from aiqc.orm._split_parts import check_complete, column_for, sample_count, stratified
from aiqc.orm._step_order import check_flag
from aiqc.orm.feature_coder import coder_chain
from aiqc.orm.feature_interpolater import interpolate_steps
from aiqc.orm.feature_shaper import shaper_of
from aiqc.orm.label_interpolater import label_interpolate_steps
from aiqc.orm.window import windows_of
from aiqc.pipeline.bins import named_strata
from aiqc.pipeline.folds import make_folds
from aiqc.pipeline.given_splits import (
    check_groups,
    check_order,
    given_folds,
    given_split,
    listed_folds,
    listed_samples,
)
from aiqc.pipeline.stratify import make_split

if TYPE_CHECKING:
    from aiqc.core.types import Array
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label
    from aiqc.pipeline.interpolate import InterpolateStep


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """The arguments of `Splitset.make` that decide which samples go where."""

    size_test: float | None
    size_validation: float | None
    bin_count: int | None
    fold_count: int | None
    stratify_column: str | None
    stratify: bool
    samples: Mapping[str, Sequence[int]] | None
    folds: Sequence[tuple[Sequence[int], Sequence[int]]] | None
    groups: str | None
    time: str | None

    def __post_init__(self) -> None:
        if self.samples is not None:
            object.__setattr__(self, "samples", listed_samples(self.samples))
        if self.folds is not None:
            object.__setattr__(self, "folds", listed_folds(self.folds))

    def to_json(self) -> dict[str, Any]:
        """Return what is worth keeping in a row: given samples are kept as samples."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        kept["samples"] = None if self.samples is None else "given"
        kept["folds"] = None if self.folds is None else "given"
        return kept


@dataclass(frozen=True, slots=True)
class PlannedSplit:
    """Samples of each split and fold, and which split plays which part."""

    samples: dict[str, Array]
    sizes: dict[str, dict[str, Any]]
    folds: list[dict[str, Array]]
    key_train: str
    key_evaluation: str | None
    key_test: str | None


def content_facts(
    features: Sequence[Feature], label: Label | None, request: SplitRequest
) -> dict[str, Any]:
    """Return what identifies a Splitset: data, columns, coders and arguments, never ids."""
    return {
        "features": [_feature_facts(feature) for feature in features],
        "label": None if label is None else _label_facts(label),
        "request": {
            **request.to_json(),
            "samples": _index_digest(request.samples),
            "folds": _index_digest(request.folds),
        },
    }


def content_digest(facts: Mapping[str, Any], **more: Any) -> str:
    """Return the identity that facts, and what is added to them, amount to."""
    return hashlib.sha256(to_json({**facts, **more}).encode()).hexdigest()


def plan_split(
    features: Sequence[Feature], label: Label | None, request: SplitRequest, seed: int
) -> PlannedSplit:
    """Return the samples of each split and fold.

    Raises
    ------
    InvalidSplit
        If the parts differ in length, arguments exclude one another, or the sizes, classes or
        given rows do not work out.
    """
    count = sample_count(features, label)
    _check_exclusive(features, label, request)
    if label is not None:
        check_complete(label)
    strata, names = _strata(features, label, request)
    groups = column_for(features, label, request.groups, "groups")
    time = column_for(features, label, request.time, "time")
    if request.samples is None:
        plan = make_split(
            count,
            size_test=request.size_test,
            size_validation=request.size_validation,
            strata=strata,
            stratify=request.stratify,
            groups=groups,
            time=time,
            names=names,
            seed=derive(seed, "split"),
        )
    else:
        plan = given_split(request.samples, count)
        _check_given(
            {f"the split {name!r}": plan.samples[name] for name in plan.samples}, groups, time
        )
    samples = dict(plan.samples)
    pairs = _fold_pairs(request, samples[Split.TRAIN], strata, names, groups, time, seed)
    return PlannedSplit(
        samples=samples,
        sizes={name: dict(size) for name, size in plan.sizes.items()},
        folds=[_fold_samples(train, held_out, samples) for train, held_out in pairs],
        key_train=Split.FOLDS_TRAIN if pairs else Split.TRAIN,
        key_evaluation=_key_evaluation(samples, bool(pairs)),
        key_test=Split.TEST if Split.TEST in samples else None,
    )


def _fold_pairs(
    request: SplitRequest,
    train: Array,
    strata: Array | None,
    names: list[str] | None,
    groups: Array | None,
    time: Array | None,
    seed: int,
) -> list[tuple[Array, Array]]:
    if request.folds is not None:
        pairs = given_folds(request.folds, train)
        for index, pair in enumerate(pairs):
            places = (f"the training rows of fold {index}", f"the validation rows of fold {index}")
            _check_given(dict(zip(places, pair, strict=True)), groups, time)
        return pairs
    if request.fold_count is None:
        return []
    return make_folds(
        train,
        request.fold_count,
        strata=strata if request.stratify else None,
        groups=groups,
        time=time,
        names=names,
        seed=derive(seed, "folds"),
    )


def _check_given(parts: dict[str, Array], groups: Array | None, time: Array | None) -> None:
    """Refuse given parts that `groups` or `time` would have made otherwise."""
    if groups is not None:
        check_groups(parts, groups)
    if time is not None:
        check_order(parts, time)


def _fold_samples(train: Array, held_out: Array, samples: dict[str, Array]) -> dict[str, Array]:
    fold: dict[str, Array] = {Split.FOLDS_TRAIN: train, Split.FOLD_VALIDATION: held_out}
    kept = {key: rows for key, rows in samples.items() if key != Split.TRAIN}
    return fold | kept


def _key_evaluation(samples: dict[str, Array], folded: bool) -> str | None:
    if folded:
        return Split.FOLD_VALIDATION
    for key in (Split.VALIDATION, Split.TEST):
        if key in samples:
            return key
    return None


def _check_exclusive(
    features: Sequence[Feature], label: Label | None, request: SplitRequest
) -> None:
    check_flag("stratify", request.stratify)
    if request.samples is not None and (request.size_test or request.size_validation):
        msg = "samples= and sizes were both given."
        raise InvalidSplit(msg, hint="Give one of them.", value=request.size_test)
    if request.folds is not None and request.fold_count is not None:
        msg = f"folds= and fold_count={request.fold_count} were both given."
        raise InvalidSplit(msg, hint="Give one of them.", value=request.fold_count)
    if label is not None and request.stratify_column is not None:
        msg = f"unsupervised_stratify_col={request.stratify_column!r} was given with a Label."
        raise InvalidSplit(
            msg, hint="A Label stratifies by itself.", value=request.stratify_column
        )
    if label is None and request.stratify_column is None and request.bin_count is not None:
        msg = f"bin_count={request.bin_count} has nothing to bin."
        hint = "Give a Label or unsupervised_stratify_col."
        raise InvalidSplit(msg, hint=hint, value=request.bin_count)
    if label is None:
        _refuse_coders_of_labels(features)
    else:
        _refuse_label_in_features(features, label)


def _refuse_coders_of_labels(features: Sequence[Feature]) -> None:
    for feature in features:
        for coder in coder_chain(feature):
            prepared = coder.prepared()
            if prepared.needs_label:
                msg = f"{prepared.name} of {feature!r} learns from the label, and there is none."
                hint = "Give a Label, or make a Feature with another coder."
                raise InvalidSplit(msg, hint=hint, featurecoder_id=coder.id)


def _refuse_label_in_features(features: Sequence[Feature], label: Label) -> None:
    for feature in features:
        shared = [name for name in label.columns if name in feature.columns]
        if shared and feature.dataset.sha256_hexdigest == label.dataset.sha256_hexdigest:
            msg = f"The label's column {shared[0]!r} is also a column of {feature!r}."
            hint = f"Leave it out: Feature.from_dataset(..., exclude_columns={shared!r})."
            raise InvalidSplit(msg, hint=hint, column=shared[0])


def _strata(
    features: Sequence[Feature], label: Label | None, request: SplitRequest
) -> tuple[Array | None, list[str] | None]:
    """Return the stratum of each sample and how strata are called; None where there are none."""
    values, kind = stratified(features, label, request.stratify_column)
    if values is None:
        return None, None
    return named_strata(values, kind, request.bin_count) or (None, None)


def _feature_facts(feature: Feature) -> dict[str, Any]:
    windows, shaper = windows_of(feature), shaper_of(feature)
    facts = _column_facts(feature, coder_chain(feature), interpolate_steps(feature))
    if windows is not None:
        facts["window"] = [windows.size, windows.shift, windows.is_shifted]
    if shaper is not None:
        facts["shape"] = shaper.indices
    return facts


def _label_facts(label: Label) -> dict[str, Any]:
    return _column_facts(label, list(label.labelcoders), label_interpolate_steps(label))


def _column_facts(
    part: Feature | Label, coders: Sequence[Any], steps: Sequence[InterpolateStep]
) -> dict[str, Any]:
    """Return data, columns and coders; other steps only where there are some."""
    facts = {
        "data": part.dataset.sha256_hexdigest,
        "columns": part.columns,
        "coders": [
            {
                "estimator": coder.sha256_hexdigest,
                "columns": coder.matching_columns,
                "dimension": str(coder.encoding_dimension),
            }
            for coder in coders
        ],
    }
    if steps:
        facts["interpolaters"] = [asdict(step) for step in steps]
    return facts


def _index_digest(given: Any) -> str | None:
    if given is None:
        return None
    parts = sorted(given.items()) if isinstance(given, Mapping) else enumerate(given)
    digest = hashlib.sha256()
    for key, rows in parts:
        groups = rows if isinstance(rows, tuple) else (rows,)
        for group in groups:
            numbers = np.asarray(list(group), dtype=object).astype(str).tolist()
            digest.update(to_json([str(key), numbers]).encode())
    return digest.hexdigest()
