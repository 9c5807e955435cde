"""The data sets that ship: complete, small, licensed, and equal to their sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aiqc import datum
from aiqc.core.errors import InvalidInput
from aiqc.orm import Dataset

FOLDER = Path(datum.__file__).parent
NAMES = ["breast_cancer", "diabetes", "penguins"]


def test_every_data_set_is_listed_with_its_origin() -> None:
    table = datum.list_datums()
    assert table["name"].tolist() == NAMES
    assert table["rows"].tolist() == [569, 442, 344]
    assert table["columns"].tolist() == [31, 11, 8]
    analyses = ["classification_binary", "regression", "classification_multi"]
    assert table["analysis"].tolist() == analyses
    texts = table[["source", "licence", "description"]]
    assert texts.map(len).min().min() >= len("CC0 1.0")
    files = {path.stem for path in FOLDER.glob("*.parquet")}
    assert files == set(NAMES)


def test_together_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.parquet")) <= 300_000


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_has_its_line(name: str) -> None:
    row = datum.list_datums().set_index("name").loc[name]
    facts = [name, row["analysis"], row["label"], row["rows"], row["columns"]]
    line = " | ".join(map(str, [*facts, row["source"], row["licence"]]))
    assert f"| {line} |" in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_is_what_the_file_holds(name: str) -> None:
    frame = datum.to_df(name)
    row = datum.list_datums().set_index("name").loc[name]
    assert frame.shape == (row["rows"], row["columns"])
    assert not frame[row["label"]].isna().any()
    pd.testing.assert_frame_equal(frame, pd.read_parquet(datum.get_path(name)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("store")
def test_a_data_set_can_be_registered_from_its_path(name: str) -> None:
    dataset = Dataset.Tabular.from_path(datum.get_path(name), name=name)
    pd.testing.assert_frame_equal(dataset.to_df(), datum.to_df(name))


def test_breast_cancer_is_scikit_learns() -> None:
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer()
    frame = datum.to_df("breast_cancer")
    np.testing.assert_array_equal(frame.drop(columns="diagnosis").to_numpy(), source.data)
    assert (frame["diagnosis"] == source.target_names[source.target]).all()


def test_diabetes_is_scikit_learns_in_its_own_units() -> None:
    from sklearn.datasets import load_diabetes

    source = load_diabetes(scaled=False)
    frame = datum.to_df("diabetes")
    np.testing.assert_array_equal(frame.drop(columns="progression").to_numpy(), source.data)
    np.testing.assert_array_equal(frame["progression"].to_numpy(), source.target)


def test_penguins_keep_their_gaps() -> None:
    frame = datum.to_df("penguins")
    gaps = {name: int(count) for name, count in frame.isna().sum().items() if count}
    measured = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert gaps == {**dict.fromkeys(measured, 2), "sex": 11}
    # published counts: Horst, Hill and Gorman (2020)
    counts = frame["species"].value_counts().to_dict()
    assert counts == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}


@pytest.mark.parametrize(
    ("name", "nearest"), [("pengiuns", "penguins"), ("breast cancer", "breast_cancer"), (3, "dia")]
)
def test_an_unknown_name_gets_the_nearest_ones(name: object, nearest: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{name!r}.*nearest names are: .*{nearest}"):
        datum.to_df(name)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="nearest"):
        datum.get_path(name)  # type: ignore[arg-type]


def test_importing_it_loads_no_pandas() -> None:
    import subprocess
    import sys

    code = "import sys, aiqc.datum; assert not {'pandas', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
