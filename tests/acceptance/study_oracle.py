"""What the studies must have computed, from their file by numpy, pandas and scikit-learn alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics as score
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import (
    LabelBinarizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    label_binarize,
)
from study_world import CLASSES, GIVEN

ENCODED = ["colour_blue", "colour_green", "colour_red", "width", "depth", "count", "flat"]
#: predictor ids of each study
MULTI, FOLDED, PRICE, SICK = range(1, 5), range(5, 8), range(8, 10), range(10, 12)


@dataclass(frozen=True)
class Expected:
    """What one Predictor's Prediction holds."""

    predictions: dict[str, Any]
    probabilities: dict[str, Any] | None
    metrics: dict[str, dict[str, float]]
    plot_data: dict[str, Any] | None

    @property
    def aggregates(self) -> dict[str, dict[str, float]]:
        """Statistics of each metric over the splits."""
        table = pd.DataFrame(self.metrics).T
        statistics = {
            "mean": np.mean,
            "median": np.median,
            "pstdev": np.std,
            "minimum": np.min,
            "maximum": np.max,
        }
        return {
            name: {key: float(of(table[name].to_numpy())) for key, of in statistics.items()}
            for name in table
        }


def numbers(frame: pd.DataFrame, columns: list[str], rows: Any = slice(None)) -> Any:
    """Return some columns of some rows as a user would hand them to scikit-learn."""
    return frame.loc[rows, columns].to_numpy(dtype=np.float64)


def mixed_fits(frame: pd.DataFrame, train: list[int]) -> list[Any]:
    """Return the two coders of the mixed Feature: categories of all rows, means of `train`."""
    onehot = OneHotEncoder(sparse_output=False).fit(frame[["colour"]].to_numpy(dtype=object))
    return [onehot, StandardScaler().fit(numbers(frame, ["width", "depth"], train))]


def mixed(frame: pd.DataFrame, train: list[int]) -> Any:
    """Return the mixed Feature of all rows, encoded."""
    onehot, scaler = mixed_fits(frame, train)
    colours = onehot.transform(frame[["colour"]].to_numpy(dtype=object))
    scaled = scaler.transform(numbers(frame, ["width", "depth"]))
    return np.hstack([colours, scaled, numbers(frame, ["count", "flat"])])


def fold_fits(frame: pd.DataFrame, train: list[int]) -> tuple[Any, Any]:
    """Return the scalers of the two Features of the folded study."""
    return (
        StandardScaler().fit(numbers(frame, ["width"], train)),
        MinMaxScaler().fit(numbers(frame, ["count", "depth"], train)),
    )


def folded(frame: pd.DataFrame, train: list[int]) -> list[Any]:
    """Return both Features of the folded study, of all rows."""
    wide, rest = fold_fits(frame, train)
    scaled = rest.transform(numbers(frame, ["count", "depth"]))
    return [
        wide.transform(numbers(frame, ["width"])),
        np.hstack([scaled, numbers(frame, ["flat"])]),
    ]


def label_fit(frame: pd.DataFrame, column: str, train: list[int]) -> Any:
    """Return the fitted coder of a Label; categorical ones have seen every row."""
    if column == "kind":
        return OrdinalEncoder().fit(frame[["kind"]].to_numpy(dtype=object))
    if column == "sick":
        return LabelBinarizer().fit(frame["sick"].to_numpy(dtype=object))
    return StandardScaler().fit(numbers(frame, ["price"], train))


def label(frame: pd.DataFrame, column: str, train: list[int]) -> Any:
    """Return the encoded Label of all rows."""
    coder = label_fit(frame, column, train)
    if column == "price":
        return coder.transform(numbers(frame, ["price"]))
    values = frame[[column]].to_numpy(dtype=object)
    return coder.transform(values[:, 0] if column == "sick" else values)


def of_multi(frame: pd.DataFrame, samples: dict[str, list[int]], weights: list[Any]) -> Expected:
    """Return the toy study's results: a softmax of the stored weights on hand-made features."""
    features = mixed(frame, samples["train"])
    shown = {}
    for split, rows in samples.items():
        raw = features[rows] @ weights[0] + weights[1]
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        shown[split] = powers / powers.sum(axis=1, keepdims=True)
    losses = {
        split: -np.mean(np.sum(_onehot(frame, samples[split]) * np.log(found), axis=1))
        for split, found in shown.items()
    }
    return _of_classes(frame, samples, shown, losses)


def of_folded(frame: pd.DataFrame, samples: dict[str, list[int]]) -> Expected:
    """Return a fold's results: scikit-learn fitted again on hand-made features."""
    train = samples["folds_train_combined"]
    features = np.hstack(folded(frame, train))
    codes = label(frame, "kind", train)[:, 0].astype(int)
    model = LogisticRegression(random_state=3).fit(features[train], codes[train])
    shown = {split: model.predict_proba(features[rows]) for split, rows in samples.items()}
    losses = {
        split: score.log_loss(codes[rows], shown[split], labels=[0, 1, 2])
        for split, rows in samples.items()
    }
    return _of_classes(frame, samples, shown, losses)


