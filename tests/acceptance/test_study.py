"""Studies end to end: every attribute of every table, read back and compared with a hand's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import study_oracle as oracle
from same_values import assert_same
from spec_rows import SpecRow, owner_of, spec_rows
from study_expected import EXPECTED
from study_world import FLOWER_FEATURES, GIVEN, ROW_COUNT, World

from aiqc import orm

#: test_spec_003_steps.py has a study of their own
STEPS = {"LabelInterpolater", "FeatureInterpolater", "Window", "FeatureShaper"}
ATTRIBUTES = [r for r in spec_rows() if r.kind == "attribute" and r.owner not in STEPS]
OWNERS = [owner for owner in dict.fromkeys(r.owner for r in ATTRIBUTES) if owner != "BaseModel"]


def rows_of(owner: str) -> list[Any]:
    """Return every row of a table, in the order of ids."""
    model = owner_of(owner)
    return list(model.select().order_by(model.id))


def test_every_attribute_has_an_expectation() -> None:
    """A new row of the table fails until somebody works out what its value must be."""
    assert {row.place for row in ATTRIBUTES} == set(EXPECTED)


@pytest.mark.parametrize("row", ATTRIBUTES, ids=lambda row: row.place)
def test_attribute(row: SpecRow, world: World) -> None:
    owners = OWNERS if row.owner == "BaseModel" else [row.owner]
    for owner in owners:
        rows = rows_of(owner)
        expected = EXPECTED[row.place](world, owner)
        assert len(expected) == len(rows) > 0, owner
        for stored, wanted in zip(rows, expected, strict=True):
            place = f"{owner}({stored.id}).{row.member}"
            assert_same(getattr(stored, row.member), wanted, place)


def test_shuffled_rows_are_found_by_sample_number(world: World) -> None:
    """Sample 5 of the store is line 5 of the file, not row 5 of the frame it was made from."""
    frame = orm.Dataset.to_df(1)
    pd.testing.assert_frame_equal(frame, world.frame, check_exact=True)
    samples = [100, 3, 3, 57]
    part = orm.Dataset.to_df(1, columns=["kind", "width"], samples=samples)
    wanted = world.frame.loc[samples, ["kind", "width"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, wanted, check_exact=True)
    label = orm.Label.to_df(1, samples=samples)
    pd.testing.assert_frame_equal(label, wanted[["kind"]], check_exact=True)
    assert orm.Feature.to_arr(2, samples=samples).tolist() == wanted[["width"]].to_numpy().tolist()
    assert orm.Feature.get_dtypes(1) == {
        "colour": "str",
        "width": "float64",
        "depth": "float64",
        "count": "int64",
        "flat": "int64",
    }


def test_fits_are_kept_per_splitset_fold_and_feature(world: World) -> None:
    """The mean is that of the training rows alone; no splitset's fit replaces another's."""
    seen = {}
    for fit in orm.Fit.select().where(orm.Fit.feature == 1):
        samples = fit.splitset.samples["train"]
        assert fit.samples == samples
        assert_same(fit.estimators(), oracle.mixed_fits(world.frame, samples), repr(fit))
        hand = world.frame["width"].to_numpy()[samples].mean()
        assert fit.estimators()[1].mean_[0] == pytest.approx(hand, rel=1e-15)
        seen[fit.splitset_id] = fit.estimators()[1].mean_[0]
    assert set(seen) == {1, 3, 4}
    assert len(set(seen.values())) == 3
    assert orm.Feature.of(1).fitted_featurecoders[1].mean_[0] == seen[4]
    labels = {fit.splitset_id for fit in orm.Fit.select().where(orm.Fit.label == 1)}
    assert labels == {1, 2}


def test_two_features_keep_their_own_scalers_in_each_fold(world: World) -> None:
    means = []
    for fold in orm.Splitset.of(2).folds:
        train = fold.samples["folds_train_combined"]
        wide, rest = oracle.fold_fits(world.frame, train)
        assert_same(fold.fitted_featurecoders, {2: [wide], 3: [rest]}, repr(fold))
        means.append(float(wide.mean_[0]))
    assert len(set(means)) == 3


def test_cache_holds_what_the_hand_encodes(world: World) -> None:
    multi, two = orm.Splitset.of(1), orm.Splitset.of(2)
    features = oracle.mixed(world.frame, multi.samples["train"])
    for split, rows in multi.samples.items():
        np.testing.assert_array_equal(multi.fetch_cache(split, "features"), features[rows])
        codes = oracle.label(world.frame, "kind", [])[rows]
        np.testing.assert_array_equal(multi.fetch_cache(split, "label"), codes)
    for fold in two.folds:
        both = oracle.folded(world.frame, fold.samples["folds_train_combined"])
        for split, rows in fold.samples.items():
            found = two.fetch_cache(split, "features", fold_id=fold.id)
            assert isinstance(found, list)
            for array, hand in zip(found, both, strict=True):
                np.testing.assert_array_equal(array, hand[rows])


def test_cache_is_laid_out_as_the_text_draws_it(world: World) -> None:
    multi, two = Path(orm.Splitset.of(1).cache_path), Path(orm.Splitset.of(2).cache_path)
    splits = ("train", "validation", "test")
    wanted = {f"no_fold/{s}/{part}.npy" for s in splits for part in ("label", "feature_0")}
    assert {str(p.relative_to(multi)) for p in multi.rglob("*.npy")} == wanted
    folds = ("folds_train_combined", "fold_validation", "validation", "test")
    parts = ("label", "feature_0", "feature_1")
    wanted = {f"{i}/{s}/{part}.npy" for i in range(3) for s in folds for part in parts}
    assert {str(p.relative_to(two)) for p in two.rglob("*.npy")} == wanted


def test_clear_cache_and_cache_samples(copy_of_world: World) -> None:
    splitset = orm.Splitset.of(5)
    assert not splitset.cache_hot
    splitset.cache_samples()
    assert splitset.cache_hot
    train = splitset.fetch_cache("train", "features")
    np.testing.assert_array_equal(train, orm.Feature.to_arr(4, samples=splitset.samples["train"]))
    np.testing.assert_array_equal(splitset.fetch_cache("train", "label"), train)
    splitset.clear_cache()
    assert not splitset.cache_hot
    assert not Path(splitset.cache_path).exists()
    assert orm.Splitset.of(1).cache_hot, "another splitset's cache stays"


def test_get_model_predicts_what_was_stored(world: World) -> None:
    """A rebuilt model repeats the stored probabilities on hand-made features, bit by bit."""
    for predictor in orm.Predictor.select().order_by(orm.Predictor.id):
        model, prediction = predictor.get_model(), predictor.predictions[0]
        job = predictor.job
        samples = job.fold.samples if job.fold else job.queue.splitset.samples
        train = samples.get("train") or samples["folds_train_combined"]
        parts = (
            oracle.folded(world.frame, train) if job.fold else [oracle.mixed(world.frame, train)]
        )
        features = np.hstack(parts)
        for split, rows in samples.items():
            if predictor.id in oracle.MULTI:
                found = model.forward(features[rows])
            elif predictor.id in oracle.PRICE:
                raw = model.predict(features[rows]).reshape(-1, 1)
                fit = oracle.label_fit(world.frame, "price", train)
                np.testing.assert_array_equal(
                    fit.inverse_transform(raw)[:, 0], prediction.predictions[split]
                )
                continue
            else:
                found = model.predict_proba(features[rows])
            shown = prediction.probabilities[split]
            np.testing.assert_array_equal(found[:, -shown.shape[1] :], shown)


def test_get_hyperparameters(world: World) -> None:
    assert orm.Predictor.get_hyperparameters(2, as_pandas=False) == {"learning_rate": 0.001}
    frame = orm.Predictor.get_hyperparameters(2)
    assert frame.to_numpy().tolist() == [["learning_rate", 0.001]]
    assert orm.Predictor.get_hyperparameters(5, as_pandas=False) == {}


def test_get_code_is_what_was_given(world: World) -> None:
    import inspect

    import study_world

    code = orm.Algorithm.get_code(3)
    given = {"fn_build": "linear_build", "fn_train": "linear_train"}
    given |= {"fn_predict": "linear_predict", "fn_lose": "absolute_lose"}
    for role, name in given.items():
        assert inspect.getsource(getattr(study_world, name)).strip() in code[role]
    assert inspect.getsource(study_world.worst).strip() in code["metrics.worst"]
    assert "def optimize" in code["fn_optimize"], "the library's default is shown"
    assert list(code)[:5] == ["fn_build", "fn_lose", "fn_optimize", "fn_train", "fn_predict"]


def test_metrics_df(world: World) -> None:
    """One row a model and split, newest model first, metrics in the order of the alphabet."""
    frame = orm.Queue.metrics_df(1)
    names = sorted([*orm.Prediction.of(1).metrics["train"]])
    places = ["hyperparamcombo_id", "job_id", "repeat_index", "predictor_id", "split"]
    assert list(frame.columns) == [*places, *names]
    splits = ["train", "validation", "test"]
    order = [(p, s) for p in (4, 3, 2, 1) for s in splits]
    assert list(zip(frame["predictor_id"], frame["split"], strict=True)) == order
    for record in frame.to_dict("records"):
        metrics = EXPECTED["Prediction.metrics"](world, "Prediction")[record["predictor_id"] - 1]
        assert {name: record[name] for name in names} == metrics[record["split"]]
    folded = orm.Queue.metrics_df(
        2, selected_metrics=["loss", "f1"], sort_by="loss", ascending=True
    )
    assert list(folded.columns) == [
        *("hyperparamcombo_id", "fold_index", "job_id", "predictor_id", "split", "f1", "loss")
    ]
    assert folded["loss"].is_monotonic_increasing
    assert sorted(set(folded["fold_index"])) == [0, 1, 2]


def test_metrics_aggregate_df(world: World) -> None:
    frame = orm.Queue.metricsAggregate_df(3, selected_metrics=["worst", "r2"])
    places = ["hyperparamcombo_id", "job_id", "predictor_id", "metric"]
    assert list(frame.columns) == [*places, "maximum", "minimum", "pstdev", "median", "mean"]
    assert frame["predictor_id"].tolist() == [9, 9, 8, 8]
    wanted = EXPECTED["Prediction.metrics_aggregate"](world, "Prediction")
    for record in frame.to_dict("records"):
        statistics = wanted[record["predictor_id"] - 1][record["metric"]]
        assert {key: record[key] for key in statistics} == statistics
    one = orm.Queue.metricsAggregate_df(3, True, "loss", "mean", "mean")
    assert list(one.columns) == [*places, "mean"]
    assert one["mean"].is_monotonic_increasing


def test_importance(world: World) -> None:
    """A constant column has no importance; the columns that decide come first."""
    frame = orm.Prediction.importance_df(1)
    assert list(frame.columns) == ["FeatureID", "Feature", "Median"]
    assert sorted(frame["Feature"]) == sorted(FLOWER_FEATURES)
    assert frame["Median"].is_monotonic_decreasing
    assert set(frame["FeatureID"]) == {1}
    assert set(orm.Prediction.importance_df(1, top_n=2)["Feature"]) == {"width", "depth"}
    assert frame.set_index("Feature")["Median"]["flat"] == 0.0
    sick = orm.Prediction.importance_df(10, top_n=1, feature_id=1)
    assert sick["Feature"].tolist() == ["depth"]


def test_importance_afterwards(copy_of_world: World) -> None:
    """Importance that the queue skipped is computed later, and again on another split."""
    prediction = orm.Prediction.of(9)
    assert prediction.feature_importance is None
    orm.Prediction.calc_featureImportance(9, 4)
    again = orm.Prediction.of(9)
    found = again.feature_importance
    assert again.permute_count == 4
    assert [len(facts["loss_impacts"]) for facts in found["1"].values()] == [4] * 5
    assert max(found["1"], key=lambda name: found["1"][name]["median"]) == "count"
    orm.Prediction.calc_featureImportance(9, 4, split="test")
    other = orm.Prediction.of(9).feature_importance
    assert other["1"]["count"] != found["1"]["count"]
    assert other["1"]["flat"] == {"median": 0.0, "loss_impacts": [0.0] * 4}


def test_split_of_101_rows(world: World) -> None:
    sizes = {split: len(rows) for split, rows in orm.Splitset.of(1).samples.items()}
    assert sizes == {"train": 67, "validation": 22, "test": 12}
    assert sum(sizes.values()) == ROW_COUNT
    assert orm.Splitset.of(4).samples == GIVEN


@pytest.mark.parametrize(
    ("owner", "count", "method"),
    [
        ("Queue", 4, "plot_performance"),
        ("Prediction", 11, "plot_confusion_matrix"),
        ("Prediction", 11, "plot_roc_curve"),
        ("Prediction", 11, "plot_precision_recall"),
        ("Prediction", 11, "plot_confidence"),
    ],
)
def test_plots(owner: str, count: int, method: str, world: World) -> None:
    """Every model that can be drawn is; a regression says why it has no classes to show."""
    import plotly.graph_objects as go

    from aiqc.core.errors import Incompatible

    for row in rows_of(owner):
        draw = getattr(row, method)
        if owner == "Prediction" and row.id in oracle.PRICE:
            with pytest.raises(Incompatible, match=rf"<Prediction {row.id}> \(regression\)"):
                draw(call_display=False)
            continue
        drawn = draw(call_display=False)
        figures = drawn if isinstance(drawn, list) else [drawn]
        assert all(isinstance(figure, go.Figure) for figure in figures)
        assert all(len(figure.data) > 0 for figure in figures)
    assert len(rows_of(owner)) == count


def test_confidence_of_any_sample_of_any_split(world: World) -> None:
    """The bars are the stored probabilities; the title names sample, truth and prediction."""
    prediction = orm.Prediction.of(5)
    for split, rows in orm.Fold.of(1).samples.items():
        for index in (0, len(rows) - 1):
            figure = prediction.plot_confidence(index, call_display=False, split_name=split)
            shown = figure.to_json()
            truth = world.frame["kind"].iloc[rows[index]]
            assert str(rows[index]) in figure.layout.title.text
            assert truth in figure.layout.title.text
            bars = [value for trace in figure.data for value in np.ravel(trace.x).tolist()]
            for value in prediction.probabilities[split][index]:
                assert any(np.isclose(value, bar) for bar in bars if isinstance(bar, float)), shown


def test_learning_curve(world: World) -> None:
    """A figure a metric; loss with its twin, lr alone; none where nothing was recorded."""
    from aiqc.core.errors import NotReady

    figures = orm.Predictor.plot_learning_curve(8, skip_head=False, call_display=False)
    assert len(figures) == 2
    with pytest.raises(NotReady, match=r"<Predictor 5> has no history"):
        orm.Predictor.plot_learning_curve(5, call_display=False)


def test_running_again_touches_nothing(world: World) -> None:
    before = [(row.id, row.time_updated, row.model_file) for row in rows_of("Predictor")]
    for queue in rows_of("Queue"):
        assert queue.run_jobs() is None
    assert [(row.id, row.time_updated, row.model_file) for row in rows_of("Predictor")] == before


def test_equal_content_returns_the_row(world: World) -> None:
    from aiqc.core.errors import DuplicateWarning

    with pytest.warns(DuplicateWarning, match=r"version 1 \(id 1\)"):
        found = orm.Dataset.Tabular.from_path(str(world.file), name="flowers")
    assert found.id == 1
    with pytest.warns(DuplicateWarning, match=r"version 1 \(id 1\)"):
        same = orm.Splitset.make([1], 1, 0.11, 0.21, name="flowers")
    assert same.id == 1


def test_blob_is_parquet_that_pandas_reads(world: World) -> None:
    stored = pd.read_parquet(io.BytesIO(orm.Dataset.of(1).blob))
    pd.testing.assert_frame_equal(stored, world.frame, check_exact=True)
