"""Window: sliding windows over the samples of a Feature, for forecasts (spec/003 §7)."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from peewee import ForeignKeyField

from aiqc.orm._base import BaseModel
from aiqc.orm._fields import BigInteger, Boolean
from aiqc.orm._step_order import check_flag, refuse_late_feature_step, refuse_second
from aiqc.orm.feature import Feature

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.pipeline.window import Windows

P = ParamSpec("P")
R = TypeVar("R")


def _also_dataset_id(method: Callable[P, R]) -> Callable[P, R]:
    """Let the argument `feature_id` be named `dataset_id`, as the reference's table does."""

    @wraps(method)
    def renamed(*args: P.args, **kwargs: P.kwargs) -> R:
        if "dataset_id" in kwargs and "feature_id" not in kwargs:
            kwargs["feature_id"] = kwargs.pop("dataset_id")
        return method(*args, **kwargs)

    return renamed


class Window(BaseModel):
    """Makes every run of rows of a Feature one sample."""

    #: rows of a window
    size_window = BigInteger()
    #: rows from one window to the next, and from a window to its target
    size_shift = BigInteger()
    #: windows that the data set holds; the samples of a Splitset
    window_count = BigInteger()
    #: whether each window has a shifted one as its target
    record_shifted = Boolean()
    feature = ForeignKeyField(Feature, unique=True, on_delete="CASCADE", backref="windows")

    @classmethod
    @_also_dataset_id
    def from_feature(
        cls,
        feature_id: int | Feature,
        size_window: int,
        size_shift: int,
        record_shifted: bool = True,
    ) -> Window:
        """Make runs of rows the samples of a Feature, for walk-forward forecasts.

        The windows run along the first axis, whatever the data. They are aligned to the end of
        the data: rows that do not fit are left out at its start.

        Parameters
        ----------
        feature_id
            The Feature or its id; `dataset_id=` is the same argument.
        size_window
            Rows of a window.
        size_shift
            Rows from one window to the next, and from a window to its target.
        record_shifted
            Whether each window has a shifted one as its target. False for pure inference.

        Raises
        ------
        InvalidInput
            If a size is no whole number of at least 1, or no window fits; names the largest that
            does.
        Conflict
            If the Feature has a Window or a FeatureShaper, or a Splitset uses it.
        """
        from aiqc.pipeline.window import plan_windows

        feature = Feature.of(feature_id)
        refuse_second(feature, cls.select().where(cls.feature == feature))
        refuse_late_feature_step(feature, cls.__name__)
        shifted = check_flag("record_shifted", record_shifted)
        rows = feature.dataset.shape["samples"]
        windows = plan_windows(rows, size_window, size_shift, record_shifted=shifted)
        return cls.create(
            feature=feature,
            size_window=windows.size,
            size_shift=windows.shift,
            window_count=windows.count,
            record_shifted=shifted,
        )

    @property
    def samples_unshifted(self) -> list[list[int]]:
        """Row numbers of every window, in order."""
        rows: list[list[int]] = self.windows().unshifted().tolist()
        return rows

    @property
    def samples_shifted(self) -> list[list[int]] | None:
        """Row numbers of every window's target, in order; None where none are recorded."""
        rows = self.windows().shifted()
        return None if rows is None else rows.tolist()

    def windows(self) -> Windows:
        """Return the rows of the windows as the pipeline takes them."""
        from aiqc.pipeline.window import plan_windows

        rows = self.feature.dataset.shape["samples"]
        return plan_windows(
            rows, self.size_window, self.size_shift, record_shifted=self.record_shifted
        )


def windows_of(feature: Feature) -> Windows | None:
    """Return the windows of a Feature; None where it has no Window."""
    row = Window.select().where(Window.feature == feature).first()
    return None if row is None else row.windows()
