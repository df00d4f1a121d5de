"""Image files as arrays the way OpenCV gave them to Caffe: uint8, (C, H, W), blue first."""

from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from netcfg.errors import DataError

Pixels: TypeAlias = npt.NDArray[np.uint8]

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


def decode_image(data: bytes, color: bool | None = None) -> Pixels:
    """Decode an image file, (C, H, W) in the order B, G, R.

    Orientation tags of cameras are not applied.

    Args:
        data: the bytes of the file.
        color: True for 3 channels, False for 1, None for what the file holds: 1, 3 or 4 (B G R A).

    Raises:
        DataError: the bytes are no image, or one of a kind that does not fit 8 bits.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if color is False:
                image.draft("L", None)  # a JPEG holds its gray image: no way through RGB
            return _pixels(image, color)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"no image of a known format ({', '.join(FORMATS)})") from error
    except UNREADABLE as error:
        raise DataError(f"damaged image: {error}") from error


def read_image(path: str | Path, color: bool | None = None) -> Pixels:
    """Read an image file; see ``decode_image``.

    Raises:
        DataError: the file is missing or holds no image; the message names it.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read image '{path}': {error.strerror}") from error
    try:
        return decode_image(data, color)
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
    y0, y1, fy = _taps(image.shape[-2], height)
    x0, x1, fx = _taps(image.shape[-1], width)
    # Only these rows are read: few of them when an image shrinks.
    rows = np.unique(np.concatenate([y0, y1]))
    y0, y1 = np.searchsorted(rows, y0), np.searchsorted(rows, y1)
    image = np.take(image, rows, axis=-2)
    if image.dtype != np.uint8:
        wide = np.take(image, x0, -1) * (1 - fx) + np.take(image, x1, -1) * fx
        mixed = np.take(wide, y0, -2) * (1 - fy)[:, None] + np.take(wide, y1, -2) * fy[:, None]
        return mixed.astype(image.dtype)
    left, right = _fixed(1 - fx), _fixed(fx)
    ints = (np.take(image, x0, -1) * left + np.take(image, x1, -1) * right).astype(np.int32)
    ints >>= 4
    upper, lower = np.take(ints, y0, -2), np.take(ints, y1, -2)
    upper *= _fixed(1 - fy)[:, None]
    lower *= _fixed(fy)[:, None]
    return (((upper >> 16) + (lower >> 16) + 2) >> 2).astype(np.uint8)


def _taps(old: int, new: int) -> Taps:
    """Return for each output position its two input positions and the weight of the second."""
    at = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(at).astype(np.intp)
    weight = at - first.astype(np.float32)
    return first.clip(0, old - 1), (first + 1).clip(0, old - 1), weight


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
    rgb = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    bgr = rgb[:, :, ::-1].transpose(2, 0, 1)
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
