"""Normalization of each item by itself: over features, over groups of channels, by magnitude."""

import math

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.types import Array, Shape


class _Block(Layer):
    """What LayerNorm and RMSNorm share: a block of axes, and parameters with one value per place.

    Attributes:
        count: values in the block.
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
        self.block, self.count = x[start:end], math.prod(x[start:end])
        others = [i for i in range(len(x)) if not start <= i < end]
        self.order = (*others, *range(start, end))
        self.turned = tuple(x[i] for i in self.order)
        self.back = tuple(self.order.index(i) for i in range(len(x)))

    def _fits(self) -> None:
        """Check that the parameters have the shape of the block."""
        if self.params[0].shape != self.block:
            raise ShapeError(
                f"the parameters have shape {self.params[0].shape}; the axes to normalize over "
                f"have {self.block}"
            )

    def _rows(self, x: Array) -> Array:
        """Return the blocks as rows; no copy of channels-last memory where they are channels."""
        rows = math.prod(self.turned) // max(self.count, 1)
        return x.transpose(self.order).reshape(rows, self.count)

    def _unrolled(self, rows: Array) -> Array:
        """Undo ``_rows``."""
        return rows.reshape(self.turned).transpose(self.back)

    def _values(self, index: int) -> Array:
        """Return a parameter as a row."""
        return self.params[index].value.reshape(-1)

    def _learn(self, *grads: Array) -> None:
        """Add the gradients of the parameters, given as rows."""
        for param, grad in zip(self.params, grads, strict=False):
            if param.lr_mult != 0:
                param.add_grad(grad.reshape(self.block))


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
        b = self._values(1) if len(self.params) > 1 else None
        y, self.saved = self.engine.layer_norm(self._rows(x), self._values(0), b, self.eps)
        return self._unrolled(y)

    def backward(self, dy: Array) -> Array | None:
        dx, dw, db = self.engine.layer_norm_grad(self._rows(dy), self._values(0), self.saved)
        self._learn(dw, db)
        return self._unrolled(dx) if self.need[0] else None


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
        y, self.saved = self.engine.rms_norm(self._rows(x), self._values(0), self.eps)
        return self._unrolled(y)

    def backward(self, dy: Array) -> Array | None:
        dx, dw = self.engine.rms_norm_grad(self._rows(dy), self._values(0), self.saved)
        self._learn(dw)
        return self._unrolled(dx) if self.need[0] else None


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
