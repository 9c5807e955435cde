"""Samples of a split as a model gets them: encoded, windowed, shaped, some at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.pipeline.raw_feature import STEP_BYTES, EncodedTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.core.types import Array
    from aiqc.pipeline.feature_rules import FeatureRules
    from aiqc.pipeline.raw_feature import EncodedSplit


@dataclass(frozen=True, slots=True)
class Block:
    """Some samples of one Feature, and what an unsupervised model is trained to return."""

    features: Array
    #: the shifted windows, or the features themselves; None if shifted windows lack
    target: Array | None


def prepared_blocks(
    encoded: EncodedSplit, rules: FeatureRules, samples: Array, sample_bytes: int
) -> Iterator[Block]:
    """Yield the samples of a split in order.

    Parameters
    ----------
    encoded
        Rows of the split.
    rules
        The Feature's steps.
    samples
        Rows, or windows where the Feature has a Window.
    sample_bytes
        Bytes of one prepared sample as float64: decides how many are in a block.
    """
    samples = np.asarray(samples, dtype=np.int64)
    step = max(1, STEP_BYTES // max(sample_bytes, 1))
    if rules.windows is None and isinstance(encoded, EncodedTable):
        # the rows are in memory, and there is nothing to multiply them
        step = max(len(samples), 1)
    for start in range(0, max(len(samples), 1), step):
        yield _block(encoded, rules, samples[start : start + step])


def _block(encoded: EncodedSplit, rules: FeatureRules, samples: Array) -> Block:
    windows = rules.windows
    if windows is None:
        features = rules.shaped(encoded.at(samples))
        return Block(features, features)
    unshifted, shifted = windows.unshifted(samples), windows.shifted(samples)
    if shifted is None:
        return Block(rules.shaped(encoded.at(unshifted)), None)
    # read and encoded together: a window and its target mostly share rows
    both = encoded.at(np.stack([unshifted, shifted]))
    return Block(rules.shaped(both[0]), rules.shaped(both[1]))
