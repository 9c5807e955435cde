"""The way back from unsupervised targets, against scikit-learn and the data that went in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from aiqc.core.enums import AnalysisType, EncodingDimension
from aiqc.core.errors import Incompatible, InvalidData
from aiqc.core.types import LabelDecoder
from aiqc.pipeline.chain_fit import fit_feature
from aiqc.pipeline.coder import prepare_coder
from aiqc.pipeline.compatibility import TargetFacts, check_matrix, check_target_fits
from aiqc.pipeline.shape import plan_shape
from aiqc.pipeline.target_decoder import TargetDecoder

RNG = np.random.default_rng(3)
#: (samples, rows, columns): columns of very different scales, so that no mix-up passes
SEQUENCE = RNG.normal(size=(20, 4, 3)) * [1, 100, 10_000] + [5, -300, 70_000]
COLUMNS = ["a", "b", "c"]


def fit_of(*chain, frame):
    """Return a fit of (estimator, columns) pairs to a frame."""
    steps = [
        (prepare_coder(estimator, for_label=False), EncodingDimension.MULTI_COLUMN, columns)
        for estimator, columns in chain
    ]
    return fit_feature(steps, list(frame.columns), frame, np.arange(len(frame)))


def rows_of(array):
    return pd.DataFrame(array.reshape(-1, array.shape[-1]), columns=COLUMNS)


#: coders that leave the columns in another order than the data set: b and c, then a
MIXED = fit_of((MinMaxScaler(), ["b"]), (StandardScaler(), ["c"]), frame=rows_of(SEQUENCE))


def encoded(array=SEQUENCE):
    """Return what MIXED makes of it, by scikit-learn alone: columns b, c, a."""
    flat = array.reshape(-1, 3)
    known = SEQUENCE.reshape(-1, 3)
    parts = [
        MinMaxScaler().fit(known[:, [1]]).transform(flat[:, [1]]),
        StandardScaler().fit(known[:, [2]]).transform(flat[:, [2]]),
        flat[:, [0]],
    ]
    return np.hstack(parts).reshape(array.shape)


def test_is_a_label_decoder():
    decoder: LabelDecoder = TargetDecoder(MIXED, None, (4, 3))
    assert decoder.classes is None
    with pytest.raises(InvalidData, match="no classes"):
        decoder.ordinal(encoded())


@pytest.mark.parametrize(
    "indices",
    [
        pytest.param(None, id="as it is"),
        pytest.param((0, 1, 2), id="identity"),
        pytest.param((0, "1", 1, 2), id="an axis more"),
        pytest.param((0, (1, 2)), id="columns folded into rows"),
        pytest.param((0, "2", "2", 2), id="rows split"),
    ],
)
def test_columns_come_back_in_their_order_and_units(indices):
    sample = (4, 3)
    shaper = None if indices is None else plan_shape(indices, sample)
    values = encoded()
    shaped = values if shaper is None else values.reshape(20, *shaper.shape_of(sample))
    before = shaped.copy()
    decoded = TargetDecoder(MIXED, shaper, sample).decode(shaped)
    np.testing.assert_allclose(decoded, SEQUENCE, rtol=1e-12)
    assert decoded.dtype == np.float64
    assert np.array_equal(shaped, before)


def test_windows_of_a_table_come_back():
    windows = np.lib.stride_tricks.sliding_window_view(SEQUENCE[:, 0], 5, axis=0)
    windows = np.moveaxis(windows, -1, 1)  # (windows, rows, columns)
    decoded = TargetDecoder(MIXED, None, (5, 3)).decode(encoded(windows))
    np.testing.assert_allclose(decoded, windows, rtol=1e-12)


def test_float32_is_decoded_in_double_precision():
    narrow = encoded().astype(np.float32)
    decoded = TargetDecoder(MIXED, None, (4, 3)).decode(narrow)
    scaler = StandardScaler().fit(SEQUENCE.reshape(-1, 3)[:, [2]])
    wanted = scaler.inverse_transform(narrow.astype(np.float64).reshape(-1, 3)[:, [1]])
    np.testing.assert_allclose(decoded[..., 2].ravel(), wanted.ravel(), rtol=1e-13)


def test_another_shape_than_the_target_is_refused():
    shaper = plan_shape((0, (1, 2)), (4, 3))
    with pytest.raises(Incompatible, match=r"\(3, 4\).*\(12,\)"):
        TargetDecoder(MIXED, shaper, (4, 3)).decode(np.zeros((20, 3, 4)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_diverged_sample_is_nan_and_disturbs_no_other(bad):
    values = encoded()
    values[7, 2, 1] = bad
    decoded = TargetDecoder(MIXED, None, (4, 3)).decode(values)
    assert np.isnan(decoded[7]).all()
    others = np.delete(np.arange(20), 7)
    np.testing.assert_allclose(decoded[others], SEQUENCE[others], rtol=1e-12)


def test_a_model_that_diverged_altogether_is_nan_in_the_decoded_shape():
    frame = pd.DataFrame({"n": [1.0, 2.0], "kind": ["x", "y"]})
    fit = fit_of((OneHotEncoder(), ["kind"]), frame=frame)
    decoded = TargetDecoder(fit, None, (3,)).decode(np.full((5, 3), np.inf))
    assert decoded.shape == (5, 2)
    assert np.isnan(decoded).all()


def test_one_hot_groups_become_one_column_of_text():
    frame = pd.DataFrame({"n": [1.0, 2.0, 3.0], "kind": ["x", "y", "z"], "m": [0.0, 4.0, 8.0]})
    fit = fit_of((OneHotEncoder(), ["kind"]), (MinMaxScaler(), ["m"]), frame=frame)
    # kind_x, kind_y, kind_z, m, n: what a model returns is no clean code
    predicted = np.array([[0.1, 0.2, 0.9, 0.5, 7.0], [0.8, -0.3, 0.1, 1.0, np.nan]])
    decoded = TargetDecoder(fit, None, (5,)).decode(predicted)
    assert decoded.shape == (2, 3)
    assert decoded[0].tolist() == [7.0, "z", 4.0]
    assert pd.isna(decoded[1]).all()


TARGETS = [
    pytest.param(StandardScaler(), None, id="scaler"),
    pytest.param(QuantileTransformer(), None, id="quantiles"),
    pytest.param(PowerTransformer(), None, id="power"),
    pytest.param(OneHotEncoder(), None, id="one-hot"),
    pytest.param(OrdinalEncoder(), None, id="ordinal"),
    pytest.param(KBinsDiscretizer(), None, id="bins"),
    pytest.param(SimpleImputer(), None, id="imputer"),
    pytest.param(make_pipeline(SimpleImputer(), StandardScaler()), None, id="pipeline"),
    pytest.param(FunctionTransformer(), None, id="identity"),
    pytest.param(FunctionTransformer(np.log1p, np.expm1), None, id="both ways"),
    pytest.param(FunctionTransformer(np.log1p), "FunctionTransformer.*inverse_func", id="one way"),
    pytest.param(Normalizer(), "Normalizer.*StandardScaler", id="normalizer"),
    pytest.param(Binarizer(), "Binarizer", id="binarizer"),
    pytest.param(PolynomialFeatures(), "PolynomialFeatures", id="polynomial"),
    pytest.param(make_pipeline(StandardScaler(), Normalizer()), "Normalizer", id="step"),
    pytest.param(OneHotEncoder(max_categories=3), "max_categories", id="merged"),
]


@pytest.mark.parametrize(("coder", "refused"), TARGETS)
def test_coders_without_a_way_back_are_refused(coder, refused):
    facts = TargetFacts("Feature 3", [prepare_coder(coder, for_label=False).estimator], True)
    if refused is None:
        check_target_fits(AnalysisType.REGRESSION, facts)
        return
    with pytest.raises(Incompatible, match=refused) as caught:
        check_target_fits(AnalysisType.REGRESSION, facts)
    assert "Feature 3" in str(caught.value)


@pytest.mark.parametrize("kind", [AnalysisType.BINARY, AnalysisType.MULTI])
def test_a_classification_needs_a_label(kind):
    with pytest.raises(Incompatible, match=f"{kind.value}.*'regression'"):
        check_target_fits(kind, TargetFacts("Feature 3", [], True))


def test_a_window_needs_shifted_windows():
    with pytest.raises(Incompatible, match="record_shifted=True"):
        check_target_fits(AnalysisType.REGRESSION, TargetFacts("Feature 3", [], False))


def test_scikit_learn_takes_matrices_only():
    check_matrix("Feature 3", 2)
    with pytest.raises(Incompatible, match=r"Feature 3 has 3 axes.*\(0, \(1, 2, 3\)\)"):
        check_matrix("Feature 3", 4)
