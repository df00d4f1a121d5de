"""Where the pixels of one top lie in another, through the layers between; and crops made of that.

A map is (axis, a, b): position x of the output lies at a · x + b of the input, on the spatial axes
after ``axis``; axis is None where any axis will do. Positions are those of pixel centers.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from netcfg.pycaffe.net_spec import Function, Top, layers

Map = tuple[int | None, Any, Any]

PASS_THROUGH_LAYERS = [
    *("AbsVal", "BatchNorm", "Bias", "BNLL", "Clip", "Dropout", "ELU", "Eltwise", "Exp", "Log"),
    *("LRN", "MVN", "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "Split", "Swish", "TanH"),
    "Threshold",
]
"""Layers that leave every pixel where it is."""

BY_SIDE = {f"{name}_{side}" for name in ("pad", "kernel", "stride") for side in "hw"}

IDENTITY: Map = (None, 1, 0)


class UndefinedMapException(Exception):  # noqa: N818 - as Caffe's programs know it
    """A layer whose pixels are not those of its input."""


class AxisMismatchException(Exception):  # noqa: N818 - as Caffe's programs know it
    """Two layers that work on different axes."""


def conv_params(fn: Function) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Return axis, stride, kernel size with its dilation, and pad of a layer with windows."""
    given = fn.params.get("convolution_param", fn.params)
    if BY_SIDE.intersection(given):
        raise UndefinedMapException(
            f"{fn.type_name}: use kernel_size, stride and pad instead of their _h and _w"
        )
    kernel = np.array(given["kernel_size"], ndmin=1)
    return (
        given.get("axis", 1),
        np.array(given.get("stride", 1), ndmin=1),
        (kernel - 1) * np.array(given.get("dilation", 1)) + 1,
        np.array(given.get("pad", 0), ndmin=1),
    )


def crop_params(fn: Function) -> tuple[int, np.ndarray]:
    """Return axis and offset of a Crop layer."""
    given = fn.params.get("crop_param", fn.params)
    return given.get("axis", 2), np.array(given.get("offset", 0), ndmin=1)


def coord_map(fn: Function) -> Map:
    """Return the map of a layer.

    Raises:
        UndefinedMapException: it has none.
    """
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, kernel, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (kernel - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, kernel, pad = conv_params(fn)
        return axis, stride, (kernel - 1) / 2 - pad
    if fn.type_name in PASS_THROUGH_LAYERS:
        return IDENTITY
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset
    raise UndefinedMapException(fn.type_name)


def compose(base_map: Map, next_map: Map) -> Map:
    """Return the map that applies ``next_map`` and then ``base_map``.

    Raises:
        AxisMismatchException: they work on different axes.
    """
    axis1, a1, b1 = base_map
    axis2, a2, b2 = next_map
    if axis1 is not None and axis2 is not None and axis1 != axis2:
        raise AxisMismatchException(f"axes {axis1} and {axis2}")
    return axis2 if axis1 is None else axis1, a1 * a2, a1 * b2 + b1


def inverse(coord_map: Map) -> Map:
    """Return the map in the other direction."""
    axis, a, b = coord_map
    return axis, 1 / a, -b / a


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """Return the map between two tops that have a common origin.

    Raises:
        RuntimeError: they have none that is reached through layers with maps.
    """
    known = _maps(top_from)
    for top, found in _maps(top_to).items():
        if top in known:
            return compose(found, inverse(known[top]))
    raise RuntimeError("no layers with a map of coordinates connect the two tops")


def crop(top_from: Top, top_to: Top) -> Top:
    """Return a Crop layer's top that lays ``top_from`` over ``top_to``, pixel by pixel."""
    axis, a, b = coord_map_from_to(top_from, top_to)
    if not (np.asarray(a) == 1).all():
        raise AssertionError(f"scale mismatch on crop (a = {a})")
    if not (np.asarray(b) <= 0).all():
        raise AssertionError(f"cannot crop negative offset (b = {b})")
    if not (np.rint(b) == b).all():
        raise AssertionError(f"cannot crop noninteger offset (b = {b})")
    offset = [int(-n) for n in np.atleast_1d(b)]
    return layers.Crop(top_from, top_to, crop_param={"axis": (axis or 0) + 1, "offset": offset})


def _maps(top: Top) -> dict[Top, Map]:
    """Return the maps from a top back to all that it is computed from, nearest first."""
    maps: dict[Top, Map] = {top: IDENTITY}
    frontier = [top]
    while frontier:
        here = frontier.pop(0)
        try:
            step = coord_map(here.fn)
        except UndefinedMapException:
            continue
        for bottom in _pixel_bottoms(here.fn):
            if bottom not in maps:
                maps[bottom] = compose(maps[here], step)
                frontier.append(bottom)
    return maps


def _pixel_bottoms(fn: Function) -> Iterable[Top]:
    """Return the inputs whose pixels the layer passes on; a Crop's second one is only a size."""
    return fn.inputs[:1] if fn.type_name == "Crop" else fn.inputs
