"""SSD's ``distort_param`` and ``expand_param``: random colours, and a random larger canvas."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from netcfg.data.colour import from_hsv, saturate, to_hsv
from netcfg.data.objects import Boxes
from netcfg.errors import NetError
from netcfg.io.image import Pixels
from netcfg.netcfg_pb2 import DistortionParameter, ExpansionParameter

Change = Callable[[Pixels, np.random.Generator], Pixels]


class Distort:
    """Brightness, contrast, saturation, hue and the order of channels, each by chance.

    brightness  x + d, d in ±brightness_delta         contrast    x · f, f in [lower, upper]
    saturation  S · f, f in [lower, upper]            hue         H + d, d in ±hue_delta, of 180

    Contrast comes second or, by half chance, after hue. Values are cut to 0 … 255 after each step;
    a hue below 0 becomes 0 rather than the end of the circle, as OpenCV's 8 bits had it in SSD.

    Args:
        config: the parameters.

    Raises:
        NetError: a range is empty or negative.
    """

    def __init__(self, config: DistortionParameter) -> None:
        self.config = config
        for name in ("brightness", "hue"):
            delta = getattr(config, f"{name}_delta")
            if delta < 0:
                raise NetError(f"distort_param: {name}_delta must not be negative; given {delta:g}")
        for name in ("contrast", "saturation"):
            lower, upper = getattr(config, f"{name}_lower"), getattr(config, f"{name}_upper")
            if not 0 <= lower <= upper:
                raise NetError(
                    f"distort_param: 0 <= {name}_lower <= {name}_upper must hold; given {lower:g} "
                    f"and {upper:g}"
                )

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """Return an image (C, H, W) distorted; one without colours keeps its single channel."""
        colour: list[Change] = [self._saturation, self._hue] if len(image) == 3 else []
        early = rng.random() > 0.5
        middle = [self._contrast, *colour] if early else [*colour, self._contrast]
        for change in (self._brightness, *middle, self._order):
            image = change(image, rng)
        return image

    def _brightness(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        chance, delta = rng.random(), self.config.brightness_delta
        shift = rng.uniform(-delta, delta)
        return saturate(image + shift) if chance < self.config.brightness_prob else image

    def _contrast(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        chance = rng.random()
        factor = rng.uniform(self.config.contrast_lower, self.config.contrast_upper)
        return saturate(image * factor) if chance < self.config.contrast_prob else image

    def _saturation(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        chance = rng.random()
        factor = rng.uniform(self.config.saturation_lower, self.config.saturation_upper)
        if chance >= self.config.saturation_prob:
            return image
        hsv = to_hsv(image)
        hsv[1] = saturate(hsv[1] * factor)
        return from_hsv(hsv)

    def _hue(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        chance, delta = rng.random(), self.config.hue_delta
        turn = rng.uniform(-delta, delta)
        if chance >= self.config.hue_prob:
            return image
        hsv = to_hsv(image)
        hsv[0] = saturate(hsv[0] + turn)
        return from_hsv(hsv)

    def _order(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        chance, order = rng.random(), rng.permutation(len(image))
        return image[order] if chance < self.config.random_order_prob else image


class Expand:
    """Puts an image somewhere on a canvas up to ``max_expand_ratio`` times its size.

    Args:
        config: the parameters.
        mean: colour of the canvas, one value or one for each channel; 0 where there is none.

    Raises:
        NetError: the ratio is below 1.
    """

    def __init__(self, config: ExpansionParameter, mean: npt.NDArray[np.float32]) -> None:
        if config.max_expand_ratio < 1:
            raise NetError(
                "expand_param: max_expand_ratio must be at least 1; given "
                f"{config.max_expand_ratio:g}"
            )
        self.config = config
        self.mean = mean.reshape(-1, 1, 1) if mean.size else np.zeros((1, 1, 1), np.float32)

    def __call__(self, image: Pixels, rng: np.random.Generator) -> tuple[Pixels, Boxes | None]:
        """Return the canvas and where it lies as shares of the image; None if all stays as is."""
        chance, ratio, y, x = rng.random(4)
        most = self.config.max_expand_ratio
        if chance > self.config.prob or most - 1 < 1e-2:
            return image, None
        ratio = 1 + (most - 1) * ratio
        channels, height, width = image.shape
        tall, wide = int(height * ratio), int(width * ratio)
        top, left = int(y * (tall - height)), int(x * (wide - width))
        canvas = np.empty((channels, tall, wide), image.dtype)
        canvas[...] = saturate(self.mean) if image.dtype == np.uint8 else self.mean
        canvas[:, top : top + height, left : left + width] = image
        corners = [-left / width, -top / height, (wide - left) / width, (tall - top) / height]
        return canvas, np.array(corners, np.float32)
