"""Caching a Splitset beside the same scikit-learn calls on arrays that are in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks._harness import Cost, Figure, compared, cost, fresh_store, pinned, spread

if TYPE_CHECKING:
    from aiqc.orm import Splitset

ROWS, COLUMNS = 200_000, 29
REPEATS = 14
#: first turns that are not counted: the process grows to its size in them
WARM = 2
#: columns of each coder
PARTS = (slice(0, 10), slice(10, 20), slice(20, 29))


def measure() -> list[Figure]:
    """Time of `cache_samples` on a fresh Splitset: reading, fits and files included."""
    with pinned():
        return _pairs()


def _pairs() -> list[Figure]:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(ROWS, COLUMNS)) * rng.uniform(0.1, 100, COLUMNS)
    target = values @ rng.normal(size=COLUMNS)
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for turn in range(REPEATS + WARM):
        with fresh_store(), tempfile.TemporaryDirectory() as folder:
            splitset = _splitset(values, target)
            splits = {name: np.array(rows) for name, rows in splitset.samples.items()}
            place = Path(folder)
            actions = [
                splitset.cache_samples,
                lambda s=splits, p=place: _arrays(values, target, s, p),
            ]
            found = [cost(actions[which]) for which in ((0, 1) if turn % 2 else (1, 0))]
            if not turn % 2:
                found.reverse()
            _check_equal(splitset, place)
        if turn >= WARM:
            ours.append(found[0])
            theirs.append(found[1])
    name = "cache_samples 200k x 29, 3 coders / scikit-learn"
    return [
        *compared(name, ours, theirs, at_most=1.3),
        spread("cache_samples 200k x 29, 3 coders", [one.wall for one in ours], "s"),
    ]


def _coders() -> list[Any]:
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    return [StandardScaler(), MinMaxScaler(), RobustScaler()]


def _splitset(values: Any, target: Any) -> Splitset:
    from aiqc.orm import Dataset, Feature, FeatureCoder, Label, Splitset

    names = [f"column_{i}" for i in range(COLUMNS)]
    frame = pd.DataFrame(values, columns=names).assign(target=target)
    dataset = Dataset.Tabular.from_df(frame)
    feature = Feature.from_dataset(dataset, exclude_columns="target")
    for coder, part in zip(_coders(), PARTS, strict=True):
        FeatureCoder.from_feature(feature, coder, columns=names[part], verbose=False)
    label = Label.from_dataset(dataset, columns="target")
    return Splitset.make(feature, label, size_test=0.2, size_validation=0.1)


def _arrays(values: Any, target: Any, splits: dict[str, Any], folder: Path) -> None:
    """Do with scikit-learn alone what `cache_samples` does."""
    train = values[splits["train"]]
    coders = [coder.fit(train[:, part]) for coder, part in zip(_coders(), PARTS, strict=True)]
    for name, rows in splits.items():
        own = values[rows]
        encoded = [
            coder.transform(own[:, part]) for coder, part in zip(coders, PARTS, strict=True)
        ]
        np.save(folder / f"{name}_features.npy", np.hstack(encoded))
        np.save(folder / f"{name}_label.npy", target[rows].reshape(-1, 1))


def _check_equal(splitset: Splitset, folder: Path) -> None:
    for name in splitset.samples:
        for part in ("features", "label"):
            same = np.load(folder / f"{name}_{part}.npy")
            if not np.allclose(splitset.fetch_cache(name, part), same, rtol=1e-12, atol=1e-12):
                msg = f"{part} of {name} differ."
                raise AssertionError(msg)
