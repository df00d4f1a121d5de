"""Pooling of regions: each row of the second bottom, (image, x1, y1, x2, y2), becomes one item."""

import math
from typing import Any, NamedTuple

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.types import Array, Shape

__all__ = ["rounded"]


def rounded(x: Array) -> Array:
    """Return the nearest whole numbers, halves away from zero as C rounds them."""
    return np.where(x < 0, np.ceil(x - 0.5), np.floor(x + 0.5))


class Cells(NamedTuple):
    """First and last rows and columns of the cells of regions; the last are excluded.

    Attributes:
        image: of each region, (R,).
        top: first rows, (R, P).
        bottom: last rows, (R, P).
        left: first columns, (R, Q).
        right: last columns, (R, Q).
    """

    image: Any
    top: Any
    bottom: Any
    left: Any
    right: Any

    def empty(self) -> Any:
        """Return which cells hold no pixel, (R, P, Q)."""
        rows, columns = self.bottom <= self.top, self.right <= self.left
        return rows[:, :, None] | columns[:, None, :]


class RegionPooling(Layer):
    """Base of the layers that pool regions: a map (N, C, H, W) and rows of regions (R, 5)."""

    bottoms = (2, 2)
    constant_bottoms = (1,)

    def reshape(self, x: Shape, rois: Shape) -> Shape:
        if len(x) != 4:
            raise ShapeError(f"the map must have axes N, C, H, W; given {x}")
        if len(rois) < 2 or rois[1] != 5 or any(n != 1 for n in rois[2:]):
            raise ShapeError(f"regions must be rows (image, x1, y1, x2, y2); given {rois}")
        self.x_shape = x
        return ()

    def rows(self, rois: Array) -> Any:
        """Return the regions as float32 in NumPy, (R, 5), checked.

        float32, as the edges of cells hang on how a sum is rounded and Caffe computes them so.

        Raises:
            DataError: a region belongs to no image or has no place.
        """
        rows = self.engine.to_numpy(rois).reshape(-1, 5).astype(np.float32)
        lost = ~np.isfinite(rows[:, 1:]).all(axis=1)
        if lost.any():
            at = int(np.argmax(lost))
            raise DataError(
                f"region {at} must have finite corners; given {rows[at, 1:].tolist()}: what "
                "proposes it may have diverged"
            )
        wrong = ~((rows[:, 0] >= 0) & (rows[:, 0] < self.x_shape[0]))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise DataError(
                f"region {at} must belong to an image in [0, {self.x_shape[0]}); "
                f"given {rows[at, 0]:g}"
            )
        return rows

    def gather(self, index: Array, values: Array, shape: Shape) -> Array:
        """Return an array of ``shape`` with each value added at its flat index, in float64."""
        index, values = self.xp.broadcast_arrays(index, values)
        total = self.xp.bincount(index.reshape(-1), values.reshape(-1), math.prod(shape))
        return total.reshape(shape)


def _pooled(config: Any) -> Shape:
    """Return the cells in each direction of ROIPooling and ROIAlign."""
    size = config.pooled_h, config.pooled_w
    if min(size) < 1:
        raise NetError(f"pooled_h and pooled_w must be given and at least 1; given {size}")
    if not config.spatial_scale > 0:
        raise NetError(f"spatial_scale must be positive; given {config.spatial_scale:g}")
    return size


def _padded(rows: Any, ratio: float) -> Any:
    """Return corners (R, 4), moved outwards by ``ratio`` of the size of their region."""
    corners = rows[:, 1:]
    size = corners[:, 2:] - corners[:, :2] + np.float32(1)
    margin = size * np.float32(ratio)
    return np.concatenate([corners[:, :2] - margin, corners[:, 2:] + margin], axis=1)


