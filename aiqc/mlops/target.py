"""Target: what a model predicts, declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.mlops._listed import check_kind
from aiqc.mlops.input import as_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiqc.orm import Dataset


@dataclass(frozen=True, eq=False)
class Target:
    """The column that a model predicts, and how it becomes numbers; becomes a Label.

    Parameters
    ----------
    dataset
        The tabular Dataset or its id; it may be that of an Input.
    column
        The column, or a list of those of a one-hot encoding; all of the Dataset by default.
    interpolater
        `Target.Interpolater`: how missing values of a number are filled.
    encoder
        `Target.Encoder`, or a bare scikit-learn preprocessor.

    Examples
    --------
    ::

        Target(dataset, column="species", encoder=Target.Encoder(OrdinalEncoder()))
    """

    dataset: int | Dataset
    column: str | Sequence[str] | None = None
    interpolater: Target.Interpolater | None = None
    encoder: Any = None

    @dataclass(frozen=True, eq=False)
    class Interpolater:
        """How missing values of the target are filled; becomes a LabelInterpolater.

        Parameters
        ----------
        process_separately
            Whether the training rows are interpolated without the others.
        interpolate_kwargs
            Arguments of `pandas.DataFrame.interpolate`.

        Examples
        --------
        ::

            Target.Interpolater(interpolate_kwargs={"method": "linear"})
        """

        process_separately: bool = True
        interpolate_kwargs: Mapping[str, Any] | None = None

    @dataclass(frozen=True, eq=False)
    class Encoder:
        """How the target becomes numbers; becomes a LabelCoder.

        Parameters
        ----------
        sklearn_preprocess
            An instance such as `OneHotEncoder()`.

        Examples
        --------
        ::

            Target.Encoder(OneHotEncoder())
        """

        sklearn_preprocess: Any

    def __post_init__(self) -> None:
        self.own_encoder()
        if self.interpolater is not None:
            check_kind(self.interpolater, Target.Interpolater, "interpolater")

    def own_encoder(self) -> Target.Encoder | None:
        """Return the encoder; a bare preprocessor is wrapped."""
        if self.encoder is None:
            return None
        encoder = as_encoder(self.encoder, Target.Encoder)
        check_kind(encoder, Target.Encoder, "encoder")
        found: Target.Encoder = encoder
        return found
