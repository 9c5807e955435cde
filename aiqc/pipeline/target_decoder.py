"""The way back from an unsupervised target, or a prediction of it, to the original columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.errors import InvalidData

if TYPE_CHECKING:
    from aiqc.core.types import Array, Shape
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.shape import Shaper


@dataclass(frozen=True, slots=True)
class TargetDecoder:
    """Decodes what a model is trained to return: encoded, perhaps windowed and reshaped Features.

    Implements `core.types.LabelDecoder`.
    """

    #: the fitted coders of the Feature
    fit: FeatureFit
    #: how its samples are reshaped; None: not at all
    shaper: Shaper | None
    #: shape of one encoded sample before it is reshaped, encoded columns last
    sample_shape: Shape

    @property
    def classes(self) -> None:
        """None: a target without a Label holds numbers."""
        return

    @property
    def decoded_shape(self) -> Shape:
        """Shape of one decoded sample: the Feature's own columns last, in its own order."""
        return (*self.sample_shape[:-1], len(self.fit.columns))

    def ordinal(self, encoded: Array) -> Array:
        """Refuse: there are no classes.

        Raises
        ------
        InvalidData
            Always.
        """
        msg = f"A target of shape {encoded.shape} without a Label has no classes."
        raise InvalidData(msg, hint="Use analysis_type='regression'.", shape=encoded.shape)

    def decode(self, values: Array) -> Array:
        """Return values in original units and columns.

        Parameters
        ----------
        values
            `(samples, *target shape)`; never written into.

        Returns
        -------
        ndarray
            `(samples, [window,] ..., original columns)`: float64, or object where a column is
            text. A sample that holds a number that is not finite (a model that diverged) is NaN
            throughout, since coders refuse such numbers.
        """
        array = np.asarray(values)
        encoded = array if self.shaper is None else self.shaper.undo(array, self.sample_shape)
        finite = np.isfinite(encoded).reshape(len(encoded), -1).all(axis=1)
        if finite.all():
            return self._columns(encoded)
        if not finite.any():
            return np.full((len(encoded), *self.decoded_shape), np.nan)
        known = self._columns(encoded[finite])
        decoded = np.full((len(encoded), *known.shape[1:]), np.nan, dtype=known.dtype)
        decoded[finite] = known
        return decoded

    def _columns(self, encoded: Array) -> Array:
        return self.fit.inverse_transform(encoded)
