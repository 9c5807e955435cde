"""The data sets that ship: complete, small, licensed, and equal to their sources."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aiqc import datum
from aiqc.core.errors import InvalidInput
from aiqc.datum import catalogue
from aiqc.datum.manifests import MANIFESTS
from aiqc.orm import Dataset

ROOT = Path(__file__).parents[2]
FOLDER = Path(datum.__file__).parent
PAGES = [FOLDER / "README.md", ROOT / "docs" / "reference" / "datum.md"]
DATA = {".parquet", ".npy", ".png"}
BUDGET = 5_000_000

#: name -> shape
FRAMES: dict[str, tuple[int, ...]] = {
    "auto_mpg": (392, 9),
    "breast_cancer": (569, 31),
    "diabetes": (442, 11),
    "digits_labels": (1797, 1),
    "penguins": (344, 8),
    "rain_table": (1447, 6),
    "seattle_weather": (1461, 6),
    "vowels_labels": (640, 2),
}
#: name -> shape, dtype
ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "digits": ((1797, 1, 8, 8), "uint8"),
    "rain_sequence": ((1447, 14, 4), "float32"),
    "sea_surface": ((54, 1, 18, 31), "float32"),
    "vowels": ((640, 20, 12), "float32"),
}
SHAPES = FRAMES | {name: shape for name, (shape, _) in ARRAYS.items()}
#: arrays, the table of the same samples, and the column to predict
PAIRS = [
    ("digits", "digits_labels", "digit"),
    ("rain_sequence", "rain_table", "tomorrow"),
    ("vowels", "vowels_labels", "speaker"),
]
#: packages that the data were taken from, and those that only tools/make_datum.py needs
SOURCES = ["sklearn", "palmerpenguins", "vega_datasets", "bokeh_sampledata", "sktime"]
SOURCES += ["iris_sample_data", "skimage", "h5py", "statsmodels"]


def listed() -> pd.DataFrame:
    return datum.list_datums().set_index("name")


def test_the_columns_of_the_list() -> None:
    assert datum.list_datums().columns.tolist() == [
        *["name", "typ", "analysis", "label", "goes_with", "shape", "rows", "columns", "bytes"],
        *["source", "licence", "description"],
    ]


def test_every_file_is_listed_and_every_listed_one_is_there() -> None:
    table = datum.list_datums()
    assert table["name"].tolist() == sorted(SHAPES)
    endings = table["typ"].map({"tabular": ".parquet", "sequence": ".npy", "image": ".npy"})
    names = set(table["name"] + endings)
    assert {path.name for path in FOLDER.iterdir() if path.suffix in DATA} == names


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_facts_in_the_list_are_those_of_the_file(name: str) -> None:
    row, path = listed().loc[name], Path(datum.get_path(name))
    assert row["shape"] == SHAPES[name]
    assert (row["rows"], row["columns"]) == SHAPES[name][-2:]
    assert row["bytes"] == len(path.read_bytes())
    if name in FRAMES:
        assert row["typ"] == "tabular"
        assert pd.read_parquet(path).shape == FRAMES[name]
    else:
        assert row["typ"] == {3: "sequence", 4: "image"}[len(SHAPES[name])]
        array = np.load(path)
        assert (array.shape, str(array.dtype)) == ARRAYS[name]


def test_each_has_an_origin_and_a_licence() -> None:
    texts = listed()[["source", "licence", "description"]]
    assert texts.map(len).min().min() >= len("CC0 1.0")
    assert all(entry.source and entry.licence and entry.description for entry in MANIFESTS)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_label_is_in_the_table_itself_or_in_the_one_it_goes_with(name: str) -> None:
    row = listed().loc[name]
    labels = {"seattle_weather": "", "sea_surface": ""}
    assert (row["label"] == "") == (name in labels)
    if row["label"]:
        table = datum.to_df(name if name in FRAMES else row["goes_with"])
        assert not table[row["label"]].isna().any()


def test_what_goes_together_has_the_same_samples() -> None:
    table = listed()
    pairs = table[table["goes_with"] != ""]
    assert sorted(pairs.index) == sorted(name for pair in PAIRS for name in pair[:2])
    for arrays, frame, label in PAIRS:
        assert table.loc[arrays, "goes_with"] == frame
        assert table.loc[frame, "goes_with"] == arrays
        assert set(table.loc[[arrays, frame], "label"]) == {label}
        assert len(datum.to_arr(arrays)) == len(datum.to_df(frame))


def test_together_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= BUDGET


def test_every_data_file_is_part_of_the_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    globs = config["options.package_data"]["aiqc"].split()
    packed = {path for pattern in globs for path in FOLDER.parent.glob(pattern)}
    data = {path for path in FOLDER.rglob("*") if path.suffix in DATA}
    assert len(data) == len(SHAPES) + 15
    assert data <= packed


def zero_values(path: Path) -> None:
    """Overwrite everything in a file but what describes it."""
    content = bytearray(path.read_bytes())
    if path.suffix == ".npy":
        kept = slice(10 + int.from_bytes(content[8:10], "little"), len(content))
    else:
        footer = int.from_bytes(content[-8:-4], "little")
        kept = slice(4, len(content) - 8 - footer)
    content[kept] = bytes(kept.stop - kept.start)
    path.write_bytes(content)


def test_the_list_reads_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = datum.list_datums()
    for name in SHAPES:
        zero_values(Path(shutil.copy2(datum.get_path(name), tmp_path)))
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    pd.testing.assert_frame_equal(datum.list_datums(), expected)
    assert not datum.to_arr("vowels").any()


@pytest.mark.parametrize("page", PAGES, ids=["licences", "reference"])
def test_the_tables_of_the_pages_are_up_to_date(page: Path) -> None:
    rows = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append(cells)
    heads = {"licences": ["name", "analysis"], "reference": ["name", "typ"]}
    head = next(cells for cells in rows if cells[:2] in heads.values())
    for _, entry in datum.list_datums().iterrows():
        assert [str(entry[column]) for column in head] in rows
    for entry in MANIFESTS:
        count = str(len(datum.get_remote_urls(entry.name)))
        assert [entry.name, count, entry.source, entry.licence, entry.description] in rows


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_a_frame_is_what_the_file_holds(name: str) -> None:
    frame = datum.to_df(name)
    assert frame.shape == FRAMES[name]
    pd.testing.assert_frame_equal(frame, pd.read_parquet(datum.get_path(name)))


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_an_array_is_what_the_file_holds_and_ones_own(name: str) -> None:
    array = datum.to_arr(name)
    assert np.isfinite(array).all()
    array[:] = 0
    again = datum.to_arr(name)
    assert again.any()
    np.testing.assert_array_equal(again, np.load(datum.get_path(name)))


@pytest.mark.parametrize("name", sorted(FRAMES))
@pytest.mark.usefixtures("store")
def test_a_table_can_be_registered_from_its_path(name: str) -> None:
    dataset = Dataset.Tabular.from_path(datum.get_path(name), name=name)
    pd.testing.assert_frame_equal(dataset.to_df(), datum.to_df(name))


@pytest.mark.parametrize("name", sorted(ARRAYS))
@pytest.mark.usefixtures("store")
def test_an_array_can_be_registered_from_its_path(name: str) -> None:
    kind = Dataset.Sequence if len(SHAPES[name]) == 3 else Dataset.Image
    dataset = kind.from_numpy(datum.get_path(name), name=name)
    np.testing.assert_array_equal(dataset.to_arr(), datum.to_arr(name))


@pytest.mark.parametrize(
    ("name", "nearest"), [("pengiuns", "penguins"), ("breast cancer", "breast_cancer"), (3, "dia")]
)
def test_an_unknown_name_gets_the_nearest_ones(name: object, nearest: str) -> None:
    for function in (datum.to_df, datum.to_arr, datum.get_path):
        with pytest.raises(InvalidInput, match=rf"{name!r}.*nearest names are: .*{nearest}"):
            function(name)  # type: ignore[arg-type]


def test_a_table_is_no_array_and_the_other_way_round() -> None:
    with pytest.raises(InvalidInput, match=r"'penguins' is a table.*to_df"):
        datum.to_arr("penguins")
    with pytest.raises(InvalidInput, match=r"'digits' has the typ 'image'.*to_arr"):
        datum.to_df("digits")


@pytest.mark.parametrize(
    ("name", "size", "mode", "stems"),
    [
        ("digits", (8, 8), "L", list("0123456789")),
        (
            "photos",
            (64, 64),
            "RGB",
            ["chelsea", "coffee", "hubble_deep_field", "retina", "rocket"],
        ),
    ],
)
def test_urls_open_with_the_pixels_of_the_files(
    name: str, size: tuple[int, int], mode: str, stems: list[str]
) -> None:
    urls = datum.get_remote_urls(name)
    paths = [FOLDER / "images" / name / f"{stem}.png" for stem in stems]
    assert [url.rpartition("/")[2] for url in urls] == [path.name for path in paths]
    for url, path in zip(urls, paths, strict=True):
        assert url.startswith("file:///")
        with fsspec.open(url, "rb") as file, Image.open(file) as fetched, Image.open(path) as held:
            assert (held.size, held.mode) == (size, mode)
            np.testing.assert_array_equal(np.asarray(fetched), np.asarray(held))
            assert np.asarray(held).std() > 10


@pytest.mark.parametrize(
    ("name", "shape"), [("digits", (10, 1, 8, 8)), ("photos", (5, 3, 64, 64))]
)
@pytest.mark.usefixtures("store")
def test_images_can_be_registered_from_their_urls(name: str, shape: tuple[int, ...]) -> None:
    images = Dataset.Image.from_urls(datum.get_remote_urls(name)).to_arr()
    held = [np.asarray(Image.open(path)) for path in sorted((FOLDER / "images" / name).iterdir())]
    expected = np.stack([np.atleast_3d(pixels).transpose(2, 0, 1) for pixels in held])
    assert images.shape == shape
    np.testing.assert_array_equal(images, expected)


def test_the_pictures_of_digits_are_those_of_the_data_set() -> None:
    label = datum.to_df("digits_labels")["digit"].to_numpy()
    images = datum.to_arr("digits")
    for digit, url in enumerate(datum.get_remote_urls("digits")):
        with fsspec.open(url, "rb") as file, Image.open(file) as picture:
            first = images[np.flatnonzero(label == digit)[0], 0]
            np.testing.assert_array_equal(np.asarray(picture), first * 15)


@pytest.mark.parametrize("folder", ["with a space", "50%20 off", "größer"])
def test_urls_open_wherever_the_package_lies(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER / "images", tmp_path / folder / "images")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path / folder)
    urls = datum.get_remote_urls("digits")
    assert len(urls) == 10
    for url in urls:
        with fsspec.open(url, "rb") as file:
            assert file.read(4) == b"\x89PNG"


@pytest.mark.parametrize("name", ["digit", "", None])
def test_an_unknown_manifest_gets_the_known_ones(name: object) -> None:
    with pytest.raises(InvalidInput, match=rf"{name!r}.*known ones are: digits, photos\."):
        datum.get_remote_urls(name)  # type: ignore[arg-type]


def test_importing_it_loads_no_pandas() -> None:
    code = "import sys, aiqc.datum; assert not {'numpy', 'pandas', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_packages_of_origin_are_not_needed() -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({SOURCES!r}))\n"
        "from aiqc import datum\n"
        f"sizes = [len(datum.to_df(name)) for name in {sorted(FRAMES)!r}]\n"
        f"sizes += [len(datum.to_arr(name)) for name in {sorted(ARRAYS)!r}]\n"
        "urls = datum.get_remote_urls('digits') + datum.get_remote_urls('photos')\n"
        "print(len(datum.list_datums()), sum(sizes), len(urls))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    total = sum(shape[0] for shape in SHAPES.values())
    assert done.stdout.split() == [str(len(SHAPES)), str(total), "15"]
