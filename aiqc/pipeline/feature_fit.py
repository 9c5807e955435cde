"""The fitted coder chain of one Feature, for one Splitset or Fold."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from aiqc.core.errors import InvalidColumns
from aiqc.pipeline.columns import nan_columns
from aiqc.pipeline.fit_bytes import coder_from, coder_header, pack_fit, unpack_fit
from aiqc.pipeline.saw import Saw
from aiqc.pipeline.table import Table, as_table, flat_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aiqc.core.enums import EncodingDimension
    from aiqc.core.types import Array
    from aiqc.pipeline.coder import FittedCoder, PreparedCoder

__all__ = ["CoderStep", "FeatureFit", "nan_columns", "show_fitted"]

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

    @property
    def lossy_columns(self) -> list[str]:
        """The columns that `inverse_transform` cannot give back, in data-set order."""
        lost = {column for coder in self.coders for column in coder.lossy_columns}
        return [column for column in self.columns if column in lost]

    def transform(self, frame: pd.DataFrame | Table) -> Array:
        """Return the encoded Feature, `(samples, encoded columns)`, numeric; NaN stay NaN.

        The dtype is the common one of all parts: float64, unless every column is float32 or
        an integer.

        Parameters
        ----------
        frame
            A frame or Table with the Feature's columns; never written into.

        Raises
        ------
        InvalidColumns
            If the frame lacks a column.
        InvalidData
            If a category is unknown or a leftover column is not numeric.
        """
        table = as_table(frame)
        missing = [column for column in self.columns if column not in table.names]
        if missing:
            msg = f"The columns {missing} are missing."
            raise InvalidColumns(msg, hint=f"Provide all of {self.columns}.", columns=missing)
        parts = [coder.transform(table) for coder in self.coders]
        if len(parts) == 1 and not self.leftover:
            return np.ascontiguousarray(parts[0])
        return _beside(parts, table.leftover(self.leftover))

    def transform_array(self, array: Array) -> Array:
        """Return encoded samples of any number of axes, `(..., encoded columns)`.

        Coders see every position but that on the last axis as a row of columns.

        Parameters
        ----------
        array
            `(..., columns)`, in the order of the Feature's columns; never written into.

        Raises
        ------
        InvalidColumns
            If the last axis has another length.
        InvalidData
            If a category is unknown.
        """
        self._check_width(array, len(self.columns), "columns")
        encoded = self.transform(flat_table(array, self.columns))
        return encoded.reshape(*array.shape[:-1], encoded.shape[1])

    def inverse_transform(self, array: Array) -> Array:
        """Return original values of encoded ones, `(..., columns)` in the Feature's own order.

        Imputed values stay; codes that a model predicts are rounded to the nearest code.

        Parameters
        ----------
        array
            `(..., encoded columns)`; never written into.

        Returns
        -------
        ndarray
            float64 where every column holds numbers, else Python objects.

        Raises
        ------
        InvalidCoder
            If a coder has no way back; see `lossy_columns`.
        InvalidColumns
            If the last axis has another length.
        """
        self._check_width(array, len(self.encoded_columns), "encoded columns")
        flat = array.reshape(-1, array.shape[-1])
        found: dict[str, Array] = {}
        start = 0
        for coder in self.coders:
            stop = start + len(coder.names)
            # a new array: coders write into what they are given
            original = coder.inverse_transform(flat[:, start:stop].astype(np.float64))
            found |= {column: original[:, i] for i, column in enumerate(coder.columns)}
            start = stop
        found |= {column: flat[:, start + i] for i, column in enumerate(self.leftover)}
        is_text = any(values.dtype.kind not in "biuf" for values in found.values())
        decoded: Array = np.empty(
            (len(flat), len(self.columns)), dtype=object if is_text else np.float64
        )
        for position, column in enumerate(self.columns):
            decoded[:, position] = found[column]
        return decoded.reshape(*array.shape[:-1], len(self.columns))

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

    def _check_width(self, array: Array, width: int, what: str) -> None:
        if array.shape[-1] != width:
            msg = f"The array of shape {array.shape} has {array.shape[-1]} {what}, not {width}."
            hint = f"The columns are {self.columns}, encoded {self.encoded_columns}."
            raise InvalidColumns(msg, hint=hint, columns=self.columns)


def _beside(parts: list[Array], lanes: list[Array]) -> Array:
    """Return blocks and then single columns beside one another, in one pass over each."""
    rows = len(parts[0]) if parts else len(lanes[0])
    blocks = parts + [lane.reshape(-1, 1) for lane in lanes]
    width = sum(block.shape[1] for block in blocks)
    whole: Array = np.empty((rows, width), dtype=np.result_type(*blocks))
    start = 0
    for block in blocks:
        whole[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    return whole


def show_fitted(coders: Sequence[FittedCoder]) -> list[list[Any]]:
    """Return copies of fitted estimators that a caller may change; they copy their input."""
    shown = copy.deepcopy([coder.estimators for coder in coders])
    for estimators in shown:
        for estimator in estimators:
            if "copy" in estimator.get_params(deep=False):
                estimator.set_params(copy=True)
    return shown
