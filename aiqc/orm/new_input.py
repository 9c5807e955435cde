"""One Feature of new data beside the one that was trained on; a table is read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aiqc.core.enums import DatasetType
from aiqc.orm.training_profile import array_chunks
from aiqc.pipeline.table import as_table, flat_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from aiqc.core.types import Array
    from aiqc.orm.feature import Feature
    from aiqc.orm.trained import Trained
    from aiqc.pipeline.table import Table


@dataclass(frozen=True, slots=True)
class NewInput:
    """New samples, and what of them is in memory."""

    feature: Feature
    #: the trained columns of a table, in their order; None of sequences and images
    frame: pd.DataFrame | None

    @property
    def sample_count(self) -> int:
        """Samples, before any windows."""
        return int(self.feature.dataset.shape["samples"])

    def chunks(self, columns: Sequence[str]) -> Iterator[Array]:
        """Yield some columns of a sequence or image, a few megabytes at a time."""
        return array_chunks(self.feature, np.arange(self.sample_count), columns)

    def tables(self, columns: list[str]) -> Iterator[Table]:
        """Yield some columns as coders see them; an array in parts."""
        if self.frame is not None:
            yield as_table(self.frame[columns])
            return
        for chunk in self.chunks(columns):
            yield flat_table(chunk, columns)


def new_inputs(trained: Trained, features: Sequence[Feature]) -> list[NewInput]:
    """Return new Features, whose schema was checked, in the order of those trained on."""
    pairs = zip(trained.features, features, strict=True)
    return [NewInput(new, _frame(old, new)) for old, new in pairs]


def _frame(old: Feature, new: Feature) -> pd.DataFrame | None:
    if new.dataset.typ != DatasetType.TABULAR:
        return None
    frame: pd.DataFrame = new.to_df(columns=old.columns)
    return frame
