"""Normalization of each item by itself: over features, over groups of channels, by magnitude."""

import math

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.types import Array, Shape


class _Block(Layer):
    """What LayerNorm and RMSNorm share: a block of axes, and parameters with one value per place.

    Attributes:
        axes: of the block.
        count: values in it.
        broadcast: shape of the parameters beside x.
    """

    def _span(self, x: Shape, axis: int, num_axes: int) -> None:
        """Find the block of ``num_axes`` axes from ``axis`` on; -1 means all."""
        start = self.axis(axis, len(x))
        end = len(x) if num_axes == -1 else start + num_axes
        if not start < end <= len(x):
            raise ShapeError(
                f"num_axes must be -1 or lie in [1, {len(x) - start}] for axis {start} of {x}; "
                f"given {num_axes}"
            )
        self.axes = tuple(range(start, end))
        self.count = math.prod(x[start:end])
        self.block = x[start:end]
        self.broadcast = (*self.block, *[1] * (len(x) - end))
        self.others = tuple(i for i in range(len(x)) if i not in self.axes)

    def _fits(self) -> None:
        """Check that the parameters have the shape of the block."""
        if self.params[0].shape != self.block:
            raise ShapeError(
                f"the parameters have shape {self.params[0].shape}; the axes to normalize over "
                f"have {self.block}"
            )

    def _mean(self, x: Array) -> Array:
        """Return the means over the block, shaped to broadcast."""
        return x.sum(axis=self.axes, keepdims=True) / self.count

    def _learn(self, index: int, grad: Array) -> None:
        """Add the gradient of a parameter, summed over the axes that it lacks."""
        param = self.params[index]
        if param.lr_mult != 0:
            param.add_grad(grad.sum(axis=self.others) if self.others else grad)


@register("LayerNorm")
class LayerNorm(_Block):
    """Normalize over a block of axes, the last by default, and scale and shift each place in it.

    z = (x - mean) / √(var + eps),  y = w z + b        w, b: ``num_axes`` axes of x from ``axis`` on
    dx = (g - mean(g) - z mean(g z)) / √(var + eps) with g = w dy,  dw = Σ dy z,  db = Σ dy
    Means and var (biased) are over the block, sums over the other axes.

    Ba et al., "Layer normalization", 2016. w starts at 1, b at 0, or without ``bias_term`` stays.
    """

    reads = ("layer_norm_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.layer_norm_param
        self.eps = config.eps
        self._span(x, config.axis, config.num_axes)
        one = FillerParameter(value=1)
        self.param(self.block, config.filler if config.HasField("filler") else one)
        if config.bias_term:
            self.param(self.block, config.bias_filler)

    def reshape(self, x: Shape) -> Shape:
        config = self.config.layer_norm_param
        self._span(x, config.axis, config.num_axes)
        self._fits()
        return x

    def forward(self, x: Array) -> Array:
        z = x - self._mean(x)
        factor = 1 / self.xp.sqrt(self._mean(z * z) + self.eps)
        z *= factor
        self.saved = z, factor
        w, *b = (p.value.reshape(self.broadcast) for p in self.params)
        return z * w + b[0] if b else z * w

    def backward(self, dy: Array) -> Array | None:
        z, factor = self.saved
        self._learn(0, dy * z)
        if len(self.params) > 1:
            self._learn(1, dy)
        if not self.need[0]:
            return None
        g = dy * self.params[0].value.reshape(self.broadcast)
        dx = g - self._mean(g)
        dx -= z * self._mean(g * z)
        dx *= factor
        return dx


@register("RMSNorm")
class RMSNorm(_Block):
    """Divide by the root mean square over a block of axes, the last by default, and scale.

    z = x / √(mean(x²) + eps),  y = w z        w: ``num_axes`` axes of x from ``axis`` on
    dx = (g - z mean(g z)) / √(mean(x²) + eps) with g = w dy,  dw = Σ dy z
    Means are over the block, the sum over the other axes.

    Zhang and Sennrich, "Root mean square layer normalization", 2019. w starts at 1.
    """

    reads = ("rms_norm_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.rms_norm_param
        self.eps = config.eps
        self._span(x, config.axis, config.num_axes)
        one = FillerParameter(value=1)
        self.param(self.block, config.filler if config.HasField("filler") else one)

    def reshape(self, x: Shape) -> Shape:
        config = self.config.rms_norm_param
        self._span(x, config.axis, config.num_axes)
        self._fits()
        return x

    def forward(self, x: Array) -> Array:
        factor = 1 / self.xp.sqrt(self._mean(x * x) + self.eps)
        z = x * factor
        self.saved = z, factor
        return z * self.params[0].value.reshape(self.broadcast)

    def backward(self, dy: Array) -> Array | None:
        z, factor = self.saved
        self._learn(0, dy * z)
        if not self.need[0]:
            return None
        g = dy * self.params[0].value.reshape(self.broadcast)
        dx = g - z * self._mean(g * z)
        dx *= factor
        return dx


@register("GroupNorm")
class GroupNorm(Layer):
    """Normalize each group of channels of each image, then scale and shift each channel.

    z = (x - mean) / √(var + eps),  y = w z + b        x: (N, C, *S)   w, b: (C,)
    dx = (g - mean(g) - z mean(g z)) / √(var + eps) with g = w dy,  dw = Σ dy z,  db = Σ dy
    Means and var (biased) are over C / ``num_groups`` channels and *S, sums over N and *S.

    Wu and He, "Group normalization", 2018. w starts at 1, b at 0.
    """

    reads = ("group_norm_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.group_norm_param
        self.eps, self.groups = config.eps, config.num_groups
        if len(x) < 2 or self.groups < 1 or x[1] % self.groups:
            raise NetError(f"num_groups must divide the channels of {x}; given {self.groups}")
        self.channels = x[1]
        one = FillerParameter(value=1)
        self.param((x[1],), config.filler if config.HasField("filler") else one)
        self.param((x[1],), config.bias_filler)

    def reshape(self, x: Shape) -> Shape:
        if len(x) < 2 or x[1] != self.channels:
            raise ShapeError(f"the parameters are of {self.channels} channels; given {x}")
        self.rows = (x[0], self.groups, math.prod(x[1:]) // self.groups)
        self.column = (x[1], *[1] * (len(x) - 2))
        return x

    def forward(self, x: Array) -> Array:
        rows = x.reshape(self.rows)
        z = rows - self._mean(rows)
        factor = 1 / self.xp.sqrt(self._mean(z * z) + self.eps)
        z *= factor
        self.saved = z, factor
        w, b = (p.value.reshape(self.column) for p in self.params)
        return self.engine.scale(z.reshape(x.shape), w, b)

    def backward(self, dy: Array) -> Array | None:
        z, factor = self.saved
        w, b = self.params
        if w.lr_mult != 0:
            w.add_grad(self.engine.sum_to_axis(dy * z.reshape(dy.shape), 1))
        if b.lr_mult != 0:
            b.add_grad(self.engine.sum_to_axis(dy, 1))
        if not self.need[0]:
            return None
        g = self.engine.scale(dy, w.value.reshape(self.column), None).reshape(self.rows)
        dx = g - self._mean(g)
        dx -= z * self._mean(g * z)
        dx *= factor
        return dx.reshape(dy.shape)

    def _mean(self, rows: Array) -> Array:
        """Return the mean of each group, shaped to broadcast; 0 of nothing."""
        return rows.sum(axis=-1, keepdims=True) / max(rows.shape[-1], 1)
