"""FeatureCoder: how columns of a Feature become numbers, one link of a chain (spec/003 §5b)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from peewee import ForeignKeyField

from aiqc.core.enums import DatasetType, EncodingDimension
from aiqc.core.errors import InvalidColumns
from aiqc.orm._array_fields import BlobBytes
from aiqc.orm._base import BaseModel
from aiqc.orm._coding import estimator_digest, stored_estimator
from aiqc.orm._fields import BigInteger, Boolean, Digest, EnumField, JSONField
from aiqc.orm._lists import as_list
from aiqc.orm._messages import announce, speaking
from aiqc.orm._step_order import check_flag, refuse_late_feature_step
from aiqc.orm.feature import Feature
from aiqc.orm.feature_interpolater import interpolate_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.pipeline.coder import PreparedCoder
    from aiqc.pipeline.interpolate import InterpolateStep
    from aiqc.pipeline.table import Table

#: a coder is tried on at most so many bytes of an array
TRIAL_BYTES = 32_000_000


class FeatureCoder(BaseModel):
    """A scikit-learn preprocessor for the columns that its filter matches."""

    #: zero-based position in the Feature's chain
    idx = BigInteger()
    estimator = BlobBytes()
    #: identity of the estimator: class and parameters
    sha256_hexdigest = Digest()
    encoded_column_names = JSONField()
    matching_columns = JSONField()
    #: what the next coder may match
    leftover_columns = JSONField()
    leftover_dtypes = JSONField()
    #: {'include', 'dtypes', 'columns'} as given
    original_filter = JSONField()
    encoding_dimension: EnumField[EncodingDimension] = EnumField(EncodingDimension)
    #: False for categorical coders, which see every row
    only_fit_train = Boolean()
    is_categorical = Boolean()
    feature = ForeignKeyField(Feature, on_delete="CASCADE", backref="featurecoders")

    class Meta:
        """One coder a position."""

        indexes = ((("feature", "idx"), True),)

    @classmethod
    def from_feature(
        cls,
        feature_id: int | Feature,
        sklearn_preprocess: Any,
        include: bool = True,
        dtypes: Sequence[Any] | None = None,
        columns: Sequence[str] | None = None,
        verbose: bool = True,
    ) -> FeatureCoder:
        """Attach a preprocessor to columns that no earlier coder of the Feature has taken.

        A sequence or an image is encoded along its column axis: every row of it is a row of
        columns. It is tried on the whole data, or on samples at equal distances of an array of
        more than 32 MB; names of categories that these do not hold lack then.

        Parameters
        ----------
        feature_id
            The Feature or its id.
        sklearn_preprocess
            An instance such as `StandardScaler()`: a coder, imputer or text vectoriser of
            scikit-learn, or a Pipeline of them. It is copied, and sparse output, copying and
            order are corrected.
        include
            Whether the filter names the columns to take, or those to leave.
        dtypes
            Dtypes to match, e.g. 'float64' or numpy.float64.
        columns
            Columns to match besides those of `dtypes`.
        verbose
            Whether the library's messages are shown on stderr during the call.

        Raises
        ------
        InvalidColumns
            If the filter matches nothing, or a column twice.
        InvalidInput
            If `include` is neither True nor False.
        InvalidCoder
            If the estimator is a class, not from scikit-learn, or does not fit the columns.
        Conflict
            If a Splitset uses the Feature, or it has a FeatureShaper.
        """
        from aiqc.pipeline.coder import prepare_coder
        from aiqc.pipeline.estimators import dump_estimator
        from aiqc.pipeline.filters import match_columns

        feature = Feature.of(feature_id)
        refuse_late_feature_step(feature, cls.__name__)
        prepared = prepare_coder(sklearn_preprocess, for_label=False)
        available = remaining_dtypes(feature)
        taken = [name for name in feature.columns if name not in available]
        wanted = None if columns is None else as_list(columns)
        kinds = None if dtypes is None else as_list(dtypes)
        includes = check_flag("include", include)
        match = match_columns(available, includes, kinds, wanted, taken=taken)
        dimension, names = _try(feature, prepared, match.matching, interpolate_steps(feature))
        with speaking(verbose):
            announce(prepared.corrections)
        return cls.create(
            feature=feature,
            idx=feature.featurecoders.count(),
            estimator=dump_estimator(prepared.estimator),
            sha256_hexdigest=estimator_digest(prepared.estimator),
            encoded_column_names=names,
            matching_columns=match.matching,
            leftover_columns=match.leftover,
            leftover_dtypes=match.leftover_dtypes,
            original_filter=match.original_filter,
            encoding_dimension=dimension,
            only_fit_train=prepared.only_fit_train,
            is_categorical=prepared.is_categorical,
        )

    @property
    def sklearn_preprocess(self) -> Any:
        """The corrected, unfitted estimator."""
        from aiqc.pipeline.estimators import load_estimator

        return load_estimator(self.estimator)

    def prepared(self) -> PreparedCoder:
        """Return the coder as the pipeline takes it."""
        return stored_estimator(self.estimator, for_label=False)


def coder_chain(feature: Feature) -> list[FeatureCoder]:
    """Return the coders of a Feature in order."""
    return list(feature.featurecoders.order_by(FeatureCoder.idx))


def remaining_dtypes(feature: Feature) -> dict[str, str]:
    """Return {column: dtype} of the columns that no coder has taken.

    Raises
    ------
    InvalidColumns
        If the chain has taken every column.
    """
    chain = coder_chain(feature)
    if not chain:
        return feature.get_dtypes()
    last = chain[-1]
    if not last.leftover_columns:
        msg = f"The {len(chain)} coders of {feature!r} have taken all of its columns."
        hint = "Filter an earlier coder by dtypes or columns."
        raise InvalidColumns(msg, hint=hint, feature_id=feature.id)
    return {name: last.leftover_dtypes[name] for name in last.leftover_columns}


def tried_again(feature: Feature, step: InterpolateStep) -> list[FeatureCoder]:
    """Return the coders of columns that a new interpolater fills, as they are then; not saved.

    Without its gaps a column may have a category less.
    """
    steps = [*interpolate_steps(feature), step]
    found = []
    for coder in coder_chain(feature):
        if set(step.columns).intersection(coder.matching_columns):
            columns = coder.matching_columns
            tried = _try(feature, coder.prepared(), columns, steps)
            coder.encoding_dimension, coder.encoded_column_names = tried
            found.append(coder)
    return found


def _try(
    feature: Feature,
    prepared: PreparedCoder,
    columns: list[str],
    steps: list[InterpolateStep],
) -> tuple[EncodingDimension, list[str]]:
    from aiqc.pipeline.coder import trial_fit

    if prepared.needs_label:
        # its names and shape depend on the label, which only a Splitset brings
        return EncodingDimension.MULTI_COLUMN, columns
    fitted = trial_fit(prepared, _trial_table(feature, columns, steps))
    return fitted.dimension, fitted.names


def _trial_table(feature: Feature, columns: list[str], steps: list[InterpolateStep]) -> Table:
    """Return the columns without missing values that an interpolater will fill.

    Of an array larger than `TRIAL_BYTES`, samples at equal distances stand for all.
    """
    from aiqc.pipeline.raw_feature import FrameFeature, array_table

    if feature.dataset.typ == DatasetType.TABULAR:
        return FrameFeature(feature.to_df(columns=columns), steps).whole()
    places = [feature.columns.index(name) for name in columns]
    with feature.open_array() as source:
        count = source.shape[0]
        sample_bytes = source.dtype.itemsize * math.prod(source.shape[1:])
        kept = min(count, max(1, TRIAL_BYTES // max(sample_bytes, 1)))
        rows = np.linspace(0, count - 1, kept).astype(np.int64)
        return array_table(source.read(rows, places), columns, steps)
