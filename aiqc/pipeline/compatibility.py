"""Which targets fit which analysis (spec/003 §9a, §11): decided on values, before any row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import AnalysisType
from aiqc.core.errors import Incompatible
from aiqc.pipeline.decoding import lost_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

#: a binary label has this many classes
_BINARY_CLASSES = 2
#: axes of samples that are one row of numbers each
_MATRIX = 2
#: parameters that merge categories
_MERGING = ("min_frequency", "max_categories")


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


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What decides whether a Feature can be what an unsupervised model is trained to return."""

    #: how the Feature is named in messages
    place: str
    #: the estimators of its coders
    coders: Sequence[Any]
    #: whether there is something to train towards: shifted windows, or no windows at all
    has_future: bool


def check_target_fits(analysis_type: AnalysisType, target: TargetFacts) -> None:
    """Refuse an analysis of a Splitset without a Label that could not be trained or decoded.

    Raises
    ------
    Incompatible
        If the analysis is a classification, no shifted windows are recorded, or a coder has no
        way back; names the Feature, the coder and what would fit.
    """
    if analysis_type is not AnalysisType.REGRESSION:
        msg = f"analysis_type='{analysis_type}' needs a Label, and the Splitset has none."
        hint = (
            "Use 'regression' to learn the Feature itself, or make the Splitset with a label_id."
        )
        raise Incompatible(msg, hint=hint, analysis_type=str(analysis_type))
    if not target.has_future:
        msg = f"The Window of {target.place} records no shifted windows: there is no target."
        hint = "Make it with record_shifted=True; without is for inference."
        raise Incompatible(msg, hint=hint)
    for coder in target.coders:
        lossy = lossy_part(coder)
        if lossy is not None:
            name = type(lossy).__name__
            msg = f"{target.place} is the target, and its coder {name} has no way back to the "
            msg += "original values."
            raise Incompatible(msg, hint=_way_out(name), coder=name)


def check_matrix(place: str, axis_count: int) -> None:
    """Refuse samples of more than one axis for scikit-learn.

    Parameters
    ----------
    place
        How the Feature is named in messages.
    axis_count
        Axes of its samples as the model gets them, the samples themselves among them.

    Raises
    ------
    Incompatible
        Names the Feature.
    """
    if axis_count <= _MATRIX:
        return
    product = f"(0, ({', '.join(map(str, range(1, axis_count)))}))"
    msg = f"scikit-learn takes one row of numbers a sample, and {place} has {axis_count - 1} axes "
    msg += "a sample."
    hint = f"Attach FeatureShaper.from_feature(feature, reshape_indices={product})."
    raise Incompatible(msg, hint=hint, axis_count=axis_count)


def lossy_part(estimator: Any) -> Any | None:
    """Return the preprocessor, or the step of a Pipeline, that cannot be decoded; None without.

    An imputer counts as identity: what it filled in stays. KBinsDiscretizer gives the middle of
    its bins back.
    """
    if hasattr(estimator, "steps"):
        found = (lossy_part(step) for _, step in estimator.steps)
        return next((part for part in found if part is not None), None)
    if estimator is None or isinstance(estimator, str):
        return None
    return estimator if _is_lossy(estimator) else None


def _is_lossy(estimator: Any) -> bool:
    if type(estimator).__name__.endswith("Imputer"):
        return False
    merges = any(getattr(estimator, one, None) is not None for one in _MERGING)
    return merges or bool(lost_columns(estimator, 1))


def _way_out(name: str) -> str:
    if name == "FunctionTransformer":
        return "Give it an inverse_func, such as numpy.expm1 for numpy.log1p."
    if name in ("OneHotEncoder", "OrdinalEncoder"):
        return "Leave out min_frequency and max_categories, which merge categories."
    return "Use StandardScaler() for numbers, OneHotEncoder() for categories, or leave it out."


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
