"""Multi-class classification with Keras: numbers, text, missing values and folds."""
# ruff: noqa: ARG001 - the functions of an Algorithm have fixed arguments

from __future__ import annotations

from typing import Any

from aiqc import datum
from aiqc.demo.study import Study
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    FeatureCoder,
    Hyperparamset,
    Label,
    LabelCoder,
    Queue,
    Splitset,
)


def fn_build(features_shape: tuple[int, ...], label_shape: tuple[int, ...], **hp: Any) -> Any:
    """Return one hidden layer."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input(features_shape),
            keras.layers.Dense(hp["neuron_count"], activation="relu"),
            keras.layers.Dense(label_shape[0], activation="softmax"),
        ]
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
    """Train as usual in Keras; AIQC takes the history from the model."""
    model.compile(loss=loser, optimizer=optimizer, metrics=["accuracy"])
    model.fit(
        train_features,
        train_label,
        validation_data=(eval_features, eval_label),
        epochs=25,
        batch_size=32,
        verbose=0,
    )
    return model


def plan(quick: bool) -> Queue:
    """Register the data, fill its gaps, make folds, and plan two models a fold."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    dataset = Dataset.Tabular.from_path(datum.get_path("penguins"), name="penguins")
    label = Label.from_dataset(dataset, columns="species")
    LabelCoder.from_label(label, OneHotEncoder())
    feature = Feature.from_dataset(dataset, exclude_columns=["species", "year"])
    # a gap in a number becomes the median of the fold's training rows; then grams and
    # millimetres are brought to one scale
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    FeatureCoder.from_feature(feature, numbers, dtypes="float64", verbose=False)
    # a gap in a text is a category of its own: the encoded column sex_nan
    FeatureCoder.from_feature(feature, OneHotEncoder(), dtypes="str", verbose=False)
    splitset = Splitset.make(feature, label, size_test=0.25, fold_count=3)

    algorithm = Algorithm.make("keras", "classification_multi", fn_build, fn_train)
    grid = {"neuron_count": [8] if quick else [4, 16]}
    combinations = Hyperparamset.from_algorithm(algorithm, grid)
    return Queue.from_algorithm(
        algorithm,
        splitset,
        permute_count=3,
        hyperparamset_id=combinations,
        name="Penguins",
    )


STUDY = Study(
    title="Penguins: which of three species?",
    text=(
        "Multi-class classification with Keras, in three folds. Numbers and text are mixed. "
        "A missing number becomes the median of the fold's training rows; a missing sex is a "
        "category of its own. No row is dropped."
    ),
    metrics=("accuracy", "balanced_accuracy"),
    plan=plan,
)
