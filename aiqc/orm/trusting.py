"""Trusting a row: signing its stored code with this user's key (DESIGN §3.6)."""

from __future__ import annotations

from typing import Any

from aiqc.core.errors import InvalidInput
from aiqc.orm.algorithm import Algorithm
from aiqc.orm.predictor import Predictor
from aiqc.orm.queue import Queue


def trust(row: Any) -> Any:
    """Declare that the code stored with a row may run here, after you have read it.

    Parameters
    ----------
    row
        An Algorithm; a Predictor (its Algorithm and a model stored as code); or a Queue (its
        Algorithm and all of its Predictors). Read the functions with `algorithm.get_code()`.

    Returns
    -------
    The row.

    Raises
    ------
    InvalidInput
        If the row holds no code.
    """
    if isinstance(row, Algorithm):
        row.sign_again()
    elif isinstance(row, Predictor):
        row.job.queue.algorithm.sign_again()
        row.sign_again()
    elif isinstance(row, Queue):
        row.algorithm.sign_again()
        for job in row.jobs:
            for predictor in job.predictors:
                predictor.sign_again()
    else:
        msg = f"{row!r} holds no code to trust."
        raise InvalidInput(msg, hint="Pass an Algorithm, a Predictor or a Queue.", value=row)
    return row
