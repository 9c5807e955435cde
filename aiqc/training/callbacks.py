"""Early stopping by cutoffs: the rule, free of any framework, and its Keras callback."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidInput
from aiqc.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("metric", "cutoff", "above_or_below")
_SIDES = ("above", "below")
_HINT = "Use dict(metric='val_accuracy', cutoff=0.96, above_or_below='above')."


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A metric, and where it has to be."""

    metric: str
    cutoff: float
    #: at least the cutoff; else at most
    above: bool

    def holds(self, value: float) -> bool:
        """Return whether a value is there; NaN never is."""
        return value >= self.cutoff if self.above else value <= self.cutoff


def read_cutoffs(thresholds: Sequence[Mapping[str, Any]]) -> tuple[Cutoff, ...]:
    """Return cutoffs of the documented dicts.

    Parameters
    ----------
    thresholds
        `dict(metric=str, cutoff=number, above_or_below='above' | 'below')`, one or more.

    Raises
    ------
    InvalidInput
        If there is none, or one is malformed; names it.
    """
    if isinstance(thresholds, Mapping):
        thresholds = [thresholds]
    if not thresholds:
        msg = "MetricCutoff got no thresholds, which would stop after the first epoch."
        raise InvalidInput(msg, hint=_HINT, value=thresholds)
    return tuple(_read_one(item) for item in thresholds)


def all_hold(cutoffs: Sequence[Cutoff], metrics: Mapping[str, float]) -> bool:
    """Return whether every cutoff holds for the metrics of one epoch.

    Raises
    ------
    InvalidInput
        If a metric is unknown; names those that are.

    Examples
    --------
    >>> cutoffs = read_cutoffs([dict(metric="loss", cutoff=0.1, above_or_below="below")])
    >>> all_hold(cutoffs, {"loss": 0.1}), all_hold(cutoffs, {"loss": 0.2})
    (True, False)
    """
    for cutoff in cutoffs:
        if cutoff.metric not in metrics:
            msg = f"MetricCutoff knows no metric {cutoff.metric!r}."
            hint = f"Known metrics: {', '.join(sorted(metrics)) or 'none'}."
            raise InvalidInput(msg, hint=hint, metric=cutoff.metric)
    return all(cutoff.holds(float(metrics[cutoff.metric])) for cutoff in cutoffs)


def metric_cutoff(thresholds: Sequence[Mapping[str, Any]]) -> Any:
    """Return a Keras callback that stops after the first epoch in which every cutoff holds.

    Parameters
    ----------
    thresholds
        See `read_cutoffs`.

    Raises
    ------
    InvalidInput
        If one is malformed; during `fit`, if its metric is unknown.
    """
    return _callback_class()(read_cutoffs(thresholds))


@cache
def _callback_class() -> type[Any]:
    """Return the class, made when Keras is there."""
    callbacks = load("keras").callbacks

    class MetricCutoff(callbacks.Callback):  # type: ignore[misc,name-defined]
        """Stops training after the first epoch in which every cutoff holds."""

        def __init__(self, cutoffs: tuple[Cutoff, ...]) -> None:
            super().__init__()
            self.cutoffs = cutoffs

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras'
            """Stop if every cutoff holds."""
            if all_hold(self.cutoffs, logs or {}):
                self.model.stop_training = True

    return MetricCutoff


def _read_one(item: Any) -> Cutoff:
    if not isinstance(item, Mapping) or sorted(item) != sorted(_KEYS):
        msg = f"MetricCutoff got {item!r}, which does not have exactly the keys {_KEYS}."
        raise InvalidInput(msg, hint=_HINT, value=item)
    metric, cutoff, side = (item[key] for key in _KEYS)
    if not isinstance(metric, str):
        msg = f"MetricCutoff got the metric {metric!r}, which is not text."
        raise InvalidInput(msg, hint=_HINT, value=metric)
    if isinstance(cutoff, bool) or not isinstance(cutoff, Real) or math.isnan(float(cutoff)):
        msg = f"MetricCutoff got the cutoff {cutoff!r} for {metric!r}, which is not a number."
        raise InvalidInput(msg, hint=_HINT, value=cutoff)
    if side not in _SIDES:
        msg = f"MetricCutoff got above_or_below={side!r} for {metric!r}."
        raise InvalidInput(msg, hint=f"Use one of {_SIDES}.", value=side)
    return Cutoff(metric, float(cutoff), above=side == "above")
