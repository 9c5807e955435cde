"""Stratifier: which samples train, evaluate and test, declared."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, eq=False)
class Stratifier:
    """How samples are divided; the arguments of `Splitset.make`.

    Parameters
    ----------
    size_test, size_validation
        Shares of all samples, between 0 and 1; the rest trains.
    fold_count
        Cross-validation folds of the training samples; at least 2.
    bin_count
        Quantile bins by which a continuous target is stratified; 3 by default.
    unsupervised_stratify_col
        A column of the first Input to stratify by where there is no Target.
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

    Raises
    ------
    InvalidSplit
        If given samples or folds are no lists of rows.

    Examples
    --------
    ::

        Stratifier(size_test=0.2, size_validation=0.1)
    """

    size_test: float | None = None
    size_validation: float | None = None
    fold_count: int | None = None
    bin_count: int | None = None
    unsupervised_stratify_col: str | None = None
    _: KW_ONLY
    stratify: bool = True
    samples: Mapping[str, Sequence[int]] | None = None
    folds: Sequence[tuple[Sequence[int], Sequence[int]]] | None = None
    groups: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        from aiqc.pipeline.given_splits import listed_folds, listed_samples

        # they are read more than once
        if self.samples is not None:
            object.__setattr__(self, "samples", listed_samples(self.samples))
        if self.folds is not None:
            object.__setattr__(self, "folds", listed_folds(self.folds))

    def arguments(self) -> dict[str, Any]:
        """Return {argument of `Splitset.make`: value}."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
