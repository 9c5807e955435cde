"""Interpolaters, windows and shapers in a real store: what they keep, refuse and leave behind."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from aiqc.core.errors import Conflict, InvalidColumns, InvalidData, InvalidInput, RecordNotFound
from aiqc.orm import (
    Dataset,
    Feature,
    FeatureCoder,
    FeatureInterpolater,
    FeatureShaper,
    Label,
    LabelInterpolater,
    Splitset,
    Window,
)
from aiqc.orm.feature_interpolater import interpolate_steps
from aiqc.orm.feature_shaper import shaper_of
from aiqc.orm.label_interpolater import label_interpolate_steps
from aiqc.orm.window import windows_of

DEFAULTS = {
    "method": "spline",
    "limit_direction": "both",
    "limit_area": None,
    "axis": 0,
    "order": 1,
}
LINEAR = {"method": "linear", "limit_direction": "both"}
NAN = float("nan")


def weather(count: int = 12) -> pd.DataFrame:
    """Return text, whole numbers and three float columns with gaps."""
    day = np.arange(count)
    frame = pd.DataFrame(
        {
            "sky": np.where(day % 3 == 0, "clear", "grey"),
            "day": day,
            "rain": day * 2.0,
            "wind": (day**2).astype(np.float32),
            "heat": pd.array(day * 0.5, dtype="Float64"),
            "full": day * 1.0,
        }
    )
    for name, gaps in {"rain": [0, 4], "wind": [5, 6], "heat": [count - 1]}.items():
        frame.loc[gaps, name] = None
    return frame


def table(columns: Any = None, frame: pd.DataFrame | None = None) -> Feature:
    dataset = Dataset.Tabular.from_df(weather() if frame is None else frame)
    return Feature.from_dataset(dataset, columns)


def sequence(samples: int = 6, rows: int = 5) -> Any:
    array = np.random.default_rng(5).normal(size=(samples, rows, 3))
    array[2, 1:3, 0] = NAN
    array[4, 0, 2] = NAN
    return array


def sequences(array: Any = None) -> Feature:
    array = sequence() if array is None else array
    return Feature.from_dataset(Dataset.Sequence.from_numpy(array))


# interpolaters of features


def test_a_chain_takes_the_floats_that_are_left(any_store: Any) -> None:
    feature = table()
    first = FeatureInterpolater.from_feature(feature.id, columns=["wind"], verbose=False)
    second = FeatureInterpolater.from_feature(
        feature, False, {"method": "linear", "limit_direction": "both"}, verbose=False
    )
    first, second = (FeatureInterpolater.of(row.id) for row in (first, second))
    assert (first.idx, second.idx) == (0, 1)
    assert (first.process_separately, second.process_separately) == (True, False)
    assert first.interpolate_kwargs == DEFAULTS
    assert second.interpolate_kwargs == {**LINEAR, "axis": 0}
    assert first.matching_columns == ["wind"]
    assert first.leftover_columns == ["sky", "day", "rain", "heat", "full"]
    assert list(first.leftover_dtypes.values()) == [
        "str",
        "int64",
        "float64",
        "Float64",
        "float64",
    ]
    assert first.original_filter == {"include": True, "dtypes": None, "columns": ["wind"]}
    # no filter: floats only, so that text and whole numbers may stand beside them
    assert second.matching_columns == ["rain", "heat", "full"]
    assert second.leftover_columns == ["sky", "day"]
    assert second.leftover_dtypes == {"sky": "str", "day": "int64"}
    assert second.original_filter == {"include": True, "dtypes": None, "columns": None}
    assert first.feature == feature
    assert [row.id for row in feature.featureinterpolaters] == [first.id, second.id]
    steps = interpolate_steps(feature)
    assert [(s.columns, s.process_separately) for s in steps] == [
        (["wind"], True),
        (["rain", "heat", "full"], False),
    ]
    assert steps[1].kwargs == {**LINEAR, "axis": 0}
    assert repr(first) == f"<FeatureInterpolater {first.id}>"


@pytest.mark.parametrize(
    ("arguments", "matching"),
    [
        ({"dtypes": ["float64"]}, ["rain", "full"]),
        ({"dtypes": np.float32}, ["wind"]),
        ({"dtypes": "Float64", "columns": "full"}, ["heat", "full"]),
        ({"columns": ("heat", "rain")}, ["heat", "rain"]),
    ],
)
def test_filters(store: Any, arguments: dict[str, Any], matching: list[str]) -> None:
    row = FeatureInterpolater.from_feature(table(), verbose=False, **arguments)
    assert row.matching_columns == matching


@pytest.mark.parametrize(
    ("arguments", "kind", "pattern"),
    [
        ({"columns": ["day"]}, InvalidColumns, r"'day' of dtype int64 cannot be interpolated"),
        ({"columns": ["rain", "sky"]}, InvalidColumns, r"'sky' of dtype str cannot"),
        ({"dtypes": ["int64"]}, InvalidColumns, r"'day' of dtype int64 cannot"),
        ({"dtypes": ["float16"]}, InvalidColumns, r"'float16' matches no remaining column"),
        ({"columns": ["snow"]}, InvalidColumns, r"'snow' does not exist"),
        ({"columns": ["wind"]}, InvalidColumns, r"'wind' is filled by an earlier interpolater"),
        ({"dtypes": ["float64"], "columns": ["rain"]}, InvalidColumns, r"'rain' is matched again"),
        ({"columns": ["rain", "rain"]}, InvalidColumns, r"'rain' is matched again"),
        ({"columns": []}, InvalidColumns, r"columns=\[\] names nothing"),
        ({"interpolate_kwargs": {"axis": 1}}, InvalidInput, r"axis=1"),
        ({"interpolate_kwargs": {"method": "linear"}}, InvalidData, r"Row 0 .*'rain' is still"),
        ({"process_separately": "no"}, InvalidInput, r"process_separately='no' is neither"),
        ({"feature_id": 99}, RecordNotFound, r"99"),
    ],
)
def test_refused_interpolaters_write_nothing(
    store: Any, arguments: dict[str, Any], kind: type[Exception], pattern: str
) -> None:
    feature = table()
    FeatureInterpolater.from_feature(feature, columns="wind", verbose=False)
    with pytest.raises(kind, match=pattern):
        FeatureInterpolater.from_feature(**{"feature_id": feature, "verbose": False, **arguments})
    assert FeatureInterpolater.select().count() == 1


def test_no_float_is_left(store: Any) -> None:
    with pytest.raises(InvalidColumns, match=r"No column of floats .*'sky': 'str'"):
        FeatureInterpolater.from_feature(table(["sky", "day"]), verbose=False)
    feature = table(["rain"])
    FeatureInterpolater.from_feature(feature, verbose=False)
    with pytest.raises(InvalidColumns, match=r"earlier interpolaters fill \['rain'\]"):
        FeatureInterpolater.from_feature(feature, verbose=False)


def test_a_column_that_cannot_be_fitted_is_named_at_creation(store: Any) -> None:
    frame = weather().assign(lone=[NAN] * 11 + [3.0], none=[NAN] * 12)
    feature = table(["lone", "none"], frame)
    pattern = r"cannot fit the 1 known values of the column 'lone'.*'method': 'linear'"
    with pytest.raises(InvalidData, match=pattern):
        FeatureInterpolater.from_feature(feature, columns=["lone"], verbose=False)
    row = FeatureInterpolater.from_feature(feature, True, LINEAR, columns="lone", verbose=False)
    assert row.idx == 0
    with pytest.raises(InvalidData, match=r"No value of the column 'none' is known"):
        FeatureInterpolater.from_feature(feature, True, LINEAR, columns="none", verbose=False)


def test_verbose_says_what_is_filled(
    store: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    feature = table()
    with caplog.at_level(logging.INFO, logger="aiqc"):
        FeatureInterpolater.from_feature(feature, columns=["wind", "rain"])
    shown = capsys.readouterr()
    line = f"'spline' fills 4 missing values of 2 columns of {feature!r}: ['wind', 'rain']."
    assert (shown.out, shown.err) == ("", f"aiqc: {line}\n")
    assert caplog.messages == [line]
    FeatureInterpolater.from_feature(feature, columns=["heat"], verbose=False)
    assert capsys.readouterr().err == ""


def test_sequences_are_tried_in_each_sample(
    store: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # in parts of two samples
    monkeypatch.setattr("aiqc.orm.feature_interpolater.CHUNK", 2 * 5 * 3 * 8)
    feature = sequences()
    row = FeatureInterpolater.from_feature(feature)
    assert row.matching_columns == feature.columns
    assert "fills 3 missing values of 3 columns" in capsys.readouterr().err
    gone = sequence()
    gone[3, :, 1] = NAN
    feature = sequences(gone)
    name = feature.columns[1]
    with pytest.raises(
        InvalidData, match=rf"No value of the column '{name}' of sample 3 is known"
    ):
        FeatureInterpolater.from_feature(feature, verbose=False)
    others = [feature.columns[0], feature.columns[2]]
    row = FeatureInterpolater.from_feature(feature, columns=others, verbose=False)
    assert row.leftover_columns == [name]


def test_images_of_whole_numbers_cannot_be_interpolated(store: Any) -> None:
    pixels = np.zeros((2, 1, 3, 4), dtype=np.uint8)
    feature = Feature.from_dataset(Dataset.Image.from_numpy(pixels))
    with pytest.raises(InvalidColumns, match=r"No column of floats .* 'uint8'"):
        FeatureInterpolater.from_feature(feature, verbose=False)


# interpolaters of labels


def test_the_interpolater_of_a_label(any_store: Any) -> None:
    dataset = Dataset.Tabular.from_df(weather())
    label = Label.from_dataset(dataset, "rain")
    assert label.unique_classes is None
    assert label_interpolate_steps(label) == []
    row = LabelInterpolater.of(LabelInterpolater.from_label(label.id).id)
    assert row.process_separately is True
    assert row.interpolate_kwargs == DEFAULTS
    assert row.matching_columns == ["rain"]
    assert row.label == label
    (step,) = label_interpolate_steps(label)
    assert (step.columns, step.kwargs, step.process_separately) == (["rain"], DEFAULTS, True)
    with pytest.raises(Conflict, match=rf"{label!r} has {row!r} already; a Label takes one"):
        LabelInterpolater.from_label(label)
    assert LabelInterpolater.select().count() == 1


@pytest.mark.parametrize(
    ("columns", "arguments", "kind", "pattern"),
    [
        ("day", {}, InvalidColumns, r"'day' of dtype int64 cannot be interpolated"),
        ("sky", {}, InvalidColumns, r"'sky' of dtype str cannot"),
        (["yes", "no"], {}, InvalidColumns, r"is one-hot encoded: \['yes', 'no'\]"),
        ("lone", {}, InvalidData, r"'spline' cannot fit .* 'lone'"),
        ("rain", {"interpolate_kwargs": {"axis": 1}}, InvalidInput, r"axis=1"),
        ("rain", {"interpolate_kwargs": {"method": "linear"}}, InvalidData, r"Row 0 of the col"),
        ("rain", {"process_separately": 1}, InvalidInput, r"process_separately=1 is neither"),
    ],
)
def test_refused_interpolaters_of_labels(
    store: Any, columns: Any, arguments: dict[str, Any], kind: type[Exception], pattern: str
) -> None:
    yes = np.arange(12) % 2 * 1.0
    frame = weather().assign(yes=yes, no=1 - yes, lone=[NAN] * 11 + [3.0])
    label = Label.from_dataset(Dataset.Tabular.from_df(frame), columns)
    with pytest.raises(kind, match=pattern):
        LabelInterpolater.from_label(label, **arguments)
    assert LabelInterpolater.select().count() == 0


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["a", None, "b"], r"'y' holds 1 missing values"),
        (pd.array([1, None, 2], dtype="Int64"), r"'y' holds 1 missing values"),
        (pd.array([True, None, None], dtype="boolean"), r"'y' holds 2 missing values"),
        ([NAN, NAN, NAN], r"'y' holds 3 missing values"),
        ([1.0, NAN, np.inf], r"'y' holds 1 infinite values"),
    ],
)
def test_only_a_float_label_may_have_gaps(store: Any, values: Any, pattern: str) -> None:
    dataset = Dataset.Tabular.from_df(pd.DataFrame({"x": [1, 2, 3], "y": values}))
    with pytest.raises(InvalidData, match=pattern):
        Label.from_dataset(dataset, "y")


def test_a_onehot_label_may_have_no_gap(store: Any) -> None:
    frame = pd.DataFrame({"yes": [1.0, NAN, 0.0], "no": [0.0, 1.0, 1.0]})
    with pytest.raises(InvalidData, match=r"'yes' holds 1 missing"):
        Label.from_dataset(Dataset.Tabular.from_df(frame), ["yes", "no"])


@pytest.mark.parametrize("dtype", ["float32", "float64", "Float64"])
def test_a_float_label_with_gaps(store: Any, dtype: str) -> None:
    frame = pd.DataFrame({"y": pd.array([1.0, None, 2.0], dtype="Float64").astype("Float64")})
    values = (
        frame["y"].astype(dtype) if dtype == "Float64" else pd.Series([1, NAN, 2], dtype=dtype)
    )
    label = Label.from_dataset(Dataset.Tabular.from_df(pd.DataFrame({"y": values})))
    assert label.unique_classes is None
    assert label.to_df()["y"].isna().tolist() == [False, True, False]


# windows


def test_a_window(any_store: Any) -> None:
    feature = table(frame=weather(10))
    row = Window.of(Window.from_feature(feature.id, 3, 2).id)
    assert (row.size_window, row.size_shift, row.window_count) == (3, 2, 3)
    assert row.record_shifted is True
    assert row.samples_unshifted == [[1, 2, 3], [3, 4, 5], [5, 6, 7]]
    assert row.samples_shifted == [[3, 4, 5], [5, 6, 7], [7, 8, 9]]
    assert row.feature == feature
    assert windows_of(feature) == row.windows()
    assert repr(row) == f"<Window {row.id}>"
    with pytest.raises(Conflict, match=rf"{feature!r} has {row!r} already; a Feature takes one"):
        Window.from_feature(feature, 3, 2)
    assert Window.select().count() == 1


def test_a_window_without_shifted_ones(store: Any) -> None:
    feature = table(frame=weather(10))
    assert windows_of(feature) is None
    row = Window.from_feature(feature, 3, 2, False)
    row = Window.of(row.id)
    assert row.window_count == 4
    assert row.samples_unshifted == [[1, 2, 3], [3, 4, 5], [5, 6, 7], [7, 8, 9]]
    assert row.samples_shifted is None
    assert row.record_shifted is False


def test_the_argument_is_also_called_dataset_id(store: Any) -> None:
    feature = table()
    row = Window.from_feature(dataset_id=feature.id, size_window=3, size_shift=2)  # type: ignore[call-arg]
    assert row.feature == feature
    with pytest.raises(TypeError, match="dataset_id"):
        Window.from_feature(feature_id=feature, dataset_id=1, size_window=3, size_shift=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Window.from_feature(size_window=3, size_shift=2)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        ((11, 2), r"11 rows and its target 2 rows later .* 12 rows.*size_window of at most 10"),
        ((3, 10), r"size_shift of at most 9"),
        ((0, 1), r"size_window=0"),
        ((3, True), r"size_shift=True"),
        ((3, 2.0), r"size_shift=2.0"),
        ((3, 2, None), r"record_shifted=None is neither"),
    ],
)
def test_impossible_windows_write_nothing(store: Any, arguments: Any, pattern: str) -> None:
    with pytest.raises(InvalidInput, match=pattern):
        Window.from_feature(table(), *arguments)
    assert Window.select().count() == 0


def test_windows_run_along_the_first_axis_of_any_data(store: Any) -> None:
    pixels = np.zeros((7, 2, 3, 4), dtype=np.uint8)
    images = Feature.from_dataset(Dataset.Image.from_numpy(pixels))
    assert Window.from_feature(images, 3, 2).samples_unshifted == [[0, 1, 2], [2, 3, 4]]
    assert Window.from_feature(sequences(), 2, 1).window_count == 4


# shapers


def test_a_shaper(any_store: Any) -> None:
    feature = table(["rain", "wind", "full"])
    assert shaper_of(feature) is None
    row = FeatureShaper.from_feature(feature.id, [0, "1", (1,)])
    row = FeatureShaper.of(row.id)
    # the tuple survives the database
    assert row.reshape_indices == (0, "1", (1,))
    assert row.column_position == 2
    assert row.feature == feature
    shaper = shaper_of(feature)
    assert shaper is not None
    assert shaper.shape_of((3,)) == (1, 3)
    assert shaper.indices == row.reshape_indices
    with pytest.raises(Conflict, match=r"already; a Feature takes one FeatureShaper"):
        FeatureShaper.from_feature(feature, (0, 1))
    assert FeatureShaper.select().count() == 1


def test_the_shape_that_is_tried_is_windowed_and_encoded(store: Any) -> None:
    feature = table(["sky", "rain", "full"])
    Window.from_feature(feature, 4, 2)
    FeatureCoder.from_feature(feature, OneHotEncoder(), columns=["sky"], verbose=False)
    FeatureCoder.from_feature(feature, StandardScaler(), columns=["full"], verbose=False)
    # 4 rows a window; 2 one-hot columns, full and the leftover rain
    with pytest.raises(InvalidInput, match=r"\(samples, 4, 4\): axis 1 of length 4 is left out"):
        FeatureShaper.from_feature(feature, (0, 2))
    row = FeatureShaper.from_feature(feature, (0, "2", "2", 2))
    assert row.column_position == 3
    assert row.shaper().shape_of((4, 4)) == (2, 2, 4)


def test_shapes_of_sequences_and_images(store: Any) -> None:
    with pytest.raises(InvalidInput, match=r"\(samples, 5, 3\): axis 1 comes after axis 2"):
        FeatureShaper.from_feature(sequences(), (0, 2, 1))
    assert FeatureShaper.from_feature(sequences(), (0, "1", 1, 2)).column_position == 3
    pixels = np.zeros((7, 1, 3, 4), dtype=np.uint8)
    images = Feature.from_dataset(Dataset.Image.from_numpy(pixels))
    Window.from_feature(images, 2, 1)
    row = FeatureShaper.from_feature(images, (0, (1, 3), 4))
    assert row.shaper().shape_of((2, 1, 3, 4)) == (6, 4)
    assert row.column_position == 2


def test_a_refused_shape_writes_nothing(store: Any) -> None:
    with pytest.raises(InvalidInput, match=r"\(samples, 6\)"):
        FeatureShaper.from_feature(table(), (0, "2", "3"))
    assert FeatureShaper.select().count() == 0


# order and deletion


def split(feature: Feature, label: Label | None = None) -> Splitset:
    return Splitset.make(feature, label, size_test=0.25)


FEATURE_STEPS = {
    "FeatureInterpolater": lambda row: FeatureInterpolater.from_feature(row, verbose=False),
    "Window": lambda row: Window.from_feature(row, 3, 2),
    "FeatureShaper": lambda row: FeatureShaper.from_feature(row, (0, "1", 1)),
}


@pytest.mark.parametrize("name", FEATURE_STEPS)
def test_no_step_after_a_splitset(store: Any, name: str) -> None:
    feature = table(["rain", "full"], weather(40).fillna(0))
    splitset = split(feature)
    with pytest.raises(Conflict, match=rf"{splitset!r} uses {feature!r} already; no {name} can"):
        FEATURE_STEPS[name](feature)
    # another Feature of the same data is free
    FEATURE_STEPS[name](Feature.from_dataset(feature.dataset, ["rain", "full"]))


@pytest.mark.parametrize("name", ["FeatureInterpolater", "Window"])
def test_nothing_follows_the_shaper(store: Any, name: str) -> None:
    feature = table(["rain", "full"])
    shaper = FEATURE_STEPS["FeatureShaper"](feature)
    with pytest.raises(Conflict, match=rf"has {shaper!r} already, .* no {name} can follow it"):
        FEATURE_STEPS[name](feature)


def test_no_interpolater_of_a_label_after_a_splitset(store: Any) -> None:
    dataset = Dataset.Tabular.from_df(weather(40))
    label = Label.from_dataset(dataset, "full")
    splitset = split(Feature.from_dataset(dataset, ["day"]), label)
    with pytest.raises(Conflict, match=rf"{splitset!r} uses {label!r} already"):
        LabelInterpolater.from_label(label)


def test_interpolaters_windows_and_coders_come_in_any_order(store: Any) -> None:
    feature = table(["rain", "full"])
    FeatureCoder.from_feature(feature, StandardScaler(), columns=["full"], verbose=False)
    Window.from_feature(feature, 3, 2)
    FeatureInterpolater.from_feature(feature, verbose=False)
    assert FeatureShaper.from_feature(feature, (0, "1", 1, 2)).column_position == 3


def test_a_coder_that_came_first_knows_what_the_interpolater_fills(any_store: Any) -> None:
    """The gaps of `size` are a category only until they are filled."""
    frame = pd.DataFrame({"size": np.repeat([1.0, 2.0, 3.0], 4), "full": np.arange(12.0)})
    frame.loc[[1, 6], "size"] = NAN
    feature = table(None, frame)
    first = FeatureCoder.from_feature(feature, OneHotEncoder(), columns="size", verbose=False)
    second = FeatureCoder.from_feature(feature, StandardScaler(), columns="full", verbose=False)
    assert first.encoded_column_names == ["size_1.0", "size_2.0", "size_3.0", "size_nan"]
    FeatureInterpolater.from_feature(
        feature, columns="size", interpolate_kwargs=LINEAR, verbose=False
    )
    again = FeatureCoder.of(first.id)
    assert again.encoded_column_names == ["size_1.0", "size_2.0", "size_3.0"]
    assert FeatureCoder.of(second.id).time_updated == second.time_updated
    FeatureShaper.from_feature(feature, (0, "4", "1"))
    splitset = split(feature)
    assert splitset.fetch_cache("train", "features").shape == (9, 4, 1)
    names = splitset.fits.get().feature_fit().encoded_columns
    assert names == [*again.encoded_column_names, "full"]


def test_a_step_is_free_again_once_its_feature_is_deleted(any_store: Any) -> None:
    dataset = Dataset.Tabular.from_df(weather())
    feature, label = (
        Feature.from_dataset(dataset, ["rain", "full"]),
        Label.from_dataset(dataset, "heat"),
    )
    FeatureInterpolater.from_feature(feature, verbose=False)
    Window.from_feature(feature, 3, 2)
    FeatureShaper.from_feature(feature, (0, "1", 1, 2))
    LabelInterpolater.from_label(label)
    tables = (FeatureInterpolater, Window, FeatureShaper, LabelInterpolater)
    assert [model.select().count() for model in tables] == [1, 1, 1, 1]
    feature.delete_instance()
    assert [model.select().count() for model in tables] == [0, 0, 0, 1]
    label.delete_instance()
    assert LabelInterpolater.select().count() == 0
    assert Dataset.select().count() == 1
