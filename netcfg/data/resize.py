"""SSD's ``resize_param``: what becomes of the size of an image, its pixels and its boxes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.data.interpolate import LINEAR, interpolate
from netcfg.data.objects import BOX, Objects
from netcfg.errors import DataError, NetError
from netcfg.netcfg_pb2 import ResizeParameter

Size = tuple[int, int]
"""Height and width."""

PAD = {
    ResizeParameter.CONSTANT: "constant",
    ResizeParameter.MIRRORED: "reflect",
    ResizeParameter.REPEAT_NEAREST: "edge",
}

FIT_SMALL, FIT_LARGE = ResizeParameter.FIT_SMALL_SIZE, ResizeParameter.FIT_LARGE_SIZE_AND_PAD


@dataclass(frozen=True)
class Resize:
    """Resizes images to ``height`` x ``width``, or by keeping their shape.

    WARP stretches. FIT_SMALL_SIZE makes the image as small as it can be without a side that is
    shorter than asked for. FIT_LARGE_SIZE_AND_PAD makes it as large as fits and pads it evenly.

    Args:
        config: one ``resize_param``.

    Raises:
        NetError: a size is missing, or only one of those for the scale is given.
    """

    config: ResizeParameter

    def __post_init__(self) -> None:
        c = self.config
        if not (c.height and c.width):
            raise NetError(
                f"resize_param: height and width must be given; given {c.height} and {c.width}"
            )
        if bool(c.height_scale) != bool(c.width_scale):
            raise NetError(
                "resize_param: height_scale and width_scale must be given together; given "
                f"{c.height_scale} and {c.width_scale}"
            )

    def shape(self, size: Size) -> Size:
        """Return the height and width that an image of this size is resized to, unpadded."""
        height, width = self._exact(size)
        return max(1, int(height)), max(1, int(width))

    def image(self, image: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
        """Return an image (C, H, W) resized; one of several ``interp_mode`` is drawn.

        Raises:
            DataError: ``pad_value`` fits neither one nor all channels.
        """
        modes = self.config.interp_mode
        mode = modes[int(rng.integers(len(modes)))] if modes else LINEAR
        resized = interpolate(image, *self.shape(image.shape[1:]), mode)
        return self._padded(resized) if self.config.resize_mode == FIT_LARGE else resized

    def objects(self, objects: Objects, size: Size) -> Objects:
        """Return the objects of an image of a size as shares of the resized one."""
        resized = objects.copy()
        resized[:, BOX] = resized[:, BOX].clip(0, 1)
        if self.config.resize_mode == FIT_LARGE:
            height, width = self._exact(size)
            shown = np.array([width / self.config.width, height / self.config.height] * 2)
            resized[:, BOX] = resized[:, BOX] * shown + (1 - shown) / 2
        return resized

    def rescaled(self, objects: Objects, size: Size) -> Objects:
        """Return objects as shares of ``width_scale`` and ``height_scale``, if these are given.

        Args:
            objects: as shares of what the net sees.
            size: of that.

        Raises:
            DataError: it is smaller than the scale.
        """
        c = self.config
        if c.resize_mode != FIT_SMALL or not c.height_scale:
            return objects
        if size[0] < c.height_scale or size[1] < c.width_scale:
            raise DataError(
                f"resize_param: height_scale {c.height_scale} and width_scale {c.width_scale} "
                f"exceed the image, {size[0]} x {size[1]} (height x width)"
            )
        factors = np.array([size[1] / c.width_scale, size[0] / c.height_scale] * 2, np.float32)
        rescaled = objects.copy()
        rescaled[:, BOX] *= factors
        return rescaled

    def _exact(self, size: Size) -> tuple[float, float]:
        """Return what ``shape`` cuts to whole numbers."""
        c, (height, width) = self.config, size
        if c.resize_mode == ResizeParameter.WARP:
            return c.height, c.width
        wide = width * c.height > c.width * height
        if wide == (c.resize_mode == FIT_LARGE):
            return c.width * height / width, c.width
        return c.height, c.height * width / height

    def _padded(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        c = self.config
        room = c.height - image.shape[1], c.width - image.shape[2]
        pads = [(r // 2, r - r // 2) for r in room]
        if c.pad_mode != ResizeParameter.CONSTANT:
            # NumPy mirrors as often as needed, and repeats a single pixel.
            return np.pad(image, [(0, 0), *pads], mode=PAD[c.pad_mode])  # type: ignore[call-overload]
        values = np.array(c.pad_value or [0])
        if len(values) not in (1, len(image)):
            raise DataError(
                f"resize_param: pad_value must be given once or for each of the {len(image)} "
                f"channels; given {len(values)}"
            )
        padded = np.empty((len(image), c.height, c.width), image.dtype)
        padded[...] = values[:, None, None].astype(image.dtype)
        (top, _), (left, _) = pads
        padded[:, top : top + image.shape[1], left : left + image.shape[2]] = image
        return padded
