"""Accepted preprocessors, their shapes, names and groups; scikit-learn is the oracle."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import decomposition, impute, linear_model, preprocessing
from sklearn.feature_extraction import text

from aiqc.core.enums import EncodingDimension as Dimension
from aiqc.core.errors import InvalidCoder, InvalidData
from aiqc.pipeline.coder import FittedCoder, fit_coder, prepare_coder, trial_dimension

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "size": RNG.normal(10, 3, 30),
        "weight": RNG.normal(-5, 1, 30),
        "height": RNG.normal(0, 100, 30),
        "count": RNG.integers(0, 4, 30),
        "colour": RNG.choice(["red", "green", "blue"], 30),
        "note": RNG.choice(["good cat", "bad dog", "good dog"], 30),
        "even": np.arange(30) % 2 * 2,
        "half": np.arange(30) // 15 * 2,
    }
)


def fitted(estimator: Any, columns: list[str], label: Any = None) -> FittedCoder:
    prepared = prepare_coder(estimator, for_label=False)
    frame = FRAME[columns]
    return fit_coder(prepared, trial_dimension(prepared, frame, label), frame, label)


@pytest.mark.parametrize(
    ("estimator", "changed"),
    [
        (preprocessing.OneHotEncoder(), {"sparse_output": False}),
        (preprocessing.OneHotEncoder(drop="first"), {"sparse_output": False, "drop": None}),
        (preprocessing.StandardScaler(), {"copy": False}),
        (preprocessing.StandardScaler(copy=False), {}),
        (preprocessing.PolynomialFeatures(order="F"), {"order": "C"}),
        (preprocessing.KBinsDiscretizer(), {"encode": "onehot-dense", "random_state": 0}),
        (preprocessing.QuantileTransformer(), {"copy": False, "random_state": 0}),
        (preprocessing.QuantileTransformer(copy=False, random_state=5), {}),
        (impute.MissingIndicator(), {"sparse": False}),
    ],
)
def test_corrections_are_made_on_a_copy(estimator: Any, changed: dict[str, Any]) -> None:
    before = copy.deepcopy(estimator.get_params())
    prepared = prepare_coder(estimator, for_label=False)
    assert estimator.get_params() == before
    assert prepared.estimator is not estimator
    assert prepared.estimator.get_params() == before | changed
    assert sorted(text.split("=")[0] for text in prepared.corrections) == sorted(changed)


@pytest.mark.parametrize(
    ("estimator", "for_label", "is_categorical"),
    [
        (preprocessing.OneHotEncoder(), False, True),
        (preprocessing.OrdinalEncoder(), False, True),
        (preprocessing.LabelEncoder(), True, True),
        (preprocessing.Binarizer(), False, True),
        (preprocessing.LabelBinarizer(), True, True),
        (preprocessing.MultiLabelBinarizer(), False, True),
        (preprocessing.StandardScaler(), False, False),
        (preprocessing.KBinsDiscretizer(), False, False),
        (preprocessing.TargetEncoder(), False, False),
        (text.CountVectorizer(), False, False),
        (impute.SimpleImputer(), False, False),
    ],
)
def test_exactly_six_are_categorical(
    estimator: Any, for_label: bool, is_categorical: bool
) -> None:
    prepared = prepare_coder(estimator, for_label=for_label)
    assert prepared.is_categorical is is_categorical
    assert prepared.only_fit_train is not is_categorical
    assert prepared.needs_label is isinstance(estimator, preprocessing.TargetEncoder)


class Own(preprocessing.StandardScaler):
    """A user's own class."""


def own_function(values: Any) -> Any:
    return values


