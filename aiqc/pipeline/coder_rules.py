"""Which preprocessors are accepted, and what is corrected on a copy of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.errors import InvalidCoder
from aiqc.pipeline.estimator_types import is_ufunc
from aiqc.pipeline.scale255 import div255, mult255

if TYPE_CHECKING:
    from collections.abc import Callable

#: fit on all rows (RULINGS, Preparation); everything else on the training rows
CATEGORICAL = frozenset(
    {
        "OneHotEncoder",
        "OrdinalEncoder",
        "LabelEncoder",
        "Binarizer",
        "LabelBinarizer",
        "MultiLabelBinarizer",
    }
)
LABEL_ONLY = frozenset({"LabelEncoder", "LabelBinarizer"})
#: what cannot encode a target: it has one value a sample, and needs a way back
FEATURE_ONLY = frozenset({"TargetEncoder", "MultiLabelBinarizer", "KernelCenterer", "Normalizer"})
NEEDS_LABEL = frozenset({"TargetEncoder"})
#: functions of ours that an estimator may hold
OWN_FUNCTIONS = (div255, mult255)
MODULES = ("sklearn.preprocessing", "sklearn.impute", "sklearn.feature_extraction.text")
#: a dense matrix of more hashed columns than this would not fit in memory
MAX_HASHED = 4096


@dataclass(frozen=True, slots=True)
class PreparedCoder:
    """An accepted preprocessor: an unfitted copy of the user's, corrected."""

    estimator: Any
    #: one sentence for every parameter that was changed
    corrections: list[str]
    is_categorical: bool
    only_fit_train: bool
    needs_label: bool
    for_label: bool = False

    @property
    def name(self) -> str:
        """The class name of the preprocessor."""
        return type(self.estimator).__name__


def prepare_coder(estimator: Any, *, for_label: bool) -> PreparedCoder:
    """Accept a scikit-learn preprocessor and correct what would break arrays.

    Sparse output becomes dense, `order='F'` becomes 'C', `drop` becomes None, `copy` becomes
    False (AIQC always hands over a private array, so nothing of the caller's is written
    into), LabelBinarizer codes 0 and 1, and a missing `random_state` becomes 0, so that the
    same rows give the same fit.
    The user's object is left as it is.

    Parameters
    ----------
    estimator
        An instance of a class of `sklearn.preprocessing`, `sklearn.impute` or
        `sklearn.feature_extraction.text`, or a `sklearn.pipeline.Pipeline` of such.
    for_label
        Whether it encodes a Label.

    Raises
    ------
    InvalidCoder
        If it is a class or a function, of another library, not for this use, or holds a
        function of the user's.
    """
    for part in steps_of(estimator):
        _check_kind(part)
        name = type(part).__name__
        _check_use(name, type(part).__module__, for_label)
        _check_functions(part, name)
        if for_label:
            _check_way_back(part, name)
    name = type(estimator).__name__
    from sklearn.base import clone

    copy = clone(estimator)
    corrections = []
    for part in steps_of(copy):
        corrections += _correct(part)
        _check_parameters(part, type(part).__name__, for_label)
    is_categorical = name in CATEGORICAL
    return PreparedCoder(
        estimator=copy,
        corrections=corrections,
        is_categorical=is_categorical,
        only_fit_train=not is_categorical,
        needs_label=any(type(part).__name__ in NEEDS_LABEL for part in steps_of(copy)),
        for_label=for_label,
    )


def steps_of(estimator: Any) -> list[Any]:
    """Return the steps of a Pipeline that do something, else the estimator itself.

    A Pipeline as a whole learns from the training rows only, whatever its steps are.
    """
    if type(estimator).__module__ != "sklearn.pipeline" or not hasattr(estimator, "steps"):
        return [estimator]
    return [step for _, step in estimator.steps if step not in {None, "passthrough"}]


def _check_kind(estimator: Any) -> None:
    """Refuse classes, functions and other libraries; imports nothing."""
    if isinstance(estimator, type):
        name = estimator.__name__
        msg = f"{name} is a class, not an instance."
        raise InvalidCoder(msg, hint=f"Pass {name}() not {name}.", value=name)
    module = type(estimator).__module__
    if callable(estimator) and not hasattr(estimator, "fit"):
        name = getattr(estimator, "__name__", repr(estimator))
        msg = f"{name} is a function, which cannot be fitted."
        hint = "Pass an instance of a class, e.g. StandardScaler() not scale()."
        raise InvalidCoder(msg, hint=hint, value=name)
    if not module.startswith(tuple(f"{name}." for name in MODULES)) and module not in MODULES:
        msg = f"{estimator!r} of type {module}.{type(estimator).__name__} is not a preprocessor."
        hint = f"Pass an instance of a class of {', '.join(MODULES)}."
        raise InvalidCoder(msg, hint=hint, value=estimator)
    for method in ("fit", "transform"):
        if not hasattr(estimator, method):
            msg = f"{type(estimator).__name__} has no method {method!r}."
            raise InvalidCoder(msg, hint="Pass a transformer, e.g. StandardScaler().")


