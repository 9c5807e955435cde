"""Fitted coder chains: order, leakage, leftovers and bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import impute, preprocessing
from sklearn.feature_extraction.text import CountVectorizer

from aiqc.core.codecs import pack_arrays
from aiqc.core.errors import CorruptBlob, InvalidColumns, InvalidData
from aiqc.pipeline.chain_fit import fit_feature
from aiqc.pipeline.coder import prepare_coder, trial_dimension
from aiqc.pipeline.feature_fit import FeatureFit, nan_columns

RNG = np.random.default_rng(11)
COUNT = 40
FRAME = pd.DataFrame(
    {
        "size": RNG.normal(10, 3, COUNT),
        "id": np.arange(COUNT),
        "colour": RNG.choice(["red", "green", "blue"], COUNT),
        "weight": RNG.normal(-5, 1, COUNT),
        "flag": RNG.random(COUNT) < 0.5,
        "note": RNG.choice(["good cat", "bad dog"], COUNT),
    }
)
TRAIN = np.array([30, 2, 5, 7, 11, 0, 19, 23, 8])
LABEL = RNG.normal(size=COUNT)


def fit(frame: pd.DataFrame, *coders: tuple[Any, list[str]], train: Any = TRAIN) -> FeatureFit:
    steps = []
    for estimator, columns in coders:
        prepared = prepare_coder(estimator, for_label=False)
        dimension = trial_dimension(prepared, frame[columns], LABEL[: len(frame)])
        steps.append((prepared, dimension, columns))
    return fit_feature(steps, list(frame), frame, train, LABEL[train % COUNT])


def test_order_is_coder_outputs_then_leftovers_in_data_set_order() -> None:
    result = fit(
        FRAME,
        (preprocessing.OneHotEncoder(), ["colour"]),
        (preprocessing.StandardScaler(), ["weight"]),
        (CountVectorizer(), ["note"]),
    )
    assert result.encoded_columns == [
        "colour_blue", "colour_green", "colour_red", "weight",
        "note_bad", "note_cat", "note_dog", "note_good", "size", "id", "flag",
    ]  # fmt: skip
    assert list(result.groups.items()) == [
        ("size", [8]),
        ("id", [9]),
        ("colour", [0, 1, 2]),
        ("weight", [3]),
        ("flag", [10]),
        ("note", [4, 5, 6, 7]),
    ]
    encoded = result.transform(FRAME)
    assert encoded.dtype == np.float64
    assert np.array_equal(encoded[:, 8], FRAME["size"].to_numpy())
    assert np.array_equal(encoded[:, 10], FRAME["flag"].to_numpy().astype(float))
    scaler = preprocessing.StandardScaler().fit(FRAME[["weight"]].to_numpy()[TRAIN])
    assert np.array_equal(encoded[:, [3]], scaler.transform(FRAME[["weight"]].to_numpy()))
    red = (FRAME["colour"] == "red").to_numpy().astype(float)
    assert np.array_equal(encoded[:, 2], red)


def test_scaler_learns_from_training_rows_and_encoder_from_all() -> None:
    result = fit(
        FRAME,
        (preprocessing.StandardScaler(), ["size", "weight"]),
        (preprocessing.OneHotEncoder(), ["colour"]),
        (preprocessing.OrdinalEncoder(), ["note"]),
    )
    (scaler,), (encoder,), _ = result.fitted
    means = [FRAME[column].to_numpy()[TRAIN].mean() for column in ("size", "weight")]
    assert scaler.mean_.tolist() == means
    assert scaler.n_samples_seen_ == len(TRAIN)
    assert encoder.categories_[0].tolist() == ["blue", "green", "red"]
    train, everything, _ = result.saw
    assert train.samples.tolist() == TRAIN.tolist()
    assert not train.saw_all
    assert train.digest == hashlib.sha256(TRAIN.astype("<i8").tobytes()).hexdigest()
    assert everything.saw_all
    assert everything.samples.tolist() == list(range(COUNT))


def test_two_fits_of_the_same_coder_are_independent() -> None:
    prepared = prepare_coder(preprocessing.StandardScaler(), for_label=False)
    step = (prepared, trial_dimension(prepared, FRAME[["size"]]), ["size"])
    first = fit_feature([step], ["size"], FRAME[["size"]], np.arange(10))
    second = fit_feature([step], ["size"], FRAME[["size"]], np.arange(10, 20))
    means = [result.coders[0].estimators[0].mean_[0] for result in (first, second)]
    assert means == [FRAME["size"][:10].mean(), FRAME["size"][10:20].mean()]


COLUMNS = ["size", "weight"]
TRAIN_FITTED = [
    preprocessing.StandardScaler(),
    preprocessing.MinMaxScaler(),
    preprocessing.RobustScaler(),
    preprocessing.PowerTransformer(),
    preprocessing.QuantileTransformer(n_quantiles=5),
    preprocessing.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),
    preprocessing.TargetEncoder(),
    impute.SimpleImputer(),
    impute.KNNImputer(),
]


@settings(max_examples=8, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("estimator", TRAIN_FITTED, ids=lambda item: type(item).__name__)
def test_other_rows_change_no_trained_parameter(estimator: Any, data: st.DataObject) -> None:
    """Permuting and overwriting the rows outside the training split changes not one bit."""
    train = np.array(data.draw(st.permutations(range(COUNT)))[:20])
    others = np.setdiff1d(np.arange(COUNT), train)
    changed = FRAME[COLUMNS].copy()
    order = data.draw(st.permutations(others.tolist()))
    changed.iloc[others] = changed.iloc[order].to_numpy() * data.draw(st.floats(-9, 9))
    first = fit(FRAME[COLUMNS], (estimator, COLUMNS), train=train)
    second = fit(changed, (estimator, COLUMNS), train=train)
    assert second.transform(FRAME).tobytes() == first.transform(FRAME).tobytes()
    for one, other in zip(first.fitted[0], second.fitted[0], strict=True):
        assert parameters(one) == parameters(other)


def parameters(estimator: Any) -> dict[str, Any]:
    learned = {}
    for name, value in vars(estimator).items():
        if name.endswith("_"):
            nested = isinstance(value, list | tuple) or getattr(value, "dtype", None) == "O"
            arrays = list(value) if nested else [value]
            learned[name] = [
                np.asarray(array).tobytes() if isinstance(array, np.ndarray) else repr(array)
                for array in arrays
            ]
    assert learned
    return learned


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["float64"], "float64"),
        (["float32", "float32"], "float32"),
        (["float32", "bool"], "float32"),
        (["bool"], "float32"),
        (["int64", "int64"], "int64"),
        (["int8", "int16"], "int16"),
        (["int64", "float32"], "float64"),
        (["Int64"], "int64"),
        (["boolean", "float64"], "float64"),
    ],
)
def test_dtype_of_leftovers(dtypes: list[str], expected: str) -> None:
    frame = pd.DataFrame(
        {f"c{i}": pd.array([1, 0, 1], dtype=dtype) for i, dtype in enumerate(dtypes)}
    )
    encoded = fit(frame, train=np.array([0])).transform(frame)
    assert encoded.dtype == expected
    assert encoded.tolist() == [[1] * len(dtypes), [0] * len(dtypes), [1] * len(dtypes)]
    assert encoded.flags.c_contiguous


def test_without_coders_nan_are_kept_and_counted() -> None:
    frame = pd.DataFrame(
        {"a": [1.0, np.nan, np.nan], "b": [1, 2, 3], "c": pd.array([True, None, False], "boolean")}
    )
    result = fit(frame, train=np.array([0]))
    encoded = result.transform(frame)
    assert result.saw == []
    assert nan_columns(encoded, result.encoded_columns) == {"a": 2, "c": 1}
    assert encoded[0].tolist() == [1.0, 1.0, 1.0]
    assert nan_columns(np.array([[1, 2]]), ["a", "b"]) == {}
    # a sequence: samples, rows, columns
    assert nan_columns(np.full((2, 3, 1), np.nan), ["a"]) == {"a": 6}


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["x", "y", "z"], r"'bad' of dtype str is not numeric.*OneHotEncoder\(\)"),
        (pd.Categorical([1, 2, 1]), "'bad' of dtype category is not numeric"),
        (pd.date_range("2020", periods=3), "'bad' of dtype datetime64.*derive numbers"),
        (pd.to_timedelta([1, 2, 3], "s"), "'bad' of dtype timedelta64.*derive numbers"),
    ],
)
def test_leftover_that_is_not_numeric_is_refused(values: Any, pattern: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "bad": values})
    with pytest.raises(InvalidData, match=pattern):
        fit(frame, train=np.array([0])).transform(frame)


@pytest.mark.parametrize(
    ("train", "pattern"),
    [([], "no training row"), ([0, 99], "row 99 does not exist.*0 to 39"), ([-1], "row -1")],
)
def test_training_rows_are_checked(train: list[int], pattern: str) -> None:
    with pytest.raises(InvalidData, match=pattern):
        fit(FRAME[["size"]], train=np.array(train, dtype=int))


def test_a_frame_without_a_column_is_refused() -> None:
    result = fit(FRAME[["size", "weight"]])
    with pytest.raises(InvalidColumns, match=r"\['weight'\] are missing.*\['size', 'weight'\]"):
        result.transform(FRAME[["size"]])


def test_columns_are_found_by_name() -> None:
    result = fit(FRAME[["size", "weight"]], (preprocessing.StandardScaler(), ["size", "weight"]))
    assert np.array_equal(
        result.transform(FRAME[["weight", "note", "size"]]), result.transform(FRAME)
    )


def test_what_is_shown_cannot_change_the_fit() -> None:
    result = fit(FRAME[["size"]], (preprocessing.StandardScaler(), ["size"]))
    before = result.transform(FRAME)
    shown = result.fitted[0][0]
    shown.mean_[:] = 0
    mine = FRAME[["size"]].to_numpy()
    kept = mine.copy()
    shown.inverse_transform(mine)
    assert np.array_equal(mine, kept)
    assert np.array_equal(result.transform(FRAME), before)


def chain() -> FeatureFit:
    return fit(
        FRAME,
        (preprocessing.OneHotEncoder(), ["colour"]),
        (preprocessing.PowerTransformer(), ["weight", "size"]),
        (CountVectorizer(), ["note"]),
    )


def test_bytes_keep_everything() -> None:
    result = chain()
    again = FeatureFit.from_bytes(result.to_bytes())
    assert again.encoded_columns == result.encoded_columns
    assert again.groups == result.groups
    assert list(again.groups) == list(result.groups)
    assert [(s.samples.tolist(), s.digest, s.saw_all) for s in again.saw] == [
        (s.samples.tolist(), s.digest, s.saw_all) for s in result.saw
    ]
    assert again.transform(FRAME).tobytes() == result.transform(FRAME).tobytes()
    assert again.coders[1].inverse_transform(result.transform(FRAME)[:, 3:5]).tobytes() == (
        result.coders[1].inverse_transform(result.transform(FRAME)[:, 3:5]).tobytes()
    )


def test_bytes_without_coders_hold_no_estimators() -> None:
    result = fit(FRAME[["size", "id"]])
    again = FeatureFit.from_bytes(result.to_bytes())
    assert again == result
    assert len(result.to_bytes()) < 1000


def test_bytes_in_another_process(tmp_path: Path) -> None:
    result = chain()
    (tmp_path / "fit").write_bytes(result.to_bytes())
    FRAME.to_parquet(tmp_path / "frame")
    code = (
        "import sys, pandas as pd; from aiqc.pipeline.feature_fit import FeatureFit\n"
        "fit = FeatureFit.from_bytes(open(sys.argv[1] + '/fit', 'rb').read())\n"
        "frame = pd.read_parquet(sys.argv[1] + '/frame')\n"
        "sys.stdout.write(fit.transform(frame).tobytes().hex())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, text=True
    )
    assert bytes.fromhex(run.stdout) == result.transform(FRAME).tobytes()


def test_damaged_bytes_are_refused() -> None:
    data = chain().to_bytes()
    with pytest.raises(CorruptBlob, match="are not packed arrays"):
        FeatureFit.from_bytes(data[: len(data) // 2])
    other = pack_arrays({"a": np.arange(3)})
    with pytest.raises(CorruptBlob, match="not a stored fit"):
        FeatureFit.from_bytes(other)


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_order_does_not_depend_on_the_hash_seed(seed: str) -> None:
    code = (
        "import pandas as pd, sys\n"
        "from sklearn.preprocessing import OneHotEncoder\n"
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "from aiqc.pipeline.coder import *\n"
        "from aiqc.pipeline.chain_fit import fit_feature\n"
        "names = ['zeta', 'beta', 'alpha', 'omega', 'kappa']\n"
        "frame = pd.DataFrame({n: list('cab') for n in names[:2]} | "
        "{n: [1.0, 2.0, 3.0] for n in names[2:]} | {'t': ['y x', 'x w', 'v z']})\n"
        "one, words = (prepare_coder(e, for_label=False) "
        "for e in (OneHotEncoder(), CountVectorizer(token_pattern=r'\\w')))\n"
        "steps = [(one, trial_dimension(one, frame[names[:2]]), names[:2]), "
        "(words, trial_dimension(words, frame[['t']]), ['t'])]\n"
        "fit = fit_feature(steps, list(frame), frame, [0, 1])\n"
        "sys.stdout.write(' '.join(fit.encoded_columns))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": seed, "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    expected = "zeta_a zeta_b zeta_c beta_a beta_b beta_c t_w t_x t_y alpha omega kappa"
    assert run.stdout == expected
