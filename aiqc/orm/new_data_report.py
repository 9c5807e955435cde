"""New data beside the training rows of a fold: what drifted, and which rows are out of range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.core.errors import AIQCError
from aiqc.orm.training_profile import is_image, profiles_of
from aiqc.pipeline.drift import tally_arrays, tally_frame
from aiqc.pipeline.drift_report import feature_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.orm.feature import Feature
    from aiqc.orm.new_input import NewInput
    from aiqc.orm.trained import Trained
    from aiqc.pipeline.drift import Tally
    from aiqc.pipeline.profile import ColumnProfile


def compared(
    trained: Trained, inputs: Sequence[NewInput]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a report of each Feature, and why one lacks.

    Parameters
    ----------
    trained
        What the model was trained on.
    inputs
        In the same order.
    """
    reports, notes = [], []
    for old, new in zip(trained.features, inputs, strict=True):
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


def _tallies(profiles: list[ColumnProfile], old: Feature, new: NewInput) -> list[Tally]:
    if new.frame is not None:
        return tally_frame(profiles, new.frame)
    chunks = new.chunks(old.columns)
    return tally_arrays(profiles, chunks, new.sample_count, by_channel=is_image(old))
