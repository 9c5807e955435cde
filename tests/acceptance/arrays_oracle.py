"""What the studies of arrays_world must hold, by numpy, pandas and scikit-learn alone."""

from __future__ import annotations

from typing import Any

import arrays_world as arrays
import numpy as np
import pandas as pd
from arrays_world import COUNT, IMAGE_COLUMNS, LINEAR
from sklearn import metrics as score
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from aiqc import orm


def filled() -> Any:
    """Return the signals with the gaps of each sequence drawn by pandas along its rows."""
    frames = [pd.DataFrame(sample) for sample in arrays.signals()]
    return np.array([frame.interpolate(**LINEAR).to_numpy() for frame in frames])


def chosen_pixels() -> Any:
    return arrays.pixels()[..., [int(name) for name in IMAGE_COLUMNS]]


def by_column(values: Any) -> Any:
    """Return an array of any depth as rows of columns."""
    return values.reshape(-1, values.shape[-1])


def fold_fits(train: list[int]) -> dict[int, list[Any]]:
    signals, pixels = by_column(filled()[train]), by_column(chosen_pixels()[train])
    scalers = [StandardScaler().fit(signals[:, :1]), MinMaxScaler().fit(signals[:, 1:])]
    return {1: scalers, 2: [StandardScaler().fit(pixels)]}


def encoded(train: list[int]) -> list[Any]:
    """Return both Features of all samples, a row of numbers each."""
    (first, second), (third,) = fold_fits(train).values()
    signals = by_column(filled())
    both = np.hstack([first.transform(signals[:, :1]), second.transform(signals[:, 1:])])
    pixels = third.transform(by_column(chosen_pixels()))
    return [both.reshape(COUNT, -1), pixels.reshape(COUNT, -1)]


def window_rows() -> tuple[list[list[int]], list[list[int]]]:
    """Return windows of 3 rows, 2 apart, that end at the last row, and those 2 rows later."""
    starts = range(1, 36, 2)
    return (
        [list(range(start, start + 3)) for start in starts],
        [list(range(start + 2, start + 5)) for start in starts],
    )


def frame_fit() -> Any:
    unshifted, _ = window_rows()
    train = orm.Splitset.of(2).samples["train"]
    seen = sorted({row for index in train for row in unshifted[index]})
    return StandardScaler().fit(by_column(arrays.frames()[seen]))


def fold_train(id: int) -> list[int]:
    rows: list[int] = orm.Fold.of(id).samples["folds_train_combined"]
    return rows


def codes() -> Any:
    return (arrays.kinds()["kind"] == "wild").to_numpy().astype(int)


def classified(id: int) -> dict[str, Any]:
    """Return what a fold's model must say, from scikit-learn fitted again."""
    train = fold_train(id)
    features = np.hstack(encoded(train))
    model = LogisticRegression(C=0.01, max_iter=5000, random_state=3)
    model.fit(features[train], codes()[train])
    names = np.array(arrays.KINDS, object)
    found: dict[str, Any] = {"predictions": {}, "probabilities": {}, "metrics": {}, "plots": {}}
    for split, rows in orm.Fold.of(id).samples.items():
        guess, both = names[model.predict(features[rows])], model.predict_proba(features[rows])
        truth = names[codes()[rows]]
        found["predictions"][split], found["probabilities"][split] = guess, both[:, 1:]
        options: dict[str, Any] = {"pos_label": "wild", "zero_division": 0}
        found["metrics"][split] = {
            "accuracy": score.accuracy_score(truth, guess),
            "balanced_accuracy": score.balanced_accuracy_score(truth, guess),
            "f1": score.f1_score(truth, guess, **options),
            "precision": score.precision_score(truth, guess, **options),
            "recall": score.recall_score(truth, guess, **options),
            "roc_auc": score.roc_auc_score(truth == "wild", both[:, 1]),
            "loss": score.log_loss(codes()[rows], both, labels=[0, 1]),
        }
        found["plots"][split] = curves(truth, guess, both[:, 1])
    return found


def curves(truth: Any, guess: Any, scores: Any) -> dict[str, Any]:
    fpr, tpr, _ = score.roc_curve(truth == "wild", scores)
    precision, recall, _ = score.precision_recall_curve(truth == "wild", scores)
    return {
        "confusion_matrix": score.confusion_matrix(truth, guess, labels=arrays.KINDS),
        "roc_curve": {"fpr": fpr, "tpr": tpr},
        "precision_recall_curve": {"precision": precision, "recall": recall},
    }


def forecast() -> dict[str, Any]:
    """Return what the forecast must be, decoded to the units and shape of the windows."""
    fit, (unshifted, shifted) = frame_fit(), window_rows()
    scaled = fit.transform(by_column(arrays.frames())).reshape(COUNT, 4, 2)
    past, future = (scaled[rows].reshape(18, -1) for rows in (unshifted, shifted))
    samples = orm.Splitset.of(2).samples
    model = Ridge(random_state=3).fit(past[samples["train"]], future[samples["train"]])
    found: dict[str, Any] = {"predictions": {}, "metrics": {}}
    for split, rows in samples.items():
        raw = model.predict(past[rows])
        guess = fit.inverse_transform(raw.reshape(-1, 2)).reshape(-1, 3, 4, 2)
        truth = arrays.frames()[np.array(shifted)[rows]]
        found["predictions"][split] = guess
        pair = by_column(truth), by_column(guess)
        found["metrics"][split] = {
            "r2": score.r2_score(*pair),
            "mse": score.mean_squared_error(*pair),
            "rmse": score.root_mean_squared_error(*pair),
            "mae": score.mean_absolute_error(*pair),
            "explained_variance": score.explained_variance_score(*pair),
            "loss": score.mean_absolute_error(future[rows], raw),
        }
    return found
