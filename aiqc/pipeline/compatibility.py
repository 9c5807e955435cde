"""Which labels fit which analysis (spec/003 §9a, §11): decided on values, before any row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import AnalysisType
from aiqc.core.errors import Incompatible

if TYPE_CHECKING:
    from collections.abc import Sequence

#: a binary label has this many classes
_BINARY_CLASSES = 2


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What decides whether a Label fits an analysis."""

    #: how the Label is named in messages
    place: str
    columns: Sequence[str]
    dtypes: Sequence[str]
    #: classes found; None for a continuous label
    unique_classes: Sequence[Any] | None
    #: class name of the LabelCoder's estimator; None without a LabelCoder
    coder: str | None
    coder_is_categorical: bool
    #: whether every column holds numbers (bool included)
    is_numeric: bool


def check_label_fits(analysis_type: AnalysisType, label: LabelFacts) -> None:
    """Refuse a label that the analysis cannot use.

    Raises
    ------
    Incompatible
        Names the label, what it is, and what would fit.
    """
    if analysis_type is AnalysisType.REGRESSION:
        _check_regression(label)
        return
    if label.unique_classes is None:
        _refuse(analysis_type, label, f"its dtype is {label.dtypes[0]}", "Use 'regression'.")
    if label.coder is not None and not label.coder_is_categorical:
        hint = "Use OneHotEncoder(), OrdinalEncoder() or LabelBinarizer() as its LabelCoder."
        _refuse(analysis_type, label, f"its LabelCoder is {label.coder}", hint)
    if analysis_type is AnalysisType.BINARY:
        _check_binary(label)
    _check_codes(analysis_type, label)


def _check_binary(label: LabelFacts) -> None:
    if len(label.columns) > 1:
        hint = "Use 'classification_multi', or a label of one column."
        _refuse(AnalysisType.BINARY, label, f"it has {len(label.columns)} columns", hint)
    if label.coder == "OneHotEncoder":
        hint = "Use LabelBinarizer() or OrdinalEncoder() as its LabelCoder."
        _refuse(AnalysisType.BINARY, label, "its LabelCoder is OneHotEncoder", hint)
    classes = list(label.unique_classes or [])
    if label.coder != "Binarizer" and len(classes) != _BINARY_CLASSES:
        fact = f"it has {len(classes)} classes: {_short(classes)}"
        _refuse(AnalysisType.BINARY, label, fact, "Use 'classification_multi'.")


def _check_codes(analysis_type: AnalysisType, label: LabelFacts) -> None:
    classes = list(label.unique_classes or [])
    if label.coder is not None or len(label.columns) > 1:
        return
    if [_code(value) for value in classes] != list(range(len(classes))):
        hint = "Attach LabelCoder.from_label(label, OrdinalEncoder()) to turn them into 0, 1, ..."
        _refuse(analysis_type, label, f"its classes are {_short(classes)} without a coder", hint)
    if len(classes) < _BINARY_CLASSES:
        _refuse(analysis_type, label, f"its only class is {_short(classes)}", "Check the data.")


def _check_regression(label: LabelFacts) -> None:
    kind = AnalysisType.REGRESSION
    if label.coder is not None and label.coder_is_categorical:
        hint = "Use a scaler, or a classification."
        _refuse(kind, label, f"its LabelCoder {label.coder} is categorical", hint)
    if not label.is_numeric:
        hint = "Use a numeric column, or a classification."
        _refuse(kind, label, f"its dtype is {label.dtypes[0]}", hint)
    if len(label.columns) > 1:
        hint = "Use 'classification_multi', or one continuous column."
        _refuse(kind, label, f"it is one-hot ({len(label.columns)} columns)", hint)


def _refuse(analysis_type: AnalysisType, label: LabelFacts, fact: str, hint: str) -> None:
    msg = f"{label.place} does not fit analysis_type='{analysis_type}': {fact}."
    raise Incompatible(msg, hint=hint, analysis_type=str(analysis_type))


def _code(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _short(classes: Sequence[Any]) -> str:
    text = repr(list(classes[:6]))
    return text if len(classes) <= 6 else f"{text[:-1]}, ...]"  # noqa: PLR2004 - as listed above
