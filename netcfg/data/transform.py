"""Caffe's transformation of images: crop, mean, scale, mirror."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.data.datum import Image
from netcfg.data.draws import Numbers
from netcfg.data.mean import Mean
from netcfg.data.pixels import Cut, cut_all, cut_one, in_row, whole_pixels
from netcfg.engines.onednn.memory import Pool
from netcfg.errors import DataError, NetError
from netcfg.netcfg_pb2 import TransformationParameter
from netcfg.types import Phase, Shape

Batch: TypeAlias = npt.NDArray[np.float32]

Images: TypeAlias = Sequence[Image] | Image
"""Images one by one, or small ones in an array (N, C, H, W)."""

_ONE, _TWO, _HALF = np.uint64(1), np.uint64(2), np.uint64(1 << 63)

# What each of the four random numbers of a record decides.
_MIRROR, _TOP, _LEFT = 0, 1, 2


class Transform:
    """y = (x - mean) · scale of a crop of the image, mirrored or not.

    The crop is random in the TRAIN phase and central otherwise; a mean image has the size of the
    uncropped image and is cropped with it. ``mirror: true`` turns every second image, by chance,
    in every phase; with ``is_flow`` it inverts every second channel of it, from the first on, for
    what moved to the left now moves to the right.

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
        self.crop = _crop(config)
        self.mirror, self.flow = config.mirror, config.is_flow
        self.scale = np.float32(config.scale)
        self.memory = Pool()
        self.mean_image = None if mean is None else whole_pixels(mean, self.memory)
        self.mean_value = tuple(config.mean_value)
        self.random_crop = any(self.crop) and phase == Phase.TRAIN

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
        if self.crop[0] > height or self.crop[1] > width:
            crop = " x ".join(str(edge) for edge in dict.fromkeys(self.crop))
            raise DataError(
                f"crop_size {crop} exceeds the image, {height} x {width} (height x width)"
            )
        if self.mean_image is not None and self.mean_image.shape != image:
            raise DataError(f"mean_file has shape {self.mean_image.shape}, the image {image}")
        if len(self.mean_value) not in (0, 1, channels):
            raise DataError(
                f"mean_value must be given once or for each of the {channels} channels; "
                f"given {len(self.mean_value)}"
            )
        return (channels, self.crop[0] or height, self.crop[1] or width)

    def __call__(self, images: Images, numbers: Numbers | None) -> Batch:
        """Return the transformed images, (N, C, H, W).

        Args:
            images: accepted by ``shape``, which gives the same result for each of them.
            numbers: four random numbers for each image; needed where ``random``.
        """
        return self.apply(images, self.cuts(images, numbers))

    def apply(self, images: Images, cuts: Sequence[Cut]) -> Batch:
        """Return what is taken of the images, (N, C, H, W), after the mean and the scale.

        Args:
            images: as above.
            cuts: of ``cuts``.
        """
        y = self.memory.empty((len(images), *self.shape(images[0].shape)))
        if isinstance(images, np.ndarray) and not self.flow:
            x = cut_all(images, cuts) if cuts else images
            mean = self.mean_image
            if mean is not None and cuts:
                mean = cut_all(np.broadcast_to(mean, images.shape), cuts)
            self._convert(x, mean, y)
            return y
        for i, image in enumerate(images):
            part, mean = image, self.mean_image
            if cuts:
                part = cut_one(image, cuts[i])
                mean = None if mean is None else cut_one(mean, cuts[i])
                part = _turned_flow(part) if self.flow and cuts[i][-1] else part
            self._convert(part[np.newaxis], mean, y[i : i + 1])
        return y

    def _convert(self, x: Image, mean: Mean | None, y: Batch) -> None:
        """Write y = (x - mean) · scale, where ``mean`` is that of an image."""
        if mean is None and self.mean_value:
            mean = in_row(self.mean_value, x.shape[1], x.shape[3])
        x = whole_pixels(x, self.memory)
        if mean is None:
            np.multiply(x, self.scale, out=y)
            return
        y[...] = x
        y -= whole_pixels(mean, self.memory)
        if self.scale != 1:
            y *= self.scale

    def cuts(self, images: Images, numbers: Numbers | None) -> list[Cut]:
        """Return what is taken of each image; nothing where all of them stay as they are."""
        if not any(self.crop) and not self.mirror:
            return []
        heights = np.array([image.shape[1] for image in images], np.uint64)
        widths = np.array([image.shape[2] for image in images], np.uint64)
        crop = np.uint64(self.crop[0]), np.uint64(self.crop[1])
        sizes = crop if any(self.crop) else (heights, widths)
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


def _turned_flow(image: Image) -> Image:
    """Return optical flow, x and y in turn, with x inverted as bytes are."""
    turned = image.copy()
    turned[::2] = 255 - turned[::2]
    return turned


def _crop(config: TransformationParameter) -> tuple[int, int]:
    """Return height and width of the crop, zeros for none."""
    size, crop = config.crop_size, (config.crop_h, config.crop_w)
    if (size and any(crop)) or bool(crop[0]) != bool(crop[1]):
        raise NetError(
            "transform_param: a crop is crop_size, or both crop_h and crop_w; given "
            f"{size}, {crop[0]} and {crop[1]}"
        )
    return (size, size) if size else crop
