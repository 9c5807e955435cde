"""The samples cache of a Splitset: fit, encode, write; or read what is there (spec/003 §8)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core import settings
from aiqc.core.codecs import to_json
from aiqc.core.enums import Library
from aiqc.core.errors import InvalidInput, InvalidSplit, NotReady
from aiqc.core.lazy import load
from aiqc.orm._lists import one_of
from aiqc.orm.fit import fit_of_feature, fit_of_label
from aiqc.orm.fold import Fold
from aiqc.pipeline.cache import (
    CachedArray,
    Manifest,
    clear_cache,
    finish_cache,
    is_complete,
    read_cache,
    start_cache,
    write_cache,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aiqc.core.types import Array, Features
    from aiqc.orm.splitset import Splitset
    from aiqc.pipeline.feature_fit import FeatureFit

#: grows when the same fits would be cached as other values
_CACHE_VERSION = 1


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
        return
    folder, key = cache_folder_of(splitset), _key(splitset)
    arrays: dict[str, CachedArray] = {}
    start_cache(folder, key)
    for fold in _folds(splitset):
        for split, label, features in _encoded(splitset, fold):
            arrays |= write_cache(folder, _fold_key(fold), split, label, features)
    finish_cache(folder, Manifest(key, arrays))


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
    found = cached.label if label_features == "label" else cached.features
    if library is None or one_of(Library, library, "library") is not Library.PYTORCH:
        return found
    return [_tensor(one) for one in found] if isinstance(found, list) else _tensor(found)


def _tensor(array: Any) -> Any:
    torch = load("torch")
    kept = array.dtype.kind in "iu"
    return torch.from_numpy(np.array(array, dtype=np.int64 if kept else np.float32))


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


def _encoded(
    splitset: Splitset, fold: Fold | None
) -> Iterator[tuple[str, Array | None, Features]]:
    matrices = [
        fit_of_feature(splitset, fold, feature).transform(feature.to_df())
        for feature in splitset.features
    ]
    label = splitset.label
    encoded = None if label is None else fit_of_label(splitset, fold).encode(label.to_df())
    splits: Mapping[str, list[int]] = splitset.samples if fold is None else fold.samples
    for name, samples in splits.items():
        rows = np.asarray(samples, dtype=np.int64)
        # without a Label the target is the encoded input (RULINGS, Preparation)
        target = matrices[0][rows] if encoded is None else encoded[rows]
        features = [matrix[rows] for matrix in matrices]
        yield name, target, features if len(features) > 1 else features[0]


def feature_fits(splitset: Splitset, fold: Fold | None) -> list[FeatureFit]:
    """Return the fits of a fold's Features, in order."""
    return [fit_of_feature(splitset, fold, feature) for feature in splitset.features]


def _key(splitset: Splitset) -> str:
    facts = to_json([_CACHE_VERSION, splitset.sha256_hexdigest])
    return hashlib.sha256(facts.encode()).hexdigest()
