"""Dropout of values, of channels and of whole items."""

from typing import ClassVar

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.types import Array, Phase, Shape


@register("Dropout")
class Dropout(Layer):
    """Zero each value with probability ``dropout_ratio`` r in TRAIN, scaling the others up.

    y = x m / (1 - r),  dx = dy m / (1 - r), with m = 0 with probability r, else 1

    In TEST y = x, but ``sample_weights_test`` drops there as in TRAIN, as SegNet does it to see how
    sure it is. With ``scale_train: false`` TRAIN leaves the division out, and in TEST
    y = (1 - r) x. Hinton et al., "Improving neural networks by preventing co-adaptation of feature
    detectors", 2012.
    """

    reads = ("dropout_param",)
    forks: ClassVar[tuple[str, ...]] = (
        "dropout_param.scale_train",
        "dropout_param.sample_weights_test",
    )

    def setup(self, x: Shape) -> None:
        config = self.config.dropout_param
        self.ratio = config.dropout_ratio
        if not 0 <= self.ratio < 1:
            raise NetError(f"dropout_ratio must lie in [0, 1); given {self.ratio:g}")
        train = self.phase == Phase.TRAIN or config.sample_weights_test
        self.active = train and self.ratio > 0
        if config.scale_train:
            self.scale = 1 / (1 - self.ratio) if train else 1.0
        else:
            self.scale = 1.0 if train else 1 - self.ratio

    def forward(self, x: Array) -> Array:
        if not self.active:
            return x if self.scale == 1 else x * self.scale
        mask = self._mask(x)
        if self.need[0]:
            self.saved = mask
        return self.engine.dropout(x, mask, self.scale)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        if not self.active:
            return dy if self.scale == 1 else dy * self.scale
        return self.engine.dropout(dy, self.saved, self.scale)

    def _mask(self, x: Array) -> Array:
        """Return what to keep, shaped to broadcast."""
        mask = self.xp.empty_like(x, dtype=bool)  # in memory as x is, whatever the order drawn in
        mask[...] = self._kept(x.shape)
        return mask

    def _kept(self, shape: Shape) -> Array:
        """Return True with probability 1 - ``dropout_ratio``."""
        return self.engine.keep_mask(shape, self.ratio, self)


@register("SpatialDropout")
class SpatialDropout(Dropout):
    """Dropout of whole channels: all places of a channel of an image are zeroed or none.

    y = x m / (1 - r),  dx = dy m / (1 - r)        x: (N, C, *S)   m: (N, C), 0 with probability r

    Fields and TEST are those of Dropout. Tompson et al., "Efficient object localization using
    convolutional networks", 2015.
    """

    def reshape(self, x: Shape) -> Shape:
        if len(x) < 2:
            raise ShapeError(f"the bottom must have axes N and C; given {x}")
        return x

    def _mask(self, x: Array) -> Array:
        return self._kept((*x.shape[:2], *[1] * (x.ndim - 2)))


@register("DropPath")
class DropPath(Dropout):
    """Dropout of whole items, for the branch of a residual block (stochastic depth).

    y = x m / (1 - r),  dx = dy m / (1 - r)        x: (N, ...)   m: (N,), 0 with probability r

    r is ``drop_ratio``; in TEST y = x. Huang et al., "Deep networks with stochastic depth", 2016.
    """

    reads = ("drop_path_param",)
    forks = ()

    def setup(self, x: Shape) -> None:
        self.ratio = self.config.drop_path_param.drop_ratio
        if not 0 <= self.ratio < 1:
            raise NetError(f"drop_ratio must lie in [0, 1); given {self.ratio:g}")
        self.active = self.phase == Phase.TRAIN and self.ratio > 0
        self.scale = 1 / (1 - self.ratio) if self.active else 1.0

    def reshape(self, x: Shape) -> Shape:
        if not x:
            raise ShapeError(f"the bottom must have an axis of items; given {x}")
        return x

    def _mask(self, x: Array) -> Array:
        return self._kept((len(x), *[1] * (x.ndim - 1)))
