"""What is known of each data set that ships with AIQC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiqc.core.enums import AnalysisType, DatasetType

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Datum:
    """A small real data set: one file, with its origin."""

    #: file name without its ending
    name: str
    typ: DatasetType
    analysis: AnalysisType
    #: the column to predict, here or in the table it goes with; empty when there is none
    label: str
    #: the data set that holds other facts of the same samples in the same order, or empty
    goes_with: str
    source: str
    licence: str
    description: str

    @property
    def path(self) -> Path:
        """The Parquet file of a table; the .npy file of sequences or images."""
        ending = "parquet" if self.typ is DatasetType.TABULAR else "npy"
        return FOLDER / f"{self.name}.{ending}"


_AUTO_MPG = (
    "Donoho and Ramos (1982), PRIMDATA; Quinlan (1993), Auto MPG, UCI, "
    "https://doi.org/10.24432/C5859H; copy of bokeh_sampledata"
)
_DIGITS = (
    "Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, "
    "https://doi.org/10.24432/C50P49; copy of scikit-learn"
)
_VOWELS = (
    "Kudo, Toyama and Shimbo (1999), Japanese Vowels, UCI, https://doi.org/10.24432/C5NS47; "
    "copy of sktime"
)
_WEATHER = (
    "United States National Oceanic and Atmospheric Administration (NOAA), daily summaries of "
    "Seattle, 2012 to 2015; copy of vega_datasets"
)
_PUBLIC = "Public domain, as data of the United States government"

CATALOGUE: tuple[Datum, ...] = (
    Datum(
        "auto_mpg",
        DatasetType.TABULAR,
        AnalysisType.REGRESSION,
        "mpg",
        "",
        _AUTO_MPG,
        "CC BY 4.0 at UCI, CC0 1.0 in bokeh_sampledata; the first authors state none",
        "Miles per gallon of 392 cars of the model years 1970 to 1982, with their engines and "
        "weights. Fuel use is not linear in them.",
    ),
    Datum(
        "breast_cancer",
        DatasetType.TABULAR,
        AnalysisType.BINARY,
        "diagnosis",
        "",
        "Wolberg, Mangasarian, Street and Street (1995), UCI, https://doi.org/10.24432/C5DW2B; "
        "copy of scikit-learn",
        "CC BY 4.0",
        "Shapes of cell nuclei in images of breast tissue. All columns are numbers; "
        "212 malignant and 357 benign.",
    ),
    Datum(
        "diabetes",
        DatasetType.TABULAR,
        AnalysisType.REGRESSION,
        "progression",
        "",
        "Efron, Hastie, Johnstone and Tibshirani (2004), Least Angle Regression; "
        "copy of scikit-learn",
        "BSD-3-Clause, as part of scikit-learn; the authors state none",
        "Age, sex (1 or 2), body mass index, blood pressure and six blood serum values of "
        "patients; the label measures how far the disease has gone one year later.",
    ),
    Datum(
        "digits",
        DatasetType.IMAGE,
        AnalysisType.MULTI,
        "digit",
        "digits_labels",
        _DIGITS,
        "CC BY 4.0",
        "Grey images of handwritten digits; each pixel counts the ink, 0 to 16.",
    ),
    Datum(
        "digits_labels",
        DatasetType.TABULAR,
        AnalysisType.MULTI,
        "digit",
        "digits",
        _DIGITS,
        "CC BY 4.0",
        "Which digit, 0 to 9, each image of digits shows.",
    ),
    Datum(
        "penguins",
        DatasetType.TABULAR,
        AnalysisType.MULTI,
        "species",
        "",
        "Horst, Hill and Gorman (2020), palmerpenguins, https://doi.org/10.5281/zenodo.3960218",
        "CC0 1.0",
        "Three species of penguins: numbers and text mixed. Two rows have no measurements, and "
        "the sex of eleven is missing.",
    ),
    Datum(
        "rain_sequence",
        DatasetType.SEQUENCE,
        AnalysisType.BINARY,
        "tomorrow",
        "rain_table",
        _WEATHER,
        _PUBLIC,
        "The last fourteen days in Seattle up to and with today: precipitation (mm), highest and "
        "lowest temperature (degrees Celsius) and wind (m/s). Samples a day apart share days.",
    ),
    Datum(
        "rain_table",
        DatasetType.TABULAR,
        AnalysisType.BINARY,
        "tomorrow",
        "rain_sequence",
        _WEATHER,
        _PUBLIC,
        "Today's date, month, place in the year (sine and cosine) and kind of weather; whether "
        "tomorrow is dry or wet.",
    ),
    Datum(
        "sea_surface",
        DatasetType.IMAGE,
        AnalysisType.REGRESSION,
        "",
        "",
        "Met Office, Operational Sea Surface Temperature and Sea Ice Analysis (OSTIA); "
        "copy of iris-sample-data",
        "Open Government Licence; Crown copyright 2018",
        "Monthly means of the surface temperature of the tropical Atlantic (degrees Celsius), "
        "April 2006 to September 2010 in order, south first: 5.0 S to 4.4 N, 34.2 W to 9.2 W.",
    ),
    Datum(
        "seattle_weather",
        DatasetType.TABULAR,
        AnalysisType.REGRESSION,
        "",
        "",
        _WEATHER,
        _PUBLIC,
        "Every day from 2012 to 2015: precipitation (mm), highest and lowest temperature "
        "(degrees Celsius), wind (m/s) and the kind of weather, where fog may hide rain.",
    ),
    Datum(
        "vowels",
        DatasetType.SEQUENCE,
        AnalysisType.MULTI,
        "speaker",
        "vowels_labels",
        _VOWELS,
        "CC BY 4.0",
        "Nine men say two vowels: twelve cepstrum coefficients over time. Recordings of 7 to 29 "
        "rows are resampled to 20.",
    ),
    Datum(
        "vowels_labels",
        DatasetType.TABULAR,
        AnalysisType.MULTI,
        "speaker",
        "vowels",
        _VOWELS,
        "CC BY 4.0",
        "Who speaks in each recording of vowels, and the part, train or test, that it had at its "
        "source.",
    ),
)
