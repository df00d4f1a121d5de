"""Parts of images, and floats of them, in the few passes that NumPy is quick at."""

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.engines.onednn.memory import Pool

Cut: TypeAlias = tuple[int, int, int, int, bool]
"""Top, bottom, left and right of a part of an image, and whether it is mirrored."""


def cut_one(image: npt.NDArray[Any], cut: Cut) -> npt.NDArray[Any]:
    """Return a part of an image, (C, h, w), in the image's memory."""
    top, bottom, left, right, turned = cut
    part = image[:, top:bottom, left:right]
    return part[:, :, ::-1] if turned else part


def cut_all(images: npt.NDArray[Any], cuts: Sequence[Cut]) -> npt.NDArray[Any]:
    """Return parts of one size, a cut for each of the images, (N, C, h, w)."""
    tops, bottoms, lefts, rights, turned = np.array(cuts).T
    size = bottoms[0] - tops[0], rights[0] - lefts[0]
    windows = np.lib.stride_tricks.sliding_window_view(images, size, (2, 3))
    parts = windows[np.arange(len(images)), :, tops, lefts]
    (mirrored,) = turned.nonzero()
    parts[mirrored] = windows[mirrored, :, tops[mirrored], lefts[mirrored], :, ::-1]
    return parts


def whole_pixels(x: npt.NDArray[Any], memory: Pool) -> npt.NDArray[Any]:
    """Return images whose channels of a pixel lie side by side, in a copy where they do not.

    The rest is done in long runs of memory then. Where NumPy copies between layouts itself, it goes
    over the few channels innermost, which takes three times as long.

    Args:
        x: (C, H, W) or (N, C, H, W).
        memory: of the copy.
    """
    channels = x.shape[-3]
    beside = channels == 1 or x.strides[-3] == x.itemsize
    if beside and x.strides[-1] == channels * x.itemsize:
        return x
    y = memory.empty((1, *x.shape)[-4:], dtype=x.dtype)
    y = y if x.ndim == 4 else y[0]
    for c in range(channels):
        y[..., c, :, :] = x[..., c, :, :]
    return y


@functools.lru_cache
def in_row(values: tuple[float, ...], channels: int, width: int) -> npt.NDArray[np.float32]:
    """Return a value for each channel as a row of pixels, (C, 1, width), channels-last."""
    row = np.empty((1, width, channels), np.float32)
    row[...] = values
    row.flags.writeable = False
    return row.transpose(2, 0, 1)