@register("ROIPooling")
class ROIPooling(RegionPooling):
    """The largest value in each of pooled_h × pooled_w cells of each region.

    x: (N, C, H, W)   regions: (R, 5)   y: (R, C, P, Q)
    Corners are multiplied by ``spatial_scale`` and rounded; both belong to the region, which has
    h = max(y2 - y1 + 1, 1) rows. Cell p has the rows from y1 + ⌊p h / P⌋ to y1 + ⌈(p + 1) h / P⌉,
    cut off at the map; 0 where none is left.  dx gets dy at the first of the largest.

    From Fast R-CNN. ``pad_ratio`` moves the corners outwards by that share of the region's size;
    the region then begins on the map.
    """

    reads = ("roi_pooling_param",)

    def setup(self, *bottoms: Shape) -> None:
        self.pooled = _pooled(self.config.roi_pooling_param)

    def reshape(self, x: Shape, rois: Shape) -> Shape:
        super().reshape(x, rois)
        return (rois[0], x[1], *self.pooled)

    def forward(self, x: Array, rois: Array) -> Array:
        xp, cells = self.xp, self._cells(self.rows(rois))
        _, C, H, W = x.shape
        places = xp.zeros((len(cells.image), C, *self.pooled), np.int64)
        y = xp.zeros(places.shape, x.dtype)
        for r, image in enumerate(cells.image):
            rows = _spread(cells.top[r], cells.bottom[r], H)
            columns = _spread(cells.left[r], cells.right[r], W)
            # The first largest of each row of a cell, then the first row that has it.
            low, high = int(rows.min()), int(rows.max()) + 1
            value, column = _largest(xp, x[image, :, low:high], columns, 2)  # (C, h, Q)
            y[r], row = _largest(xp, value, rows - low, 1)  # (C, P, Q)
            column = xp.take_along_axis(column, row, axis=1)
            row = row + low
            places[r] = row * W + column
        empty = xp.asarray(cells.empty())[:, None]
        y[xp.broadcast_to(empty, y.shape)] = 0
        if self.need[0]:
            self.saved = places, empty, xp.asarray(cells.image)
        return y

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        xp, (places, empty, image) = self.xp, self.saved
        _, C, H, W = self.x_shape
        plane = image[:, None] * C + xp.arange(C)  # (R, C)
        index = plane[:, :, None, None] * (H * W) + places
        return self.gather(index, xp.where(empty, 0, dy), self.x_shape).astype(dy.dtype), None

    def _cells(self, rows: Any) -> Cells:
        config = self.config.roi_pooling_param
        corners = rows[:, 1:]
        if config.pad_ratio:
            corners = _padded(rows, config.pad_ratio)
        x1, y1, x2, y2 = rounded(corners * np.float32(config.spatial_scale)).T
        if config.pad_ratio:
            x1, y1 = np.maximum(x1, 0), np.maximum(y1, 0)
        top, bottom = _split(y1, y2, self.pooled[0], self.x_shape[2])
        left, right = _split(x1, x2, self.pooled[1], self.x_shape[3])
        return Cells(rows[:, 0].astype(int), top, bottom, left, right)


