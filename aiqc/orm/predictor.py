"""Predictor: a trained model and its history (spec/003 §13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

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

    from aiqc.core.types import Array
    from aiqc.orm.dataset import Dataset
    from aiqc.orm.prediction import Prediction
    from aiqc.orm.splitset import Splitset

    Inputs: TypeAlias = Dataset | pd.DataFrame | Array | int


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
    #: the Splitsets of new data that it is to predict
    inference_splitsets: ModelSelect[Splitset]

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
        self.check_trust()
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
        """Return the trained model, ready to predict; its data are not read.

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
    def infer(
        self,
        inputs: Inputs | list[Inputs],
        target: Any = None,
        *,
        record_shifted: bool = False,
    ) -> Prediction:
        """Predict new data: registers them, makes their Splitset and calls its `infer()`.

        Parameters
        ----------
        inputs
            A Dataset (or its id), a frame, or an array `(samples, ...)`; one for each Feature
            that was trained on, in their order, or one for them all. Columns are found by name:
            other orders and further columns are fine. An array has the trained columns in order.
            Of a frame the needed columns are stored, as a Dataset without a name.
        target
            The true labels, by which predictions are scored: a Dataset, a frame, a Series or an
            array. If it is the same object as `inputs`, the label's column is found in there.
        record_shifted
            Whether windows have shifted ones as their target, by which forecasts are scored.

        Returns
        -------
        Prediction
            With `drift` and `out_of_range`; its only split is `infer_0`, `infer_1`, ...

        Raises
        ------
        Incompatible
            If the data are not of the schema that was trained on; lists every difference.
            Nothing is written then.
        InvalidData
            If a value cannot be encoded, such as a category that was not seen in training.
            What was registered is removed then.
        UntrustedCode
            If the Algorithm's functions are not trusted.
        """
        found: Prediction = late("infer_inputs")(self, inputs, target, record_shifted)
        return found

    @property
    def training_profile(self) -> dict[int, pd.DataFrame]:
        """{feature id: one row a column}: what the training rows of this model's fold held.

        Columns are kind, count, nan_rate, minimum, deciles, maximum and categories (category ->
        share). A sequence is profiled by column over samples and time, an image by channel.
        """
        found: dict[int, pd.DataFrame] = late("training_profile")(self)
        return found

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

    def check_trust(self) -> None:
        """Refuse a model that is stored as code which this user has not signed.

        Raises
        ------
        UntrustedCode
            Says how to trust it.
        """
        from aiqc.core.trust import require_trust

        if self.model_form is not ModelForm.OPAQUE:
            return
        require_trust(
            self.model_signature or "",
            "Predictor",
            "model_file",
            self._library(),
            self.model_content.sha256 if self.model_content else "",
            opaque=True,
        )

    def _library(self) -> str:
        return str(self.job.queue.algorithm.library)


def sign_model(library: str, sha256: str) -> str:
    """Return the signature of a model that is stored as code."""
    from aiqc.core.trust import sign

    return sign("Predictor", "model_file", library, sha256)
