"""What holds for every split, fold, filter and fit, whatever the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from aiqc.core.errors import InvalidColumns, InvalidSplit
from aiqc.pipeline.chain_fit import fit_feature
from aiqc.pipeline.coder import prepare_coder, trial_dimension
from aiqc.pipeline.feature_fit import FeatureFit
from aiqc.pipeline.filters import match_columns
from aiqc.pipeline.folds import make_folds
from aiqc.pipeline.stratify import make_split

#: in percent, so that the expected counts are whole-number arithmetic
PERCENT = st.one_of(st.none(), st.integers(5, 40))


@settings(deadline=None)
@given(count=st.integers(5, 300), test=PERCENT, validation=PERCENT, seed=st.integers(0, 2**32))
def test_a_split_is_a_partition_of_the_asked_sizes(
    count: int, test: int | None, validation: int | None, seed: int
) -> None:
    asked = {"test": test, "validation": validation}
    counts = {name: -(-part * count // 100) for name, part in asked.items() if part is not None}
    assume(sum(counts.values()) < count)
    size_test, size_validation = (None if part is None else part / 100 for part in asked.values())
    plan = make_split(count, size_test=size_test, size_validation=size_validation, seed=seed)
    together = np.concatenate(list(plan.samples.values()))
    assert sorted(together.tolist()) == list(range(count))
    assert {name: len(plan.samples[name]) for name in counts} == counts
    assert all((np.diff(rows) > 0).all() for rows in plan.samples.values())
    again = make_split(count, size_test=size_test, size_validation=size_validation, seed=seed)
    assert all(np.array_equal(again.samples[name], rows) for name, rows in plan.samples.items())


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(10, 60), min_size=2, max_size=4),
    test=st.floats(0.2, 0.4),
    seed=st.integers(0, 99),
)
def test_every_class_keeps_its_share(sizes: list[int], test: float, seed: int) -> None:
    strata = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    plan = make_split(len(strata), size_test=test, strata=strata, seed=seed)
    held = len(plan.samples["test"]) / len(strata)
    found = np.bincount(strata[plan.samples["test"]], minlength=len(sizes))
    assert np.abs(found - held * np.array(sizes)).max() <= 1


@settings(deadline=None, max_examples=50)
@given(count=st.integers(12, 90), folds=st.integers(2, 6), seed=st.integers(0, 99))
def test_folds_hold_out_every_training_row_once(count: int, folds: int, seed: int) -> None:
    train = np.sort(np.random.default_rng(seed).permutation(200)[:count])
    pairs = make_folds(train, folds, seed=seed)
    assert sorted(np.concatenate([held for _, held in pairs]).tolist()) == train.tolist()
    for rows, held in pairs:
        assert sorted([*rows, *held]) == train.tolist()
        assert abs(len(held) - count / folds) < 1


@settings(deadline=None, max_examples=50)
@given(
    groups=st.lists(st.integers(0, 12), min_size=20, max_size=120),
    validation=st.booleans(),
    seed=st.integers(0, 99),
)
def test_no_group_is_on_two_sides(groups: list[int], validation: bool, seed: int) -> None:
    assume(len(set(groups)) >= 6)
    codes = np.array(groups)
    sizes = {"size_test": 0.3, "size_validation": 0.2 if validation else None}
    plan = make_split(len(codes), **sizes, groups=codes, seed=seed)
    sides = {name: set(codes[rows].tolist()) for name, rows in plan.samples.items()}
    assert sum(map(len, sides.values())) == len(set(groups))
    assert sorted(np.concatenate(list(plan.samples.values()))) == list(range(len(codes)))
    rows = plan.samples["train"]
    assume(len(sides["train"]) >= 2)
    for train, held in make_folds(rows, 2, groups=codes, seed=seed):
        assert not set(codes[train].tolist()) & set(codes[held].tolist())
        assert sorted([*train, *held]) == rows.tolist()


@settings(deadline=None, max_examples=50)
@given(
    time=st.lists(st.integers(0, 40), min_size=20, max_size=120),
    dates=st.booleans(),
    seed=st.integers(0, 99),
)
def test_splits_and_folds_follow_one_another(time: list[int], dates: bool, seed: int) -> None:
    assume(len(set(time)) >= 10)
    moments = np.array(time)
    given_time = np.datetime64("2020-01-01") + moments if dates else moments
    plan = make_split(len(moments), size_test=0.2, size_validation=0.2, time=given_time, seed=seed)
    parts = [moments[plan.samples[name]] for name in ("train", "validation", "test")]
    assert sorted(np.concatenate(list(plan.samples.values()))) == list(range(len(moments)))
    assert parts[0].max() < parts[1].min() <= parts[1].max() < parts[2].min()
    rows = plan.samples["train"]
    assume(len(set(moments[rows].tolist())) >= 4)
    for train, held in make_folds(rows, 2, time=given_time, seed=seed):
        assert set(train.tolist()) | set(held.tolist()) <= set(rows.tolist())
        assert moments[train].max() < moments[held].min()


@given(data=st.data())
def test_dtypes_and_columns_are_taken_or_left_together(data: st.DataObject) -> None:
    """By hand: the union of both, taken or left; a column that both name is refused."""
    names = [f"c{i}" for i in range(data.draw(st.integers(1, 7)))]
    kinds = ["float64", "float32", "int64", "str"]
    available = {name: data.draw(st.sampled_from(kinds)) for name in names}
    present = sorted(set(available.values()))
    dtypes = data.draw(st.lists(st.sampled_from(present), min_size=1, unique=True))
    columns = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    include = data.draw(st.booleans())
    by_dtype = [name for kind in dtypes for name in names if available[name] == kind]
    named = by_dtype + columns
    left = [name for name in names if name not in named]
    if set(by_dtype) & set(columns) or not (include or left):
        with pytest.raises(InvalidColumns):
            match_columns(available, include, dtypes, columns)
        return
    match = match_columns(available, include, dtypes, columns)
    assert match.matching == (named if include else left)
    assert match.leftover == [name for name in names if name not in match.matching]
    assert match.original_filter == {"include": include, "dtypes": dtypes, "columns": columns}


@given(data=st.data())
def test_a_filter_divides_what_is_left(data: st.DataObject) -> None:
    dtypes = ["float64", "int64", "str"]
    names = data.draw(st.lists(st.text("abcdef", min_size=1), min_size=1, unique=True))
    available = {name: data.draw(st.sampled_from(dtypes)) for name in names}
    wanted = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    include = data.draw(st.booleans())
    assume(include or len(wanted) < len(names))
    match = match_columns(available, include, columns=wanted)
    expected = set(wanted) if include else set(names) - set(wanted)
    assert set(match.matching) == expected
    assert match.leftover == [name for name in names if name not in expected]
    assert match.leftover_dtypes == {name: available[name] for name in match.leftover}
    kind = available[names[0]]
    by_dtype = match_columns(available, dtypes=kind)
    assert by_dtype.matching == [name for name in names if available[name] == kind]


@settings(deadline=None, max_examples=25)
@given(
    dtype=st.sampled_from(["float64", "float32", "int64", "int8", "uint16"]),
    seed=st.integers(0, 99),
)
def test_a_stored_fit_encodes_as_before_in_the_same_dtype(dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": rng.integers(0, 100, 30).astype(dtype),
            "b": rng.integers(0, 100, 30).astype(dtype),
            "c": rng.integers(0, 3, 30).astype(dtype),
        }
    )
    coders: list[tuple[Any, list[str]]] = [
        (StandardScaler(), ["b"]),
        (OneHotEncoder(), ["c"]),
        (MinMaxScaler(), ["a"]),
    ]
    steps = []
    for estimator, columns in coders:
        prepared = prepare_coder(estimator, for_label=False)
        steps.append((prepared, trial_dimension(prepared, frame[columns]), columns))
    fit = fit_feature(steps, list(frame), frame, np.arange(20))
    stored = FeatureFit.from_bytes(fit.to_bytes())
    for values in (frame, frame.iloc[::-1]):
        before, after = fit.transform(values), stored.transform(values)
        assert before.dtype == after.dtype
        assert before.tobytes() == after.tobytes()
    array = frame.to_numpy().reshape(5, 6, 3)
    np.testing.assert_allclose(
        stored.transform_array(array).reshape(30, -1), fit.transform(frame), rtol=1e-6
    )


@given(count=st.integers(2, 30), seed=st.integers(0, 9))
def test_sizes_that_leave_no_row_to_train_are_refused(count: int, seed: int) -> None:
    try:
        plan = make_split(count, size_test=0.99, seed=seed)
    except InvalidSplit:
        assert -(-99 * count // 100) >= count
    else:
        assert len(plan.samples["train"]) == count - -(-99 * count // 100) >= 1
