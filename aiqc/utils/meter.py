"""The documented import path of the metrics' names."""

from __future__ import annotations

from aiqc.pipeline.metrics.registry import (
    display_name,
    metrics_all,
    metrics_classify,
    metrics_regress,
)

__all__ = ["display_name", "metrics_all", "metrics_classify", "metrics_regress"]
