"""Every row of spec/003 about interpolaters, windows and shapers, through the public names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from spec_rows import SpecRow, spec_rows

from aiqc.core.errors import AIQCError
from aiqc.orm import *  # noqa: F403 - as users import it
from aiqc.orm import (
    Dataset,
    Feature,
    FeatureInterpolater,
    FeatureShaper,
    Label,
    LabelInterpolater,
    Window,
)

CLASSES = {
    "LabelInterpolater": LabelInterpolater,
    "FeatureInterpolater": FeatureInterpolater,
    "FeatureShaper": FeatureShaper,
    "Window": Window,
}
ROWS = [row for row in spec_rows() if row.owner in CLASSES]
SPLINE = {
    "method": "spline",
    "limit_direction": "both",
    "limit_area": None,
    "axis": 0,
    "order": 1,
}
LINEAR = {"method": "linear", "limit_direction": "both", "axis": 0}


@dataclass(frozen=True)
class Bench:
    """One Dataset, a Feature and a Label of it, and what a step is made from."""

    dataset: Dataset
    feature: Feature
    label: Label


@pytest.fixture
def bench(store: Any) -> Bench:
    days = np.arange(10)
    frame = pd.DataFrame(
        {
            "name": [f"day {n}" for n in days],
            "count": days,
            "heat": days * 1.5,
            "wind": days.astype(np.float32),
        }
    )
    frame.loc[[2, 3], ["heat", "wind"]] = np.nan
    dataset = Dataset.Tabular.from_df(frame)
    return Bench(dataset, Feature.from_dataset(dataset), Label.from_dataset(dataset, "heat"))


def make(bench: Bench, name: str, **arguments: Any) -> Any:
    """Make a step with as few arguments as the specification requires, and read it back."""
    if name == "LabelInterpolater":
        row = LabelInterpolater.from_label(**{"label_id": bench.label.id, **arguments})
    elif name == "FeatureInterpolater":
        row = FeatureInterpolater.from_feature(**{"feature_id": bench.feature.id, **arguments})
    elif name == "Window":
        sizes = {"size_window": 3, "size_shift": 2}
        row = Window.from_feature(**{"feature_id": bench.feature.id, **sizes, **arguments})
    else:
        shape = {"reshape_indices": (0, "1", 1)}
        row = FeatureShaper.from_feature(**{"feature_id": bench.feature.id, **shape, **arguments})
    return CLASSES[name].of(row.id)


#: attribute -> its value with the defaults, from the bench
ATTRIBUTES: dict[str, Callable[[Bench], Any]] = {
    "LabelInterpolater.process_separately": lambda _: True,
    "LabelInterpolater.interpolate_kwargs": lambda _: SPLINE,
    "LabelInterpolater.matching_columns": lambda _: ["heat"],
    "LabelInterpolater.label": lambda bench: bench.label,
    "FeatureInterpolater.idx": lambda _: 0,
    "FeatureInterpolater.process_separately": lambda _: True,
    "FeatureInterpolater.interpolate_kwargs": lambda _: SPLINE,
    "FeatureInterpolater.matching_columns": lambda _: ["heat", "wind"],
    "FeatureInterpolater.leftover_columns": lambda _: ["name", "count"],
    "FeatureInterpolater.leftover_dtypes": lambda _: {"name": "str", "count": "int64"},
    "FeatureInterpolater.original_filter": lambda _: {
        "include": True,
        "dtypes": None,
        "columns": None,
    },
    "FeatureInterpolater.feature": lambda bench: bench.feature,
    "FeatureShaper.reshape_indices": lambda _: (0, "1", 1),
    "FeatureShaper.column_position": lambda _: 2,
    "FeatureShaper.feature": lambda bench: bench.feature,
    "Window.size_window": lambda _: 3,
    "Window.size_shift": lambda _: 2,
    "Window.window_count": lambda _: 3,
    "Window.samples_unshifted": lambda _: [[1, 2, 3], [3, 4, 5], [5, 6, 7]],
    "Window.samples_shifted": lambda _: [[3, 4, 5], [5, 6, 7], [7, 8, 9]],
    "Window.feature": lambda bench: bench.feature,
}

#: argument -> (another value than its default, an attribute that shows it, what it then is)
ARGUMENTS: dict[str, tuple[Any, str, Any]] = {
    "LabelInterpolater.from_label.process_separately": (False, "process_separately", False),
    "LabelInterpolater.from_label.interpolate_kwargs": (LINEAR, "interpolate_kwargs", LINEAR),
    "FeatureInterpolater.from_feature.process_separately": (False, "process_separately", False),
    "FeatureInterpolater.from_feature.interpolate_kwargs": (LINEAR, "interpolate_kwargs", LINEAR),
    "FeatureInterpolater.from_feature.dtypes": (["float32"], "matching_columns", ["wind"]),
    "FeatureInterpolater.from_feature.columns": (["heat"], "matching_columns", ["heat"]),
    "FeatureInterpolater.from_feature.verbose": (False, "idx", 0),
    "FeatureShaper.from_feature.reshape_indices": ((0, 1, "1"), "column_position", 1),
    "Window.from_feature.size_window": (
        6,
        "samples_shifted",
        [[2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9]],
    ),
    "Window.from_feature.size_shift": (7, "samples_unshifted", [[0, 1, 2]]),
    "Window.from_feature.record_shifted": (False, "samples_shifted", None),
}
#: the argument that says whose step it is
OWNERS = {
    "LabelInterpolater": "label_id",
    "FeatureInterpolater": "feature_id",
    "FeatureShaper": "feature_id",
    "Window": "feature_id",
}


def of_kind(kind: str) -> list[SpecRow]:
    return [row for row in ROWS if row.kind == kind]


def test_every_row_has_an_expectation() -> None:
    assert {row.place for row in of_kind("attribute")} == set(ATTRIBUTES)
    methods = {row.owner: row.member for row in of_kind("method")}
    owners = {f"{name}.{methods[name]}.{argument}" for name, argument in OWNERS.items()}
    assert {row.place for row in of_kind("argument")} == set(ARGUMENTS) | owners
    assert {row.owner for row in of_kind("class")} == set(CLASSES) == set(methods)


@pytest.mark.parametrize("row", of_kind("class"), ids=lambda row: row.place)
def test_class(row: SpecRow) -> None:
    assert globals()[row.owner] is CLASSES[row.owner]
    assert row.owner in __import__("aiqc.orm", fromlist=["orm"]).__all__


@pytest.mark.parametrize("row", of_kind("attribute"), ids=lambda row: row.place)
def test_attribute(row: SpecRow, bench: Bench) -> None:
    found = getattr(make(bench, row.owner), row.member)
    expected = ATTRIBUTES[row.place](bench)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "row",
    [row for row in of_kind("argument") if row.place in ARGUMENTS],
    ids=lambda row: row.place,
)
def test_argument(row: SpecRow, bench: Bench) -> None:
    value, attribute, expected = ARGUMENTS[row.place]
    made = make(bench, row.owner, **{row.argument: value})
    assert getattr(made, attribute) == expected


@pytest.mark.parametrize("row", of_kind("method"), ids=lambda row: row.place)
def test_method(row: SpecRow, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Its arguments come in the text's order, by position as well; rows stand for their ids."""
    documented = [r for r in of_kind("argument") if r.owner == row.owner]
    method = getattr(CLASSES[row.owner], row.member)
    parameters = inspect.signature(method).parameters
    assert list(parameters) == [r.argument for r in documented]
    required = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty]
    assert required == [r.argument for r in documented if r.default == "required"]
    owner = bench.label if row.owner == "LabelInterpolater" else bench.feature
    values = [ARGUMENTS[r.place][0] for r in documented[1:]]
    if row.owner == "FeatureInterpolater":
        # dtypes and columns together would name more than the attribute shows
        values[3] = None
    made = method(owner, *values)
    assert getattr(made, row.member.removeprefix("from_")) == owner
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("wrong", [99, None, "1", 1.0])
def test_whose_step_it_is_must_exist(name: str, wrong: Any, bench: Bench) -> None:
    with pytest.raises((AIQCError, TypeError), match=r"99|None|'1'|1\.0"):
        make(bench, name, **{OWNERS[name]: wrong})
    assert CLASSES[name].select().count() == 0


def test_verbose_speaks_on_stderr(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    make(bench, "FeatureInterpolater")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "'spline' fills 4 missing values of 2 columns" in shown.err
