"""A coder: one scikit-learn preprocessor, fitted to some columns of a frame."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import EncodingDimension
from aiqc.core.errors import InvalidCoder, InvalidData
from aiqc.pipeline.coder_names import name_outputs
from aiqc.pipeline.coder_rules import CATEGORICAL, PreparedCoder, prepare_coder, steps_of
from aiqc.pipeline.columns import numbers
from aiqc.pipeline.decoding import lost_columns, undo
from aiqc.pipeline.table import Table, as_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aiqc.core.types import Array

__all__ = [
    "FittedCoder",
    "PreparedCoder",
    "fit_coder",
    "prepare_coder",
    "trial_dimension",
    "trial_fit",
]

#: they compute in float64: of large numbers with a small spread, the difference from the mean is
#: little more than rounding in float32
_SCALERS = frozenset(
    {
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "PowerTransformer",
        "QuantileTransformer",
    }
)


@dataclass(frozen=True, slots=True)
class FittedCoder:
    """The fitted estimators of one coder and the columns they make."""

    #: one for all columns (`2D_multiColumn`), else one a column
    estimators: list[Any]
    dimension: EncodingDimension
    #: original columns
    columns: list[str]
    #: encoded columns, e.g. `colour_red`
    names: list[str]
    #: original column -> positions in the output that depend on it
    groups: dict[str, list[int]]
    #: encoded columns of each estimator
    widths: list[int]

    def transform(self, frame: pd.DataFrame | Table) -> Array:
        """Return the encoded columns of a table, `(samples, encoded columns)`, numeric.

        The table is never written into. Scalers compute in float64, and so do most coders of
        float16; what they make of these is float32.

        Raises
        ------
        InvalidData
            If a category was not seen when fitting, or the values cannot be encoded; names
            column and value.
        """
        inputs = inputs_of(as_table(frame), self.columns, self.dimension)
        parts = [
            self._encode(estimator, values, columns)
            for estimator, (values, columns) in zip(self.estimators, inputs, strict=True)
        ]
        for part, width in zip(parts, self.widths, strict=True):
            if part.shape[1] != width:
                msg = f"The columns {self.columns} gave {part.shape[1]} encoded columns, "
                msg += f"not {width} as when fitting."
                raise InvalidData(msg, hint="Fit the coder again.", columns=self.columns)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def inverse_transform(self, array: Array) -> Array:
        """Return original values `(samples, columns)` of encoded ones.

        Parameters
        ----------
        array
            `(samples, encoded columns)`; never written into.

        Raises
        ------
        InvalidCoder
            If the preprocessor has no way back.
        """
        stops = np.cumsum(self.widths)[:-1]
        blocks = np.split(array, stops, axis=1)
        parts = [
            self._undo(estimator, block)
            for estimator, block in zip(self.estimators, blocks, strict=True)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    @property
    def lossy_columns(self) -> list[str]:
        """The columns whose values `inverse_transform` cannot give back."""
        count = len(self.columns) // len(self.estimators)
        return [
            self.columns[index * count + position]
            for index, estimator in enumerate(self.estimators)
            for position in lost_columns(estimator, count)
        ]

    def _undo(self, estimator: Any, block: Array) -> Array:
        one_d = self.dimension is EncodingDimension.ONE_D and block.shape[1] == 1
        if not one_d:
            return undo(estimator, block)
        return np.asarray(estimator.inverse_transform(block[:, 0].copy())).reshape(-1, 1)

    def _encode(self, estimator: Any, values: Array, columns: list[str]) -> Array:
        exact = widened(estimator, values)
        try:
            output = estimator.transform(exact)
        except (ValueError, TypeError) as error:
            _raise_unknown(estimator, values, columns, error)
            msg = f"{type(estimator).__name__} cannot encode {columns}: {error}"
            hint = "Compare the columns with those that the coder was fitted to."
            raise InvalidData(msg, hint=hint, columns=columns) from error
        encoded = numbers(output, len(values), f"{type(estimator).__name__} of {columns}")
        return encoded if exact is values else encoded.astype(np.float32)


def trial_dimension(
    prepared: PreparedCoder, frame: pd.DataFrame | Table, label: Array | None = None
) -> EncodingDimension:
    """Return the shape in which a preprocessor accepts columns; see `trial_fit`."""
    return trial_fit(prepared, frame, label).dimension


def trial_fit(
    prepared: PreparedCoder, frame: pd.DataFrame | Table, label: Array | None = None
) -> FittedCoder:
    """Fit a preprocessor in the first shape it accepts: all columns, one by one in 2-D, or in 1-D.

    Parameters
    ----------
    prepared
        An accepted preprocessor.
    frame
        The columns it is meant for, all rows.
    label
        `(samples,)`, for preprocessors that need the target.

    Returns
    -------
    FittedCoder
        In the first shape in which fitting and transforming both worked.

    Raises
    ------
    InvalidCoder
        If none works; lists each column's dtype and each attempt's error.
    """
    if prepared.needs_label and label is None:
        msg = f"{prepared.name} learns from the target, and there is no Label."
        raise InvalidCoder(msg, hint="Add a Label, or use OrdinalEncoder().", value=prepared.name)
    table = as_table(frame)
    width = len(table.names)
    if prepared.for_label and width > 1:
        msg = f"{prepared.name} cannot encode a Label of {width} columns: it is one-hot."
        raise InvalidCoder(msg, hint="A one-hot Label needs no LabelCoder.", value=prepared.name)
    attempts = []
    for dimension in EncodingDimension:
        found = _attempt(prepared, dimension, table, label)
        if isinstance(found, FittedCoder):
            return found
        attempts.append(f"{dimension}: {found}")
    dtypes = table.dtypes()
    msg = f"{prepared.name} cannot encode {dtypes}. Tried " + " | ".join(attempts)
    hint = "Filter the columns by dtypes= or columns=, or use another preprocessor."
    raise InvalidCoder(msg, hint=hint, dtypes=dtypes, attempts=attempts)


def fit_coder(
    prepared: PreparedCoder,
    dimension: EncodingDimension,
    frame: pd.DataFrame | Table,
    label: Array | None = None,
) -> FittedCoder:
    """Fit a preprocessor to the rows of a frame.

    Parameters
    ----------
    prepared
        An accepted preprocessor; it stays unfitted.
    dimension
        What `trial_dimension` found. Per column, every column gets an estimator of its own.
    frame
        The rows and columns to learn from; a Table or a frame.
    label
        `(samples,)` of the same rows, for preprocessors that need the target.

    Raises
    ------
    InvalidCoder
        If the preprocessor cannot learn from these rows, such as a spline from one.
    """
    table = as_table(frame)
    try:
        return _fitted(prepared, dimension, table, label)
    except (ValueError, TypeError) as error:
        raise cannot_learn(prepared, table, error) from error


def cannot_learn(prepared: PreparedCoder, table: Table, error: Exception) -> InvalidCoder:
    """Return the error of a preprocessor that refuses the rows it is to learn from."""
    lines = str(error).splitlines() or [type(error).__name__]
    msg = f"{prepared.name} cannot learn from {len(table)} rows of {table.names}: {lines[0]}"
    hint = "Correct these values, train on more rows, or use another preprocessor."
    return InvalidCoder(msg, hint=hint, columns=table.names, rows=len(table))


def _fitted(
    prepared: PreparedCoder, dimension: EncodingDimension, table: Table, label: Array | None
) -> FittedCoder:
    target = label if prepared.needs_label else None
    estimators = []
    for values, _ in inputs_of(table, table.names, dimension):
        estimators.append(unfitted(prepared))
        _fit(estimators[-1], values, target)
    return describe_coder(estimators, dimension, table.at(slice(0, 1)))


def unfitted(prepared: PreparedCoder) -> Any:
    """Return a copy of a preprocessor's estimator, to be fitted."""
    from sklearn.base import clone

    return clone(prepared.estimator)


