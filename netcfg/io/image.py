"""Image files as arrays the way OpenCV gave them to Caffe: uint8, (C, H, W), blue first."""

import functools
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from netcfg.errors import DataError

Pixels: TypeAlias = npt.NDArray[np.uint8]

Size: TypeAlias = tuple[int, int]
"""Height and width."""

Integers: TypeAlias = npt.NDArray[np.int32]
Taps: TypeAlias = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]

FORMATS = ("JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP")
"""Formats that are tried; others of Pillow's, such as EPS, run programs."""

ENCODINGS = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "png": "PNG",
    "bmp": "BMP",
    "ppm": "PPM",
    "tif": "TIFF",
    "tiff": "TIFF",
    "webp": "WEBP",
}
"""Endings of image files that can be written, with their formats."""

JPEG_QUALITY = 95
"""What OpenCV writes."""

UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    IndexError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for a damaged file."""

COEFFICIENT_BITS = 11
"""Interpolation weights of 8-bit images are multiples of 1/2048, as in OpenCV."""


def decode_image(
    data: bytes | memoryview, color: bool | None = None, draft: Size | None = None
) -> Pixels:
    """Decode an image file, (C, H, W) in the order B, G, R; colours of a pixel lie side by side.

    Orientation tags of cameras are not applied.

    Args:
        data: the bytes of the file.
        color: True for 3 channels, False for 1, None for what the file holds: 1, 3 or 4 (B G R A).
        draft: height and width that are enough: a JPEG is decoded at 1/2, 1/4 or 1/8 of its size
            where that is no less. That is faster, and gives other pixels than resizing does.

    Raises:
        DataError: the bytes are no image, or one of a kind that does not fit 8 bits.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if color is False or draft is not None:
                # A JPEG holds its gray image: no way through RGB.
                image.draft("L" if color is False else None, draft and draft[::-1])
            return _pixels(image, color)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"no image of a known format ({', '.join(FORMATS)})") from error
    except UNREADABLE as error:
        raise DataError(f"damaged image: {error}") from error