@register("ROIAlign")
class ROIAlign(RegionPooling):
    """The map's value at the middle of each of pooled_h × pooled_w cells of each region.

    x: (N, C, H, W)   regions: (R, 5)   y: (R, C, P, Q)
    Nothing is rounded: with corners times ``spatial_scale``, h = max(y2 - y1 + 1, 1) and
    v = y1 + (p + 1/2) h / P, likewise u, and kept on the map, y is the mean of the four pixels
    around (v, u), each weighed by its nearness (bilinear); dx goes back with the same weights.

    The layer of Faster R-CNN's forks, with the fields of ROIPooling: one sample a cell, where that
    of Mask R-CNN has several. Theirs gives 0 where v or u is that of the last row or column.
    """

    reads = ("roi_pooling_param",)

    def setup(self, *bottoms: Shape) -> None:
        self.pooled = _pooled(self.config.roi_pooling_param)

    def reshape(self, x: Shape, rois: Shape) -> Shape:
        super().reshape(x, rois)
        return (rois[0], x[1], *self.pooled)

    def forward(self, x: Array, rois: Array) -> Array:
        xp, config = self.xp, self.config.roi_pooling_param
        rows = self.rows(rois)
        x1, y1, x2, y2 = (_padded(rows, config.pad_ratio) * np.float32(config.spatial_scale)).T
        x1, y1 = np.maximum(x1, 0), np.maximum(y1, 0)
        image = xp.asarray(rows[:, 0].astype(int))[:, None, None]
        down = _samples(y1, y2, self.pooled[0], x.shape[2])
        across = _samples(x1, x2, self.pooled[1], x.shape[3])
        corners = []
        y = 0
        for row, near_row in down:
            for column, near_column in across:
                place = xp.asarray(row)[:, :, None], xp.asarray(column)[:, None, :]
                weight = near_row[:, :, None] * near_column[:, None, :]  # (R, P, Q)
                weight = xp.asarray(weight).astype(x.dtype)[:, None]
                value = x[image, :, place[0], place[1]]  # (R, P, Q, C)
                y = y + xp.moveaxis(value, -1, 1) * weight
                corners.append((place[0] * x.shape[3] + place[1], weight))
        if self.need[0]:
            self.saved = image, corners
        return y

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        xp, (image, corners) = self.xp, self.saved
        _, C, H, W = self.x_shape
        plane = (image * C + xp.arange(C)[:, None])[..., None]  # (R, C, 1, 1)
        dx = xp.zeros(self.x_shape)
        for place, weight in corners:
            dx += self.gather(plane * (H * W) + place[:, None], dy * weight, self.x_shape)
        return dx.astype(dy.dtype), None


def _samples(first: Any, last: Any, parts: int, size: int) -> list[tuple[Any, Any]]:
    """Return the two pixels around the middle of each part and their weights, each (R, P)."""
    step = np.maximum(last - first + 1, 1)[:, None] / np.float32(parts)
    middle = first[:, None] + (np.arange(parts, dtype=np.float32) + np.float32(0.5)) * step
    middle = np.clip(middle, 0, size - 1)
    low = np.clip(np.floor(middle), 0, max(size - 2, 0))
    share = middle - low
    high = np.minimum(low + 1, size - 1)
    return [(low.astype(int), 1 - share), (high.astype(int), share)]


