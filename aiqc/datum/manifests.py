"""The groups of image files that ship with AIQC, to be opened by URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiqc.datum import catalogue

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Manifest:
    """A few PNG files of one size and one mode, with their origin."""

    #: name of the folder
    name: str
    source: str
    licence: str
    description: str

    @property
    def paths(self) -> list[Path]:
        """The files, by name."""
        return sorted((catalogue.FOLDER / "images" / self.name).glob("*.png"))


MANIFESTS: tuple[Manifest, ...] = (
    Manifest(
        "digits",
        "Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, "
        "https://doi.org/10.24432/C50P49; copy of scikit-learn",
        "CC BY 4.0",
        "The first image of each digit, 0 to 9, grey, 8 x 8; the pixels of the data set digits, "
        "times 15.",
    ),
    Manifest(
        "photos",
        "chelsea (S. van der Walt), coffee (R. Michetti), hubble_deep_field (NASA), retina "
        "(M. Häggström), rocket (SpaceX); copies of scikit-image",
        "CC0 1.0 (chelsea, coffee, retina); public domain (hubble_deep_field, rocket)",
        "Five colour photographs, the middle square of each reduced to 64 x 64.",
    ),
)