def _check_use(name: str, module: str, for_label: bool) -> None:
    if for_label and (name in FEATURE_ONLY or not module.startswith("sklearn.preprocessing")):
        msg = f"{name} cannot encode a Label."
        hint = "Use OneHotEncoder() or OrdinalEncoder() for classes, StandardScaler() for numbers."
        raise InvalidCoder(msg, hint=hint, value=name)
    if not for_label and name in LABEL_ONLY:
        other = {"LabelEncoder": "OrdinalEncoder", "LabelBinarizer": "OneHotEncoder"}[name]
        msg = f"{name} is for Labels, not Features."
        raise InvalidCoder(
            msg, hint=f"Use {other}(), which does the same for columns.", value=name
        )


def _check_functions(estimator: Any, name: str) -> None:
    for parameter, value in estimator.get_params(deep=False).items():
        if not callable(value) or isinstance(value, type) or hasattr(value, "get_params"):
            continue
        if value in OWN_FUNCTIONS or is_ufunc(
            f"{_public(value)}.{getattr(value, '__name__', '')}"
        ):
            continue
        msg = f"{name}({parameter}={value!r}) holds a function, which cannot be stored as data."
        hint = "Use a ufunc such as numpy.log1p, or aiqc.utils.encoding.div255, or derive the "
        hint += "column before registering the data."
        raise InvalidCoder(msg, hint=hint, parameter=parameter)


def _check_way_back(estimator: Any, name: str) -> None:
    """Refuse a label's function that nothing inverts: predictions could not be decoded."""
    if name == "FunctionTransformer" and estimator.func and not estimator.inverse_func:
        msg = "FunctionTransformer without inverse_func cannot encode a Label: predictions have "
        msg += "no way back to its units."
        hint = "Pass both, e.g. FunctionTransformer(numpy.log1p, inverse_func=numpy.expm1)."
        raise InvalidCoder(msg, hint=hint, parameter="inverse_func")


def _public(function: Any) -> str:
    """Return the module under which a ufunc is found: ufuncs have no `__module__`."""
    import numpy as np

    name = getattr(function, "__name__", "")
    return "numpy" if getattr(np, name, None) is function else "scipy.special"


def _correct(copy: Any) -> list[str]:
    """Correct the parameters of a clone in place; return one sentence a change."""
    corrections = []
    parameters = copy.get_params(deep=False)
    for parameter, wrong, right, why in _CORRECTIONS:
        if parameter in parameters and wrong(parameters[parameter]):
            copy.set_params(**{parameter: right})
            before = parameters[parameter]
            corrections.append(f"{parameter}={before!r} was changed to {right!r}: {why}.")
    if hasattr(copy, "set_output"):
        copy.set_output(transform="default")
    return corrections


def _check_parameters(copy: Any, name: str, for_label: bool) -> None:
    parameters = copy.get_params(deep=False)
    if name == "HashingVectorizer" and parameters["n_features"] > MAX_HASHED:
        msg = f"HashingVectorizer(n_features={parameters['n_features']}) would make that many "
        msg += "dense columns."
        raise InvalidCoder(msg, hint=f"Pass n_features={MAX_HASHED} or less.")
    if name == "TfidfTransformer" or not for_label:
        return
    for parameter in ("min_frequency", "max_categories"):
        if parameters.get(parameter) is not None:
            msg = f"{name}({parameter}={parameters[parameter]!r}) would merge classes of a Label."
            raise InvalidCoder(msg, hint=f"Leave {parameter} out.", parameter=parameter)


_CORRECTIONS: tuple[tuple[str, Callable[[Any], bool], Any, str], ...] = (
    ("sparse", bool, False, "arrays have to be dense"),
    ("sparse_output", bool, False, "arrays have to be dense"),
    ("encode", lambda value: value == "onehot", "onehot-dense", "arrays have to be dense"),
    ("drop", lambda value: value is not None, None, "every category keeps its column"),
    ("order", lambda value: value == "F", "C", "arrays have to be in row order"),
    ("copy", bool, False, "the array is private already"),
    ("neg_label", lambda value: value != 0, 0, "classes are coded 0 and 1"),
    ("pos_label", lambda value: value != 1, 1, "classes are coded 0 and 1"),
    ("random_state", lambda value: value is None, 0, "the same rows have to give the same fit"),
)
