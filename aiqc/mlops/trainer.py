"""Trainer: how often, on which data and how many combinations are trained, declared."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from aiqc.core.errors import InvalidInput
from aiqc.core.seeds import is_whole_number

if TYPE_CHECKING:
    from aiqc.orm import Splitset


@dataclass(frozen=True, eq=False)
class Trainer:
    """How an Architecture is trained; any number of Experiments may use one.

    Parameters
    ----------
    pipeline
        The Splitset that `Pipeline` returned, or its id.
    repeat_count
        Models per combination and fold, with different seeds.
    permute_count
        Permutations per column of feature importance; 0 skips it.
    search_count
        Try this many combinations of hyperparameters, drawn at random.
    search_percent
        Try this share of the combinations, in (0, 1].
    seed
        Root of the seeds of all runs and of the drawn combinations; derived from the content by
        default.

    Examples
    --------
    ::

        Trainer(pipeline, repeat_count=2, search_count=5)
    """

    pipeline: int | Splitset
    repeat_count: int = 1
    permute_count: int = 3
    search_count: int | None = None
    search_percent: float | None = None
    _: KW_ONLY
    seed: int | None = None

    def __post_init__(self) -> None:
        for argument, least in (("repeat_count", 1), ("permute_count", 0)):
            value = getattr(self, argument)
            if not is_whole_number(value) or value < least:
                msg = f"{argument}={value!r} is not a whole number of at least {least}."
                raise InvalidInput(msg, hint=f"Use {least} or more.", value=value)
