"""FeatureInterpolater: how missing values of a Feature's columns are filled (spec/003 §4b)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from peewee import ForeignKeyField

from aiqc.core.enums import DatasetType
from aiqc.orm._base import BaseModel
from aiqc.orm._database import transaction
from aiqc.orm._fields import BigInteger, Boolean, JSONField
from aiqc.orm._late import late
from aiqc.orm._lists import as_list
from aiqc.orm._messages import announce, speaking
from aiqc.orm._step_order import check_flag, refuse_late_feature_step
from aiqc.orm.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aiqc.core.types import Array
    from aiqc.pipeline.interpolate import InterpolateStep

#: bytes of an array that are tried at once
CHUNK = 1 << 26


class FeatureInterpolater(BaseModel):
    """Fits a curve to the known values of the columns that its filter matches."""

    #: zero-based position in the Feature's chain
    idx = BigInteger()
    #: whether the training rows are interpolated without the others
    process_separately = Boolean()
    #: arguments of `pandas.DataFrame.interpolate`
    interpolate_kwargs = JSONField()
    matching_columns = JSONField()
    #: what the next interpolater may match
    leftover_columns = JSONField()
    leftover_dtypes = JSONField()
    #: {'include', 'dtypes', 'columns'} as given
    original_filter = JSONField()
    feature = ForeignKeyField(Feature, on_delete="CASCADE", backref="featureinterpolaters")

    class Meta:
        """One interpolater a position."""

        indexes = ((("feature", "idx"), True),)

    @classmethod
    def from_feature(
        cls,
        feature_id: int | Feature,
        process_separately: bool = True,
        interpolate_kwargs: Mapping[str, Any] | None = None,
        dtypes: Sequence[Any] | None = None,
        columns: Sequence[str] | None = None,
        verbose: bool = True,
    ) -> FeatureInterpolater:
        """Attach an interpolater to float columns that no earlier one of the Feature fills.

        With neither `dtypes` nor `columns` it takes all float columns that remain. The columns of
        a table are filled along its rows, those of a sequence or image in each sample, or each
        channel of it, alone.

        Parameters
        ----------
        feature_id
            The Feature or its id.
        process_separately
            Whether the training rows of a table are interpolated alone, and the other splits with
            the training rows present. False lets every row see all others, which leaks the
            evaluation data into the training.
        interpolate_kwargs
            Arguments of `pandas.DataFrame.interpolate`. By default a spline of order 1 through
            every known value, in both directions. A dict with a `method` replaces the defaults,
            one without amends them.
        dtypes
            Float dtypes to match, e.g. 'float64' or numpy.float64.
        columns
            Columns to match besides those of `dtypes`.
        verbose
            Whether the library's messages are shown on stderr during the call.

        Raises
        ------
        InvalidColumns
            If the filter matches nothing, a column twice, or one that is no float.
        InvalidInput
            If the arguments cannot work.
        InvalidData
            If the method cannot fit a column, or leaves values missing; names it.
        Conflict
            If a Splitset uses the Feature, or it has a FeatureShaper.
        """
        from aiqc.pipeline.interpolate import InterpolateStep, check_kwargs
        from aiqc.pipeline.interpolate_columns import match_floats

        feature = Feature.of(feature_id)
        refuse_late_feature_step(feature, cls.__name__)
        separately = check_flag("process_separately", process_separately)
        chain = interpolater_chain(feature)
        match = match_floats(
            _remaining(feature, chain),
            dtypes,
            None if columns is None else as_list(columns),
            taken=[name for row in chain for name in row.matching_columns],
        )
        kwargs = check_kwargs(interpolate_kwargs)
        step = InterpolateStep(match.matching, kwargs, separately)
        missing = _try(feature, step)
        coders = late("tried_again")(feature, step) if missing else []
        with speaking(verbose):
            many = f"{missing} missing values of {len(match.matching)} columns"
            announce([f"{kwargs['method']!r} fills {many} of {feature!r}: {match.matching}."])
        with transaction():
            for coder in coders:
                coder.save(only=["encoding_dimension", "encoded_column_names"])
            return cls.create(
                feature=feature,
                idx=len(chain),
                process_separately=separately,
                interpolate_kwargs=kwargs,
                matching_columns=match.matching,
                leftover_columns=match.leftover,
                leftover_dtypes=match.leftover_dtypes,
                original_filter=match.original_filter,
            )


def interpolater_chain(feature: Feature) -> list[FeatureInterpolater]:
    """Return the interpolaters of a Feature in order."""
    table = FeatureInterpolater
    return list(table.select().where(table.feature == feature).order_by(table.idx))


def interpolate_steps(feature: Feature) -> list[InterpolateStep]:
    """Return how the missing values of a Feature are filled, in order."""
    from aiqc.pipeline.interpolate import InterpolateStep

    return [
        InterpolateStep(row.matching_columns, row.interpolate_kwargs, row.process_separately)
        for row in interpolater_chain(feature)
    ]


def _remaining(feature: Feature, chain: list[FeatureInterpolater]) -> dict[str, str]:
    """Return {column: dtype} of the columns that no interpolater fills."""
    if not chain:
        return feature.get_dtypes()
    last = chain[-1]
    return {name: last.leftover_dtypes[name] for name in last.leftover_columns}


def _try(feature: Feature, step: InterpolateStep) -> int:
    """Interpolate the Feature as a whole; return how many values were missing."""
    from aiqc.pipeline.interpolate_columns import try_arrays, try_frame

    if feature.dataset.typ == DatasetType.TABULAR:
        return try_frame(feature.to_df(columns=step.columns), step)
    return try_arrays(_chunks(feature), list(feature.columns), step)


def _chunks(feature: Feature) -> Iterator[Array]:
    with feature.open_array() as source:
        count = source.shape[0]
        size = max(1, CHUNK // (source.dtype.itemsize * math.prod(source.shape[1:])))
        for start in range(0, count, size):
            yield source.read(slice(start, min(start + size, count)))
