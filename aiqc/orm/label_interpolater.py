"""LabelInterpolater: how missing values of a continuous Label are filled (spec/003 §4a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.errors import InvalidColumns
from aiqc.orm._base import BaseModel
from aiqc.orm._fields import Boolean, JSONField
from aiqc.orm._step_order import check_flag, refuse_late_label_step, refuse_second
from aiqc.orm.label import Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiqc.pipeline.interpolate import InterpolateStep


class LabelInterpolater(BaseModel):
    """Fits a curve to the known values of a Label's column."""

    #: whether the training rows are interpolated without the others
    process_separately = Boolean()
    #: arguments of `pandas.DataFrame.interpolate`
    interpolate_kwargs = JSONField()
    matching_columns = JSONField()
    label = ForeignKeyField(Label, unique=True, on_delete="CASCADE", backref="labelinterpolaters")

    @classmethod
    def from_label(
        cls,
        label_id: int | Label,
        process_separately: bool = True,
        interpolate_kwargs: Mapping[str, Any] | None = None,
    ) -> LabelInterpolater:
        """Attach the interpolater of a Label of one float column.

        Parameters
        ----------
        label_id
            The Label or its id.
        process_separately
            Whether the training rows are interpolated alone, and the other splits with the
            training rows present. False lets every row see all others, which leaks the
            evaluation data into the training.
        interpolate_kwargs
            Arguments of `pandas.DataFrame.interpolate`. By default a spline of order 1 through
            every known value, in both directions. A dict with a `method` replaces the defaults,
            one without amends them.

        Raises
        ------
        InvalidColumns
            If the Label is one-hot or its column no float; names it and its dtype.
        InvalidInput
            If the arguments cannot work.
        InvalidData
            If the method cannot fit the column, or leaves values missing.
        Conflict
            If the Label has an interpolater, or a Splitset uses it.
        """
        from aiqc.pipeline.interpolate import InterpolateStep, check_kwargs
        from aiqc.pipeline.interpolate_columns import check_floats, try_frame

        label = Label.of(label_id)
        refuse_second(label, label.labelinterpolaters)
        refuse_late_label_step(label, cls.__name__)
        separately = check_flag("process_separately", process_separately)
        if label.column_count > 1:
            msg = f"{label!r} is one-hot encoded: {label.columns}."
            hint = "Interpolate a Label of one float column."
            raise InvalidColumns(msg, hint=hint, columns=label.columns)
        check_floats(label.get_dtypes())
        kwargs = check_kwargs(interpolate_kwargs)
        try_frame(label.to_df(), InterpolateStep(label.columns, kwargs, separately))
        return cls.create(
            label=label,
            process_separately=separately,
            interpolate_kwargs=kwargs,
            matching_columns=label.columns,
        )


def label_interpolate_steps(label: Label) -> list[InterpolateStep]:
    """Return how the missing values of a Label are filled: no step, or one."""
    from aiqc.pipeline.interpolate import InterpolateStep

    return [
        InterpolateStep(row.matching_columns, row.interpolate_kwargs, row.process_separately)
        for row in label.labelinterpolaters
    ]
