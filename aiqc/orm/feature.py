"""Feature: the columns of a Dataset that a model learns from (spec/003 §2)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.errors import InvalidColumns
from aiqc.orm._base import BaseModel
from aiqc.orm._by_id import by_id
from aiqc.orm._column_subset import ColumnSubset
from aiqc.orm._fields import JSONField
from aiqc.orm._lists import as_list, check_known
from aiqc.orm.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from peewee import ModelSelect

    from aiqc.core.types import Shape
    from aiqc.data.array_source import ArraySource
    from aiqc.orm.feature_coder import FeatureCoder
    from aiqc.orm.feature_interpolater import FeatureInterpolater
    from aiqc.orm.feature_shaper import FeatureShaper
    from aiqc.orm.fit import Fit
    from aiqc.orm.window import Window


class Feature(ColumnSubset, BaseModel):
    """Columns of one Dataset, and the coders that are attached to them."""

    #: names, in the order given (or the data set's)
    columns = JSONField()
    #: the other columns of the Dataset; None if there are none
    columns_excluded = JSONField(null=True)
    dataset = ForeignKeyField(Dataset, on_delete="RESTRICT", backref="features")
    featureinterpolaters: ModelSelect[FeatureInterpolater]
    windows: ModelSelect[Window]
    featurecoders: ModelSelect[FeatureCoder]
    featureshapers: ModelSelect[FeatureShaper]
    fits: ModelSelect[Fit]

    @classmethod
    def from_dataset(
        cls,
        dataset_id: int | Dataset,
        include_columns: Sequence[str] | None = None,
        exclude_columns: Sequence[str] | None = None,
    ) -> Feature:
        """Choose columns of a Dataset; all of them by default.

        Parameters
        ----------
        dataset_id
            The Dataset or its id.
        include_columns
            The columns to use, in this order.
        exclude_columns
            The columns not to use; the others keep the data set's order.

        Raises
        ------
        InvalidColumns
            If both are given, a column does not exist, or none is left.
        """
        dataset = Dataset.of(dataset_id)
        columns = _chosen(dataset, include_columns, exclude_columns)
        excluded = [name for name in dataset.columns if name not in columns]
        return cls.create(dataset=dataset, columns=columns, columns_excluded=excluded or None)

    @property
    def sample_shape(self) -> Shape:
        """Shape of one sample, with the Feature's columns last and before any window.

        `(columns,)`, `(rows, columns)` or `(channels, rows, columns)`.
        """
        lengths = tuple(self.dataset.shape.values())
        return (*lengths[1:-1], len(self.columns))

    @by_id
    @contextmanager
    def open_array(self) -> Iterator[ArraySource]:
        """Open the Feature's columns of a sequence or image Dataset, to be read in parts.

        Yields
        ------
        ArraySource
            `read(samples, columns)` takes positions among the Feature's columns.

        Raises
        ------
        Unsupported
            For a tabular Dataset.
        DataChanged
            If the source was not ingested and is no longer what was registered.
        """
        from aiqc.data.array_source import SelectedSource

        dataset = self.dataset
        place = {name: position for position, name in enumerate(dataset.columns)}
        with dataset.open_array() as source:
            if self.columns == dataset.columns:
                yield source
            else:
                yield SelectedSource(source, [place[name] for name in self.columns])

    @property
    def fitted_featurecoders(self) -> list[Any] | None:
        """The estimators of the newest unfolded Splitset's fit, one entry a FeatureCoder.

        Each entry is one fitted estimator, or a list of them when each column has its own; None
        before a Splitset with this Feature was cached. `splitset.fits` holds all fits.
        """
        fit = self._newest_fit()
        return None if fit is None else fit.estimators()


def _chosen(
    dataset: Dataset, include: Sequence[str] | None, exclude: Sequence[str] | None
) -> list[str]:
    if include is not None and exclude is not None:
        msg = (
            f"include_columns={as_list(include)!r} and exclude_columns={as_list(exclude)!r} "
            f"were both given."
        )
        raise InvalidColumns(msg, hint="Give one of them.", include=include, exclude=exclude)
    if include is not None:
        names = as_list(include)
        check_known(names, dataset.columns, f"{dataset!r}")
    else:
        left_out = [] if exclude is None else as_list(exclude)
        check_known(left_out, dataset.columns, f"{dataset!r}")
        names = [name for name in dataset.columns if name not in left_out]
    if not names:
        msg = f"No column of {dataset!r} is left for the Feature (excluded: {exclude!r})."
        raise InvalidColumns(msg, hint="Keep at least one column.", value=exclude)
    return names
