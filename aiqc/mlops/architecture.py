"""Architecture: a model's functions and the hyperparameters to try, declared."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, eq=False)
class Architecture:
    """The functions that build, train and run a model; becomes an Algorithm.

    Parameters
    ----------
    library
        'keras', 'pytorch' or 'sklearn', in any case.
    analysis_type
        'classification_binary', 'classification_multi' or 'regression'.
    fn_build
        `fn_build(features_shape, label_shape, **hp)` returns a model or estimator.
    fn_train
        `fn_train(model, loser, optimizer, train_features, train_label, eval_features,
        eval_label, **hp)`; may be left out for 'sklearn'.
    fn_optimize, fn_lose, fn_predict
        As of `Algorithm.make`; each library has a default.
    hyperparameters
        {name: list of values}: every combination is tried, or as many as the Trainer says.
    metrics
        Metrics of your own: {name: function(true, predicted)}, on decoded values.

    Examples
    --------
    ::

        Architecture("sklearn", "regression", fn_build, hyperparameters={"alpha": [0.1, 1.0]})
    """

    library: str
    analysis_type: str
    fn_build: Callable[..., Any]
    fn_train: Callable[..., Any] | None = None
    fn_optimize: Callable[..., Any] | None = None
    fn_lose: Callable[..., Any] | None = None
    fn_predict: Callable[..., Any] | None = None
    hyperparameters: Mapping[str, Any] | None = None
    _: KW_ONLY
    metrics: Mapping[str, Callable[..., float]] | None = None
