"""The fully connected layer."""

import math

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.types import Array, Shape, Shapes


@register("InnerProduct")
class InnerProduct(Layer):
    """Affine map of everything from ``axis`` on.

    y = x Wᵀ + b        x: (M, K)   W: (N, K)   b: (N,)   y: (M, N)
    dx = dy W,  dW = dyᵀ x,  db = sum of dy over M

    ``transpose`` stores W as (K, N). With caffe-windows' ``normalize`` the rows of W are scaled to
    length 1 first: W = V / |V|, dV = (dW - W Σ dW W) / |V| row by row, V the parameter.
    """

    reads = ("inner_product_param",)
    forks = ("inner_product_param.normalize",)

    def setup(self, x: Shape) -> None:
        config = self.config.inner_product_param
        if config.num_output < 1:
            raise NetError("num_output must be at least 1; given 0")
        self.first = self.axis(config.axis, len(x))
        self.inputs = math.prod(x[self.first :])
        self.num_output = config.num_output
        self.transposed, self.normalized = config.transpose, config.normalize
        shape = (self.num_output, self.inputs)
        self.param(shape[::-1] if self.transposed else shape, config.weight_filler)
        if config.bias_term:
            self.param((self.num_output,), config.bias_filler)

    def reshape(self, x: Shape) -> Shape:
        inputs = math.prod(x[self.first :])
        if inputs != self.inputs or len(x) <= self.first:
            raise ShapeError(
                f"the weights take {self.inputs} values from axis {self.first} on; "
                f"given {inputs} in {x}"
            )
        self.x_shape = x
        return (*x[: self.first], self.num_output)

    def forward(self, x: Array, slope: float | None = None) -> Array:
        x = x.reshape(-1, self.inputs)  # (M, K)
        weight = self.params[0]
        b = self.params[1].value if len(self.params) > 1 else None
        y = self.engine.linear(x, self._weight(), b, slope)
        self.saved = x if weight.lr_mult != 0 else None
        return y.reshape(*self.x_shape[: self.first], self.num_output)

    def backward(self, dy: Array) -> Array | None:
        dy = dy.reshape(-1, self.num_output)  # (M, N)
        weight = self.params[0]
        if weight.lr_mult != 0:
            self._learn(dy)
        if len(self.params) > 1 and self.params[1].lr_mult != 0:
            self.params[1].add_grad(self.engine.sum_to_axis(dy, 1))
        if not self.need[0]:
            return None
        return self.engine.linear_grad_x(dy, self._weight()).reshape(self.x_shape)

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return math.prod(tops[0]) * self.inputs

    def _learn(self, dy: Array) -> None:
        """Add the gradient of the weights."""
        weight = self.params[0]
        if not self.normalized:
            pair = (self.saved, dy) if self.transposed else (dy, self.saved)
            weight.add_grad(self.engine.linear_grad_w(*pair))
            return
        w, dw = self._weight(), self.engine.linear_grad_w(dy, self.saved)
        dv = (dw - w * (dw * w).sum(axis=1, keepdims=True)) / self._lengths()
        weight.add_grad(dv.T if self.transposed else dv)

    def _weight(self) -> Array:
        """Return W as (N, K)."""
        w = self.params[0].value
        w = w.T if self.transposed else w
        return w / self._lengths() if self.normalized else w

    def _lengths(self) -> Array:
        """Return the length of each row of V, (N, 1); at least what keeps zeros finite."""
        v = self.params[0].value
        square = self.xp.square(v.T if self.transposed else v).sum(axis=1, keepdims=True)
        return self.xp.sqrt(self.xp.maximum(square, 1e-12))
