"""Experiment: an Architecture and a Trainer become a Queue, or find the one that they are."""

from __future__ import annotations

from aiqc.core.errors import InvalidInput
from aiqc.mlops._listed import check_kind
from aiqc.mlops._same_queue import equal_queue, key_of
from aiqc.mlops.architecture import Architecture
from aiqc.mlops.trainer import Trainer
from aiqc.orm import Algorithm, Hyperparamset, Queue, Splitset
from aiqc.orm._base import check_info
from aiqc.orm._versions import exclusive


def Experiment(
    architecture: Architecture,
    trainer: Trainer,
    *,
    name: str | None = None,
    description: str | None = None,
    force: bool = False,
) -> Queue:
    """Make the Algorithm, the Hyperparamset and the Queue of a study; returns the Queue.

    `run_jobs()` of the Queue trains. If a Queue of the same name and content exists, it is
    returned with its results and nothing is written: equal samples (by digest, not by id),
    functions (by source), hyperparameters, counts and seed. What fails leaves no rows.

    Parameters
    ----------
    architecture
        The functions and hyperparameters.
    trainer
        The data, counts and seed.
    name
        Names the Queue.
    description
        What is unique about it; kept when the row is made.
    force
        Whether a new Queue is made although an equal one exists.

    Raises
    ------
    InvalidInput, InvalidFunction, Incompatible
        If a declaration cannot be used, or does not fit the pipeline; names the argument.
    InvalidSplit
        If the pipeline was made for inference.

    Examples
    --------
    ::

        queue = Experiment(Architecture("sklearn", "regression", fn_build), Trainer(pipeline))
        queue.run_jobs()
    """
    check_kind(architecture, Architecture, "architecture")
    check_kind(trainer, Trainer, "trainer")
    check_info(name, description)
    _check_search(architecture, trainer)
    splitset = Splitset.of(trainer.pipeline)
    splitset.train_key()
    key = key_of(architecture, trainer, splitset, name)
    found = None if force else equal_queue(key)
    if found is not None:
        return found
    with exclusive():
        found = None if force else equal_queue(key)
        if found is not None:  # another process has made it since
            return found
        algorithm = _algorithm(architecture)
        return Queue.from_algorithm(
            algorithm,
            splitset,
            repeat_count=trainer.repeat_count,
            permute_count=trainer.permute_count,
            hyperparamset_id=_hyperparamset(algorithm, architecture, trainer),
            description=description,
            name=name,
            seed=trainer.seed,
        )


def _algorithm(architecture: Architecture) -> Algorithm:
    return Algorithm.make(
        architecture.library,
        architecture.analysis_type,
        architecture.fn_build,
        architecture.fn_train,
        fn_predict=architecture.fn_predict,
        fn_lose=architecture.fn_lose,
        fn_optimize=architecture.fn_optimize,
        metrics=architecture.metrics,
    )


def _hyperparamset(
    algorithm: Algorithm, architecture: Architecture, trainer: Trainer
) -> Hyperparamset | None:
    if architecture.hyperparameters is None:
        return None
    return Hyperparamset.from_algorithm(
        algorithm,
        architecture.hyperparameters,
        search_count=trainer.search_count,
        search_percent=trainer.search_percent,
        seed=trainer.seed,
    )


def _check_search(architecture: Architecture, trainer: Trainer) -> None:
    if architecture.hyperparameters is not None:
        return
    for argument in ("search_count", "search_percent"):
        value = getattr(trainer, argument)
        if value is not None:
            msg = f"{argument}={value!r} of the Trainer has nothing to search: the Architecture "
            msg += "has no hyperparameters."
            raise InvalidInput(msg, hint="Give Architecture(hyperparameters=...).", value=value)
