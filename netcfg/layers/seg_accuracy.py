"""How good a segmentation is, by the counts of a confusion matrix."""

import math
from collections.abc import Mapping
from typing import Any

from netcfg.errors import ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.types import Array, Shape


@register("SegAccuracy")
class SegAccuracy(Layer):
    """Accuracies of pixels: overall, by class, and as intersection over union.

    x: (N, K, H, W), scores   label: (N, 1, H, W)   y: (1, 1, 1, 3)
    with M[i, j] how many pixels of class i have their largest score at j:
    Σ M[i, i] / Σ M;  the mean of M[i, i] / Σ M[i, :] over the classes that labels have;
    the mean of M[i, i] / (Σ M[i, :] + Σ M[:, i] - M[i, i]) over all classes, 1 for one that neither
    labels nor predictions have

    Pixels whose label is among ``ignore_label`` do not count. With K = 1, x is the probability of
    the second of two classes. ``reset: false`` goes on counting from pass to pass. From DeepLab,
    where ``metric`` has no effect either.
    """

    bottoms = (2, 2)
    constant_bottoms = (0, 1)
    differentiable = False
    reads = ("seg_accuracy_param",)

    def setup(self, *bottoms: Shape) -> None:
        self.counts: Array = None

    def reshape(self, x: Shape, label: Shape) -> Shape:
        if len(x) < 2 or math.prod(label) * x[1] != math.prod(x) or label[0] != x[0]:
            raise ShapeError(f"label shape {label} must hold one label for each pixel of {x}")
        return (1, 1, 1, 3)

    def forward(self, x: Array, label: Array) -> Array:
        xp, param = self.xp, self.config.seg_accuracy_param
        classes = max(x.shape[1], 2)
        guess = xp.argmax(x, axis=1) if x.shape[1] > 1 else x[:, 0] > 0.5  # (N, H, W)
        whole = xp.trunc(label.reshape(guess.shape))
        counted = xp.ones(guess.shape, bool)
        for ignored in param.ignore_label:
            counted &= whole != ignored
        index, _ = class_indices(xp, xp.where(counted, whole, 0), classes)
        pairs = (index * classes + guess)[counted]
        counts = xp.bincount(pairs.reshape(-1), minlength=classes**2).reshape(classes, classes)
        if not param.reset and self.counts is not None:
            counts = counts + self.counts
        self.counts = counts
        return self._measures(counts.astype(float)).astype(x.dtype).reshape(1, 1, 1, 3)

    def _measures(self, counts: Any) -> Array:
        xp = self.xp
        right, labels, guesses = xp.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
        there = labels > 0
        recall = (right / xp.where(there, labels, 1)).sum() / xp.maximum(there.sum(), 1)
        union = labels + guesses - right
        share = xp.where(union > 0, right / xp.where(union > 0, union, 1), 1)
        overall = right.sum() / xp.maximum(counts.sum(), 1)
        return xp.stack([overall, recall, share.mean()])

    def state(self) -> dict[str, Array]:
        kept = not self.config.seg_accuracy_param.reset and self.counts is not None
        return {"counts": self.counts} if kept else {}

    def restore(self, step: int, values: Mapping[str, Array]) -> None:
        super().restore(step, values)
        self.counts = values.get("counts")
