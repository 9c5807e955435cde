"""Prediction: what a model said of every split, and how well (spec/003 §14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.codecs import from_json, unpack_arrays
from aiqc.orm._base import BaseModel
from aiqc.orm._blobs import Blob, read_blob
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import BigInteger, Text
from aiqc.orm._late import late
from aiqc.orm.predictor import Predictor

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
    predictor = ForeignKeyField(Predictor, on_delete="CASCADE", backref="predictions")
    metric_results: ModelSelect[MetricResult]

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
    def metrics(self) -> dict[str, Scores]:
        """{split: {metric: value}} at full precision; NaN where a metric is undefined."""
        found: dict[str, Scores] = {}
        for row in self.metric_results.order_by(self.metric_results.model.id):
            found.setdefault(row.split, {})[row.metric] = row.score
        return found

    @property
    def metrics_aggregate(self) -> dict[str, dict[str, float]]:
        """{metric: {mean, median, pstdev, minimum, maximum}} over the splits."""
        from aiqc.pipeline.metrics.aggregate import aggregate

        return aggregate(self.metrics)

    @property
    def plot_data(self) -> dict[str, dict[str, Any]] | None:
        """{split: confusion matrix, ROC and precision-recall curves}; None for regression.

        Derived from the predictions, never stored.
        """
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
        UntrustedCode
            If the Algorithm's functions are not trusted.
        """
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
        """Plot precision against recall for every split; raises as `plot_roc_curve`."""
        found: go.Figure | None = late("precision_recall")(self, call_display=call_display)
        return found

    @by_id
    def plot_confusion_matrix(
        self,
        call_display: bool = True,
    ) -> list[go.Figure] | None:
        """Plot true against predicted classes, one figure a split.

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

    def _arrays(self, prefix: str) -> dict[str, Array] | None:
        packed = unpack_arrays(read_blob(self.arrays_content))
        found = {
            name.removeprefix(prefix): array
            for name, array in packed.items()
            if name.startswith(prefix)
        }
        return found or None
