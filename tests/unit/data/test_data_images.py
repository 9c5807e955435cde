"""Image files: their order, their pixels, and what is refused."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import random
import shutil
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image

from aiqc.core.errors import DataChanged, InvalidData, InvalidInput
from aiqc.data.array_input import open_npy
from aiqc.data.fetch import read_files
from aiqc.data.image_files import (
    ImageFilesSource,
    ImageReader,
    check_urls,
    list_images,
    natural_key,
)
from aiqc.data.limits import Limits
from aiqc.data.pillow import own_caps, read_picture, to_picture
from aiqc.data.sources import file_in

RNG = np.random.default_rng(3)
LIMITS = Limits()


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def noise(mode: str) -> Image.Image:
    """Six columns, five rows."""
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}
    if mode in channels:
        return Image.fromarray(RNG.integers(0, 256, (5, 6, *channels[mode]), dtype=np.uint8))
    if mode == "1":
        return Image.fromarray(RNG.integers(0, 2, (5, 6), dtype=np.uint8) * 255).convert("1")
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 2**16, (5, 6), dtype=np.uint16))
    if mode == "I":
        return Image.fromarray(RNG.integers(-(2**31), 2**31, (5, 6), dtype=np.int32))
    return Image.fromarray(RNG.normal(size=(5, 6)).astype(np.float32))


# --- order -----------------------------------------------------------------


def test_natural_order() -> None:
    names = ["img1.png", "img01.png", "img2.png", "img10.png", "IMG11.png", "img11b3.png"]
    names += [
        "img11b20.png",
        "photo.png",
        "7.png",
        "70.png",
        "8.png",
        "é.png",
        "img99999999999.png",
    ]
    expected = ["7.png", "8.png", "70.png", "img01.png", "img1.png", "img2.png", "img10.png"]
    expected += ["IMG11.png", "img11b3.png", "img11b20.png", "img99999999999.png", "photo.png"]
    expected += ["é.png"]
    for seed in range(5):
        random.Random(seed).shuffle(names)
        assert sorted(names, key=natural_key) == expected


def test_a_folder_is_listed_without_hidden_files(tmp_path: Path) -> None:
    for name in ["b10.png", "b9.png", ".DS_Store", "a.txt"]:
        (tmp_path / name).write_bytes(b"x")
    assert list_images(str(tmp_path)) == ["a.txt", "b9.png", "b10.png"]
    (tmp_path / ".cache").mkdir()
    assert len(list_images(str(tmp_path))) == 3


def folder_with_folders(path: Path) -> None:
    (path / "a.png").write_bytes(b"x")
    for name in ("cats", "dogs"):
        (path / name).mkdir()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.rmdir(), "There is no folder"),
        (lambda path: (path / ".hidden").write_bytes(b""), "holds no files; hidden ones"),
        (folder_with_folders, "holds other folders: 'cats', 'dogs'"),
    ],
    ids=["missing", "empty", "folders"],
)
def test_folders_that_cannot_be_read(
    tmp_path: Path, prepare: Callable[[Path], Any], message: str
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    prepare(folder)
    with pytest.raises(InvalidInput, match=message):
        list_images(str(folder))


@pytest.mark.parametrize(
    "urls",
    [[], ["https://a/b.png", ""], [None], [3], None, 3, {"a.png"}, {"a.png": 1}, b"a"],
    ids=str,
)
def test_addresses_that_are_none(urls: Any) -> None:
    with pytest.raises(InvalidInput, match="urls"):
        check_urls(urls)


def test_addresses_are_kept_and_paths_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert check_urls(["s3://b/a.png", "x/a.png"]) == ["s3://b/a.png", "/x/a.png"]
    assert check_urls("http://a/b.png") == ["http://a/b.png"]
    assert check_urls(Path(f"{i}.png") for i in (2, 1)) == ["/2.png", "/1.png"]


@pytest.mark.parametrize("path", [None, 3, b"folder"], ids=str)
def test_what_is_no_folder_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInput, match="is neither a path nor a URL"):
        list_images(path)


def in_memory(folder: Path) -> str:
    memory = fsspec.filesystem("memory")
    memory.put(f"{folder}/", f"{folder}/", recursive=True)
    return f"memory:/{folder}"


def zipped(folder: Path) -> str:
    return shutil.make_archive(str(folder.parent / "made"), "zip", folder.parent, folder.name)


FOLDERS: dict[str, Callable[[Path], str]] = {
    "local": str,
    "file": lambda folder: f"file://{folder}/",
    "memory": in_memory,
    "zip": lambda folder: f"zip://{folder.name}::{zipped(folder)}",
    "cached zip": lambda folder: f"zip://{folder.name}::simplecache::file://{zipped(folder)}",
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folders_are_listed_and_read_wherever_they_are(tmp_path: Path, kind: str) -> None:
    cats = tmp_path / "cats"
    cats.mkdir()
    for name in ("b10.png", "B9.png", "a #%20.png", ".hidden"):
        (cats / name).write_bytes(name.encode())
    folder = FOLDERS[kind](cats)
    names = list_images(folder)
    assert names == ["a #%20.png", "B9.png", "b10.png"]
    found = list(read_files([file_in(folder, name) for name in names], LIMITS))
    assert found == [name.encode() for name in names]
    with pytest.raises(InvalidInput, match=r"There is no (folder|such file)"):
        list_images(folder.replace("cats", "dogs"))


def test_a_folder_at_a_url_that_holds_folders_is_refused(tmp_path: Path) -> None:
    folder_with_folders(tmp_path)
    with pytest.raises(InvalidInput, match="holds other folders: 'cats', 'dogs'"):
        list_images(f"file://{tmp_path}")


# --- pixels ----------------------------------------------------------------

FORMATS = [
    ("1", "PNG"),
    ("L", "PNG"),
    ("LA", "PNG"),
    ("RGB", "PNG"),
    ("RGBA", "PNG"),
    ("RGB", "BMP"),
    ("RGB", "TIFF"),
    ("I;16", "PNG"),
    ("I;16", "TIFF"),
    ("I", "TIFF"),
    ("F", "TIFF"),
    ("RGB", "JPEG"),
    ("L", "JPEG"),
    ("RGB", "WEBP"),
]


@pytest.mark.parametrize(("mode", "kind"), FORMATS, ids=str)
def test_pixels_are_those_of_the_file_and_return_to_it(mode: str, kind: str) -> None:
    data = encoded(noise(mode), kind)
    with Image.open(io.BytesIO(data)) as image:
        seen = np.asarray(image)
        assert image.mode == mode
    found = read_picture(data, "x", LIMITS)
    assert (found.mode, found.format, found.is_turned) == (mode, kind, False)
    assert found.array is not None
    assert found.array.shape == found.shape == (*(seen.shape[2:] or (1,)), 5, 6)
    assert found.array.dtype == seen.dtype
    expected = seen[..., np.newaxis] if seen.ndim == 2 else seen
    np.testing.assert_array_equal(found.array, expected.transpose(2, 0, 1))
    back = to_picture(found.array, "x")
    assert (back.mode, back.size) == (mode, (6, 5))
    np.testing.assert_array_equal(np.asarray(back), seen)


@pytest.mark.parametrize(
    ("array", "sample_format"),
    [
        (RNG.integers(0, 256, (5, 6), dtype=np.uint8), 1),
        (RNG.integers(0, 2**16, (5, 6), dtype=np.uint16), 1),
        (RNG.integers(0, 2**31, (5, 6), dtype=np.uint32), 1),
        (RNG.integers(-(2**15), 2**15, (5, 6), dtype=np.int16), 2),
        (RNG.integers(-(2**31), 2**31, (5, 6), dtype=np.int32), 2),
        (RNG.normal(size=(5, 6)).astype("float32"), 3),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_values_that_a_mode_holds_are_exact(array: np.ndarray, sample_format: int) -> None:
    found = read_picture(grey_tiff(array, sample_format), "x", LIMITS)
    assert found.array is not None
    np.testing.assert_array_equal(found.array, array[np.newaxis])


@pytest.mark.parametrize(
    ("transparency", "mode"), [(None, "RGB"), (3, "RGBA")], ids=["opaque", "transparent"]
)
def test_a_palette_becomes_its_colours(transparency: int | None, mode: str) -> None:
    image = noise("RGB").quantize(8)
    options = {} if transparency is None else {"transparency": transparency}
    data = encoded(image, "PNG", **options)
    found = read_picture(data, "x", LIMITS)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "P"
        expected = np.asarray(opened.convert(mode)).transpose(2, 0, 1)
    assert found.mode == mode
    np.testing.assert_array_equal(found.array, expected)
    # never the numbers of the palette's entries
    assert found.array is not None
    assert found.array.max() > 8


def test_orientation_is_not_applied_but_told() -> None:
    image = noise("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_picture(encoded(image, "PNG", exif=exif), "x", LIMITS)
    assert (found.is_turned, found.shape) == (True, (3, 5, 6))
    np.testing.assert_array_equal(found.array, np.asarray(image).transpose(2, 0, 1))
    # the odd one: Pillow turns it as it opens it, a quarter to the right
    turned = read_picture(encoded(image, "TIFF", exif=exif), "x", LIMITS)
    assert (turned.is_turned, turned.shape) == (False, (3, 6, 5))
    expected = np.rot90(np.asarray(image), -1).transpose(2, 0, 1)
    np.testing.assert_array_equal(turned.array, expected)
    exif[0x0112] = 1
    assert not read_picture(encoded(image, "PNG", exif=exif), "x", LIMITS).is_turned


def animated(kind: str) -> bytes:
    frames = [noise("RGB") for _ in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def deep_png(kind: int, channels: int) -> bytes:
    """Six columns, five rows of channels of 16 bits, which Pillow itself does not write."""
    lines = RNG.integers(0, 256, (5, 6 * channels * 2), dtype=np.uint8)
    data = b"".join(b"\0" + line.tobytes() for line in lines)
    head = struct.pack(">IIBBBBB", 6, 5, 16, kind, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def grey_tiff(array: np.ndarray, sample_format: int) -> bytes:
    """An uncompressed TIFF file; sample formats are 1 unsigned, 2 signed, 3 floats."""
    rows, columns = array.shape
    tags = {256: columns, 257: rows, 258: array.itemsize * 8, 259: 1, 262: 1, 273: 0, 277: 1}
    tags |= {278: rows, 279: array.nbytes, 339: sample_format}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + struct.pack("<I", 0) + array.tobytes()


def bomb_icns() -> bytes:
    """An icon whose header shows a small size, with a picture of many pixels inside."""
    inner = encoded(Image.new("1", (20_000, 10_000)))
    entry = b"ic07" + struct.pack(">I", 8 + len(inner)) + inner
    return b"icns" + struct.pack(">I", 8 + len(entry)) + entry


REFUSED = {
    "PNG of 16 bit colours": (deep_png(2, 3), "more than 8 bits, and Pillow would drop some"),
    "PNG of 16 bit greys and alpha": (deep_png(4, 2), "more than 8 bits"),
    "PNG of 16 bit colours and alpha": (deep_png(6, 4), "more than 8 bits"),
    "PPM of 16 bit colours": (b"P6 6 5 65535\n" + bytes(5 * 6 * 3 * 2), "more than 8 bits"),
    "TIFF of signed bytes": (grey_tiff(np.zeros((5, 6), "int8"), 2), "its values are signed"),
    "TIFF above int32": (grey_tiff(np.full((5, 6), 2**31, "uint32"), 1), "above 2,147,483,647"),
    "EPS": (encoded(noise("RGB"), "EPS"), "EPS is a drawing, which has no pixels"),
    "pixels inside": (bomb_icns(), "it has too many pixels"),
    "CMYK": (encoded(noise("RGB").convert("CMYK"), "JPEG"), "its mode is CMYK"),
    "LAB": (encoded(noise("RGB").convert("LAB"), "TIFF"), "its mode is LAB"),
    "gif": (animated("GIF"), "it has 3 frames or pages"),
    "pages": (animated("TIFF"), "it has 3 frames or pages"),
    "apng": (animated("PNG"), "it has 3 frames or pages"),
    "text": (b"not an image", "'x' is not an image that Pillow can read"),
    "empty": (b"", "'x' is not an image that Pillow can read"),
    "cut PNG": (encoded(noise("RGB"))[:-40], "'x' is damaged or cut off"),
    "cut JPEG": (encoded(noise("RGB"), "JPEG")[:-20], "'x' is damaged or cut off"),
    "cut TIFF": (encoded(noise("RGB"), "TIFF")[:60], "'x' is"),
}


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("name", REFUSED)
def test_images_that_are_refused_are_named(name: str) -> None:
    data, message = REFUSED[name]
    with own_caps(), pytest.raises(InvalidData, match=message) as caught:
        read_picture(data, "x", LIMITS)
    assert caught.value.facts.get("is_image", True) is (name not in ("text", "empty", "cut TIFF"))


@pytest.mark.parametrize("start", range(0, 120, 3))
def test_no_damage_gets_through_untyped(start: int) -> None:
    data = bytearray(encoded(noise("RGB")))
    data[start : start + 3] = b"\xff\x00\xff"
    # any other error would fail the test
    with contextlib.suppress(InvalidData):
        assert read_picture(bytes(data), "x", LIMITS).array is not None


def test_large_images_are_refused_before_they_are_decoded() -> None:
    data = encoded(Image.new("1", (20_000, 10_000)))
    with own_caps(), pytest.raises(InvalidData, match=r"it has .*pixels"):
        read_picture(data, "x", LIMITS)
    with pytest.raises(InvalidData, match=r"PIL\.Image\.MAX_IMAGE_PIXELS"):
        read_picture(data, "x", Limits(max_pixels=10**9))
    with pytest.raises(InvalidData, match="it has 30 pixels; 29 are allowed"):
        read_picture(encoded(noise("L")), "x", Limits(max_pixels=29))
    assert read_picture(encoded(noise("L")), "x", Limits(max_pixels=30)).shape == (1, 5, 6)


def test_our_cap_stands_in_the_place_of_pillows_warning() -> None:
    data = encoded(Image.new("1", (10_000, 9_000)))
    with own_caps():
        found = read_picture(data, "x", Limits(max_pixels=10**9), decode=False)
    assert found.shape == (1, 9_000, 10_000)
    assert found.array is None


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((3, 5, 6), "float32"),
        ((5, 5, 6), "uint8"),
        ((1, 5, 6), "float64"),
        ((3, 5, 6), "bool"),
        ((1, 5, 6), "int64"),
        ((1, 5, 6), "int8"),
        ((3, 5, 6), "uint16"),
    ],
    ids=str,
)
def test_arrays_that_no_mode_holds_are_refused(shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(InvalidData, match=rf"{shape[0]} channels of {dtype}"):
        to_picture(np.zeros(shape, dtype), "<Dataset 1>")


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_pixels": 0},
        {"max_bytes": -1},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"max_redirects": -1},
        {"max_pixels": 1.5},
        {"max_bytes": True},
        {"timeout": "3"},
    ],
    ids=str,
)
def test_caps_are_positive_numbers(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(arguments))):
        Limits(**arguments)


def test_caps_may_be_numbers_of_numpy() -> None:
    given = Limits(np.int64(9), np.uint8(8), np.float32(0.5), np.int32(0))
    assert list(given.as_options().values()) == [9, 8, 0.5, 0]
    assert [type(value) for value in given.as_options().values()] == [int, int, float, int]


# --- files together --------------------------------------------------------


def written(folder: Path, **files: bytes) -> list[str]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [str(folder / name) for name in files]


def read_all(places: list[str], limits: Limits = LIMITS) -> list[np.ndarray]:
    with own_caps():
        return list(ImageReader(places, limits, hashed=True).pictures())


def test_one_error_names_all_files_that_differ(tmp_path: Path) -> None:
    files = {f"a{i}": encoded(noise("RGB")) for i in range(4)}
    files["a1"] = encoded(noise("RGB").rotate(90, expand=True))
    files["a3"] = encoded(noise("L"))
    files["z"] = encoded(noise("RGB"))
    with pytest.raises(InvalidData) as caught:
        read_all(written(tmp_path, **files))
    assert str(caught.value).startswith(
        "Images differ: 3 are RGB, 5 rows x 6 columns; these are not: "
        "a1 (RGB, 6 rows x 5 columns), a3 (L, 5 rows x 6 columns)."
    )
    assert caught.value.facts["files"] == ["a1", "a3"]


def test_the_odd_one_is_named_also_when_it_comes_first(tmp_path: Path) -> None:
    files = {"a": encoded(noise("L"))} | {f"b{i}": encoded(noise("RGB")) for i in range(3)}
    with pytest.raises(InvalidData, match=r"3 are RGB.*these are not: a \(L"):
        read_all(written(tmp_path, **files))


def test_one_error_names_all_files_that_are_no_images(tmp_path: Path) -> None:
    files = {f"n{i}": b"notes" for i in range(10)} | {"ok": encoded(noise("L"))}
    with pytest.raises(InvalidData, match=r"'n0', 'n1', .*'n7' and 2 more"):
        read_all(written(tmp_path, **files))


def test_a_file_larger_than_allowed_is_not_read(tmp_path: Path) -> None:
    places = written(tmp_path, a=b"x" * 1001)
    with pytest.raises(InvalidData, match="has more than 1,000 bytes"):
        list(read_files(places, Limits(max_bytes=1000)))
    assert list(read_files(places, Limits(max_bytes=1001))) == [b"x" * 1001]


def test_caps_hold_when_a_registered_file_has_become_another(tmp_path: Path) -> None:
    data = encoded(noise("RGB"))
    (place,) = written(tmp_path, a=data)
    facts = [hashlib.sha256(data).hexdigest()], (1, 3, 5, 6), np.dtype("uint8")
    source = ImageFilesSource([place], *facts, Limits(max_bytes=len(data)))
    assert source.read().shape == (1, 3, 5, 6)
    written(tmp_path, a=data + b"x")
    with pytest.raises(InvalidData, match=f"has more than {len(data)} bytes"):
        source.read()
    written(tmp_path, a=data[:-1] + b"x")
    with pytest.raises(DataChanged, match="is no longer the image"):
        source.read()
    written(tmp_path, a=data)
    with pytest.raises(InvalidData, match="it has 30 pixels; 29 are allowed"):
        ImageFilesSource([place], *facts, Limits(max_pixels=29)).read()


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"There is no file .*gone.png"):
        list(read_files([str(tmp_path / "gone.png")], LIMITS))


# --- over HTTP -------------------------------------------------------------

PICTURE = encoded(noise("RGB"))
_SINK = io.BytesIO()
np.save(_SINK, RNG.normal(size=(200, 4, 6)))
ARRAY = _SINK.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Serves a picture, redirects, slow and endless answers."""

    def do_GET(self) -> None:
        name, _, number = self.path.strip("/").partition("/")
        getattr(self, f"get_{name}", self.get_missing)(int(number) if number.isdigit() else 0)

    def get_picture(self, number: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE)

    def do_HEAD(self) -> None:
        self.send_response(404 if "missing" in self.path else 200)
        is_ranged = "ranged" in self.path
        self.send_header("Accept-Ranges", "bytes" if is_ranged else "none")
        if is_ranged:
            self.send_header("Content-Length", str(len(ARRAY)))
        self.end_headers()

    def get_missing(self, number: int) -> None:
        self.send_error(number or 404)

    def get_redirect(self, number: int) -> None:
        self.send_response(302)
        target = f"/redirect/{number - 1}" if number > 1 else "/picture"
        self.send_header("Location", target)
        self.end_headers()

    def get_local(self, number: int) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/passwd")
        self.end_headers()

    def get_whole(self, number: int) -> None:
        self.send_response(200)
        self.end_headers()
        np.save(self.wfile, np.zeros((3, 4, 5)))

    def get_endless(self, number: int) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            try:
                self.wfile.write(b"x" * 10_000)
            except OSError:
                return

    def get_slow(self, number: int) -> None:
        self.send_response(200)
        self.end_headers()
        self.server.waiting.wait(20)  # type: ignore[attr-defined]

    def get_drip(self, number: int) -> None:
        """One byte at a time, so that no single read is slow."""
        self.send_response(200)
        self.end_headers()
        waiting = self.server.waiting  # type: ignore[attr-defined]
        while not waiting.wait(0.02):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def get_bomb(self, number: int) -> None:
        """A few bytes that unpack to many."""
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(gzip.compress(bytes(20_000_000)))

    def get_liar(self, number: int) -> None:
        """Fewer bytes than the header tells."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(PICTURE) + 10))
        self.end_headers()
        self.wfile.write(PICTURE)

    def get_loop(self, number: int) -> None:
        self.send_response(302)
        self.send_header("Location", "/loop")
        self.end_headers()

    def get_ranged(self, number: int) -> None:
        """An array, of which parts can be had."""
        data = ARRAY
        wanted = self.headers.get("Range")
        if wanted:
            start, stop = wanted.removeprefix("bytes=").split("-")
            data = ARRAY[int(start) : int(stop) + 1]
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{stop}/{len(ARRAY)}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.waiting = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.waiting.set()  # type: ignore[attr-defined]
    made.shutdown()
    thread.join()
    made.server_close()


def test_downloads_come_in_order(server: str) -> None:
    found = list(read_files([f"{server}/picture/{i}" for i in range(20)], LIMITS))
    assert found == [PICTURE] * 20


@pytest.mark.parametrize("count", [1, 2, 3])
def test_redirects_are_followed_as_far_as_allowed(server: str, count: int) -> None:
    place = f"{server}/redirect/{count}"
    assert list(read_files([place], Limits(max_redirects=count))) == [PICTURE]
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(read_files([place], Limits(max_redirects=count - 1)))


@pytest.mark.parametrize(
    ("path", "limits", "message"),
    [
        ("missing", {}, "the server answered 404"),
        ("missing/503", {}, "the server answered 503"),
        ("endless", {"max_bytes": 100_000}, "has more than 100,000 bytes"),
        ("slow", {"timeout": 0.2}, "it took more than 0.2 seconds"),
        ("drip", {"timeout": 0.2}, "it took more than 0.2 seconds"),
        ("bomb", {"max_bytes": 100_000}, "has more than 100,000 bytes"),
        ("liar", {}, "cannot be read"),
        ("loop", {}, "more than 5 redirects"),
        ("local", {}, "cannot be read"),
    ],
)
def test_answers_that_are_refused(
    server: str, path: str, limits: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        list(read_files([f"{server}/picture", f"{server}/{path}"], Limits(**limits)))
    assert path in str(caught.value)


def test_an_array_on_a_server_is_read_in_parts(server: str) -> None:
    whole = np.load(io.BytesIO(ARRAY))
    source = open_npy(f"{server}/ranged/a.npy")
    picked = np.array([199, 3, 3, 90])
    np.testing.assert_array_equal(source.read(picked, [5, 0]), whole[picked][..., [5, 0]])
    np.testing.assert_array_equal(source.read(), whole)
    source.close()


def test_an_array_on_a_server_that_sends_whole_files_only_is_refused(server: str) -> None:
    with pytest.raises(InvalidInput, match=r"whole/a.npy' cannot be read in parts"):
        open_npy(f"{server}/whole/a.npy")
    with pytest.raises(InvalidInput, match=r"missing/a.npy"):
        open_npy(f"{server}/missing/a.npy")


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"127.0.0.1:9/a.png' cannot be read"):
        list(read_files(["http://127.0.0.1:9/a.png"], LIMITS))
