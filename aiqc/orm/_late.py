"""Operations that an earlier table offers as methods and a later module defines.

A table cannot import what stands on it, so it names the operation by a string, as the training
backends are named; the module is loaded at the first call.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: operation -> module and function
TARGETS = {
    "write_splitset": "aiqc.orm._split_write:write_splitset",
    "tried_again": "aiqc.orm.feature_coder:tried_again",
    "cache_all": "aiqc.orm.samples_cache:cache_all",
    "cache_folder_of": "aiqc.orm.samples_cache:cache_folder_of",
    "clear": "aiqc.orm.samples_cache:clear",
    "fetch": "aiqc.orm.samples_cache:fetch",
    "is_hot": "aiqc.orm.samples_cache:is_hot",
    "shared_rows": "aiqc.orm.prepared:shared_rows",
    "make_inference_splitset": "aiqc.orm.inference_splitset:make_inference_splitset",
    "infer": "aiqc.orm.inference:infer",
    "infer_inputs": "aiqc.orm.inference:infer_inputs",
    "training_profile": "aiqc.orm.inference:training_profile",
    "write_combos": "aiqc.orm.hyperparamcombo:write_combos",
    "plan_queue": "aiqc.orm._plan:plan_queue",
    "run_queue": "aiqc.orm.train_job:run_queue",
    "rebuild": "aiqc.orm.train_job:rebuild",
    "compute_importance": "aiqc.orm.train_job:compute_importance",
    "performance_figure_of": "aiqc.orm.reports:performance_figure_of",
    "best_predictor_of": "aiqc.orm.reports:best_predictor_of",
    "metrics_frame": "aiqc.orm.reports:metrics_frame",
    "aggregate_frame": "aiqc.orm.reports:aggregate_frame",
    "learning_curves": "aiqc.orm.charts:learning_curves",
    "plot_data": "aiqc.orm.charts:plot_data",
    "importance_frame": "aiqc.orm.charts:importance_frame",
    "importance_figures": "aiqc.orm.charts:importance_figures",
    "roc_curve": "aiqc.orm.charts:roc_curve",
    "precision_recall": "aiqc.orm.charts:precision_recall",
    "confusion_matrices": "aiqc.orm.charts:confusion_matrices",
    "confidence": "aiqc.orm.charts:confidence",
}


@cache
def late(operation: str) -> Callable[..., Any]:
    """Return the function behind an operation."""
    module, _, name = TARGETS[operation].partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
