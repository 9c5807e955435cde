"""Label: the column that a supervised model predicts (spec/003 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.enums import DatasetType
from aiqc.core.errors import InvalidColumns, InvalidData
from aiqc.orm._base import BaseModel
from aiqc.orm._column_subset import ColumnSubset
from aiqc.orm._fields import BigInteger, JSONField
from aiqc.orm._lists import as_list, check_known
from aiqc.orm.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from peewee import ModelSelect

    from aiqc.orm.fit import Fit
    from aiqc.orm.label_coder import LabelCoder
    from aiqc.orm.label_interpolater import LabelInterpolater
    from aiqc.orm.splitset import Splitset


class Label(ColumnSubset, BaseModel):
    """One column, or several that are strictly one-hot, of a tabular Dataset."""

    columns = JSONField()
    #: more than one column means one-hot
    column_count = BigInteger()
    #: the classes found, sorted; None for a continuous label
    unique_classes = JSONField(null=True)
    dataset = ForeignKeyField(Dataset, on_delete="RESTRICT", backref="labels")
    labelinterpolaters: ModelSelect[LabelInterpolater]
    labelcoders: ModelSelect[LabelCoder]
    splitsets: ModelSelect[Splitset]
    fits: ModelSelect[Fit]

    @classmethod
    def from_dataset(
        cls, dataset_id: int | Dataset, columns: Sequence[str] | None = None
    ) -> Label:
        """Choose the target of a supervised analysis.

        Parameters
        ----------
        dataset_id
            The tabular Dataset or its id.
        columns
            One column, or all columns of a one-hot encoding; all of the Dataset by default.

        Raises
        ------
        InvalidColumns
            If a column does not exist.
        InvalidData
            If the Dataset is not tabular, a value is missing, or several columns are not
            strictly one-hot. A Label of one float column may have gaps: a LabelInterpolater
            fills them, and a Splitset refuses them without one.
        """
        from aiqc.pipeline.label_fit import check_label, is_strict_onehot, unique_classes

        dataset = Dataset.of(dataset_id)
        if dataset.typ != DatasetType.TABULAR:
            msg = f"{dataset!r} is {dataset.typ}; a Label needs a tabular Dataset."
            raise InvalidData(msg, hint="Register the labels as a table.", typ=dataset.typ)
        names = dataset.columns if columns is None else as_list(columns)
        check_known(names, dataset.columns, f"{dataset!r}")
        if not names:
            msg = f"The Label of {dataset!r} has no column."
            raise InvalidColumns(msg, hint="Name the target column.", columns=names)
        frame = dataset.to_df(columns=names)
        check_label(_without_gaps(frame))
        if len(names) > 1 and not is_strict_onehot(frame):
            msg = f"The columns {names!r} of {dataset!r} are not strictly one-hot encoded."
            hint = "Use one column, or columns of 0 and 1 with exactly one 1 in each row."
            raise InvalidData(msg, hint=hint, columns=names)
        return cls.create(
            dataset=dataset,
            columns=list(names),
            column_count=len(names),
            unique_classes=unique_classes(frame),
        )

    @property
    def fitted_labelcoder(self) -> Any | None:
        """The estimator of the newest unfolded Splitset's fit; None before one was cached."""
        fit = self._newest_fit()
        return None if fit is None else fit.label_estimator()


def _without_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one float column without its missing values; anything else as it is."""
    from aiqc.data.dtypes import Kind, dtype_kind

    if frame.shape[1] > 1 or dtype_kind(frame.dtypes.iloc[0]) is not Kind.FLOAT:
        return frame
    known = frame.dropna()
    return known if len(known) else frame
