"""PriorBox, the layer of SSD: the boxes that a feature map predicts offsets of."""

import math

import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import PriorBoxParameter
from netcfg.types import Array, Shape


@register("PriorBox")
class PriorBox(Layer):
    """Boxes around the centre of each cell of a feature map, and the variances of their offsets.

    x: (N, C, H, W), the map   image: (N, C', I, J)   y: (1, 2, 4 P H W)
    y[0, 0]: corners as shares of the image, y[0, 1]: variances; P boxes after each other, cell by
    cell:  centre ((j + offset) step_w, (i + offset) step_h)

    For each ``min_size`` s: width and height s; then √(s t) with ``max_size`` t; then s √r by
    s / √r for each ``aspect_ratio`` r, followed by 1 / r with ``flip``. Ratios that are there
    already, 1 at the first, are left out. ``step`` is image / map unless it is given. ``clip`` cuts
    corners off at the edge. From SSD (Liu et al., 2016); the values of the bottoms have no effect.
    """

    bottoms = (2, 2)
    constant_bottoms = (0, 1)
    differentiable = False
    reads = ("prior_box_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.config.prior_box_param
        smallest, largest = list(param.min_size), list(param.max_size)
        if not smallest or min(smallest) <= 0:
            raise NetError(f"min_size must be given, and positive; given {smallest}")
        if largest and len(largest) != len(smallest):
            raise NetError(
                f"max_size must be given as often as min_size, {len(smallest)} times, or not at "
                f"all; given {len(largest)} times"
            )
        for s, t in zip(smallest, largest, strict=False):
            if t <= s:
                raise NetError(f"max_size must be greater than min_size; given {t:g} and {s:g}")
        if len(param.variance) not in (0, 1, 4) or min(param.variance, default=1) <= 0:
            raise NetError(
                f"variance must be one positive number or four; given {list(param.variance)}"
            )
        if min(param.aspect_ratio, default=1) <= 0:
            raise NetError(f"aspect_ratio must be positive; given {list(param.aspect_ratio)}")
        steps = param.step, param.step_h, param.step_w
        if min(steps) < 0 or (steps[0] and any(steps[1:])):
            raise NetError(
                "step, or step_h and step_w, not both, must not be negative; given "
                f"{steps[0]:g}, {steps[1]:g} and {steps[2]:g}"
            )
        self.sizes = np.array(box_sizes(param))  # (P, 2)

    def reshape(self, x: Shape, image: Shape) -> Shape:
        for shape in (x, image):
            if len(shape) != 4:
                raise ShapeError(f"bottoms must be a map and an image (N, C, H, W); given {shape}")
        self.map = x[2:]
        self.image = self._image(image)
        return (1, 2, 4 * len(self.sizes) * math.prod(self.map))

    def forward(self, x: Array, image: Array) -> Array:
        param = self.config.prior_box_param
        (rows, columns), (height, width) = self.map, self.image
        step_h = param.step_h or param.step or height / rows
        step_w = param.step_w or param.step or width / columns
        y = (np.arange(rows) + param.offset) * step_h
        x_ = (np.arange(columns) + param.offset) * step_w
        centre = np.stack(np.meshgrid(x_, y), axis=-1)[:, :, None]  # (H, W, 1, 2)
        half = self.sizes / 2
        boxes = np.concatenate([centre - half, centre + half], axis=-1)  # (H, W, P, 4)
        boxes /= [width, height, width, height]
        if param.clip:
            boxes = boxes.clip(0, 1)
        variance = np.broadcast_to(list(param.variance) or [0.1], boxes.shape)
        return self.engine.asarray(np.stack([boxes.reshape(-1), variance.reshape(-1)])[None])

    def _image(self, image: Shape) -> tuple[int, int]:
        """Return height and width of the image."""
        param = self.config.prior_box_param
        if param.img_size:
            return param.img_size, param.img_size
        if bool(param.img_h) != bool(param.img_w):
            raise NetError(
                f"img_h and img_w belong together; given {param.img_h} and {param.img_w}"
            )
        return (param.img_h, param.img_w) if param.img_h else (image[2], image[3])


def box_sizes(param: PriorBoxParameter) -> list[tuple[float, float]]:
    """Return width and height, in pixels, of the boxes of a cell."""
    ratios = [1.0]
    for ratio in param.aspect_ratio:
        if all(abs(ratio - r) >= 1e-6 for r in ratios):
            ratios += [ratio, 1 / ratio] if param.flip else [ratio]
    found = []
    for i, s in enumerate(param.min_size):
        found.append((s, s))
        if param.max_size:
            mean = math.sqrt(s * param.max_size[i])
            found.append((mean, mean))
        found += [(s * math.sqrt(r), s / math.sqrt(r)) for r in ratios[1:]]
    return found
