"""Spatial pyramid pooling."""

from typing import Any

from netcfg.engines.geometry import Window
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.pooling import out_size
from netcfg.netcfg_pb2 import SPPParameter
from netcfg.types import Array, Shape


@register("SPP")
class SPP(Layer):
    """Pooling into 1, 2 × 2, 4 × 4, … windows, side by side (He et al., 2014).

    Level l has n = 2^l windows along each axis of kernel and stride k = ⌈S / n⌉ and padding
    ⌊(nk - S + 1) / 2⌋; y holds C n² values of each level, one level after the other.

    x: (N, C, H, W)   y: (N, C Σ n²), for a pyramid of one level (N, C, 1, 1)
    dx = sum over the levels of what Pooling passes down
    """

    reads = ("spp_param",)

    def setup(self, x: Shape) -> None:
        config = self.config.spp_param
        if config.pyramid_height < 1:
            raise NetError(f"pyramid_height must be at least 1; given {config.pyramid_height}")
        if config.pool == SPPParameter.STOCHASTIC:
            raise NetError("pool must be MAX or AVE; given STOCHASTIC")
        self.average = config.pool == SPPParameter.AVE

    def reshape(self, x: Shape) -> Shape:
        if len(x) != 4:
            raise ShapeError(f"the bottom must have 4 axes, N, C, H and W; given {x}")
        self.x_shape = x
        self.levels = [_window(x[2:], 2**i) for i in range(self.config.spp_param.pyramid_height)]
        self.outs = [out_size(x[2:], window, up=True) for window in self.levels]
        if len(self.levels) == 1:
            return (*x[:2], *self.outs[0])
        return (x[0], x[1] * sum(h * w for h, w in self.outs))

    def forward(self, x: Array) -> Array:
        parts: list[Array] = []
        self.saved = []
        for window, out in zip(self.levels, self.outs, strict=True):
            if self.average:
                y, mask = self.engine.ave_pool(x, window, out), None
            else:
                y, mask = self.engine.max_pool(x, window, out, with_mask=self.need[0])
            self.saved.append(mask)
            parts.append(y)
        if len(parts) == 1:
            return parts[0]
        # (N, C, h, w) of each level → (N, C h w), joined
        return self.engine.concat([y.reshape(len(y), -1) for y in parts], 1)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        N, C = self.x_shape[:2]
        dy = dy.reshape(N, -1)
        dx: Any = 0
        start = 0
        for window, (h, w), mask in zip(self.levels, self.outs, self.saved, strict=True):
            part = dy[:, start : start + C * h * w].reshape(N, C, h, w)
            start += C * h * w
            if self.average:
                dx = dx + self.engine.ave_pool_grad(part, self.x_shape, window)
            else:
                dx = dx + self.engine.max_pool_grad(part, mask, self.x_shape, window)
        return dx


def _window(size: Shape, bins: int) -> Window:
    """Return the window that cuts each axis into so many parts."""
    if bins > min(size):
        raise ShapeError(f"the last level cuts {size} (H, W) into {bins} parts along each axis")
    kernel = tuple(-(-n // bins) for n in size)
    pad = tuple((k * bins - n + 1) // 2 for k, n in zip(kernel, size, strict=True))
    return Window(kernel, kernel, pad, (1,) * len(size))
