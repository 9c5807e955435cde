"""Data, and Features of them, that the tests of prepared samples share; plain-loop oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from aiqc.orm import (
    Dataset,
    Feature,
    FeatureCoder,
    Label,
)

RNG = np.random.default_rng(5)
#: columns of very different scales, so that no mix-up passes
SEQUENCE = RNG.normal(size=(40, 5, 3)) * [1, 100, 1e4] + [5, -300, 7e4]
IMAGES = RNG.integers(0, 256, size=(24, 2, 4, 6)).astype(np.uint8)
SERIES = pd.DataFrame(
    {
        "a": np.arange(60.0),
        "b": RNG.normal(-40, 9, 60),
        "kind": RNG.choice(["red", "green"], 60),
    }
)


def sequence(array: np.ndarray = SEQUENCE, **kwargs: Any) -> Feature:
    return Feature.from_dataset(Dataset.Sequence.from_numpy(array, **kwargs))


def images(array: np.ndarray = IMAGES) -> Feature:
    return Feature.from_dataset(Dataset.Image.from_numpy(array))


def table(frame: pd.DataFrame = SERIES, columns: list[str] | None = None) -> Feature:
    return Feature.from_dataset(Dataset.Tabular.from_df(frame), columns)


def label_of(values: Any) -> Label:
    return Label.from_dataset(Dataset.Tabular.from_df(pd.DataFrame({"y": values})))


def coded(feature: Feature, *coders: tuple[Any, Any]) -> Feature:
    for estimator, columns in coders:
        FeatureCoder.from_feature(feature, estimator, columns=columns, verbose=False)
    return feature


def seen_rows(samples: list[int], starts: list[int], size: int) -> list[int]:
    """Return the distinct rows of some windows, by plain loops."""
    return sorted({row for i in samples for row in range(starts[i], starts[i] + size)})


def starts_of(rows: int, size: int, shift: int) -> list[int]:
    """Return the first row of each unshifted window that has a target, counted from the end."""
    starts = []
    start = rows - size - shift
    while start >= 0:
        starts.append(start)
        start -= shift
    return starts[::-1]


def gappy() -> pd.DataFrame:
    frame = pd.DataFrame({"x": np.arange(50.0), "b": np.sin(np.arange(50.0))})
    frame.loc[[3, 4, 11, 20, 21, 22, 33, 47], "x"] = np.nan
    frame.loc[[0, 9, 30, 49], "b"] = np.nan
    return frame
