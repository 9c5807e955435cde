"""SplitsetFeature: a Feature's place in a Splitset; a Feature may be in many (ADR 0003)."""

from __future__ import annotations

from peewee import ForeignKeyField

from aiqc.orm._base import StoreModel
from aiqc.orm._fields import BigInteger, Id
from aiqc.orm.feature import Feature
from aiqc.orm.splitset import Splitset


class SplitsetFeature(StoreModel):
    """One Feature of one Splitset."""

    id = Id()
    splitset = ForeignKeyField(Splitset, on_delete="CASCADE", backref="feature_links")
    feature = ForeignKeyField(Feature, on_delete="RESTRICT", backref="splitset_links")
    #: zero-based position among the Splitset's Features
    idx = BigInteger()

    class Meta:
        """One Feature a position."""

        indexes = ((("splitset", "idx"), True),)
