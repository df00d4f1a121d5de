"""Losses by kernels: one for the items, one for their total, one for the gradient.

Normaliser and loss stay on the card, where the gradient reads them.
"""

import math
from typing import Any

import numpy as np

from netcfg.engines.cuda.arrays import alike
from netcfg.engines.cuda.forms import Form
from netcfg.engines.cuda.launch import BLOCK
from netcfg.engines.cuda.pointwise import lanes
from netcfg.netcfg_pb2 import LossParameter
from netcfg.types import Array

MOST_BLOCKS = 1024
"""Sums of blocks that are added up in the end."""


class LossForm(Form):
    """Base of the losses; ``_total`` holds the loss and what it was divided by."""

    _total: Array

    def sum_up(self, x: Array, loss: Array, weight: Array | None, fixed: float) -> Array:
        """Add up the losses of items or blocks and return their quotient, without axes.

        Args:
            x: whose kernels are used.
            loss: to add up.
            weight: what each counts in the divisor.
            fixed: the divisor; 0 for the sum of the weights, at least 1.
        """
        self._total = self.engine._acc((2,), x)
        self.engine._run(
            x, "loss_total", (1,), (BLOCK,), loss, weight, self._total, loss.size, fixed
        )
        return self._total[:1].reshape(())

    def divisor(self, default: int, x: Array, batch: int) -> float:
        """Return what ``sum_up`` is given for the normalization that the layer asks for.

        Args:
            default: mode where the prototxt gives none.
            x: has as many elements as there are predictions.
            batch: number of items.
        """
        mode = self.layer.normalization(default)
        if mode == LossParameter.VALID:
            return 0.0
        return float(self.layer.normalizer(mode, x, batch))

    def ignored(self) -> tuple[int, int]:
        """Return whether there is a label that does not count, and which."""
        label = self.layer.ignore_label()
        return (0, 0) if label is None else (1, label)

    def slope(self, dloss: Array, x: Array) -> Array:
        """Return ∂loss/∂L as the kernels of x read it."""
        return self.engine._vector(dloss, x)


class SoftmaxLoss(LossForm):
    """Softmax and cross-entropy; labels out of range give NaN."""

    def there(self, *bottoms: Array) -> Any:
        engine, layer = self.engine, self.layer
        (x,), last = alike(self.xp, engine._wide(bottoms[0]))
        if last and layer.along != 1:
            x, last = self.xp.ascontiguousarray(x), False
        K = x.shape[layer.along]
        inner = 1 if last else math.prod(x.shape[layer.along + 1 :])
        rows = x.size // K
        label = engine._vector(bottoms[1], x)
        p, loss, weight = self.xp.empty_like(x), engine._acc((rows,), x), engine._acc((rows,), x)
        width = lanes(K) if inner == 1 else 1
        self._sizes = rows, K, inner
        engine._run(
            x, "softmax_loss", (-(-rows * width // BLOCK),), (BLOCK,),
            x, label, self._classes(x), p, loss, weight,
            *self._sizes, width, *self.ignored(), *self._targets(K), layer.counted,
        )  # fmt: skip
        fixed = self.divisor(LossParameter.VALID, weight, layer.outer)
        total = self.sum_up(x, loss, weight, fixed)
        self._kept = (p, label) if layer.need[0] else None
        return (total, p) if layer.ntops > 1 else total

    def back(self, *tops: Array) -> Any:
        engine, layer = self.engine, self.layer
        dloss, dprob = (*tops, None)[:2]
        dx = None
        if layer.need[0]:
            p, label = self._kept
            if dloss is not None:
                dx = self.xp.empty_like(p)
                engine._each(
                    p, "softmax_loss_grad", p.size,
                    p, label, self._classes(p), dx, *self._sizes, *self.ignored(),
                    *self._targets(self._sizes[1]), self.slope(dloss, p), self._total,
                )  # fmt: skip
            if dprob is not None:
                through = engine.softmax_grad(dprob, p, layer.along)
                dx = through if dx is None else engine.weighted_sum([dx, through], [1.0, 1.0])
        return (dx, *(None,) * (len(layer.need) - 1))

    def suits(self, *bottoms: Array) -> bool:
        return super().suits(*bottoms[:2])

    def _classes(self, x: Array) -> Array | None:
        """Return the weights of the classes."""
        weights = self.layer.class_weights
        return None if weights is None else self.engine._vector(weights, x)

    def _targets(self, classes: int) -> tuple[float, float]:
        """Return what p should be at the label, and elsewhere."""
        spread, everywhere = self.layer.spread, self.layer.everywhere
        if not spread:
            return 1.0, 0.0
        least = spread / (classes if everywhere else max(classes - 1, 1))
        return 1 - spread + (least if everywhere else 0.0), least


class SigmoidLoss(LossForm):
    """Logistic functions and cross-entropy."""

    def there(self, *bottoms: Array) -> Any:
        engine, layer = self.engine, self.layer
        t = engine._cast(bottoms[1].reshape(bottoms[0].shape), self._acc(bottoms[0]))
        (x, t), _ = alike(self.xp, bottoms[0], t)
        blocks = min(MOST_BLOCKS, -(-x.size // BLOCK))
        loss, weight = engine._acc((blocks,), x), engine._acc((blocks,), x)
        engine._run(
            x, "sigmoid_loss", (blocks,), (BLOCK,), x, t, loss, weight, x.size, *self.ignored()
        )
        fixed = self.divisor(LossParameter.BATCH_SIZE, x, len(x))
        self._kept = (x, t) if layer.need[0] else None
        return self.sum_up(x, loss, weight, fixed)

    def back(self, *tops: Array) -> Any:
        if not self.layer.need[0]:
            return None, None
        x, t = self._kept
        dx = self.xp.empty_like(x)
        numbers = x.size, *self.ignored(), self.slope(tops[0], x), self._total
        self.engine._each(x, "sigmoid_loss_grad", x.size, x, t, dx, *numbers)
        return dx, None

    def _acc(self, x: Array) -> Any:
        return np.dtype(self.engine._of(x).acc)


class EuclideanLoss(LossForm):
    """Half the mean squared distance."""

    def there(self, *bottoms: Array) -> Any:
        engine, (a, b) = self.engine, bottoms
        (a, b), _ = alike(self.xp, a, engine._as(b.reshape(a.shape), a))
        blocks = min(MOST_BLOCKS, -(-a.size // BLOCK))
        diff, loss = self.xp.empty_like(a), engine._acc((blocks,), a)
        engine._run(a, "euclidean_loss", (blocks,), (BLOCK,), a, b, diff, loss, a.size)
        self._kept = diff if any(self.layer.need) else None
        return self.sum_up(a, loss, None, float(self.layer.batch(a)))

    def back(self, *tops: Array) -> Any:
        shapes, need = (self._kept.shape, self.layer.b_shape), self.layer.need
        signed = zip((1.0, -1.0), shapes, need, strict=True)
        return tuple(
            self._scaled(tops[0], factor).reshape(shape) if wanted else None
            for factor, shape, wanted in signed
        )

    def _scaled(self, dloss: Array, factor: float) -> Array:
        diff = self._kept
        dx = self.xp.empty_like(diff)
        slope = self.slope(dloss, diff)
        self.engine._each(
            diff, "loss_scaled", diff.size, diff, dx, diff.size, factor, slope, self._total
        )
        return dx
