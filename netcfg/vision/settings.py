"""How pictures are prepared for a net: as options say, else weights, card or data layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from netcfg.data.mean import read_mean
from netcfg.errors import NetError
from netcfg.io.files import find_file
from netcfg.io.preparation import Preparation
from netcfg.netcfg_pb2 import LayerParameter, ResizeParameter
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


def preprocess(
    given: Settings, outline: Outline, card: Card | None, learned: Preparation | None = None
) -> Preprocess:
    """Return how pictures are prepared.

    Args:
        given: what the user says, which comes first.
        outline: of the net.
        card: of the model; None where it has none.
        learned: how they were prepared in training, which comes before what the card says.

    Raises:
        NetError: what is said does not fit the net.
    """
    layer, index = outline.image()
    shape = outline.shapes(layer)[index]
    learned = learned or (outline.preparation if card is None else None)
    free, info = given.size == "image", bool(outline.info())
    size = None if free or info else _size(given, card, shape)
    mean = _mean(given, outline, card, learned)
    resize, keep = given.resize, given.keep_aspect
    if size and resize is None:
        resize = _resize(size, card, learned)
    if size and keep is None:
        keep = keeps_aspect(learned) if learned else bool(card and card.input.keep_aspect)
    if not resize and size and mean.shape[1:] > (1, 1) and mean.shape[1:] != size:
        resize = (mean.shape[1], mean.shape[2])  # a mean image is that of whole pictures
    return Preprocess(
        size=size,
        channels=_channels(given, card, learned, shape),
        resize=resize,
        keep_aspect=bool(keep),
        fit=_fit(given, card) if info else None,
        mean=mean,
        scale=_scale(given, card, learned),
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


def _channels(given: Settings, card: Card | None, learned: Preparation | None, shape: Shape) -> str:
    order = given.channels or (card.input.channels if card else "")
    if not given.channels and learned and CHANNELS.get(learned.channels) == shape[1]:
        order = learned.channels
    order = order or ("GREY" if shape[1] == 1 else "BGR")
    if CHANNELS[order] != shape[1]:
        raise NetError(
            f"the net's input has {shape[1]} channel{'s' * (shape[1] > 1)}, which {order} has not"
        )
    return order


def _resize(size: Size, card: Card | None, learned: Preparation | None) -> Size | None:
    """Return the size before the crop; None where there is none."""
    if learned is None:
        return _pair(card.input.resize) if card else None
    whole = whole_size(learned)
    holds = bool(whole) and whole != size and whole[0] >= size[0] and whole[1] >= size[1]
    return _pair(whole) if holds else None


def whole_size(prepared: Preparation) -> Shape:
    """Return height and width of images before the crop; empty where nothing says it.

    Raises:
        NetError: images got a margin, which cannot be done here.
    """
    for resize in prepared.transform.resize_param:
        if resize.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD:
            raise NetError(
                "in training pictures were fitted into their size with a margin (resize_mode: "
                "FIT_LARGE_SIZE_AND_PAD), which is not done here; say with --resize what is"
            )
        return resize.height, resize.width
    return ()


def keeps_aspect(prepared: Preparation) -> bool:
    """Return whether the shorter side became that of the size before the crop."""
    modes = [resize.resize_mode for resize in prepared.transform.resize_param]
    return modes[:1] == [ResizeParameter.FIT_SMALL_SIZE]


def _scale(given: Settings, card: Card | None, learned: Preparation | None) -> float:
    if given.scale is not None:
        return given.scale
    if learned is not None:
        return learned.transform.scale
    return card.input.scale if card is not None else 1.0


def _mean(
    given: Settings, outline: Outline, card: Card | None, learned: Preparation | None
) -> Floats:
    if given.mean is not None:
        if isinstance(given.mean, str | Path):
            return read_mean_file(find_file(str(given.mean)))
        return _numbers(given.mean)
    if learned is None:
        if card is not None and card.input.mean_file:
            return read_mean_file(card.folder / card.input.mean_file)
        return _numbers(card.input.mean if card is not None else ())
    if learned.mean is not None:
        return learned.mean
    if learned.transform.mean_file:
        return read_mean_file(find_file(learned.transform.mean_file, near=_file(outline.layers)))
    return _numbers(learned.transform.mean_value)


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
