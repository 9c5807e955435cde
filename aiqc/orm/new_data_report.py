"""New data beside the training rows of a fold: what drifted, and which rows are out of range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import DatasetType
from aiqc.core.errors import AIQCError
from aiqc.orm.training_profile import array_chunks, is_image, profiles_of
from aiqc.pipeline.drift import tally_arrays, tally_frame
from aiqc.pipeline.drift_report import feature_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.orm.feature import Feature
    from aiqc.orm.trained import Trained
    from aiqc.pipeline.drift import Tally
    from aiqc.pipeline.profile import ColumnProfile


def compared(
    trained: Trained, new_features: Sequence[Feature]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a report of each Feature, and why one lacks.

    Parameters
    ----------
    trained
        What the model was trained on.
    new_features
        In the same order; columns are found by name.
    """
    reports, notes = [], []
    for old, new in zip(trained.features, new_features, strict=True):
        try:
            profiles = _profiles(trained, old)
        except (AIQCError, OSError) as error:
            notes.append(f"it has no drift table of {old!r}: {error}")
            continue
        reports.append(feature_report(old.id, profiles, _tallies(profiles, old, new)))
    return reports, notes


def _profiles(trained: Trained, feature: Feature) -> list[ColumnProfile]:
    if feature.id not in trained.profiles:
        trained.profiles[feature.id] = profiles_of(trained.splitset, trained.fold, feature)
    return trained.profiles[feature.id]


def _tallies(profiles: list[ColumnProfile], old: Feature, new: Feature) -> list[Tally]:
    if new.dataset.typ == DatasetType.TABULAR:
        return tally_frame(profiles, new.to_df(columns=old.columns))
    count = int(new.dataset.shape["samples"])
    chunks = array_chunks(new, np.arange(count), old.columns)
    return tally_arrays(profiles, chunks, count, by_channel=is_image(new))
