"""The way back: original values and columns, what is lost, arrays of any number of axes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import impute, pipeline, preprocessing
from sklearn.feature_extraction.text import CountVectorizer

from aiqc.core.errors import InvalidCoder, InvalidColumns
from aiqc.pipeline.chain_fit import fit_feature
from aiqc.pipeline.coder import prepare_coder, trial_dimension
from aiqc.pipeline.feature_fit import FeatureFit
from aiqc.pipeline.scale255 import div255, mult255

RNG = np.random.default_rng(8)
COUNT = 60
FRAME = pd.DataFrame(
    {
        "size": RNG.gamma(3, 2, COUNT) + 1,
        "weight": RNG.normal(-500, 30, COUNT),
        "grade": RNG.integers(1, 5, COUNT) * 10,
        "colour": RNG.choice(["red", "green", "blue"], COUNT),
    }
)


def fit(frame: pd.DataFrame, *coders: tuple[Any, list[str]]) -> FeatureFit:
    steps = []
    for estimator, columns in coders:
        prepared = prepare_coder(estimator, for_label=False)
        steps.append((prepared, trial_dimension(prepared, frame[columns]), columns))
    return fit_feature(steps, list(frame), frame, np.arange(len(frame)))


INVERTIBLE = [
    preprocessing.StandardScaler(),
    preprocessing.StandardScaler(with_std=False),
    preprocessing.MinMaxScaler((-1, 1)),
    preprocessing.MaxAbsScaler(),
    preprocessing.RobustScaler(),
    preprocessing.PowerTransformer(),
    preprocessing.QuantileTransformer(n_quantiles=COUNT),
    preprocessing.OneHotEncoder(),
    preprocessing.OrdinalEncoder(),
    preprocessing.FunctionTransformer(),
    preprocessing.FunctionTransformer(np.arcsinh, inverse_func=np.sinh),
    preprocessing.FunctionTransformer(div255, inverse_func=mult255),
    impute.SimpleImputer(),
    impute.SimpleImputer(add_indicator=True),
    impute.KNNImputer(),
    pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()),
]


def short(value: Any) -> str:
    """Name a case; the same in every process, so without addresses."""
    return re.sub(r" at 0x\w+", "", repr(value))[:50]


@pytest.mark.parametrize("estimator", INVERTIBLE, ids=short)
def test_original_values_come_back_in_the_order_of_the_data(estimator: Any) -> None:
    frame = FRAME[["size", "grade", "weight"]]
    # the coder takes the last columns first, one column has none
    result = fit(frame, (estimator, ["weight", "size"]))
    assert result.lossy_columns == []
    encoded = result.transform(frame)
    kept = encoded.copy()
    decoded = result.inverse_transform(encoded)
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded, frame.to_numpy(), rtol=1e-9, atol=1e-9)
    assert encoded.tobytes() == kept.tobytes()


def test_text_comes_back_as_objects() -> None:
    result = fit(
        FRAME,
        (preprocessing.OneHotEncoder(), ["colour"]),
        (preprocessing.StandardScaler(), ["weight", "size"]),
    )
    decoded = result.inverse_transform(result.transform(FRAME))
    assert decoded.dtype == object
    assert decoded[:, 3].tolist() == FRAME["colour"].tolist()
    np.testing.assert_allclose(decoded[:, :3].astype(float), FRAME.iloc[:, :3], rtol=1e-9)


LOSSY = [
    (preprocessing.Normalizer(), ["size", "weight"]),
    (preprocessing.Binarizer(threshold=3), ["size"]),
    (preprocessing.PolynomialFeatures(), ["size"]),
    (preprocessing.SplineTransformer(), ["weight"]),
    (preprocessing.FunctionTransformer(np.log1p), ["size"]),
    (CountVectorizer(), ["colour"]),
    (pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.Normalizer()), ["size"]),
]


@pytest.mark.parametrize(("estimator", "columns"), LOSSY, ids=short)
def test_what_cannot_come_back_is_named(estimator: Any, columns: list[str]) -> None:
    result = fit(FRAME, (estimator, columns))
    assert result.lossy_columns == [name for name in FRAME if name in columns]
    fitted = result.coders[0]
    encoded = np.zeros((2, len(fitted.names)))
    with pytest.raises(InvalidCoder, match="no way back"):
        fitted.inverse_transform(encoded)


def test_a_column_that_an_imputer_dropped_is_lost_and_the_others_stay() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [np.nan] * 3, "c": [4.0, 5.0, 6.0]})
    prepared = prepare_coder(impute.SimpleImputer(), for_label=False)
    step = (prepared, trial_dimension(prepared, frame), ["a", "b", "c"])
    result = fit_feature([step], list(frame), frame, np.arange(3))
    assert result.lossy_columns == ["b"]
    decoded = result.inverse_transform(np.array([[1.0, 4.0], [2.0, 5.0]]))
    np.testing.assert_array_equal(decoded, [[1, np.nan, 4], [2, np.nan, 5]])


@pytest.mark.parametrize(
    ("predicted", "expected"), [(-0.7, "blue"), (0.4, "blue"), (1.6, "red"), (9.0, "red")]
)
def test_predicted_codes_are_the_nearest_that_exist(predicted: float, expected: str) -> None:
    result = fit(FRAME[["colour"]], (preprocessing.OrdinalEncoder(), ["colour"]))
    assert result.inverse_transform(np.array([[predicted]])).tolist() == [[expected]]


def test_predicted_bins_are_the_nearest_that_exist() -> None:
    coder = preprocessing.KBinsDiscretizer(
        3, encode="ordinal", quantile_method="averaged_inverted_cdf"
    )
    result = fit(FRAME[["size"]], (coder, ["size"]))
    exact = result.inverse_transform(np.array([[0.0], [2.0]]))
    assert np.array_equal(result.inverse_transform(np.array([[-3.0], [2.8]])), exact)


@pytest.mark.parametrize("lead", [(), (7,), (2, 3), (2, 3, 4)])
def test_any_number_of_axes_is_rows_of_columns(lead: tuple[int, ...]) -> None:
    frame = FRAME[["size", "weight", "grade"]]
    result = fit(
        frame,
        (preprocessing.StandardScaler(), ["weight"]),
        (preprocessing.OneHotEncoder(), ["grade"]),
    )
    rows = RNG.integers(0, COUNT, int(np.prod(lead, dtype=int)))
    array = frame.to_numpy()[rows].reshape(*lead, 3)
    encoded = result.transform_array(array)
    assert encoded.shape == (*lead, 1 + 4 + 1)
    expected = result.transform(frame)[rows].reshape(encoded.shape)
    np.testing.assert_allclose(encoded, expected, rtol=1e-12)
    np.testing.assert_allclose(result.inverse_transform(encoded), array, rtol=1e-9)


@pytest.mark.parametrize("method", ["transform_array", "inverse_transform"])
def test_another_width_is_refused(method: str) -> None:
    result = fit(FRAME[["size"]], (preprocessing.StandardScaler(), ["size"]))
    with pytest.raises(InvalidColumns, match=r"shape \(2, 3\) has 3"):
        getattr(result, method)(np.zeros((2, 3)))


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int32])
def test_scaling_pixels_keeps_float32(kind: Any) -> None:
    values = np.arange(256).astype(kind)
    scaled = div255(values)
    assert scaled.dtype == (np.float32 if kind == np.float32 else np.float64)
    assert scaled.max() == 1
    np.testing.assert_allclose(mult255(scaled), values, rtol=1e-6)


def test_a_labels_function_needs_its_inverse() -> None:
    with pytest.raises(InvalidCoder, match="inverse_func"):
        prepare_coder(preprocessing.FunctionTransformer(np.log1p), for_label=True)
    both = preprocessing.FunctionTransformer(np.log1p, inverse_func=np.expm1)
    assert prepare_coder(both, for_label=True).for_label


def test_a_users_function_of_that_name_is_refused() -> None:
    def div255(values: Any) -> Any:
        return values

    with pytest.raises(InvalidCoder, match="holds a function"):
        prepare_coder(preprocessing.FunctionTransformer(div255), for_label=False)
