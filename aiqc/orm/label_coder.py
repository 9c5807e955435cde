"""LabelCoder: how a Label becomes numbers (spec/003 §5a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from peewee import ForeignKeyField

from aiqc.core.enums import EncodingDimension
from aiqc.core.errors import Conflict
from aiqc.orm._array_fields import BlobBytes
from aiqc.orm._base import BaseModel
from aiqc.orm._coding import estimator_digest, stored_estimator
from aiqc.orm._fields import Boolean, Digest, EnumField, JSONField
from aiqc.orm._messages import announce
from aiqc.orm._step_order import refuse_late_label_step
from aiqc.orm.label import Label
from aiqc.orm.label_interpolater import label_interpolate_steps

if TYPE_CHECKING:
    import pandas as pd

    from aiqc.pipeline.coder import PreparedCoder


class LabelCoder(BaseModel):
    """A scikit-learn preprocessor for the one Label it is attached to."""

    #: False for categorical coders, which see every row
    only_fit_train = Boolean()
    is_categorical = Boolean()
    estimator = BlobBytes()
    #: identity of the estimator: class and parameters
    sha256_hexdigest = Digest()
    matching_columns = JSONField()
    #: the shape in which the coder accepted the label
    encoding_dimension: EnumField[EncodingDimension] = EnumField(EncodingDimension)
    label = ForeignKeyField(Label, on_delete="CASCADE", backref="labelcoders", unique=True)

    @classmethod
    def from_label(cls, label_id: int | Label, sklearn_preprocess: Any) -> LabelCoder:
        """Attach a preprocessor to a Label.

        Parameters
        ----------
        label_id
            The Label or its id.
        sklearn_preprocess
            An instance such as `OneHotEncoder()`; it is copied, and sparse output, copying and
            memory order are corrected.

        Raises
        ------
        InvalidCoder
            If it is a class, not from scikit-learn, or does not fit the label.
        Conflict
            If the Label has a coder, or a Splitset uses it.
        """
        from aiqc.pipeline.coder import prepare_coder, trial_dimension
        from aiqc.pipeline.estimators import dump_estimator

        label = Label.of(label_id)
        if label.labelcoders.exists():
            msg = f"{label!r} has a LabelCoder already; a Label takes one."
            raise Conflict(msg, hint="Make another Label for another coder.", label_id=label.id)
        refuse_late_label_step(label, cls.__name__)
        prepared = prepare_coder(sklearn_preprocess, for_label=True)
        dimension = trial_dimension(prepared, _filled(label))
        announce(prepared.corrections)
        return cls.create(
            label=label,
            only_fit_train=prepared.only_fit_train,
            is_categorical=prepared.is_categorical,
            estimator=dump_estimator(prepared.estimator),
            sha256_hexdigest=estimator_digest(prepared.estimator),
            matching_columns=label.columns,
            encoding_dimension=dimension,
        )

    @property
    def sklearn_preprocess(self) -> Any:
        """The corrected, unfitted estimator."""
        from aiqc.pipeline.estimators import load_estimator

        return load_estimator(self.estimator)

    def prepared(self) -> PreparedCoder:
        """Return the coder as the pipeline takes it."""
        return stored_estimator(self.estimator, for_label=True)


def _filled(label: Label) -> pd.DataFrame:
    """Return the values on which a coder is tried: those that an interpolater fills, filled."""
    from aiqc.pipeline.interpolate import interpolate_rows

    frame, steps = label.to_df(), label_interpolate_steps(label)
    rows = np.arange(len(frame))
    return interpolate_rows(frame, steps, rows, rows) if steps else frame.dropna()
