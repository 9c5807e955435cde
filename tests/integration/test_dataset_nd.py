"""Sequences and images in a real store: registered, fetched, versioned, left where they are."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aiqc.core.codecs import from_json
from aiqc.core.errors import (
    Conflict,
    CorruptBlob,
    DataChanged,
    DuplicateWarning,
    InvalidColumns,
    InvalidData,
    InvalidInput,
    ResultWarning,
    Unsupported,
)
from aiqc.data import spool
from aiqc.data.array_input import open_npy
from aiqc.data.digest import frame_digest
from aiqc.orm import Dataset, Feature, Label, _blob_reader, _dataset_arrays
from aiqc.orm._blob_tables import Blob, BlobChunk
from aiqc.orm._blobs import BlobWriter, collect_orphans, read_blob

RNG = np.random.default_rng(5)
SEQUENCE = RNG.normal(size=(9, 4, 5))
IMAGES = RNG.integers(0, 256, size=(8, 3, 5, 6), dtype=np.uint8)


def save_images(folder: Path, pixels: np.ndarray = IMAGES, kind: str = "png") -> Path:
    """Write (samples, channels, rows, columns) as img1, img2, ... of one kind."""
    folder.mkdir(exist_ok=True)
    for number, sample in enumerate(pixels, start=1):
        Image.fromarray(sample.transpose(1, 2, 0)).save(folder / f"img{number}.{kind}")
    return folder


def save_array(folder: Path, array: np.ndarray = SEQUENCE, name: str = "a.npy") -> str:
    np.save(folder / name, array)
    return str(folder / name)


#: every way to register the two arrays
WAYS: dict[str, Callable[[Path], tuple[Dataset, np.ndarray]]] = {
    "sequence": lambda _: (Dataset.Sequence.from_numpy(SEQUENCE), SEQUENCE),
    "sequence file": lambda f: (Dataset.Sequence.from_numpy(save_array(f)), SEQUENCE),
    "sequence file, ingested": lambda f: (
        Dataset.Sequence.from_numpy(save_array(f), ingest=True),
        SEQUENCE,
    ),
    "sequence, retyped": lambda f: (
        Dataset.Sequence.from_numpy(save_array(f), retype="float32"),
        SEQUENCE.astype("float32"),
    ),
    "image": lambda _: (Dataset.Image.from_numpy(IMAGES), IMAGES),
    "image file": lambda f: (Dataset.Image.from_numpy(save_array(f, IMAGES)), IMAGES),
    "folder": lambda f: (Dataset.Image.from_folder(save_images(f / "i")), IMAGES),
    "folder, ingested": lambda f: (
        Dataset.Image.from_folder(str(save_images(f / "i")), ingest=True),
        IMAGES,
    ),
    "folder, retyped": lambda f: (
        Dataset.Image.from_folder(str(save_images(f / "i")), retype=np.float32),
        IMAGES.astype("float32"),
    ),
    "urls": lambda f: (
        Dataset.Image.from_urls(
            [f"file://{save_images(f / 'i')}/img{i}.png" for i in range(1, 9)]
        ),
        IMAGES,
    ),
}


@pytest.fixture(params=WAYS)
def registered(request: pytest.FixtureRequest, store: Any, tmp_path: Path) -> Any:
    return WAYS[request.param](tmp_path)


# --- fetching --------------------------------------------------------------


@pytest.mark.parametrize("samples", [None, [3], [7, 0, 0, 4], []], ids=str)
@pytest.mark.parametrize("columns", [None, ["2"], ["4", "0", "3"]], ids=str)
def test_fetching_is_numpy_indexing(registered: Any, samples: Any, columns: Any) -> None:
    dataset, whole = registered
    rows = slice(None) if samples is None else np.array(samples, dtype=int)
    places = slice(None) if columns is None else [int(name) for name in columns]
    expected = whole[rows][..., places]
    found = Dataset.to_arr(dataset.id, columns, samples)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)
    frames = dataset.to_df(columns, samples)
    names = columns or dataset.columns
    assert len(frames) == len(expected)
    for frame, sample in zip(frames, expected, strict=True):
        channels = frame if sample.ndim == 3 else [frame]
        for part, values in zip(channels, sample.reshape(-1, *sample.shape[-2:]), strict=True):
            pd.testing.assert_frame_equal(part, pd.DataFrame(values, columns=names))


def test_the_facts_are_those_of_the_array(registered: Any) -> None:
    dataset, whole = registered
    row = Dataset.of(dataset.id)
    names = [str(i) for i in range(whole.shape[-1])]
    axes = ["samples", "rows", "columns"] if whole.ndim == 3 else None
    axes = axes or ["samples", "channels", "rows", "columns"]
    assert (row.typ, list(row.shape)) == ("sequence" if whole.ndim == 3 else "image", axes)
    assert tuple(row.shape.values()) == whole.shape
    assert (row.columns, row.dtypes) == (names, str(whole.dtype))
    assert row.get_dtypes() == dict.fromkeys(names, str(whole.dtype))
    assert row.get_dtypes(["1", "0"]) == dict.fromkeys(["1", "0"], str(whole.dtype))
    assert (row.contains_nan, row.memory_MB) == (False, whole.nbytes / 1e6)
    described = pd.DataFrame(whole.reshape(-1, whole.shape[-1]), columns=names).describe()
    for name in names:
        found = row.statistics[name]
        assert found["nan_count"] == 0
        for key in ("count", "mean", "std", "min", "25%", "50%", "75%", "max"):
            assert found[key] == pytest.approx(described[name][key], rel=1e-6)
    listed = Dataset.list_df()
    assert listed[["samples", "columns"]].iloc[0].tolist() == [whole.shape[0], whole.shape[-1]]
    assert "Dataset" in row._repr_html_()


def test_the_blob_is_what_numpy_saves(registered: Any) -> None:
    dataset, whole = registered
    if dataset.is_ingested:
        sink = io.BytesIO()
        np.save(sink, np.ascontiguousarray(whole))
        assert dataset.blob == sink.getvalue()
    else:
        assert dataset.blob is None


@pytest.mark.parametrize("samples", [[8, 9], [-1], [0, 99]], ids=str)
def test_samples_that_do_not_exist_are_refused(registered: Any, samples: list[int]) -> None:
    dataset, whole = registered
    wrong = next(i for i in samples if not 0 <= i < len(whole))
    with pytest.raises(InvalidInput, match=f"There is no sample {wrong}: the data has"):
        dataset.to_arr(samples=samples)


@pytest.mark.parametrize(
    ("samples", "rows"),
    [
        (3, [3]),
        (np.array(3), [3]),
        (range(4, 1, -1), [4, 3, 2]),
        (np.array([2, 0], dtype="uint8"), [2, 0]),
        (pd.Series([2, 2]), [2, 2]),
        ({6, 1, 3}, [1, 3, 6]),
    ],
    ids=["int", "0-d", "range", "uint8", "series", "set"],
)
def test_samples_come_in_many_forms(registered: Any, samples: Any, rows: list[int]) -> None:
    dataset, whole = registered
    np.testing.assert_array_equal(dataset.to_arr(samples=samples), whole[rows])
    np.testing.assert_array_equal(dataset.to_arr({"3", "1"}, samples), whole[rows][..., [1, 3]])


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([True, False], r"values of bool.*of a mask, np\.flatnonzero"),
        ([[0, 1]], "2 dimensions"),
        ([[0], [1, 2]], "lists of several lengths"),
        ([0.0], "values of float64"),
        (["0"], "values of <U1"),
    ],
    ids=["mask", "2-d", "ragged", "float", "text"],
)
def test_samples_that_are_no_numbers_are_refused(
    registered: Any, samples: Any, message: str
) -> None:
    table = Dataset.Tabular.from_df(pd.DataFrame({"a": range(9)}))
    for dataset in (registered[0], table):
        for fetch in (dataset.to_arr, dataset.to_df):
            with pytest.raises(InvalidInput, match=f"samples must be .* it has {message}"):
                fetch(samples=samples)


@pytest.mark.parametrize("columns", [["9"], ["0", "0"], []], ids=str)
def test_columns_that_do_not_exist_are_refused(
    registered: Any, columns: list[str], tmp_path: Path
) -> None:
    pd.DataFrame({"0": [1], "1": [2]}).to_csv(tmp_path / "t.csv", index=False)
    table = Dataset.Tabular.from_path(tmp_path / "t.csv", ingest=False)
    for row in (registered[0], table, Feature.from_dataset(table)):
        for fetch in (row.to_arr, row.to_df, row.get_dtypes):
            with pytest.raises(InvalidColumns):
                fetch(columns=columns)


def test_features_are_some_columns(registered: Any) -> None:
    dataset, whole = registered
    feature = Feature.from_dataset(dataset, include_columns=["3", "1"])
    assert feature.sample_shape == (*whole.shape[1:-1], 2)
    np.testing.assert_array_equal(feature.to_arr(), whole[..., [3, 1]])
    np.testing.assert_array_equal(feature.to_arr(["1"], [2, 0]), whole[[2, 0]][..., [1]])
    assert feature.get_dtypes() == dict.fromkeys(["3", "1"], str(whole.dtype))
    assert len(feature.to_df(samples=[4])) == 1
    with feature.open_array() as source:
        assert (source.shape, source.dtype) == ((*whole.shape[:-1], 2), whole.dtype)
        found = source.read(np.array([5, 5, 2]), [1])
    np.testing.assert_array_equal(found, whole[[5, 5, 2]][..., [1]])
    rest = Feature.from_dataset(dataset, exclude_columns=["0"])
    assert rest.columns == dataset.columns[1:]


def test_the_sample_shape_of_a_table(store: Any) -> None:
    table = Dataset.Tabular.from_df(pd.DataFrame({"a": [1], "b": [2]}))
    assert Feature.from_dataset(table, "b").sample_shape == (1,)
    with pytest.raises(Unsupported, match="is tabular"), table.open_array():
        pass


def test_labels_are_of_tables(registered: Any) -> None:
    with pytest.raises(InvalidInput):
        Label.from_dataset(registered[0], ["0"])


# --- images ----------------------------------------------------------------


def test_the_documented_shape_and_order(store: Any, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, size=(12, 3, 5, 6), dtype=np.uint8)
    dataset = Dataset.Image.from_folder(save_images(tmp_path / "i", pixels))
    assert dataset.to_arr().shape == (12, 3, 5, 6)
    np.testing.assert_array_equal(dataset.to_arr(), pixels)
    assert dataset.manifest_content is not None
    manifest = from_json(read_blob(dataset.manifest_content).decode())
    assert manifest["files"] == [f"img{i}.png" for i in range(1, 13)]
    assert (dataset.source_format, dataset.source_path) == ("PNG", str(tmp_path / "i"))
    image = dataset.to_pillow([9])[0]
    assert (image.size, image.mode) == ((6, 5), "RGB")
    with Image.open(tmp_path / "i" / "img10.png") as original:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(original))


@pytest.mark.parametrize("ingest", [True, False])
@pytest.mark.parametrize(
    ("channels", "mode"), [((), "L"), ((2,), "LA"), ((3,), "RGB"), ((4,), "RGBA")]
)
def test_pixels_return_to_pillow(
    store: Any, tmp_path: Path, channels: tuple[int, ...], mode: str, ingest: bool
) -> None:
    folder = tmp_path / "i"
    folder.mkdir()
    originals = [
        Image.fromarray(RNG.integers(0, 256, (5, 6, *channels), dtype=np.uint8)) for _ in range(3)
    ]
    for number, image in enumerate(originals):
        image.save(folder / f"{number}.png")
    dataset = Dataset.Image.from_folder(folder, ingest=ingest, name=f"images {mode}")
    back = Dataset.to_pillow(dataset.id, samples=[2, 0])
    assert [image.mode for image in back] == [mode, mode]
    assert [image.tobytes() for image in back] == [originals[i].tobytes() for i in (2, 0)]
    assert dataset.shape["channels"] == (channels or (1,))[0]


def test_floats_are_no_pixels(store: Any) -> None:
    dataset = Dataset.Image.from_numpy(IMAGES / 255)
    with pytest.raises(InvalidData, match="3 channels of float64"):
        dataset.to_pillow()
    grey = Dataset.Image.from_numpy((IMAGES[:, :1] / 255).astype("float32"))
    assert (grey.to_pillow([0])[0].mode, grey.source_format) == ("F", "ndarray")
    with pytest.raises(Unsupported, match="only an image Dataset"):
        Dataset.Sequence.from_numpy(SEQUENCE).to_pillow()


def test_formats_may_differ_where_pixels_do_not(store: Any, tmp_path: Path) -> None:
    folder = save_images(tmp_path / "i", IMAGES[:2])
    Image.fromarray(IMAGES[2].transpose(1, 2, 0)).save(folder / "img3.bmp")
    dataset = Dataset.Image.from_folder(folder)
    assert dataset.source_format == "mixed"
    np.testing.assert_array_equal(dataset.to_arr(), IMAGES[:3])


def test_turned_photographs_are_told_of(store: Any, tmp_path: Path) -> None:
    folder = save_images(tmp_path / "i", IMAGES[:2])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(IMAGES[2].transpose(1, 2, 0)).save(folder / "img3.png", exif=exif)
    with pytest.warns(ResultWarning, match="1 of 3 images ask to be shown turned"):
        dataset = Dataset.Image.from_folder(folder)
    np.testing.assert_array_equal(dataset.to_arr(), IMAGES[:3])


def other_size(folder: Path) -> None:
    Image.new("RGB", (9, 9)).save(folder / "img4.png")


def other_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("notes")


def cut_off(folder: Path) -> None:
    data = (folder / "img3.png").read_bytes()
    (folder / "img3.png").write_bytes(data[:-30])


def other_folder(folder: Path) -> None:
    (folder / "cats").mkdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_size, r"7 are RGB, 5 rows x 6 columns; these are not: img4.png \(RGB, 9 rows"),
        (other_file, "not images that Pillow can read: 'notes.txt'"),
        (cut_off, "img3.png' is damaged or cut off"),
        (other_folder, "holds other folders: 'cats'"),
    ],
)
@pytest.mark.parametrize("ingest", [True, False])
def test_folders_are_refused_before_anything_is_written(
    store: Any, tmp_path: Path, spoil: Callable[[Path], None], message: str, ingest: bool
) -> None:
    spoil(save_images(tmp_path / "i"))
    with pytest.raises(InvalidInput, match=message):
        Dataset.Image.from_folder(tmp_path / "i", ingest=ingest)
    assert (Dataset.select().count(), BlobChunk.select().count()) == (0, 0)


def test_caps_are_arguments_and_hold_when_images_are_read_again(
    store: Any, tmp_path: Path
) -> None:
    folder = save_images(tmp_path / "i")
    with pytest.raises(InvalidData, match="it has 30 pixels; 29 are allowed"):
        Dataset.Image.from_folder(folder, max_pixels=29)
    with pytest.raises(InvalidData, match="has more than 50 bytes"):
        Dataset.Image.from_folder(folder, max_bytes=50)
    kept = Dataset.Image.from_urls([str(folder / "img1.png")], max_redirects=2, timeout=3.5)
    assert kept.read_options["timeout"] == 3.5
    assert kept.read_options["max_redirects"] == 2


def test_urls_are_recorded(store: Any, tmp_path: Path) -> None:
    folder = save_images(tmp_path / "i")
    urls = [f"file://{folder}/img{i}.png" for i in (3, 1)]
    dataset = Dataset.Image.from_urls(urls, source_path="ftp://site/images", name="x")
    assert (dataset.urls, dataset.source_path) == (urls, "ftp://site/images")
    np.testing.assert_array_equal(dataset.to_arr(), IMAGES[[2, 0]])
    memory = fsspec.filesystem("memory")
    for name in ("a.png", "b.png"):
        memory.pipe(f"/images/{name}", (folder / "img2.png").read_bytes())
    twice = Dataset.Image.from_urls([f"memory://images/{name}.png" for name in "ab"])
    np.testing.assert_array_equal(twice.to_arr(samples=[1]), IMAGES[[1]])


# --- arguments -------------------------------------------------------------


class Loud:
    """Unpickling it would leave a trace."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def pickled(folder: Path) -> str:
    array = np.empty((1, 1, 1), dtype=object)
    array[0, 0, 0] = Loud()
    np.save(folder / "o.npy", array, allow_pickle=True)
    return str(folder / "o.npy")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: Dataset.Sequence.from_numpy(IMAGES), "has 4 dimensions"),
        (lambda _: Dataset.Image.from_numpy(SEQUENCE), "has 3 dimensions"),
        (lambda f: Dataset.Image.from_numpy(save_array(f)), "a.npy' has 3 dimensions"),
        (lambda f: Dataset.Sequence.from_numpy(pickled(f)), "holds object"),
        (lambda f: Dataset.Sequence.from_numpy(save_array(f)[:-4] + ".csv"), "end with .npy"),
        (lambda f: Dataset.Sequence.from_numpy(str(f / "no.npy")), "There is no file"),
        (lambda _: Dataset.Sequence.from_numpy([[[1]]]), "is list, neither an ndarray"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE, ingest=False), "array in memory"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE, retype={"0": "f4"}), "is a dict"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE, retype="int8"), "cannot become 'int8'"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE, rename_columns=["a"]), "1 names for 5"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE[:0]), "is empty"),
        (lambda _: Dataset.Sequence.from_numpy(np.ma.masked_array(SEQUENCE)), "masked"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE * 1j), "holds complex128"),
        (lambda _: Dataset.Sequence.from_numpy(SEQUENCE, name=" "), "is empty"),
    ],
    ids=[*"abcdefghijklmno"],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=message):
        make(tmp_path)
    assert Dataset.select().count() == 0
    assert not (tmp_path / "unpickled").exists()


