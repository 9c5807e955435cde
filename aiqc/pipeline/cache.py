"""The samples cache: encoded arrays of each split on disk, memory-mapped, never half trusted."""

from __future__ import annotations

import re
import shutil
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core import settings
from aiqc.core.codecs import from_json, to_json
from aiqc.core.errors import CorruptBlob, InvalidInput, NotReady
from aiqc.pipeline.npy_writer import CachedArray, refuse_objects, replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aiqc.core.types import Array, Features

__all__ = [
    "CachedArray",
    "Manifest",
    "array_path",
    "clear_all_caches",
    "clear_cache",
    "finish_cache",
    "is_complete",
    "read_array",
    "read_cache",
    "start_cache",
    "write_array",
    "write_cache",
]

#: folder of a splitset without folds
NO_FOLD = "no_fold"
#: written first: this folder is ours and may be removed
MARKER = ".aiqc_cache"
#: written last: everything before it is there
MANIFEST = "manifest.json"

_FOLD_KEY = re.compile(rf"{NO_FOLD}|\d+")
_SPLIT_NAME = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a complete cache holds."""

    #: digest of everything upstream that decides the values
    key: str
    #: path inside the cache, with slashes -> its array
    arrays: Mapping[str, CachedArray]


def write_array(path: Path, array: Array) -> CachedArray:
    """Write an npy file at once or not at all; safe beside another writer of the same file.

    Raises
    ------
    InvalidInput
        If the array holds Python objects.
    """
    refuse_objects(array, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
        return CachedArray(array.shape, array.dtype.str, file.tell())


def read_array(path: Path) -> Array:
    """Return a cached array, memory-mapped and read-only.

    Raises
    ------
    NotReady
        If the file is missing, cut short or no npy file.
    """
    try:
        try:
            array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:
            # an array without values cannot be mapped; a damaged one fails here again
            array = np.load(path, allow_pickle=False)
            array.flags.writeable = False
    except (OSError, ValueError, EOFError) as error:
        msg = f"The cached array {str(path)!r} cannot be read: {error}."
        raise NotReady(msg, hint="Cache the samples again.", path=str(path)) from error
    return array


def start_cache(folder: Path, key: str) -> None:
    """Mark a folder as a cache that is being written; forget a manifest of other content."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    known = _stored_manifest(folder)
    if known is None or known.key != key:
        (folder / MANIFEST).unlink(missing_ok=True)


def write_cache(
    folder: Path, fold_key: str | int | None, split: str, label: Array | None, features: Features
) -> dict[str, CachedArray]:
    """Write the arrays of one split; return them for the manifest, by path.

    Parameters
    ----------
    folder
        The splitset's cache, after `start_cache`.
    fold_key
        Zero-based index of the fold; None or 'no_fold' without folds.
    split
        Name of the split.
    label
        Encoded label; None where inference has none.
    features
        One encoded array, or one a Feature.
    """
    arrays = {} if label is None else {"label": label}
    listed = features if isinstance(features, list) else [features]
    arrays |= {f"feature_{index}": array for index, array in enumerate(listed)}
    paths = {array_path(fold_key, split, name): array for name, array in arrays.items()}
    return {path: write_array(folder / path, array) for path, array in paths.items()}


def array_path(fold_key: str | int | None, split: str, name: str) -> str:
    """Return the path of an array inside a cache, with slashes.

    Parameters
    ----------
    fold_key
        Zero-based index of the fold; None or 'no_fold' without folds.
    split
        Name of the split.
    name
        'label', or 'feature_0', ...
    """
    return f"{_place(fold_key, split)}/{name}.npy"


