"""Caffe's transformation of images: crop, mean, scale, mirror."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.data.datum import Image
from netcfg.data.draws import Numbers
from netcfg.data.mean import Mean
from netcfg.errors import DataError, NetError
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.types import Phase, Shape

Batch: TypeAlias = npt.NDArray[np.float32]

Cut: TypeAlias = tuple[int, int, int, int, bool]
"""Top, bottom, left and right of a part of an image, and whether it is mirrored."""

_ONE, _TWO, _HALF = np.uint64(1), np.uint64(2), np.uint64(1 << 63)

# What each of the four random numbers of a record decides.
_MIRROR, _TOP, _LEFT = 0, 1, 2


class Transform:
    """y = (x - mean) · scale of a crop of the image, mirrored or not.

    The crop is random in the TRAIN phase and central otherwise; a mean image has the size of the
    uncropped image and is cropped with it. ``mirror: true`` turns every second image, by chance,
    in every phase.

    Args:
        config: ``transform_param`` of the layer.
        phase: decides whether crops are random.
        mean: the image of ``mean_file``.

    Raises:
        NetError: fields that exclude each other are set.
    """

    def __init__(self, config: TransformationParameter, phase: Phase, mean: Mean | None) -> None:
        if mean is not None and config.mean_value:
            raise NetError("transform_param: mean_file and mean_value exclude each other")
        if config.force_color and config.force_gray:
            raise NetError("transform_param: force_color and force_gray exclude each other")
        self.crop = config.crop_size
        self.mirror = config.mirror
        self.scale = np.float32(config.scale)
        self.mean_image = mean
        self.mean_value = np.array(config.mean_value, np.float32).reshape(-1, 1, 1)
        self.random_crop = bool(self.crop) and phase == Phase.TRAIN

    @property
    def random(self) -> bool:
        """Whether the result depends on random numbers."""
        return self.mirror or self.random_crop

    def shape(self, image: Shape) -> Shape:
        """Return the (C, H, W) that an image of this shape becomes.

        Raises:
            DataError: the crop or the mean does not fit the image.
        """
        channels, height, width = image
        if self.crop > min(height, width):
            raise DataError(
                f"crop_size {self.crop} exceeds the image, {height} x {width} (height x width)"
            )
        if self.mean_image is not None and self.mean_image.shape != image:
            raise DataError(f"mean_file has shape {self.mean_image.shape}, the image {image}")
        if len(self.mean_value) not in (0, 1, channels):
            raise DataError(
                f"mean_value must be given once or for each of the {channels} channels; "
                f"given {len(self.mean_value)}"
            )
        return (channels, self.crop or height, self.crop or width)

    def __call__(self, images: Sequence[Image], numbers: Numbers | None) -> Batch:
        """Return the transformed images, (N, C, H, W).

        Args:
            images: accepted by ``shape``, which gives the same result for each of them.
            numbers: four random numbers for each image; needed where ``random``.
        """
        cuts = self._cuts(images, numbers)
        x = _stack([_cut(*pair) for pair in zip(images, cuts, strict=True)] if cuts else images)
        y = np.empty(x.shape, np.float32)
        if self.mean_image is not None and cuts:
            for i, cut in enumerate(cuts):
                np.subtract(x[i], _cut(self.mean_image, cut), out=y[i])
        elif self.mean_image is not None:
            np.subtract(x, self.mean_image, out=y)
        elif self.mean_value.size:
            np.subtract(x, self.mean_value, out=y)
        else:
            y[...] = x
        if self.scale != 1:
            y *= self.scale
        return y

    def _cuts(self, images: Sequence[Image], numbers: Numbers | None) -> list[Cut]:
        """Return what is taken of each image; nothing where all of them stay as they are."""
        if not self.crop and not self.mirror:
            return []
        heights = np.array([image.shape[1] for image in images], np.uint64)
        widths = np.array([image.shape[2] for image in images], np.uint64)
        sizes = (np.uint64(self.crop),) * 2 if self.crop else (heights, widths)
        tops, lefts = (heights - sizes[0]) // _TWO, (widths - sizes[1]) // _TWO
        if self.random_crop and numbers is not None:
            tops = numbers[:, _TOP] % (heights - sizes[0] + _ONE)
            lefts = numbers[:, _LEFT] % (widths - sizes[1] + _ONE)
        turned = np.zeros(len(images), bool)
        if self.mirror and numbers is not None:
            turned = numbers[:, _MIRROR] >= _HALF
        bottoms, rights = tops + sizes[0], lefts + sizes[1]
        columns = (tops, bottoms, lefts, rights, turned)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _cut(image: Image, cut: Cut) -> Image:
    top, bottom, left, right, turned = cut
    part = image[:, top:bottom, left:right]
    return part[:, :, ::-1] if turned else part


def _stack(images: Sequence[Image]) -> Image:
    """Return images of one shape as one array, of floats if one of them has floats."""
    first = images[0]
    same = all(image.dtype == first.dtype for image in images)
    x = np.empty((len(images), *first.shape), first.dtype if same else np.float32)
    for i, image in enumerate(images):
        x[i] = image
    return x
