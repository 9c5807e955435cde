"""Categories that a coder passes over are counted by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from aiqc.core.enums import EncodingDimension
from aiqc.pipeline.coder import fit_coder, prepare_coder
from aiqc.pipeline.feature_fit import FeatureFit
from aiqc.pipeline.table import FrameTable, Table, flat_table
from aiqc.pipeline.unknown import ignored_unknowns

TRAIN = pd.DataFrame({"a": ["x", "y", "x"], "b": ["p", None, "q"], "n": [1.0, 2.0, 3.0]})
NEW = pd.DataFrame({"a": ["x", "z", "w", None], "b": ["p", None, "z", "z"], "n": [np.nan] * 4})


def new(columns: list[str]) -> list[Table]:
    """Return the new rows in two parts."""
    return [FrameTable(NEW[columns].iloc[:1]), FrameTable(NEW[columns].iloc[1:])]


def fit(estimator: Any, dimension: EncodingDimension, columns: list[str]) -> FeatureFit:
    fitted = fit_coder(prepare_coder(estimator, for_label=False), dimension, TRAIN[columns])
    return FeatureFit(["a", "b", "n"], [fitted], [], ["n"])


@pytest.mark.parametrize("dimension", ["2D_multiColumn", "2D_singleColumn"])
@pytest.mark.parametrize(
    "estimator",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=1),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    ],
)
def test_unknown_values_are_counted(estimator: Any, dimension: str) -> None:
    chain = fit(estimator, EncodingDimension(dimension), ["a", "b"])
    # missing is a category of b, and not one of a
    assert ignored_unknowns(chain, new) == {"a": 3, "b": 2}
    assert ignored_unknowns(chain, lambda columns: [FrameTable(TRAIN[columns])]) == {}


def test_a_step_of_a_pipeline_is_asked() -> None:
    fill = SimpleImputer(strategy="most_frequent")
    steps = make_pipeline(fill, OneHotEncoder(handle_unknown="ignore"))
    chain = fit(steps, EncodingDimension("2D_multiColumn"), ["a"])
    # the missing one was filled in
    assert ignored_unknowns(chain, new) == {"a": 2}


def test_values_of_arrays_are_counted_over_all_axes() -> None:
    known = np.array([[[0, 5], [1, 6]], [[2, 5], [0, 7]]])
    encoder = OneHotEncoder(handle_unknown="ignore")
    prepared = prepare_coder(encoder, for_label=False)
    table = flat_table(known, ["0", "1"])
    fitted = fit_coder(prepared, EncodingDimension.MULTI_COLUMN, table)
    chain = FeatureFit(["0", "1"], [fitted], [], [])
    odd = known.copy()
    odd[:, 1, 0] = [9, 8]
    odd[0, 0, 1] = 0
    assert ignored_unknowns(chain, lambda names: [flat_table(odd, names)]) == {"0": 2, "1": 1}
    assert ignored_unknowns(chain, lambda names: [flat_table(known + 0.0, names)]) == {}


@pytest.mark.parametrize(
    ("estimator", "columns"),
    [(OneHotEncoder(), ["a", "b"]), (OrdinalEncoder(), ["a"]), (StandardScaler(), ["n"])],
)
def test_coders_that_refuse_are_not_counted_and_nothing_is_read(
    estimator: Any, columns: list[str]
) -> None:
    chain = fit(estimator, EncodingDimension.MULTI_COLUMN, columns)

    def read(_: list[str]) -> list[Table]:
        raise AssertionError

    assert ignored_unknowns(chain, read) == {}
