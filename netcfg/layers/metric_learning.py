"""Losses that shape the space of features: items of a class close together, others apart."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.labels import class_indices
from netcfg.layers.loss import Loss
from netcfg.types import Array, Arrays, Shape


@register("CenterLoss")
class CenterLoss(Loss):
    """Pull each item to the centre of its class.

    L = Σ |x - c[label]|² / 2N        x: (N, ...)   label: N values   c: (``num_output``, K)
    dx = (x - c[label]) dL / N
    dc[k] = Σ (c[k] - x) / (1 + items of k), over the items with label k

    Wen et al., "A discriminative feature learning approach for deep face recognition", 2016. The
    step of the centres is the paper's, not the slope of L, and does not grow with the loss weight:
    ``lr_mult`` sets its rate. K is everything from ``axis`` on.
    """

    reads = ("center_loss_param",)

    def setup(self, x: Shape, label: Shape) -> None:
        config = self.config.center_loss_param
        self.classes = config.num_output
        if self.classes < 1:
            raise NetError("num_output must be at least 1; given 0")
        self.first = self.axis(config.axis, len(x))
        self.inputs = math.prod(x[self.first :])
        self.param((self.classes, self.inputs), config.center_filler)

    def reshape(self, *bottoms: Shape) -> Shape:
        x, label = bottoms
        super().reshape(x, label)
        items = math.prod(x[: self.first])
        if math.prod(x[self.first :]) != self.inputs or math.prod(label) != items:
            raise ShapeError(
                f"items need {self.inputs} values and a label each; given {x} and {label}"
            )
        return ()

    def forward(self, x: Array, label: Array) -> Array:
        rows = x.reshape(-1, self.inputs)
        index, weight = class_indices(self.xp, label.reshape(-1), self.classes)
        diff = (rows - self.params[0].value[index]) * weight[:, None]
        self.saved = diff, index, x.shape
        total = self.xp.square(diff).sum(dtype=float)
        return self.scalar(total / (2 * self.batch(rows)), x)

    def backward(self, dy: Array) -> Any:
        diff, index, shape = self.saved
        centers = self.params[0]
        if centers.lr_mult != 0:
            step = self.xp.zeros_like(centers.value)
            self.xp.add.at(step, index, -diff)
            count = self.xp.bincount(index, minlength=self.classes)
            centers.add_grad(step / (1 + count).astype(step.dtype)[:, None])
        if not self.need[0]:
            return None, None
        return (diff * self.scalar(dy / self.batch(diff), diff)).reshape(shape), None


@register("TripletLoss")
class TripletLoss(Loss):
    """Push the negative of each triple further from the anchor than the positive, by a margin.

    L = Σ max(0, |a - p|² - |a - n|² + margin) / 2N        a, p, n: (N, ...)   L: ()
    da = (n - p) dL / N, dp = (p - a) dL / N, dn = (a - n) dL / N where the maximum is not 0

    From caffe-windows; Schroff et al., "FaceNet", 2015, without the division by 2.
    """

    bottoms = (3, 3)
    constant_bottoms = ()
    reads = ("triplet_loss_param",)

    def reshape(self, *bottoms: Shape) -> Shape:
        super().reshape(*bottoms)
        if len(set(bottoms)) > 1:
            given = ", ".join(map(str, bottoms))
            raise ShapeError(f"anchor, positive and negative must have one shape; given {given}")
        return ()

    def forward(self, *bottoms: Array) -> Array:
        xp = self.xp
        anchor, positive, negative = bottoms
        near, far = anchor - positive, anchor - negative
        rows = (len(anchor), math.prod(anchor.shape[1:]))
        gap = xp.square(near).reshape(rows).sum(axis=1) - xp.square(far).reshape(rows).sum(axis=1)
        cost = xp.maximum(gap + self.config.triplet_loss_param.margin, 0)  # (N,)
        if any(self.need):
            active = (cost > 0).reshape(-1, *[1] * (anchor.ndim - 1))
            self.saved = near * active, far * active
        return self.scalar(cost.sum(dtype=float) / (2 * self.batch(anchor)), anchor)

    def backward(self, dy: Array) -> Arrays | tuple[None, ...]:
        if not any(self.need):
            return None, None, None
        near, far = self.saved
        factor = self.scalar(dy / self.batch(near), near)
        slopes = (near - far, -near, far)
        return tuple(
            slope * factor if need else None for slope, need in zip(slopes, self.need, strict=True)
        )
