"""Datum, the record of Caffe's databases: an image as bytes, floats or an encoded file."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netcfg.errors import DataError
from netcfg.io.image import decode_image
from netcfg.netcfg_pb2 import Datum

Image: TypeAlias = npt.NDArray[np.generic]
"""(C, H, W), uint8 or float32."""

Record: TypeAlias = tuple[Image, int]
"""An image and its label."""


def decode_datum(data: bytes, color: bool | None = None) -> Record:
    """Decode a serialized Datum.

    Args:
        data: the value of a record.
        color: True or False makes an encoded image 3 or 1 channels; raw records stay as they are.

    Raises:
        DataError: it is no Datum, or it holds fewer or more values than it declares.
    """
    try:
        datum = Datum.FromString(data)
    except DecodeError as error:
        raise DataError("the record is no Datum") from error
    if datum.encoded:
        return decode_image(datum.data, color), datum.label
    shape = (datum.channels, datum.height, datum.width)
    image: Image = np.frombuffer(datum.data, np.uint8)
    if not image.size:
        floats = datum.float_data
        image = np.fromiter(floats, np.float32, len(floats))
    if image.size != shape[0] * shape[1] * shape[2] or min(shape) < 1:
        raise DataError(
            f"channels x height x width is {shape[0]} x {shape[1]} x {shape[2]}, "
            f"but the record holds {image.size} values"
        )
    return image.reshape(shape), datum.label


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
