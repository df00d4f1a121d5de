"""Losses of values against targets: a scalar that the net weighs and minimises."""

import math
from typing import Any, ClassVar

from netcfg.errors import ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.netcfg_pb2 import HingeLossParameter, LossParameter
from netcfg.types import Array, Shape

__all__ = ["Loss"]


PRE_FIXED = ("loss_param.normalization: PRE_FIXED", "loss_param.pre_fixed_normalizer")
"""What losses with ``normalizer`` implement of forks."""


class Loss(Layer):
    """Base of the losses: a top without axes, weight 1 in the loss, labels without gradients."""

    bottoms = (2, 2)
    auto_tops = True
    default_loss_weight = 1.0
    constant_bottoms: ClassVar[tuple[int, ...]] = (1,)
    forks: ClassVar[tuple[str, ...]] = ()

    def reshape(self, *bottoms: Shape) -> Any:
        x, label = bottoms[:2]
        if not x or not label or x[0] != label[0]:
            raise ShapeError(f"bottoms must have the same first axis; given {x} and {label}")
        return ()

    def scalar(self, value: Any, like: Array) -> Array:
        """Return ``value`` as an array without axes, of the type of ``like``."""
        return self.xp.asarray(value).astype(like.dtype)

    def normalization(self, default: int) -> int:
        """Return the mode in ``loss_param``; of old, ``normalize`` chose VALID or BATCH_SIZE."""
        param = self.config.loss_param
        if param.HasField("normalization"):
            return param.normalization
        if param.HasField("normalize"):
            return LossParameter.VALID if param.normalize else LossParameter.BATCH_SIZE
        return default

    def ignore_label(self) -> int | None:
        """Return the label that does not count, if there is one."""
        param = self.config.loss_param
        return param.ignore_label if param.HasField("ignore_label") else None

    def normalizer(self, mode: int, weight: Array, batch: int) -> Any:
        """Return what the loss is divided by, at least 1 so that empty batches give 0.

        Args:
            mode: FULL counts all predictions, VALID those not ignored, BATCH_SIZE the items;
                PRE_FIXED takes ``pre_fixed_normalizer``.
            weight: of each prediction, 0 where it is ignored.
            batch: number of items.
        """
        if mode == LossParameter.VALID:
            return self.xp.maximum(weight.sum(dtype=float), 1)
        if mode == LossParameter.FULL:
            return max(weight.size, 1)
        if mode == LossParameter.PRE_FIXED:
            return max(self.config.loss_param.pre_fixed_normalizer, 1)
        return max(batch, 1) if mode == LossParameter.BATCH_SIZE else 1

    def batch(self, x: Array) -> int:
        """Return the number of items, at least 1 as in ``normalizer``."""
        return max(len(x), 1)

    def one_per_item(self, x: Shape, label: Shape) -> None:
        """Check that there is one label for each item of the batch."""
        if math.prod(label) != x[0]:
            raise ShapeError(f"label shape {label} must hold {x[0]} values, one per item of {x}")


