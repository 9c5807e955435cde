"""Input: what a model learns from, declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.mlops._listed import check_kind, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiqc.orm import Dataset


@dataclass(frozen=True, eq=False)
class Input:
    """Columns of a Dataset and what is done to them; becomes a Feature.

    Whatever order the arguments are given in, the steps run in this one: interpolaters, encoders,
    window, reshape. The Target's columns are left out by themselves.

    Parameters
    ----------
    dataset
        The Dataset or its id.
    exclude_columns
        Columns to leave out; all others are used.
    include_columns
        Columns to use, in this order.
    interpolaters
        `Input.Interpolater`, or several: how missing values are filled.
    window
        `Input.Window`: makes every run of rows a sample.
    encoders
        `Input.Encoder`, or several, or bare scikit-learn preprocessors: how values become
        numbers. Each takes what the ones before it left.
    reshape_indices
        The shape in which a sample reaches the model; see `FeatureShaper`.

    Examples
    --------
    ::

        Input(dataset, exclude_columns="id", encoders=Input.Encoder(StandardScaler()))
    """

    dataset: int | Dataset
    exclude_columns: str | Sequence[str] | None = None
    include_columns: str | Sequence[str] | None = None
    interpolaters: Input.Interpolater | Sequence[Input.Interpolater] | None = None
    window: Input.Window | None = None
    encoders: Any = None
    reshape_indices: Any = None

    @dataclass(frozen=True, eq=False)
    class Interpolater:
        """How missing values of some columns are filled; becomes a FeatureInterpolater.

        Parameters
        ----------
        process_separately
            Whether the training rows are interpolated without the others.
        verbose
            Whether the library's messages are shown on stderr.
        interpolate_kwargs
            Arguments of `pandas.DataFrame.interpolate`.
        dtypes, columns
            Which columns it takes; all that are left by default.

        Examples
        --------
        ::

            Input.Interpolater(interpolate_kwargs={"method": "linear"}, columns="height")
        """

        process_separately: bool = True
        verbose: bool = False
        interpolate_kwargs: Mapping[str, Any] | None = None
        dtypes: Any = None
        columns: str | Sequence[str] | None = None

    @dataclass(frozen=True, eq=False)
    class Window:
        """Runs of rows as samples, for forecasts; becomes a Window.

        Parameters
        ----------
        size_window
            Rows of a window.
        size_shift
            Rows from one window to the next, and from a window to its target.
        record_shifted
            Whether each window has a shifted one as its target.

        Examples
        --------
        ::

            Input.Window(size_window=24, size_shift=6)
        """

        size_window: int
        size_shift: int
        record_shifted: bool = True

    @dataclass(frozen=True, eq=False)
    class Encoder:
        """How some columns become numbers; becomes a FeatureCoder.

        Parameters
        ----------
        sklearn_preprocess
            An instance such as `StandardScaler()`.
        verbose
            Whether the library's messages are shown on stderr.
        include
            Whether `dtypes` and `columns` name what it takes, or what it leaves.
        dtypes, columns
            Which columns it takes; all that are left by default.

        Examples
        --------
        ::

            Input.Encoder(OneHotEncoder(), dtypes="str")
        """

        sklearn_preprocess: Any
        verbose: bool = False
        include: bool = True
        dtypes: Any = None
        columns: str | Sequence[str] | None = None

    def __post_init__(self) -> None:
        self.interpolater_list()
        self.encoder_list()
        if self.window is not None:
            check_kind(self.window, Input.Window, "window")

    def interpolater_list(self) -> list[Input.Interpolater]:
        """Return the interpolaters in order."""
        return listed(self.interpolaters, Input.Interpolater, "interpolaters")

    def encoder_list(self) -> list[Input.Encoder]:
        """Return the encoders in order; a bare preprocessor is one for all that is left."""
        given = self.encoders
        values = list(given) if isinstance(given, list | tuple) else [given]
        return listed(
            [as_encoder(value, Input.Encoder) for value in values if value is not None],
            Input.Encoder,
            "encoders",
        )


def as_encoder(value: Any, kind: type[Any]) -> Any:
    """Return a bare preprocessor as an encoder; everything else as it is.

    A class with `fit` is wrapped too: the error for it says to pass an instance.
    """
    is_preprocessor = hasattr(value, "fit") and not isinstance(value, kind)
    return kind(value) if is_preprocessor else value
