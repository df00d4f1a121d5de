"""Dropout."""

from netcfg.errors import NetError
from netcfg.layer import Layer, register
from netcfg.types import Array, Phase, Shape


@register("Dropout")
class Dropout(Layer):
    """Zero each value with probability ``dropout_ratio`` r in TRAIN, scaling the others up.

    y = x m / (1 - r),  dx = dy m / (1 - r), with m = 0 with probability r, else 1

    In TEST y = x. With ``scale_train: false`` TRAIN leaves the division out, and in TEST
    y = (1 - r) x. Hinton et al., "Improving neural networks by preventing co-adaptation of feature
    detectors", 2012.
    """

    reads = ("dropout_param",)
    forks = ("dropout_param.scale_train",)

    def setup(self, x: Shape) -> None:
        config = self.config.dropout_param
        self.ratio = config.dropout_ratio
        if not 0 <= self.ratio < 1:
            raise NetError(f"dropout_ratio must lie in [0, 1); given {self.ratio:g}")
        train = self.phase == Phase.TRAIN
        self.active = train and self.ratio > 0
        if config.scale_train:
            self.scale = 1 / (1 - self.ratio) if train else 1.0
        else:
            self.scale = 1.0 if train else 1 - self.ratio

    def forward(self, x: Array) -> Array:
        if not self.active:
            return x if self.scale == 1 else x * self.scale
        mask = self.xp.empty_like(x, dtype=bool)  # in memory as x is, whatever the order drawn in
        mask[...] = self.xp.asarray(self.random().random(x.shape, dtype="float32") >= self.ratio)
        if self.need[0]:
            self.saved = mask
        return self.engine.dropout(x, mask, self.scale)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        if not self.active:
            return dy if self.scale == 1 else dy * self.scale
        return self.engine.dropout(dy, self.saved, self.scale)
