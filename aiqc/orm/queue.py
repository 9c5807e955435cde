"""Queue: an experiment; every combination on every fold, repeated (spec/003 §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from peewee import ForeignKeyField, fn

from aiqc.core.enums import RunState
from aiqc.orm._base import BaseModel
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import BigInteger
from aiqc.orm._late import late
from aiqc.orm.algorithm import Algorithm
from aiqc.orm.hyperparamset import Hyperparamset
from aiqc.orm.splitset import Splitset

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go
    from peewee import ModelSelect

    from aiqc.orm.job import Job
    from aiqc.orm.predictor import Predictor
    from aiqc.orm.run import Run
    from aiqc.orm.trial import Trial


class Queue(BaseModel):
    """Ties data, functions and hyperparameters together, and trains."""

    #: models trained of each Job
    repeat_count = BigInteger()
    #: models in the end: combinations x folds x repeats
    total_runs = BigInteger()
    #: permutations of each column for feature importance; 0 skips it
    permute_count = BigInteger()
    #: root of the seeds of every run
    seed = BigInteger()
    algorithm = ForeignKeyField(Algorithm, on_delete="RESTRICT", backref="queues")
    splitset = ForeignKeyField(Splitset, on_delete="RESTRICT", backref="queues")
    hyperparamset = ForeignKeyField(
        Hyperparamset, null=True, on_delete="RESTRICT", backref="queues"
    )
    trials: ModelSelect[Trial]
    jobs: ModelSelect[Job]
    runs: ModelSelect[Run]

    @classmethod
    def from_algorithm(
        cls,
        algorithm_id: int | Algorithm,
        splitset_id: int | Splitset,
        repeat_count: int = 1,
        permute_count: int = 3,
        hyperparamset_id: int | Hyperparamset | None = None,
        description: str | None = None,
        *,
        name: str | None = None,
        seed: int | None = None,
    ) -> Queue:
        """Plan the jobs of an experiment.

        Parameters
        ----------
        algorithm_id
            The functions to use, or the Algorithm's id.
        splitset_id
            The samples to use, or the Splitset's id.
        repeat_count
            Models per combination and fold, with different seeds.
        permute_count
            Permutations per column of feature importance; 0 skips it.
        hyperparamset_id
            The combinations to try; belongs to the Algorithm.
        description, name
            Information for people.
        seed
            Root of the seeds of all runs; derived from the content by default.

        Raises
        ------
        Incompatible
            If the label, the features or the hyperparameters do not fit the Algorithm.
        InvalidInput
            If a count is out of range.
        """
        found: Queue = late("plan_queue")(
            Algorithm.of(algorithm_id),
            Splitset.of(splitset_id),
            None if hyperparamset_id is None else Hyperparamset.of(hyperparamset_id),
            repeat_count=repeat_count,
            permute_count=permute_count,
            description=description,
            name=name,
            seed=seed,
        )
        return found

    @by_id
    def run_jobs(self, *, continue_on_error: bool = False, progress: bool = True) -> None:
        """Train until nothing is pending; calling it again resumes.

        Finished runs are never touched. Runs left by a dead process are taken over, and runs
        that failed in an earlier call are tried again.

        Parameters
        ----------
        continue_on_error
            Whether to go on after a run that raises; its traceback is kept on the Run.
        progress
            Whether a progress bar is shown.

        Raises
        ------
        JobFailed
            If a run raised; chained to the cause.
        UntrustedCode
            If the functions were not signed by this user.
        KeyboardInterrupt
            At once; the interrupted run is pending again.
        """
        late("run_queue")(self, continue_on_error=continue_on_error, progress=progress)

    @property
    def runs_completed(self) -> int:
        """How many models have been trained."""
        return self._count(RunState.COMPLETE)

    @property
    def status(self) -> dict[str, int]:
        """{state: number of runs}, states without runs left out."""
        run = self.runs.model
        query = run.select(run.state, fn.COUNT(run.id)).where(run.queue == self)
        pairs: Any = query.group_by(run.state).tuples()
        return {str(state): count for state, count in pairs}

    @by_id
    def plot_performance(
        self,
        call_display: bool = True,
        max_loss: float | None = None,
        min_score: float | None = None,
        score_type: str | None = None,
        height: int | None = None,
    ) -> go.Figure | None:
        """Compare all models: loss (x) against score (y), a line a model through its splits.

        Parameters
        ----------
        call_display
            Whether the figure is shown (and None returned) or returned.
        max_loss, min_score
            Models with any split beyond are left out.
        score_type
            A metric; 'accuracy' or 'r2' by default.
        height
            Pixels; 560 by default.

        Raises
        ------
        InvalidInput
            If the metric does not exist here.
        NotReady
            If no model was trained yet.
        """
        found: go.Figure | None = late("performance_figure_of")(
            self,
            call_display=call_display,
            max_loss=max_loss,
            min_score=min_score,
            score_type=score_type,
            height=height,
        )
        return found

    @by_id
    def best_predictor(
        self, score_type: str | None = None, *, split: str | None = None
    ) -> Predictor:
        """Return the model that `plot_performance` marks as best.

        Of equal scores the lower loss wins, then the older model. A model with a loss or score
        that is not finite on any split is left out. With folds each model is judged on the rows
        that its own fold held out, and the best of all folds wins: it is a model to look at;
        to choose hyperparameters compare means over the folds.

        Parameters
        ----------
        score_type
            A metric; 'accuracy' or 'r2' by default. Of 'loss', 'mse', 'rmse' and 'mae' the lowest
            is best, of all others the highest.
        split
            The split that judges; by default the evaluation split, without one the test split.

        Raises
        ------
        InvalidInput
            If the metric or the split does not exist here.
        NotReady
            If no model was trained yet, or none has finite numbers.
        """
        found: Predictor = late("best_predictor_of")(self, score_type, split)
        return found

    @by_id
    def metrics_df(
        self,
        selected_metrics: Sequence[str] | None = None,
        sort_by: str | Sequence[str] | None = None,
        ascending: bool = False,
    ) -> pd.DataFrame:
        """Return one row a model and split, a column a metric; newest models first.

        Parameters
        ----------
        selected_metrics
            Only these metrics.
        sort_by
            A column, or several, to sort by.
        ascending
            Whether the smallest comes first.

        Raises
        ------
        InvalidInput
            If a metric or column does not exist.
        """
        found: pd.DataFrame = late("metrics_frame")(
            self, selected_metrics, sort_by, ascending=ascending
        )
        return found

    @by_id
    def metricsAggregate_df(
        self,
        ascending: bool = False,
        selected_metrics: Sequence[str] | None = None,
        selected_stats: Sequence[str] | None = None,
        sort_by: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return one row a model and metric: its spread over the splits.

        Parameters
        ----------
        ascending
            Whether the smallest comes first.
        selected_metrics
            Only these metrics.
        selected_stats
            Only these of maximum, minimum, pstdev, median, mean.
        sort_by
            A column, or several, to sort by.

        Raises
        ------
        InvalidInput
            If a metric, statistic or column does not exist.
        """
        found: pd.DataFrame = late("aggregate_frame")(
            self, selected_metrics, selected_stats, sort_by, ascending=ascending
        )
        return found

    @classmethod
    def list_df(cls) -> pd.DataFrame:
        """Return one row a Queue: id, name, library, analysis, runs, time."""
        rows = [
            {
                "id": row.id,
                "name": row.name,
                "library": str(row.algorithm.library),
                "analysis_type": str(row.algorithm.analysis_type),
                "splitset_id": row.splitset.id,
                "runs_completed": row.runs_completed,
                "total_runs": row.total_runs,
                "created_at": row.created_at(),
            }
            for row in cls.select().order_by(cls.id)
        ]
        return pd.DataFrame(rows, columns=_LIST_COLUMNS)

    def _count(self, state: RunState) -> int:
        return int(self.runs.where(self.runs.model.state == state).count())


_LIST_COLUMNS = [
    "id",
    "name",
    "library",
    "analysis_type",
    "splitset_id",
    "runs_completed",
    "total_runs",
    "created_at",
]
