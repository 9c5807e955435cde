"""What is known of each data set that ships with AIQC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiqc.core.enums import AnalysisType

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Datum:
    """A small real data set: one table, with its origin."""

    #: file name without its ending
    name: str
    analysis: AnalysisType
    #: the column to predict
    label: str
    source: str
    licence: str
    description: str

    @property
    def path(self) -> Path:
        """The Parquet file."""
        return FOLDER / f"{self.name}.parquet"


CATALOGUE: tuple[Datum, ...] = (
    Datum(
        "breast_cancer",
        AnalysisType.BINARY,
        "diagnosis",
        "Wolberg, Mangasarian, Street and Street (1995), UCI, https://doi.org/10.24432/C5DW2B; "
        "copy of scikit-learn",
        "CC BY 4.0",
        "Shapes of cell nuclei in images of breast tissue. All columns are numbers; "
        "212 malignant and 357 benign.",
    ),
    Datum(
        "diabetes",
        AnalysisType.REGRESSION,
        "progression",
        "Efron, Hastie, Johnstone and Tibshirani (2004), Least Angle Regression; "
        "copy of scikit-learn",
        "BSD-3-Clause, as part of scikit-learn; the authors state none",
        "Age, sex (1 or 2), body mass index, blood pressure and six blood serum values of "
        "patients; the label measures how far the disease has gone one year later.",
    ),
    Datum(
        "penguins",
        AnalysisType.MULTI,
        "species",
        "Horst, Hill and Gorman (2020), palmerpenguins, https://doi.org/10.5281/zenodo.3960218",
        "CC0 1.0",
        "Three species of penguins: numbers and text mixed. Two rows have no measurements, and "
        "the sex of eleven is missing.",
    ),
)
