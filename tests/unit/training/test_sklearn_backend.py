"""scikit-learn estimators against scikit-learn called directly."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from training_tasks import MULTI_CLASSES, SPLITS, draw, make_task

from aiqc.core.enums import AnalysisType, Library, ModelForm
from aiqc.core.errors import InvalidData, InvalidFunction, NotReady
from aiqc.core.types import Functions, Shapes
from aiqc.training.task import rebuild_task, train_task

BINARY, MULTI, REGRESSION = AnalysisType


def task_of(analysis_type, estimator, functions=None, **changes):
    own = {"build": lambda features_shape, label_shape, **hp: estimator} | (functions or {})
    return make_task(Library.SKLEARN, analysis_type, Functions(**own), **changes)


@pytest.mark.parametrize("one_hot", [False, True])
def test_equals_scikit_learn_called_directly(one_hot):
    features, codes = draw(MULTI)
    rows, test = SPLITS["train"], SPLITS["test"]
    direct = LogisticRegression().fit(features[rows], codes[rows])
    outcome = train_task(task_of(MULTI, LogisticRegression(), one_hot=one_hot))
    assert np.array_equal(outcome.probabilities["test"], direct.predict_proba(features[test]))
    expected = MULTI_CLASSES[direct.predict(features[test])]
    assert outcome.predictions["test"].tolist() == expected.tolist()
    loss = metrics.log_loss(codes[test], direct.predict_proba(features[test]), labels=[0, 1, 2])
    assert outcome.metrics["test"]["loss"] == loss


def test_users_estimator_is_copied():
    estimator = RandomForestClassifier(n_estimators=3)
    train_task(task_of(BINARY, estimator))
    assert estimator.random_state is None
    assert not hasattr(estimator, "estimators_")


def test_open_random_states_are_seeded_and_given_ones_kept():
    forest = RandomForestClassifier(n_estimators=3)
    task = task_of(BINARY, make_pipeline(StandardScaler(), forest))
    model, _ = rebuild_task(task, train_task(task).model)
    assert isinstance(model.get_params()["randomforestclassifier__random_state"], int)
    fixed = task_of(BINARY, make_pipeline(StandardScaler(), forest.set_params(random_state=5)))
    model, _ = rebuild_task(fixed, train_task(fixed).model)
    assert model.get_params()["randomforestclassifier__random_state"] == 5


@pytest.mark.parametrize(("other", "equal"), [(7, True), (8, False)])
def test_seed_decides(other, equal):
    task = task_of(BINARY, RandomForestClassifier(n_estimators=5, max_features=1))
    first, second = train_task(task), train_task(replace(task, seed=other))
    same = np.array_equal(first.probabilities["test"], second.probabilities["test"])
    assert same is equal


def lacking(task, code):
    """Return the task without the training rows of one class."""
    keep = task.label["train"][:, 0] != code
    return replace(
        task,
        features={**task.features, "train": task.features["train"][keep]},
        label={**task.label, "train": task.label["train"][keep]},
    )


def test_class_that_the_training_rows_lack():
    task = lacking(task_of(MULTI, LogisticRegression()), 1)
    outcome = train_task(task)
    direct = LogisticRegression().fit(task.features["train"], task.label["train"][:, 0])
    chances = outcome.probabilities["test"]
    assert (chances[:, 1] == 0).all()
    assert np.array_equal(chances[:, [0, 2]], direct.predict_proba(task.features["test"]))
    expected = MULTI_CLASSES[direct.predict(task.features["test"])]
    assert outcome.predictions["test"].tolist() == expected.tolist()
    assert set(expected) == {"bird", "dog"}


@pytest.mark.parametrize(("present", "chance"), [(0, 0.0), (1, 1.0)])
def test_training_rows_of_one_class(present, chance):
    outcome = train_task(lacking(task_of(BINARY, DummyClassifier()), 1 - present))
    assert outcome.probabilities["test"].shape == (40, 1)
    assert set(outcome.probabilities["test"].ravel()) == {chance}
    assert np.isnan(outcome.metrics["train"]["roc_auc"])


def test_estimator_without_probabilities():
    outcome = train_task(task_of(BINARY, LinearSVC()))
    assert outcome.probabilities is None
    scores = outcome.metrics["test"]
    assert np.isnan(scores["roc_auc"])
    assert scores["loss"] == pytest.approx(1 - scores["accuracy"])


def test_own_loss_sees_codes_or_probabilities():
    def brier(true, predicted, probabilities):
        return np.mean((probabilities[:, 1] - true) ** 2)

    for lose in (lambda **hp: brier, lambda **hp: lambda true, predicted: np.mean(true)):
        outcome = train_task(task_of(BINARY, LogisticRegression(), {"lose": lose}))
        codes = draw(BINARY)[1][SPLITS["test"]]
        chances = outcome.probabilities["test"][:, 0]
        expected = {"brier": metrics.brier_score_loss(codes, chances), "mean": codes.mean()}
        key = "brier" if lose() is brier else "mean"
        assert outcome.metrics["test"]["loss"] == pytest.approx(expected[key])


def test_loss_does_not_broadcast_a_column():
    lose = {"lose": lambda **hp: lambda true, predicted: np.mean(np.abs(true - predicted))}
    own = {"predict": lambda model, features: model.predict(features).reshape(-1, 1), **lose}
    outcome = train_task(task_of(REGRESSION, PLSRegression(2), own))
    features, label = draw(REGRESSION)
    direct = PLSRegression(2).fit(features[SPLITS["train"]], label[SPLITS["train"]])
    expected = np.abs(label - direct.predict(features).ravel())[SPLITS["test"]].mean()
    assert outcome.metrics["test"]["loss"] == pytest.approx(expected)


def test_several_label_columns():
    features, label = draw(REGRESSION)
    pair = np.column_stack([label, -2 * label + features[:, 3]])
    task = task_of(REGRESSION, LinearRegression())
    task = replace(
        task,
        label={name: pair[rows] for name, rows in SPLITS.items()},
        shapes=Shapes((4,), (2,)),
    )
    outcome = train_task(task)
    direct = LinearRegression().fit(features[SPLITS["train"]], pair[SPLITS["train"]])
    expected = direct.predict(features[SPLITS["test"]]) * 2 + 10
    np.testing.assert_allclose(outcome.predictions["test"], expected)


def test_optimizer_reaches_own_train():
    seen = []

    def train(model, loser, optimizer, features, label, eval_features, eval_label, **hp):
        seen.extend([optimizer, label.shape, label.dtype.kind, eval_label.shape])
        return model.fit(features, label)

    own = {"train": train, "optimize": lambda **hp: "lbfgs"}
    train_task(task_of(MULTI, LogisticRegression(), own, one_hot=True))
    assert seen == ["lbfgs", (120,), "i", (40,)]


@pytest.mark.parametrize(
    ("estimator", "accepted"),
    [
        (HistGradientBoostingClassifier(max_iter=3), True),
        (DecisionTreeClassifier(), True),
        (LogisticRegression(), False),
        (make_pipeline(SimpleImputer(), LogisticRegression()), True),
        (make_pipeline(StandardScaler(), SimpleImputer(), LogisticRegression()), True),
        (make_pipeline(StandardScaler(), LogisticRegression()), False),
        (make_pipeline("passthrough", HistGradientBoostingClassifier(max_iter=3)), True),
        (
            make_pipeline(
                ColumnTransformer([("a", SimpleImputer(), [0, 1, 2, 3])]), LogisticRegression()
            ),
            True,
        ),
    ],
)
def test_nan_reaches_only_those_who_take_it(estimator, accepted):
    task = task_of(BINARY, estimator)
    features = task.features["train"].copy()
    features[[1, 5], 2] = np.nan
    task = replace(task, features={**task.features, "train": features})
    if accepted:
        assert train_task(task).metrics["train"]["accuracy"] > 0.5
        return
    with pytest.raises(InvalidData, match=r"'c': 2.*HistGradientBoosting") as caught:
        train_task(task)
    assert caught.value.counts == {"c": 2}


def test_histories_that_estimators_record():
    outcome = train_task(task_of(REGRESSION, GradientBoostingRegressor(n_estimators=4)))
    assert list(outcome.history) == ["train_score"]
    assert outcome.history["train_score"].shape == (4,)
    network = MLPRegressor(hidden_layer_sizes=(2,), max_iter=5, tol=0, n_iter_no_change=5)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        outcome = train_task(task_of(REGRESSION, make_pipeline(StandardScaler(), network)))
    assert outcome.history["loss"].shape == (5,)


@pytest.mark.parametrize(
    "returned",
    [LogisticRegression, None, object(), StandardScaler()],
    ids=lambda item: str(item)[:20],
)
def test_build_must_return_an_estimator(returned):
    with pytest.raises(InvalidFunction, match=r"fn_build returned .*unfitted"):
        train_task(task_of(BINARY, returned))


class Majority(ClassifierMixin, BaseEstimator):
    """An estimator that skops does not know."""

    def fit(self, features, label):
        self.classes_, counts = np.unique(label, return_counts=True)
        self.winner_ = self.classes_[counts.argmax()]
        return self

    def predict(self, features):
        return np.full(len(features), self.winner_)


class Locked(Majority):
    """An estimator that nothing can store."""

    def fit(self, features, label):
        self.lock_ = threading.Lock()
        self.stream_ = (number for number in range(3))
        return super().fit(features, label)


def test_what_skops_refuses_is_kept_as_opaque():
    task = task_of(BINARY, Majority())
    outcome = train_task(task)
    assert outcome.model.form is ModelForm.OPAQUE
    assert re.search("skops cannot store Majority", outcome.notes[0])
    model, optimizer = rebuild_task(task, outcome.model)
    assert optimizer is None
    assert model.winner_ in (0, 1)


def test_what_nothing_stores_keeps_its_results():
    task = task_of(BINARY, Locked())
    outcome = train_task(task)
    assert outcome.model.form is ModelForm.MISSING
    assert outcome.model.model is None
    assert len(outcome.predictions["test"]) == 40
    assert "the model is not" in outcome.notes[0]
    with pytest.raises(NotReady, match="could not be stored"):
        rebuild_task(task, outcome.model)
