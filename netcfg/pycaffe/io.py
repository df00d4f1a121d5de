"""Images and messages as arrays: what Caffe's programs prepare inputs with.

Images are (H, W, K) in float, from 0 to 1, red first; nets take (K, H, W).
"""

from collections.abc import Iterable, Sequence
from os import PathLike

import numpy as np
import numpy.typing as npt
from PIL import Image

from netcfg.errors import DataError, ShapeError
from netcfg.io import image as pixels
from netcfg.netcfg_pb2 import BlobProto, BlobProtoVector, Datum
from netcfg.pycaffe.proto import caffe_pb2
from netcfg.pycaffe.transformer import Transformer

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "caffe_pb2",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]

Floats = npt.NDArray[np.float32]
LUMA = np.array([0.2125, 0.7154, 0.0721], np.float32)
"""Weights of red, green and blue in the gray of Caffe's ``load_image``, which is not OpenCV's."""
LEGACY = ("num", "channels", "height", "width")


# Messages --------------------------------------------------------------------------------------


def blobproto_to_array(blob: BlobProto, return_diff: bool = False) -> np.ndarray:
    """Return the data of a blob's message, or its gradient."""
    single, double = (blob.diff, blob.double_diff) if return_diff else (blob.data, blob.double_data)
    values = np.array(double) if len(double) else np.array(single, np.float32)
    if any(blob.HasField(name) for name in LEGACY):
        return values.reshape([getattr(blob, name) for name in LEGACY])
    return values.reshape(tuple(blob.shape.dim))


def array_to_blobproto(arr: npt.ArrayLike, diff: npt.ArrayLike | None = None) -> BlobProto:
    """Return the message of an array and, where given, its gradient."""
    array = np.asarray(arr)
    blob = BlobProto(data=array.astype(np.float32).ravel())
    blob.shape.dim.extend(array.shape)
    if diff is not None:
        blob.diff.extend(np.asarray(diff, np.float32).ravel())
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[npt.ArrayLike]) -> bytes:
    """Return several arrays as the bytes of one message."""
    return BlobProtoVector(blobs=[array_to_blobproto(a) for a in arraylist]).SerializeToString()


def blobprotovector_str_to_arraylist(data: bytes) -> list[np.ndarray]:
    """Return the arrays in the bytes of one message."""
    return [blobproto_to_array(blob) for blob in BlobProtoVector.FromString(data).blobs]


def array_to_datum(arr: npt.ArrayLike, label: int | None = None) -> Datum:
    """Return the record of a (C, H, W) array: bytes where it is uint8, else floats."""
    array = np.asarray(arr)
    if array.ndim != 3:
        raise ShapeError(f"a datum holds 3 axes, (C, H, W); given {array.shape}")
    channels, height, width = array.shape
    datum = Datum(channels=channels, height=height, width=width)
    if array.dtype == np.uint8:
        datum.data = array.tobytes()
    else:
        datum.float_data.extend(array.astype(np.float32).ravel())
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: Datum) -> np.ndarray:
    """Return the (C, H, W) array of a record that is not encoded."""
    if datum.encoded:
        return pixels.decode_image(datum.data)
    values = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data)
    shape = (datum.channels, datum.height, datum.width)
    return values.reshape(shape).astype(values.dtype)


# Images ----------------------------------------------------------------------------------------


def load_image(filename: str | PathLike[str], color: bool = True) -> Floats:
    """Return an image file as (H, W, 3), or (H, W, 1) without ``color``; values from 0 to 1."""
    try:
        with Image.open(filename) as image:
            array = _unit_range(image)
    except pixels.UNREADABLE as error:
        raise DataError(f"cannot read image '{filename}': {error}") from error
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
        return np.repeat(array, 3, axis=2) if color else array
    return array if color else (array @ LUMA)[:, :, np.newaxis]


def _unit_range(image: Image.Image) -> Floats:
    """Return (H, W) or (H, W, 3) without transparency, the brightest value at 1."""
    if image.mode == "F":
        return np.asarray(image, np.float32)
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.float32) / np.float32(65535)
    gray = image.mode in ("1", "L", "LA")
    return np.asarray(image.convert("L" if gray else "RGB"), np.float32) / np.float32(255)


def resize_image(
    im: np.ndarray, new_dims: Sequence[int] | np.ndarray, interp_order: int = 1
) -> Floats:
    """Return an (H, W, K) image in another size.

    Args:
        im: of any number of channels.
        new_dims: height and width.
        interp_order: 0 for the nearest pixel, 1 for bilinear, higher for bicubic.
    """
    height, width = (int(n) for n in new_dims[:2])
    planes = np.moveaxis(np.asarray(im, np.float32), -1, 0)
    if interp_order == 0:
        rows = _nearest(planes.shape[1], height)
        resized = planes[:, rows][:, :, _nearest(planes.shape[2], width)]
    elif interp_order == 1:
        resized = pixels.resize_image(planes, height, width)
    else:
        how = Image.Resampling.BICUBIC
        images = [Image.fromarray(plane).resize((width, height), how) for plane in planes]
        resized = np.stack([np.asarray(image) for image in images])
    return np.ascontiguousarray(np.moveaxis(resized, 0, -1))


def _nearest(old: int, new: int) -> npt.NDArray[np.intp]:
    return ((np.arange(new) + 0.5) * (old / new)).astype(np.intp)


def oversample(images: Iterable[np.ndarray], crop_dims: Sequence[int] | np.ndarray) -> Floats:
    """Return ten crops of each image: its corners and center, then the same mirrored.

    Args:
        images: each (H, W, K), all of one size.
        crop_dims: height and width of the crops.

    Returns:
        (10 · number of images, height, width, K)
    """
    crops: list[np.ndarray] = []
    height, width = (int(n) for n in crop_dims)
    for im in images:
        down, right = im.shape[0] - height, im.shape[1] - width
        places = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
        five = [im[y : y + height, x : x + width] for y, x in places]
        crops += five + [crop[:, ::-1] for crop in five]
    return np.array(crops, np.float32)
