"""SSD's ``noise_param``: what spoils images so that nets learn to bear it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.data.colour import from_ycrcb, saturate, to_hsv, to_lab, to_ycrcb
from netcfg.errors import DataError
from netcfg.io.image import Pixels, decode_image, encode_image, to_gray
from netcfg.netcfg_pb2 import NoiseParameter

CLIP_LIMIT, TILES, LEVELS = 4, 8, 64
"""Of the local equalization: how far a histogram may rise, and tiles on each side; and how many
levels one of posterized images replaces."""


class Noise:
    """Changes that are switched on, one after the other, in SSD's order.

    decolorize, gauss_blur, hist_eq, clahe, jpeg, erode, posterize, inverse, saltpepper, and then
    the colour space. ``prob`` counts where it is given; SSD does not read it.

    Args:
        config: the parameters.
    """

    def __init__(self, config: NoiseParameter) -> None:
        self.config = config
        self.prob = config.prob if config.HasField("prob") else 1.0

    def __call__(self, image: Pixels, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Return an image (C, H, W) with noise.

        Raises:
            DataError: values or a colour space do not fit its channels.
        """
        c = self.config
        if rng.random() >= self.prob:
            return image
        if (c.decolorize or c.convert_to_hsv or c.convert_to_lab) and len(image) != 3:
            raise DataError(f"noise_param changes colours; the image has {len(image)} channels")
        steps: list[tuple[bool, Callable[[Pixels], Pixels]]] = [
            (c.decolorize, lambda x: np.repeat(to_gray(x), 3, axis=0)),
            (c.gauss_blur, blur),
            (c.hist_eq, lambda x: _of_luma(x, equalize)),
            (c.clahe, lambda x: _of_luma(x, equalize_locally)),
            (c.jpeg > 0, lambda x: decode_image(encode_image(x, "jpg", round(c.jpeg)))),
            (c.erode, erode),
            (c.posterize, lambda x: x // LEVELS * LEVELS + LEVELS // 2),
            (c.inverse, lambda x: 255 - x),
            (c.saltpepper, lambda x: self._saltpepper(x, rng)),
            (c.convert_to_hsv, to_hsv),
        ]
        for on, change in steps:
            image = change(image) if on else image
        return to_lab(image) if c.convert_to_lab else image

    def _saltpepper(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """Give ⌊fraction · H · W⌋ pixels the values; some may be met twice."""
        param = self.config.saltpepper_param
        values = np.array(param.value or [0])
        if len(values) not in (1, len(image)):
            raise DataError(
                "saltpepper_param: value must be given once or for each of the "
                f"{len(image)} channels; given {len(values)}"
            )
        _, height, width = image.shape
        count = int(param.fraction * height * width)
        columns, rows = rng.integers(width, size=count), rng.integers(height, size=count)
        image = image.copy()
        image[:, rows, columns] = saturate(np.floor(values))[:, None]
        return image


def blur(image: Pixels) -> Pixels:
    """Convolve with a Gaussian of 7 x 7 pixels and σ = 1.5; edges mirror."""
    at = np.arange(-3, 4)
    weights = np.exp(-(at**2) / (2 * 1.5**2))
    weights /= weights.sum()
    x: npt.NDArray[Any] = np.pad(image, [(0, 0), (3, 3), (3, 3)], mode="reflect").astype(float)
    for axis in (1, 2):
        x = np.lib.stride_tricks.sliding_window_view(x, 7, axis=axis) @ weights
    return saturate(x)


def erode(image: Pixels) -> Pixels:
    """Return the least of each pixel and its four neighbours."""
    least = image.copy()
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[:, :, 1:], np.s_[:, :, :-1])):
        least[a] = np.minimum(least[a], image[b])
        least[b] = np.minimum(least[b], image[a])
    return least


def equalize(plane: Pixels) -> Pixels:
    """Return a plane (H, W) with all values about equally frequent."""
    counts = np.bincount(plane.ravel(), minlength=256)
    first = int(np.flatnonzero(counts)[0])
    others = plane.size - counts[first]
    if others == 0:
        return plane
    sums = np.cumsum(counts) - counts[first]
    return saturate(sums * np.float32(255 / others))[plane]


def equalize_locally(plane: Pixels) -> Pixels:
    """Equalize a plane (H, W) by the histograms of 8 x 8 tiles, cut off, mixed bilinearly.

    Source: K. Zuiderveld, Contrast limited adaptive histogram equalization, Graphics Gems IV, 1994.
    """
    height, width = plane.shape
    pads = [(0, 0), (0, 0)]
    if height % TILES or width % TILES:  # then both sides grow, as in OpenCV
        pads = [(0, TILES - height % TILES), (0, TILES - width % TILES)]
    padded = np.pad(plane, pads, mode="reflect")
    tall, wide = padded.shape[0] // TILES, padded.shape[1] // TILES
    tiles = padded.reshape(TILES, tall, TILES, wide).swapaxes(1, 2).reshape(TILES, TILES, -1)
    tables = np.array([[_table(tile) for tile in row] for row in tiles])

    rows, columns = np.arange(height) / tall - 0.5, np.arange(width) / wide - 0.5
    y, x = np.floor(rows).astype(np.intp), np.floor(columns).astype(np.intp)
    fy, fx = (rows - y)[:, None], columns - x
    (y0, y1), (x0, x1) = ([v.clip(0, TILES - 1), (v + 1).clip(0, TILES - 1)] for v in (y, x))
    upper = tables[y0[:, None], x0, plane] * (1 - fx) + tables[y0[:, None], x1, plane] * fx
    lower = tables[y1[:, None], x0, plane] * (1 - fx) + tables[y1[:, None], x1, plane] * fx
    return saturate(upper * (1 - fy) + lower * fy)


def _table(tile: Pixels) -> npt.NDArray[np.float64]:
    """Return what each value of a tile becomes: what is cut off is shared among all."""
    counts = np.bincount(tile, minlength=256)
    limit = max(int(CLIP_LIMIT * tile.size / 256), 1)
    excess = int(np.maximum(counts - limit, 0).sum())
    counts = np.minimum(counts, limit) + excess // 256
    rest = excess % 256
    if rest:
        counts[: rest * max(256 // rest, 1) : max(256 // rest, 1)] += 1
    return saturate(np.cumsum(counts) * np.float32(255 / tile.size)).astype(np.float64)


def _of_luma(image: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Change the only plane of an image, or the luma of a coloured one."""
    if len(image) != 3:
        return np.stack([change(plane) for plane in image])
    ycc = to_ycrcb(image)
    ycc[0] = change(ycc[0])
    return from_ycrcb(ycc)
