"""The schema check lists every difference and refuses nothing else."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from aiqc.core.errors import Incompatible
from aiqc.pipeline.schema_check import (
    FeatureSchema,
    LabelSchema,
    Schema,
    WindowSchema,
    check_schema,
    differences,
)
from aiqc.pipeline.unknown import first_row

TABLE = FeatureSchema("tabular", ["a", "b", "c"], {"a": "float64", "b": "int64", "c": "str"}, ())
SEQUENCE = FeatureSchema("sequence", ["0", "1"], {"0": "float32", "1": "float32"}, (24,))
IMAGE = FeatureSchema("image", ["0", "1"], {"0": "uint8", "1": "uint8"}, (3, 4, 2))
LABEL = LabelSchema(["y"], {"y": "str"}, ["no", "yes"])
WINDOWED = replace(TABLE, window=WindowSchema(5, 2, True))


def found(trained: FeatureSchema, new: FeatureSchema) -> list[str]:
    return differences(Schema([trained], None), Schema([new], None))


@pytest.mark.parametrize(
    ("trained", "new"),
    [
        (TABLE, TABLE),
        (TABLE, replace(TABLE, columns=["c", "a", "b"])),
        (
            TABLE,
            replace(TABLE, columns=["z", "c", "a", "b"], dtypes={**TABLE.dtypes, "z": "bool"}),
        ),
        (TABLE, replace(TABLE, dtypes={"a": "int8", "b": "Float32", "c": "object"})),
        (TABLE, replace(TABLE, dtypes={"a": "float64", "b": "uint8", "c": "category"})),
        (SEQUENCE, replace(SEQUENCE, dtypes={"0": "int64", "1": "int64"}, sample_count=9)),
        (WINDOWED, WINDOWED),
        (WINDOWED, replace(WINDOWED, window=WindowSchema(5, 2, False))),
        # without shifted windows the shift only says which windows are predicted
        (WINDOWED, replace(WINDOWED, window=WindowSchema(5, 1, False))),
    ],
)
def test_what_the_model_takes(trained: FeatureSchema, new: FeatureSchema) -> None:
    assert found(trained, new) == []


@pytest.mark.parametrize(
    ("trained", "new", "texts"),
    [
        (
            TABLE,
            replace(TABLE, columns=["a", "x"]),
            ["Feature 0 lacks the columns ['b', 'c']", "'x'"],
        ),
        (TABLE, SEQUENCE, ["Feature 0 is sequence; register tabular data"]),
        (
            TABLE,
            replace(TABLE, dtypes={"a": "str", "b": "bool", "c": "int64"}),
            [
                "'a' is str and was float64",
                "'b' is bool and was int64",
                "'c' is int64 and was str",
            ],
        ),
        (
            replace(TABLE, dtypes={**TABLE.dtypes, "a": "datetime64[ns]"}),
            TABLE,
            ["'a' is float64 and was datetime64[ns]"],
        ),
        (
            replace(TABLE, dtypes={**TABLE.dtypes, "a": "bool"}),
            TABLE,
            ["'a' is float64 and was bool"],
        ),
        (SEQUENCE, replace(SEQUENCE, sample_shape=(23,)), ["(23,)", "(24,)"]),
        (IMAGE, replace(IMAGE, sample_shape=(1, 4, 2)), ["(1, 4, 2)", "(3, 4, 2)"]),
        (TABLE, WINDOWED, ["has a Window", "leave it out"]),
        (
            WINDOWED,
            TABLE,
            ["has no Window", "Window.from_feature(feature, 5, 2, record_shifted=False)"],
        ),
        (WINDOWED, replace(TABLE, window=WindowSchema(4, 2, False)), ["windows of 4 rows, not 5"]),
        (
            WINDOWED,
            replace(TABLE, window=WindowSchema(5, 3, True)),
            ["shifted by 3 rows", "size_shift=2"],
        ),
    ],
)
def test_what_differs_is_named(
    trained: FeatureSchema, new: FeatureSchema, texts: list[str]
) -> None:
    (text,) = found(trained, new)
    assert [part for part in texts if part not in text] == []


def test_another_number_of_features_names_the_order() -> None:
    (text,) = differences(Schema([TABLE, SEQUENCE], None), Schema([TABLE], None))
    assert "1 Features are given and 2 were trained on" in text
    assert "0: ['a', 'b', 'c']; 1: ['0', '1']" in text


@pytest.mark.parametrize(
    ("trained", "new", "texts"),
    [
        (LABEL, None, []),
        (None, None, []),
        (LABEL, LABEL, []),
        (LABEL, replace(LABEL, classes=["yes"]), []),
        (replace(LABEL, classes=None), replace(LABEL, classes=["maybe"]), []),
        (LABEL, replace(LABEL, classes=None), []),
        (
            replace(LABEL, dtypes={"y": "int64"}, classes=[0, 1]),
            replace(LABEL, dtypes={"y": "float64"}, classes=[1.0]),
            [],
        ),
        (None, LABEL, ["unsupervised", "leave it out"]),
        (LABEL, replace(LABEL, classes=["maybe", "no"]), ["['maybe']", "['no', 'yes']"]),
        (LABEL, replace(LABEL, columns=["z"], dtypes={"z": "str"}), ["lacks the columns ['y']"]),
        (LABEL, replace(LABEL, dtypes={"y": "int64"}), ["'y' is int64 and was str"]),
    ],
)
def test_labels(trained: LabelSchema | None, new: LabelSchema | None, texts: list[str]) -> None:
    text = " ".join(differences(Schema([TABLE], trained), Schema([TABLE], new)))
    assert bool(text) == bool(texts)
    assert [part for part in texts if part not in text] == []


def test_one_error_lists_everything_with_the_position_of_the_feature() -> None:
    trained = Schema([TABLE, SEQUENCE, WINDOWED], LABEL)
    new = Schema(
        [
            replace(TABLE, columns=["a", "b"]),
            replace(SEQUENCE, sample_shape=(5,), dtypes={"0": "float32", "1": "bool"}),
            TABLE,
        ],
        replace(LABEL, classes=["other"]),
    )
    with pytest.raises(Incompatible) as caught:
        check_schema(trained, new, "<Predictor 7>")
    assert len(caught.value.facts["differences"]) == 5
    lines = str(caught.value).splitlines()
    assert "<Predictor 7>" in lines[0]
    places = ["Feature 0 lacks", "Feature 1 has other types", "Feature 1 has samples"]
    places += ["Feature 2 has no Window", "The Label ['y'] holds the classes ['other']"]
    numbered = [f"{number}. {place}" for number, place in enumerate(places, start=1)]
    assert all(start in line for start, line in zip(numbered, lines[1:], strict=True))


def test_long_lists_are_cut() -> None:
    many = [f"c{number}" for number in range(30)]
    wide = FeatureSchema("tabular", many, dict.fromkeys(many, "float64"), ())
    (text,) = found(wide, replace(wide, columns=["x"], dtypes={"x": "int64"}))
    assert "'c9', and 20 more" in text


@pytest.mark.parametrize(
    ("values", "wanted", "row"),
    [
        (["a", "b", "b"], "b", 1),
        (["a", None], None, 1),
        ([1.0, float("nan")], float("nan"), 1),
        ([1, 2], 3, None),
        (pd.Series([1, None, 5], dtype="Int64"), 5, 2),
    ],
)
def test_the_first_row_of_a_value(values: object, wanted: object, row: int | None) -> None:
    assert first_row(pd.Series(values), wanted) == row  # type: ignore[call-overload]
