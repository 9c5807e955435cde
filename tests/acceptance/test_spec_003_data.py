"""What spec/003 §1ai2, §1ai3 and §1aii say of sequences and images is in the code as it says."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from spec_rows import REQUIRED, SpecRow, owner_of, spec_rows

from aiqc.orm import Dataset

OWNERS = ("Dataset.Sequence", "Dataset.Image")
ROWS = [
    row
    for row in spec_rows()
    if row.owner in OWNERS or (row.owner, row.member) == ("Dataset", "to_pillow")
]
#: call -> arguments in the order of the text; what follows is ours and keyword-only
SHARED = "ingest rename_columns retype description name"
CALLS = {
    "Dataset.Sequence.from_numpy": f"arr3D_or_npyPath {SHARED}",
    "Dataset.Image.from_numpy": f"arr4D_or_npyPath {SHARED}",
    "Dataset.Image.from_folder": f"folder_path {SHARED}",
    "Dataset.Image.from_urls": f"urls source_path {SHARED}",
}


def test_every_row_is_looked_at() -> None:
    kinds = [row.kind for row in ROWS]
    assert (kinds.count("class"), kinds.count("method"), kinds.count("argument")) == (2, 5, 27)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.place)
def test_the_row_is_true(row: SpecRow) -> None:
    owner = owner_of(row.owner)
    assert inspect.isclass(owner)
    assert owner.__doc__
    if row.kind == "class":
        return
    member = getattr(owner, row.member)
    assert inspect.getdoc(member)
    if row.kind == "argument":
        found = inspect.signature(member).parameters[row.argument].default
        expected: Any = inspect.Parameter.empty
        if row.default != REQUIRED:
            expected = ast.literal_eval(row.default)
        assert found == expected


@pytest.mark.parametrize("call", CALLS)
def test_documented_arguments_come_first(call: str) -> None:
    owner, _, method = call.rpartition(".")
    parameters = inspect.signature(getattr(owner_of(owner), method)).parameters
    documented = CALLS[call].split()
    assert list(parameters)[: len(documented)] == documented
    rest = list(parameters.values())[len(documented) :]
    assert {item.kind for item in rest} <= {inspect.Parameter.KEYWORD_ONLY}


def test_the_story_of_the_text(store: Any, tmp_path: Path) -> None:
    """Register in each documented way, then fetch as documented, by id."""
    rng = np.random.default_rng(0)
    sequence, pixels = rng.normal(size=(6, 4, 2)), rng.integers(0, 256, (6, 5, 7), np.uint8)
    (tmp_path / "images").mkdir()
    paths = [str(tmp_path / "images" / f"i{number}.png") for number in range(6)]
    for path, sample in zip(paths, pixels, strict=True):
        Image.fromarray(sample).save(path)
    np.save(tmp_path / "four.npy", pixels[:, np.newaxis])
    info = {"description": "a story", "name": "story"}
    three = Dataset.Sequence.from_numpy(sequence, None, ["a", "b"], "float32", **info)
    ways = [
        Dataset.Image.from_numpy(str(tmp_path / "four.npy"), True),
        Dataset.Image.from_numpy(pixels[:, np.newaxis]),
        Dataset.Image.from_folder(str(tmp_path / "images"), True),
        Dataset.Image.from_urls(paths, str(tmp_path)),
    ]
    assert [row.is_ingested for row in (three, *ways)] == [True, True, True, True, False]
    assert [row.source_format for row in ways] == ["npy", "ndarray", "PNG", "PNG"]
    assert len({row.sha256_hexdigest for row in ways}) == 1
    assert (three.typ, three.version, three.dtypes) == ("sequence", 1, "float32")
    assert Dataset.to_arr(three.id).ndim == 3
    assert Dataset.get_dtypes(three.id, ["b"]) == {"b": "float32"}
    assert Dataset.to_df(three.id, ["b"], [5])[0].columns.tolist() == ["b"]
    for row in ways:
        assert row.shape == {"samples": 6, "channels": 1, "rows": 5, "columns": 7}
        assert Dataset.to_arr(row.id).ndim == 4
        frames = Dataset.to_df(row.id, samples=[1])
        np.testing.assert_array_equal(frames[0][0].to_numpy(), pixels[1])
        images = Dataset.to_pillow(row.id, samples=[3])
        np.testing.assert_array_equal(np.asarray(images[0]), pixels[3])
