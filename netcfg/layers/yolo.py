"""Losses of YOLO's grids of cells, each with some anchors.

Objects are rows (class, x, y, w, h) with the middle first, as shares of the image's size; the first
with w = 0 ends an image's list. The cell with an object's middle learns it, at one of its anchors.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.anchors import overlaps
from netcfg.layers.iou import corners, fit
from netcfg.layers.loss import Loss
from netcfg.netcfg_pb2 import Yolov3Parameter
from netcfg.types import Array, Shape

__all__ = ["Grid", "box_anchors", "read_grid"]

WARM_UP = 12800
"""Images for which RegionLoss draws all boxes to their anchors."""


class Grid(NamedTuple):
    """What a map (N, A (5 + K), H, W) says of each anchor of each cell.

    Attributes:
        raw: (N, A, 5 + K, H, W): x, y, w, h, the score, the classes.
        shown: the same, sigmoids of x, y and the score.
        boxes: (N, A, H, W, 4), middle and size as shares of the image.
    """

    raw: Any
    shown: Any
    boxes: Any


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), stable for any x."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def box_anchors(numbers: Any, name: str = "biases") -> Array:
    """Return widths and heights (A, 2), given in turn.

    Raises:
        NetError: they are not pairs of positive numbers.
    """
    values = np.array(list(numbers), float)
    if not len(values) or len(values) % 2 or values.min() <= 0:
        raise NetError(f"{name} must be width and height of each anchor; given {list(numbers)}")
    return values.reshape(-1, 2)


def read_grid(x: Array, anchors: Array) -> Grid:
    """Return a map in NumPy as ``Grid``; ``anchors`` (A, 2) are in cells.

    x = (column + σ(tx)) / W,  w = exp(tw) anchor / W,  likewise y and h
    """
    N, _, H, W = x.shape
    raw = x.reshape(N, len(anchors), -1, H, W)
    shown = raw.copy()
    shown[:, :, [0, 1, 4]] = sigmoid(raw[:, :, [0, 1, 4]])
    row, column = np.mgrid[:H, :W]
    with np.errstate(over="ignore"):
        size = np.exp(raw[:, :, 2:4]) * anchors[:, :, None, None]
    parts = [
        (column + shown[:, :, 0]) / W,
        (row + shown[:, :, 1]) / H,
        size[:, :, 0] / W,
        size[:, :, 1] / H,
    ]
    return Grid(raw, shown, np.stack(parts, axis=-1))


@dataclass(frozen=True)
class Slots:
    """Which object each responsible anchor learns.

    Attributes:
        index: image, anchor, row and column, each (M,).
        box: (x, y, w, h) of the object, (M, 4).
        label: its class, (M,).
        want: what x, y, w, h of the map should be, (M, 4).
    """

    index: tuple[Any, ...]
    box: Any
    label: Any
    want: Any

    def last(self) -> "Slots":
        """Return one object for each anchor, the last where there are several."""
        flat = np.stack(self.index, axis=1)[::-1]
        _, first = np.unique(flat, axis=0, return_index=True)
        keep = len(flat) - 1 - first
        index = tuple(i[keep] for i in self.index)
        return Slots(index, self.box[keep], self.label[keep], self.want[keep])


class GridLoss(Loss):
    """Base of the losses of grids; computed in NumPy.

    ``saved`` is ∂(N L)/∂x.
    """

    anchors: Any
    classes: int
    thresh: float

    def reshape(self, *bottoms: Shape) -> Any:
        x, label = bottoms
        super().reshape(x, label)
        want = len(self.anchors) * (5 + self.classes)
        if len(x) != 4 or x[1] != want:
            raise ShapeError(
                f"the map must be (N, {want}, H, W) for {len(self.anchors)} anchors with "
                f"5 + {self.classes} numbers each; given {x}"
            )
        if math.prod(label[1:]) % 5:
            raise ShapeError(f"objects must be rows (class, x, y, w, h); given {label}")
        return ()

    def forward(self, x: Array, label: Array) -> Array:
        values = self.engine.to_numpy(x)
        objects = self._objects(self.engine.to_numpy(label).astype(float))
        grid = read_grid(values.astype(float), self.anchors)
        delta = np.zeros_like(grid.raw)
        loss = self.learn(grid, objects, delta)
        if self.need[0]:
            self.saved = self.engine.asarray(delta.reshape(values.shape))
        return self.scalar(loss / self.batch(x), x)

    def learn(self, grid: Grid, objects: list[Any], delta: Any) -> float:
        """Return N times the loss and write ∂(N L)/∂x to ``delta``, shaped like ``grid.raw``."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        return self.saved * (dy / self.batch(self.saved)), None

    def _objects(self, label: Any) -> list[Any]:
        """Return the objects of each image, (T, 5)."""
        found = []
        for n, rows in enumerate(label.reshape(len(label), -1, 5)):
            ends = np.flatnonzero(rows[:, 3] == 0)
            rows = rows[: ends[0]] if len(ends) else rows
            fine = (rows[:, 0] >= 0) & (rows[:, 0] < self.classes)
            fine &= ((rows[:, 1:3] >= 0) & (rows[:, 1:3] < 1)).all(axis=1)
            fine &= (rows[:, 3:] > 0).all(axis=1)
            if not fine.all():
                raise DataError(
                    f"object {rows[~fine][0].tolist()} of item {n} must have a class in "
                    f"[0, {self.classes}), its middle in [0, 1) and a positive size"
                )
            found.append(rows)
        return found

    def empty(self, grid: Grid, objects: list[Any]) -> Any:
        """Return which boxes overlap no object by more than ``thresh``, (N, A, H, W)."""
        free = np.ones(grid.boxes.shape[:-1], bool)
        for n, rows in enumerate(objects):
            if len(rows):
                boxes = corners(grid.boxes[n]).reshape(-1, 4)
                with np.errstate(invalid="ignore"):  # boxes of infinite size overlap nothing
                    share = overlaps(boxes, corners(rows[:, 1:]), 0).max(axis=1)
                free[n] = ~(share > self.thresh).reshape(free.shape[1:])
        return free

    def shapes(self, sizes: Any, box: Any) -> Any:
        """Return how much boxes of ``sizes`` (A, 2) overlap ``box`` if their middles are one."""
        flat = np.concatenate([np.zeros_like(sizes), sizes], axis=1)
        return overlaps(corners(flat), corners(np.array([[0, 0, *box[2:]]])), 0)[:, 0]

    def slots(self, grid: Grid, objects: list[Any]) -> Slots:
        """Return the anchors that ``responsible`` names for each object."""
        _, _, _, H, W = grid.raw.shape
        found = []
        for n, rows in enumerate(objects):
            for label, *box in rows:
                i, j = int(box[0] * W), int(box[1] * H)
                for a in self.responsible(grid.boxes[n, :, j, i], np.array(box), W, H):
                    middle = box[0] * W - i, box[1] * H - j
                    size = np.log(np.array(box[2:]) * [W, H] / self.anchors[a])
                    found.append([n, a, j, i, *box, label, *middle, *size])
        table = np.array(found).reshape(-1, 13)
        index = tuple(table[:, k].astype(int) for k in range(4))
        return Slots(index, table[:, 4:8], table[:, 8].astype(int), table[:, 9:])

    def responsible(self, boxes: Any, box: Any, W: int, H: int) -> list[int]:
        """Return the anchors that learn ``box``; ``boxes`` (A, 4) are what their cell says now."""
        raise NotImplementedError


