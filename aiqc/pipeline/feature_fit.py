"""The fitted coder chain of one Feature, for one Splitset or Fold."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aiqc.core.errors import InvalidColumns, InvalidData
from aiqc.pipeline.coder import FittedCoder, PreparedCoder, fit_coder
from aiqc.pipeline.columns import leftover_array, nan_columns
from aiqc.pipeline.fit_bytes import coder_from, coder_header, pack_fit, unpack_fit
from aiqc.pipeline.saw import Saw

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aiqc.core.enums import EncodingDimension
    from aiqc.core.types import Array

__all__ = ["FeatureFit", "fit_feature", "nan_columns"]

#: preprocessor, the shape it works in, and the columns it takes
CoderStep: TypeAlias = "tuple[PreparedCoder, EncodingDimension, Sequence[str]]"


@dataclass(frozen=True, slots=True)
class FeatureFit:
    """Coders fitted in order, and the columns that pass through.

    The order of the encoded columns is: outputs of the first coder, of the second, ..., then
    leftover columns in data-set order; the same in every process.
    """

    #: the Feature's columns, in data-set order
    columns: list[str]
    coders: list[FittedCoder]
    #: one a coder: the samples it learned from
    saw: list[Saw]
    #: columns that no coder takes, in data-set order
    leftover: list[str]

    @property
    def encoded_columns(self) -> list[str]:
        """Names of the encoded columns, in order."""
        return [name for coder in self.coders for name in coder.names] + self.leftover

    @property
    def groups(self) -> dict[str, list[int]]:
        """Original column to the positions that depend on it, in data-set order."""
        found: dict[str, list[int]] = {}
        start = 0
        for coder in self.coders:
            for column, positions in coder.groups.items():
                found[column] = [start + position for position in positions]
            start += len(coder.names)
        found |= {column: [start + i] for i, column in enumerate(self.leftover)}
        return {column: found[column] for column in self.columns}

    @property
    def fitted(self) -> list[list[Any]]:
        """Copies of the estimators of each coder; they may be changed, and copy their input."""
        return show_fitted(self.coders)

    def transform(self, frame: pd.DataFrame) -> Array:
        """Return the encoded Feature, `(samples, encoded columns)`, numeric; NaN stay NaN.

        The dtype is the common one of all parts: float64, unless every column is float32 or
        an integer.

        Parameters
        ----------
        frame
            Has the Feature's columns; never written into.

        Raises
        ------
        InvalidColumns
            If the frame lacks a column.
        InvalidData
            If a category is unknown or a leftover column is not numeric.
        """
        missing = [column for column in self.columns if column not in frame.columns]
        if missing:
            msg = f"The columns {missing} are missing."
            raise InvalidColumns(msg, hint=f"Provide all of {self.columns}.", columns=missing)
        parts = [coder.transform(frame) for coder in self.coders]
        if self.leftover:
            parts.append(leftover_array(frame[self.leftover]))
        return np.ascontiguousarray(np.concatenate(parts, axis=1))

    def to_bytes(self) -> bytes:
        """Return the fit as data, without pickle.

        Raises
        ------
        InvalidCoder
            If an estimator holds something that has no stored form.
        """
        saw_arrays, saw_marks = Saw.pack(self.saw)
        header = {
            "columns": self.columns,
            "leftover": self.leftover,
            "coders": [coder_header(coder) for coder in self.coders],
            "saw": saw_marks,
        }
        estimators = [coder.estimators for coder in self.coders]
        return pack_fit(header, estimators, saw_arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> FeatureFit:
        """Return the fit that `to_bytes` wrote.

        Raises
        ------
        CorruptBlob, UntrustedCode
            If the bytes are damaged or hold anything but listed scikit-learn types.
        """
        header, estimators, arrays = unpack_fit(data)
        coders = [
            coder_from(part, fitted)
            for part, fitted in zip(header["coders"], estimators, strict=True)
        ]
        saw = Saw.unpack(arrays, header["saw"])
        return cls(header["columns"], coders, saw, header["leftover"])


def fit_feature(
    coders: Sequence[CoderStep],
    columns: list[str],
    frame_all: pd.DataFrame,
    train_samples: Array,
    label_train: Array | None = None,
) -> FeatureFit:
    """Fit every coder of a Feature: categorical ones to all rows, all else to training rows.

    Parameters
    ----------
    coders
        In order; each takes its own columns.
    columns
        The Feature's columns, in data-set order.
    frame_all
        These columns of all samples.
    train_samples
        Positions of the training rows.
    label_train
        `(training rows,)` of the target, for coders that learn from it.

    Raises
    ------
    InvalidData
        If there is no training row, or a training row does not exist.
    """
    train = check_samples(train_samples, len(frame_all))
    frame_train = frame_all.iloc[train]
    fitted, saw = [], []
    for prepared, dimension, names in coders:
        only_train = prepared.only_fit_train
        frame = frame_train if only_train else frame_all
        fitted.append(fit_coder(prepared, dimension, frame[list(names)], label_train))
        saw.append(Saw.of(train if only_train else None, len(frame_all)))
    used = {name for coder in fitted for name in coder.columns}
    leftover = [column for column in columns if column not in used]
    return FeatureFit(list(columns), fitted, saw, leftover)


def check_samples(samples: Array, count: int) -> Array:
    """Return training rows as int64 positions; refuse none, and rows that do not exist."""
    rows = np.asarray(samples, dtype=np.int64)
    if rows.size == 0:
        msg = "There is no training row to fit a coder to."
        raise InvalidData(msg, hint="Make the training split larger.", samples=0)
    outside = rows[(rows < 0) | (rows >= count)]
    if outside.size:
        msg = f"The training row {int(outside[0])} does not exist: there are {count} rows."
        raise InvalidData(msg, hint=f"Rows are 0 to {count - 1}.", value=int(outside[0]))
    return rows


def show_fitted(coders: Sequence[FittedCoder]) -> list[list[Any]]:
    """Return copies of fitted estimators that a caller may change; they copy their input."""
    shown = copy.deepcopy([coder.estimators for coder in coders])
    for estimators in shown:
        for estimator in estimators:
            if "copy" in estimator.get_params(deep=False):
                estimator.set_params(copy=True)
    return shown
