"""What a scikit-learn Algorithm does where the user gave no function; `get_code` shows it."""
# ruff: noqa: ARG001 - the documented signatures fix the arguments

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.enums import AnalysisType

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features


def join_features(features: Features) -> Array:
    """Return one array `(samples, columns)`; several Features side by side."""
    return np.hstack(features) if isinstance(features, list) else features


def train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Features,
    train_label: Array,
    eval_features: Features | None,
    eval_label: Array | None,
    **hp: Any,
) -> Any:
    """Fit the estimator on the training split."""
    return model.fit(join_features(train_features), train_label)


def classification_predict(model: Any, features: Features) -> tuple[Array, Array | None]:
    """Return class codes and probabilities; None for an estimator without `predict_proba`.

    A decision function is no probability, so it is not squeezed into one: ROC-AUC is NaN then.
    """
    joined = join_features(features)
    prediction = model.predict(joined)
    probabilities = model.predict_proba(joined) if hasattr(model, "predict_proba") else None
    return prediction, probabilities


def regression_predict(model: Any, features: Features) -> Array:
    """Return the estimator's numbers."""
    prediction: Array = model.predict(join_features(features))
    return prediction


def classification_lose(**hp: Any) -> Callable[..., float]:
    """Return log loss where there are probabilities, else the share of wrong classes."""
    from sklearn.metrics import log_loss, zero_one_loss

    def loser(true: Array, predicted: Array, probabilities: Array | None) -> float:
        if probabilities is None:
            return float(zero_one_loss(true, predicted))
        if not np.isfinite(probabilities).all():
            return float("nan")
        return float(log_loss(true, probabilities, labels=np.arange(probabilities.shape[1])))

    return loser


def regression_lose(**hp: Any) -> Callable[..., float]:
    """Return the mean absolute error."""
    from sklearn.metrics import mean_absolute_error

    return mean_absolute_error  # type: ignore[no-any-return]


def optimize(**hp: Any) -> None:
    """Return None: estimators bring their own optimizer."""


#: role and analysis type -> function
DEFAULTS: dict[tuple[str, AnalysisType], Callable[..., Any]] = {
    **{("train", kind): train for kind in AnalysisType},
    **{("optimize", kind): optimize for kind in AnalysisType},
    ("lose", AnalysisType.BINARY): classification_lose,
    ("lose", AnalysisType.MULTI): classification_lose,
    ("lose", AnalysisType.REGRESSION): regression_lose,
    ("predict", AnalysisType.BINARY): classification_predict,
    ("predict", AnalysisType.MULTI): classification_predict,
    ("predict", AnalysisType.REGRESSION): regression_predict,
}
