"""Reports of a Queue with 1,000 and 10,000 models."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks import _study
from benchmarks._harness import Figure, fresh_store, seconds, spread

REPEATS = 5
SPLITS = ("train", "validation", "test")


def measure() -> list[Figure]:
    """Time `metrics_df` and `plot_performance`; the models' blobs are never read."""
    figures = []
    for count, target in ((1_000, 0.1), (10_000, 0.6)):
        with fresh_store():
            queue = _filled(count)
            frame = queue.metrics_df()
            assert frame.shape[0] == count * len(SPLITS)
            frames = [seconds(queue.metrics_df) for _ in range(REPEATS)]
            queue.plot_performance(call_display=False)
            plots = [seconds(partial(queue.plot_performance, call_display=False)) for _ in frames]
        figures.append(spread(f"metrics_df, {count:,} models", frames, "s", at_most=target))
        figures.append(spread(f"plot_performance, {count:,} models", plots, "s", at_most=target))
    return figures


def _filled(count: int) -> Any:
    from aiqc.core.clock import utc_now
    from aiqc.orm import Algorithm, Hyperparamset, MetricResult, Prediction, Predictor, Queue, Run
    from aiqc.orm._blobs import put_blob
    from aiqc.orm._bulk import insert_rows
    from aiqc.orm._database import transaction
    from aiqc.orm.reports import metric_names

    splits = _study.splitset(_study.frame())
    algorithm = Algorithm.make("toy", "regression", _build)
    space = Hyperparamset.from_algorithm(algorithm, {"rate": list(np.linspace(0.1, 1, count))})
    queue = Queue.from_algorithm(algorithm, splits, permute_count=0, hyperparamset_id=space)
    names, now = metric_names(queue), utc_now()
    rng = np.random.default_rng(0)
    with transaction():
        blob = put_blob(b"a model that no report reads", "none")
        shared = {"features_shapes": (12,), "label_shape": (1,), "model_form": "weights"}
        times = {"time_started": now, "time_succeeded": now, "time_duration": 1}
        contents = {"history_content": blob, "model_content": blob}
        runs = Run.select().where(Run.queue == queue).order_by(Run.idx)
        places = [{"run": run.id, "job": run.job_id, "repeat_index": 0} for run in runs]
        insert_rows(Predictor, [place | shared | times | contents for place in places])
        predictors = [row.id for row in Predictor.select(Predictor.id)]
        insert_rows(Prediction, [{"predictor": i, "arrays_content": blob} for i in predictors])
        rows = [
            {
                "prediction": row.id,
                "split": split,
                "metric": name,
                "value": float(rng.random()),
                "non_finite": None,
            }
            for row in Prediction.select(Prediction.id)
            for split in SPLITS
            for name in names
        ]
        insert_rows(MetricResult, rows)
    return queue


def _build(features_shape, label_shape, **hp):  # noqa: ARG001
    from aiqc.training.toy_model import ToyModel

    return ToyModel()
