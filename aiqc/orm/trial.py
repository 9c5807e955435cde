"""Trial: a combination within a Queue, judged over its folds and repeats (DESIGN §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import ForeignKeyField

from aiqc.orm._base import BaseModel
from aiqc.orm._fields import BigInteger
from aiqc.orm.hyperparamcombo import Hyperparamcombo
from aiqc.orm.queue import Queue

if TYPE_CHECKING:
    from peewee import ModelSelect

    from aiqc.orm.job import Job


class Trial(BaseModel):
    """One Hyperparamcombo in one Queue; its Jobs are its folds."""

    #: zero-based position in the Queue
    idx = BigInteger()
    queue = ForeignKeyField(Queue, on_delete="CASCADE", backref="trials")
    hyperparamcombo = ForeignKeyField(
        Hyperparamcombo, null=True, on_delete="RESTRICT", backref="trials"
    )
    hyperparamcombo_id: int | None
    jobs: ModelSelect[Job]

    class Meta:
        """One Trial an index."""

        indexes = ((("queue", "idx"), True),)
