"""The order in which steps are attached: before a Splitset, one of a kind, the shaper last."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiqc.core.errors import Conflict, InvalidInput


def refuse_late_feature_step(feature: Any, step: str) -> None:
    """Refuse a step of a Feature that a Splitset uses, or that is shaped already.

    Parameters
    ----------
    feature
        The Feature.
    step
        Name of the step's class, for the message.

    Raises
    ------
    Conflict
        Names the Splitset or the FeatureShaper.
    """
    link = feature.splitset_links.first()
    if link is not None:
        raise _used(feature, link.splitset, step)
    shaper = feature.featureshapers.first()
    if shaper is not None:
        msg = f"{feature!r} has {shaper!r} already, which comes last: no {step} can follow it."
        hint = "Attach the steps to a new Feature, the FeatureShaper at the end."
        raise Conflict(msg, hint=hint, featureshaper_id=shaper.id)


def refuse_late_label_step(label: Any, step: str) -> None:
    """Refuse a step of a Label that a Splitset uses.

    Parameters
    ----------
    label
        The Label.
    step
        Name of the step's class, for the message.

    Raises
    ------
    Conflict
        Names the Splitset.
    """
    splitset = label.splitsets.first()
    if splitset is not None:
        raise _used(label, splitset, step)


def refuse_second(row: Any, steps: Any) -> None:
    """Refuse another step of a kind of which a Feature or Label takes one.

    Parameters
    ----------
    row
        The Feature or Label.
    steps
        Its steps of that kind.

    Raises
    ------
    Conflict
        Names the one that there is.
    """
    found = steps.first()
    if found is not None:
        kind, owner = type(found).__name__, type(row).__name__
        msg = f"{row!r} has {found!r} already; a {owner} takes one {kind}."
        raise Conflict(msg, hint=f"Make another {owner} for another {kind}.", step_id=found.id)


def check_flag(argument: str, value: Any) -> bool:
    """Return True or False as given.

    Raises
    ------
    InvalidInput
        If it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        msg = f"{argument}={value!r} is neither True nor False."
        raise InvalidInput(msg, hint="Pass a bool.", value=value)
    return bool(value)


def _used(row: Any, splitset: Any, step: str) -> Conflict:
    kind = type(row).__name__
    msg = f"{splitset!r} uses {row!r} already; no {step} can be attached to it."
    hint = f"Make a new {kind}, attach the {step}, then make the Splitset."
    return Conflict(msg, hint=hint, splitset_id=splitset.id)
