"""Labels: classes and units, there and back; scikit-learn is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import preprocessing

from aiqc.core.errors import InvalidCoder, InvalidData
from aiqc.core.types import LabelDecoder
from aiqc.pipeline.coder import prepare_coder, trial_dimension
from aiqc.pipeline.label_fit import (
    LabelFit,
    check_label,
    fit_label,
    is_strict_onehot,
    unique_classes,
)

RNG = np.random.default_rng(5)
COUNT = 30
TRAIN = np.array([3, 1, 4, 15, 9, 2, 6, 5])
TEXT = pd.DataFrame({"kind": RNG.choice(["rose", "iris", "lily"], COUNT)})
TWO = pd.DataFrame({"kind": RNG.choice(["yes", "no"], COUNT)})
GAPS = pd.DataFrame({"kind": RNG.choice([10, 30, 20], COUNT)})
NUMBERS = pd.DataFrame({"price": np.abs(RNG.normal(100, 20, COUNT))})


def fit(frame: pd.DataFrame, estimator: Any = None) -> LabelFit:
    if estimator is None:
        return fit_label(None, None, frame, TRAIN)
    prepared = prepare_coder(estimator, for_label=True)
    return fit_label(prepared, trial_dimension(prepared, frame), frame, TRAIN)


@pytest.mark.parametrize(
    ("estimator", "frame", "classes", "width"),
    [
        (preprocessing.OneHotEncoder(), TEXT, ["iris", "lily", "rose"], 3),
        (preprocessing.OneHotEncoder(), TWO, ["no", "yes"], 2),
        (preprocessing.OneHotEncoder(), GAPS, [10, 20, 30], 3),
        (preprocessing.OrdinalEncoder(), TEXT, ["iris", "lily", "rose"], 1),
        (preprocessing.OrdinalEncoder(), GAPS, [10, 20, 30], 1),
        # the user's own order of classes
        (preprocessing.OrdinalEncoder(categories=[["rose", "iris", "lily"]]), TEXT,
         ["rose", "iris", "lily"], 1),
        (preprocessing.LabelEncoder(), TEXT, ["iris", "lily", "rose"], 1),
        (preprocessing.LabelEncoder(), GAPS, [10, 20, 30], 1),
        (preprocessing.LabelBinarizer(), TEXT, ["iris", "lily", "rose"], 3),
        (preprocessing.LabelBinarizer(), TWO, ["no", "yes"], 1),
        (preprocessing.LabelBinarizer(neg_label=-1, pos_label=2), TWO, ["no", "yes"], 1),
        (preprocessing.LabelBinarizer(neg_label=-1), TEXT, ["iris", "lily", "rose"], 3),
    ],
)  # fmt: skip
def test_classes_there_and_back(
    estimator: Any, frame: pd.DataFrame, classes: list[Any], width: int
) -> None:
    label = fit(frame, estimator)
    decoder: LabelDecoder = label
    truth = frame["kind"].tolist()
    assert decoder.classes is not None
    assert decoder.classes.tolist() == classes
    assert label.class_names == [str(value) for value in classes]
    assert label.is_categorical
    assert label.is_onehot is (width > 1)
    encoded = label.encode(frame)
    assert encoded.shape == (COUNT, width)
    assert encoded.dtype.kind in "if"
    codes = decoder.ordinal(encoded)
    assert codes.dtype == np.int64
    assert codes.tolist() == [classes.index(value) for value in truth]
    # codes, a column of codes, encoded labels: all give the user's own values
    for values in (codes, codes.reshape(-1, 1), codes.astype(np.float32), encoded):
        assert decoder.decode(values).tolist() == truth
    assert type(decoder.decode(codes).tolist()[0]) is type(truth[0])


def test_encoded_labels_equal_scikit_learn() -> None:
    values = TEXT.to_numpy(dtype=object)
    oracle = preprocessing.OneHotEncoder(sparse_output=False).fit_transform(values)
    assert np.array_equal(fit(TEXT, preprocessing.OneHotEncoder()).encode(TEXT), oracle)
    oracle = preprocessing.OrdinalEncoder().fit_transform(values)
    assert np.array_equal(fit(TEXT, preprocessing.OrdinalEncoder()).encode(TEXT), oracle)
    oracle = preprocessing.LabelBinarizer().fit_transform(values[:, 0])
    assert np.array_equal(fit(TEXT, preprocessing.LabelBinarizer()).encode(TEXT), oracle)


def test_probabilities_decode_by_the_largest() -> None:
    label = fit(TEXT, preprocessing.OrdinalEncoder())
    probabilities = np.array([[0.2, 0.5, 0.3], [0.9, 0.0, 0.1]])
    assert label.decode(probabilities).tolist() == ["lily", "iris"]


def test_categorical_coders_see_classes_outside_the_training_rows() -> None:
    frame = pd.DataFrame({"kind": ["a"] * 20 + ["b"] * 10})
    label = fit(frame, preprocessing.OneHotEncoder())
    assert label.classes is not None
    assert label.classes.tolist() == ["a", "b"]
    assert label.saw is not None
    assert label.saw.saw_all
    assert label.saw.samples.tolist() == list(range(30))


@pytest.mark.parametrize(
    "estimator",
    [
        preprocessing.StandardScaler(),
        preprocessing.MinMaxScaler(),
        preprocessing.RobustScaler(),
        preprocessing.PowerTransformer(),
        preprocessing.QuantileTransformer(n_quantiles=8, output_distribution="uniform"),
        preprocessing.FunctionTransformer(np.log, np.exp),
    ],
    ids=lambda item: type(item).__name__,
)
def test_numbers_return_to_their_units(estimator: Any) -> None:
    label = fit(NUMBERS, estimator)
    values = NUMBERS.to_numpy()
    oracle = type(estimator)(**estimator.get_params()).fit(values[TRAIN])
    encoded = label.encode(NUMBERS)
    assert np.array_equal(encoded, oracle.transform(values))
    assert label.classes is None
    assert label.class_names == []
    assert not label.is_categorical
    assert label.saw is not None
    assert label.saw.samples.tolist() == TRAIN.tolist()
    predicted = encoded[:, 0] * 0.9
    expected = oracle.inverse_transform(predicted.reshape(-1, 1))[:, 0]
    assert label.decode(predicted).tolist() == expected.tolist()
    assert label.decode(predicted.reshape(-1, 1)).tolist() == expected.tolist()
    with pytest.raises(InvalidData, match="has no classes: it holds numbers"):
        label.ordinal(encoded)


def test_diverged_predictions_are_kept() -> None:
    label = fit(NUMBERS, preprocessing.StandardScaler())
    decoded = label.decode(np.array([np.nan, 0.0, np.inf, -np.inf]))
    assert np.isnan(decoded[0])
    assert decoded[1] == NUMBERS["price"].to_numpy()[TRAIN].mean()
    assert decoded[2:].tolist() == [np.inf, -np.inf]


def test_decoding_leaves_predictions_as_they_are() -> None:
    label = fit(NUMBERS, preprocessing.StandardScaler(copy=False))
    predicted = np.array([0.5, -0.5])
    label.decode(predicted)
    assert predicted.tolist() == [0.5, -0.5]


def test_binarizer_has_classes_and_no_way_back() -> None:
    label = fit(NUMBERS, preprocessing.Binarizer(threshold=100))
    above = (NUMBERS["price"] > 100).astype(int).tolist()
    assert label.classes is not None
    assert label.classes.tolist() == [0, 1]
    assert not label.invertible
    assert label.ordinal(label.encode(NUMBERS)).tolist() == above
    assert label.decode(np.array(above)).tolist() == above


@pytest.mark.parametrize(
    ("values", "classes", "encoded"),
    [
        ([0, 2, 1] * 10, [0, 1, 2], [0, 2, 1] * 10),
        ([True, False, True] * 10, [False, True], [1, 0, 1] * 10),
        ([1, 0, 1] * 10, [0, 1], [1, 0, 1] * 10),
    ],
)
def test_uncoded_classes(values: list[Any], classes: list[Any], encoded: list[int]) -> None:
    frame = pd.DataFrame({"kind": values})
    label = fit(frame)
    assert label.classes is not None
    assert label.classes.tolist() == classes
    assert label.is_categorical
    assert not label.is_onehot
    assert label.saw is None
    array = label.encode(frame)
    assert array.dtype == np.int64
    assert array[:, 0].tolist() == encoded
    assert label.decode(label.ordinal(array)).tolist() == values


def test_uncoded_integers_with_gaps_are_no_codes() -> None:
    label = fit(GAPS)
    assert label.classes is None
    assert label.is_categorical
    assert np.array_equal(label.encode(GAPS), GAPS.to_numpy())


def test_whole_numbers_may_be_regressed() -> None:
    label = fit(pd.DataFrame({"rooms": [0, 1, 2] * 10}))
    assert label.decode(np.array([0.25, 1.0, 7.5])).tolist() == [0.25, 1.0, 7.5]
    assert label.encode(pd.DataFrame({"rooms": [9]})).tolist() == [[9]]


def test_uncoded_floats_pass_through() -> None:
    label = fit(NUMBERS)
    assert label.classes is None
    assert not label.is_categorical
    assert np.array_equal(label.encode(NUMBERS), NUMBERS.to_numpy())
    assert label.decode(np.array([[1.5], [2.5]])).tolist() == [1.5, 2.5]


def test_uncoded_text_is_refused_when_encoded() -> None:
    with pytest.raises(InvalidData, match=r"'kind' holds str, not numbers.*OrdinalEncoder\(\)"):
        fit(TEXT).encode(TEXT)


def test_raw_one_hot_columns_are_the_classes() -> None:
    codes = RNG.integers(0, 3, COUNT)
    frame = pd.DataFrame(np.eye(3, dtype=int)[codes], columns=["rose", "iris", "lily"])
    label = fit(frame)
    assert label.is_onehot
    assert label.class_names == ["rose", "iris", "lily"]
    assert np.array_equal(label.encode(frame), frame.to_numpy())
    assert label.ordinal(label.encode(frame)).tolist() == codes.tolist()
    names = [["rose", "iris", "lily"][code] for code in codes]
    assert label.decode(codes).tolist() == names
    assert label.decode(frame.to_numpy() * 0.6 + 0.1).tolist() == names
    frame.iloc[4, :] = 1
    with pytest.raises(InvalidData, match="are not one-hot"):
        label.encode(frame)
    with pytest.raises(InvalidData, match="are not one-hot"):
        fit(frame)


def test_a_coder_on_a_one_hot_label_is_refused() -> None:
    frame = pd.DataFrame(np.eye(2, dtype=int)[RNG.integers(0, 2, COUNT)], columns=["a", "b"])
    prepared = prepare_coder(preprocessing.OrdinalEncoder(), for_label=True)
    with pytest.raises(InvalidCoder, match="Label of 2 columns: it is one-hot"):
        trial_dimension(prepared, frame)


@pytest.mark.parametrize(
    "estimator",
    [
        preprocessing.OneHotEncoder(handle_unknown="ignore"),
        preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        preprocessing.LabelEncoder(),
        # gives all zeros, silently
        preprocessing.LabelBinarizer(),
    ],
    ids=lambda item: type(item).__name__,
)
def test_an_unseen_class_is_refused(estimator: Any) -> None:
    label = fit(TEXT, estimator)
    with pytest.raises(InvalidData, match="'kind' holds 'tulip', which was not seen"):
        label.encode(pd.DataFrame({"kind": ["rose", "tulip"]}))


@pytest.mark.parametrize("codes", [[3], [-1], [0.5], [np.nan]])
def test_a_code_of_no_class_is_refused(codes: list[float]) -> None:
    with pytest.raises(InvalidData, match="is not the code of one of the 3 classes"):
        fit(TEXT, preprocessing.OrdinalEncoder()).decode(np.array(codes))


@pytest.mark.parametrize(
    ("frame", "pattern"),
    [
        (pd.DataFrame({"y": [1.0, np.nan, np.nan]}), "'y' holds 2 missing values"),
        (pd.DataFrame({"y": ["a", None]}), "'y' holds 1 missing values"),
        (pd.DataFrame({"y": pd.array([1, None], "Int64")}), "'y' holds 1 missing"),
        (pd.DataFrame({"y": [1.0, np.inf]}), "'y' holds 1 infinite values"),
        (pd.DataFrame({"y": pd.date_range("2020", periods=2)}), "'y' holds dates"),
    ],
)
def test_missing_labels_are_refused(frame: pd.DataFrame, pattern: str) -> None:
    with pytest.raises(InvalidData, match=pattern):
        check_label(frame)
    with pytest.raises(InvalidData, match=pattern):
        fit_label(None, None, frame, np.array([0]))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [1, 0], "b": [0, 1]}, True),
        ({"a": [1.0, 0.0], "b": [0.0, 1.0]}, True),
        ({"a": [True, False], "b": [False, True]}, True),
        ({"a": [1, 0], "b": [0, 0]}, False),
        ({"a": [1, 1], "b": [1, 0]}, False),
        # sums to one, and is not one-hot
        ({"a": [0.5, 1.0], "b": [0.5, 0.0]}, False),
        ({"a": [2, 0], "b": [-1, 1]}, False),
        ({"a": [1, 1]}, False),
        ({"a": ["1", "0"], "b": ["0", "1"]}, False),
        ({"a": [1.0, np.nan], "b": [0.0, 1.0]}, False),
    ],
)
def test_strict_onehot(columns: dict[str, list], expected: bool) -> None:
    assert is_strict_onehot(pd.DataFrame(columns)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", "a", "b"], ["a", "b"]),
        ([3, 1, 3], [1, 3]),
        ([True, False, True], [False, True]),
        (pd.Categorical(["z", "y"]), ["y", "z"]),
        (pd.array([2, 1], "Int64"), [1, 2]),
        ([1.0, 2.0], None),
    ],
)
def test_unique_classes(values: Any, expected: list | None) -> None:
    found = unique_classes(pd.DataFrame({"y": values}))
    assert found == expected
    assert [type(value) for value in found or []] == [type(value) for value in expected or []]


def test_bytes_keep_everything() -> None:
    cases = [
        (TEXT, preprocessing.OneHotEncoder()),
        (GAPS, preprocessing.OrdinalEncoder()),
        (TWO, preprocessing.LabelBinarizer()),
        (NUMBERS, preprocessing.PowerTransformer()),
        (NUMBERS, None),
        (pd.DataFrame({"y": [True, False] * 15}), None),
    ]
    for frame, estimator in cases:
        label = fit(frame, estimator)
        again = LabelFit.from_bytes(label.to_bytes())
        encoded = label.encode(frame)
        assert again.encode(frame).tobytes() == encoded.tobytes()
        assert again.class_names == label.class_names
        assert again.is_categorical == label.is_categorical
        assert (again.classes is None) == (label.classes is None)
        if label.classes is not None and again.classes is not None:
            assert again.classes.dtype == label.classes.dtype
        assert again.decode(encoded).tolist() == label.decode(encoded).tolist()
