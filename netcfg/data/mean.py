"""Mean images as Caffe stores them: a BlobProto of one (C, H, W) image."""

import math
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netcfg.errors import DataError
from netcfg.io.files import write_whole
from netcfg.netcfg_pb2 import BlobProto

Mean: TypeAlias = npt.NDArray[np.float32]


def read_mean(path: str | Path) -> Mean:
    """Read a mean image, (C, H, W).

    Raises:
        DataError: the file is no BlobProto of one image.
    """
    try:
        blob = BlobProto.FromString(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"cannot read mean image '{path}': {error.strerror}") from error
    except DecodeError as error:
        raise DataError(f"mean image '{path}' is no BlobProto, or a damaged one") from error
    values = blob.double_data or blob.data
    shape = tuple(blob.shape.dim) or (blob.num, blob.channels, blob.height, blob.width)
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != 3 or min(shape) < 1 or math.prod(shape) != len(values):
        raise DataError(
            f"mean image '{path}' declares shape {shape} and holds {len(values)} values; "
            "a BlobProto of one image, (1, C, H, W), is needed"
        )
    return np.fromiter(values, np.float32, len(values)).reshape(shape)


def read_volume_mean(path: str | Path) -> Mean:
    """Read the mean of clips, (C, L, H, W), as C3D stores it.

    Its BlobProto has one more field for the length: the later ones have moved, so that values
    stand where Caffe keeps gradients, and the width is what the other lengths leave.

    Raises:
        DataError: the file is no such BlobProto.
    """
    try:
        blob = BlobProto.FromString(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"cannot read mean of clips '{path}': {error.strerror}") from error
    except DecodeError as error:
        raise DataError(f"mean of clips '{path}' is no BlobProto, or a damaged one") from error
    lengths = blob.channels, blob.height, blob.width
    row = math.prod(lengths)
    if blob.num != 1 or row < 1 or not blob.diff or len(blob.diff) % row:
        raise DataError(
            f"mean of clips '{path}' must hold (1, C, L, H, W) values as C3D writes them; it "
            f"declares {(blob.num, *lengths)} and holds {len(blob.diff)}"
        )
    return np.fromiter(blob.diff, np.float32, len(blob.diff)).reshape(*lengths, -1)


def write_mean(path: str | Path, mean: npt.NDArray[np.generic]) -> None:
    """Write a (C, H, W) mean image, whole or not at all."""
    with write_whole(path) as file:
        file.write(encode_mean(mean))


def encode_mean(mean: npt.NDArray[np.generic]) -> bytes:
    """Return the bytes of the file of a (C, H, W) mean image."""
    channels, height, width = mean.shape
    blob = BlobProto(num=1, channels=channels, height=height, width=width)
    blob.data.extend(mean.ravel().tolist())
    return blob.SerializeToString()
