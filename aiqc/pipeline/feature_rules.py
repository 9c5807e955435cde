"""What is done to a Feature, and to which of its rows: interpolate, encode, window, shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiqc.core.types import Array, Shape
    from aiqc.pipeline.feature_fit import CoderStep
    from aiqc.pipeline.interpolate import InterpolateStep
    from aiqc.pipeline.shape import Shaper
    from aiqc.pipeline.window import Windows


@dataclass(frozen=True)
class FeatureRules:
    """The steps that are attached to a Feature, in the order in which they are applied."""

    #: in the order of the Feature
    columns: list[str]
    interpolaters: list[InterpolateStep]
    coders: list[CoderStep]
    windows: Windows | None
    shaper: Shaper | None

    def shaped(self, array: Array) -> Array:
        """Return encoded, windowed samples in the shape that the model gets."""
        return array if self.shaper is None else self.shaper.apply(array)

    def encoded_shape(self, sample_shape: Shape, width: int) -> Shape:
        """Return the shape of one encoded and windowed sample, before it is reshaped.

        Parameters
        ----------
        sample_shape
            Of one raw sample, columns last.
        width
            Number of encoded columns.
        """
        window = () if self.windows is None else (self.windows.size,)
        return (*window, *sample_shape[:-1], width)


@dataclass(frozen=True)
class FoldRows:
    """The rows of the data that the samples of each split stand for.

    Without windows a sample is a row. With windows it is a window, and a row may belong to
    several samples, and so to several splits.
    """

    #: split -> samples
    splits: Mapping[str, Array]
    #: the split that models train on
    key_train: str
    windows: Windows | None = None

    def fit_rows(self) -> Array:
        """Return the rows that coders learn from: those of the unshifted training windows."""
        return self._rows(self.key_train, shifted=False)

    def train_rows(self) -> Array:
        """Return the rows that interpolation may learn from: targets of training windows too."""
        return self._rows(self.key_train, shifted=True)

    def rows(self, split: str) -> Array:
        """Return the distinct rows of a split: of its windows and of their targets."""
        return self._rows(split, shifted=True)

    def _rows(self, split: str, *, shifted: bool) -> Array:
        samples = np.asarray(self.splits[split], dtype=np.int64)
        return samples if self.windows is None else self.windows.rows(samples, shifted=shifted)


def shared_counts(folds: Mapping[str, FoldRows]) -> list[tuple[str, str, int]]:
    """Return (split, split, rows) for every pair of splits of a fold that share rows.

    Parameters
    ----------
    folds
        Prefix of the split names, such as '' or '0/' -> the rows of that fold.

    Examples
    --------
    >>> from aiqc.pipeline.window import plan_windows
    >>> windows = plan_windows(10, 3, 2)
    >>> splits = {"train": np.array([0, 1]), "test": np.array([2])}
    >>> shared_counts({"": FoldRows(splits, "train", windows)})
    [('train', 'test', 3)]
    """
    found = []
    for prefix, fold in folds.items():
        rows = {name: fold.rows(name) for name in fold.splits}
        names = list(rows)
        for position, one in enumerate(names):
            for other in names[position + 1 :]:
                count = len(np.intersect1d(rows[one], rows[other], assume_unique=True))
                if count:
                    found.append((f"{prefix}{one}", f"{prefix}{other}", count))
    return found
