"""One run from data to outcome, on the toy backend."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info
from training_tasks import UnitDecoder, make_task

from aiqc.core.enums import AnalysisType, EncodingDimension, Library
from aiqc.core.errors import InvalidData
from aiqc.core.types import Functions, Shapes
from aiqc.pipeline.coder import prepare_coder
from aiqc.pipeline.label_fit import fit_label
from aiqc.training.arrays import as_compute, label_compute
from aiqc.training.missing import missing_counts
from aiqc.training.returns import call_user
from aiqc.training.task import importance_task, train_task
from aiqc.training.toy_defaults import train as toy_train
from aiqc.training.toy_model import ToyModel


def build(features_shape, label_shape, **hp):
    return ToyModel()


def task_of(analysis_type=AnalysisType.BINARY, functions=None, **changes):
    own = Functions(**({"build": build} | (functions or {})))
    return make_task(Library.TOY, analysis_type, own, **changes)


def test_own_metrics_see_decoded_values():
    def share(true, predicted):
        assert set(true) | set(predicted) == {"benign", "malignant"}
        return (true == predicted).mean()

    outcome = train_task(task_of(metrics={"share": share}))
    for scores in outcome.metrics.values():
        assert scores["share"] == scores["accuracy"]
        assert list(scores)[-1] == "loss"


def test_one_hot_binary_labels_equal_ordinal_ones():
    ordinal, one_hot = (train_task(task_of(one_hot=flag)) for flag in (False, True))
    assert one_hot.metrics == ordinal.metrics
    assert one_hot.model.model == ordinal.model.model


def test_regression_scores_are_in_units_and_loss_is_encoded():
    outcome = train_task(task_of(AnalysisType.REGRESSION))
    task = task_of(AnalysisType.REGRESSION)
    true = task.label["test"][:, 0] * 2 + 10
    scores = outcome.metrics["test"]
    assert scores["mae"] == mean_absolute_error(true, outcome.predictions["test"])
    assert scores["loss"] == pytest.approx(scores["mse"] / 2**2)


def test_labels_are_not_rounded_before_they_are_scored(monkeypatch):
    seen = []
    task = task_of(AnalysisType.REGRESSION, decoder=UnitDecoder())
    precise = {split: values + 1 / 3 for split, values in task.label.items()}
    task = replace(
        task, label=precise, metrics={"seen": lambda true, predicted: seen.append(true) or 0.0}
    )
    monkeypatch.setattr("aiqc.training.toy.ToyBackend.compute_dtype", "float32")
    train_task(task)
    assert np.array_equal(seen[-1], precise["test"][:, 0])


@pytest.mark.parametrize("threads", [1, 2])
def test_thread_count_is_applied_and_put_back(threads):
    seen = []

    def train(*args, **hp):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return toy_train(*args, **hp)

    before = [pool["num_threads"] for pool in threadpool_info()]
    train_task(task_of(functions={"train": train}, thread_count=threads))
    assert set(seen) == {threads}
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_functions_that_reseed_do_not_reach_the_user():
    def train(*args, **hp):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - what users do
        return toy_train(*args, **hp)

    state = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    train_task(task_of(functions={"train": train}))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state  # noqa: NPY002


def test_users_generators_do_not_reach_the_run():
    np.random.seed(1)  # noqa: NPY002
    first = train_task(task_of())
    np.random.seed(2)  # noqa: NPY002
    assert train_task(task_of()).model.model == first.model.model


def test_importance_by_hand():
    groups = ({"a": [0], "rest": [1, 2, 3]},)
    task = task_of(AnalysisType.REGRESSION, permute_count=3, permute_groups=groups)
    outcome = train_task(task)
    (found,) = outcome.importance
    median, impacts = found["a"]
    assert median == np.median(impacts)
    # permuting one column of a linear model adds 2 w^2 var(a) to the squared error on average
    (again,) = importance_task(task, outcome.model, "train", 400, seed=3)
    features, label = task.features["train"], task.label["train"][:, 0]
    design = np.column_stack([features, np.ones(len(features))])
    weight = np.linalg.lstsq(design, label, rcond=None)[0][0]
    assert again["a"][0] == pytest.approx(2 * weight**2 * features[:, 0].var(), rel=0.15)


def test_importance_of_several_features_and_skipped_ones():
    task = task_of(several=True, permute_count=2, permute_groups=(None, {"c": [0], "d": [1]}))
    first, second = train_task(task).importance
    assert first is None
    assert list(second) == ["c", "d"]
    assert train_task(replace(task, permute_count=0)).importance is None


@pytest.mark.parametrize(
    ("several", "names", "expected"),
    [
        (False, (["a", "b", "c", "d"],), {"b": 3, "d": 1}),
        (False, (), {"position 1": 3, "position 3": 1}),
        (True, (["a", "b"], ["c", "d"]), {"b of feature 0": 3, "d of feature 1": 1}),
    ],
)
def test_missing_counts(several, names, expected):
    task = task_of(several=several, feature_names=names)
    features = {}
    for split, values in task.features.items():
        wide = np.hstack(values) if several else values.copy()
        wide[0, 1] = np.nan
        if split == "test":
            wide[2, 3] = np.nan
        features[split] = [wide[:, :2], wide[:, 2:]] if several else wide
    task = replace(task, features=features)
    assert missing_counts(task) == expected
    with pytest.raises(InvalidData, match="SimpleImputer") as caught:
        train_task(task)
    assert caught.value.counts == expected


def test_missing_counts_of_sequences_name_the_last_axis():
    task = task_of(feature_names=(["x", "y"],))
    sequence = np.zeros((5, 3, 2))
    sequence[0, :, 1] = np.nan
    assert missing_counts(replace(task, features={"train": sequence})) == {"y": 3}


def test_missing_counts_find_the_columns_of_reshaped_features():
    task = task_of(feature_names=(["x", "y", "z"],), encoded_shapes=((2, 3),))
    folded = np.zeros((5, 6))
    folded[:2, 4] = np.nan  # row 1, column y
    assert missing_counts(replace(task, features={"train": folded})) == {"y": 2}


def test_predictions_outlive_a_buffer_that_is_used_again():
    buffer = np.zeros((120, 1))

    def predict(model, features):
        buffer[: len(features)] = len(features)
        return buffer[: len(features)]

    outcome = train_task(task_of(AnalysisType.REGRESSION, {"predict": predict}))
    found = {split: set(values) for split, values in outcome.predictions.items()}
    # in units: twice the number and 10
    assert found == {"train": {250.0}, "validation": {90.0}, "test": {90.0}}


def test_nan_in_the_label_is_refused():
    task = task_of(AnalysisType.REGRESSION)
    label = task.label["test"].copy()
    label[:2] = np.nan
    with pytest.raises(InvalidData, match=r"\{'test': 2\}"):
        train_task(replace(task, label={**task.label, "test": label}))


def test_sequences_of_labels():
    task = task_of(AnalysisType.REGRESSION)
    wide = {split: np.stack([values, values], axis=1) for split, values in task.label.items()}
    hp = {"epochs": 500, "learning_rate": 0.5}
    task = replace(task, label=wide, shapes=Shapes((4,), (2, 1)), hyperparameters=hp)
    outcome = train_task(task)
    assert outcome.predictions["test"].shape == (40, 2, 1)
    np.testing.assert_allclose(*outcome.predictions["test"][..., 0].T, rtol=1e-2)


def test_infinite_predictions_become_nan_and_disturb_no_other():
    scaled = prepare_coder(StandardScaler(), for_label=True)
    frame = pd.DataFrame({"y": [0.0, 2.0, 4.0]})  # mean 2, standard deviation sqrt(8 / 3)
    decoder = fit_label(scaled, EncodingDimension.MULTI_COLUMN, frame, np.arange(3))

    def predict(model, features):
        values = np.ones((len(features), 1))
        values[0] = np.inf
        return values

    task = task_of(AnalysisType.REGRESSION, {"predict": predict}, decoder=decoder)
    outcome = train_task(task)
    assert np.isnan(outcome.predictions["test"][0])
    np.testing.assert_allclose(outcome.predictions["test"][1:], 2 + np.sqrt(8 / 3), rtol=1e-12)
    assert np.isnan(outcome.metrics["test"]["mse"])


def test_arrays_are_wrapped_where_they_fit():
    fits = np.zeros((3, 2), dtype=np.float32)
    assert np.shares_memory(as_compute(fits, "float32"), fits)
    assert np.shares_memory(as_compute([fits], "float32")[0], fits)
    turned = as_compute(fits.T, "float32")
    assert turned.flags.c_contiguous
    assert as_compute(fits, "float64").dtype == np.float64
    assert label_compute(np.array([[1], [2]]), "float32").dtype == np.int64
    assert label_compute(np.array([[1.5]]), "float32").dtype == np.float32


def test_call_user_is_what_backends_use():
    with pytest.raises(ZeroDivisionError):
        train_task(task_of(functions={"lose": lambda **hp: 1 / 0}))
    assert call_user("fn_build", build, (4,), (1,)).hidden == 0
