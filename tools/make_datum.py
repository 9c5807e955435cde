"""Build the data sets of aiqc/datum from their published packages; needs pip and scikit-learn."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

from aiqc.datum import list_datums
from aiqc.datum.catalogue import CATALOGUE, FOLDER

PENGUINS = "palmerpenguins==0.1.4"
PENGUINS_MEMBER = "palmerpenguins/data/penguins.csv"


def penguins() -> pd.DataFrame:
    """Return the table inside the published wheel; the package itself is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
        subprocess.run([*command, PENGUINS], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open(PENGUINS_MEMBER) as table:
            return pd.read_csv(table)


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


BUILDERS = {"breast_cancer": breast_cancer, "diabetes": diabetes, "penguins": penguins}


def table() -> str:
    """Return the catalogue as a Markdown table."""
    columns = ["name", "analysis", "label", "rows", "columns", "source", "licence"]
    rows = [columns, ["---"] * len(columns)]
    rows += list_datums()[columns].astype(str).to_numpy().tolist()
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Write the Parquet files and the README beside them."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for entry in CATALOGUE:
        frame = BUILDERS[entry.name]()
        frame.to_parquet(FOLDER / f"{entry.name}.parquet", compression="zstd", index=False)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    head, _, rest = text.partition("| name |")
    tail = rest.partition("\n\n")[2]
    (FOLDER / "README.md").write_text(f"{head}{table()}\n\n{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
