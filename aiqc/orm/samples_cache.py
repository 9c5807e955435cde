"""The samples cache of a Splitset: fit, encode, write; or read what is there (spec/003 §8)."""

from __future__ import annotations

import hashlib
import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core import settings
from aiqc.core.codecs import to_json
from aiqc.core.enums import Library
from aiqc.core.errors import InvalidInput, InvalidSplit, NotReady
from aiqc.core.lazy import load
from aiqc.orm._lists import one_of
from aiqc.orm.fit import (
    checked_rows,
    fit_of_feature,
    fit_of_frame,
    fit_of_label,
    fit_of_source,
    label_frame,
    opened,
)
from aiqc.orm.fold import Fold
from aiqc.pipeline.cache import (
    CachedArray,
    Manifest,
    array_path,
    clear_cache,
    finish_cache,
    is_complete,
    read_cache,
    start_cache,
    write_array,
)
from aiqc.pipeline.npy_writer import npy_writer
from aiqc.pipeline.prepared_blocks import Block, prepared_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from aiqc.core.types import Array, Features
    from aiqc.orm.fit import OpenFeature
    from aiqc.orm.splitset import Splitset
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.feature_rules import FeatureRules, FoldRows

#: grows when the same fits would be cached as other values
_CACHE_VERSION = 3


@dataclass(frozen=True, slots=True)
class CachedSplit:
    """Encoded arrays of one split, memory-mapped."""

    label: Array | None
    features: Features


def cache_folder_of(splitset: Splitset) -> Path:
    """Return the folder of the Splitset's cache on this machine."""
    return settings.cache_folder() / splitset.uid


def is_hot(splitset: Splitset) -> bool:
    """Return whether the cache is complete, undamaged and of this content."""
    return is_complete(cache_folder_of(splitset), _key(splitset))


def cache_all(splitset: Splitset) -> None:
    """Write the cache unless it is there; fits are made where they are missing."""
    if is_hot(splitset):
        _make_fits(splitset)
        return
    folder, key = cache_folder_of(splitset), _key(splitset)
    arrays: dict[str, CachedArray] = {}
    start_cache(folder, key)
    folds = [(fold, checked_rows(splitset, fold)) for fold in _folds(splitset)]
    if splitset.label is not None:
        values = splitset.label.to_df()
        for fold, rows in folds:
            arrays |= _write_label(splitset, (fold, rows), values, folder)
    for index, feature in enumerate(splitset.features):
        # opened once: its data serve every fold
        with opened(feature) as source:
            for fold, rows in folds:
                arrays |= _write_feature(splitset, (fold, rows), source, index, folder)
    finish_cache(folder, Manifest(key, arrays))


def _make_fits(splitset: Splitset) -> None:
    """Fit what is not fitted, where a Splitset of equal content wrote the cache."""
    folds, features = _folds(splitset), splitset.features
    owners = len(features) + (splitset.label is not None)
    if splitset.fits.count() == len(folds) * owners:
        return
    places = [(fold, checked_rows(splitset, fold)) for fold in folds]
    if splitset.label is not None:
        for fold in folds:
            fit_of_label(splitset, fold)
    for feature in features:
        with opened(feature) as source:
            for fold, rows in places:
                fit_of_source(splitset, fold, source, rows)


def _write_label(
    splitset: Splitset, place: tuple[Fold | None, FoldRows], values: pd.DataFrame, folder: Path
) -> dict[str, CachedArray]:
    fold, rows = place
    frame = label_frame(splitset.supervising_label(), rows, values)
    encoded = fit_of_frame(splitset, fold, frame, rows).encode(frame)
    paths = {array_path(_fold_key(fold), name, "label"): rows.rows(name) for name in rows.splits}
    return {path: write_array(folder / path, encoded[own]) for path, own in paths.items()}


def _write_feature(
    splitset: Splitset,
    place: tuple[Fold | None, FoldRows],
    source: OpenFeature,
    index: int,
    folder: Path,
) -> dict[str, CachedArray]:
    """Write one Feature of a fold, and the target where it is an unsupervised one's first."""
    fold, samples = place
    rules = source.rules
    rows = replace(samples, windows=rules.windows)
    fit = fit_of_source(splitset, fold, source, samples)
    shape = rules.encoded_shape(source.raw.sample_shape, len(fit.encoded_columns))
    names = [f"feature_{index}"]
    if index == 0 and splitset.label is None and _has_target(rules):
        names.append("label")
    written: dict[str, CachedArray] = {}
    for split, own in rows.splits.items():
        encoded = source.raw.split(fit, split, rows)
        blocks = prepared_blocks(encoded, rules, own, 8 * math.prod(shape))
        paths = [array_path(_fold_key(fold), split, name) for name in names]
        written |= _write_blocks(folder, paths, blocks, len(own))
    return written