@pytest.mark.parametrize(
    ("estimator", "for_label", "pattern"),
    [
        (preprocessing.StandardScaler, False, r"Pass StandardScaler\(\) not StandardScaler"),
        (preprocessing.scale, False, r"scale is a function.*StandardScaler\(\) not scale\(\)"),
        (decomposition.PCA(), False, "PCA.* is not a preprocessor.*sklearn.preprocessing"),
        (linear_model.Ridge(), False, "Ridge.* is not a preprocessor"),
        (Own(), False, "Own.* is not a preprocessor"),
        ("StandardScaler", False, "'StandardScaler' of type builtins.str"),
        (None, False, "None of type builtins.NoneType"),
        (preprocessing.LabelEncoder(), False, r"LabelEncoder is for Labels.*OrdinalEncoder\(\)"),
        (preprocessing.LabelBinarizer(), False, r"is for Labels.*OneHotEncoder\(\)"),
        (preprocessing.TargetEncoder(), True, "TargetEncoder cannot encode a Label"),
        (preprocessing.MultiLabelBinarizer(), True, "cannot encode a Label"),
        (text.CountVectorizer(), True, "CountVectorizer cannot encode a Label"),
        (impute.SimpleImputer(), True, "SimpleImputer cannot encode a Label"),
        (
            preprocessing.OneHotEncoder(min_frequency=3),
            True,
            "min_frequency=3.* would merge classes",
        ),
        (
            preprocessing.FunctionTransformer(own_function),
            False,
            r"FunctionTransformer\(func=<function own_function.*numpy.log1p",
        ),
        (
            preprocessing.FunctionTransformer(np.log1p, inverse_func=own_function),
            False,
            "inverse_func=<function own_function",
        ),
        (text.CountVectorizer(tokenizer=str.split), False, "tokenizer=.*holds a function"),
        (text.HashingVectorizer(), False, r"n_features=1048576\).*Pass n_features=4096"),
    ],
)
def test_refused(estimator: Any, for_label: bool, pattern: str) -> None:
    with pytest.raises(InvalidCoder, match=pattern):
        prepare_coder(estimator, for_label=for_label)


def test_refusing_imports_no_sklearn() -> None:
    code = (
        "import sys\n"
        "from aiqc.pipeline.coder import prepare_coder\n"
        "from aiqc.core.errors import InvalidCoder\n"
        "try: prepare_coder(int, for_label=False)\n"
        "except InvalidCoder: pass\n"
        "try: prepare_coder(3, for_label=False)\n"
        "except InvalidCoder: pass\n"
        "sys.exit(any(name in sys.modules for name in ('sklearn', 'scipy', 'skops')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("estimator", "columns", "dimension"),
    [
        (preprocessing.StandardScaler(), ["size", "weight"], Dimension.MULTI_COLUMN),
        (preprocessing.OneHotEncoder(), ["colour", "count"], Dimension.MULTI_COLUMN),
        (text.CountVectorizer(), ["note"], Dimension.ONE_D),
        (text.TfidfVectorizer(), ["note", "colour"], Dimension.ONE_D),
    ],
)
def test_ladder(estimator: Any, columns: list[str], dimension: Dimension) -> None:
    prepared = prepare_coder(estimator, for_label=False)
    assert trial_dimension(prepared, FRAME[columns]) is dimension


@pytest.mark.parametrize(
    ("estimator", "dimension"),
    [
        (preprocessing.LabelEncoder(), Dimension.ONE_D),
        (preprocessing.OrdinalEncoder(), Dimension.MULTI_COLUMN),
    ],
)
def test_ladder_of_a_label(estimator: Any, dimension: Dimension) -> None:
    prepared = prepare_coder(estimator, for_label=True)
    assert trial_dimension(prepared, FRAME[["colour"]]) is dimension


