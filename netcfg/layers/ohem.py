"""Online hard example mining, as R-FCN does it: losses of single regions, and the worst of them."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.loss import PRE_FIXED
from netcfg.layers.regression_loss import SmoothL1
from netcfg.layers.softmax_loss import TINY, SoftmaxWithLoss
from netcfg.netcfg_pb2 import LossParameter
from netcfg.types import Array, Shape


@register("SoftmaxWithLossOHEM")
class SoftmaxWithLossOHEM(SoftmaxWithLoss):
    """SoftmaxWithLoss whose third top is the loss of each label, without a gradient.

    each = -log p[label], 0 where the label is ignored        x: (N, K, ...)   each: (N, 1, ...)

    The loss, its gradient and the second top, p, are those of SoftmaxWithLoss.
    Shrivastava et al., "Training region-based object detectors with online hard example mining",
    2016.
    """

    tops = (1, 3)

    def reshape(self, *bottoms: Shape) -> Any:
        super().reshape(*bottoms)
        return ((), bottoms[0], self.label_shape)[: self.ntops] if self.ntops > 1 else ()

    def forward(self, x: Array, label: Array) -> Any:
        tops = super().forward(x, label)
        if self.ntops < 3:
            return tops
        loss, p = tops[:2]
        index, weight, _ = self.labels(label, x.shape[self.along])
        picked = self.xp.take_along_axis(p, index, axis=self.along)
        return loss, p, -weight * self.xp.log(self.xp.maximum(picked, TINY))

    def backward(self, dloss: Array, dprob: Array = None, deach: Array = None) -> Any:
        return super().backward(dloss, dprob)


@register("SmoothL1LossOHEM")
class SmoothL1LossOHEM(SmoothL1):
    """Huber's loss whose second top is the loss of each place, without a gradient.

    L = Σ f(w (a - b)) / n,  each = Σ f over C        a, b, w: (N, C, *S)   each: (N, 1, *S)
        f(d) = d² / 2 where |d| < 1, else |d| - 1/2;  w is 1 without a third bottom
    da = w f'(d) dL / n,  db = -da

    n is N ΠS by default (FULL, VALID), or as ``normalization`` says.
    """

    bottoms = (2, 3)
    tops = (1, 2)
    reads = ("loss_param",)
    forks = PRE_FIXED

    def reshape(self, *bottoms: Shape) -> Any:
        self.check_bottoms(*bottoms)
        x = bottoms[0]
        if len(x) < 2:
            raise ShapeError(f"bottoms must have axes N and C; given {x}")
        return ((), (x[0], 1, *x[2:])) if self.ntops > 1 else ()

    def forward(self, *bottoms: Array) -> Any:
        a = bottoms[0]
        each = self.errors(1.0, *bottoms)
        mode = self.normalization(LossParameter.VALID)
        places = math.prod((len(a), *a.shape[2:]))
        full = mode in (LossParameter.VALID, LossParameter.FULL)
        self.n = max(places, 1) if full else self.normalizer(mode, a, len(a))
        loss = self.scalar(each.sum(dtype=float) / self.n, a)
        return (loss, each.sum(axis=1, keepdims=True)) if self.ntops > 1 else loss

    def backward(self, dloss: Array, deach: Array = None) -> Any:
        if dloss is None:
            return (None,) * len(self.need)
        return self.slopes(dloss / self.n)


@register("BoxAnnotatorOHEM")
class BoxAnnotatorOHEM(Layer):
    """Keep the ``roi_per_img`` regions of each image that cost most; the others are not learned.

    Bottoms: regions (N, 5, *S), whose first value is the image, the loss, the label (N, 1, *S) and
    the weights of the box (N, B, *S) at each place.
    Tops: labels, ``ignore_label`` where a region is not kept, and weights, 0 there.
    """

    bottoms = (4, 4)
    tops = (2, 2)
    differentiable = False
    reads = ("box_annotator_ohem_param",)

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.box_annotator_ohem_param
        self.keep, self.ignored = config.roi_per_img, config.ignore_label
        if self.keep < 1:
            raise NetError(f"roi_per_img must be at least 1; given {self.keep}")

    def reshape(self, *bottoms: Shape) -> Any:
        rois, loss, label, weights = ((*b, *[1] * (4 - len(b))) for b in bottoms)
        if rois[1] != 5:
            raise ShapeError(f"regions must have 5 values, the image and 4 sides; given {rois}")
        one = (rois[0], 1, *rois[2:])
        if loss != one or label != one or (weights[0], *weights[2:]) != (rois[0], *rois[2:]):
            given = ", ".join(map(str, bottoms[1:]))
            raise ShapeError(
                f"losses and labels must be one for each of the regions {bottoms[0]}, with weights "
                f"for their boxes; given {given}"
            )
        return bottoms[2], bottoms[3]

    def forward(self, rois: Array, loss: Array, label: Array, weights: Array) -> Any:
        xp = self.xp
        image = rois[:, 0].reshape(-1)
        order = xp.argsort(-loss.reshape(-1), kind="stable")
        kept = xp.zeros(len(order), bool)
        for number in xp.unique(image):
            worst = order[image[order] == number][: self.keep]
            kept[worst] = True
        labels = xp.where(kept.reshape(label.shape), label, self.ignored).astype(label.dtype)
        places = (len(weights), 1, *weights.shape[2:])
        return labels, weights * kept.reshape(places)
