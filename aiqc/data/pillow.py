"""Images as arrays `(channels, rows, columns)`, and back, with equal pixels.

| Pillow's mode | array |
|---|---|
| `1` | 1 channel of booleans |
| `L`, `LA`, `RGB`, `RGBA` | 1, 2, 3, 4 channels of uint8 |
| `P`, `PA` | the colours of the palette: `RGB`, or `RGBA` where it declares transparency |
| `I;16` (any byte order), `I`, `F` | 1 channel of uint16, int32, float32 |

Other modes (CMYK, YCbCr, LAB, HSV, ...) are refused: their channels would be taken for others.
So are files whose values Pillow changes while it reads them: colours of 16 bits, of which it keeps
8, and integers that its mode cannot hold.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.core.types import Array, Shape
    from aiqc.data.limits import Limits

#: mode -> channels and dtype of its array
MODES: dict[str, tuple[int, str]] = {
    "1": (1, "bool"),
    "L": (1, "uint8"),
    "LA": (2, "uint8"),
    "RGB": (3, "uint8"),
    "RGBA": (4, "uint8"),
    "I;16": (1, "uint16"),
    "I;16B": (1, "uint16"),
    "I;16L": (1, "uint16"),
    "I;16N": (1, "uint16"),
    "I": (1, "int32"),
    "F": (1, "float32"),
}
_MODE_OF = {facts: mode for mode, facts in reversed(MODES.items())}
#: what Pillow's decoders raise on damaged files
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, AttributeError,
    OverflowError, AssertionError, struct.error, zlib.error,
)  # fmt: skip
#: photographs with a preview or a second view beside the first frame
_STILLS = ("MPO",)
#: drawings without pixels of their own, for which Pillow starts another program
_DRAWINGS = ("EPS", "WMF")
_ORIENTATION = 0x0112
#: how Pillow names channels of 16 bits
_DEEP = re.compile(r";16[BLN]")
_BYTE_MODES = ("L", "LA", "RGB", "RGBA")
_MAX_BYTE = 255
#: the tag of a TIFF file that tells what its samples are, and its value for signed integers
_SAMPLE_FORMAT, _SIGNED = 339, 2


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded image."""

    #: `(channels, rows, columns)`; None where only the header was asked for
    array: Array | None
    #: as the array has it
    mode: str
    shape: Shape
    #: Pillow's name of the file's format, e.g. 'PNG'
    format: str
    #: whether the file asks to be shown turned or mirrored (EXIF)
    is_turned: bool


@contextmanager
def own_caps() -> Iterator[None]:
    """Silence Pillow's warning of many pixels, in whose place `max_pixels` stands."""
    import PIL.Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        yield


def read_picture(data: bytes, name: str, limits: Limits, *, decode: bool = True) -> Picture:
    """Return an image from the bytes of its file; call it inside `own_caps`.

    Pixels are those that Pillow opens: the orientation that EXIF asks for is not applied. That of
    a TIFF file is, by Pillow itself.

    Parameters
    ----------
    data
        The whole file.
    name
        What messages call the file.
    limits
        `max_pixels` is held against the header, before anything is decoded.
    decode
        Whether the pixels are wanted too.

    Raises
    ------
    InvalidData
        If it is no image, is damaged, too large, animated, or of a mode that has no array.
    """
    import PIL.Image

    try:
        image = PIL.Image.open(io.BytesIO(data))
    except PIL.Image.DecompressionBombError as error:
        raise _bomb(name, error) from error
    except PIL.UnidentifiedImageError as error:
        raise _not_image(name) from error
    except _DAMAGE as error:
        raise _damaged(name, error) from error
    with image:
        try:
            return _picture(image, name, limits, decode)
        except InvalidData:
            raise
        except PIL.Image.DecompressionBombError as error:
            raise _bomb(name, error) from error
        except _DAMAGE as error:
            raise _damaged(name, error) from error


def to_picture(array: Array, place: str) -> Any:
    """Return a `PIL.Image.Image` with the values of an array as its pixels.

    Parameters
    ----------
    array
        `(channels, rows, columns)`.
    place
        What messages call the data.

    Raises
    ------
    InvalidData
        If no mode has these channels and this dtype, e.g. three channels of floats.
    """
    import PIL.Image

    key = (array.shape[0], array.dtype.name)
    mode = _MODE_OF.get(key)
    if mode is None:
        msg = f"{place} has {key[0]} channels of {key[1]}, which no mode of Pillow holds."
        hint = (
            "Use to_arr(). Images have 1 to 4 channels of uint8, or 1 of bool, uint16, int32 or "
            "float32; register a copy with retype to get one of these."
        )
        raise InvalidData(msg, hint=hint, channels=key[0], dtype=key[1])
    pixels = array[0] if len(array) == 1 else array.transpose(1, 2, 0)
    if mode == "1":
        return PIL.Image.fromarray(pixels.astype(np.uint8) * 255).convert(
            "1", dither=PIL.Image.Dither.NONE
        )
    return PIL.Image.fromarray(np.ascontiguousarray(pixels))


