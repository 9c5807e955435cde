"""Reports of a Queue: its models' metrics as frames and as one figure; no model is read."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from peewee import JOIN, Case, fn

from aiqc.core.codecs import from_json
from aiqc.core.enums import Split
from aiqc.core.errors import InvalidInput, NotReady
from aiqc.orm._lists import as_list
from aiqc.orm._proxy import proxy
from aiqc.orm.fold import Fold
from aiqc.orm.hyperparamcombo import Hyperparamcombo
from aiqc.orm.job import Job
from aiqc.orm.metric_result import MetricResult, as_float
from aiqc.orm.prediction import Prediction
from aiqc.orm.predictor import Predictor
from aiqc.pipeline.metrics.registry import LOSS, default_score, names_of
from aiqc.plots._show import present
from aiqc.plots.performance import (
    HEIGHT,
    PerformancePoints,
    best_of,
    performance_figure,
    performance_info,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from aiqc.core.types import Array
    from aiqc.orm.queue import Queue

#: statistics of `metricsAggregate_df`, in the order of its columns
STATISTICS = ("maximum", "minimum", "pstdev", "median", "mean")


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Every model's metrics: one row a prediction and split."""

    #: combo, fold index, job, repeat, predictor, prediction, split
    places: pd.DataFrame
    #: `(rows, metrics)` float64
    values: Array
    names: list[str]


def metrics_frame(
    queue: Queue, selected: Sequence[str] | None, sort_by: Any, *, ascending: bool
) -> pd.DataFrame:
    """Tabulate metrics by model and split; see `Queue.metrics_df`."""
    table = metric_table(queue, with_inference=True)
    names = _selected(selected, table.names, "selected_metrics")
    places = _place_columns(queue, table.places)
    columns = {name: table.values[:, table.names.index(name)] for name in names}
    frame = pd.concat([places, pd.DataFrame(columns, index=places.index)], axis=1)
    return _sorted(frame, sort_by, ascending=ascending)


def aggregate_frame(
    queue: Queue,
    selected: Sequence[str] | None,
    stats: Sequence[str] | None,
    sort_by: Any,
    *,
    ascending: bool,
) -> pd.DataFrame:
    """Tabulate the spread of metrics by model; see `Queue.metricsAggregate_df`."""
    table = metric_table(queue)
    names = _selected(selected, table.names, "selected_metrics")
    kept = _selected(stats, list(STATISTICS), "selected_stats", keep_order=True)
    firsts = ~table.places.duplicated("prediction_id").to_numpy()
    starts = np.flatnonzero(firsts)
    places = _place_columns(queue, table.places[firsts]).drop(columns="split")
    frames = []
    for name in names:
        spread = _spread(table.values[:, table.names.index(name)], starts)
        columns = {stat: spread[stat] for stat in kept}
        part = places.assign(metric=name, **columns)
        frames.append(part)
    frame = pd.concat(frames, ignore_index=True) if frames else places
    # models in their order, and the metrics of a model together
    frame = frame.sort_values(["predictor_id", "metric"], kind="stable", ignore_index=True)
    return _sorted(frame, sort_by, ascending=ascending)


def performance_figure_of(
    queue: Queue,
    *,
    call_display: bool,
    max_loss: float | None,
    min_score: float | None,
    score_type: str | None,
    height: int | None,
) -> go.Figure | None:
    """Draw all models; see `Queue.plot_performance`."""
    points, score = _points(queue, score_type)
    info = performance_info(points, score, max_loss, min_score)
    figure = performance_figure(info, HEIGHT if height is None else height)
    return cast("go.Figure | None", present(figure, call_display))


def best_predictor_of(queue: Queue, score_type: str | None, split: str | None) -> Predictor:
    """Return the model that the chart marks as best; see `Queue.best_predictor`."""
    points, score = _points(queue, score_type)
    best = best_of(points, score, split)
    if best is None:
        msg = f"No model of {queue!r} has a finite loss and {score} on every split."
        raise NotReady(msg, hint="Look at queue.metrics_df().", queue_id=queue.id)
    return Predictor.of(best.predictor_id)


