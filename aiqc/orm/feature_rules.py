"""The steps attached to a Feature, as values, and its data as the pipeline takes them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiqc.core.enums import DatasetType
from aiqc.orm.feature_coder import coder_chain
from aiqc.orm.feature_interpolater import interpolate_steps
from aiqc.orm.feature_shaper import shaper_of
from aiqc.orm.window import windows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.orm.feature import Feature
    from aiqc.pipeline.feature_rules import FeatureRules
    from aiqc.pipeline.raw_feature import RawFeature


def rules_of(feature: Feature) -> FeatureRules:
    """Return the interpolaters, coders, windows and shape of a Feature."""
    from aiqc.pipeline.feature_rules import FeatureRules

    chain = coder_chain(feature)
    return FeatureRules(
        columns=list(feature.columns),
        interpolaters=interpolate_steps(feature),
        coders=[(c.prepared(), c.encoding_dimension, c.matching_columns) for c in chain],
        windows=windows_of(feature),
        shaper=shaper_of(feature),
    )


@contextmanager
def open_raw(feature: Feature, rules: FeatureRules) -> Iterator[RawFeature]:
    """Open a Feature's data; they are read once where they fit into memory.

    Raises
    ------
    DataChanged
        If the source was not ingested and is no longer what was registered.
    """
    from aiqc.pipeline.raw_feature import ArrayFeature, FrameFeature

    if feature.dataset.typ == DatasetType.TABULAR:
        yield FrameFeature(feature.to_df(), rules.interpolaters)
        return
    with feature.open_array() as source:
        yield ArrayFeature(source, rules.columns, rules.interpolaters)