def _picture(image: Any, name: str, limits: Limits, decode: bool) -> Picture:
    columns, rows = image.size
    if columns * rows > limits.max_pixels:
        reason = f"it has {columns * rows:,} pixels; {limits.max_pixels:,} are allowed"
        raise _refusal(name, reason, "If this is right, allow more with max_pixels.")
    if image.format in _DRAWINGS:
        reason = f"{image.format} is a drawing, which has no pixels"
        raise _refusal(name, reason, "Save it as PNG with the program that drew it.")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in _STILLS:
        reason = f"it has {frames} frames or pages"
        raise _refusal(name, reason, "Save the frame you mean as a file of its own.")
    mode = _array_mode(image, name)
    _check_depth(image, name)
    channels, dtype = MODES[mode]
    array = _pixels(image, mode, name).astype(dtype, copy=False) if decode else None
    is_turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    shape = (channels, rows, columns)
    if array is not None and array.shape != shape:
        raise _refusal(name, f"it decodes to {array.shape}, not {shape}", "Save it again.")
    return Picture(array, mode, shape, str(image.format), is_turned)


def _array_mode(image: Any, name: str) -> str:
    if image.mode in ("P", "PA"):
        has_alpha = image.mode == "PA" or "transparency" in image.info
        return "RGBA" if has_alpha else "RGB"
    if image.mode not in MODES:
        reason = f"its mode is {image.mode}, which is not read as channels"
        hint = "Save it as RGB or L, e.g. image.convert('RGB').save(...)."
        raise _refusal(name, reason, hint)
    return str(image.mode)


def _check_depth(image: Any, name: str) -> None:
    """Refuse a file of which Pillow would keep 8 bits of 16, or take -1 for 255."""
    if image.mode not in _BYTE_MODES:
        return
    if image.tile and _is_deep(*image.tile[0][::3]):
        reason = "its channels have more than 8 bits, and Pillow would drop some"
        hint = "Give its values to from_numpy, or save it with 8 bits a channel."
        raise _refusal(name, reason, hint)
    if image.format == "TIFF" and _SIGNED in image.tag_v2.get(_SAMPLE_FORMAT, ()):
        reason = "its values are signed bytes, and Pillow would take -1 for 255"
        raise _refusal(name, reason, "Give its values to from_numpy.")


def _is_deep(decoder: str, arguments: Any) -> bool:
    """Whether a decoder of Pillow will read channels of 16 bits, such as 'RGB;16B'."""
    if decoder.startswith("ppm"):
        return bool(arguments[1] > _MAX_BYTE)
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return decoder == "SGI16" or _DEEP.search(str(first)) is not None


def _pixels(image: Any, mode: str, name: str) -> Array:
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if mode == "I" and _is_unsigned(image) and pixels.min() < 0:
        reason = f"a value is above {np.iinfo(np.int32).max:,}, and Pillow would make it negative"
        raise _refusal(name, reason, "Give its values to from_numpy.")
    return pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)  # noqa: PLR2004


def _is_unsigned(image: Any) -> bool:
    return image.format == "TIFF" and _SIGNED not in image.tag_v2.get(_SAMPLE_FORMAT, (1,))


def _refusal(name: str, reason: str, hint: str) -> InvalidData:
    return InvalidData(f"The image {name!r} is refused: {reason}.", hint=hint, path=name)


def _bomb(name: str, error: Exception) -> InvalidData:
    hint = "Make it smaller, or set PIL.Image.MAX_IMAGE_PIXELS, Pillow's own cap, higher."
    return _refusal(name, f"it has too many pixels: {' '.join(str(error).split())}", hint)


def _not_image(name: str) -> InvalidData:
    msg = f"{name!r} is not an image that Pillow can read."
    hint = "Move it away, or give it a name with a leading dot."
    return InvalidData(msg, hint=hint, path=name, is_image=False)


def _damaged(name: str, error: BaseException) -> InvalidData:
    reason = " ".join(str(error).split()) or type(error).__name__
    msg = f"The image {name!r} is damaged or cut off: {reason.rstrip('.')}."
    return InvalidData(msg, hint="Replace the file, or leave it out.", path=name)
