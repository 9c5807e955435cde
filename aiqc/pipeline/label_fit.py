"""The fitted coder of a Label, and the way back to classes and units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidCoder, InvalidData
from aiqc.pipeline.chain_fit import check_samples
from aiqc.pipeline.coder import FittedCoder, PreparedCoder, fit_coder, unseen
from aiqc.pipeline.feature_fit import show_fitted
from aiqc.pipeline.fit_bytes import coder_from, coder_header, pack_fit, unpack_fit
from aiqc.pipeline.label_values import (
    check_label,
    class_array,
    is_strict_onehot,
    is_whole,
    sorted_classes,
    unique_classes,
)
from aiqc.pipeline.saw import Saw
from aiqc.pipeline.table import FrameTable

if TYPE_CHECKING:
    import pandas as pd

    from aiqc.core.enums import EncodingDimension
    from aiqc.core.types import Array

__all__ = ["LabelFit", "check_label", "fit_label", "is_strict_onehot", "unique_classes"]


@dataclass(frozen=True, slots=True)
class LabelFit:
    """How one Label is encoded and decoded; implements `core.types.LabelDecoder`."""

    #: the Label's columns: one, or several in one-hot form
    columns: list[str]
    coder: FittedCoder | None
    #: original class of each code, in order; None for numbers
    classes: Array | None
    #: whether the label holds classes (coded, one-hot, or not floats)
    is_categorical: bool
    #: the samples that the coder learned from; None without a coder
    saw: Saw | None

    @property
    def is_onehot(self) -> bool:
        """Whether the encoded label has a column for every class."""
        width = len(self.columns) if self.coder is None else len(self.coder.names)
        return self.classes is not None and width == len(self.classes) > 1

    @property
    def class_names(self) -> list[str]:
        """The classes as text, for plots; empty for numbers."""
        return [] if self.classes is None else [str(value) for value in self.classes.tolist()]

    @property
    def invertible(self) -> bool:
        """Whether `decode` gives the original values; False for Binarizer, which loses them."""
        return self._kind != "Binarizer"

    @property
    def fitted(self) -> Any:
        """A copy of the fitted estimator; None without a coder."""
        return None if self.coder is None else show_fitted([self.coder])[0][0]

    def encode(self, frame: pd.DataFrame) -> Array:
        """Return the encoded label, `(samples, label columns)`, numeric.

        Parameters
        ----------
        frame
            Has the Label's columns; never written into.

        Raises
        ------
        InvalidData
            If a value is missing, a class was not seen when fitting, or an uncoded label is
            text.
        """
        label = frame[self.columns]
        check_label(label)
        if len(self.columns) > 1:
            _check_onehot(label)
        elif self.coder is not None and self.classes is not None and self.invertible:
            self._check_known(label)
        if self.coder is not None:
            return self.coder.transform(label)
        values = FrameTable(label).raw(self.columns)
        if values.dtype.kind not in "biuf":
            msg = (
                f"The Label column {self.columns[0]!r} holds {label.dtypes.iloc[0]}, not numbers."
            )
            hint = "Add a LabelCoder, e.g. OrdinalEncoder() or OneHotEncoder()."
            raise InvalidData(msg, hint=hint, column=self.columns[0])
        return values.astype(np.int64) if values.dtype.kind == "b" else values

    def ordinal(self, encoded: Array) -> Array:
        """Return class codes `(samples,)` int64 of an encoded label, ordinal or one-hot.

        Raises
        ------
        InvalidData
            If the label has no classes, or a code is not one of them.
        """
        classes = self._known_classes()
        array = np.asarray(encoded)
        if array.ndim == 2 and array.shape[1] > 1:  # noqa: PLR2004  a matrix
            return np.asarray(np.argmax(array, axis=1), dtype=np.int64)
        return self._codes(array.reshape(-1), classes)

    def decode(self, values: Array) -> Array:
        """Return original classes of codes, or original units of encoded numbers.

        Parameters
        ----------
        values
            `(samples,)`, `(samples, 1)` or `(samples, encoded columns)`. One column per class
            is decoded by its largest value.

        Returns
        -------
        ndarray
            `(samples,)`. What is NaN or infinite stays so.

        Raises
        ------
        InvalidData
            If a code stands for no class.
        """
        array = np.asarray(values)
        if self.coder is None and len(self.columns) == 1:
            return self._decode_uncoded(array)
        if self.is_categorical and self.classes is not None:
            return np.asarray(self.classes[self.ordinal(array)])
        return self._units(array)

    def to_bytes(self) -> bytes:
        """Return the fit as data, without pickle."""
        arrays, marks = Saw.pack([] if self.saw is None else [self.saw])
        if self.classes is not None:
            arrays["classes"] = self.classes
        header = {
            "columns": self.columns,
            "is_categorical": self.is_categorical,
            "coder": None if self.coder is None else coder_header(self.coder),
            "saw": marks,
        }
        estimators = [] if self.coder is None else [self.coder.estimators]
        return pack_fit(header, estimators, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> LabelFit:
        """Return the fit that `to_bytes` wrote.

        Raises
        ------
        CorruptBlob, UntrustedCode
            If the bytes are damaged or hold anything but listed scikit-learn types.
        """
        header, estimators, arrays = unpack_fit(data)
        saw = Saw.unpack(arrays, header["saw"])
        return cls(
            columns=header["columns"],
            coder=coder_from(header["coder"], estimators[0]) if header["coder"] else None,
            classes=arrays.get("classes"),
            is_categorical=header["is_categorical"],
            saw=saw[0] if saw else None,
        )

    @property
    def _kind(self) -> str:
        return "" if self.coder is None else type(self.coder.estimators[0]).__name__

    def _known_classes(self) -> Array:
        if self.classes is None:
            msg = f"The Label {self.columns} has no classes: it holds numbers."
            hint = "Use analysis_type='regression', or add a LabelCoder, e.g. OrdinalEncoder()."
            raise InvalidData(msg, hint=hint, columns=self.columns)
        return self.classes

    def _check_known(self, label: pd.DataFrame) -> None:
        unknown = unseen(FrameTable(label).raw(self.columns)[:, 0], self._known_classes())
        if unknown:
            column = self.columns[0]
            msg = f"The Label column {column!r} holds {unknown[0]!r}, which was not seen when "
            msg += "fitting."
            hint = f"The classes are {self.class_names}; correct the value or fit again."
            raise InvalidData(msg, hint=hint, column=column, value=unknown[0])

    def _codes(self, flat: Array, classes: Array) -> Array:
        if not is_whole(flat) or np.any((flat < 0) | (flat >= len(classes))):
            wrong = flat[~np.isin(flat, np.arange(len(classes)))]
            msg = f"{wrong[0]!r} is not the code of one of the {len(classes)} classes."
            raise InvalidData(msg, hint=f"The classes are {self.class_names}.", value=wrong[0])
        return flat.astype(np.int64)

    def _decode_uncoded(self, array: Array) -> Array:
        """Return values as they are: an uncoded class is its own code; only booleans change."""
        classes = self.classes
        if classes is None:
            return np.asarray(array.reshape(len(array), -1)[:, 0])
        if array.ndim == 2 and array.shape[1] == len(classes) > 1:  # noqa: PLR2004  a matrix
            return np.asarray(classes[np.argmax(array, axis=1)])
        flat = array.reshape(-1)
        if flat.dtype.kind == "f" and classes.dtype.kind != "b":
            return flat
        inside = is_whole(flat) and np.all((flat >= 0) & (flat < len(classes)))
        return np.asarray(classes[flat.astype(np.int64)]) if inside else flat

    def _units(self, array: Array) -> Array:
        """Return encoded numbers in original units, `(samples,)`."""
        if self.coder is None:
            return array
        table = array.reshape(len(array), -1).astype(np.float64)
        finite = np.isfinite(table).all(axis=1)
        # a model that diverged predicts NaN or inf: kept, since scikit-learn refuses them
        units = table[:, 0].copy() if table.shape[1] == 1 else np.full(len(table), np.nan)
        if finite.any():
            units[finite] = self.coder.inverse_transform(table[finite])[:, 0]
        return units


def fit_label(
    prepared: PreparedCoder | None,
    dimension: EncodingDimension | None,
    frame_all: pd.DataFrame,
    train_samples: Array,
) -> LabelFit:
    """Fit the coder of a Label: a categorical one to all rows, any other to training rows.

    Parameters
    ----------
    prepared, dimension
        The LabelCoder; None for a Label without one.
    frame_all
        The Label's columns of all samples.
    train_samples
        Positions of the training rows.

    Raises
    ------
    InvalidData
        If a value is missing, or several columns are not one-hot.
    InvalidCoder
        If there is a coder for a one-hot Label.
    """
    check_label(frame_all)
    columns = [str(column) for column in frame_all]
    if len(columns) > 1:
        _check_onehot(frame_all)
    if prepared is None or dimension is None:
        found = unique_classes(frame_all)
        return LabelFit(columns, None, class_array(frame_all, found), found is not None, None)
    if len(columns) > 1:
        msg = f"{prepared.name} cannot encode a Label of {len(columns)} columns: it is one-hot."
        raise InvalidCoder(msg, hint="A one-hot Label needs no LabelCoder.", value=prepared.name)
    train = check_samples(train_samples, len(frame_all))
    rows = train if prepared.only_fit_train else np.arange(len(frame_all))
    coder = fit_coder(prepared, dimension, frame_all.iloc[rows])
    saw = Saw.of(train if prepared.only_fit_train else None, len(frame_all))
    classes = _coded_classes(coder) if prepared.is_categorical else None
    return LabelFit(columns, coder, classes, prepared.is_categorical, saw)


def _coded_classes(coder: FittedCoder) -> Array:
    estimator = coder.estimators[0]
    if type(estimator).__name__ == "Binarizer":
        return np.array([0, 1])
    if hasattr(estimator, "categories_"):
        return sorted_classes(estimator.categories_[0])
    return sorted_classes(estimator.classes_)


def _check_onehot(label: pd.DataFrame) -> None:
    if is_strict_onehot(label):
        return
    msg = f"The Label columns {[str(column) for column in label]} are not one-hot: every row "
    msg += "has to hold one 1 and otherwise 0."
    raise InvalidData(msg, hint="Use one column, or encode the classes as one-hot columns.")
