"""Pictures of every kind as 8-bit RGB or grey ones, the way round their cameras meant them."""

from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from google.protobuf.message import DecodeError
from PIL import Image, ImageOps, UnidentifiedImageError

from netcfg.data.datum import decode_datum
from netcfg.errors import DataError
from netcfg.io.image import FORMATS as STILL
from netcfg.io.image import UNREADABLE, Pixels
from netcfg.netcfg_pb2 import AnnotatedDatum, Datum

Picture: TypeAlias = Image.Image
"""A loaded image of mode RGB or L."""

FORMATS = (*STILL, "GIF")
"""Formats of Pillow that are tried."""

ENDINGS = frozenset(
    f".{kind}"
    for kind in (
        "jpg",
        "jpeg",
        "jpe",
        "png",
        "bmp",
        "ppm",
        "pgm",
        "pbm",
        "pnm",
        "tif",
        "tiff",
        "webp",
        "gif",
    )
)
"""Endings of the files that are taken from folders."""

GREY = ("1", "L", "LA", "La")


def read_picture(path: str | Path) -> Picture:
    """Read a picture file; see ``decode_picture``.

    Raises:
        DataError: the file is missing or holds no picture.
    """
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return decode_picture(data)


def decode_picture(data: bytes) -> Picture:
    """Decode a picture file: turned as EXIF says, on white where it is transparent.

    Of 16 bits the upper 8 stay, of an animation the first picture.

    Raises:
        DataError: the bytes are no picture, or one of floating point numbers.
    """
    if not data:
        raise DataError("an empty file")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return plain(image)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"no picture of a known format ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise DataError(f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels") from error
    except UNREADABLE as error:
        raise DataError(f"damaged: {error}") from error


def plain(image: Image.Image) -> Picture:
    """Return an image of any mode as RGB or L, turned as its EXIF tag says.

    Raises:
        DataError: its pixels are floating point numbers.
    """
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):
        high = (np.asarray(image).astype(np.int32) >> 8).clip(0, 255)
        return Image.fromarray(high.astype(np.uint8))
    if image.mode == "F":
        raise DataError("pixels are floating point numbers; save it with 8 or 16 bits a channel")
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode in ("RGB", "L"):
        return image.copy() if image.readonly else image
    return image.convert("L" if image.mode in GREY else "RGB")


def _on_white(image: Image.Image) -> Picture:
    grey = image.mode in GREY
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("L" if grey else "RGB")


def picture_of(image: Any) -> Picture:
    """Return a path, an image of Pillow or an array as a picture.

    Args:
        image: an array is uint8: (H, W), (H, W, 1), (H, W, 3) in R, G, B, or (H, W, 4) with alpha.

    Raises:
        DataError: it is none of these.
    """
    if isinstance(image, str | Path):
        return read_picture(image)
    if isinstance(image, Image.Image):
        return plain(image.copy())
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or array.shape[2:] not in ((), (3,), (4,))
    ):
        raise DataError(
            "an image array must be uint8 of shape (H, W), (H, W, 3) or (H, W, 4), red first; "
            f"given {array.dtype} of shape {array.shape}"
        )
    if not array.size:
        raise DataError(f"an image array must hold pixels; given shape {array.shape}")
    return plain(Image.fromarray(np.ascontiguousarray(array)))


def datum_picture(value: bytes) -> Picture:
    """Return the picture of a serialized Datum: an encoded file, or pixels, blue first.

    A record with annotations, as detectors are trained on, holds a Datum.

    Raises:
        DataError: it is no Datum, or one of numbers that are no picture.
    """
    try:
        datum = Datum.FromString(value)
        if not (datum.channels or datum.encoded):
            datum = AnnotatedDatum.FromString(value).datum
            value = datum.SerializeToString()
    except DecodeError:
        datum = Datum()
    if datum.encoded:
        return decode_picture(datum.data)
    pixels: Pixels = decode_datum(value)[0]  # type: ignore[assignment]
    if pixels.dtype != np.uint8 or len(pixels) not in (1, 3):
        raise DataError(
            f"the record must hold bytes of 1 or 3 channels; given {pixels.dtype} of shape "
            f"{pixels.shape}"
        )
    return picture_of(pixels[::-1].transpose(1, 2, 0))


def pixels_of(picture: Picture, channels: str) -> Pixels:
    """Return a picture as (C, H, W).

    Args:
        picture: of mode RGB or L.
        channels: BGR, RGB or GREY.
    """
    if channels == "GREY":
        return np.asarray(picture if picture.mode == "L" else picture.convert("L"))[np.newaxis]
    if picture.mode == "L":
        return np.broadcast_to(np.asarray(picture), (3, picture.height, picture.width))
    flat = np.frombuffer(picture.tobytes("raw", channels), np.uint8)
    return flat.reshape(picture.height, picture.width, 3).transpose(2, 0, 1)
