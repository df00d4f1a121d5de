"""Datum, the record of Caffe's databases: an image as bytes, floats or an encoded file."""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netcfg.errors import DataError
from netcfg.io.image import decode_image
from netcfg.netcfg_pb2 import Datum

Image: TypeAlias = npt.NDArray[np.generic]
"""(C, H, W), uint8 or float32."""

Labels: TypeAlias = npt.NDArray[np.int32]

Buffer: TypeAlias = bytes | memoryview
"""The value of a record."""

Record: TypeAlias = tuple[Image, int]
"""An image and its label."""

SMALL = 1 << 14
"""Records of at most this many bytes are quicker to copy than to look at one by one."""


def decode_datum(data: Buffer, color: bool | None = None) -> Record:
    """Decode a serialized Datum; a raw image looks at the bytes of ``data``.

    Args:
        data: the value of a record.
        color: True or False makes an encoded image 3 or 1 channels; raw records stay as they are.

    Raises:
        DataError: it is no Datum, or it holds fewer or more values than it declares.
    """
    plain = _plain(data)
    if plain is None:
        return _decode_message(bytes(data), color)
    pixels = memoryview(data)[plain.data]
    if plain.encoded:
        return decode_image(pixels, color), plain.label
    return _shaped(np.frombuffer(pixels, np.uint8), plain.shape), plain.label


def decode_alike(values: Sequence[Buffer]) -> tuple[Image, Labels] | None:
    """Decode raw records of one shape at once: images (N, C, H, W) and labels (N,).

    Returns:
        None where they are not raw, not alike but for pixels and labels, or large, so that copying
        them costs more than going through them.
    """
    places: dict[int, list[int]] = {}
    for i, value in enumerate(values):  # lengths differ where labels do, by 127 and below or not
        places.setdefault(len(value), []).append(i)
    parts: list[tuple[Image, Labels]] = []
    for of_size in places.values():
        part = _decode_equal([values[i] for i in of_size])
        if part is None or (parts and part[0].shape[1:] != parts[0][0].shape[1:]):
            return None
        parts.append(part)
    if len(parts) == 1:
        return parts[0]
    back = np.argsort(np.concatenate(list(places.values())))
    images, labels = (np.concatenate(arrays)[back] for arrays in zip(*parts, strict=True))
    return images, labels


def _decode_equal(values: Sequence[Buffer]) -> tuple[Image, Labels] | None:
    """Do that for records of one length."""
    size = len(values[0])
    plain = _plain(values[0]) if size <= SMALL else None
    if plain is None or plain.encoded or min(plain.shape) < 1:
        return None
    table = np.frombuffer(b"".join(values), np.uint8).reshape(-1, size)
    labels, pixels = table[:, plain.label_at], table[:, plain.data]
    same = np.full(size, 0xFF, np.uint8)
    same[plain.label_at] = 0x80  # what says whether a varint goes on
    for part in (slice(plain.data.start), slice(plain.data.stop, size)):
        if ((table[:, part] ^ table[0, part]) & same[part]).any():
            return None
    if pixels.shape[1] != math.prod(plain.shape):
        return None
    numbers = np.zeros(len(values), np.uint64)
    for i, column in enumerate(labels.T):
        numbers |= (column & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * i)
    return pixels.reshape(-1, *plain.shape), numbers.astype(np.uint32).view(np.int32)


def encode_datum(image: Image, label: int | None = None) -> bytes:
    """Serialize a (C, H, W) image: uint8 as bytes, anything else as floats."""
    channels, height, width = image.shape
    datum = Datum(channels=channels, height=height, width=width)
    if label is not None:
        datum.label = label
    if image.dtype == np.uint8:
        datum.data = image.tobytes()
    else:
        datum.float_data.extend(image.ravel().tolist())
    return datum.SerializeToString()


def is_encoded(data: bytes) -> bool:
    """Whether a serialized Datum holds an encoded image."""
    try:
        return Datum.FromString(data).encoded
    except DecodeError:
        return False


class _Plain(NamedTuple):
    """What a Datum of bytes holds: an image of this shape, or an encoded one, and its label.

    Attributes:
        data: where the bytes lie.
        label_at: where the label does.
    """

    shape: tuple[int, int, int]
    encoded: bool
    label: int
    data: slice
    label_at: slice


_CHANNELS, _HEIGHT, _WIDTH, _LABEL, _ENCODED = (number << 3 for number in (1, 2, 3, 5, 7))
_DATA = 4 << 3 | 2
_USUAL = (_CHANNELS, _HEIGHT, _WIDTH, _DATA, _LABEL, _ENCODED)
"""How the fields of a Datum begin: number and kind."""

_LONGEST_VARINT = 10


def _plain(value: Buffer) -> _Plain | None:
    """Find what a record holds without a copy; None where it takes protobuf to tell."""
    numbers = dict.fromkeys(_USUAL, 0)
    places: dict[int, slice] = {}
    at = 0
    try:
        while at < len(value):
            key = value[at]
            if key not in numbers or key in places:
                return None
            number, end = _varint(value, at + 1)
            places[key] = slice(at + 1, end)
            if key == _DATA:
                places[key] = slice(end, end := end + number)
            numbers[key], at = number, end
    except IndexError:
        return None
    if at > len(value) or not numbers[_DATA]:
        return None
    channels, height, width, label = (
        _signed(numbers[key]) for key in (_CHANNELS, _HEIGHT, _WIDTH, _LABEL)
    )
    place = places.get(_LABEL, slice(0, 0))
    encoded = bool(numbers[_ENCODED])
    return _Plain((channels, height, width), encoded, label, places[_DATA], place)


def _varint(value: Buffer, at: int) -> tuple[int, int]:
    """Return the number that begins at a byte, and where it ends.

    Raises:
        IndexError: it does not end.
    """
    number = 0
    for i in range(_LONGEST_VARINT):
        byte = value[at + i]
        number |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return number, at + i + 1
    raise IndexError


def _signed(number: int) -> int:
    """Return the 32-bit number that a varint stands for."""
    return ((number & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def _decode_message(data: bytes, color: bool | None) -> Record:
    """Decode any Datum."""
    try:
        datum = Datum.FromString(data)
    except DecodeError as error:
        raise DataError("the record is no Datum") from error
    if datum.encoded:
        return decode_image(datum.data, color), datum.label
    image: Image = np.frombuffer(datum.data, np.uint8)
    if not image.size:
        floats = datum.float_data
        image = np.fromiter(floats, np.float32, len(floats))
    return _shaped(image, (datum.channels, datum.height, datum.width)), datum.label


def _shaped(values: Image, shape: tuple[int, int, int]) -> Image:
    """Return values as an image, (C, H, W)."""
    if values.size != math.prod(shape) or min(shape) < 1:
        raise DataError(
            f"channels x height x width is {shape[0]} x {shape[1]} x {shape[2]}, "
            f"but the record holds {values.size} values"
        )
    return values.reshape(shape)
