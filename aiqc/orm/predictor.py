"""Predictor: a trained model and its history (spec/003 §13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from peewee import ForeignKeyField

from aiqc.core.codecs import unpack_arrays
from aiqc.core.enums import ModelForm, Output
from aiqc.core.errors import NotReady
from aiqc.core.types import History, StoredModel
from aiqc.orm._base import BaseModel
from aiqc.orm._blobs import Blob, read_blob
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import BigInteger, EnumField, JSONField, LongText, Text, UTCDateTime
from aiqc.orm._late import late
from aiqc.orm.job import Job
from aiqc.orm.run import Run

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from peewee import ModelSelect

    from aiqc.orm.prediction import Prediction


class Predictor(BaseModel):
    """The model of one finished run. Listing and plotting read no model."""

    #: zero-based repeat of the Job
    repeat_index = BigInteger()
    time_started = UTCDateTime()
    time_succeeded = UTCDateTime()
    #: whole seconds from fn_build to the last metric; the times are exact
    time_duration = BigInteger()
    #: shape of one sample, or a list of them for several Features
    features_shapes = JSONField()
    label_shape = JSONField()
    #: how the model is stored
    model_form: EnumField[ModelForm] = EnumField(ModelForm)
    #: whether a classifier ends in probabilities or logits
    model_output = Text(null=True)
    #: why the form is not the usual one
    model_note = LongText(null=True)
    #: signature of a model that is stored as code
    model_signature = Text(null=True)
    model_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    optimizer_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
    history_content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    job = ForeignKeyField(Job, on_delete="RESTRICT", backref="predictors")
    run = ForeignKeyField(Run, on_delete="RESTRICT", backref="predictors", unique=True)
    predictions: ModelSelect[Prediction]

    class Meta:
        """One model a repeat."""

        indexes = ((("job", "repeat_index"), True),)

    @property
    def model_file(self) -> bytes | None:
        """The stored model's bytes; None if it could not be stored."""
        return None if self.model_content is None else read_blob(self.model_content)

    @property
    def input_shapes(self) -> Any:
        """Another name of `features_shapes`."""
        return self.features_shapes

    @property
    def history(self) -> History:
        """{metric: one float64 an epoch}; `val_` keys are of the evaluation split."""
        return unpack_arrays(read_blob(self.history_content))

    def stored_model(self) -> StoredModel:
        """Return the model as bytes with its facts.

        Raises
        ------
        NotReady
            If the model could not be stored when it was trained.
        UntrustedCode
            If it is stored as code that this user has not signed.
        """
        data = self.model_file
        if data is None or self.model_content is None:
            msg = f"The model of {self!r} was not stored: {self.model_note}"
            raise NotReady(msg, hint="Its predictions and metrics are kept.", predictor_id=self.id)
        if self.model_form is ModelForm.OPAQUE:
            self._require_trust()
        optimizer = self.optimizer_content
        return StoredModel(
            form=self.model_form,
            model=data,
            optimizer=None if optimizer is None else read_blob(optimizer),
            output=None if self.model_output is None else Output(self.model_output),
            note=self.model_note or "",
        )

    @by_id
    def get_model(self) -> Any:
        """Return the trained model, ready to predict.

        Returns
        -------
        The Keras model; `(model, optimizer)` for PyTorch; the fitted scikit-learn estimator.

        Raises
        ------
        UntrustedCode
            If the Algorithm's functions, or a model stored as code, are not trusted.
        NotReady
            If the model could not be stored when it was trained.
        """
        return late("rebuild")(self)

    @by_id
    def get_hyperparameters(
        self,
        as_pandas: bool = True,
    ) -> pd.DataFrame | dict[str, Any]:
        """Return the hyperparameters of this model.

        Parameters
        ----------
        as_pandas
            A frame with columns `param` and `value`, or a dict.
        """
        values = self.job.hyperparameters
        if not as_pandas:
            return values
        return pd.DataFrame(
            {"param": list(values), "value": pd.Series(list(values.values()), dtype=object)}
        )

    @by_id
    def plot_learning_curve(
        self,
        skip_head: bool = True,
        call_display: bool = True,
    ) -> list[go.Figure] | None:
        """Plot each metric of the history by epoch, training beside evaluation.

        Parameters
        ----------
        skip_head
            Whether the first 15 % of the epochs are left out.
        call_display
            Whether the figures are shown (and None returned) or returned.

        Raises
        ------
        NotReady
            If training left no history.
        """
        found: list[go.Figure] | None = late("learning_curves")(
            self, skip_head=skip_head, call_display=call_display
        )
        return found

    def sign_again(self) -> None:
        """Sign a model that is stored as code with this user's key; `aiqc.trust` calls it."""
        if self.model_form is ModelForm.OPAQUE and self.model_content is not None:
            self.model_signature = sign_model(str(self._library()), self.model_content.sha256)
            self.save()

    def _library(self) -> str:
        return str(self.job.queue.algorithm.library)

    def _require_trust(self) -> None:
        from aiqc.core.trust import require_trust

        require_trust(
            self.model_signature or "",
            "Predictor",
            "model_file",
            self._library(),
            self.model_content.sha256 if self.model_content else "",
            opaque=True,
        )


def sign_model(library: str, sha256: str) -> str:
    """Return the signature of a model that is stored as code."""
    from aiqc.core.trust import sign

    return sign("Predictor", "model_file", library, sha256)
