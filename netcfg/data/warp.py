"""R-CNN's way of making squares of one size out of windows in images."""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.data.mean import Mean
from netcfg.errors import DataError, NetError
from netcfg.io.image import Pixels, resize_image

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom of a window in pixels, all of them within it."""

Float: TypeAlias = np.float32


class Place(NamedTuple):
    """Which part of an image goes where in the square.

    Attributes:
        box: what is cut out of the image.
        height, width: that it is resized to.
        top, left: where it stands in the square.
    """

    box: Box
    height: int
    width: int
    top: int
    left: int


class Warp:
    """y = (resized window - mean) · scale, zeros where the window reaches beyond the image.

    Args:
        size: edge of the square.
        context: pixels of the square on each side that show what is around the box.
        square: whether boxes are widened to squares first, so that shapes stay.
        mean: an image, of which the square in the middle is used, one value for each channel, or
            one for all.
        scale: factor of each value.

    Raises:
        NetError: the context leaves no room for the box, or the mean does not fit.
    """

    def __init__(
        self,
        size: int,
        *,
        context: int = 0,
        square: bool = False,
        mean: Mean | None = None,
        scale: float = 1,
    ) -> None:
        if size < 1:
            raise NetError("crop_size must be at least 1; it is the size of the windows")
        if 2 * context >= size:
            raise NetError(
                f"context_pad must be less than half of crop_size; given {context} and {size}"
            )
        self.size = size
        self.context = context
        self.square = square
        self.scale = Float(scale)
        self.mean = np.zeros((3, 1, 1), np.float32) if mean is None else _centre(mean, size)

    def __call__(self, image: Pixels, box: Box, mirrored: bool) -> npt.NDArray[np.float32]:
        """Return the window, (3, size, size).

        Args:
            image: (3, H, W).
            box: of the window.
            mirrored: whether left and right change places.

        Raises:
            DataError: the window is empty or does not lie in the image.
        """
        place = self.place(box, image.shape[1], image.shape[2], mirrored)
        y = np.zeros((3, self.size, self.size), np.float32)
        if min(place.height, place.width) < 1:
            return y
        x1, y1, x2, y2 = place.box
        part = resize_image(image[:, y1 : y2 + 1, x1 : x2 + 1], place.height, place.width)
        rows = slice(place.top, place.top + place.height)
        columns = slice(place.left, place.left + place.width)
        mean = np.broadcast_to(self.mean, y.shape)[:, rows, columns]
        y[:, rows, columns] = ((part[:, :, ::-1] if mirrored else part) - mean) * self.scale
        return y

    def place(self, box: Box, height: int, width: int, mirrored: bool) -> Place:
        """Return where a window of an image goes, in Caffe's arithmetic of 32 bits.

        With c = size / (size - 2 context), a box of half edges h about its centre becomes
        [round(centre - h c), round(centre + h c)]; what of that lies in the image is resized by
        the factor that makes all of it ``size`` long.

        Raises:
            DataError: the window is empty or does not lie in the image.
        """
        x1, y1, x2, y2 = box
        if x2 < x1 or y2 < y1:
            raise DataError(f"window {box} is empty: it is x1, y1, x2, y2 with x1 <= x2, y1 <= y2")
        place = Place(box, self.size, self.size, 0, 0)
        if self.context or self.square:
            half_x, half_y = Float(x2 - x1 + 1) / Float(2), Float(y2 - y1 + 1) / Float(2)
            centre_x, centre_y = Float(x1) + half_x, Float(y1) + half_y
            if self.square:
                half_x = half_y = max(half_x, half_y)
            x1, x2, place_width, left, right = self._span(centre_x, half_x, width)
            y1, y2, place_height, top, _ = self._span(centre_y, half_y, height)
            left = right if mirrored else left
            # Rounded parts may add up to more than the square.
            fit_height, fit_width = self.size - top, self.size - left
            sizes = min(place_height, fit_height), min(place_width, fit_width)
            place = Place((x1, y1, x2, y2), *sizes, top, left)
        if not (0 <= x1 <= x2 < width and 0 <= y1 <= y2 < height):
            raise DataError(
                f"window {box} must lie in the image, {height} x {width} (height x width)"
            )
        return place

    def _span(self, centre: Float, half: Float, length: int) -> tuple[int, int, int, int, int]:
        """Widen a window along one axis and clip it to the image.

        Returns:
            first and last pixel, their number in the square, and the padding before and behind.
        """
        context = Float(self.size) / Float(self.size - 2 * self.context)
        first, last = _round(centre - half * context), _round(centre + half * context)
        scale = Float(self.size) / Float(last - first + 1)
        before, behind = max(0, -first), max(0, last - length + 1)
        first, last = first + before, last - behind
        sizes = (last - first + 1, before, behind)
        count, before, behind = (_round(Float(n) * scale) for n in sizes)
        return first, last, count, before, behind


def _centre(mean: Mean, size: int) -> Mean:
    """Return the part of a mean image that is subtracted, or values as (C, 1, 1).

    Caffe takes the offset of the columns for the rows too.
    """
    if mean.shape[1:] == (1, 1):
        return mean
    offset = (mean.shape[2] - size) // 2
    if len(mean) != 3 or offset < 0 or offset + size > mean.shape[1]:
        raise NetError(
            f"mean_file has shape {mean.shape}; 3 channels of at least {size} x {size} (crop_size) "
            f"are needed, and {max(0, offset) + size} rows with this many columns"
        )
    return mean[:, offset : offset + size, offset : offset + size]


def _round(value: Float) -> int:
    """Round halves away from zero, as C does."""
    return int(math.copysign(math.floor(abs(float(value)) + 0.5), value))
