"""FeatureShaper: the shape in which a Feature reaches the model (spec/003 §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import ForeignKeyField

from aiqc.orm._base import BaseModel
from aiqc.orm._fields import BigInteger, JSONField
from aiqc.orm._step_order import refuse_late_feature_step, refuse_second
from aiqc.orm.feature import Feature
from aiqc.orm.feature_coder import coder_chain
from aiqc.orm.window import windows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.core.types import Shape
    from aiqc.pipeline.shape import Index, Shaper


class FeatureShaper(BaseModel):
    """Reshapes encoded samples without reordering their values."""

    #: indices, literal lengths as text, and tuples of indices as products
    reshape_indices = JSONField()
    #: axis of the new shape on which the columns are; the samples are axis 0
    column_position = BigInteger()
    feature = ForeignKeyField(Feature, unique=True, on_delete="CASCADE", backref="featureshapers")

    @classmethod
    def from_feature(
        cls, feature_id: int | Feature, reshape_indices: Sequence[Index]
    ) -> FeatureShaper:
        """Attach the shape that a Feature's samples have after all other steps.

        Parameters
        ----------
        feature_id
            The Feature or its id.
        reshape_indices
            The new shape. An int is the length of that axis: 0 are the samples, and come first;
            then windows, channels, rows and columns, as far as the data have them, in order. A
            text is the length that it spells; '1' adds an axis. A tuple of neighbouring axes is
            the product of their lengths. Axes of length 1 may be left out, others only where
            texts that multiply to their length take their place.

        Raises
        ------
        InvalidInput
            If values would be reordered, added or lost; shows the shape that was tried.
        Conflict
            If the Feature has a FeatureShaper, or a Splitset uses it.

        Examples
        --------
        ::

            # grey images (samples, 1, 28, 28) as (samples, 28, 28)
            FeatureShaper.from_feature(feature, (0, 2, 3))
            # (samples, 3 hours, 60 minutes, columns) as (samples, 180 minutes, columns)
            FeatureShaper.from_feature(feature, (0, (1, 2), 3))
        """
        from aiqc.pipeline.shape import plan_shape

        feature = Feature.of(feature_id)
        refuse_second(feature, cls.select().where(cls.feature == feature))
        refuse_late_feature_step(feature, cls.__name__)
        shaper = plan_shape(reshape_indices, _encoded_shape(feature))
        return cls.create(
            feature=feature,
            reshape_indices=shaper.indices,
            column_position=shaper.column_position,
        )

    def shaper(self) -> Shaper:
        """Return the shape as the pipeline takes it."""
        from aiqc.pipeline.shape import Shaper, normal_indices

        return Shaper(normal_indices(self.reshape_indices), self.column_position)


def shaper_of(feature: Feature) -> Shaper | None:
    """Return the shape that a Feature's samples get; None where it has no FeatureShaper."""
    row = FeatureShaper.select().where(FeatureShaper.feature == feature).first()
    return None if row is None else row.shaper()


def _encoded_shape(feature: Feature) -> Shape:
    """Return the shape of one sample before the shaper: windowed, with the encoded columns."""
    chain = coder_chain(feature)
    encoded = sum(len(coder.encoded_column_names) for coder in chain)
    leftover = len(chain[-1].leftover_columns) if chain else len(feature.columns)
    windows = windows_of(feature)
    sizes = () if windows is None else (windows.size,)
    return (*sizes, *feature.sample_shape[:-1], encoded + leftover)
