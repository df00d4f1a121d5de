"""From images to inputs of a net and back."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from netcfg.errors import NetError, ShapeError, nearest
from netcfg.io.image import resize_image
from netcfg.types import Shape

Floats = npt.NDArray[np.float32]


class Transformer:
    """Turns images (H, W, K) into what the inputs of a net expect.

    The steps, each where it was set: resize, transpose, swap channels, scale raw values, subtract
    the mean, scale.

    Args:
        inputs: shape of each input by name, (N, K, H, W).
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs: dict[str, Shape] = {name: tuple(shape) for name, shape in inputs.items()}
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Floats] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: np.ndarray) -> Floats:
        """Return what the net takes for an image (H, W, K), as (K, H, W) without a batch axis."""
        size = self._shape(in_)[2:]
        x = np.array(data, np.float32)
        if x.shape[:2] != size:
            x = np.moveaxis(resize_image(np.moveaxis(x, -1, 0), *size), 0, -1)
        if in_ in self.transpose:
            x = x.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            x = x[list(self.channel_swap[in_])]
        if in_ in self.raw_scale:
            x = x * np.float32(self.raw_scale[in_])
        if in_ in self.mean:
            x = x - self.mean[in_]
        if in_ in self.input_scale:
            x = x * np.float32(self.input_scale[in_])
        return np.ascontiguousarray(x)

    def deprocess(self, in_: str, data: np.ndarray) -> Floats:
        """Return the image of a net's input; its size stays that of the input."""
        self._shape(in_)
        x = np.array(data, np.float32).squeeze()
        if in_ in self.input_scale:
            x = x / np.float32(self.input_scale[in_])
        if in_ in self.mean:
            x = x + self.mean[in_]
        if in_ in self.raw_scale:
            x = x / np.float32(self.raw_scale[in_])
        if in_ in self.channel_swap:
            x = x[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            x = x.transpose(np.argsort(self.transpose[in_]))
        return x

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Choose the order of the axes, ``(2, 0, 1)`` for (H, W, K) to (K, H, W)."""
        axes = len(self._shape(in_)) - 1
        if sorted(order) != list(range(axes)):
            raise ShapeError(f"input '{in_}' has {axes} axes to order; given {tuple(order)}")
        self.transpose[in_] = tuple(order)

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Choose the order of the channels, ``(2, 1, 0)`` for red first to blue first."""
        channels = self._shape(in_)[1]
        if len(order) != channels:
            raise ShapeError(
                f"input '{in_}' has {channels} channels to order; given {tuple(order)}"
            )
        self.channel_swap[in_] = tuple(order)

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Choose a factor before the mean is subtracted, 255 for values from 0 to 1."""
        self._shape(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: np.ndarray) -> None:
        """Choose what is subtracted: a value for each channel, or an image (K, H, W) or (H, W).

        An image of another size is resized.
        """
        shape = self._shape(in_)
        mean = np.array(mean, np.float32)
        if mean.ndim == 1:
            if len(mean) not in (1, shape[1]):
                raise ShapeError(
                    f"input '{in_}' has {shape[1]} channels; the mean has {len(mean)} values"
                )
            mean = mean[:, np.newaxis, np.newaxis]
        else:
            if mean.ndim == 2:
                mean = mean[np.newaxis]
            if mean.ndim != 3 or mean.shape[0] not in (1, shape[1]):
                raise ShapeError(
                    f"a mean for input '{in_}' of shape {shape} is (K, H, W), (H, W) or (K,); "
                    f"given {mean.shape}"
                )
            mean = resize_image(mean, *shape[2:])
        self.mean[in_] = mean

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Choose a factor after the mean is subtracted."""
        self._shape(in_)
        self.input_scale[in_] = scale

    def _shape(self, in_: str) -> Shape:
        if in_ not in self.inputs:
            known = ", ".join(self.inputs)
            raise NetError(f"'{in_}' is not one of the inputs, {known}{nearest(in_, self.inputs)}")
        return self.inputs[in_]
