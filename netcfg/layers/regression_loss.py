"""Losses of absolute differences: the plain one, and Fast R-CNN's, which is square near 0."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.loss import Loss
from netcfg.types import Array, Shape

__all__ = ["L1Loss", "SmoothL1", "SmoothL1Loss"]


@register("L1Loss")
class L1Loss(Loss):
    """Mean absolute difference of two batches, summed over an item.

    L = Σ |a - b| / N        a, b: (N, ...)   L: ()
    da = sign(a - b) dL / N,  db = -da

    NVCaffe's, for bounding boxes of DetectNet.
    """

    constant_bottoms = ()

    def reshape(self, *bottoms: Shape) -> Shape:
        a, b = bottoms
        super().reshape(a, b)
        if math.prod(a) != math.prod(b):
            raise ShapeError(f"bottoms must hold equally many values; given {a} and {b}")
        self.b_shape = b
        return ()

    def forward(self, a: Array, b: Array) -> Array:
        diff = a - b.reshape(a.shape)
        if any(self.need):
            self.saved = self.xp.sign(diff)
        return self.scalar(self.xp.abs(diff).sum(dtype=float) / self.batch(a), a)

    def backward(self, dy: Array) -> Any:
        da = self.saved * (dy / self.batch(self.saved))
        return (
            da if self.need[0] else None,
            -da.reshape(self.b_shape) if self.need[1] else None,
        )


class SmoothL1(Loss):
    """Base of losses of f(d) = (σ d)² / 2 where |d| < 1 / σ², else |d| - 1 / (2 σ²).

    d = w (a - b),  with the inside weights w; f is weighted by the outside weights v
    """

    constant_bottoms = (2, 3)

    def check_bottoms(self, *bottoms: Shape) -> None:
        """Check that all bottoms have one shape."""
        if len(set(bottoms)) > 1 or not bottoms[0]:
            given = ", ".join(map(str, bottoms))
            raise ShapeError(f"bottoms must have one shape; given {given}")

    def errors(self, sigma2: float, a: Array, b: Array, *weights: Array) -> Array:
        """Return v f(w (a - b)) and save its slope along a."""
        xp = self.xp
        diff = a - b if not weights else (a - b) * weights[0]
        size = xp.abs(diff)
        near = size < 1 / sigma2
        each = xp.where(near, diff * diff * (0.5 * sigma2), size - 0.5 / sigma2)
        slope = xp.where(near, diff * sigma2, xp.sign(diff))
        for factor in weights:
            slope = slope * factor
        self.saved = slope if any(self.need) else None
        return each * weights[1] if len(weights) > 1 else each

    def slopes(self, factor: Any) -> Any:
        """Return the gradients of all bottoms, with ``factor`` ∂loss/∂L over the normaliser."""
        none = (None,) * (len(self.need) - 2)
        if self.saved is None:
            return (None, None, *none)
        da = self.saved * self.scalar(factor, self.saved)
        return (da if self.need[0] else None, -da if self.need[1] else None, *none)


@register("SmoothL1Loss")
class SmoothL1Loss(SmoothL1):
    """Huber's loss of weighted differences, divided by the batch.

    L = Σ v f(w (a - b)) / N        a, b, w, v: (N, ...), w and v 1 where there is no such bottom
        f(d) = (σ d)² / 2 where |d| < 1 / σ², else |d| - 1 / (2 σ²)
    da = v w f'(d) dL / N,  db = -da

    One layer for two: Faster R-CNN's, with ``sigma`` and up to four bottoms, and SSD's, which has
    up to three and σ = 1. Girshick, "Fast R-CNN", 2015. The first ones forgot a factor w of the
    gradient, which is nothing where weights are 0 or 1.
    """

    bottoms = (2, 4)
    reads = ("smooth_l1_loss_param",)

    def setup(self, *bottoms: Shape) -> None:
        sigma = self.config.smooth_l1_loss_param.sigma
        if sigma <= 0:
            raise NetError(f"sigma must be positive; given {sigma:g}")
        self.sigma2 = sigma * sigma

    def reshape(self, *bottoms: Shape) -> Shape:
        self.check_bottoms(*bottoms)
        return ()

    def forward(self, *bottoms: Array) -> Array:
        each = self.errors(self.sigma2, *bottoms)
        self.n = self.batch(bottoms[0])
        return self.scalar(each.sum(dtype=float) / self.n, bottoms[0])

    def backward(self, dy: Array) -> Any:
        return self.slopes(dy / self.n)