def finish_cache(folder: Path, manifest: Manifest) -> None:
    """Declare the cache complete, after all of its arrays are on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    with replacing(folder / MANIFEST) as file:
        file.write(to_json(asdict(manifest)).encode())


def is_complete(folder: Path, manifest: Manifest | str) -> bool:
    """Whether the folder holds a whole cache of this content.

    Parameters
    ----------
    folder
        The splitset's cache; it need not exist.
    manifest
        The content's key, or the manifest that the stored one must equal.
    """
    stored = _stored_manifest(folder)
    if stored is None:
        return False
    if stored != manifest if isinstance(manifest, Manifest) else stored.key != manifest:
        return False
    return all(_is_intact(folder / path, array) for path, array in stored.arrays.items())


def read_cache(
    folder: Path, fold_key: str | int | None, split: str, key: str | None = None
) -> tuple[Array | None, Features]:
    """Return (label, features) of one split, memory-mapped; a list for several Features.

    Only this split's files are looked at, so a job may read at once, and cache the samples
    when that raises, without `is_complete`.

    Parameters
    ----------
    folder
        The splitset's cache.
    fold_key
        Zero-based index of the fold; None or 'no_fold' without folds.
    split
        Name of the split.
    key
        Digest that the content must have; None: any.

    Raises
    ------
    NotReady
        If the cache is not complete, is of other content, lacks this split, or a file of the
        split is damaged.
    """
    stored = _stored_manifest(folder)
    place = _place(fold_key, split)
    arrays = {} if stored is None or key not in (None, stored.key) else stored.arrays
    names = [path for path in arrays if path.startswith(f"{place}/feature_")]
    if not names:
        msg = f"The cache {str(folder)!r} does not hold {place!r}."
        raise NotReady(msg, hint="Cache the samples first.", split=split)
    label_name = f"{place}/label.npy"
    label = _checked(folder, label_name, arrays) if label_name in arrays else None
    features = [
        _checked(folder, f"{place}/feature_{index}.npy", arrays) for index in range(len(names))
    ]
    return label, features[0] if len(features) == 1 else features


def clear_cache(folder: Path, root: Path | None = None) -> bool:
    """Remove one cache; whether there was one.

    Parameters
    ----------
    folder
        The splitset's cache.
    root
        The folder of all caches; None: `settings.cache_folder()`.

    Raises
    ------
    InvalidInput
        If the folder is not inside the root, or holds no cache of ours.
    """
    root = (root or settings.cache_folder()).resolve()
    inside = folder.resolve()
    if folder.is_symlink() or root not in inside.parents:
        msg = f"{str(folder)!r} is not inside the cache folder {str(root)!r}."
        raise InvalidInput(msg, hint="Only caches can be cleared.", path=str(folder))
    if not inside.exists():
        return False
    if not any((inside / name).is_file() for name in (MARKER, MANIFEST)):
        msg = f"{str(folder)!r} holds no cache of AIQC."
        raise InvalidInput(msg, hint="Remove it by hand if it should go.", path=str(folder))
    # renamed first, so that no reader or writer meets a cache with half of its files
    doomed = root / f".removed-{uuid.uuid4().hex}"
    try:
        inside.rename(doomed)
    except FileNotFoundError:
        # another process was faster
        return False
    shutil.rmtree(doomed)
    return True


def clear_all_caches(root: Path | None = None) -> int:
    """Remove every cache under the root, and nothing else; return how many."""
    root = root or settings.cache_folder()
    if not root.is_dir():
        return 0
    found = [path.parent for path in root.rglob(MARKER) if not path.parent.is_symlink()]
    return sum(clear_cache(folder, root) for folder in found if folder != root)


def _place(fold_key: str | int | None, split: str) -> str:
    fold = NO_FOLD if fold_key is None else str(fold_key)
    if not _FOLD_KEY.fullmatch(fold):
        msg = f"The fold {fold_key!r} is neither an index nor {NO_FOLD!r}."
        raise InvalidInput(msg, hint="Folds are counted from 0.", value=fold_key)
    if not _SPLIT_NAME.fullmatch(split):
        msg = f"The split name {split!r} is not a plain name."
        raise InvalidInput(msg, hint="Use letters, digits and underscores.", value=split)
    return f"{fold}/{split}"


def _stored_manifest(folder: Path) -> Manifest | None:
    try:
        stored = from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        arrays = {path: CachedArray(**facts) for path, facts in stored["arrays"].items()}
        return Manifest(stored["key"], arrays)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, CorruptBlob):
        # no manifest, or one that says nothing: the cache is written again
        return None


def _is_intact(path: Path, expected: CachedArray) -> bool:
    try:
        return _matches(path, read_array(path), expected)
    except (OSError, NotReady):
        return False


def _matches(path: Path, array: Array, expected: CachedArray) -> bool:
    found = CachedArray(array.shape, array.dtype.str, path.stat().st_size)
    return found == expected


def _checked(folder: Path, path: str, arrays: Mapping[str, CachedArray]) -> Array:
    array = read_array(folder / path)
    if not _matches(folder / path, array, arrays[path]):
        msg = f"The cached array {str(folder / path)!r} is not the one that was written."
        raise NotReady(msg, hint="Cache the samples again.", path=path)
    return array
