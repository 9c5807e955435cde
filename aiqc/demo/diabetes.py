"""Regression with scikit-learn: how far a disease has gone a year later."""
# ruff: noqa: ARG001 - the functions of an Algorithm have fixed arguments

from __future__ import annotations

from typing import Any

from aiqc import datum
from aiqc.demo.study import Study
from aiqc.orm import Algorithm, Dataset, Feature, Hyperparamset, Label, Queue, Splitset


def fn_build(features_shape: tuple[int, ...], label_shape: tuple[int, ...], **hp: Any) -> Any:
    """Return boosted trees; AIQC sets their random_state."""
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(
        n_estimators=60, learning_rate=hp["learning_rate"], max_depth=hp["depth"], subsample=0.7
    )


def fn_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    """Fit, and return the mean absolute error after each tree as the history."""
    from sklearn.metrics import mean_absolute_error

    model.fit(train_features, train_label.ravel())
    after_each_tree = {
        "mae": (train_features, train_label),
        "val_mae": (eval_features, eval_label),
    }
    history = {
        name: [mean_absolute_error(label, guess) for guess in model.staged_predict(features)]
        for name, (features, label) in after_each_tree.items()
    }
    return model, history


def plan(quick: bool) -> Queue:
    """Register the data, stratify its continuous label by four bins, and plan a grid."""
    dataset = Dataset.Tabular.from_path(datum.get_path("diabetes"), name="diabetes")
    label = Label.from_dataset(dataset, columns="progression")
    feature = Feature.from_dataset(dataset, exclude_columns="progression")
    splitset = Splitset.make(feature, label, size_test=0.2, size_validation=0.2, bin_count=4)

    algorithm = Algorithm.make("sklearn", "regression", fn_build, fn_train)
    grid = {"depth": [1, 2] if quick else [1, 2, 3], "learning_rate": [0.05, 0.15]}
    combinations = Hyperparamset.from_algorithm(algorithm, grid)
    return Queue.from_algorithm(
        algorithm,
        splitset,
        permute_count=3,
        hyperparamset_id=combinations,
        name="Diabetes",
    )


STUDY = Study(
    title="Diabetes: how far one year later?",
    text=(
        "Regression with scikit-learn. Ten values of 442 patients. The continuous label is "
        "stratified by four quantile bins, so that every split holds mild and severe cases."
    ),
    metrics=("r2", "mae"),
    plan=plan,
)