def describe_coder(
    estimators: list[Any], dimension: EncodingDimension, probe: Table
) -> FittedCoder:
    """Return fitted estimators with the names and widths of what they make.

    Parameters
    ----------
    estimators
        Fitted: one for all columns, else one a column.
    dimension
        How they take the columns.
    probe
        A row of the columns, on which the widths are found.
    """
    names: list[str] = []
    widths: list[int] = []
    groups: dict[str, list[int]] = {}
    inputs = inputs_of(probe, probe.names, dimension)
    for estimator, (values, columns) in zip(estimators, inputs, strict=True):
        width = _width(estimator, values, columns)
        outputs = name_outputs(estimator, columns, width)
        for column in columns:
            groups[column] = [sum(widths) + i for i in outputs.groups[column]]
        names += outputs.names
        widths.append(width)
    return FittedCoder(estimators, dimension, probe.names, names, groups, widths)


def widened(estimator: Any, values: Array) -> Array:
    """Return short floats as float64, where their own precision would not do; else as they are.

    float32 for a scaler, or a Pipeline with one; float16 for all but categorical coders, which
    name their outputs by the values.
    """
    if values.dtype.kind != "f" or values.dtype.itemsize >= np.dtype(np.float64).itemsize:
        return values
    names = {type(part).__name__ for part in steps_of(estimator)}
    is_half = values.dtype.itemsize == np.dtype(np.float16).itemsize
    if names & _SCALERS or (is_half and not names & CATEGORICAL):
        return values.astype(np.float64)
    return values