@register("PSROIPooling")
class PSROIPooling(RegionPooling):
    """The mean over each of G × G cells of each region, where each cell has channels of its own.

    x: (N, D G², H, W)   regions: (R, 5)   y: (R, D, G, G)   D = output_dim, G = group_size
    y[r, d, p, q] is the mean of channel (d G + p) G + q over the cell (p, q) of region r, 0 where
    that has no pixel; dx gets dy over the number of pixels.

    Corners are rounded, then multiplied by ``spatial_scale``: the region reaches from y1 to y2 + 1
    and has at least 0.1 rows. Cell p has the rows from ⌊y1 + p h / G⌋ to ⌈y1 + (p + 1) h / G⌉,
    cut off at the map. From R-FCN (Dai and others, 2016).
    """

    reads = ("psroi_pooling_param",)

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.psroi_pooling_param
        for field in ("spatial_scale", "output_dim", "group_size"):
            if not getattr(config, field) > 0:
                given = getattr(config, field)
                raise NetError(f"{field} must be given and positive; given {given:g}")
        self.dim, self.group = config.output_dim, config.group_size

    def reshape(self, x: Shape, rois: Shape) -> Shape:
        super().reshape(x, rois)
        if x[1] != self.dim * self.group**2:
            raise ShapeError(
                f"the map must have output_dim {self.dim} × group_size {self.group}² = "
                f"{self.dim * self.group**2} channels; given {x[1]}"
            )
        return (rois[0], self.dim, self.group, self.group)

    def forward(self, x: Array, rois: Array) -> Array:
        xp, cells = self.xp, self._cells(self.rows(rois))
        N, C, H, W = x.shape
        # Sums over all rows above and columns before: a cell's sum takes four of them.
        sums = xp.zeros((N, C, H + 1, W + 1))
        xp.cumsum(x, axis=2, dtype=float, out=sums[:, :, 1:, 1:])
        xp.cumsum(sums[:, :, 1:, 1:], axis=3, out=sums[:, :, 1:, 1:])
        flat, y = sums.reshape(-1), 0
        for sign, index in self._corners(cells):
            y = y + sign * flat[index]
        pixels = (cells.bottom - cells.top)[:, :, None] * (cells.right - cells.left)[:, None, :]
        share = xp.asarray(np.where(cells.empty(), 0, 1 / np.maximum(pixels, 1)))[:, None]
        if self.need[0]:
            self.saved = cells, share
        return (y * share).astype(x.dtype)

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        xp, (cells, share) = self.xp, self.saved
        N, C, H, W = self.x_shape
        steps = xp.zeros((N, C, H + 1, W + 1))
        for sign, index in self._corners(cells):
            steps += self.gather(index, sign * dy * share, steps.shape)
        # dx[h, w] sums what stands below and behind it.
        for axis in (2, 3):
            steps = xp.flip(xp.cumsum(xp.flip(steps, axis), axis=axis), axis)
        return xp.ascontiguousarray(steps[:, :, 1:, 1:]).astype(dy.dtype), None

    def _corners(self, cells: Cells) -> list[tuple[int, Array]]:
        """Return sign and flat index in the sums of the four corners of each cell, (R, D, G, G)."""
        G = self.group
        _, C, H, W = self.x_shape
        channel = np.arange(self.dim * G * G).reshape(self.dim, G, G)
        plane = (cells.image[:, None, None, None] * C + channel) * (H + 1)
        corners = []
        for row_sign, row in ((1, cells.bottom), (-1, cells.top)):
            for column_sign, column in ((1, cells.right), (-1, cells.left)):
                index = (plane + row[:, None, :, None]) * (W + 1) + column[:, None, None, :]
                corners.append((row_sign * column_sign, self.xp.asarray(index)))
        return corners

    def _cells(self, rows: Any) -> Cells:
        scale = np.float32(self.config.psroi_pooling_param.spatial_scale)
        x1, y1 = (rounded(rows[:, 1:3]) * scale).T
        x2, y2 = ((rounded(rows[:, 3:5]) + 1) * scale).T
        edges = []
        for first, last, size in ((y1, y2, self.x_shape[2]), (x1, x2, self.x_shape[3])):
            step = np.maximum(last - first, np.float32(0.1))[:, None] / np.float32(self.group)
            p = np.arange(self.group, dtype=np.float32)
            for edge in (
                np.floor(p * step + first[:, None]),
                np.ceil((p + 1) * step + first[:, None]),
            ):
                edges.append(np.clip(edge, 0, size).astype(int))
        return Cells(rows[:, 0].astype(int), *edges)


def _largest(xp: Any, x: Array, places: Any, axis: int) -> tuple[Array, Array]:
    """Return the largest value at each row of ``places`` (P, k) along an axis, and where it is.

    Of equals the first counts. One comparison for each of the k is quicker than ``argmax``.
    """
    value = xp.take(x, xp.asarray(places[:, 0]), axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    where = xp.broadcast_to(xp.asarray(places[:, 0]).reshape(shape), value.shape)
    for place in places.T[1:]:
        other = xp.take(x, xp.asarray(place), axis)
        larger = other > value
        value = xp.where(larger, other, value)
        where = xp.where(larger, xp.asarray(place).reshape(shape), where)
    return value, where


def _split(first: Any, last: Any, parts: int, size: int) -> tuple[Any, Any]:
    """Return begin and end of ``parts`` cells from ``first`` to ``last``, both included, (R, P)."""
    step = np.maximum(last - first + 1, 1).astype(np.float32)[:, None] / np.float32(parts)
    p = np.arange(parts, dtype=np.float32)
    begin = np.floor(p * step) + first[:, None]
    end = np.ceil((p + 1) * step) + first[:, None]
    return np.clip(begin, 0, size).astype(int), np.clip(end, 0, size).astype(int)


def _spread(begin: Any, end: Any, size: int) -> Any:
    """Return the places from each begin to its end, (P, k), the last repeated to equal lengths."""
    longest = max(int((end - begin).max()), 1)
    places = begin[:, None] + np.arange(longest)
    last = np.maximum(end - 1, begin)
    return np.clip(np.minimum(places, last[:, None]), 0, size - 1)
