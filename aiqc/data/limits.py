"""What an image may cost before it is refused: pixels, bytes, time and redirects."""

from __future__ import annotations

import math
import numbers
from dataclasses import asdict, dataclass
from typing import Any

from aiqc.core.errors import InvalidInput

#: the number above which Pillow itself warns of a decompression bomb
MAX_PIXELS = 89_478_485
MAX_BYTES = 100_000_000
TIMEOUT_SECONDS = 60.0
MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on reading one image.

    Parameters
    ----------
    max_pixels
        Rows times columns of an image; checked before it is decoded.
    max_bytes
        Size of a file; a download stops there.
    timeout
        Seconds for one download over HTTP, from connecting to its last byte.
    max_redirects
        Redirects that one download follows.

    Raises
    ------
    InvalidInput
        If one is not a positive number; there may be no redirects.
    """

    max_pixels: int = MAX_PIXELS
    max_bytes: int = MAX_BYTES
    timeout: float = TIMEOUT_SECONDS
    max_redirects: int = MAX_REDIRECTS

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            kind: Any = numbers.Real if name == "timeout" else numbers.Integral
            least = 0 if name == "max_redirects" else 1e-9
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if not (is_number and least <= value < math.inf):
                msg = f"{name}={value!r} is not a positive number."
                hint = f"Leave it out for {Limits.__dataclass_fields__[name].default}."
                raise InvalidInput(msg, hint=hint, value=value)
            # of numpy's numbers, the plain ones that JSON knows
            object.__setattr__(self, name, float(value) if name == "timeout" else int(value))

    def as_options(self) -> dict[str, Any]:
        """Return the caps by name, as they are stored with a Dataset."""
        return asdict(self)