def read_image(path: str | Path, color: bool | None = None, draft: Size | None = None) -> Pixels:
    """Read an image file; see ``decode_image``.

    Raises:
        DataError: the file is missing or holds no image; the message names it.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read image '{path}': {error.strerror}") from error
    try:
        return decode_image(data, color, draft)
    except DataError as error:
        raise DataError(f"cannot read image '{path}': {error}") from error


def encode_image(image: Pixels, kind: str, quality: int = JPEG_QUALITY) -> bytes:
    """Return an image file for a (C, H, W) image, gray or B, G, R.

    Args:
        image: the pixels.
        kind: a key of ``ENCODINGS``.
        quality: of JPEG and WebP, 1 to 100.
    """
    pixels = image[0] if len(image) == 1 else image[::-1].transpose(1, 2, 0)
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, ENCODINGS[kind], quality=quality)
    return file.getvalue()


def to_gray(image: Pixels) -> Pixels:
    """Return the luma of a (3, H, W) image in B, G, R, (1, H, W): 0.114 B + 0.587 G + 0.299 R."""
    return _luma(image, 1 << 14)


def _luma(image: Pixels, rounding: int) -> Pixels:
    b, g, r = image.astype(np.int32)
    return ((b * 3735 + g * 19235 + r * 9798 + rounding) >> 15).astype(np.uint8)[np.newaxis]


def resize_image(image: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[Any]:
    """Resize the last two axes bilinearly, as OpenCV's ``INTER_LINEAR`` does.

    Output pixel i lies at (i + ½) · old/new - ½ of the input, whose edge is repeated; there is no
    smoothing when an image shrinks. 8-bit images go through fixed-point arithmetic.
    """
    if image.shape[-2:] == (height, width):
        return image
    if image.dtype == np.uint8:
        return _resize_bytes(image, height, width)
    rows, y0, y1, fy = _rows(image.shape[-2], height)
    x0, x1, fx = _taps(image.shape[-1], width)
    image = np.take(image, rows, axis=-2)
    wide = np.take(image, x0, -1) * (1 - fx) + np.take(image, x1, -1) * fx
    mixed = np.take(wide, y0, -2) * (1 - fy)[:, None] + np.take(wide, y1, -2) * fy[:, None]
    return mixed.astype(image.dtype)


def _resize_bytes(image: Pixels, height: int, width: int) -> Pixels:
    """Do that for bytes, whose colours may lie side by side; then those of the result do."""
    side_by_side = image.ndim == 3 and image.strides[0] == 1 < image.strides[2]
    count = len(image) if side_by_side else 1
    flat = image.transpose(1, 2, 0) if side_by_side else image
    flat = flat.reshape(-1, image.shape[-2], image.shape[-1] * count)
    rows, y0, y1, fy = _rows(image.shape[-2], height)
    x0, x1, fx = _taps(image.shape[-1], width, count)
    if len(rows) < flat.shape[1]:
        flat = np.take(flat, rows, 1)
    across = np.multiply(np.take(flat, x0, 2), _fixed(1 - fx))
    across += np.multiply(np.take(flat, x1, 2), _fixed(fx))
    across >>= 4
    upper, lower = np.take(across, y0, 1), np.take(across, y1, 1)
    upper *= _fixed(1 - fy)[:, None]
    lower *= _fixed(fy)[:, None]
    upper >>= 16
    lower >>= 16
    upper += lower
    upper += 2
    upper >>= 2
    resized = upper.astype(np.uint8)
    if side_by_side:
        return resized.reshape(height, width, count).transpose(2, 0, 1)
    return resized.reshape(*image.shape[:-2], height, width)


@functools.lru_cache
def _taps(old: int, new: int, count: int = 1) -> Taps:
    """Return for each output value its two input positions and the weight of the second.

    Args:
        old: positions of the input.
        new: those of the output.
        count: values that lie side by side at each of them.
    """
    at = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(at).astype(np.intp)
    weight = at - first.astype(np.float32)
    ends = np.array([first, first + 1]).clip(0, old - 1)
    ends = (ends[:, :, np.newaxis] * count + np.arange(count)).reshape(2, -1)
    return ends[0], ends[1], weight.repeat(count)


@functools.lru_cache
def _rows(old: int, new: int) -> tuple[npt.NDArray[np.intp], *Taps]:
    """Return the rows that are read, few of them when an image shrinks, and the taps in them."""
    first, second, weight = _taps(old, new)
    rows = np.unique([first, second])
    return rows, np.searchsorted(rows, first), np.searchsorted(rows, second), weight


def _fixed(weight: npt.NDArray[np.float32]) -> Integers:
    return np.rint(weight * (1 << COEFFICIENT_BITS)).astype(np.int32)


def _pixels(image: Image.Image, color: bool | None) -> Pixels:
    """Return the pixels of an opened image, loading it."""
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode.startswith("I"):
        return _sixteen_bits(image, color)
    if image.mode == "F":
        raise DataError("an image of floating point numbers; store it as float_data or in HDF5")
    gray = image.mode in ("1", "L", "LA")
    if gray and not (color is None and image.mode == "LA"):
        plane = np.asarray(image if image.mode == "L" else image.convert("L"))[np.newaxis]
        return np.repeat(plane, 3, axis=0) if color else plane
    if color is None and "A" in image.mode:
        return np.asarray(image.convert("RGBA"))[:, :, [2, 1, 0, 3]].transpose(2, 0, 1)
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    flat = np.frombuffer(rgb.tobytes("raw", "BGR"), np.uint8)
    bgr = flat.reshape(rgb.height, rgb.width, 3).transpose(2, 0, 1)
    if color is not False:
        return bgr
    # OpenCV leaves the gray of a PNG to libpng, which cuts fractions off instead of rounding.
    return _luma(bgr, 0) if image.format == "PNG" else to_gray(bgr)


def _sixteen_bits(image: Image.Image, color: bool | None) -> Pixels:
    """Return the high bytes of a gray 16-bit image."""
    if color is None:
        raise DataError("an image of 16 bits per channel; force_color or force_gray reduce it to 8")
    plane = (np.asarray(image).astype(np.int32) >> 8).clip(0, 255).astype(np.uint8)[np.newaxis]
    return np.repeat(plane, 3, axis=0) if color else plane
