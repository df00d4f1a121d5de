"""How images were prepared for a net, as the files of its weights carry it.

In a .caffemodel these are fields that Caffe passes over, in HDF5 the group ``/preparation``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netcfg.errors import WeightsError
from netcfg.io.blobs import read_blob, write_blob
from netcfg.io.wire import BYTES, Field, Reader, bytes_field
from netcfg.netcfg_pb2 import TransformationParameter

TRANSFORM, MEAN, CHANNELS = 10002, 10003, 10004
"""Fields of a .caffemodel: a TransformationParameter, the BlobProto of a mean image, a text."""

FIELDS = frozenset({TRANSFORM, MEAN, CHANNELS})

LASTING = frozenset(
    {"scale", "crop_size", "mean_file", "mean_value", "force_color", "force_gray"}
    | {"resize_param", "crop_h", "crop_w"}
)
"""Fields of a transformation that hold whenever the net is asked."""

IMAGE_AXES = 3


@dataclass(frozen=True)
class Preparation:
    """What a data layer does to each image that it is asked about.

    Attributes:
        transform: of the layer, without what is random; ``resize_param`` says the size before the
            crop also where the data had it already.
        mean: the image that ``mean_file`` names, (C, H, W); None where it names none.
        channels: their order, such as BGR; empty where nobody knows it.
    """

    transform: TransformationParameter
    mean: npt.NDArray[np.float32] | None = None
    channels: str = ""


def lasting(config: TransformationParameter) -> TransformationParameter:
    """Return the fields of a transformation that hold whenever the net is asked."""
    return TransformationParameter(
        **{f.name: value for f, value in config.ListFields() if f.name in LASTING}
    )


def encode(preparation: Preparation) -> Iterator[bytes | memoryview]:
    """Yield the fields of a .caffemodel."""
    yield bytes_field(TRANSFORM, preparation.transform.SerializeToString(deterministic=True))
    if preparation.mean is not None:
        yield from write_blob(preparation.mean, MEAN)
    if preparation.channels:
        yield bytes_field(CHANNELS, preparation.channels.encode())


def with_field(reader: Reader, item: Field, known: Preparation | None) -> Preparation:
    """Return what is known with what a field of a .caffemodel adds.

    Raises:
        WeightsError: the field is damaged.
    """
    known = known or Preparation(TransformationParameter())
    reader.expect(item, BYTES)
    if item.number == CHANNELS:
        return replace(known, channels=reader.text(item))
    if item.number == MEAN:
        mean = np.asarray(read_blob(reader, item, "the mean image"), np.float32)
        if mean.ndim != IMAGE_AXES:
            raise reader.error(item.at, f"the mean image has shape {mean.shape}, not (C, H, W)")
        return replace(known, mean=mean)
    return replace(known, transform=parsed(reader, item))


def parsed(reader: Reader, item: Field) -> TransformationParameter:
    """Return the message of a field.

    Raises:
        WeightsError: it is damaged.
    """
    try:
        return TransformationParameter.FromString(bytes(reader.data[item.start : item.end]))
    except DecodeError as error:
        raise reader.error(item.at, f"the transformation of images is damaged: {error}") from error


def of_bytes(
    transform: bytes, mean: npt.NDArray[np.float32] | None, channels: str, path: str
) -> Preparation:
    """Return what HDF5 keeps as bytes and an array.

    Raises:
        WeightsError: they are damaged.
    """
    if mean is not None and mean.ndim != IMAGE_AXES:
        raise WeightsError(f"'{path}': the mean image has shape {mean.shape}, not (C, H, W)")
    try:
        return Preparation(TransformationParameter.FromString(transform), mean, channels)
    except DecodeError as error:
        raise WeightsError(f"'{path}': the transformation of images is damaged: {error}") from error