def _fit(estimator: Any, values: Array, target: Array | None) -> None:
    values = widened(estimator, values)
    if target is None:
        estimator.fit(values)
        return
    for part in steps_of(estimator):
        # whole numbers of a continuous label are no classes, as scikit-learn would guess
        if target.dtype.kind == "f" and getattr(part, "target_type", None) == "auto":
            part.set_params(target_type="continuous")
    estimator.fit(values, target)


def _width(estimator: Any, probe: Array, columns: list[str]) -> int:
    source = f"{type(estimator).__name__} of {columns}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = estimator.transform(widened(estimator, probe))
    return int(numbers(made, len(probe), source).shape[1])


def inputs_of(
    table: Table, names: list[str], dimension: EncodingDimension
) -> list[tuple[Array, list[str]]]:
    """Return a private array and its columns for every estimator."""
    if dimension is EncodingDimension.MULTI_COLUMN:
        return [(table.raw(names), names)]
    arrays = [(table.raw([name]), [name]) for name in names]
    if dimension is EncodingDimension.ONE_D:
        return [(values[:, 0].copy(), columns) for values, columns in arrays]
    return arrays


def _attempt(
    prepared: PreparedCoder,
    dimension: EncodingDimension,
    table: Table,
    label: Array | None,
) -> FittedCoder | str:
    """Return the fitted coder if a shape works, else the error in one line."""
    from sklearn.exceptions import DataConversionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # scikit-learn would take a column where it wants 1-D, and complain at every fit
        warnings.simplefilter("error", DataConversionWarning)
        try:
            fitted = _fitted(prepared, dimension, table, label)
            fitted.transform(table)
        except Exception as error:  # noqa: BLE001  scikit-learn raises any kind on a shape
            lines = str(error).splitlines() or [""]
            return f"{type(error).__name__}: {lines[0]}"
    return fitted


def _raise_unknown(
    estimator: Any, values: Array, columns: Sequence[str], error: Exception
) -> None:
    """Raise if the reason is a category that fitting had not seen."""
    known = getattr(estimator, "categories_", None)
    if known is None:
        known = [estimator.classes_] if hasattr(estimator, "classes_") else []
    table = values.reshape(len(values), -1)
    for position, (column, categories) in enumerate(zip(columns, known, strict=False)):
        unknown = unseen(table[:, position], categories)
        if unknown:
            msg = f"The column {column!r} holds {unknown[0]!r}, which was not seen when fitting."
            shown = np.asarray(categories[:20]).tolist()
            hint = f"Known are {shown}; correct the value or add such rows and refit."
            raise InvalidData(msg, hint=hint, column=column, value=unknown[0]) from error


def unseen(values: Array, categories: Array) -> list[Any]:
    """Return the values that are not among the categories, each once, in order of rows."""
    known = set(np.asarray(categories).tolist())
    missing = any(value != value or value is None for value in known)
    found: dict[Any, None] = {}
    for value in np.asarray(values).tolist():
        empty = value is None or value != value
        if value not in known and not (empty and missing):
            found[value] = None
    return list(found)