def _points(queue: Queue, score_type: str | None) -> tuple[PerformancePoints, str]:
    """Return losses and scores of every model and split, and the score's name."""
    table = metric_table(queue)
    score = score_type or default_score(queue.algorithm.analysis_type)
    _selected([score], table.names, "score_type")
    if table.places.empty:
        msg = f"No model of {queue!r} was trained yet."
        raise NotReady(msg, hint="Call queue.run_jobs().", queue_id=queue.id)
    places = table.places
    points = PerformancePoints(
        queue_id=queue.id,
        predictor_id=places["predictor_id"].to_numpy(),
        job_id=places["job_id"].to_numpy(),
        combo_id=places["hyperparamcombo_id"].fillna(-1).to_numpy().astype(np.int64),
        fold_index=places["fold_index"].fillna(-1).to_numpy().astype(np.int64),
        repeat_index=places["repeat_index"].to_numpy(),
        split=places["split"].to_numpy(),
        loss=table.values[:, table.names.index(LOSS)],
        score=table.values[:, table.names.index(score)],
        hyperparameters=_hyperparameters(queue),
    )
    return points, score


def metric_table(queue: Queue, *, with_inference: bool = False) -> MetricTable:
    """Read every metric of a Queue by one pivot in SQL; newest models first.

    Parameters
    ----------
    queue
        Whose models are read.
    with_inference
        Whether predictions of new data that were scored are read too.
    """
    names = metric_names(queue)
    chosen = _of_queue(queue, with_inference=with_inference)
    rows = _pivoted(chosen, names)
    splits = np.array([row[1] for row in rows], dtype=object)
    values = np.array([row[2:] for row in rows], dtype=np.float64).reshape(len(rows), len(names))
    predictions = np.array([row[0] for row in rows], dtype=np.int64)
    _patch(chosen, predictions, splits, values, names)
    known = _places(queue)
    found = np.searchsorted(known["prediction_id"].to_numpy(dtype=np.int64), predictions)
    places = known.take(found).assign(split=splits)
    newest = -places["predictor_id"].to_numpy(dtype=np.int64)
    order = np.lexsort((_split_ranks(splits), newest))
    return MetricTable(places.take(order).reset_index(drop=True), values[order], names)


def metric_names(queue: Queue) -> list[str]:
    """Return the metrics of a Queue's models, alphabetically."""
    own = [key.removeprefix("metrics.") for key in queue.algorithm.signatures if "." in key]
    return sorted({*names_of(queue.algorithm.analysis_type), LOSS, *own})


_PLACES = (
    "hyperparamcombo_id",
    "fold_index",
    "job_id",
    "repeat_index",
    "predictor_id",
    "prediction_id",
)


def _split_ranks(splits: Array) -> Array:
    order = [Split.TRAIN, Split.FOLDS_TRAIN, Split.FOLD_VALIDATION, Split.VALIDATION, Split.TEST]
    ranks = {str(name): rank for rank, name in enumerate(order)}
    # those of inference are numbered: infer_2 comes before infer_10
    found = [ranks.get(name, len(order) + _number(name)) for name in splits.tolist()]
    return np.array(found, dtype=np.int64)


def _number(split: str) -> int:
    digits = split.rpartition("_")[2]
    return int(digits) if digits.isdigit() else 0


def _places(queue: Queue) -> pd.DataFrame:
    """Return where each Prediction belongs, in order of its id."""
    query = (
        Prediction.select(
            Job.hyperparamcombo,
            Fold.idx,
            Job.id,
            Predictor.repeat_index,
            Predictor.id,
            Prediction.id,
        )
        .join(Predictor)
        .join(Job)
        .join(Fold, JOIN.LEFT_OUTER)
        .where(Job.queue == queue)
        .order_by(Prediction.id)
    )
    return pd.DataFrame(proxy.execute(query).fetchall(), columns=list(_PLACES))


def _of_queue(queue: Queue, *, with_inference: bool) -> Any:
    query = Prediction.select(Prediction.id).join(Predictor).join(Job).where(Job.queue == queue)
    return query if with_inference else query.where(Prediction.splitset.is_null())


