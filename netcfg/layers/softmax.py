"""Probabilities from scores."""

from netcfg.layer import Layer, register
from netcfg.types import Array, Shape


@register("Softmax")
class Softmax(Layer):
    """Positive values that sum to 1 along ``axis``.

    y = exp(x - max x) / Σ exp(x - max x)        x, y: (N, K, ...)
    dx = y (dy - Σ dy y), sums over axis
    """

    reads = ("softmax_param",)

    def reshape(self, x: Shape) -> Shape:
        self.along = self.axis(self.config.softmax_param.axis, len(x))
        return x

    def forward(self, x: Array) -> Array:
        y = self.engine.softmax(x, self.along)
        if self.need[0]:
            self.saved = y
        return y

    def backward(self, dy: Array) -> Array:
        return self.engine.softmax_grad(dy, self.saved, self.along) if self.need[0] else None
