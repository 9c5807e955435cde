"""Binary classification with PyTorch: malignant or benign tumours."""
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
    """Return one hidden layer; the sigmoid makes its output a probability."""
    import torch

    return torch.nn.Sequential(
        torch.nn.Linear(features_shape[0], hp["neuron_count"]),
        torch.nn.ReLU(),
        torch.nn.Dropout(hp["dropout"]),
        torch.nn.Linear(hp["neuron_count"], label_shape[0]),
        torch.nn.Sigmoid(),
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
    """Train with AIQC's loop, and record the accuracy of each epoch."""
    from torchmetrics.classification import BinaryAccuracy

    from aiqc.utils.pytorch import fit

    return fit(
        model,
        loser,
        optimizer,
        train_features,
        train_label,
        eval_features,
        eval_label,
        epochs=25,
        batch_size=32,
        metrics=[BinaryAccuracy()],
    )


def plan(quick: bool) -> Queue:
    """Register the data, split it, and plan a small grid with two models a combination."""
    from sklearn.preprocessing import LabelBinarizer, StandardScaler

    dataset = Dataset.Tabular.from_path(datum.get_path("breast_cancer"), name="breast_cancer")
    label = Label.from_dataset(dataset, columns="diagnosis")
    LabelCoder.from_label(label, LabelBinarizer())
    feature = Feature.from_dataset(dataset, exclude_columns="diagnosis")
    FeatureCoder.from_feature(feature, StandardScaler(), dtypes="float64", verbose=False)
    splitset = Splitset.make(feature, label, size_test=0.2, size_validation=0.2)

    algorithm = Algorithm.make("pytorch", "classification_binary", fn_build, fn_train)
    grid = {"neuron_count": [8, 24], "dropout": [0.0] if quick else [0.0, 0.3]}
    combinations = Hyperparamset.from_algorithm(algorithm, grid)
    return Queue.from_algorithm(
        algorithm,
        splitset,
        repeat_count=1 if quick else 2,
        permute_count=3,
        hyperparamset_id=combinations,
        name="Breast cancer",
    )


STUDY = Study(
    title="Breast cancer: malignant or benign?",
    text=(
        "Binary classification with PyTorch. 30 measurements of 569 tumours, standardised on the "
        "training rows. Every combination of the grid is trained twice, with two seeds."
    ),
    metrics=("accuracy", "balanced_accuracy"),
    plan=plan,
)
