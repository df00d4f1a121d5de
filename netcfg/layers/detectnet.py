"""DetectNet: what its grid of cells learns of boxes, and random changes of its images."""

from typing import Any, NamedTuple

import numpy as np

from netcfg.data.mean import read_mean
from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.detectnet_changes import resize_cubic, rotated, turn, turned_hue, turned_size
from netcfg.netcfg_pb2 import DetectNetGroundTruthParameter
from netcfg.types import Array, Phase, Shape

__all__ = ["coverage"]

LEAST = 1.2e-7
"""Share of a cell that must be covered, at least."""

NUMBERS = 16
"""Of an object: left, top, width, height, an angle, the class, and ten that are not read."""


class Change(NamedTuple):
    """What happens to an image: degrees of hue, share of colour, mirroring, size, turn, crop."""

    hue: float
    saturation: float
    flip: bool
    size: tuple[int, int]
    angle: float
    crop: tuple[float, float, int, int]


@register("DetectNetTransformation")
class DetectNetTransformation(Layer):
    """Images cut to one size, changed at random in TRAIN, and the grid that DetectNet learns.

    x: (N, 3, H, W)   objects: (N, 1, M + 1, 16), the first row (count, 16, ...), then rows (left,
    top, width, height, angle, class, ...) in pixels
    data: (N, 3, image_size_y, image_size_x)   grid: (N, 8 + K, rows, columns), cells of ``stride``

    A cell that the middle part of a box covers has: 1; left, top, right and bottom of the box from
    the cell's corner; 1 / width, 1 / height; max(1, stride² / area of that part), without 1 if
    ``obj_norm``; and 1 at its class among K. That part is ``scale_cvg`` of the box, at most
    ``max_cvg_len`` long, with GRIDBOX_MIN at least ``min_cvg_len`` and at most the box.

    TEST scales the whole image to the size. TRAIN turns the hue, takes colour away, mirrors,
    scales, rotates and crops, each with its probability; beside the image are zeros after the mean.
    From NVCaffe (DIGITS).
    """

    bottoms = (2, 2)
    tops = (2, 2)
    constant_bottoms = (0, 1)
    differentiable = False
    reads = ("detectnet_augmentation_param", "detectnet_groundtruth_param", "transform_param")

    def setup(self, *bottoms: Shape) -> None:
        config, transform = self.config.detectnet_groundtruth_param, self.config.transform_param
        if config.stride < 1 or config.image_size_x < config.stride:
            raise NetError(f"stride must lie in [1, image_size_x]; given {config.stride}")
        for name in ("resize_param", "noise_param", "distort_param", "expand_param"):
            if self.config.detectnet_augmentation_param.HasField(name):
                raise NetError(f"detectnet_augmentation_param: {name} is not implemented")
        if transform.mean_file and transform.mean_value:
            raise NetError("transform_param: mean_file and mean_value exclude each other")
        if len(transform.mean_value) not in (0, 1, 3):
            given = len(transform.mean_value)
            raise NetError(
                f"mean_value must be given once or for each of 3 channels; given {given}"
            )
        self.mean = np.array(transform.mean_value or [0], float).reshape(-1, 1, 1)
        if transform.mean_file:
            self.mean = read_mean(self.find(transform.mean_file)).astype(float)
        self.classes = {c.src: c.dst for c in config.object_class} or {1: 0}

    def reshape(self, x: Shape, objects: Shape) -> Any:
        if len(x) != 4 or x[1] != 3:
            raise ShapeError(f"images must be (N, 3, H, W); given {x}")
        if objects[0] != x[0] or objects[-1] != NUMBERS:
            raise ShapeError(f"objects must be {x[0]} lists of rows of {NUMBERS}; given {objects}")
        config = self.config.detectnet_groundtruth_param
        size = config.image_size_y, config.image_size_x
        grid = tuple(round(s / config.stride) for s in size)
        return (x[0], 3, *size), (x[0], 9 + max(self.classes.values()), *grid)

    def forward(self, x: Array, objects: Array) -> tuple[Array, Array]:
        x = self.engine.to_numpy(x).astype(float)
        lists = self.engine.to_numpy(objects).reshape(len(x), -1, NUMBERS).astype(float)
        rng, images, grids = self.random(), [], []
        mean = self.mean
        if mean.shape[1:] not in ((1, 1), x.shape[2:]):
            mean = resize_cubic(mean, *x.shape[2:])
        config = self.config.detectnet_groundtruth_param
        shape = self.reshape(x.shape, objects.shape)[1][1:]
        for n, (image, rows) in enumerate(zip(x, lists, strict=True)):
            count = int(rows[0, 0])
            if not 0 <= count < len(rows):
                raise DataError(
                    f"item {n} must have at most {len(rows) - 1} objects; its first row says "
                    f"{count}"
                )
            change = self._draw(rng, x.shape[2:])
            images.append(self._image(image, mean, change))
            boxes = self._boxes(rows[1 : count + 1], change, x.shape[2:])
            grids.append(coverage(boxes, self.classes, config, shape))
        return self.engine.asarray(np.stack(images)), self.engine.asarray(np.stack(grids))

    def _draw(self, rng: np.random.Generator, size: Shape) -> Change:
        """Return how the next image is changed."""
        config, ground = (
            self.config.detectnet_augmentation_param,
            self.config.detectnet_groundtruth_param,
        )
        want = ground.image_size_y, ground.image_size_x
        if self.phase == Phase.TEST:
            return Change(0, 1, False, want, 0, (0, 0, 0, 0))
        # Always as many numbers, so that one field does not shift what others draw.
        u = rng.random(12)
        hue = (2 * u[1] - 1) * config.hue_rotation if u[0] <= config.hue_rotation_prob else 0
        colour = 1 - u[3] * config.desaturation_max if u[2] <= config.desaturation_prob else 1
        factor = 1.0
        if u[5] <= config.scale_prob:
            factor = config.scale_min + (config.scale_max - config.scale_min) * u[6]
        angle = (2 * u[8] - 1) * config.max_rotate_degree if u[7] <= config.rotation_prob else 0
        scaled = round(size[0] * factor), round(size[1] * factor)
        crop = (0.5, 0.5, 0, 0)
        if u[9] <= config.crop_prob:
            crop = (u[10], u[11], config.shift_y, config.shift_x)
        hue = max(-180.0, min(180.0, hue))
        return Change(hue, colour, bool(u[4] <= config.flip_prob), scaled, angle, crop)

    def _offset(self, change: Change) -> tuple[int, int]:
        """Return where the crop begins: top and left."""
        ground = self.config.detectnet_groundtruth_param
        have = turned_size(change.size, change.angle)
        share_y, share_x, shift_y, shift_x = change.crop
        top = round(share_y * (have[0] - ground.image_size_y + shift_y) - shift_y // 2)
        return top, round(share_x * (have[1] - ground.image_size_x + shift_x) - shift_x // 2)

    def _image(self, image: Any, mean: Any, change: Change) -> Any:
        if change.hue or change.saturation != 1:
            image = turned_hue(image, change.hue, change.saturation)
        image = image - mean
        if change.flip:
            image = image[:, :, ::-1]
        if change.size != image.shape[1:]:
            image = resize_cubic(image, *change.size)
        if change.angle:
            image = rotated(image, change.angle)
        ground = self.config.detectnet_groundtruth_param
        out = np.zeros((3, ground.image_size_y, ground.image_size_x))
        top, left = self._offset(change)
        rows, columns = (
            slice(max(start, 0), max(min(start + want, have), 0))
            for start, want, have in zip((top, left), out.shape[1:], image.shape[1:], strict=True)
        )
        part = image[:, rows, columns]
        y, x = max(-top, 0), max(-left, 0)
        out[:, y : y + part.shape[1], x : x + part.shape[2]] = part
        return out

    def _boxes(self, rows: Any, change: Change, size: Shape) -> Any:
        """Return left, top, width, height and class, (G, 5), as the image was changed."""
        boxes = rows[:, [0, 1, 2, 3, 5]].copy()
        height, width = size
        if change.flip:
            boxes[:, 0] = width - boxes[:, 0] - boxes[:, 2] - 1
        boxes[:, [0, 2]] *= change.size[1] / width
        boxes[:, [1, 3]] *= change.size[0] / height
        if change.angle:
            half = boxes[:, 2:4] / 2
            boxes[:, :2] = turn(boxes[:, :2] + half, change.size, change.angle) - half
        boxes[:, :2] -= self._offset(change)[::-1]
        return boxes


def coverage(
    boxes: Array, classes: dict[int, int], config: DetectNetGroundTruthParameter, shape: Shape
) -> Array:
    """Return the grid of an image, (8 + K, rows, columns); see DetectNetTransformation.

    Args:
        boxes: left, top, width, height and class, (G, 5), in pixels.
        classes: the grid's class for each that counts.
        config: how cells are covered.
        shape: of the grid.
    """
    grid, stride = np.zeros(shape), config.stride
    for left, top, width, height, label in boxes:
        low, high = np.array([left, top]), np.array([left + width, top + height])
        if config.crop_bboxes:
            limit = config.image_size_x, config.image_size_y
            low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
        size = high - low
        if int(label) not in classes or (size <= 0).any():
            continue
        part = size * config.scale_cvg
        if config.gridbox_type == DetectNetGroundTruthParameter.GRIDBOX_MIN:
            part = np.minimum(size, np.maximum(part, config.min_cvg_len))
        else:
            part = np.minimum(part, config.max_cvg_len)
        first, last = (low + high - part) / 2, (low + high + part) / 2
        corner_x, corner_y = (np.arange(n) * stride for n in shape[:0:-1])
        across, down = (
            np.minimum(end, corner + stride) - np.maximum(begin, corner)
            for begin, end, corner in zip(first, last, (corner_x, corner_y), strict=True)
        )
        covered = np.maximum(down, 0)[:, None] * np.maximum(across, 0) > LEAST * stride**2
        rows, columns = np.nonzero(covered)
        x, y = corner_x[columns], corner_y[rows]
        grid[8:, rows, columns] = 0
        grid[0, rows, columns] = grid[8 + classes[int(label)], rows, columns] = 1
        grid[1:5, rows, columns] = low[0] - x, low[1] - y, high[0] - x, high[1] - y
        grid[5, rows, columns], grid[6, rows, columns] = 1 / size
        least = 0 if config.obj_norm else 1
        area = max(float(np.prod(part)), float(np.finfo(float).tiny))
        grid[7, rows, columns] = max(least, stride**2 / area)
    return grid
