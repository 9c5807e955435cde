"""Inference on tables: the same predictions as in training, refusals, drift, and what is kept."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_studies import make_queue, make_splitset, points

import aiqc
from aiqc.core.errors import (
    DuplicateWarning,
    Incompatible,
    InvalidData,
    InvalidInput,
    InvalidSplit,
    NotReady,
    RecordInUse,
    ResultWarning,
    UntrustedCode,
)
from aiqc.data import parquet
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    FeatureCoder,
    FeatureInterpolater,
    Fit,
    Fold,
    Label,
    LabelCoder,
    MetricResult,
    Prediction,
    Predictor,
    Queue,
    Splitset,
    inference_splitset,
    served_model,
)
from aiqc.orm._database import backup, transaction
from aiqc.orm._registry import registry
from aiqc.orm.served_model import forget_models
from aiqc.orm.training_profile import ensure_profiles

pytestmark = pytest.mark.usefixtures("store")


def trained(frame: pd.DataFrame | None = None, **options: Any) -> Predictor:
    """Return a Predictor of the toy library; of the last fold where there are folds."""
    made = {"repeat_count": 1, "permute_count": 0, "space": {}} | options
    queue = make_queue(make_splitset(frame, **made.pop("split", {})), **made)
    queue.run_jobs(progress=False)
    return Predictor.select().order_by(Predictor.id.desc()).get()


def rows_by_table() -> dict[str, int]:
    """Count the rows of every table but blobs, which are collected later."""
    kept = [model for model in registry() if not model.__name__.startswith("Blob")]
    return {model.__name__: model.select().count() for model in kept}


def of_new(frame: pd.DataFrame, **columns: Any) -> Feature:
    return Feature.from_dataset(Dataset.Tabular.from_df(frame), **columns)


def numbers(count: int = 48) -> pd.DataFrame:
    """Return `points` with a number as the target."""
    frame = points(count)
    return frame.assign(y=100 + 20 * frame["a"] - 3 * frame["b"])


@pytest.mark.parametrize(
    ("frame", "options"),
    [
        (points(), {}),
        (points(), {"split": {"fold_count": 3}}),
        (points().assign(y=points()["kind"]), {"analysis_type": "classification_multi"}),
        (numbers(), {"analysis_type": "regression"}),
        (numbers(), {"analysis_type": "regression", "split": {"fold_count": 2}}),
    ],
    ids=["binary", "binary-folds", "multi", "regression", "regression-folds"],
)
def test_the_rows_of_a_split_are_predicted_and_scored_as_in_training(
    frame: pd.DataFrame, options: dict[str, Any]
) -> None:
    trained(frame, **options)
    for predictor in Predictor.select().order_by(Predictor.id):
        then = predictor.predictions[0]
        job = predictor.job
        splits = job.queue.splitset.samples if job.fold is None else job.fold.samples
        for number, (split, rows) in enumerate(splits.items()):
            part = frame.iloc[rows]
            now = predictor.infer(part, target=part)
            key = f"infer_{number}"
            assert list(now.predictions) == [key]
            assert now.predictions[key].tolist() == then.predictions[split].tolist()
            if then.probabilities is not None:
                found = now.probabilities[key]
                assert found.tolist() == then.probabilities[split].tolist()
            assert now.metrics[key] == pytest.approx(then.metrics[split], rel=1e-12, nan_ok=True)


def test_folds_predict_with_their_own_fits() -> None:
    frame = points()
    trained(frame, split={"fold_count": 3})
    found = [p.infer(frame) for p in Predictor.select().order_by(Predictor.id)]
    probabilities = [one.probabilities["infer_0"] for one in found]
    assert not np.array_equal(probabilities[0], probabilities[1])
    # each fold's profile is of its own training rows
    for one, fold in zip(found, Fold.select().order_by(Fold.id), strict=True):
        train = frame.iloc[fold.samples["folds_train_combined"]]
        shown = one.predictor.training_profile[one.predictor.job.queue.splitset.features[0].id]
        assert shown.loc["a", "minimum"] == train["a"].min()
        assert shown.loc["b", "maximum"] == train["b"].max()


def line_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def test_each_fold_encodes_decodes_and_compares_with_its_own_rows() -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import mean_absolute_error, mean_squared_error
    from sklearn.preprocessing import StandardScaler

    # heavy tails: the scales of the folds differ by far
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(np.exp(2 * draw.normal(size=(60, 2))), columns=["a", "b"])
    frame["y"] = 5 * frame["a"] - frame["b"] + draw.normal(size=60)
    dataset = Dataset.Tabular.from_df(frame)
    label, feature = Label.from_dataset(dataset, "y"), Feature.from_dataset(dataset, ["a", "b"])
    LabelCoder.from_label(label, StandardScaler())
    FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    splitset = Splitset.make(feature, label, size_test=0.2, fold_count=3)
    queue = Queue.from_algorithm(Algorithm.make("sklearn", "regression", line_build), splitset)
    queue.run_jobs(progress=False)
    new = frame.sample(20, random_state=1) * 1.5
    scales = set()
    for job in queue.jobs:
        known = frame.iloc[job.fold.samples["folds_train_combined"]]
        x, y = (StandardScaler().fit(known[names]) for names in (["a", "b"], ["y"]))
        scales.add(round(float(x.scale_[0]), 6))
        model = LinearRegression().fit(x.transform(known[["a", "b"]]), y.transform(known[["y"]]))
        encoded = model.predict(x.transform(new[["a", "b"]]))
        found = job.predictors[0].infer(new, target=new)
        predicted = found.predictions["infer_0"]
        np.testing.assert_allclose(predicted, y.inverse_transform(encoded)[:, 0], rtol=1e-9)
        scores = found.metrics["infer_0"]
        assert scores["mse"] == pytest.approx(mean_squared_error(new["y"], predicted))
        loss = mean_absolute_error(y.transform(new[["y"]]), encoded)
        assert scores["loss"] == pytest.approx(loss)
        least, most = known[["a", "b"]].min(), known[["a", "b"]].max()
        outside = (new[["a", "b"]] < least) | (new[["a", "b"]] > most)
        assert found.out_of_range.to_numpy().tolist() == outside.to_numpy().tolist()
    assert len(scales) == 3


def test_columns_are_found_by_name() -> None:
    frame = points()
    predictor = trained(frame)
    expected = predictor.infer(frame).probabilities["infer_0"].tolist()
    other = frame[["kind", "y", "b", "a"]].assign(extra=pd.Timestamp("2026-01-01"))
    by_frame = predictor.infer(other)
    by_row = Splitset.make(of_new(other), predictor_id=predictor.id).infer()
    by_id = Predictor.infer(predictor.id, Dataset.Tabular.from_df(other).id)
    for one in (by_frame, by_row, by_id):
        (found,) = one.probabilities.values()
        assert found.tolist() == expected
    # of a frame only the needed columns are stored
    assert by_frame.splitset.features[0].dataset.columns == ["a", "b", "kind"]


def test_an_array_has_the_trained_columns_in_order() -> None:
    frame = points()
    predictor = trained(frame)
    array = frame[["a", "b", "kind"]].to_numpy()
    expected = predictor.infer(frame).probabilities["infer_0"]
    found = predictor.infer(array).probabilities["infer_1"]
    assert found.tolist() == expected.tolist()


def test_the_row_of_an_inference_splitset() -> None:
    frame = points()
    predictor = trained(frame)
    feature = of_new(frame[:5])
    row = Splitset.make(feature, predictor_id=predictor)
    stored = Splitset.get_by_id(row.id)
    for one in (row, stored):
        assert one.samples == {"infer_0": [0, 1, 2, 3, 4]}
        assert one.sizes == {"infer_0": {"percent": 1.0, "count": 5}}
        assert (one.key_train, one.key_evaluation, one.key_test) == (None, None, None)
        assert (one.supervision, one.has_validation) == ("unsupervised", False)
        assert (one.fold_count, one.bin_count, one.version) == (None, None, None)
        assert one.predictor == predictor
    label = Label.from_dataset(Dataset.Tabular.from_df(frame[:5]), "y")
    second = Splitset.make(feature, label, predictor_id=predictor)
    assert second.supervision == "supervised"
    assert list(second.samples) == ["infer_1"]
    assert [one.id for one in predictor.inference_splitsets] == [row.id, second.id]
    with pytest.raises(InvalidSplit, match="trains nothing"):
        row.cache_samples()


def test_names_and_versions() -> None:
    frame = points()
    predictor = trained(frame, repeat_count=2)
    other = Predictor.get(Predictor.id != predictor.id)
    first = Splitset.make(of_new(frame[:5]), predictor_id=predictor, name="new")
    with pytest.warns(DuplicateWarning, match="version 1"):
        again = Splitset.make(of_new(frame[:5]), predictor_id=predictor, name="new")
    assert (again, first.version) == (first, 1)
    assert Splitset.make(of_new(frame[:6]), predictor_id=predictor, name="new").version == 2
    # equal data for another model are another Splitset
    third = Splitset.make(of_new(frame[:5]), predictor_id=other, name="new")
    assert (third.version, third.predictor) == (3, other)
    assert third.sha256_hexdigest != first.sha256_hexdigest


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("size_test", 0.2),
        ("size_validation", 0.2),
        ("bin_count", 3),
        ("fold_count", 2),
        ("unsupervised_stratify_col", "kind"),
        ("stratify", False),
        ("samples", {"train": [0], "test": [1]}),
        ("folds", [([0], [1])]),
        ("groups", "kind"),
        ("time", "a"),
    ],
)
def test_nothing_is_split(argument: str, value: Any) -> None:
    predictor = trained()
    feature = of_new(points())
    before = rows_by_table()
    with pytest.raises(InvalidSplit, match=f"{argument}=.*all samples are predicted"):
        Splitset.make(feature, predictor_id=predictor, **{argument: value})
    assert rows_by_table() == before


def test_parts_have_the_same_rows() -> None:
    frame = points()
    predictor = trained(frame)
    label = Label.from_dataset(Dataset.Tabular.from_df(frame[:4]), "y")
    with pytest.raises(InvalidSplit, match="differ in their number of samples"):
        Splitset.make(of_new(frame[:5]), label, predictor_id=predictor)


def test_every_difference_is_listed_and_nothing_is_written() -> None:
    frame = points()
    predictor = trained(frame)
    wrong = frame.drop(columns="a").assign(b="text", y=pd.Series(["maybe"] * 48))
    feature = of_new(wrong, exclude_columns="y")
    label = Label.from_dataset(feature.dataset, "y")
    before = rows_by_table()
    parts = ["lacks the columns ['a']", "'b' is str and was float64", "['maybe']"]
    with pytest.raises(Incompatible) as by_row:
        Splitset.make(feature, label, predictor_id=predictor)
    assert [part for part in parts if part not in str(by_row.value)] == []
    for target in (wrong, wrong["y"], feature.dataset):
        with pytest.raises(Incompatible) as by_frame:
            predictor.infer(wrong, target=target)
        assert [part for part in parts if part not in str(by_frame.value)] == []
        assert len(by_frame.value.differences) == len(parts)
    with pytest.raises(Incompatible, match="holds the classes \\['maybe'\\]"):
        predictor.infer(frame, target=wrong)
    assert rows_by_table() == before


@pytest.mark.parametrize(
    ("inputs", "target", "error", "text"),
    [
        ([points(), points()], None, Incompatible, "2 entries, and 1 Features"),
        ("data.csv", None, InvalidInput, "type str"),
        (np.zeros(3), None, InvalidInput, "shape \\(3,\\)"),
        (np.zeros((3, 2)), None, Incompatible, "lacks the columns"),
        (points(), {"y": 1}, InvalidInput, "type dict"),
        (points(), np.zeros((48, 2)), Incompatible, "The Label lacks the columns \\['y'\\]"),
        (points(), points()["y"][:4], InvalidSplit, "inputs\\[0\\]': 48, 'target': 4"),
        (points()[:0], None, InvalidData, "empty"),
        (points(), pd.concat([points()["y"]] * 2, axis=1), InvalidData, "have one name: 'y', 'y'"),
    ],
)
def test_inputs_that_cannot_be_used(
    inputs: Any, target: Any, error: type[Exception], text: str
) -> None:
    predictor = trained()
    before = rows_by_table()
    with pytest.raises(error, match=text):
        predictor.infer(inputs, target)
    with pytest.raises(Incompatible, match="no Window"):
        predictor.infer(points(), record_shifted=True)
    assert rows_by_table() == before


@pytest.mark.parametrize(
    "target",
    [
        points()["y"].rename("other"),
        points()["y"].to_numpy(),
        points()[["y"]].to_numpy(),
        points()[["kind", "y"]],
        points(),
    ],
    ids=["series", "array", "column", "frame", "same-frame"],
)
def test_every_form_of_a_target_scores_alike(target: Any) -> None:
    frame = points()
    predictor = trained(frame)
    expected = predictor.infer(frame, target=Dataset.Tabular.from_df(frame)).metrics["infer_0"]
    assert predictor.infer(frame, target=target).metrics["infer_1"] == expected


def test_without_labels_there_is_nothing_to_score_or_to_plot() -> None:
    predictor = trained()
    prediction = predictor.infer(points())
    assert prediction.metrics is None
    assert prediction.metrics_aggregate is None
    assert prediction.plot_data is None
    assert MetricResult.select().where(MetricResult.prediction == prediction).count() == 0
    figure = prediction.plot_confidence(call_display=False)
    assert "infer_0" in str(figure.to_dict())
    with pytest.raises(Incompatible, match="without a Label"):
        prediction.plot_confusion_matrix(call_display=False)


def test_plots_of_a_scored_inference_name_its_split() -> None:
    frame = points()
    predictor = trained(frame)
    prediction = predictor.infer(frame[:20], target=frame[:20])
    assert list(prediction.plot_data) == ["infer_0"]
    matrix = np.asarray(prediction.plot_data["infer_0"]["confusion_matrix"])
    said = pd.Series(prediction.predictions["infer_0"])
    expected = pd.crosstab(frame["y"][:20], said).reindex(
        index=["no", "yes"], columns=["no", "yes"], fill_value=0
    )
    assert matrix.tolist() == expected.to_numpy().tolist()
    for plot in (prediction.plot_roc_curve, prediction.plot_precision_recall):
        assert "infer_0" in str(plot(call_display=False).to_dict())
    assert "infer_0" in str(prediction.plot_confusion_matrix(call_display=False)[0].to_dict())
    assert "infer_0" in str(prediction.plot_confidence(3, call_display=False).to_dict())


@pytest.mark.parametrize(
    ("frame", "options", "undefined"),
    [
        (points(), {}, {"roc_auc"}),
        (numbers(), {"analysis_type": "regression"}, {"r2"}),
    ],
    ids=["binary", "regression"],
)
def test_one_row(frame: pd.DataFrame, options: dict[str, Any], undefined: set[str]) -> None:
    predictor = trained(frame, **options)
    rows = frame[7:8]
    prediction = predictor.infer(rows, target=rows)
    whole = predictor.infer(frame)
    assert prediction.predictions["infer_0"].shape == (1,)
    expected = whole.predictions["infer_1"][7]
    assert prediction.predictions["infer_0"][0] == (
        pytest.approx(expected) if frame["y"].dtype.kind == "f" else expected
    )
    scores = prediction.metrics["infer_0"]
    assert undefined <= {name for name, value in scores.items() if np.isnan(value)}
    assert np.isfinite(scores["loss"])
    assert prediction.drift["verdict"].tolist() == [None, None, None]
    assert prediction.drift["note"].str.contains("1 rows are too few").all()


def test_a_row_that_was_cut_out_as_objects() -> None:
    frame = points().assign(n=np.arange(48))
    predictor = trained(frame)
    whole = predictor.infer(frame).probabilities["infer_0"]
    cut = frame.iloc[7].to_frame().T
    assert set(cut.dtypes) == {np.dtype(object)}
    found = predictor.infer(cut, target=cut)
    assert found.probabilities["infer_1"][0] == whole[7]
    assert found.metrics is not None
    kept = found.splitset.features[0].get_dtypes()
    assert kept == predictor.job.queue.splitset.features[0].get_dtypes()


def test_a_second_call_returns_the_same_row() -> None:
    predictor = trained()
    splitset = Splitset.make(of_new(points()), predictor_id=predictor)
    first = splitset.infer()
    before = rows_by_table()
    assert Splitset.infer(splitset.id) == first
    assert first.splitset == splitset
    assert rows_by_table() == before
    with pytest.raises(InvalidSplit, match="made for training"):
        predictor.job.queue.splitset.infer()


def test_an_unseen_category_is_named_with_its_row_and_leaves_nothing() -> None:
    frame = points()
    predictor = trained(frame)
    frame.loc[[30, 41], "kind"] = "purple"
    before = rows_by_table()
    # the Dataset is gone when the message is read
    with pytest.raises(InvalidData, match=r"'kind' holds 'purple'.*\(row 30 of the new data\)"):
        predictor.infer(frame)
    assert rows_by_table() == before
    splitset = Splitset.make(of_new(frame), predictor_id=predictor)
    with pytest.raises(InvalidData, match="row 30"):
        splitset.infer()
    assert splitset.predictions.count() == 0


def test_missing_values_follow_the_rules_of_training_and_leave_nothing() -> None:
    frame = points()
    predictor = trained(frame)
    frame.loc[3, "a"] = np.nan
    before = rows_by_table()
    with pytest.raises(InvalidData, match=r"NaN.*'a': 1"):
        predictor.infer(frame)
    one = frame[:1].assign(a=None)
    with pytest.raises(InvalidData, match=r"NaN.*'a': 1"):
        predictor.infer(one)
    assert rows_by_table() == before


def ignoring(frame: pd.DataFrame) -> Predictor:
    from sklearn.preprocessing import LabelBinarizer, OneHotEncoder, StandardScaler

    dataset = Dataset.Tabular.from_df(frame)
    label = Label.from_dataset(dataset, "y")
    LabelCoder.from_label(label, LabelBinarizer())
    feature = Feature.from_dataset(dataset, exclude_columns="y")
    FeatureCoder.from_feature(feature, StandardScaler(), dtypes="float64", verbose=False)
    coder = OneHotEncoder(handle_unknown="ignore")
    FeatureCoder.from_feature(feature, coder, columns=["kind"], verbose=False)
    queue = make_queue(
        Splitset.make(feature, label, size_test=0.25), {}, repeat_count=1, permute_count=0
    )
    queue.run_jobs(progress=False)
    return Predictor.select().get()


def test_categories_that_a_coder_ignores_are_counted() -> None:
    frame = points()
    predictor = ignoring(frame)
    new = frame.copy()
    new.loc[[30, 41], "kind"] = "purple"
    new.loc[5, "kind"] = "pink"
    with pytest.warns(ResultWarning, match="in the new data that .*'kind': 3") as caught:
        prediction = predictor.infer(new)
    assert len(caught) == 1
    assert np.flatnonzero(prediction.out_of_range["kind"]).tolist() == [5, 30, 41]
    drift = prediction.drift.set_index("column")
    assert drift.loc["kind", "unseen_share"] == 3 / 48
    known = [row for row in range(48) if row not in {5, 30, 41}]
    expected = predictor.infer(frame).probabilities["infer_1"][known]
    assert prediction.probabilities["infer_0"][known] == pytest.approx(expected)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        # a warning that is an error does not cost the result
        warnings.simplefilter("error")
        with pytest.raises(ResultWarning):
            predictor.infer(new)
    assert list(Prediction.select().order_by(Prediction.id.desc()).get().predictions) == [
        "infer_2"
    ]


def test_a_category_that_becomes_a_gap_is_named() -> None:
    from sklearn.preprocessing import LabelBinarizer, OrdinalEncoder

    frame = points()
    dataset = Dataset.Tabular.from_df(frame)
    label, feature = Label.from_dataset(dataset, "y"), Feature.from_dataset(dataset, ["a", "kind"])
    LabelCoder.from_label(label, LabelBinarizer())
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    FeatureCoder.from_feature(feature, coder, columns="kind", verbose=False)
    splitset = Splitset.make(feature, label, size_test=0.25)
    make_queue(splitset, {}, repeat_count=1, permute_count=0).run_jobs(progress=False)
    predictor, before = Predictor.select().get(), rows_by_table()
    frame.loc[5, "kind"] = "pink"
    with pytest.raises(InvalidData, match=r"'kind': 1\. There are categories .* 'kind': 1\."):
        predictor.infer(frame)
    assert rows_by_table() == before


def test_the_profile_is_of_the_training_rows_alone() -> None:
    frame = points()
    probe = trained(frame)
    test = probe.job.queue.splitset.samples["test"]
    frame.loc[test[0], "a"] = 1e6
    predictor = trained(
        frame, split={"samples": probe.job.queue.splitset.samples, "size_test": None}
    )
    train = frame.iloc[predictor.job.queue.splitset.samples["train"]]
    feature = predictor.job.queue.splitset.features[0]
    shown = predictor.training_profile[feature.id]
    assert shown.index.tolist() == ["a", "b", "kind"]
    assert shown.loc["a", "maximum"] == train["a"].max() < 1e6
    assert shown["count"].tolist() == [36, 36, 36]
    assert shown.loc["kind", "categories"] == train["kind"].value_counts(normalize=True).to_dict()
    flags = predictor.infer(frame).out_of_range
    low, high = train["a"].min(), train["a"].max()
    assert flags["a"].tolist() == (~frame["a"].between(low, high)).tolist()
    assert bool(flags.loc[test[0], "a"])


def test_an_inference_names_its_split() -> None:
    frame = points()
    predictor = trained(frame)
    assert predictor.predictions[0].split is None
    for number in range(2):
        prediction = predictor.infer(frame, target=frame)
        assert prediction.split == f"infer_{number}"
        assert list(prediction.metrics) == list(prediction.predictions) == [prediction.split]


def test_importance_of_an_inference_is_refused() -> None:
    frame = points()
    predictor = trained(frame)
    prediction = predictor.infer(frame, target=frame)
    with pytest.raises(Incompatible, match=r"is an inference.*predictor\.predictions\[0\]"):
        prediction.calc_featureImportance(permute_count=1)
    with pytest.raises(Incompatible, match="is an inference"):
        Prediction.calc_featureImportance(prediction.id, 1, split="infer_0")
    assert prediction.feature_importance is None
    with pytest.raises(NotReady, match=r"is that of predictor\.predictions\[0\]"):
        prediction.importance_df()
    predictor.predictions[0].calc_featureImportance(permute_count=1)


def test_drift_is_measured_against_the_training_rows() -> None:
    frame = points(400)
    predictor = trained(frame)
    rows = predictor.job.queue.splitset.samples["train"]
    train = frame.iloc[rows]
    same = predictor.infer(train).drift.set_index("column")
    assert same["psi"].tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert same["verdict"].tolist() == ["stable"] * 3
    moved = train.assign(a=train["a"] + 1.5, kind="red")
    drift = predictor.infer(moved).drift.set_index("column")
    assert drift["verdict"].tolist() == ["major", "stable", "major"]
    # by hand: counts between the training deciles
    deciles = np.quantile(train["a"], np.arange(1, 10) / 10, method="inverted_cdf")
    place = np.searchsorted(deciles, moved["a"])
    a = (np.bincount(place, minlength=10) + 0.5) / (len(moved) + 5)
    e = (np.bincount(np.searchsorted(deciles, train["a"]), minlength=10) + 0.5) / (len(train) + 5)
    assert drift.loc["a", "psi"] == pytest.approx(float(np.sum((a - e) * np.log(a / e))))
    assert drift["feature_id"].unique().tolist() == [predictor.job.queue.splitset.features[0].id]
    assert drift["chance"].between(0.03, 0.2).all()
    assert predictor.predictions[0].drift is None
    assert predictor.predictions[0].out_of_range is None


def test_profiles_are_made_once_by_fold_and_feature() -> None:
    predictor = trained(split={"fold_count": 2})
    predictor.infer(points())
    fits = list(Fit.select().where(Fit.feature.is_null(is_null=False)).order_by(Fit.fold))
    assert len(fits) == 2
    content = fits[1].profile_content_id
    assert content is not None
    predictor.infer(points())
    assert Fit.get_by_id(fits[1].id).profile_content_id == content


def test_lost_training_data_cost_the_drift_table_only(tmp_path: Any) -> None:
    from sklearn.preprocessing import LabelBinarizer

    path = tmp_path / "points.csv"
    frame = points()[["a", "b", "y"]]
    frame.to_csv(path, index=False)
    dataset = Dataset.Tabular.from_path(str(path), ingest=False)
    label = Label.from_dataset(dataset, "y")
    LabelCoder.from_label(label, LabelBinarizer())
    feature = Feature.from_dataset(dataset, exclude_columns="y")
    splitset = Splitset.make(feature, label, size_test=0.25)
    make_queue(splitset, {}, repeat_count=1, permute_count=0).run_jobs(progress=False)
    Fit.update(profile_content=None).execute()
    frame[:20].to_csv(path, index=False)
    # training goes on from the cached samples
    ensure_profiles(splitset, None)
    predictor = Predictor.select().get()
    with pytest.warns(ResultWarning, match="no drift table of <Feature 1>: .*no longer the data"):
        prediction = predictor.infer(frame)
    assert len(prediction.predictions["infer_0"]) == len(frame)
    assert prediction.drift.empty
    assert prediction.drift.columns[0] == "feature_id"
    assert prediction.out_of_range.empty


def test_a_model_is_rebuilt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_models()
    built: list[int] = []
    rebuild = served_model.rebuild_task

    def counting(*args: Any) -> Any:
        built.append(1)
        return rebuild(*args)

    monkeypatch.setattr(served_model, "rebuild_task", counting)
    monkeypatch.setattr(served_model, "KEPT", 1)
    second = trained(repeat_count=2)
    first = Predictor.get(Predictor.id != second.id)
    one = first.infer(points()).probabilities["infer_0"].tolist()
    assert first.infer(points()).probabilities["infer_1"].tolist() == one
    assert len(built) == 1
    assert second.infer(points()).probabilities["infer_0"].tolist() != one
    assert len(built) == 2
    # one is kept, so the first one goes
    assert first.infer(points()).probabilities["infer_2"].tolist() == one
    assert len(built) == 3


def test_a_table_of_new_data_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = trained()
    predictor.infer(points())
    reads: list[Any] = []
    decode = parquet.decode_frame

    def counting(*args: Any) -> Any:
        reads.append(args)
        return decode(*args)

    monkeypatch.setattr(parquet, "decode_frame", counting)
    predictor.infer(points())
    assert len(reads) == 1


def test_another_store_has_models_of_its_own(tmp_path: Any) -> None:
    here = aiqc.orm._database.current()
    first = trained()
    one = first.infer(points()).probabilities["infer_0"]
    aiqc.connect(tmp_path / "other.sqlite3")
    other = trained(points(40))
    assert other.id == first.id
    two = other.infer(points()).probabilities["infer_0"]
    assert not np.array_equal(one, two)
    aiqc.connect(here.path)
    again = Predictor.get_by_id(1).infer(points()).probabilities["infer_1"]
    assert np.array_equal(one, again)


def test_a_kept_model_is_not_served_to_who_did_not_sign_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictor = trained()
    predictor.infer(points())
    before = rows_by_table()
    monkeypatch.setenv("AIQC_SIGNING_KEY", "77" * 32)
    with pytest.raises(UntrustedCode):
        predictor.infer(points())
    assert rows_by_table() == before
    aiqc.trust(predictor)
    assert list(predictor.infer(points()).predictions) == ["infer_1"]
    algorithm = predictor.job.queue.algorithm
    algorithm.signatures = {**algorithm.signatures, "fn_build": "0" * 64}
    algorithm.save()
    with pytest.raises(UntrustedCode):
        predictor.infer(points())


def opaque_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from aiqc.training.toy_model import ToyModel

    return ToyModel(hidden=2)


def opaque_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    from aiqc.core.enums import AnalysisType
    from aiqc.training.toy_model import ToyModel

    other = ToyModel(hidden=0)
    other.start(AnalysisType.BINARY, train_features.shape[1], (1,))
    return other


def test_a_kept_model_that_is_code_needs_its_signature() -> None:
    algorithm = Algorithm.make("toy", "classification_binary", opaque_build, opaque_train)
    queue = Queue.from_algorithm(algorithm, make_splitset(), permute_count=0)
    with pytest.warns(ResultWarning, match="another model"):
        queue.run_jobs(progress=False)
    predictor = Predictor.select().get()
    assert predictor.model_form == "opaque"
    predictor.infer(points())
    Predictor.update(model_signature="0" * 64).where(Predictor.id == predictor.id).execute()
    with pytest.raises(UntrustedCode, match="cannot be read"):
        Predictor.infer(predictor.id, points())


def test_threads_share_a_kept_model() -> None:
    predictor = trained()
    expected = predictor.infer(points()).probabilities["infer_0"].tolist()
    found: list[Any] = []

    def work() -> None:
        found.append(Predictor.infer(predictor.id, points()).probabilities)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for one in found for key in one) == [f"infer_{n}" for n in range(1, 5)]
    assert all(value.tolist() == expected for one in found for value in one.values())


def test_deleting_a_model_deletes_its_inferences() -> None:
    frame = points()
    predictor = trained(frame, repeat_count=2)
    other = Predictor.get(Predictor.id != predictor.id)
    mine, theirs = predictor.infer(frame, target=frame), other.infer(frame)
    feature = mine.splitset.features[0]
    predictor.delete_instance()
    assert Prediction.get_or_none(Prediction.id == mine.id) is None
    assert Splitset.get_or_none(Splitset.id == mine.splitset_id) is None
    assert MetricResult.select().where(MetricResult.prediction == mine.id).count() == 0
    assert Feature.get_by_id(feature.id).splitset_links.count() == 0
    assert Prediction.get_by_id(theirs.id).predictions.keys() == {"infer_0"}
    assert other.inference_splitsets.count() == 1


def test_a_training_feature_may_be_predicted_and_stays() -> None:
    predictor = trained()
    queue = predictor.job.queue
    feature = queue.splitset.features[0]
    splitset = Splitset.make(feature, queue.splitset.label, predictor_id=predictor)
    prediction = splitset.infer()
    rows = queue.splitset.samples["test"]
    expected = predictor.predictions[0].predictions["test"]
    assert prediction.predictions["infer_0"][rows].tolist() == expected.tolist()
    with pytest.raises(RecordInUse, match="SplitsetFeature"):
        feature.delete_instance()
    predictor.delete_instance()
    assert queue.splitset.features == [feature]
    assert Splitset.select().count() == 1
    queue.delete_instance(recursive=True)
    assert Queue.select().count() == 0


def test_deleting_a_queue_deletes_the_inferences_of_its_models() -> None:
    predictor = trained()
    predictor.infer(points())
    predictor.job.queue.splitset.delete_instance(recursive=True)
    assert (Splitset.select().count(), Prediction.select().count()) == (0, 0)
    assert (Feature.select().count(), Dataset.select().count()) == (2, 2)


def test_a_copy_of_a_store_has_models_of_its_own(tmp_path: Any) -> None:
    here = aiqc.orm._database.current()
    copy = backup(tmp_path / "copy.sqlite3")
    first = trained(points(40))
    one = first.infer(points()).probabilities["infer_0"]
    aiqc.connect(copy)
    other = trained()
    assert (other.id, aiqc.orm._database.current().uid) == (first.id, here.uid)
    two = other.infer(points())
    assert not np.array_equal(one, two.probabilities["infer_0"])
    profile = other.training_profile[other.job.queue.splitset.features[0].id]
    assert profile["count"].tolist() == [36] * 3


def test_interpolated_columns_are_filled_in_new_rows() -> None:
    from sklearn.preprocessing import LabelBinarizer, OneHotEncoder

    frame = points()
    frame.loc[::7, "a"] = np.nan
    dataset = Dataset.Tabular.from_df(frame)
    label = Label.from_dataset(dataset, "y")
    LabelCoder.from_label(label, LabelBinarizer())
    feature = Feature.from_dataset(dataset, exclude_columns="y")
    FeatureInterpolater.from_feature(feature, columns=["a"])
    FeatureCoder.from_feature(feature, OneHotEncoder(), columns=["kind"], verbose=False)
    queue = make_queue(
        Splitset.make(feature, label, size_test=0.25), {}, repeat_count=1, permute_count=0
    )
    queue.run_jobs(progress=False)
    predictor = Predictor.select().get()
    new = frame[:10].assign(a=[1.0, np.nan, 3.0, np.nan, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    known = new.assign(a=np.arange(1.0, 11.0))
    # an order-1 spline through the known neighbours is the straight line between them
    found = predictor.infer(new)
    expected = predictor.infer(known).probabilities["infer_1"]
    assert found.probabilities["infer_0"] == pytest.approx(expected)
    drift = found.drift.set_index("column")
    train = frame.iloc[queue.splitset.samples["train"]]
    assert drift.loc["a", "nan_rate_train"] == train["a"].isna().mean()
    assert drift.loc["a", "nan_rate_new"] == 0.2


def test_an_inference_gets_the_number_after_the_newest() -> None:
    predictor = trained()
    first = predictor.infer(points())
    predictor.infer(points())
    first.splitset.delete_instance()
    assert Prediction.get_or_none(Prediction.id == first.id) is None
    newest = predictor.infer(points())
    assert list(newest.predictions) == ["infer_2"]
    newest.splitset.delete_instance()
    assert list(predictor.infer(points()).predictions) == ["infer_2"]


def test_the_number_of_an_inference_is_found_in_one_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predictor = trained()
    for _ in range(3):
        predictor.infer(points())
    read: list[str] = []
    python_value = type(Splitset.sizes).python_value

    def counting(field: Any, value: Any) -> Any:
        read.append(field.name)
        return python_value(field, value)

    monkeypatch.setattr(type(Splitset.sizes), "python_value", counting)
    assert inference_splitset._next_number(predictor) == 3
    assert read == ["sizes"]


def test_features_of_two_data_sets() -> None:
    from sklearn.preprocessing import LabelBinarizer, MinMaxScaler, StandardScaler

    frame = points()
    one, two = Dataset.Tabular.from_df(frame[["a", "y"]]), Dataset.Tabular.from_df(frame[["b"]])
    label = Label.from_dataset(one, "y")
    LabelCoder.from_label(label, LabelBinarizer())
    features = [Feature.from_dataset(one, exclude_columns="y"), Feature.from_dataset(two)]
    for feature, coder in zip(features, (StandardScaler(), MinMaxScaler()), strict=True):
        FeatureCoder.from_feature(feature, coder, dtypes="float64", verbose=False)
    ids: Any = features
    queue = make_queue(
        Splitset.make(ids, label, size_test=0.25), {}, repeat_count=1, permute_count=0
    )
    queue.run_jobs(progress=False)
    predictor = Predictor.select().get()
    rows = queue.splitset.samples["test"]
    part = frame.iloc[rows]
    expected = predictor.predictions[0].probabilities["test"].tolist()
    both = predictor.infer([part[["a"]], part[["b"]]])
    shared = predictor.infer(part)
    assert both.probabilities["infer_0"].tolist() == expected
    assert shared.probabilities["infer_1"].tolist() == expected
    # one frame for all Features is registered once
    assert len({feature.dataset_id for feature in shared.splitset.features}) == 1
    assert both.out_of_range.columns.tolist() == [(features[0].id, "a"), (features[1].id, "b")]
    with pytest.raises(Incompatible, match=r"Feature 0 lacks.*\n.*Feature 1 lacks"):
        predictor.infer([part[["b"]], part[["a"]]])


@pytest.mark.usefixtures("any_store")
class TestEveryDatabase:
    """The same on SQLite, PostgreSQL and MariaDB."""

    def test_inference_and_deletion(self) -> None:
        frame = points()
        predictor = trained(frame)
        prediction = predictor.infer(frame, target=frame)
        stored = Prediction.get_by_id(prediction.id)
        assert stored.metrics == prediction.metrics
        assert stored.drift.shape == (3, 11)
        assert stored.out_of_range.shape == (48, 3)
        assert stored.splitset.predictor == predictor
        frame.loc[0, "kind"] = "purple"
        before = rows_by_table()
        with pytest.raises(InvalidData, match="row 0"):
            predictor.infer(frame)
        assert rows_by_table() == before
        predictor.delete_instance()
        assert Splitset.select().count() == 1

    def test_numbers_are_given_once(self) -> None:
        predictor = trained()
        feature = of_new(points())
        start = threading.Barrier(4)
        found: list[str] = []

        def work() -> None:
            start.wait()
            found.extend(Splitset.make(feature.id, predictor_id=predictor.id).samples)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == ["infer_0", "infer_1", "infer_2", "infer_3"]

    def test_one_splitset_has_one_prediction(self) -> None:
        predictor = trained()
        splitset = Splitset.make(of_new(points()), predictor_id=predictor)
        start = threading.Barrier(3)
        found: list[int] = []

        def work() -> None:
            start.wait()
            found.append(Splitset.infer(splitset.id).id)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 3
        assert set(found) == {one.id for one in splitset.predictions}
        assert splitset.predictions.count() == 1


def test_an_open_transaction_takes_the_inference_back() -> None:
    predictor = trained()
    before = rows_by_table()

    def interrupted() -> None:
        with transaction():
            predictor.infer(points())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert rows_by_table() == before


def test_reports_list_scored_inferences_and_judge_by_training_alone() -> None:
    frame = points()
    predictor = trained(frame, repeat_count=2)
    queue = predictor.job.queue
    aggregate = queue.metricsAggregate_df()
    figure = queue.plot_performance(call_display=False).to_json()
    before = queue.metrics_df()
    for _ in range(11):
        prediction = predictor.infer(frame, target=frame)
    predictor.infer(frame)
    found = queue.metrics_df()
    mine = found[found["predictor_id"] == predictor.id]
    assert mine["split"].tolist() == ["train", "test", *(f"infer_{n}" for n in range(11))]
    assert mine["accuracy"].tolist()[-1] == prediction.metrics["infer_10"]["accuracy"]
    pd.testing.assert_frame_equal(
        found[~found["split"].str.startswith("infer_")].reset_index(drop=True), before
    )
    pd.testing.assert_frame_equal(queue.metricsAggregate_df(), aggregate)
    assert queue.plot_performance(call_display=False).to_json() == figure


def test_a_run_leaves_the_profile_of_its_fold() -> None:
    trained(split={"fold_count": 2})
    fits = Fit.select().where(Fit.feature.is_null(is_null=False))
    assert [fit.profile_content_id is not None for fit in fits] == [True, True]