@register("EuclideanLoss")
class EuclideanLoss(Loss):
    """Half the mean squared distance between two batches.

    L = Σ (a - b)² / 2N        a, b: (N, ...)   L: ()
    da = (a - b) dL / N,  db = -da
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
            self.saved = diff
        return self.scalar(self.xp.square(diff).sum(dtype=float) / (2 * self.batch(a)), a)

    def backward(self, dy: Array) -> Any:
        diff = self.saved
        da = diff * (dy / self.batch(diff))
        return (
            da if self.need[0] else None,
            -da.reshape(self.b_shape) if self.need[1] else None,
        )


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(Loss):
    """Cross-entropy of independent probabilities σ(x) against targets t in [0, 1].

    L = Σ (max(x, 0) - x t + log(1 + exp(-|x|))) / n        x, t: (N, ...)   L: ()
    dx = (σ(x) - t) dL / n

    n is the batch size unless ``normalization`` says otherwise; targets whose whole part equals
    ``ignore_label`` count nowhere.
    """

    reads = ("loss_param",)
    forks = PRE_FIXED

    def reshape(self, *bottoms: Shape) -> Shape:
        x, t = bottoms
        super().reshape(x, t)
        if math.prod(x) != math.prod(t):
            raise ShapeError(f"bottoms must hold equally many values; given {x} and {t}")
        return ()

    def forward(self, x: Array, t: Array) -> Array:
        xp, t, ignore = self.xp, t.reshape(x.shape), self.ignore_label()
        weight = xp.ones_like(x) if ignore is None else (xp.trunc(t) != ignore).astype(x.dtype)
        n = self.normalizer(self.normalization(LossParameter.BATCH_SIZE), weight, len(x))
        each = xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-xp.abs(x)))
        if self.need[0]:
            self.saved = x, t, weight, n
        return self.scalar((each * weight).sum(dtype=float) / n, x)

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        x, t, weight, n = self.saved
        return (self.engine.sigmoid(x) - t) * weight * self.scalar(dy / n, x), None


@register("HingeLoss")
class HingeLoss(Loss):
    """Hinge loss of one-vs-all scores, or its square.

    m = max(0, 1 - s x),  s = 1 at the label, else -1        x: (N, K)   label: N values
    L1:  L = Σ m / N,   dx = -s [m > 0] dL / N
    L2:  L = Σ m² / N,  dx = -2 s m dL / N
    """

    reads = ("hinge_loss_param",)

    def reshape(self, *bottoms: Shape) -> Shape:
        x, label = bottoms
        super().reshape(x, label)
        self.one_per_item(x, label)
        return ()

    def forward(self, x: Array, label: Array) -> Array:
        xp = self.xp
        classes = math.prod(x.shape[1:])
        scores = x.reshape(len(x), classes)  # (N, K)
        index, weight = class_indices(xp, label.reshape(-1, 1), classes)
        sign = xp.where(xp.arange(classes) == index, -weight, weight)  # -s: (N, K)
        margin = xp.maximum(1 + sign * scores, 0)
        if self.need[0]:
            self.saved = sign * margin, x.shape
        squared = self.config.hinge_loss_param.norm == HingeLossParameter.L2
        total = (xp.square(margin) if squared else margin).sum(dtype=float)
        return self.scalar(total / self.batch(x), x)

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        signed, shape = self.saved
        squared = self.config.hinge_loss_param.norm == HingeLossParameter.L2
        dx = 2 * signed if squared else self.xp.sign(signed)
        return (dx * (dy / self.batch(signed))).reshape(shape), None


@register("ContrastiveLoss")
class ContrastiveLoss(Loss):
    """Pulls pairs with label 1 together and pushes the others apart, up to a margin.

    d = |a - b|        a, b: (N, C)   label: N values
    L = Σ (d² if similar, else max(margin - d, 0)²) / 2N
    da = (a - b) dL / N if similar, else -(a - b) (margin - d) / (d + 1e-4) dL / N within the margin
    db = -da

    Hadsell, Chopra and LeCun, 2006. ``legacy_version`` has max(margin - d², 0) for dissimilar
    pairs. Caffe's 1e-4, which keeps pairs that coincide finite, is in the gradient only.
    """

    bottoms = (3, 3)
    constant_bottoms = (2,)
    reads = ("contrastive_loss_param",)

    def reshape(self, *bottoms: Shape) -> Shape:
        a, b, label = bottoms
        super().reshape(a, b)
        if math.prod(a) != math.prod(b):
            raise ShapeError(f"bottoms 0 and 1 must hold equally many values; given {a} and {b}")
        self.one_per_item(a, label)
        self.shapes = a, b
        return ()

    def forward(self, a: Array, b: Array, label: Array) -> Array:
        xp, param = self.xp, self.config.contrastive_loss_param
        diff = (a - b.reshape(a.shape)).reshape(len(a), math.prod(a.shape[1:]))  # (N, C)
        square = xp.square(diff).sum(axis=1)  # (N,)
        similar = xp.trunc(label.reshape(-1)) != 0
        if param.legacy_version:
            gap = xp.maximum(param.margin - square, 0)
            slope = -(gap > 0).astype(a.dtype)
            apart = gap
        else:
            distance = xp.sqrt(square)
            gap = xp.maximum(param.margin - distance, 0)
            slope = -gap / (distance + 1e-4)
            apart = xp.square(gap)
        if any(self.need):
            self.saved = diff * xp.where(similar, 1, slope).astype(a.dtype)[:, None]
        total = xp.where(similar, square, apart).sum(dtype=float)
        return self.scalar(total / (2 * self.batch(a)), a)

    def backward(self, dy: Array) -> Any:
        da = self.saved * (dy / self.batch(self.saved))
        return (
            da.reshape(self.shapes[0]) if self.need[0] else None,
            -da.reshape(self.shapes[1]) if self.need[1] else None,
            None,
        )