@register("RegionLoss")
class RegionLoss(GridLoss):
    """The loss of YOLO version 2.

    x: (N, num (5 + num_class), H, W)   objects: N lists of rows (class, x, y, w, h)   σ: sigmoid
    N L = Σ ½ s (t - σ(score))²                            t = 0, s = noobject_scale, but s = 0
              where the box overlaps an object by more than ``thresh``; at an object's anchor
              t = 1, or with ``rescore`` the overlap, held fixed, and s = object_scale
        + Σ ½ c ((tx - σ(x))² + (ty - σ(y))² + (tw - w)² + (th - h)²) over objects, c = coord_scale,
              without ``rescore`` times 2 - width × height
        - Σ class_scale log p[class] over objects, p the softmax of the classes
    An object's anchor is that of its cell whose shape, or with ``bias_match: 0`` whose box's
    shape, overlaps it most. For the first 12800 images c is 0.01 everywhere else, towards anchors.

    The gradients are Darknet's, as MobileNet-YOLO and Intel Caffe have them; the sum of their
    squares, which those print as the loss, has other gradients than these. ``softmax``,
    ``absolute``, ``random`` and ``jitter`` have no effect there or here. Redmon and Farhadi, 2017.
    """

    reads = ("region_loss_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.fields = self.config.region_loss_param
        for name in ("softmax_tree", "class_map"):
            if getattr(param, name):
                raise NetError(f"{name} is not implemented; only classes without a tree are")
        if param.coords != 4:
            raise NetError(f"coords must be 4; given {param.coords}")
        self.anchors = box_anchors(param.biases)
        if len(self.anchors) != param.num:
            raise NetError(f"biases must be 2 × num {param.num} numbers; given {len(param.biases)}")
        self.classes, self.thresh = param.num_class, param.thresh

    def learn(self, grid: Grid, objects: list[Any], delta: Any) -> float:
        param, shown = self.fields, grid.shown
        slots = self.slots(grid, objects).last()
        at = slots.index
        want = np.zeros_like(shown[:, :, :5])
        weight = np.zeros_like(want)
        if self.step * len(shown) < WARM_UP:
            want[:, :, :2], weight[:, :, :4] = 0.5, 0.01
        scale: Any = param.coord_scale
        if not param.rescore:
            scale = scale * (2 - slots.box[:, 2] * slots.box[:, 3])[:, None]
        # An index array beside a slice: (M, 4) comes first.
        want[at[0], at[1], :4, at[2], at[3]] = slots.want
        weight[at[0], at[1], :4, at[2], at[3]] = scale
        weight[:, :, 4] = param.noobject_scale * self.empty(grid, objects)
        weight[at[0], at[1], 4, at[2], at[3]] = param.object_scale
        share = fit(grid.boxes[at], slots.box)[0] if param.rescore else 1
        want[at[0], at[1], 4, at[2], at[3]] = share
        apart = shown[:, :, :5] - want
        delta[:, :, :5] = weight * apart
        bent = shown[:, :, [0, 1, 4]]
        delta[:, :, [0, 1, 4]] *= bent * (1 - bent)
        loss = float((weight * apart**2).sum()) / 2
        logits = grid.raw[at[0], at[1], 5:, at[2], at[3]]  # (M, K)
        p = self._softmax(logits)
        hit = np.arange(self.classes) == slots.label[:, None]
        delta[at[0], at[1], 5:, at[2], at[3]] = param.class_scale * (p - hit)
        return loss - param.class_scale * float(np.log(np.maximum(p[hit], 1e-37)).sum())

    @staticmethod
    def _softmax(x: Any) -> Any:
        y = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
        return y / y.sum(axis=1, keepdims=True)

    def responsible(self, boxes: Any, box: Any, W: int, H: int) -> list[int]:
        sizes = self.anchors / [W, H] if self.fields.bias_match else boxes[:, 2:]
        return [int(np.argmax(self.shapes(sizes, box)))]


@register("Yolov3")
class Yolov3(GridLoss):
    """The loss of YOLO version 3, for one grid.

    x: (N, num (5 + num_class), H, W)   objects: N lists of rows (class, x, y, w, h)   σ: sigmoid
    N L = Σ s D(σ(score), t)             t = 1, s = object_scale at an object's anchors, else t = 0,
              s = noobject_scale, but s = 0 where the box overlaps an object by more than ``thresh``
        + Σ c (D(σ(x), tx) + D(σ(y), ty) + ½ (tw - w)² + ½ (th - h)²) over objects and anchors,
              c = coord_scale (2 - width × height)
        + Σ class_scale D(σ(class), t) over the classes of such anchors,
              t = 1 - ε/2 for those of their objects, ε/2 for others, ε = label_smooth_eps
    D is the cross-entropy, with ``use_logic_gradient`` half the squared difference.

    An object's anchor is that of all ``biases`` whose shape overlaps it most, if it is in ``mask``,
    and all others there that overlap it by more than ``iou_thresh``. Several objects may share an
    anchor; without ``accumulate`` only the last has coordinates.

    ``iou_loss`` other than MSE has iou_normalizer Σ (1 - IOU) for the coordinates. Its gradients
    are Darknet's: x and y take those of the box's middle, w and h those of its size times exp, each
    at most ``max_delta``. ``use_focal_loss`` has no smoothing and the weight -½ (1 - p) (2 p log p
    + p - 1) of the label's p, held fixed. The fork prints the sum of its squared gradients as the
    loss. From MobileNet-YOLO; Redmon and Farhadi, 2018.
    """

    reads = ("yolov3_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.fields = self.config.yolov3_param
        if param.anchors_scale < 1:
            raise NetError(f"anchors_scale must be at least 1; given {param.anchors_scale}")
        self.every = box_anchors(param.biases) / param.anchors_scale
        self.mask = list(param.mask) or list(range(len(self.every)))
        if len(self.mask) != param.num or max(self.mask) >= len(self.every):
            raise NetError(
                f"mask must name num {param.num} of the {len(self.every)} anchors in biases; given "
                f"{self.mask}"
            )
        self.anchors = self.every[self.mask]
        self.classes, self.thresh = param.num_class, param.thresh

    def learn(self, grid: Grid, objects: list[Any], delta: Any) -> float:
        param, every = self.fields, self.slots(grid, objects)
        owners = every.last()
        n, a, j, i = owners.index
        weight = param.noobject_scale * self.empty(grid, objects)
        weight[n, a, j, i] = param.object_scale
        want = np.zeros_like(weight)
        want[n, a, j, i] = 1
        each, slope = self._apart(grid.raw[:, :, 4], want)
        delta[:, :, 4] = weight * slope
        loss = float((weight * each).sum())
        slots = every if param.accumulate else owners
        loss += self._coordinates(grid, slots, delta)
        return loss + self._classes(grid, every, owners, delta)

    def _apart(self, x: Any, t: Any) -> tuple[Any, Any]:
        """Return D(σ(x), t) and its derivative after x."""
        p = sigmoid(x)
        if self.fields.use_logic_gradient:
            return (p - t) ** 2 / 2, (p - t) * p * (1 - p)
        return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))), p - t

    def _coordinates(self, grid: Grid, slots: Slots, delta: Any) -> float:
        param, (n, a, j, i) = self.fields, slots.index
        raw = grid.raw[n, a, :4, j, i]  # (M, 4)
        if param.iou_loss == Yolov3Parameter.MSE:
            scale = param.coord_scale * (2 - slots.box[:, 2] * slots.box[:, 3])[:, None]
            each, slope = self._apart(raw[:, :2], slots.want[:, :2])
            gap = raw[:, 2:] - slots.want[:, 2:]
            step = scale * np.concatenate([slope, gap], axis=1)
            loss = (scale * np.concatenate([each, gap**2 / 2], axis=1)).sum()
        else:
            kind = Yolov3Parameter.IOU_LOSS.Name(param.iou_loss)
            share, slope = fit(grid.boxes[n, a, j, i], slots.box, kind)
            step = -param.iou_normalizer * slope
            step[:, 2:] *= np.exp(raw[:, 2:])
            step = np.clip(step, -param.max_delta, param.max_delta)
            loss = param.iou_normalizer * (1 - share).sum()
        for k in range(4):
            np.add.at(delta, (n, a, k, j, i), step[:, k])
        return float(loss)

    def _classes(self, grid: Grid, every: Slots, owners: Slots, delta: Any) -> float:
        param, (n, a, j, i) = self.fields, owners.index
        hit = np.zeros((*grid.boxes.shape[:-1], self.classes), bool)
        hit[(*every.index, every.label)] = True
        hit = hit[n, a, j, i]  # (M, K)
        raw = grid.raw[n, a, 5:, j, i]
        scale: Any = param.class_scale
        smooth = 0.0 if param.use_focal_loss else param.label_smooth_eps
        if param.use_focal_loss:
            p = sigmoid(np.take_along_axis(raw, owners.label[:, None], axis=1)) + 1e-15
            scale = -scale * (1 - p) * (2 * p * np.log(p) + p - 1) / 2
        each, slope = self._apart(raw, hit * (1 - smooth) + smooth / 2)
        delta[n, a, 5:, j, i] = scale * slope
        return float((scale * each).sum())

    def responsible(self, boxes: Any, box: Any, W: int, H: int) -> list[int]:
        share = self.shapes(self.every / [W, H], box)
        best = int(np.argmax(share))
        chosen = {best, *np.flatnonzero(share > self.fields.iou_thresh).tolist()}
        return [a for a, m in enumerate(self.mask) if m in chosen]
