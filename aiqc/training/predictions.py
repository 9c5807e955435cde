"""What fn_predict returned is checked here before anything is decoded or scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType
from aiqc.training.returns import as_numpy, refuse_return

if TYPE_CHECKING:
    from aiqc.core.types import Array, TrainingTask

_NAME = "fn_predict"
_TWO = 2


def check_prediction(task: TrainingTask, prediction: Any, sample_count: int) -> Array:
    """Return class codes `(samples,)` int64, or numbers `(samples, *label shape)` float64.

    Raises
    ------
    InvalidFunction
        If the length or shape is wrong, or codes are not whole numbers of known classes.
    """
    array = _numbers(prediction, _expected(task, sample_count))
    if task.analysis_type.is_classification:
        return _codes(task, array, sample_count)
    shape = (sample_count, *task.shapes.label)
    # one number a sample may come with or without axes of length 1; of several, a reshape would
    # put them elsewhere
    single = tuple(task.shapes.label) == (1,) and array.ndim and array.size == sample_count
    if array.shape != shape and not (single and len(array) == sample_count):
        refuse_return(_NAME, _expected(task, sample_count), prediction)
    # a copy: fn_predict may hand out one buffer again and again
    return array.astype(np.float64).reshape(shape)


def check_probabilities(task: TrainingTask, values: Any, sample_count: int) -> Array | None:
    """Return probabilities `(samples, 1)` binary or `(samples, classes)`; None for regression.

    Binary probabilities of both classes are cut to the positive class.

    Raises
    ------
    InvalidFunction
        If the shape is wrong, or a regression has any.
    """
    if values is None:
        return None
    if not task.analysis_type.is_classification:
        refuse_return(_NAME, "only the prediction: a regression has no probabilities", values)
    binary = task.analysis_type is AnalysisType.BINARY
    width = 1 if binary else _class_count(task)
    expected = f"probabilities of shape ({sample_count}, {width})"
    array = _numbers(values, expected)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if binary and array.ndim == _TWO and array.shape[1] == _TWO:
        array = array[:, 1:]
    if array.shape != (sample_count, width):
        refuse_return(_NAME, expected, values)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _numbers(value: Any, expected: str) -> Array:
    try:
        array = as_numpy(value)
    except (TypeError, ValueError):
        refuse_return(_NAME, expected, value)
    if array.dtype.kind not in "biuf":
        refuse_return(_NAME, expected, value)
    return array


def _codes(task: TrainingTask, array: Array, sample_count: int) -> Array:
    flat = array[:, 0] if array.ndim == _TWO and array.shape[1] == 1 else array
    if flat.shape != (sample_count,):
        refuse_return(_NAME, _expected(task, sample_count), array)
    whole = flat.dtype.kind != "f" or bool((np.isfinite(flat) & (flat == np.floor(flat))).all())
    if not whole or (flat < 0).any() or (flat >= _class_count(task)).any():
        refuse_return(_NAME, _expected(task, sample_count), _offending(task, flat))
    return flat.astype(np.int64)


def _offending(task: TrainingTask, flat: Array) -> Array:
    """Return the values that are no class codes, so that the message shows them."""
    numbers = flat.astype(np.float64)
    with np.errstate(invalid="ignore"):
        fine = np.isin(numbers, np.arange(_class_count(task)))
    return flat[~fine]


def _class_count(task: TrainingTask) -> int:
    classes = task.decoder.classes
    return 0 if classes is None else len(classes)


def _expected(task: TrainingTask, sample_count: int) -> str:
    if task.analysis_type.is_classification:
        last = _class_count(task) - 1
        return (
            f"(prediction, probabilities) with {sample_count} ordinal class codes from 0 to "
            f"{last} as the prediction, one a sample"
        )
    return f"an array of numbers of shape {(sample_count, *task.shapes.label)}"
