"""Random sizes and shapes of images, as NVCaffe and Intel Caffe draw them."""

from dataclasses import dataclass

import numpy as np

from netcfg.data.datum import Image
from netcfg.data.interpolate import AREA, CUBIC, LINEAR, NEAREST, interpolate
from netcfg.errors import NetError
from netcfg.netcfg_pb2 import ResizeParameter, TransformationParameter

INTEL = ("random_resize_param", "random_aspect_ratio_param")
"""Fields of ``transform_param`` that are Intel Caffe's."""

STRETCHES = (
    "img_rand_resize_lower", "img_rand_resize_upper", "rand_resize_ratio_lower",
    "rand_resize_ratio_upper", "vertical_stretch_lower", "vertical_stretch_upper",
    "horizontal_stretch_lower", "horizontal_stretch_upper",
)  # fmt: skip
"""Fields that are NVCaffe's."""

FIELDS = (
    *INTEL,
    *STRETCHES,
    "interpolation_algo_down",
    "interpolation_algo_up",
    "allow_upscale",
)
"""What this module implements of forks."""

ALGORITHMS = (NEAREST, LINEAR, CUBIC, AREA)
"""Interpolations by NVCaffe's numbers."""


@dataclass(frozen=True)
class RandomSize:
    """Resizes an image to a random size, and a random part of it to ``crop_size``: what is set.

    NVCaffe: the shorter side gets a length from ``img_rand_resize_lower`` to its ``upper``, the
    longer one, if ``rand_resize_ratio`` is above 1, that times a number from there; then height and
    width are stretched, each by its own factor. No side becomes shorter than ``crop_size``, or
    without ``allow_upscale`` longer than it was.

    ``random_resize_param``: the shorter side gets a length from ``min_size`` to ``max_size``, by
    default those of the image's sides; the other keeps the shape.

    ``random_aspect_ratio_param``: the part has a share a of the area, from ``min_area_ratio`` to
    ``max_area_ratio``, and sides c √(a area) and √(a area) / c, or the other way round, with c from
    ``aspect_ratio_change`` to its reciprocal. Where ``max_attempt`` parts do not fit, the image is
    resized so that its shorter side has ``crop_size``. Szegedy and others, "Going deeper with
    convolutions", 2015.

    Args:
        config: ``transform_param``.

    Raises:
        NetError: there is no ``crop_size``, or a range is empty.
    """

    config: TransformationParameter

    def __post_init__(self) -> None:
        config = self.config
        if any(map(config.HasField, INTEL)) and not config.crop_size:
            raise NetError("random_resize_param and random_aspect_ratio_param need crop_size")
        ends = config.img_rand_resize_lower, config.img_rand_resize_upper
        if bool(ends[0]) != bool(ends[1]) or ends[0] > ends[1]:
            raise NetError(
                "img_rand_resize_lower and img_rand_resize_upper go together, the lower first; "
                f"given {ends[0]} and {ends[1]}"
            )
        size, shape = self.config.random_resize_param, self.config.random_aspect_ratio_param
        if size.max_size and size.min_size > size.max_size:
            raise NetError(
                "random_resize_param: min_size must not exceed max_size; given "
                f"{size.min_size} and {size.max_size}"
            )
        if not 0 < shape.min_area_ratio <= shape.max_area_ratio:
            raise NetError(
                "random_aspect_ratio_param: 0 < min_area_ratio <= max_area_ratio must hold; given "
                f"{shape.min_area_ratio:g} and {shape.max_area_ratio:g}"
            )
        if shape.aspect_ratio_change <= 0:
            raise NetError(
                "random_aspect_ratio_param: aspect_ratio_change must be positive; given "
                f"{shape.aspect_ratio_change:g}"
            )

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """Return an image (C, H, W) resized."""
        if any(map(self.config.HasField, STRETCHES)):
            image = self._stretched(image, rng)
        if self.config.HasField("random_resize_param"):
            param = self.config.random_resize_param
            least = param.min_size or min(image.shape[1:])
            most = max(least, param.max_size or max(image.shape[1:]))
            length = int(rng.integers(least, most + 1))
            image = _by_shorter_side(image, length, param.resize_param, rng)
        if self.config.HasField("random_aspect_ratio_param"):
            image = self._part(image, rng)
        return image

    def _stretched(self, image: Image, rng: np.random.Generator) -> Image:
        c, (_, H, W) = self.config, image.shape
        short = min(H, W)
        if c.img_rand_resize_lower:
            short = int(rng.integers(c.img_rand_resize_lower, c.img_rand_resize_upper + 1))
        height, width = H * short / min(H, W), W * short / min(H, W)
        if c.rand_resize_ratio_lower >= 1 and c.rand_resize_ratio_upper > 1:
            longer = short * rng.uniform(c.rand_resize_ratio_lower, c.rand_resize_ratio_upper)
            wide = rng.random() < 0.5 if height == width else width > height
            height, width = (short, longer) if wide else (longer, short)
        height *= rng.uniform(c.vertical_stretch_lower, c.vertical_stretch_upper)
        width *= rng.uniform(c.horizontal_stretch_lower, c.horizontal_stretch_upper)
        size = [max(c.crop_size, int(n + 0.5)) for n in (height, width)]
        if not c.allow_upscale:
            size = [min(new, old) for new, old in zip(size, (H, W), strict=True)]
        smaller = size[0] <= H and size[1] <= W
        mode = c.interpolation_algo_down if smaller else c.interpolation_algo_up
        return interpolate(image, max(1, size[0]), max(1, size[1]), ALGORITHMS[mode])

    def _part(self, image: Image, rng: np.random.Generator) -> Image:
        param, size = self.config.random_aspect_ratio_param, self.config.crop_size
        _, H, W = image.shape
        for _ in range(param.max_attempt):
            area = rng.uniform(param.min_area_ratio, param.max_area_ratio) * H * W
            least, most = sorted((param.aspect_ratio_change, 1 / param.aspect_ratio_change))
            change = rng.uniform(least, most)
            height, width = max(1, int(area**0.5 * change)), max(1, int(area**0.5 / change))
            if rng.random() < 0.5:
                height, width = width, height
            if height <= H and width <= W:
                top = int(rng.integers(H - height + 1))
                left = int(rng.integers(W - width + 1))
                part = image[:, top : top + height, left : left + width]
                return interpolate(part, size, size, _mode(param.resize_param, rng))
        return _by_shorter_side(image, size, param.resize_param, rng)


def _by_shorter_side(
    image: Image, length: int, resize: ResizeParameter, rng: np.random.Generator
) -> Image:
    """Return an image whose shorter side has a length."""
    _, H, W = image.shape
    shape = np.float32(max(H, W)) / np.float32(min(H, W))
    longer = max(length, int(shape * np.float32(length)))
    height, width = (length, longer) if H < W else (longer, length)
    return interpolate(image, height, width, _mode(resize, rng))


def _mode(resize: ResizeParameter, rng: np.random.Generator) -> int:
    """Return one of the interpolations."""
    modes = resize.interp_mode
    return modes[int(rng.integers(len(modes)))] if modes else LINEAR
