"""How pictures are prepared for a net: as options say, else its card, else its data layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from netcfg.data.mean import read_mean
from netcfg.errors import NetError
from netcfg.io.files import find_file
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.places import place
from netcfg.types import Shape
from netcfg.vision.outline import Outline
from netcfg.vision.preprocess import CHANNELS, Floats, Preprocess, Size, no_mean
from netcfg.zoo.card import Card

REGION_SIZE = (600, 1000)
"""Faster R-CNN: the shorter side is to be 600 pixels, the longer one at most 1000."""


@dataclass(frozen=True)
class Settings:
    """What the user says; None is left to the model.

    Attributes:
        weights: files, the last to name a layer counts.
        labels: file of class names.
        mean: numbers for the channels, or a ``.binaryproto`` or ``.npy`` file.
        scale: multiplied after the mean is taken away.
        channels: BGR, RGB or GREY.
        size: height and width of what the net sees; ``"image"`` for those of each picture.
        resize: height and width before the centre is cut out.
        keep_aspect: whether the shorter side becomes that of ``resize``.
        oversample: whether ten views are taken of each picture.
        shapes: of the tops of data layers, for nets with data that is not there.
        ignore_fields: fields of the prototxt to pass over, unknown or a fork's.
        ignore_mismatch: layers that may keep initial values where the weights do not fit.
        renames: name of a layer in the weights → its name in the net.
    """

    weights: Sequence[str | Path] = ()
    labels: str | Path | None = None
    mean: Sequence[float] | str | Path | None = None
    scale: float | None = None
    channels: str | None = None
    size: Size | Literal["image"] | None = None
    resize: Size | None = None
    keep_aspect: bool | None = None
    oversample: bool = False
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    ignore_fields: Sequence[str] = ()
    ignore_mismatch: Sequence[str] = ()
    renames: Mapping[str, str] = field(default_factory=dict)


def preprocess(given: Settings, outline: Outline, card: Card | None) -> Preprocess:
    """Return how pictures are prepared.

    Raises:
        NetError: what is said does not fit the net.
    """
    layer, index = outline.image()
    shape = outline.shapes(layer)[index]
    free, info = given.size == "image", bool(outline.info())
    size = None if free or info else _size(given, card, shape)
    mean = _mean(given, outline, card)
    resize = given.resize or (_pair(card.input.resize) if card and size else None)
    keep = given.keep_aspect
    if keep is None:
        keep = bool(card and card.input.keep_aspect and size)
    if not resize and size and mean.shape[1:] > (1, 1) and mean.shape[1:] != size:
        resize = (mean.shape[1], mean.shape[2])  # a mean image is that of whole pictures
    return Preprocess(
        size=size,
        channels=_channels(given, card, shape),
        resize=resize,
        keep_aspect=keep,
        fit=_fit(given, card) if info else None,
        mean=mean,
        scale=_scale(given, outline, card),
        oversample=given.oversample,
    )


def _pair(values: Sequence[int]) -> Size | None:
    return (values[0], values[1]) if values else None


def _size(given: Settings, card: Card | None, shape: Shape) -> Size:
    if given.size and given.size != "image":
        return given.size
    return (_pair(card.input.size) if card else None) or (shape[2], shape[3])


def _fit(given: Settings, card: Card | None) -> Size | None:
    """Return the limits of the sides for nets that are told the size of their input."""
    if given.size == "image":
        return None
    return given.size or (_pair(card.input.size) if card else None) or REGION_SIZE


def _channels(given: Settings, card: Card | None, shape: Shape) -> str:
    order = given.channels or (card.input.channels if card else "")
    order = order or ("GREY" if shape[1] == 1 else "BGR")
    if CHANNELS[order] != shape[1]:
        raise NetError(
            f"the net's input has {shape[1]} channel{'s' * (shape[1] > 1)}, which {order} has not"
        )
    return order


def _scale(given: Settings, outline: Outline, card: Card | None) -> float:
    if given.scale is not None:
        return given.scale
    if card is not None:
        return card.input.scale
    transform = outline.transform
    return transform.scale if transform is not None else 1.0


def _mean(given: Settings, outline: Outline, card: Card | None) -> Floats:
    if given.mean is not None:
        if isinstance(given.mean, str | Path):
            return read_mean_file(given.mean)
        return _numbers(given.mean)
    if card is not None:
        if card.input.mean_file:
            return read_mean_file(card.folder / card.input.mean_file)
        return _numbers(card.input.mean)
    transform = outline.transform
    if transform is not None and transform.mean_file:
        return read_mean_file(find_file(transform.mean_file, near=_file(outline.layers)))
    return _numbers(transform.mean_value if transform is not None else ())


def _file(layers: Sequence[LayerParameter]) -> str:
    """Return the file that a net was read from."""
    return place(layers[0].source).partition(":")[0]


def _numbers(values: Sequence[float]) -> Floats:
    return np.array(values, np.float32).reshape(-1, 1, 1) if len(values) else no_mean()


def read_mean_file(path: str | Path) -> Floats:
    """Read a mean, (C, 1, 1) or (C, H, W), from a BlobProto or an ``.npy`` file.

    Raises:
        NetError: it cannot be read, or has another shape.
    """
    if Path(path).suffix.lower() != ".npy":
        return read_mean(path)
    try:
        mean = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise NetError(f"cannot read mean '{path}': {error}") from error
    shape = mean.shape[1:] if mean.ndim == 4 and len(mean) == 1 else mean.shape
    if len(shape) not in (1, 3) or not mean.size or mean.dtype.kind not in "fiu":
        raise NetError(f"mean '{path}' must have shape (C,) or (C, H, W); given {mean.shape}")
    floats: Floats = mean.reshape(shape if len(shape) == 3 else (-1, 1, 1)).astype(np.float32)
    return floats
