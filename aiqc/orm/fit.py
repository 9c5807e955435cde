"""Fit: what the coders of one Feature or Label learned from one fold's training samples."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from peewee import ForeignKeyField

from aiqc.core.codecs import from_npy, to_npy
from aiqc.core.errors import InvalidSplit
from aiqc.orm._base import BaseModel
from aiqc.orm._blobs import Blob, put_blob, read_blob
from aiqc.orm._fields import Boolean, Digest
from aiqc.orm._versions import exclusive
from aiqc.orm.feature import Feature
from aiqc.orm.feature_coder import coder_chain
from aiqc.orm.fold import Fold
from aiqc.orm.label import Label
from aiqc.orm.splitset import Splitset

if TYPE_CHECKING:
    from aiqc.core.types import Array
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.label_fit import LabelFit


class Fit(BaseModel):
    """Fitted coders, and proof of the samples that they saw."""

    #: digest of the training samples that the fit saw
    samples_digest = Digest()
    #: whether a categorical coder saw every row, as spec/003 §5 documents
    saw_all = Boolean()
    content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    #: the training samples, as npy
    samples_content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    splitset = ForeignKeyField(Splitset, on_delete="CASCADE", backref="fits")
    fold = ForeignKeyField(Fold, null=True, on_delete="CASCADE", backref="fits")
    feature = ForeignKeyField(Feature, null=True, on_delete="CASCADE", backref="fits")
    label = ForeignKeyField(Label, null=True, on_delete="CASCADE", backref="fits")

    splitset_id: int
    fold_id: int | None
    feature_id: int | None
    label_id: int | None

    @property
    def samples(self) -> list[int]:
        """The training samples that the fit saw."""
        rows: list[int] = from_npy(read_blob(self.samples_content)).tolist()
        return rows

    def feature_fit(self) -> FeatureFit:
        """Return the fitted chain of a Feature."""
        from aiqc.pipeline.feature_fit import FeatureFit

        return FeatureFit.from_bytes(read_blob(self.content))

    def label_fit(self) -> LabelFit:
        """Return the fitted coder of a Label."""
        from aiqc.pipeline.label_fit import LabelFit

        return LabelFit.from_bytes(read_blob(self.content))

    def estimators(self) -> list[Any]:
        """Return the fitted estimators, one entry a FeatureCoder."""
        return [one[0] if len(one) == 1 else one for one in self.feature_fit().fitted]

    def label_estimator(self) -> Any | None:
        """Return the Label's fitted estimator; None without a LabelCoder."""
        return self.label_fit().fitted


def fit_of_feature(splitset: Splitset, fold: Fold | None, feature: Feature) -> FeatureFit:
    """Return a Feature's fit for a fold; made and stored if it does not exist."""
    from aiqc.pipeline.feature_fit import fit_feature

    stored = _find(splitset, fold, feature=feature)
    if stored is not None:
        return stored.feature_fit()
    train = _train_samples(splitset, fold)
    chain = coder_chain(feature)
    coders = [(c.prepared(), c.encoding_dimension, c.matching_columns) for c in chain]
    label = splitset.label
    needs_label = any(prepared.needs_label for prepared, _, _ in coders)
    if needs_label and label is None:
        msg = f"A coder of {feature!r} learns from the label, and {splitset!r} has none."
        raise InvalidSplit(msg, hint="Use another coder, or a Splitset with a Label.")
    label_train = label.to_arr(samples=train.tolist())[:, 0] if needs_label and label else None
    fitted = fit_feature(coders, feature.columns, feature.to_df(), train, label_train)
    saw_all = any(saw.saw_all for saw in fitted.saw)
    _keep(splitset, fold, fitted.to_bytes(), train, saw_all=saw_all, feature=feature)
    return fitted


def fit_of_label(splitset: Splitset, fold: Fold | None) -> LabelFit:
    """Return the Label's fit for a fold; made and stored if it does not exist."""
    from aiqc.pipeline.label_fit import fit_label

    label = splitset.supervising_label()
    stored = _find(splitset, fold, label=label)
    if stored is not None:
        return stored.label_fit()
    train = _train_samples(splitset, fold)
    coder = label.labelcoders.first()
    prepared = None if coder is None else coder.prepared()
    dimension = None if coder is None else coder.encoding_dimension
    fitted = fit_label(prepared, dimension, label.to_df(), train)
    saw_all = fitted.saw is not None and fitted.saw.saw_all
    _keep(splitset, fold, fitted.to_bytes(), train, saw_all=saw_all, label=label)
    return fitted


def _train_samples(splitset: Splitset, fold: Fold | None) -> Array:
    """Return the training rows, checked to meet no other split."""
    splits = splitset.samples if fold is None else fold.samples
    train = np.asarray(splits[splitset.train_key()], dtype=np.int64)
    for name, rows in splits.items():
        shared = np.intersect1d(train, np.asarray(rows, dtype=np.int64))
        if name != splitset.key_train and shared.size:
            msg = f"Sample {shared[0]} of {splitset!r} is in both {splitset.key_train} and {name}."
            raise InvalidSplit(msg, hint="Make the Splitset again.", sample=int(shared[0]))
    return train


def _find(splitset: Splitset, fold: Fold | None, **owner: Any) -> Fit | None:
    ((field, row),) = owner.items()
    same_fold = Fit.fold.is_null() if fold is None else Fit.fold == fold
    query = Fit.select().where(Fit.splitset == splitset, same_fold, getattr(Fit, field) == row)
    found: Fit | None = query.first()
    return found


def _keep(
    splitset: Splitset,
    fold: Fold | None,
    content: bytes,
    train: Array,
    *,
    saw_all: bool,
    **owner: Any,
) -> None:
    content_blob = put_blob(content, "fit")
    samples_bytes = to_npy(train)
    samples_blob = put_blob(samples_bytes, "npy")
    with exclusive():
        if _find(splitset, fold, **owner) is None:
            Fit.create(
                splitset=splitset,
                fold=fold,
                content=content_blob,
                samples_content=samples_blob,
                samples_digest=hashlib.sha256(samples_bytes).hexdigest(),
                saw_all=saw_all,
                **owner,
            )