def _has_target(rules: FeatureRules) -> bool:
    return rules.windows is None or rules.windows.is_shifted


def _write_blocks(
    folder: Path, paths: list[str], blocks: Iterator[Block], count: int
) -> dict[str, CachedArray]:
    """Write a Feature, and its target if there are two paths, while they are encoded."""
    with ExitStack() as stack:
        writers = [stack.enter_context(npy_writer(folder / path, count)) for path in paths]
        for block in blocks:
            for writer, part in zip(writers, (block.features, block.target), strict=False):
                assert part is not None
                writer.add(part)
        return {path: writer.facts() for path, writer in zip(paths, writers, strict=True)}


def clear(splitset: Splitset) -> None:
    """Remove the cached samples."""
    clear_cache(cache_folder_of(splitset))


def read_splits(splitset: Splitset, fold: Fold | None) -> dict[str, CachedSplit]:
    """Return every split of a fold; caches first if need be."""
    try:
        return _read(splitset, fold)
    except NotReady:
        cache_all(splitset)
        return _read(splitset, fold)


def _read(splitset: Splitset, fold: Fold | None) -> dict[str, CachedSplit]:
    folder, key = cache_folder_of(splitset), _key(splitset)
    names = splitset.samples if fold is None else fold.samples
    return {name: CachedSplit(*read_cache(folder, _fold_key(fold), name, key)) for name in names}


def fetch(
    splitset: Splitset, split: str, label_features: str, fold_id: Any, library: str | None
) -> Any:
    """Return one part of one split; see `Splitset.fetch_cache`."""
    if label_features not in {"label", "features"}:
        msg = f"label_features={label_features!r} is not known."
        raise InvalidInput(msg, hint="Use 'label' or 'features'.", value=label_features)
    fold = _fold(splitset, fold_id)
    splits = splitset.samples if fold is None else fold.samples
    if split not in splits:
        place = repr(splitset if fold is None else fold)
        msg = f"{place} has no split {split!r}."
        raise InvalidSplit(msg, hint=f"Use one of {list(splits)}.", value=split)
    cached = read_splits(splitset, fold)[split]
    _make_fits(splitset)
    found = cached.label if label_features == "label" else cached.features
    if (
        found is None
        or library is None
        or one_of(Library, library, "library") is not Library.PYTORCH
    ):
        return found
    if isinstance(found, list):
        return [_tensor(one, np.float32) for one in found]
    is_class = label_features == "label" and splitset.label is not None
    return _tensor(found, np.int64 if is_class and found.dtype.kind in "iu" else np.float32)


def _tensor(array: Array, dtype: type[np.generic]) -> Any:
    return load("torch").from_numpy(np.array(array, dtype=dtype))


def _fold(splitset: Splitset, fold_id: Any) -> Fold | None:
    if fold_id is None:
        if splitset.fold_count:
            msg = f"{splitset!r} has {splitset.fold_count} folds, and fold_id is None."
            ids = [fold.id for fold in splitset.folds.order_by(Fold.idx)]
            raise InvalidSplit(msg, hint=f"Give one of {ids}.", value=None)
        return None
    fold = Fold.of(fold_id)
    if fold.splitset != splitset:
        msg = f"{fold!r} belongs to {fold.splitset!r}, not to {splitset!r}."
        raise InvalidSplit(msg, hint="Use a Fold of this Splitset.", value=fold_id)
    return fold


def _folds(splitset: Splitset) -> list[Fold | None]:
    folds: list[Fold | None] = list(splitset.folds.order_by(Fold.idx))
    return folds or [None]


def _fold_key(fold: Fold | None) -> int | None:
    return None if fold is None else fold.idx


def feature_fits(splitset: Splitset, fold: Fold | None) -> list[FeatureFit]:
    """Return the fits of a fold's Features, in order."""
    return [fit_of_feature(splitset, fold, feature) for feature in splitset.features]


def _key(splitset: Splitset) -> str:
    facts = to_json([_CACHE_VERSION, splitset.sha256_hexdigest])
    return hashlib.sha256(facts.encode()).hexdigest()