@pytest.mark.parametrize("dimension", [Dimension.SINGLE_COLUMN, Dimension.MULTI_COLUMN])
def test_every_column_has_its_own_mean(dimension: Dimension) -> None:
    columns = ["size", "weight", "height"]
    prepared = prepare_coder(preprocessing.StandardScaler(), for_label=False)
    coder = fit_coder(prepared, dimension, FRAME[columns])
    means = [mean for estimator in coder.estimators for mean in estimator.mean_]
    assert means == [FRAME[column].to_numpy().mean() for column in columns]
    assert len(coder.estimators) == (1 if dimension is Dimension.MULTI_COLUMN else 3)
    assert not hasattr(prepared.estimator, "mean_")
    single = [FRAME[[column]].to_numpy() for column in columns]
    expected = [preprocessing.StandardScaler().fit_transform(values) for values in single]
    assert np.array_equal(coder.transform(FRAME), np.hstack(expected))


def test_vectorizers_keep_one_vocabulary_a_column() -> None:
    coder = fitted(text.CountVectorizer(), ["note", "colour"])
    assert coder.names == [
        "note_bad", "note_cat", "note_dog", "note_good",
        "colour_blue", "colour_green", "colour_red",
    ]  # fmt: skip
    assert coder.groups == {"note": [0, 1, 2, 3], "colour": [4, 5, 6]}
    expected = text.CountVectorizer().fit_transform(FRAME["note"]).toarray()
    output = coder.transform(FRAME)
    assert np.array_equal(output[:, :4], expected)
    assert type(output) is np.ndarray
    assert output.dtype.kind == "i"


@pytest.mark.parametrize(
    ("estimator", "columns", "names", "groups"),
    [
        (
            preprocessing.OneHotEncoder(),
            ["colour", "count"],
            [
                "colour_blue", "colour_green", "colour_red",
                "count_0", "count_1", "count_2", "count_3",
            ],
            {"colour": [0, 1, 2], "count": [3, 4, 5, 6]},
        ),
        (preprocessing.OrdinalEncoder(), ["colour"], ["colour"], {"colour": [0]}),
        (
            preprocessing.PowerTransformer(),
            ["weight", "size"],
            ["weight", "size"],
            {"weight": [0], "size": [1]},
        ),
        (preprocessing.Normalizer(), ["size", "weight"], ["size", "weight"],
         {"size": [0], "weight": [1]}),
        (preprocessing.Binarizer(), ["size"], ["size"], {"size": [0]}),
        (
            preprocessing.PolynomialFeatures(2),
            ["size", "weight"],
            ["1", "size", "weight", "size^2", "size weight", "weight^2"],
            # a b depends on both; the constant on none
            {"size": [1, 3, 4], "weight": [2, 4, 5]},
        ),
        (
            preprocessing.KBinsDiscretizer(2, quantile_method="averaged_inverted_cdf"),
            ["size", "weight"],
            ["size_0.0", "size_1.0", "weight_0.0", "weight_1.0"],
            {"size": [0, 1], "weight": [2, 3]},
        ),
        (
            preprocessing.SplineTransformer(2, degree=1),
            ["size", "weight"],
            ["size_sp_0", "size_sp_1", "weight_sp_0", "weight_sp_1"],
            {"size": [0, 1], "weight": [2, 3]},
        ),
        (preprocessing.FunctionTransformer(np.abs), ["size", "weight"], ["size", "weight"],
         {"size": [0], "weight": [1]}),
        (
            # the values of both columns together, of which there are four
            preprocessing.MultiLabelBinarizer(),
            ["count", "even"],
            [f"multilabelbinarizer_{value}" for value in range(4)],
            {"count": [0, 1, 2, 3], "even": [0, 1, 2, 3]},
        ),
        (
            # as many values as columns
            preprocessing.MultiLabelBinarizer(),
            ["even", "half"],
            ["multilabelbinarizer_0", "multilabelbinarizer_2"],
            {"even": [0, 1], "half": [0, 1]},
        ),
        (text.HashingVectorizer(n_features=2), ["note"], ["note_0", "note_1"], {"note": [0, 1]}),
    ],
)  # fmt: skip
def test_names_and_groups(
    estimator: Any, columns: list[str], names: list[str], groups: dict[str, list[int]]
) -> None:
    coder = fitted(estimator, columns)
    assert coder.names == names
    assert coder.groups == groups
    output = coder.transform(FRAME)
    assert output.shape == (30, len(names))
    assert output.dtype.kind in "if"


