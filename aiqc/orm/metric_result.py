"""MetricResult: one metric of one split of one Prediction, at full precision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.orm._base import StoreModel
from aiqc.orm._fields import Double, Id, Name, Text
from aiqc.orm.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping


class MetricResult(StoreModel):
    """A number; what SQL cannot hold on every database (NaN, inf) is kept as text."""

    id = Id()
    split = Name()
    metric = Name()
    value = Double(null=True)
    #: 'nan', 'inf' or '-inf' where there is no finite value
    non_finite = Text(null=True)
    prediction = ForeignKeyField(
        Prediction, on_delete="CASCADE", backref="metric_results", index=False
    )

    class Meta:
        """One number a split and metric; reports walk this index and sort nothing."""

        indexes = ((("prediction", "split", "metric"), True),)

    @property
    def score(self) -> float:
        """The number, whatever it is."""
        return as_float(self.value, self.non_finite)


def as_float(value: float | None, non_finite: str | None) -> float:
    """Return the stored number.

    Examples
    --------
    >>> as_float(0.5, None), as_float(None, "-inf")
    (0.5, -inf)
    """
    return float(non_finite or "nan") if value is None else value


def metric_rows(
    prediction: Prediction, metrics: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Return one row a split and metric."""
    return [
        {
            "prediction": prediction,
            "split": split,
            "metric": metric,
            "value": float(value) if math.isfinite(value) else None,
            "non_finite": None if math.isfinite(value) else str(float(value)),
        }
        for split, scores in metrics.items()
        for metric, value in scores.items()
    ]
