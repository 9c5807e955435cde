"""Splitset: which samples train, evaluate and test; features, label and folds in one (spec §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from peewee import ForeignKeyField

from aiqc.core.errors import InvalidSplit
from aiqc.core.seeds import check_seed, from_digest
from aiqc.orm._array_fields import IndexMapField
from aiqc.orm._base import BaseModel, check_info
from aiqc.orm._by_id import by_id
from aiqc.orm._fields import BigInteger, Boolean, CircularKey, Digest, JSONField, Text
from aiqc.orm._late import late
from aiqc.orm._lists import as_list
from aiqc.orm._messages import announce
from aiqc.orm._versions import (
    existing_version,
    version_of_renamed,
    warn_duplicate,
)
from aiqc.orm.feature import Feature
from aiqc.orm.label import Label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from peewee import ModelSelect

    from aiqc.orm._split_plan import SplitRequest
    from aiqc.orm.fit import Fit
    from aiqc.orm.fold import Fold
    from aiqc.orm.prediction import Prediction
    from aiqc.orm.predictor import Predictor
    from aiqc.orm.queue import Queue
    from aiqc.orm.splitset_feature import SplitsetFeature


class Splitset(BaseModel):
    """The pipeline of a study: Features, a Label, and the samples of each split."""

    #: folder name of the samples cache
    uid = Text()
    #: {split: sample indices}
    samples = IndexMapField()
    #: {split: {'percent': float, 'count': int}}
    sizes = JSONField()
    #: 'supervised' or 'unsupervised'
    supervision = Text()
    has_validation = Boolean()
    fold_count = BigInteger(null=True)
    bin_count = BigInteger(null=True)
    unsupervised_stratifyCol = Text(null=True)
    #: the split that models train on
    key_train = Text(null=True)
    #: the split that training is evaluated on
    key_evaluation = Text(null=True)
    key_test = Text(null=True)
    version = BigInteger(null=True)
    #: root of the seeds of split and folds
    seed = BigInteger()
    #: the arguments of `make` that decide the split
    options = JSONField()
    #: identity: data, columns, coders, arguments and seed
    sha256_hexdigest = Digest()
    label = ForeignKeyField(Label, null=True, on_delete="RESTRICT", backref="splitsets")
    predictor = CircularKey("Predictor", on_delete="CASCADE", backref="inference_splitsets")
    feature_links: ModelSelect[SplitsetFeature]
    folds: ModelSelect[Fold]
    fits: ModelSelect[Fit]
    queues: ModelSelect[Queue]
    predictions: ModelSelect[Prediction]

    @classmethod
    def make(
        cls,
        feature_ids: Sequence[int] | int | Feature,
        label_id: int | Label | None = None,
        size_test: float | None = None,
        size_validation: float | None = None,
        bin_count: int | None = None,
        fold_count: int | None = None,
        unsupervised_stratify_col: str | None = None,
        name: str | None = None,
        description: str | None = None,
        predictor_id: int | Predictor | None = None,
        *,
        seed: int | None = None,
        stratify: bool = True,
        samples: Mapping[str, Sequence[int]] | None = None,
        folds: Sequence[tuple[Sequence[int], Sequence[int]]] | None = None,
        groups: str | None = None,
        time: str | None = None,
        unsupervised_stratifyCol: str | None = None,
    ) -> Splitset:
        """Divide the samples of Features, and of their Label, into splits and folds.

        Parameters
        ----------
        feature_ids
            One Feature or several of equal length, by id or row.
        label_id
            The target; without it the Splitset is unsupervised.
        size_test, size_validation
            Shares of all samples, between 0 and 1; counts are rounded up and the rest trains.
        bin_count
            Quantile bins by which a continuous label is stratified; 3 by default.
        fold_count
            Cross-validation folds of the training samples; at least 2.
        unsupervised_stratify_col
            A column of the first Feature to stratify by where there is no Label.
        name
            Turns on versioning: an equal Splitset returns the existing row with a warning.
        description
            What is unique about this pipeline.
        predictor_id
            The Predictor, or its id, that is to predict all of the samples: for inference, with
            `infer()`. Nothing is split then.
        seed
            Root of the draws; derived from the content by default, so that the same call gives
            the same split.
        stratify
            Whether classes or bins keep their shares in every split.
        samples
            Given splits: {'train': rows, 'validation': rows, 'test': rows}.
        folds
            Given folds of the training rows: [(train rows, validation rows), ...].
        groups
            A column of the data whose values never straddle two splits; given ones are checked.
        time
            A column of the data by which the splits follow one another; given ones are checked.
        unsupervised_stratifyCol
            Another spelling of `unsupervised_stratify_col`.

        Raises
        ------
        InvalidSplit
            If sizes, folds, classes or given rows do not work out.
        Incompatible
            If `predictor_id` is given and the data are not of the schema that it was trained on.
        """
        from aiqc.orm._split_plan import SplitRequest

        check_info(name, description)
        features = _features(feature_ids)
        label = None if label_id is None else Label.of(label_id)
        request = SplitRequest(
            size_test=size_test,
            size_validation=size_validation,
            bin_count=bin_count,
            fold_count=fold_count,
            stratify_column=unsupervised_stratify_col or unsupervised_stratifyCol,
            stratify=stratify,
            samples=samples,
            folds=folds,
            groups=groups,
            time=time,
        )
        if predictor_id is not None:
            made: Splitset = late("make_inference_splitset")(
                features, label, predictor_id, request, name=name, description=description
            )
            return made
        return cls._from_request(
            features, label, request, seed=seed, name=name, description=description
        )

    @classmethod
    def _from_request(
        cls,
        features: list[Feature],
        label: Label | None,
        request: SplitRequest,
        *,
        seed: int | None,
        name: str | None,
        description: str | None,
    ) -> Splitset:
        from aiqc.orm._split_plan import content_digest, content_facts, plan_split

        facts = content_facts(features, label, request)
        origin = content_digest(facts)
        root = from_digest(origin) if seed is None else check_seed(seed)
        digest = content_digest(facts, seed=root)
        row = existing_version(cls, name, sha256_hexdigest=digest)
        is_new = False
        if row is None:
            planned = plan_split(features, label, request, root)
            row, is_new = late("write_splitset")(
                planned,
                features,
                label,
                request,
                digest=digest,
                seed=root,
                name=name,
                description=description,
            )
        if is_new:
            _announce_shared(row)
        else:
            warn_duplicate(row)
        return row

    @property
    def features(self) -> list[Feature]:
        """The Features, in the order given."""
        links = self.feature_links.order_by(self.feature_links.model.idx)
        return [link.feature for link in links]

    def train_key(self) -> str:
        """Return the name of the split that models train on.

        Raises
        ------
        InvalidSplit
            If the Splitset was made for inference.
        """
        if self.key_train is None:
            msg = f"{self!r} was made for inference and trains nothing."
            raise InvalidSplit(msg, hint="Use the Splitset that its Predictor was trained on.")
        return self.key_train

    def supervising_label(self) -> Label:
        """Return the Label.

        Raises
        ------
        InvalidSplit
            If the Splitset is unsupervised.
        """
        if self.label is None:
            msg = f"{self!r} is unsupervised."
            raise InvalidSplit(msg, hint="Make the Splitset with a label_id.")
        return self.label

    @property
    def unsupervised_stratify_col(self) -> str | None:
        """Another spelling of `unsupervised_stratifyCol`."""
        column: str | None = self.unsupervised_stratifyCol
        return column

    @property
    def cache_path(self) -> str:
        """The folder of the samples cache, on this machine."""
        return str(late("cache_folder_of")(self))

    @property
    def cache_hot(self) -> bool:
        """Whether the cache is complete and belongs to this Splitset."""
        found: bool = late("is_hot")(self)
        return found

    @by_id
    def cache_samples(self) -> None:
        """Fit the coders on each fold's training samples and write every split to the cache.

        Runs of a Queue do this themselves. Fits that exist are used again.

        Raises
        ------
        InvalidCoder
            If a coder cannot learn from the training rows.
        InvalidData
            If a column that no coder has taken is not numeric, or a category is unknown.
        """
        late("cache_all")(self)

    @by_id
    def clear_cache(self) -> None:
        """Delete the cached samples; the fits stay."""
        late("clear")(self)

    @by_id
    def fetch_cache(
        self,
        split: str,
        label_features: Literal["label", "features"],
        fold_id: int | None = None,
        library: str | None = None,
    ) -> Any:
        """Return preprocessed samples of a split; caches them first if need be.

        Parameters
        ----------
        split
            A split's name, e.g. 'train' or, of a fold, 'folds_train_combined'.
        label_features
            Which of the two to return.
        fold_id
            The Fold's id; needed if and only if the Splitset has folds.
        library
            'pytorch' returns float32 tensors; integers of a Label stay integers.

        Returns
        -------
        An array or tensor `(samples, ..., encoded columns)`, or as the FeatureShaper makes it; a
        list of them for several Features. The label of an unsupervised Splitset is the first
        Feature's shifted windows, or without a Window that Feature itself; None where windows
        have no target.

        Raises
        ------
        InvalidSplit
            If there is no such split or fold.
        """
        return late("fetch")(self, split, label_features, fold_id, library)

    @by_id
    def infer(self) -> Prediction:
        """Predict all samples with the Predictor that the Splitset was made for.

        The data pass through the interpolaters, fits and shapes of the fold that the model was
        trained on. With a Label, or shifted windows, the predictions are scored.

        Returns
        -------
        Prediction
            Its only split is named `infer_0`, `infer_1`, ... by Predictor. Calling it again
            returns the same row.

        Raises
        ------
        InvalidSplit
            If the Splitset was not made with a `predictor_id`.
        InvalidData
            If a value cannot be encoded, such as a category that was not seen in training.
        UntrustedCode
            If the Algorithm's functions are not trusted.
        """
        found: Prediction = late("infer")(self)
        return found

    @by_id
    def shared_rows(self) -> pd.DataFrame:
        """Return how many rows of the data two splits share because their windows overlap.

        Returns
        -------
        Columns split_a, split_b and rows, one row a pair that shares any; empty without windows.
        """
        found: pd.DataFrame = late("shared_rows")(self)
        return found

    @classmethod
    def list_df(cls) -> pd.DataFrame:
        """Return one row a Splitset: id, name, version, splits, folds, supervision, time."""
        rows = [
            {
                "id": row.id,
                "name": row.name,
                "version": row.version,
                "supervision": row.supervision,
                **{f"{split}_count": size["count"] for split, size in row.sizes.items()},
                "fold_count": row.fold_count,
                "created_at": row.created_at(),
            }
            for row in cls.select().order_by(cls.id)
        ]
        return pd.DataFrame(rows)

    def _renamed(self, name: str) -> None:
        self.version = version_of_renamed(self, name, sha256_hexdigest=self.sha256_hexdigest)


def _announce_shared(row: Splitset) -> None:
    """Log that splits share rows of the data, if their windows overlap."""
    shared = row.shared_rows()
    if len(shared):
        many = f"up to {shared['rows'].max()} rows"
        announce([f"{len(shared)} pairs of splits of {row!r} share {many}: see shared_rows()."])


def _features(feature_ids: Any) -> list[Feature]:
    features = [Feature.of(feature_id) for feature_id in as_list(feature_ids)]
    ids = [feature.id for feature in features]
    twice = next((feature for feature in features if ids.count(feature.id) > 1), None)
    if twice is not None:
        msg = f"{twice!r} is given twice in feature_ids={ids}."
        raise InvalidSplit(msg, hint="Name each Feature once.", value=ids)
    return features