def of_sick(frame: pd.DataFrame, cost: float) -> Expected:
    """Return the binary study's results; 'yes' is the positive class."""
    train = GIVEN["train"]
    features, codes = mixed(frame, train), label(frame, "sick", train)[:, 0]
    model = LogisticRegression(C=cost, random_state=3).fit(features[train], codes[train])
    shown, plots, predictions, found = {}, {}, {}, {}
    for split, rows in GIVEN.items():
        both = model.predict_proba(features[rows])
        positive = shown[split] = both[:, 1:]
        truth = frame["sick"].to_numpy(dtype=object)[rows]
        guess = predictions[split] = np.array(["no", "yes"], object)[model.predict(features[rows])]
        found[split] = {
            "accuracy": score.accuracy_score(truth, guess),
            "balanced_accuracy": score.balanced_accuracy_score(truth, guess),
            "f1": score.f1_score(truth, guess, pos_label="yes", zero_division=0),
            "precision": score.precision_score(truth, guess, pos_label="yes", zero_division=0),
            "recall": score.recall_score(truth, guess, pos_label="yes", zero_division=0),
            "roc_auc": score.roc_auc_score(truth == "yes", positive[:, 0]),
            "loss": score.log_loss(codes[rows], both, labels=[0, 1]),
        }
        plots[split] = _curves(truth == "yes", positive[:, 0], truth, guess, ["no", "yes"])
    return Expected(predictions, shown, found, plots)


def of_price(frame: pd.DataFrame, samples: dict[str, list[int]], alpha: float) -> Expected:
    """Return the regression's results, in the price's own units."""
    train = samples["train"]
    features, coder = mixed(frame, train), label_fit(frame, "price", train)
    scaled = label(frame, "price", train)[:, 0]
    model = Ridge(alpha=alpha, random_state=3).fit(features[train], scaled[train])
    predictions, found = {}, {}
    for split, rows in samples.items():
        raw = model.predict(features[rows])
        truth = frame["price"].to_numpy()[rows]
        guess = predictions[split] = coder.inverse_transform(raw.reshape(-1, 1))[:, 0]
        found[split] = {
            "r2": score.r2_score(truth, guess),
            "mse": score.mean_squared_error(truth, guess),
            "rmse": score.root_mean_squared_error(truth, guess),
            "mae": score.mean_absolute_error(truth, guess),
            "explained_variance": score.explained_variance_score(truth, guess),
            "worst": np.abs(truth - guess).max(),
            "loss": score.mean_absolute_error(scaled[rows], raw),
        }
    return Expected(predictions, None, found, None)


def _of_classes(
    frame: pd.DataFrame,
    samples: dict[str, list[int]],
    shown: dict[str, Any],
    losses: dict[str, Any],
) -> Expected:
    predictions, found, plots = {}, {}, {}
    options: dict[str, Any] = {"average": "weighted", "labels": CLASSES, "zero_division": 0}
    for split, rows in samples.items():
        truth = frame["kind"].to_numpy(dtype=object)[rows]
        guess = predictions[split] = np.array(CLASSES, object)[shown[split].argmax(axis=1)]
        found[split] = {
            "accuracy": score.accuracy_score(truth, guess),
            "balanced_accuracy": score.balanced_accuracy_score(truth, guess),
            "f1": score.f1_score(truth, guess, **options),
            "precision": score.precision_score(truth, guess, **options),
            "recall": score.recall_score(truth, guess, **options),
            "roc_auc": score.roc_auc_score(
                truth, shown[split], multi_class="ovr", average="weighted", labels=CLASSES
            ),
            "loss": losses[split],
        }
        answers = label_binarize(truth, classes=CLASSES).ravel()
        plots[split] = _curves(answers, shown[split].ravel(), truth, guess, CLASSES)
    return Expected(predictions, shown, found, plots)


def _curves(answers: Any, scores: Any, truth: Any, guess: Any, classes: list[str]) -> Any:
    fpr, tpr, _ = score.roc_curve(answers, scores)
    precision, recall, _ = score.precision_recall_curve(answers, scores)
    return {
        "confusion_matrix": score.confusion_matrix(truth, guess, labels=classes),
        "roc_curve": {"fpr": fpr, "tpr": tpr},
        "precision_recall_curve": {"precision": precision, "recall": recall},
    }


def _onehot(frame: pd.DataFrame, rows: list[int]) -> Any:
    return label_binarize(frame["kind"].to_numpy(dtype=object)[rows], classes=CLASSES)


def is_partition(parts: list[list[int]], whole: list[int]) -> bool:
    """Whether every row of the whole is in exactly one part, and each part is in order."""
    flat = [row for part in parts for row in part]
    plain = all(type(row) is int for row in flat)
    return plain and sorted(flat) == sorted(whole) and all(part == sorted(part) for part in parts)


def is_stratified(strata: pd.Series, rows: list[int], among: list[int]) -> bool:
    """Whether each stratum has its share of the rows, give or take a row."""
    share = len(rows) / len(among)
    wanted = strata.iloc[among].value_counts() * share
    got = strata.iloc[rows].value_counts().reindex(wanted.index, fill_value=0)
    return bool(((got - wanted).abs() <= 1).all())


@cache
def fitted_facts(kind: type) -> list[str]:
    """Return what tells two fits of a coder apart."""
    facts = {
        OneHotEncoder: ["categories_"],
        OrdinalEncoder: ["categories_"],
        LabelBinarizer: ["classes_"],
        StandardScaler: ["mean_", "scale_", "var_", "n_samples_seen_"],
        MinMaxScaler: ["data_min_", "data_max_", "n_samples_seen_"],
    }
    return facts[kind]
