"""What Feature and Label share: columns of one Dataset, and how to fetch them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.orm._by_id import by_id
from aiqc.orm._coding import newest_unfolded
from aiqc.orm._lists import as_list, check_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import ForeignKeyField, ModelSelect

    from aiqc.core.types import Array
    from aiqc.orm._fields import JSONField
    from aiqc.orm.dataset import Dataset
    from aiqc.orm.fit import Fit


class ColumnSubset:
    """Fetches some columns of a Dataset; mixed into tables with `dataset` and `columns`."""

    if TYPE_CHECKING:
        dataset: ForeignKeyField[Dataset]
        columns: JSONField[Any]
        fits: ModelSelect[Fit]

    @by_id
    def to_df(
        self, columns: Sequence[str] | None = None, samples: Sequence[int] | Array | None = None
    ) -> Any:
        """Return the row's columns as `Dataset.to_df` does: a frame of a tabular Dataset.

        Parameters
        ----------
        columns
            Some of the row's columns, in the order wanted; all by default.
        samples
            Zero-based row numbers, in the order wanted; all by default.
        """
        return self.dataset.to_df(self._own(columns), samples)

    @by_id
    def to_arr(
        self, columns: Sequence[str] | None = None, samples: Sequence[int] | Array | None = None
    ) -> Array:
        """Return the row's columns as an array `(samples, ..., columns)`; see `Dataset.to_arr`.

        Parameters
        ----------
        columns
            Some of the row's columns, in the order wanted; all by default.
        samples
            Zero-based row numbers, in the order wanted; all by default.
        """
        return self.dataset.to_arr(self._own(columns), samples)

    @by_id
    def get_dtypes(self, columns: Sequence[str] | None = None) -> dict[str, str]:
        """Return {column: dtype} of the row's columns.

        Parameters
        ----------
        columns
            Some of the row's columns; all by default.
        """
        return self.dataset.get_dtypes(self._own(columns))

    def _own(self, columns: Sequence[str] | None) -> list[str]:
        names = self.columns if columns is None else as_list(columns)
        check_known(names, self.columns, f"{self!r}")
        return list(names)

    def _newest_fit(self) -> Fit | None:
        found: Fit | None = newest_unfolded(self.fits)
        return found
