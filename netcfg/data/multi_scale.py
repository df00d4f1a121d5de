"""Parts of an image as TSN cuts them: of some sizes, at some places, resized to the crop."""

from dataclasses import dataclass

import numpy as np

from netcfg.data.datum import Image
from netcfg.errors import DataError, NetError
from netcfg.io.image import resize_image
from netcfg.netcfg_pb2 import TransformationParameter

FIELDS = ("multi_scale", "scale_ratios", "max_distort", "fix_crop", "more_fix_crop", "is_flow")
"""Fields of ``transform_param`` that come from TSN; ``Transform`` reads the last."""

RATIOS = (1, 0.875, 0.75, 0.66)

_FEW = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]
_MORE = [(0, 2), (4, 2), (2, 0), (2, 4), (1, 1), (1, 3), (3, 1), (3, 3)]
"""Places in quarters of the room that a part has, down and across."""


@dataclass(frozen=True)
class MultiScale:
    """Cuts a random part out of each image and makes it ``crop_size`` large.

    With ``multi_scale`` height and width are the shorter side times one of ``scale_ratios`` each,
    at most ``max_distort`` places apart in that list, or ``crop_size`` where they come within two
    pixels of it. With ``fix_crop`` a part lies in a corner or in the middle, with ``more_fix_crop``
    also at the middle of a side or halfway to a corner; else anywhere. Wang and others, 2016.

    Args:
        config: ``transform_param``.

    Raises:
        NetError: there is no ``crop_size``, or a mean image, which has another size.
    """

    config: TransformationParameter

    def __post_init__(self) -> None:
        if not self.config.crop_size:
            raise NetError("multi_scale and fix_crop need crop_size, the size of what they cut")
        if self.config.mean_file:
            raise NetError("multi_scale and fix_crop resize; use mean_value, not mean_file")
        if any(not 0 < ratio <= 1 for ratio in self.config.scale_ratios):
            given = [round(ratio, 6) for ratio in self.config.scale_ratios]
            raise NetError(f"scale_ratios must lie in (0, 1]; given {given}")

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Return a part of an image (C, H, W).

        Raises:
            DataError: without ``multi_scale``, the image is smaller than the crop.
        """
        size = self.config.crop_size
        sizes = self.sizes(image.shape[1], image.shape[2])
        height, width = sizes[int(rng.integers(len(sizes)))]
        room = image.shape[1] - height, image.shape[2] - width
        if min(room) < 0:
            raise DataError(
                f"crop_size {size} exceeds the image, {image.shape[1]} x {image.shape[2]} "
                "(height x width)"
            )
        top, left = self._place(room, rng)
        part = image[:, top : top + height, left : left + width]
        if (height, width) == (size, size):
            return part
        return resize_image(part, size, size)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Return heights and widths of parts of an image of this size."""
        size, config = self.config.crop_size, self.config
        if not config.multi_scale:
            return [(size, size)]
        ratios = np.array(list(config.scale_ratios) or RATIOS, np.float32)
        edges = (np.float32(min(height, width)) * ratios).astype(int)
        edges = np.where(abs(edges - size) < 3, size, edges).tolist()
        return [
            (edges[i], edges[j])
            for i in range(len(edges))
            for j in range(len(edges))
            if abs(i - j) <= config.max_distort
        ]

    def _place(self, room: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
        """Return first row and column of a part with so much room around it."""
        if not self.config.fix_crop:
            return int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))
        places = _FEW + _MORE if self.config.more_fix_crop else _FEW
        down, across = places[int(rng.integers(len(places)))]
        return down * (room[0] // 4), across * (room[1] // 4)
