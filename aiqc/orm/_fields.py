"""Portable column types: one Python value, one meaning, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from typing import Any

from peewee import AutoField, BooleanField, DeferredForeignKey

from aiqc.orm._array_fields import ArrayField, BlobBytes, IndexField, IndexMapField
from aiqc.orm._number_fields import BigInteger, Double, UTCDateTime
from aiqc.orm._portable import column_types
from aiqc.orm._relations import guard_relations
from aiqc.orm._text_fields import Digest, EnumField, JSONField, LongText, Name, Text

__all__ = [
    "ArrayField",
    "BigInteger",
    "BlobBytes",
    "Boolean",
    "CircularKey",
    "Digest",
    "Double",
    "EnumField",
    "Id",
    "IndexField",
    "IndexMapField",
    "JSONField",
    "LongText",
    "Name",
    "Text",
    "UTCDateTime",
    "column_types",
]

#: peewee's own, portable as they are; an id is never given twice, also after a deletion
Boolean = BooleanField
Id = AutoField


class CircularKey(DeferredForeignKey):
    """A foreign key to a model that is defined later, named by its class name.

    It is a real key on every database: part of the table on SQLite, added by ALTER TABLE once
    all tables exist elsewhere. It must be nullable, or no first row could be written.

    Examples
    --------
    ::

        class Splitset(BaseModel):
            #: the Predictor that this Splitset was made for, at inference
            predictor = CircularKey("Predictor", on_delete="CASCADE", backref="splitsets")


        splitset.predictor, splitset.predictor_id, predictor.splitsets
    """

    def __init__(self, model_name: str, **kwargs: Any) -> None:
        kwargs["null"] = True
        super().__init__(model_name, **kwargs)

    def set_model(self, rel_model: Any) -> None:
        """Become the foreign key, now that its model is defined."""
        super().set_model(rel_model)
        guard_relations(self.model)
