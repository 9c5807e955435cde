"""`TrainingCallback` and the default functions of Keras Algorithms, at their documented path."""

from __future__ import annotations

from aiqc.training.callbacks import metric_cutoff
from aiqc.training.keras_defaults import (
    binary_lose,
    binary_predict,
    multi_lose,
    multi_predict,
    optimize,
    regression_lose,
    regression_predict,
)

__all__ = [
    "TrainingCallback",
    "binary_lose",
    "binary_predict",
    "multi_lose",
    "multi_predict",
    "optimize",
    "regression_lose",
    "regression_predict",
]


class TrainingCallback:
    """Callbacks for `model.fit(callbacks=[...])`; Keras is loaded when one is made."""

    #: `MetricCutoff(thresholds)` stops after the first epoch in which every cutoff holds
    MetricCutoff = staticmethod(metric_cutoff)
