"""A small tabular study that several benchmarks train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ROWS, COLUMNS = 500, 12


def frame(rows: int = ROWS, columns: int = COLUMNS) -> pd.DataFrame:
    """Return a linear regression problem with noise."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, columns))
    label = features @ np.linspace(-1, 1, columns) + rng.normal(scale=0.1, size=rows)
    table = pd.DataFrame(features, columns=[f"c{i}" for i in range(columns)])
    return table.assign(label=label)


def splitset(table: pd.DataFrame) -> Any:
    """Register, scale and split a table."""
    from sklearn.preprocessing import StandardScaler

    from aiqc.orm import Dataset, Feature, FeatureCoder, Label, Splitset

    dataset = Dataset.Tabular.from_df(table)
    label = Label.from_dataset(dataset, "label")
    feature = Feature.from_dataset(dataset, exclude_columns="label")
    FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    return Splitset.make(feature, label, size_test=0.2, size_validation=0.1)


def torch_build(features_shape, label_shape, **hp):  # noqa: ARG001
    import torch

    width = hp.get("width", 32)
    hidden = torch.nn.Linear(features_shape[0], width)
    return torch.nn.Sequential(hidden, torch.nn.ReLU(), torch.nn.Linear(width, 1))


def torch_train(
    model,
    loser,
    optimizer,
    train_features,
    train_label,
    eval_features,
    eval_label,
    **hp,
):
    from aiqc.utils.pytorch import fit

    splits = (train_features, train_label, eval_features, eval_label)
    return fit(model, loser, optimizer, *splits, epochs=hp["epochs"], batch_size=32)


def keras_build(features_shape, label_shape, **hp):  # noqa: ARG001
    import keras

    hidden = keras.layers.Dense(hp.get("width", 32), activation="relu")
    return keras.Sequential([keras.layers.Input(features_shape), hidden, keras.layers.Dense(1)])


def keras_train(
    model,
    loser,
    optimizer,
    train_features,
    train_label,
    eval_features,
    eval_label,
    **hp,
):
    model.compile(loss=loser, optimizer=optimizer)
    evaluation = (eval_features, eval_label)
    model.fit(
        train_features,
        train_label,
        validation_data=evaluation,
        epochs=hp["epochs"],
        batch_size=32,
        verbose=0,
    )
    return model