def test_target_encoder_learns_from_the_label() -> None:
    label = FRAME["size"].to_numpy()
    coder = fitted(preprocessing.TargetEncoder(), ["colour"], label)
    oracle = preprocessing.TargetEncoder(random_state=0).fit(FRAME[["colour"]].to_numpy(), label)
    assert np.array_equal(coder.transform(FRAME), oracle.transform(FRAME[["colour"]].to_numpy()))
    prepared = prepare_coder(preprocessing.TargetEncoder(), for_label=False)
    with pytest.raises(InvalidCoder, match="learns from the target, and there is no Label"):
        trial_dimension(prepared, FRAME[["colour"]])


def test_target_encoder_of_classes_groups_its_columns() -> None:
    label = FRAME["note"].to_numpy(dtype=object)
    coder = fitted(preprocessing.TargetEncoder(), ["colour", "count"], label)
    assert coder.names[:2] == ["colour_bad dog", "colour_good cat"]
    assert coder.groups == {"colour": [0, 1, 2], "count": [3, 4, 5]}


def test_error_lists_dtypes_and_attempts() -> None:
    prepared = prepare_coder(preprocessing.StandardScaler(), for_label=False)
    with pytest.raises(InvalidCoder) as caught:
        trial_dimension(prepared, FRAME[["size", "colour"]])
    message = str(caught.value)
    shapes = [f"{dimension}: ValueError" for dimension in Dimension]
    for part in ["'size': 'float64'", "'colour': 'str'", *shapes, "dtypes= or columns="]:
        assert part in message


def test_text_output_is_refused() -> None:
    prepared = prepare_coder(impute.SimpleImputer(strategy="most_frequent"), for_label=False)
    with pytest.raises(InvalidCoder, match="object values, not numbers"):
        trial_dimension(prepared, FRAME[["colour"]])


@pytest.mark.parametrize(
    "estimator", [preprocessing.OneHotEncoder(), preprocessing.OrdinalEncoder()]
)
def test_unseen_category_names_column_and_value(estimator: Any) -> None:
    coder = fitted(estimator, ["count", "colour"])
    other = FRAME.assign(colour=FRAME["colour"].replace("red", "purple"))
    with pytest.raises(InvalidData, match=r"'colour' holds 'purple', which was not seen"):
        coder.transform(other)


def test_missing_categories_are_a_category() -> None:
    frame = pd.DataFrame({"colour": ["red", None, "blue", np.nan]})
    prepared = prepare_coder(preprocessing.OneHotEncoder(), for_label=False)
    coder = fit_coder(prepared, trial_dimension(prepared, frame), frame)
    assert coder.names == ["colour_blue", "colour_red", "colour_nan"]
    assert coder.transform(frame).sum() == 4
    with pytest.raises(InvalidData, match="'green'"):
        coder.transform(pd.DataFrame({"colour": ["green"]}))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("Int64", [[1.0], [2.0], [np.nan]]),
        ("Float64", [[1.0], [2.0], [np.nan]]),
        ("float32", [[1.0], [2.0], [np.nan]]),
    ],
)
def test_nullable_columns_reach_the_imputer_as_nan(dtype: str, expected: list) -> None:
    frame = pd.DataFrame({"a": pd.array([1, 2, None], dtype=dtype)})
    prepared = prepare_coder(impute.SimpleImputer(), for_label=False)
    coder = fit_coder(prepared, Dimension.MULTI_COLUMN, frame)
    oracle = impute.SimpleImputer().fit_transform(np.array(expected))
    assert np.array_equal(coder.transform(frame), oracle)


