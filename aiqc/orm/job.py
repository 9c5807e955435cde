"""Job: a Trial on one fold, to be run one or more times (spec/003 §12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.orm._base import BaseModel
from aiqc.orm._fields import BigInteger
from aiqc.orm.fold import Fold
from aiqc.orm.hyperparamcombo import Hyperparamcombo
from aiqc.orm.queue import Queue
from aiqc.orm.trial import Trial

if TYPE_CHECKING:
    from peewee import ModelSelect

    from aiqc.orm.predictor import Predictor
    from aiqc.orm.run import Run


class Job(BaseModel):
    """The specification of one training: queue, hyperparameters and fold."""

    repeat_count = BigInteger()
    queue = ForeignKeyField(Queue, on_delete="CASCADE", backref="jobs")
    hyperparamcombo = ForeignKeyField(
        Hyperparamcombo, null=True, on_delete="RESTRICT", backref="jobs"
    )
    fold = ForeignKeyField(Fold, null=True, on_delete="RESTRICT", backref="jobs")
    trial = ForeignKeyField(Trial, on_delete="CASCADE", backref="jobs")
    runs: ModelSelect[Run]
    predictors: ModelSelect[Predictor]

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The combination's hyperparameters; empty without one."""
        combo = self.hyperparamcombo
        return {} if combo is None else dict(combo.hyperparameters)
