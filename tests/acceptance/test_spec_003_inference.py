"""What spec/003 §8 and §14 say about a Splitset of new data and its Prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from aiqc.core.errors import InvalidSplit
from aiqc.orm import *  # noqa: F403 - as users import it
from aiqc.orm import Algorithm, Dataset, Feature, Label, Predictor, Queue, Splitset

DRAW = np.random.default_rng(4)
TABLE = pd.DataFrame({"a": DRAW.normal(size=40), "b": DRAW.normal(size=40)})
TABLE["y"] = 3 * TABLE["a"] - TABLE["b"]


def fn_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


@pytest.fixture
def predictor(store: Any) -> Predictor:
    dataset = Dataset.Tabular.from_df(TABLE)
    label = Label.from_dataset(dataset, "y")
    feature = Feature.from_dataset(dataset, exclude_columns="y")
    splitset = Splitset.make(feature.id, label.id, size_test=0.25)
    algorithm = Algorithm.make("sklearn", "regression", fn_build)
    Queue.from_algorithm(algorithm.id, splitset.id, permute_count=0).run_jobs(progress=False)
    return Predictor.select().get()


def made(predictor: Predictor, frame: pd.DataFrame, *, labelled: bool = False) -> Splitset:
    dataset = Dataset.Tabular.from_df(frame)
    feature = Feature.from_dataset(dataset, include_columns=["a", "b"])
    label = Label.from_dataset(dataset, "y").id if labelled else None
    return Splitset.make([feature.id], label, predictor_id=predictor.id)


def test_a_training_splitset_has_no_predictor(predictor: Predictor) -> None:
    assert predictor.job.queue.splitset.predictor is None


def test_the_splitset_attaches_to_the_predictor_and_counts(predictor: Predictor) -> None:
    for count in range(3):
        splitset = made(predictor, TABLE[: 5 + count])
        assert splitset.predictor == predictor
        # the key of Predictor.Splitset.count()
        assert splitset.samples == {f"infer_{count}": list(range(5 + count))}
        assert splitset.infer().predictions.keys() == {f"infer_{count}"}
    assert predictor.inference_splitsets.count() == 3


@pytest.mark.parametrize("attribute", ["key_train", "key_evaluation", "key_test"])
def test_no_split_plays_a_part(predictor: Predictor, attribute: str) -> None:
    assert getattr(made(predictor, TABLE), attribute) is None


def test_predictions_by_split_are_in_the_units_of_the_label(predictor: Predictor) -> None:
    prediction = made(predictor, TABLE).infer()
    assert prediction.predictions["infer_0"] == pytest.approx(TABLE["y"].to_numpy())
    assert prediction.probabilities is None
    assert prediction.metrics is None


def test_a_label_scores(predictor: Predictor) -> None:
    splitset = made(predictor, TABLE, labelled=True)
    assert splitset.supervision == "supervised"
    prediction = splitset.infer()
    assert prediction.metrics is not None
    assert prediction.metrics["infer_0"]["r2"] == pytest.approx(1.0)
    assert prediction.metrics_aggregate is not None
    assert prediction.metrics_aggregate["r2"]["mean"] == pytest.approx(1.0)


def test_an_inference_splitset_trains_nothing(predictor: Predictor) -> None:
    splitset = made(predictor, TABLE)
    algorithm = Algorithm.make("sklearn", "regression", fn_build)
    with pytest.raises(InvalidSplit, match="made for inference"):
        Queue.from_algorithm(algorithm, splitset)
    assert Queue.select().count() == 1
