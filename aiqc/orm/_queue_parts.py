"""Whether Algorithm, Splitset and Hyperparamset fit together, before a Queue is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiqc.core.enums import Library
from aiqc.core.errors import Incompatible
from aiqc.data.dtypes import is_numeric
from aiqc.orm.feature_coder import coder_chain
from aiqc.orm.feature_shaper import shaper_of
from aiqc.orm.window import windows_of
from aiqc.pipeline.compatibility import (
    LabelFacts,
    TargetFacts,
    check_label_fits,
    check_matrix,
    check_target_fits,
)
from aiqc.training.signatures import check_hyperparameters

if TYPE_CHECKING:
    from aiqc.orm.algorithm import Algorithm
    from aiqc.orm.feature import Feature
    from aiqc.orm.hyperparamset import Hyperparamset
    from aiqc.orm.label import Label
    from aiqc.orm.splitset import Splitset


def check_parts(
    algorithm: Algorithm, splitset: Splitset, hyperparamset: Hyperparamset | None
) -> None:
    """Refuse parts of a Queue that do not fit together.

    Raises
    ------
    Incompatible
        Names the parts, and what would fit.
    InvalidFunction
        If a function does not take the hyperparameters.
    InvalidSplit
        If the Splitset was made for inference.
    """
    splitset.train_key()
    if hyperparamset is not None and hyperparamset.algorithm != algorithm:
        msg = f"{hyperparamset!r} belongs to {hyperparamset.algorithm!r}, not to {algorithm!r}."
        hint = "Use Hyperparamset.from_algorithm with this Algorithm."
        raise Incompatible(msg, hint=hint, hyperparamset_id=hyperparamset.id)
    functions, _ = algorithm.load()
    space = {} if hyperparamset is None else hyperparamset.hyperparameters
    check_hyperparameters(algorithm.library, functions, space)
    features = splitset.features
    if splitset.label is None:
        check_target_fits(algorithm.analysis_type, target_facts(features[0]))
    else:
        check_label_fits(algorithm.analysis_type, label_facts(splitset.label))
    for feature in features:
        _check_numeric(feature)
        if algorithm.library is Library.SKLEARN:
            check_matrix(repr(feature), axis_count(feature))


def label_facts(label: Label) -> LabelFacts:
    """Return what decides whether a Label fits an analysis."""
    coder = label.labelcoders.first()
    dtypes = label.get_dtypes()
    return LabelFacts(
        place=repr(label),
        columns=label.columns,
        dtypes=list(dtypes.values()),
        unique_classes=label.unique_classes,
        coder=None if coder is None else type(coder.sklearn_preprocess).__name__,
        coder_is_categorical=coder is not None and coder.is_categorical,
        is_numeric=all(is_numeric(dtype) for dtype in dtypes.values()),
    )


def target_facts(feature: Feature) -> TargetFacts:
    """Return what decides whether a Feature can be the target of an unsupervised model."""
    windows = windows_of(feature)
    return TargetFacts(
        place=repr(feature),
        coders=[coder.prepared().estimator for coder in coder_chain(feature)],
        has_future=windows is None or windows.is_shifted,
    )


def axis_count(feature: Feature) -> int:
    """Return how many axes the samples of a Feature have for the model, themselves among them."""
    shaper = shaper_of(feature)
    if shaper is not None:
        return len(shaper.indices)
    return 1 + len(feature.sample_shape) + (windows_of(feature) is not None)


def _check_numeric(feature: Feature) -> None:
    chain = coder_chain(feature)
    left = chain[-1].leftover_dtypes if chain else feature.get_dtypes()
    for column, dtype in left.items():
        if not is_numeric(dtype):
            msg = f"The column {column!r} of {feature!r} is {dtype}, and no coder takes it."
            call = f"FeatureCoder.from_feature(feature, OneHotEncoder(), columns=[{column!r}])"
            hint = f"Attach a coder: {call}."
            raise Incompatible(msg, hint=hint, column=column)
