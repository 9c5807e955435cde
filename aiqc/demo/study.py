"""What a study of the demonstration consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.orm import Queue


@dataclass(frozen=True, slots=True)
class Study:
    """A question about a data set, and the function that plans its experiment."""

    title: str
    #: one or two sentences on data and method
    text: str
    #: metrics shown beside the baseline, the one that ranks models first
    metrics: tuple[str, ...]
    #: registers the data and plans the models; argument: fewer models, for a quick look
    plan: Callable[[bool], Queue]
