"""Fold: one rotation of cross-validation (spec/003 §8b)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.orm._array_fields import IndexMapField
from aiqc.orm._base import BaseModel
from aiqc.orm._fields import BigInteger
from aiqc.orm.splitset import Splitset

if TYPE_CHECKING:
    from peewee import ModelSelect

    from aiqc.orm.fit import Fit


class Fold(BaseModel):
    """Training rows, held-out rows, and the Splitset's validation and test rows."""

    #: zero-based
    idx = BigInteger()
    #: {'folds_train_combined', 'fold_validation'[, 'validation'][, 'test']: sample indices}
    samples = IndexMapField()
    splitset = ForeignKeyField(Splitset, on_delete="CASCADE", backref="folds")
    fits: ModelSelect[Fit]

    class Meta:
        """One Fold an index."""

        indexes = ((("splitset", "idx"), True),)

    @property
    def fitted_labelcoder(self) -> Any | None:
        """The label's estimator, fitted on this fold; None before the cache was made."""
        for fit in self.fits.order_by(self.fits.model.id):
            if fit.label_id is not None:
                return fit.label_estimator()
        return None

    @property
    def fitted_featurecoders(self) -> dict[int, list[Any]]:
        """{feature id: estimators fitted on this fold}; empty before the cache was made."""
        return {
            fit.feature_id: fit.estimators()
            for fit in self.fits.order_by(self.fits.model.id)
            if fit.feature_id is not None
        }
