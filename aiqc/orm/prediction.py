"""Prediction: what a model said of every split, and how well (spec/003 §14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.codecs import from_json, unpack_arrays
from aiqc.core.errors import Incompatible
from aiqc.orm._base import BaseModel
from aiqc.orm._blobs import Blob, read_blob
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import BigInteger, Text
from aiqc.orm._late import late
from aiqc.orm.predictor import Predictor
from aiqc.orm.splitset import Splitset

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from peewee import ModelSelect

    from aiqc.core.types import Array, Scores
    from aiqc.orm.metric_result import MetricResult

#: prefixes of the packed arrays
PREDICTIONS, PROBABILITIES = "predictions/", "probabilities/"


class Prediction(BaseModel):
    """Decoded predictions of each split, their probabilities, metrics and importance."""

    #: permutations of each column behind `feature_importance`; 0: not computed
    permute_count = BigInteger(default=0)
    #: the split whose columns were permuted
    importance_split = Text(null=True)
    arrays_content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    importance_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    #: drift table and out-of-range flags of an inference
    inference_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    predictor = ForeignKeyField(Predictor, on_delete="CASCADE", backref="predictions")
    #: what was predicted at inference; None: the splits that the model was trained on
    splitset = ForeignKeyField(Splitset, null=True, on_delete="CASCADE", backref="predictions")
    metric_results: ModelSelect[MetricResult]

    splitset_id: int | None

    @property
    def split(self) -> str | None:
        """Name of the only split of an inference, such as 'infer_0'; None for a training one.

        `prediction.metrics[prediction.split]` are the metrics of an inference.
        """
        splitset = self.splitset
        return None if splitset is None else str(next(iter(splitset.sizes)))

    @property
    def predictions(self) -> dict[str, Array]:
        """{split: predictions `(samples,)` in the label's own classes or units}."""
        return self._arrays(PREDICTIONS) or {}

    @property
    def probabilities(self) -> dict[str, Array] | None:
        """{split: `(samples, 1)` or `(samples, classes)`}; None for regression."""
        return self._arrays(PROBABILITIES)

    @property
    def feature_importance(self) -> dict[str, dict[str, dict[str, Any]]] | None:
        """{feature id: {column: {'median', 'loss_impacts'}}}; None if not computed.

        A Feature that is not permuted (images) is listed with an empty dict.
        """
        if self.importance_content is None:
            return None
        found: dict[str, dict[str, dict[str, Any]]] = from_json(
            read_blob(self.importance_content).decode()
        )
        return found

    @property
    def metrics(self) -> dict[str, Scores] | None:
        """{split: {metric: value}} at full precision; NaN where a metric is undefined.

        None for an inference that had no labels.
        """
        found: dict[str, Scores] = {}
        for row in self.metric_results.order_by(self.metric_results.model.id):
            found.setdefault(row.split, {})[row.metric] = row.score
        return found if found or self.splitset_id is None else None

    @property
    def metrics_aggregate(self) -> dict[str, dict[str, float]] | None:
        """{metric: {mean, median, pstdev, minimum, maximum}} over the splits.

        None for an inference that had no labels.
        """
        from aiqc.pipeline.metrics.aggregate import aggregate

        metrics = self.metrics
        return None if metrics is None else aggregate(metrics)

    @property
    def out_of_range(self) -> pd.DataFrame | None:
        """Whether each row of the new data is out of the training range, by original column.

        A number below or above all training rows, a category that they lack, or a missing value
        where they had none. Rows are those of the Dataset, not windows; images are flagged by
        channel. With several Features columns are (feature id, name). None for a training
        Prediction.
        """
        from aiqc.pipeline.drift_report import flags_frame

        reports = self._reports()
        return None if reports is None else flags_frame(reports)

    @property
    def drift(self) -> pd.DataFrame | None:
        """How far the new data are from the training rows, one row a Feature and column.

        Columns are feature_id (of the Feature that was trained on), column, kind, psi (population
        stability index), chance (what psi exceeds in one of a hundred draws although nothing has
        changed), nan_rate_train, nan_rate_new, out_of_range_share, unseen_share, verdict
        ('stable' below 0.1 or up to `chance`, 'moderate' below 0.25, 'major'; None with too few
        rows) and note. None for a training Prediction.
        """
        from aiqc.pipeline.drift_report import drift_frame

        reports = self._reports()
        return None if reports is None else drift_frame(reports)

    @property
    def plot_data(self) -> dict[str, dict[str, Any]] | None:
        """{split: confusion matrix, ROC and precision-recall curves}; None for regression.

        Derived from the predictions, never stored. None for an inference that had no labels.
        """
        splitset = self.splitset
        if splitset is not None and splitset.label is None:
            return None
        found: dict[str, dict[str, Any]] | None = late("plot_data")(self)
        return found

    @by_id
    def calc_featureImportance(self, permute_count: int, *, split: str | None = None) -> None:
        """Permute each column and keep how much the loss grows.

        Importance is `median(permuted loss) - baseline loss`: positive means that the model
        relies on the column. All encoded columns of a column are permuted together.

        Parameters
        ----------
        permute_count
            Permutations of each column, at least 1.
        split
            The split to permute; the training split by default.

        Raises
        ------
        InvalidInput
            If the count is below 1 or the split does not exist.
        Incompatible
            If this is an inference: importance is that of the rows trained and evaluated on.
        UntrustedCode
            If the Algorithm's functions are not trusted.
        """
        if self.splitset_id is not None:
            msg = f"{self!r} is an inference, and importance is computed of training Predictions."
            hint = "Call it on predictor.predictions[0], with split='test' for unseen rows."
            raise Incompatible(msg, hint=hint, prediction_id=self.id)
        late("compute_importance")(self, permute_count, split)

    #: another spelling of `calc_featureImportance`
    calcFeatureImportance = calc_featureImportance

    @by_id
    def importance_df(
        self, top_n: int | None = None, feature_id: int | None = None
    ) -> pd.DataFrame:
        """Return columns FeatureID, Feature and Median, the most important first.

        Parameters
        ----------
        top_n
            How many rows at the most.
        feature_id
            Only the columns of this Feature.

        Raises
        ------
        NotReady
            If feature importance was not computed.
        """
        found: pd.DataFrame = late("importance_frame")(self, top_n, feature_id)
        return found

    @by_id
    def plot_feature_importance(
        self,
        call_display: bool = True,
        top_n: int = 10,
        height: int | None = None,
        margin_left: int | None = None,
    ) -> list[go.Figure] | None:
        """Plot the most important columns, one figure a Feature.

        Parameters
        ----------
        call_display
            Whether the figures are shown (and None returned) or returned.
        top_n
            How many columns at the most.
        height, margin_left
            Pixels; fitted to the columns and their names by default.

        Raises
        ------
        NotReady
            If feature importance was not computed.
        """
        found: list[go.Figure] | None = late("importance_figures")(
            self, call_display=call_display, top_n=top_n, height=height, margin_left=margin_left
        )
        return found

    @by_id
    def plot_roc_curve(
        self,
        call_display: bool = True,
    ) -> go.Figure | None:
        """Plot the receiver operating characteristic of every split.

        Parameters
        ----------
        call_display
            Whether the figure is shown (and None returned) or returned.

        Raises
        ------
        Incompatible
            If the analysis is a regression or the model gives no probabilities.
        """
        found: go.Figure | None = late("roc_curve")(self, call_display=call_display)
        return found

    @by_id
    def plot_precision_recall(
        self,
        call_display: bool = True,
    ) -> go.Figure | None:
        """Plot precision against recall for every split; raises as `plot_roc_curve`.

        Parameters
        ----------
        call_display
            Whether the figure is shown (and None returned) or returned.
        """
        found: go.Figure | None = late("precision_recall")(self, call_display=call_display)
        return found

    @by_id
    def plot_confusion_matrix(
        self,
        call_display: bool = True,
    ) -> list[go.Figure] | None:
        """Plot true against predicted classes, one figure a split.

        Parameters
        ----------
        call_display
            Whether the figures are shown (and None returned) or returned.

        Raises
        ------
        Incompatible
            If the analysis is a regression.
        """
        found: list[go.Figure] | None = late("confusion_matrices")(self, call_display=call_display)
        return found

    @by_id
    def plot_confidence(
        self,
        prediction_index: int = 0,
        height: int = 175,
        call_display: bool = True,
        split_name: str | None = None,
    ) -> go.Figure | None:
        """Plot the probabilities of one sample's classes.

        Parameters
        ----------
        prediction_index
            Zero-based row of the split.
        height
            Pixels.
        call_display
            Whether the figure is shown (and None returned) or returned.
        split_name
            The split; test by default, else the evaluation split, else the training split.

        Raises
        ------
        InvalidInput
            If there is no such split or row.
        Incompatible
            If the model gives no probabilities.
        """
        found: go.Figure | None = late("confidence")(
            self, prediction_index, split_name, height=height, call_display=call_display
        )
        return found

    def _reports(self) -> list[dict[str, Any]] | None:
        if self.inference_content is None:
            return None
        found: list[dict[str, Any]] = from_json(read_blob(self.inference_content).decode())
        return found

    def _arrays(self, prefix: str) -> dict[str, Array] | None:
        packed = unpack_arrays(read_blob(self.arrays_content))
        found = {
            name.removeprefix(prefix): array
            for name, array in packed.items()
            if name.startswith(prefix)
        }
        return found or None