def test_paths_are_absolute_and_names_given(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_array(tmp_path)
    dataset = Dataset.Sequence.from_numpy("a.npy", rename_columns=list("vwxyz"))
    assert (dataset.source_path, dataset.is_ingested) == (str(tmp_path / "a.npy"), False)
    assert (dataset.source_format, dataset.columns) == ("npy", list("vwxyz"))
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(dataset.to_arr(["z", "v"]), SEQUENCE[..., [4, 0]])
    assert list(dataset.to_df(samples=[0])[0].columns) == list("vwxyz")


def test_missing_values_are_seen(store: Any) -> None:
    array = SEQUENCE.copy()
    array[3, 2, 1] = np.nan
    dataset = Dataset.Sequence.from_numpy(array)
    assert dataset.contains_nan
    assert [dataset.statistics[str(i)]["nan_count"] for i in range(5)] == [0, 1, 0, 0, 0]


def test_the_stored_array_is_a_copy(store: Any) -> None:
    array = SEQUENCE.copy()
    dataset = Dataset.Sequence.from_numpy(array)
    array[:] = 0
    np.testing.assert_array_equal(dataset.to_arr(), SEQUENCE)


# --- versions --------------------------------------------------------------


def test_equal_content_is_one_row_however_it_comes(any_store: Any, tmp_path: Path) -> None:
    first = Dataset.Image.from_numpy(IMAGES, name="pixels")
    folder = save_images(tmp_path / "i")
    again: list[Callable[[], Dataset]] = [
        lambda: Dataset.Image.from_folder(folder, name="pixels"),
        lambda: Dataset.Image.from_folder(folder, ingest=True, name="pixels"),
        lambda: Dataset.Image.from_numpy(save_array(tmp_path, IMAGES), name="pixels"),
        lambda: Dataset.Image.from_numpy(np.asfortranarray(IMAGES), name="pixels"),
    ]
    for register in again:
        with pytest.warns(DuplicateWarning, match="equal content exists as version 1") as caught:
            assert register() == first
        assert [Path(item.filename).name for item in caught] == [Path(__file__).name]
    assert Dataset.Image.from_numpy(IMAGES[::-1], name="pixels").version == 2
    renamed = Dataset.Image.from_numpy(IMAGES, rename_columns=list("abcdef"), name="pixels")
    assert renamed.version == 3
    assert Dataset.Image.from_numpy(IMAGES, retype="int16", name="pixels").version == 4
    np.testing.assert_array_equal(Dataset.of(first.id).to_arr(samples=[3]), IMAGES[[3]])


@pytest.mark.parametrize("kind", ["sequence", "array", "folder", "urls", "table", "frame"])
def test_a_duplicate_that_is_ingested_no_longer_needs_its_source(
    any_store: Any, tmp_path: Path, kind: str
) -> None:
    folder, path = save_images(tmp_path / "i"), save_array(tmp_path)
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    urls = [str(folder / f"img{i}.png") for i in (2, 1)]
    ways: dict[str, tuple[Callable[..., Dataset], Any, Any]] = {
        "sequence": (Dataset.Sequence.from_numpy, path, path),
        "array": (Dataset.Sequence.from_numpy, path, SEQUENCE),
        "folder": (Dataset.Image.from_folder, folder, folder),
        "urls": (Dataset.Image.from_urls, urls, urls),
        "table": (Dataset.Tabular.from_path, tmp_path / "t.csv", tmp_path / "t.csv"),
        "frame": (Dataset.Tabular.from_path, tmp_path / "t.csv", frame),
    }
    register, remote, again = ways[kind]
    first = register(remote, ingest=False, name="x")
    expected, digest = first.to_arr(), first.sha256_hexdigest
    options: dict[str, Any] = {} if kind in ("array", "frame") else {"ingest": True}
    register = Dataset.Tabular.from_df if kind == "frame" else register
    with pytest.warns(DuplicateWarning):
        assert register(again, name="x", **options) == first
    shutil.rmtree(folder)
    for name in ("a.npy", "t.csv"):
        (tmp_path / name).unlink()
    row = Dataset.of(first.id)
    assert (row.is_ingested, row.version, row.sha256_hexdigest) == (True, 1, digest)
    np.testing.assert_array_equal(row.to_arr(), expected)
    np.testing.assert_array_equal(row.to_arr(samples=[1]), expected[[1]])
    assert Dataset.select().count() == 1


def test_a_duplicate_tells_where_it_is_read_from(store: Any, tmp_path: Path) -> None:
    path, folder = save_array(tmp_path), save_images(tmp_path / "i")
    Dataset.Sequence.from_numpy(path, name="x")
    again = save_array(tmp_path, name="b.npy")
    with pytest.warns(DuplicateWarning, match=rf"is returned\. It is read from '{path}'; ingest="):
        Dataset.Sequence.from_numpy(again, name="x")
    urls = [str(folder / f"img{i}.png") for i in (2, 1)]
    Dataset.Image.from_urls(urls, name="y")
    with pytest.warns(DuplicateWarning, match=r"is returned\. It is read from 2 URLs; ingest="):
        Dataset.Image.from_urls(urls, name="y")
    with pytest.warns(DuplicateWarning, match=r"is returned\.$"):
        Dataset.Image.from_urls(urls, name="y", ingest=True)


def test_a_duplicate_that_is_not_ingested_keeps_its_copy(store: Any, tmp_path: Path) -> None:
    first = Dataset.Sequence.from_numpy(SEQUENCE, name="x")
    with pytest.warns(DuplicateWarning):
        assert Dataset.Sequence.from_numpy(save_array(tmp_path), name="x").is_ingested
    np.testing.assert_array_equal(Dataset.of(first.id).to_arr(), SEQUENCE)


def test_a_name_belongs_to_one_type(store: Any) -> None:
    Dataset.Sequence.from_numpy(SEQUENCE, name="study")
    with pytest.raises(Conflict, match="belongs to sequence data; this is image data"):
        Dataset.Image.from_numpy(IMAGES, name="study")
    with pytest.raises(Conflict, match="belongs to sequence data; this is tabular data"):
        Dataset.Tabular.from_df(pd.DataFrame({"a": [1]}), name="study")


# --- sources that change ---------------------------------------------------


def replaced(path: Path) -> None:
    np.save(path, -SEQUENCE)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 8)


