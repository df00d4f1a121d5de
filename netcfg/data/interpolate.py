"""Resizing by the interpolations that OpenCV offers, for images (C, H, W)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.data.colour import saturate
from netcfg.io.image import resize_image
from netcfg.netcfg_pb2 import ResizeParameter

Matrix = npt.NDArray[np.float32]

LINEAR, AREA, NEAREST, CUBIC, LANCZOS4 = (
    ResizeParameter.LINEAR,
    ResizeParameter.AREA,
    ResizeParameter.NEAREST,
    ResizeParameter.CUBIC,
    ResizeParameter.LANCZOS4,
)


def interpolate(
    image: npt.NDArray[Any], height: int, width: int, mode: int = LINEAR
) -> npt.NDArray[Any]:
    """Resize the last two axes; edges are repeated, and images that shrink are smoothed by AREA
    alone.

    Args:
        image: (C, H, W), 8 bits or floats.
        height: new one.
        width: new one.
        mode: a ``ResizeParameter.Interp_mode``.
    """
    old = image.shape[-2:]
    if old == (height, width):
        return image
    if mode == LINEAR:
        return resize_image(image, height, width)
    if mode == NEAREST:
        rows, columns = (np.arange(n) * o // n for n, o in zip((height, width), old, strict=True))
        return image[..., rows[:, None], columns]
    # Means of areas need both sides to shrink; else AREA is another kind of linear.
    shrinks = height <= old[0] and width <= old[1]
    y = _weights(old[0], height, mode, shrinks) @ image.astype(np.float32)
    y = y @ _weights(old[1], width, mode, shrinks).T
    return saturate(y) if image.dtype == np.uint8 else y.astype(image.dtype)


def _weights(old: int, new: int, mode: int, shrinks: bool) -> Matrix:
    """Return what each input pixel adds to each output pixel, (new, old)."""
    if mode == AREA and shrinks:
        edges = np.arange(new + 1)[:, None] * (old / new) - np.arange(old)
        covered = edges.clip(0, 1)  # of each input pixel, left of each edge
        return ((covered[1:] - covered[:-1]) * (new / old)).astype(np.float32)
    if mode == AREA:
        at = np.arange(new) * (old / new)
        first = np.floor(at)
        part = (np.arange(new) + 1) - (first + 1) * (new / old)
        part = np.where(part <= 0, 0, part - np.floor(part))
        taps = np.stack([1 - part, part], axis=1)
        start = first
    else:
        at = (np.arange(new) + 0.5) * (old / new) - 0.5
        first = np.floor(at)
        taps = _cubic(at - first) if mode == CUBIC else _lanczos(at - first)
        start = first - (taps.shape[1] // 2 - 1)
    matrix = np.zeros((new, old), np.float32)
    for k in range(taps.shape[1]):
        column = (start + k).clip(0, old - 1).astype(np.intp)
        np.add.at(matrix, (np.arange(new), column), taps[:, k])
    return matrix


def _cubic(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the weights (n, 4) of Keys' kernel with a = -3/4."""
    a = -0.75

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    return np.stack([far(1 + t), near(t), near(1 - t), far(2 - t)], axis=1)


def _lanczos(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the weights (n, 8) of sinc(x) sinc(x / 4), which add up to 1."""
    x = t[:, None] - np.arange(-3, 5)
    weights: npt.NDArray[np.float64] = np.sinc(x) * np.sinc(x / 4)
    return weights / weights.sum(axis=1, keepdims=True)