def _pivoted(chosen: Any, names: list[str]) -> list[tuple[Any, ...]]:
    picks = [
        fn.MAX(Case(None, [(MetricResult.metric == name, MetricResult.value)], None))
        for name in names
    ]
    query = (
        MetricResult.select(MetricResult.prediction, MetricResult.split, *picks)
        .where(MetricResult.prediction.in_(chosen))
        .group_by(MetricResult.prediction, MetricResult.split)
    )
    # the plain cursor: converting each value by field costs more than the query
    return list(proxy.execute(query).fetchall())


def _patch(
    chosen: Any, predictions: Array, splits: Array, values: Array, names: list[str]
) -> None:
    """Put back what SQL cannot compare: infinities (NaN is where nothing was found)."""
    query = MetricResult.select(
        MetricResult.prediction, MetricResult.split, MetricResult.metric, MetricResult.non_finite
    ).where(
        MetricResult.prediction.in_(chosen),
        MetricResult.non_finite.is_null(is_null=False),
    )
    found = list(proxy.execute(query).fetchall())
    if not found:
        return
    keys = zip(predictions.tolist(), splits.tolist(), strict=True)
    position = {key: row for row, key in enumerate(keys)}
    for prediction_id, split, metric, text in found:
        values[position[prediction_id, split], names.index(metric)] = as_float(None, text)


def _place_columns(queue: Queue, places: pd.DataFrame) -> pd.DataFrame:
    dropped = ["prediction_id"]
    if not queue.splitset.fold_count:
        dropped.append("fold_index")
    if queue.repeat_count == 1:
        dropped.append("repeat_index")
    kept = places.drop(columns=dropped).reset_index(drop=True)
    kept["hyperparamcombo_id"] = kept["hyperparamcombo_id"].astype("Int64")
    return kept


def _hyperparameters(queue: Queue) -> dict[int, dict[str, Any]]:
    if queue.hyperparamset is None:
        return {}
    combos = queue.hyperparamset.hyperparamcombos
    query = combos.select(Hyperparamcombo.id, Hyperparamcombo.hyperparameters)
    pairs = list(proxy.execute(query).fetchall())
    # one document instead of thousands: parsing them one by one costs more than the query
    values = from_json(f"[{','.join(text for _, text in pairs)}]")
    return dict(zip((key for key, _ in pairs), values, strict=True))


def _spread(values: Array, starts: Array) -> dict[str, Array]:
    sizes = np.diff(np.append(starts, len(values)))
    grid = np.full((len(starts), int(sizes.max(initial=1))), np.nan)
    rows = np.repeat(np.arange(len(starts)), sizes)
    grid[rows, np.arange(len(values)) - np.repeat(starts, sizes)] = values
    with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        # a metric that is undefined on every split has undefined statistics
        warnings.simplefilter("ignore", RuntimeWarning)
        return {
            "maximum": np.nanmax(grid, axis=1),
            "minimum": np.nanmin(grid, axis=1),
            "pstdev": np.nanstd(grid, axis=1),
            "median": np.nanmedian(grid, axis=1),
            "mean": np.nanmean(grid, axis=1),
        }


def _selected(
    asked: Sequence[str] | None, known: list[str], argument: str, *, keep_order: bool = False
) -> list[str]:
    if asked is None:
        return known
    names = as_list(asked)
    for name in names:
        if name not in known:
            msg = f"{argument}: {name!r} is not one of this Queue's."
            raise InvalidInput(msg, hint=f"Use one of {known}.", value=name)
    return [name for name in known if name in names] if keep_order else sorted(names)


def _sorted(frame: pd.DataFrame, sort_by: Any, *, ascending: bool) -> pd.DataFrame:
    columns = ["predictor_id"] if sort_by is None else as_list(sort_by)
    for column in columns:
        if column not in frame.columns:
            msg = f"sort_by={column!r} is not a column of the report."
            raise InvalidInput(msg, hint=f"Use one of {list(frame.columns)}.", value=column)
    return frame.sort_values(columns, ascending=ascending, kind="stable", ignore_index=True)
