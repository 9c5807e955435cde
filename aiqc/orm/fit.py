"""Fit: what the coders of one Feature or Label learned from one fold's training samples."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from aiqc.orm.feature_rules import open_raw, rules_of
from aiqc.orm.fold import Fold
from aiqc.orm.label import Label
from aiqc.orm.label_interpolater import label_interpolate_steps
from aiqc.orm.splitset import Splitset

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from aiqc.core.types import Array
    from aiqc.pipeline.feature_fit import FeatureFit
    from aiqc.pipeline.feature_rules import FeatureRules, FoldRows
    from aiqc.pipeline.label_fit import LabelFit
    from aiqc.pipeline.raw_feature import RawFeature


class Fit(BaseModel):
    """Fitted coders, and proof of the samples that they saw."""

    #: digest of the training rows that the fit saw
    samples_digest = Digest()
    #: whether a categorical coder saw every row, as spec/003 §5 documents
    saw_all = Boolean()
    content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    #: the training rows, as npy
    samples_content = ForeignKeyField(Blob, on_delete="RESTRICT", backref="+")
    #: ranges, categories and shares of NaN of the training rows of a Feature
    profile_content = ForeignKeyField(Blob, null=True, on_delete="RESTRICT", backref="+")
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
        """The rows of the data that the fit saw: training samples, or rows of their windows."""
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


@dataclass(frozen=True)
class OpenFeature:
    """A Feature whose data are open, to be fitted and encoded for several folds."""

    feature: Feature
    rules: FeatureRules
    raw: RawFeature


@contextmanager
def opened(feature: Feature) -> Iterator[OpenFeature]:
    """Open a Feature's data."""
    rules = rules_of(feature)
    with open_raw(feature, rules) as raw:
        yield OpenFeature(feature, rules, raw)


def fit_of_feature(splitset: Splitset, fold: Fold | None, feature: Feature) -> FeatureFit:
    """Return a Feature's fit for a fold; made and stored if it does not exist."""
    stored = _find(splitset, fold, feature=feature)
    if stored is not None:
        return stored.feature_fit()
    with opened(feature) as source:
        return fit_of_source(splitset, fold, source, checked_rows(splitset, fold))


def fit_of_source(
    splitset: Splitset, fold: Fold | None, source: OpenFeature, samples: FoldRows
) -> FeatureFit:
    """Return a Feature's fit for a fold, made of data that are open.

    Parameters
    ----------
    splitset, fold
        What it belongs to; no fold: the Splitset as a whole.
    source
        The Feature.
    samples
        What `checked_rows` returned.
    """
    stored = _find(splitset, fold, feature=source.feature)
    if stored is not None:
        return stored.feature_fit()
    return _make_feature_fit(splitset, fold, source, samples)


def fit_of_label(splitset: Splitset, fold: Fold | None) -> LabelFit:
    """Return the Label's fit for a fold; made and stored if it does not exist."""
    label = splitset.supervising_label()
    stored = _find(splitset, fold, label=label)
    if stored is not None:
        return stored.label_fit()
    rows = checked_rows(splitset, fold)
    return fit_of_frame(splitset, fold, label_frame(label, rows), rows)


def fit_of_frame(
    splitset: Splitset, fold: Fold | None, frame: pd.DataFrame, rows: FoldRows
) -> LabelFit:
    """Return the Label's fit for a fold, made of values that were read.

    Parameters
    ----------
    splitset, fold
        What it belongs to; no fold: the Splitset as a whole.
    frame
        What `label_frame` returned.
    rows
        What `checked_rows` returned.
    """
    from aiqc.pipeline.label_fit import fit_label

    label = splitset.supervising_label()
    stored = _find(splitset, fold, label=label)
    if stored is not None:
        return stored.label_fit()
    coder = label.labelcoders.first()
    prepared = None if coder is None else coder.prepared()
    dimension = None if coder is None else coder.encoding_dimension
    fitted = fit_label(prepared, dimension, frame, rows.fit_rows())
    saw_all = fitted.saw is not None and fitted.saw.saw_all
    _keep(splitset, fold, fitted.to_bytes(), rows.fit_rows(), saw_all=saw_all, label=label)
    return fitted


def fold_rows(splitset: Splitset, fold: Fold | None) -> FoldRows:
    """Return the samples of each split of a fold, without windows."""
    from aiqc.pipeline.feature_rules import FoldRows

    splits = splitset.samples if fold is None else fold.samples
    arrays = {name: np.asarray(rows, dtype=np.int64) for name, rows in splits.items()}
    return FoldRows(arrays, splitset.train_key())


def checked_rows(splitset: Splitset, fold: Fold | None) -> FoldRows:
    """Return the samples of each split, checked that none trains and evaluates.

    Raises
    ------
    InvalidSplit
        Names the sample and both splits.
    """
    rows = fold_rows(splitset, fold)
    train = rows.splits[rows.key_train]
    is_train = np.zeros(1 + max(int(own.max(initial=0)) for own in rows.splits.values()), bool)
    is_train[train] = True
    for name, others in rows.splits.items():
        shared = others[is_train[others]]
        if name != rows.key_train and shared.size:
            sample = int(shared.min())
            msg = f"Sample {sample} of {splitset!r} is in both {rows.key_train} and {name}."
            raise InvalidSplit(msg, hint="Make the Splitset again.", sample=sample)
    return rows


def label_frame(label: Label, rows: FoldRows, values: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return all values of a Label, the missing ones filled as in their split.

    Parameters
    ----------
    label
        The Label.
    rows
        Which rows are in which split.
    values
        What `to_df` returned, if it was read for another fold.
    """
    from aiqc.pipeline.raw_feature import filled_frame

    values = label.to_df() if values is None else values
    return filled_frame(values, label_interpolate_steps(label), rows)


def _make_feature_fit(
    splitset: Splitset, fold: Fold | None, source: OpenFeature, samples: FoldRows
) -> FeatureFit:
    from aiqc.pipeline.chain_fit import fit_chain

    rules, feature = source.rules, source.feature
    rows = replace(samples, windows=rules.windows)
    target = _target(splitset, samples, rules, feature)
    fitted = fit_chain(rules.coders, rules.columns, source.raw, rows, target)
    saw_all = any(saw.saw_all for saw in fitted.saw)
    _keep(splitset, fold, fitted.to_bytes(), rows.fit_rows(), saw_all=saw_all, feature=feature)
    return fitted


def _target(
    splitset: Splitset, rows: FoldRows, rules: FeatureRules, feature: Feature
) -> Array | None:
    """Return the training label, if a coder learns from it."""
    if not any(prepared.needs_label for prepared, _, _ in rules.coders):
        return None
    label = splitset.label
    if label is None:
        msg = f"A coder of {feature!r} learns from the label, and {splitset!r} has none."
        raise InvalidSplit(msg, hint="Use another coder, or a Splitset with a Label.")
    frame = label_frame(label, rows).iloc[rows.fit_rows()]
    if label.column_count > 1:
        # one-hot: the class of each sample
        return np.asarray(frame.to_numpy(dtype=np.float64).argmax(axis=1))
    values: Array = frame.iloc[:, 0].to_numpy()
    return values


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
    samples_bytes = to_npy(train.astype(np.min_scalar_type(int(train.max(initial=0)))))
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
