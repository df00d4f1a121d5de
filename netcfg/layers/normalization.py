"""Normalization by statistics of the batch, of neighbours, or of each image."""

import math
from collections.abc import Sequence

from netcfg.engines.geometry import Window
from netcfg.errors import NetError, ShapeError, WeightsError
from netcfg.layer import Layer, register
from netcfg.layers.scaled_norm import ScaledBatchNorm, channels
from netcfg.netcfg_pb2 import FillerParameter, LayerParameter, LRNParameter
from netcfg.types import Array, Phase, Shape


@register("LRN")
class LRN(Layer):
    """Divide by the energy of the neighbourhood, ``local_size`` n channels or n × n places.

    ACROSS_CHANNELS: y = x s^-β, s = k + α/n Σ x² over n channels around
        dx = dy s^-β - 2αβ/n x Σ dy y / s
    WITHIN_CHANNEL: y = x s^-β, s = 1 + α/n² Σ x² over n × n places around, zeros past the edges
        dx = dy s^-β - 2αβ/n² x Σ dy y / s

    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012,
    where α is not divided by n. WITHIN_CHANNEL ignores ``k``, as Caffe does.
    """

    reads = ("lrn_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.lrn_param
        self.size, self.alpha = config.local_size, config.alpha
        self.beta, self.k = config.beta, config.k
        if self.size % 2 == 0:
            raise NetError(f"local_size must be odd; given {self.size}")
        self.within = config.norm_region == LRNParameter.WITHIN_CHANNEL

    def reshape(self, x: Shape) -> Shape:
        if len(x) < (3 if self.within else 2):
            raise ShapeError(f"the bottom must have axes N, C, H and W; given {x}")
        axes = len(x) - 2
        pad = (self.size - 1) // 2
        self.window = Window((self.size,) * axes, (1,) * axes, (pad,) * axes, (1,) * axes)
        return x

    def forward(self, x: Array) -> Array:
        if self.within:
            scale = self.engine.ave_pool(x * x, self.window, x.shape[2:])
            scale *= self.alpha
            scale += 1
            y = x * scale**-self.beta
        else:
            y, scale = self.engine.lrn(x, self.size, self.alpha, self.beta, self.k)
        if self.need[0]:
            self.saved = (x, y, scale)
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x, y, scale = self.saved
        if not self.within:
            return self.engine.lrn_grad(dy, x, y, scale, self.size, self.alpha, self.beta, self.k)
        dx = self.engine.ave_pool_grad(dy * y / scale, x.shape, self.window)
        dx *= x
        dx *= -2 * self.alpha * self.beta
        dx += dy * scale**-self.beta
        return dx


@register("BatchNorm")
class BatchNorm(Layer):
    """Normalize each channel, by the batch in TRAIN, by running statistics in TEST.

    y = (x - mean) / √(var + eps)        x: (N, C, *S)   mean, var: (C,)
    by the batch: dx = (dy - mean(dy) - y mean(dy y)) / √(var + eps), means over N and *S
    by running statistics (``use_global_stats`` chooses in either phase): dx = dy / √(var + eps)

    Ioffe and Szegedy, "Batch normalization", 2015, without scale and shift: Scale does those.
    The parameters are sums that no gradient changes; with f = ``moving_average_fraction`` each
    forward pass by the batch makes
        mean ← f mean + batch's,  var ← f var + batch's m / (m - 1),  factor ← f factor + 1
    with m = N·ΠS values a channel. The running statistics are mean / factor and var / factor.

    Where forks' ``scale_bias``, ``use_weight_bias`` or a filler asks for it, scale and shift are
    inside all the same: ``ScaledBatchNorm``.
    """

    reads = ("batch_norm_param",)
    forks = ("batch_norm_param.use_weight_bias",)

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return the layer with scale and bias inside where the prototxt asks for them."""
        return ScaledBatchNorm if ScaledBatchNorm.asked_for(config) else cls

    def setup(self, x: Shape) -> None:
        config = self.config.batch_norm_param
        self.eps, self.fraction = config.eps, config.moving_average_fraction
        self.fixed = self.phase == Phase.TEST
        if config.HasField("use_global_stats"):
            self.fixed = config.use_global_stats
        for i, spec in enumerate(self.config.param):
            if spec.HasField("lr_mult") and spec.lr_mult != 0:
                raise NetError(
                    f"lr_mult of param {i} must be 0: no gradient changes statistics; given "
                    f"{spec.lr_mult:g}"
                )
        self.channels = channels(x)
        for shape in ((self.channels,), (self.channels,), (1,)):
            param = self.param(shape, FillerParameter())
            param.lr_mult = param.decay_mult = 0

    def reshape(self, x: Shape) -> Shape:
        if channels(x) != self.channels:
            raise ShapeError(f"the statistics are of {self.channels} channels; given {x}")
        self.x_shape = (*x, 1) if len(x) == 1 else x  # a vector is one channel
        return x

    def forward(self, x: Array) -> Array:
        outer, x = x.shape, x.reshape(self.x_shape)
        if self.fixed:
            mean, var = self.running()
            y = self.engine.normalize(x, mean, var, self.eps)
        else:
            y, mean, var = self.engine.batch_norm(x, self.eps)
            self.accumulate(mean, var, x.size // self.channels)
        if self.need[0]:
            self.saved = (None if self.fixed else y, var)
        return y.reshape(outer)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        outer, dy = dy.shape, dy.reshape(self.x_shape)
        y, var = self.saved
        if self.fixed:
            w = 1 / self.xp.sqrt(var + self.eps)
            dx = self.engine.scale(dy, w.reshape(-1, *[1] * (dy.ndim - 2)), None)  # (C, 1, ...)
        else:
            dx = self.engine.batch_norm_grad(dy, y, var, self.eps)
        return dx.reshape(outer)

    def adapt(self, blobs: Sequence[Array | None]) -> Sequence[Array | None]:
        if len(blobs) == len(self.params) + 2:
            raise WeightsError(
                f"{self.where}: the weights hold scale and bias too, as NVCaffe and Intel Caffe "
                "keep them; set batch_norm_param { scale_bias: true }"
            )
        return blobs

    def running(self) -> tuple[Array, Array]:
        """Return mean and variance from the sums; 0 before the first pass."""
        mean, var, factor = (p.value for p in self.params)
        share = (factor != 0) / self.xp.where(factor != 0, factor, 1)  # (1,)
        return mean * share, var * share

    def accumulate(self, mean: Array, var: Array, m: int) -> None:
        """Add the statistics of a batch of m values a channel to the running ones."""
        for param, value in zip(self.params, (mean, var * (m / max(m - 1, 1)), 1), strict=True):
            array = param.value
            array *= self.fraction
            array += value
            param.changed()


@register("MVN")
class MVN(Layer):
    """Subtract the mean of each channel of each image, divide by the standard deviation.

    y = (x - mean) / (σ + eps)        x: (N, C, *S), means over *S, with ``across_channels`` over
                                      C and *S
    dx = (dy - mean(dy) - (x - mean) / σ mean(dy y)) / (σ + eps)

    With ``normalize_variance: false`` y = x - mean, dx = dy - mean(dy).
    """

    reads = ("mvn_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.mvn_param
        self.first = 1 if config.across_channels else 2
        self.divide, self.eps = config.normalize_variance, config.eps

    def reshape(self, x: Shape) -> Shape:
        self.axes = tuple(range(self.first, len(x)))
        self.count = math.prod(x[self.first :])
        return x

    def forward(self, x: Array) -> Array:
        y = x - self._mean(x)
        if self.divide:
            sigma = self.xp.sqrt(self._mean(y * y))
            y /= sigma + self.eps
            if self.need[0]:
                self.saved = (y, sigma)
        return y

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        dx = dy - self._mean(dy)
        if self.divide:
            y, sigma = self.saved
            spread = sigma + self.eps
            dx -= y * (self._mean(dy * y) * spread / self.xp.where(sigma > 0, sigma, 1))
            dx /= spread
        return dx

    def _mean(self, x: Array) -> Array:
        """Return the means, shaped to broadcast."""
        return x.sum(axis=self.axes, keepdims=True) / self.count