def other_shape(path: Path) -> None:
    np.save(path, SEQUENCE[:, :, :4])


def other_dtype(path: Path) -> None:
    np.save(path, SEQUENCE.astype("float32"))


def text(path: Path) -> None:
    path.write_text("text")


@pytest.mark.parametrize("change", [replaced, cut, other_shape, other_dtype, text])
def test_a_changed_file_is_noticed(
    store: Any, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = Path(save_array(tmp_path))
    dataset = Dataset.Sequence.from_numpy(path)
    np.testing.assert_array_equal(dataset.to_arr(samples=[2]), SEQUENCE[[2]])
    change(path)
    for _ in range(2):
        with pytest.raises(DataChanged, match="is no longer the data"):
            dataset.to_arr(samples=[2])
    save_array(tmp_path)
    np.testing.assert_array_equal(dataset.to_arr(samples=[2]), SEQUENCE[[2]])


def test_a_file_is_compared_once_a_process(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset.Sequence.from_numpy(save_array(tmp_path))
    calls = []
    monkeypatch.setattr("aiqc.data.array_facts.array_digest", lambda *a: calls.append(a) or "x")
    dataset.to_arr()  # compared when it was registered
    assert calls == []
    _dataset_arrays._COMPARED.clear()
    with pytest.raises(DataChanged):
        dataset.to_arr()
    assert len(calls) == 1
    monkeypatch.undo()
    dataset.to_arr()
    monkeypatch.setattr("aiqc.data.array_facts.array_digest", lambda *a: calls.append(a) or "x")
    dataset.to_arr(samples=[1])
    assert len(calls) == 1


def test_a_file_that_is_replaced_while_it_is_opened_is_noticed(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_array(tmp_path)
    dataset = Dataset.Sequence.from_numpy(path)
    other = save_array(tmp_path, -SEQUENCE, "other.npy")

    def replaced_first(name: str) -> Any:
        Path(other).replace(path)
        return open_npy(name)

    monkeypatch.setattr("aiqc.data.array_input.open_npy", replaced_first)
    with pytest.raises(DataChanged):
        dataset.to_arr(samples=[2])


def test_a_changed_image_is_noticed_when_it_is_read(store: Any, tmp_path: Path) -> None:
    folder = save_images(tmp_path / "i")
    dataset = Dataset.Image.from_folder(folder)
    Image.fromarray(IMAGES[0].transpose(1, 2, 0)).save(folder / "img3.png")
    np.testing.assert_array_equal(dataset.to_arr(samples=[0, 7]), IMAGES[[0, 7]])
    with pytest.raises(DataChanged, match=r"img3.png' is no longer the image"):
        dataset.to_arr(samples=[0, 2])
    (folder / "img5.png").unlink()
    with pytest.raises(InvalidInput, match=r"There is no file .*img5.png"):
        dataset.to_pillow([4])


def test_only_the_images_that_are_asked_for_are_read(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiqc.data import fetch

    dataset = Dataset.Image.from_folder(save_images(tmp_path / "i"))
    read: list[str] = []
    actual = fetch._read
    monkeypatch.setattr(fetch, "_read", lambda p, n: (read.append(Path(p).name), actual(p, n))[1])
    dataset.to_arr(samples=[6, 1, 6])
    assert read == ["img2.png", "img7.png"]


# --- what is stored --------------------------------------------------------


def test_only_the_chunks_of_the_samples_are_fetched(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = RNG.integers(0, 256, size=(40, 3, 200, 200), dtype=np.uint8)
    dataset = Dataset.Image.from_numpy(array)
    fetched: list[int] = []
    actual = _blob_reader._fetch

    def counted(blob: Any, wanted: Any) -> list[bytes]:
        fetched.extend(wanted)
        return actual(blob, wanted)

    monkeypatch.setattr(_blob_reader, "_fetch", counted)
    np.testing.assert_array_equal(dataset.to_arr(samples=[20]), array[[20]])
    # the header, and 120 KB of 4.8 MB in chunks of 32 KB
    assert len(fetched) == len(set(fetched)) <= 6


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, np.ndarray]:
    """Images that are stored in several steps."""
    monkeypatch.setattr(spool, "STEP_BYTES", 100_000)
    pixels = np.random.default_rng(1).integers(0, 256, size=(30, 3, 70, 50), dtype=np.uint8)
    return save_images(tmp_path / "many", pixels), pixels


@pytest.mark.parametrize("retype", [None, "float32"])
def test_images_are_stored_while_they_are_decoded(
    any_store: Any, many: Any, retype: str | None
) -> None:
    folder, pixels = many
    whole = pixels if retype is None else pixels.astype(retype)
    dataset = Dataset.Image.from_folder(folder, ingest=True, retype=retype)
    assert read_blob(dataset.content) == saved(whole)
    same = Dataset.Image.from_numpy(whole)
    assert (same.sha256_hexdigest, same.content_id) == (
        dataset.sha256_hexdigest,
        dataset.content_id,
    )
    assert same.statistics.keys() == dataset.statistics.keys()
    assert same.statistics["7"] == pytest.approx(dataset.statistics["7"], rel=1e-9)
    picked = [29, 3, 3, 17]
    np.testing.assert_array_equal(dataset.to_arr(["4", "0"], picked), whole[picked][..., [4, 0]])


def test_a_duplicate_of_a_folder_is_not_written(
    store: Any, many: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, pixels = many
    first = Dataset.Image.from_folder(folder, ingest=True, name="a")
    with monkeypatch.context() as patch:
        patch.setattr(BlobWriter, "write", lambda *_: pytest.fail("written"))
        with pytest.warns(DuplicateWarning):
            assert Dataset.Image.from_folder(folder, ingest=True, name="a").id == first.id
    # as many images, but others
    Image.fromarray(255 - pixels[0].transpose(1, 2, 0)).save(folder / "img1.png")
    second = Dataset.Image.from_folder(folder, ingest=True, name="a")
    (folder / "img2.png").unlink()
    third = Dataset.Image.from_folder(folder, ingest=True, name="a")
    assert [row.version for row in (first, second, third)] == [1, 2, 3]
    expected = np.concatenate([255 - pixels[:1], pixels[1:]])
    np.testing.assert_array_equal(second.to_arr(), expected)
    np.testing.assert_array_equal(third.to_arr(), np.delete(expected, 1, axis=0))


def test_a_late_refusal_leaves_nothing(store: Any, many: Any) -> None:
    folder, _ = many
    (folder / "img30.png").write_bytes(b"no image")
    with pytest.raises(InvalidData, match="not images"):
        Dataset.Image.from_folder(folder, ingest=True)
    assert [table.select().count() for table in (Dataset, Blob, BlobChunk)] == [0, 0, 0]


def test_a_killed_ingest_leaves_nothing_that_is_found(
    store: Any, many: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, pixels = many
    (folder / "img31.png").write_bytes(b"no image")
    with monkeypatch.context() as patch:
        # as if the process had ended before it could tidy up
        patch.setattr(BlobWriter, "discard", lambda _: None)
        with pytest.raises(InvalidData):
            Dataset.Image.from_folder(folder, ingest=True)
    assert (Dataset.select().count(), Blob.select().count()) == (0, 1)
    (folder / "img31.png").unlink()
    dataset = Dataset.Image.from_folder(folder, ingest=True)
    assert collect_orphans(grace_seconds=-1) == 1
    np.testing.assert_array_equal(dataset.to_arr(), pixels)


def test_damaged_values_are_noticed(store: Any) -> None:
    array = RNG.normal(size=(50, 40, 100))
    dataset = Dataset.Sequence.from_numpy(array)
    data = bytearray(BlobChunk.select().where(BlobChunk.idx == 1).get().data)
    data[1000] ^= 1
    BlobChunk.update(data=bytes(data)).where(BlobChunk.idx == 1).execute()
    np.testing.assert_array_equal(dataset.to_arr(samples=[0]), array[[0]])
    with pytest.raises(CorruptBlob):
        dataset.to_arr()


def test_deleting_frees_the_manifest(store: Any, tmp_path: Path) -> None:
    dataset = Dataset.Image.from_folder(save_images(tmp_path / "i"), ingest=True)
    dataset.delete_instance()
    assert Dataset.select().count() == 0


# --- S3 --------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[Any, dict[str, Any]]]:
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server")
    made = server.ThreadedMotoServer("127.0.0.1", port=0)
    made.start()
    host, port = made.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "key": "k", "secret": "s"}
    before = dict(fsspec.config.conf)
    fsspec.config.conf["s3"] = options
    files = fsspec.filesystem("s3")
    files.mkdir("study")
    yield files, options
    fsspec.config.conf.clear()
    fsspec.config.conf.update(before)
    made.stop()


def saved(array: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_s3_holds_arrays(store: Any, bucket: Any) -> None:
    files, _ = bucket
    files.pipe("study/a.npy", saved(SEQUENCE))
    dataset = Dataset.Sequence.from_numpy("s3://study/a.npy", name="remote")
    assert (dataset.is_ingested, dataset.source_path) == (False, "s3://study/a.npy")
    np.testing.assert_array_equal(dataset.to_arr(["1"], [8, 2]), SEQUENCE[[8, 2]][..., [1]])
    files.pipe("study/a.npy", saved(-SEQUENCE))
    with pytest.raises(DataChanged):
        dataset.to_arr(samples=[0])
    inside = Dataset.Sequence.from_numpy("s3://study/a.npy", ingest=True, name="remote")
    files.rm("study/a.npy")
    assert inside.version == 2
    np.testing.assert_array_equal(inside.to_arr(), -SEQUENCE)
    with pytest.raises(InvalidInput, match=r"s3://study/a.npy"):
        dataset.to_arr()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_s3_holds_images(store: Any, bucket: Any, tmp_path: Path) -> None:
    files, _ = bucket
    folder = save_images(tmp_path / "i")
    for i in (1, 2):
        files.pipe(f"study/img{i}.png", (folder / f"img{i}.png").read_bytes())
    dataset = Dataset.Image.from_urls([f"s3://study/img{i}.png" for i in (2, 1)])
    np.testing.assert_array_equal(dataset.to_arr(), IMAGES[[1, 0]])
    files.pipe("study/img1.png", (folder / "img5.png").read_bytes())
    np.testing.assert_array_equal(dataset.to_arr(samples=[0]), IMAGES[[1]])
    with pytest.raises(DataChanged, match=r"s3://study/img1.png"):
        dataset.to_arr(samples=[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("ingest", [True, False])
def test_s3_holds_folders_of_images(store: Any, bucket: Any, tmp_path: Path, ingest: bool) -> None:
    files, _ = bucket
    folder = save_images(tmp_path / "i")
    prefix = f"study/folder {ingest}"
    for i in (10, 2, 1):
        files.pipe(f"{prefix}/img{i}.png", (folder / f"img{min(i, 8)}.png").read_bytes())
    dataset = Dataset.Image.from_folder(f"s3://{prefix}", ingest=ingest, name=f"s3 {ingest}")
    assert (dataset.source_path, dataset.urls) == (f"s3://{prefix}", None)
    np.testing.assert_array_equal(dataset.to_arr(), IMAGES[[0, 1, 7]])
    files.pipe(f"{prefix}/img2.png", (folder / "img5.png").read_bytes())
    np.testing.assert_array_equal(dataset.to_arr(samples=[2, 0]), IMAGES[[7, 0]])
    if ingest:
        np.testing.assert_array_equal(dataset.to_arr(samples=[1]), IMAGES[[1]])
    else:
        with pytest.raises(DataChanged, match=rf"s3://{prefix}/img2.png"):
            dataset.to_arr(samples=[1])
    changed = Dataset.Image.from_folder(f"s3://{prefix}", ingest=ingest, name=f"s3 {ingest}")
    assert changed.version == 2
    np.testing.assert_array_equal(changed.to_arr(samples=[1]), IMAGES[[4]])
    files.rm(f"{prefix}/img10.png")
    fewer = Dataset.Image.from_folder(f"s3://{prefix}", ingest=ingest, name=f"s3 {ingest}")
    assert (fewer.version, fewer.shape["samples"]) == (3, 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("ingest", [True, False])
def test_s3_holds_tables(store: Any, bucket: Any, ingest: bool) -> None:
    files, _ = bucket
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    files.pipe("study/t.csv", frame.to_csv(index=False).encode())
    dataset = Dataset.Tabular.from_path("s3://study/t.csv", ingest=ingest)
    assert frame_digest(dataset.to_df()) == frame_digest(frame)


# --- memory ----------------------------------------------------------------

LARGE = """
import os, sys
import numpy as np
import aiqc
from aiqc.orm import Dataset

folder = sys.argv[1]
aiqc.connect(os.path.join(folder, "s.sqlite3"))
small = os.path.join(folder, "small.npy")
np.save(small, np.zeros((10, 4, 5)))
Dataset.Sequence.from_numpy(small).to_arr()

def anonymous_peak(action):
    # the peak of the process; pages of files that are only cached do not count
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    result = action()
    return result, status("VmHWM") - before

def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))

path = os.path.join(folder, "large.npy")
dataset, registering = anonymous_peak(lambda: Dataset.Sequence.from_numpy(path))
found, reading = anonymous_peak(lambda: dataset.to_arr(samples=[0, 70, 139]))
whole = np.load(path, mmap_mode="r")
assert (found == whole[[0, 70, 139]]).all()
print(registering, reading)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize(("order", "rows"), [("C", 1000), ("F", 10)])
def test_a_large_file_is_registered_in_a_quarter_of_its_size(
    tmp_path: Path, order: str, rows: int
) -> None:
    array = RNG.normal(size=(140_000 // rows, rows, 100))
    np.save(tmp_path / "large.npy", np.asarray(array, order=order))
    env = {**os.environ, "AIQC_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LARGE, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert ran.returncode == 0, ran.stderr
    registering, reading = map(int, ran.stdout.split())
    assert registering < array.nbytes / 4
    assert reading < array.nbytes / 10