@pytest.mark.parametrize(
    "estimator",
    [
        preprocessing.StandardScaler(copy=False),
        preprocessing.MinMaxScaler(copy=False),
        preprocessing.RobustScaler(copy=False),
        preprocessing.Normalizer(copy=False),
        preprocessing.PowerTransformer(copy=False),
        preprocessing.Binarizer(copy=False),
        impute.KNNImputer(copy=False),
    ],
)
def test_the_frame_is_never_written_into(estimator: Any) -> None:
    values = np.asfortranarray(RNG.normal(5, 1, (30, 2)))
    values[3, 0] = 0.0 if not isinstance(estimator, impute.KNNImputer) else np.nan
    frame = pd.DataFrame(values, columns=["a", "b"], copy=False)
    before = values.copy()
    prepared = prepare_coder(estimator, for_label=False)
    coder = fit_coder(prepared, trial_dimension(prepared, frame), frame)
    first = coder.transform(frame)
    assert np.array_equal(values, before, equal_nan=True)
    assert np.array_equal(first, coder.transform(frame))
    if hasattr(estimator, "inverse_transform"):
        encoded = first.copy()
        assert np.allclose(coder.inverse_transform(first), before)
        assert np.array_equal(first, encoded)


def test_inverse_of_one_hot_and_of_single_columns() -> None:
    coder = fitted(preprocessing.OneHotEncoder(), ["colour", "count"])
    restored = coder.inverse_transform(coder.transform(FRAME))
    assert restored.tolist() == FRAME[["colour", "count"]].to_numpy().tolist()
    prepared = prepare_coder(preprocessing.MinMaxScaler(), for_label=False)
    single = fit_coder(prepared, Dimension.SINGLE_COLUMN, FRAME[["size", "height"]])
    back = single.inverse_transform(single.transform(FRAME))
    assert np.allclose(back, FRAME[["size", "height"]].to_numpy(), rtol=1e-14)
    with pytest.raises(InvalidCoder, match="Binarizer has no way back"):
        fitted(preprocessing.Binarizer(), ["size"]).inverse_transform(np.zeros((1, 1)))


def test_the_users_random_state_is_untouched() -> None:
    frame = pd.DataFrame({"a": RNG.normal(size=400)})
    estimator = preprocessing.QuantileTransformer(n_quantiles=10, subsample=50)
    prepared = prepare_coder(estimator, for_label=False)
    np.random.seed(0)  # noqa: NPY002  the user's own generator
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fits = [fit_coder(prepared, Dimension.MULTI_COLUMN, frame) for _ in range(2)]
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    first, second = (fit.estimators[0].quantiles_ for fit in fits)
    assert np.array_equal(first, second)


def test_a_pipeline_imputes_then_scales_and_learns_from_the_rows_given() -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0, 900.0], "b": [2.0, 3.0, np.nan, 900.0]})
    given = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepared = prepare_coder(given, for_label=False)
    assert prepared.only_fit_train
    assert not prepared.is_categorical
    dimension = trial_dimension(prepared, frame)
    fitted = fit_coder(prepared, dimension, frame.iloc[:3])
    assert fitted.names == ["a", "b"]
    assert fitted.groups == {"a": [0], "b": [1]}
    # by hand: medians of the first three rows 2 and 2.5; a = 1, 2, 3 and b = 2, 3, 2.5
    filled = np.array([[1, 2], [2, 3], [3, 2.5], [900, 900]])
    expected = (filled - filled[:3].mean(axis=0)) / filled[:3].std(axis=0)
    np.testing.assert_allclose(fitted.transform(frame), expected, rtol=1e-12)
    assert not hasattr(given.steps[0][1], "statistics_")


def test_a_pipeline_is_refused_for_a_step_that_is() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with pytest.raises(InvalidCoder, match=r"LogisticRegression.* is not a preprocessor"):
        prepare_coder(make_pipeline(StandardScaler(), LogisticRegression()), for_label=False)
