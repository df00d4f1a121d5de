"""Scores of faces with a margin to those of other labels: of angles, or of cosines."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.types import Array, Phase, Shape, Shapes


@register("MarginInnerProduct")
class MarginInnerProduct(Layer):
    """Scores by angle, with the angle θ to the label's weights multiplied by m (A-Softmax).

    y[n, k] = |x| cos θ, but at the label (λ |x| cos θ + |x| ψ) / (1 + λ)
        x: (N, ...)   label: N values   y: (N, ``num_output``)   W = V / |V| row by row
        ψ = (-1)^i cos mθ - 2i where iπ/m ≤ θ ≤ (i + 1)π/m,  m = 1, 2, 3, 4 by ``type``
    With c = cos θ and ψ' = dψ/dc: d(|x| ψ)/dx = (ψ - c ψ') x / |x| + ψ' W,  d(|x| ψ)/dW = ψ' x,
    dV = (dW - W Σ dW W) / |V|

    λ = max(``lambda_min``, ``base`` (1 + ``gamma`` i)^-``power``) with i the passes so far plus
    ``iteration``; a second top is λ. Liu et al., "SphereFace", 2017, whose code leaves out the
    projection of dW.
    """

    bottoms = (2, 2)
    tops = (1, 2)
    constant_bottoms = (1,)
    reads = ("margin_inner_product_param",)

    def setup(self, x: Shape, label: Shape) -> None:
        config = self.config.margin_inner_product_param
        if config.num_output < 1:
            raise NetError("num_output must be at least 1; given 0")
        self.first = self.axis(config.axis, len(x))
        self.inputs, self.m = math.prod(x[self.first :]), config.type + 1
        self.param((config.num_output, self.inputs), config.weight_filler)

    def reshape(self, x: Shape, label: Shape) -> Any:
        if math.prod(x[self.first :]) != self.inputs:
            raise ShapeError(f"the weights take {self.inputs} values; given {x}")
        if math.prod(label) != math.prod(x[: self.first]):
            raise ShapeError(f"label shape {label} must hold one value per item of {x}")
        y = (*x[: self.first], self.params[0].shape[0])
        return (y, (1,)) if self.ntops > 1 else y

    def forward(self, x: Array, label: Array) -> Any:
        xp = self.xp
        rows = x.reshape(-1, self.inputs)
        w = self._weight()
        y = self.engine.linear(rows, w, None)
        at = class_indices(xp, label.reshape(-1, 1), len(w))[0]  # (N, 1)
        length = xp.sqrt(xp.maximum(xp.square(rows).sum(axis=1, keepdims=True), 1e-12))
        cosine = xp.clip(xp.take_along_axis(y, at, axis=1) / length, -1, 1)
        psi, slope = self._margin(cosine)
        plain = self._lambda()
        share = 1 / (1 + plain)
        xp.put_along_axis(y, at, length * (cosine + (psi - cosine) * share), axis=1)
        # what comes to the gradients of a plain inner product at the label
        along = (psi - cosine * slope) * share / length
        self.saved = rows, w, at, along, (slope - 1) * share, x.shape
        y = y.reshape(*x.shape[: self.first], len(w))
        return (y, xp.full((1,), plain, y.dtype)) if self.ntops > 1 else y

    def backward(self, dy: Array, dlambda: Array = None) -> Any:
        if dy is None:
            return None, None
        xp = self.xp
        rows, w, at, along, more, shape = self.saved
        dy = dy.reshape(len(rows), len(w))
        picked = xp.take_along_axis(dy, at, axis=1)  # (N, 1)
        straight = dy.copy()
        xp.put_along_axis(straight, at, picked * (1 + more), axis=1)
        if self.params[0].lr_mult != 0:
            dw = self.engine.linear_grad_w(straight, rows)
            dw -= w * (dw * w).sum(axis=1, keepdims=True)
            self.params[0].add_grad(dw / self._lengths())
        if not self.need[0]:
            return None, None
        dx = self.engine.linear_grad_x(straight, w) + picked * along * rows
        return dx.reshape(shape), None

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return math.prod(tops[0]) * self.inputs

    def _margin(self, c: Array) -> tuple[Array, Array]:
        """Return ψ and its slope along c = cos θ; cos mθ is a polynomial in c."""
        if self.m == 1:
            return c, self.xp.ones_like(c)
        turns = self.xp.zeros_like(c)  # i: how many of the bounds cos(kπ/m) θ has passed
        for k in range(1, self.m):
            turns += c < math.cos(k * math.pi / self.m)
        sign = 1 - 2 * (turns % 2)
        cosine, slope = {
            2: (2 * c * c - 1, 4 * c),
            3: (4 * c**3 - 3 * c, 12 * c * c - 3),
            4: (8 * c**4 - 8 * c * c + 1, 32 * c**3 - 16 * c),
        }[self.m]
        return sign * cosine - 2 * turns, sign * slope

    def _lambda(self) -> float:
        """Return the weight of the plain score at this pass."""
        config = self.config.margin_inner_product_param
        passes = self.step + config.iteration
        return max(config.lambda_min, config.base * (1 + config.gamma * passes) ** -config.power)

    def _weight(self) -> Array:
        return self.params[0].value / self._lengths()

    def _lengths(self) -> Array:
        """Return |V| of each row, (K, 1); at least what keeps zeros finite."""
        square = self.xp.square(self.params[0].value).sum(axis=1, keepdims=True)
        return self.xp.sqrt(self.xp.maximum(square, 1e-12))


@register("LabelSpecificAdd")
class LabelSpecificAdd(Layer):
    """A number added to the score of the label in TRAIN: a negative one is a margin of cosines.

    y[n, k] = x[n, k] + b where k is the label and x[n, k] > -b, else x[n, k];  dx = dy
        x, y: (N, K)   label: N values

    b is ``bias``, or where ``bias_base`` is given bias_base + (1 + ``bias_gamma`` i)^``bias_power``
    - 1, kept within ``bias_min`` and ``bias_max``, with i the passes so far plus ``iteration``.
    From caffe-windows, where ``transform_test`` has no effect either; Wang et al., "Additive margin
    softmax for face verification", 2018.
    """

    bottoms = (2, 2)
    constant_bottoms = (1,)
    reads = ("label_specific_add_param",)

    def reshape(self, x: Shape, label: Shape) -> Shape:
        if len(x) < 2 or math.prod(label) != x[0]:
            raise ShapeError(f"label shape {label} must hold one value per item of {x}")
        return x

    def forward(self, x: Array, label: Array) -> Array:
        if self.phase == Phase.TEST:
            return x
        xp, rows, bias = self.xp, x.reshape(len(x), -1), self._bias()
        at = class_indices(xp, label.reshape(-1, 1), rows.shape[1])[0]  # (N, 1)
        own = xp.take_along_axis(rows, at, axis=1)
        y = rows.copy()
        xp.put_along_axis(y, at, xp.where(own > -bias, own + bias, own).astype(x.dtype), axis=1)
        return y.reshape(x.shape)

    def backward(self, dy: Array) -> Any:
        return (dy if self.need[0] else None), None

    def _bias(self) -> float:
        """Return what this pass adds."""
        config = self.config.label_specific_add_param
        if not config.HasField("bias_base"):
            return config.bias
        passes = self.step + config.iteration
        bias = config.bias_base + (1 + config.bias_gamma * passes) ** config.bias_power - 1
        return min(max(bias, config.bias_min), config.bias_max)
