"""From a picture to what a net sees: size, crops, order of channels, mean and scale."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.errors import NetError
from netcfg.io.image import Pixels, resize_image
from netcfg.vision.pictures import Picture, pixels_of

Size: TypeAlias = tuple[int, int]
"""Height and width."""

Floats: TypeAlias = npt.NDArray[np.float32]

CHANNELS = {"BGR": 3, "RGB": 3, "GREY": 1}
"""Orders of channels, and how many there are."""

CROPS = 10
"""Views of an oversampled picture: four corners and the centre, then the same mirrored."""


def no_mean() -> Floats:
    """Return the mean of nets that take none away."""
    return np.zeros((0, 1, 1), np.float32)


@dataclass(frozen=True)
class Preprocess:
    """y = (x - mean) · scale of a picture x, resized and cropped.

    Resizing is bilinear as in Caffe's ``convert_imageset``, without smoothing.

    Attributes:
        size: height and width of what the net sees; None for the size of the picture.
        channels: one of ``CHANNELS``.
        resize: height and width before the centre is cut out; ``size`` where None.
        keep_aspect: the shorter side becomes that of ``resize``, the other one as it fits.
        fit: without ``size``: the shorter side becomes the first, unless the longer one would
            exceed the second.
        mean: (C, 1, 1), or an image of the size of ``resize`` or of ``size``; empty for none.
        scale: a factor.
        oversample: ten views of a picture, as Caffe cuts them, in place of the centre.

    Raises:
        NetError: they do not fit together.
    """

    size: Size | None
    channels: str = "BGR"
    resize: Size | None = None
    keep_aspect: bool = False
    fit: Size | None = None
    mean: Floats = field(default_factory=no_mean)
    scale: float = 1.0
    oversample: bool = False

    def __post_init__(self) -> None:
        size, count = self.size, CHANNELS[self.channels]
        if size is None:
            self._check_free()
        elif self.resize and min(r - s for r, s in zip(self.resize, size, strict=True)) < 0:
            raise NetError(
                f"--resize {_text(self.resize)} must hold the net's input, {_text(size)} "
                "(height x width)"
            )
        if self.oversample and (size is None or self.canvas == size):
            raise NetError(
                "--oversample cuts views out of a picture that is larger than the net's input; "
                "give its size with --resize"
            )
        if not self.mean.size:
            return
        if len(self.mean) not in (1, count):
            raise NetError(f"the mean must have {count} channels; given {len(self.mean)}")
        known = list(dict.fromkeys(shape for shape in ((1, 1), self.canvas, size) if shape))
        if self.mean.shape[1:] not in known or (self.keep_aspect and self._large_mean):
            raise NetError(
                f"the mean image must have the size of the resized picture or of the input, "
                f"{' or '.join(_text(s) for s in known[1:])}; given {_text(self.mean.shape[1:])}"
            )

    def _check_free(self) -> None:
        if self.resize or self.keep_aspect:
            raise NetError("--resize needs an input of one size; with --size image there is none")

    @property
    def canvas(self) -> Size | None:
        """Height and width before the crop."""
        return self.resize or self.size

    @property
    def _large_mean(self) -> bool:
        return self.mean.shape[1:] not in ((1, 1), self.size)

    def views(self, picture: Picture) -> Pixels:
        """Return what a net shall see of a picture, (views, C, h, w)."""
        image = pixels_of(picture, self.channels)
        height, width = image.shape[1:]
        if min(height, width) * 65536 < max(height, width):
            raise NetError(f"a picture of {width} x {height} pixels is out of proportion")
        image = resize_image(image, *self._target((height, width)))
        if self.size is None:
            return image[np.newaxis]
        return np.stack(self._cut(image))

    def _target(self, own: Size) -> Size:
        if self.size is None:
            return self._fitted(own) if self.fit else own
        if not self.keep_aspect:
            return self.resize or self.size
        assert self.canvas is not None  # noqa: S101
        short = min(self.canvas)
        factor = max(short / min(own), *(s / o for s, o in zip(self.size, own, strict=True)))
        return round(own[0] * factor), round(own[1] * factor)

    def _fitted(self, own: Size) -> Size:
        assert self.fit is not None  # noqa: S101
        factor = min(self.fit[0] / min(own), self.fit[1] / max(own))
        return max(1, round(own[0] * factor)), max(1, round(own[1] * factor))

    def _cut(self, image: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
        """Return the views of a resized image (C, H, W)."""
        assert self.size is not None  # noqa: S101
        h, w = self.size
        y, x = (image.shape[1] - h), (image.shape[2] - w)
        if not self.oversample:
            return [image[:, y // 2 : y // 2 + h, x // 2 : x // 2 + w]]
        corners = [(0, 0), (0, x), (y, 0), (y, x), (y // 2, x // 2)]
        views = [image[:, i : i + h, j : j + w] for i, j in corners]
        return views + [view[:, :, ::-1] for view in views]

    def normalise(self, views: Pixels) -> Floats:
        """Return the input of the net.

        Args:
            views: (N, views, C, h, w).

        Returns:
            (N · views, C, h, w), the views of a picture side by side.
        """
        y = np.empty(views.shape, np.float32)
        if self.mean.size:
            mean = np.stack(self._cut(self.mean)) if self._large_mean else self.mean
            np.subtract(views, mean, out=y)
        else:
            y[...] = views
        if self.scale != 1:
            y *= np.float32(self.scale)
        return y.reshape(-1, *views.shape[2:])


def _text(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
