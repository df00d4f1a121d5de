"""The engine of x86-64 CPUs: oneDNN where it is faster, NumPy for the rest."""

import math
from typing import Any, ClassVar

import numpy as np

from netcfg.engines.base import Conv, Window
from netcfg.engines.onednn import conv as convs
from netcfg.engines.onednn import functions, linear, lstm, norm, pool
from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.pointwise import FLOAT, Pointwise
from netcfg.types import Array, Arrays, Shape

MOST_AXES = 5
"""Axes of the stacks of matrices that oneDNN multiplies fast."""


class OneDNN(Pointwise):
    """float32 through oneDNN, with arrays channels-last; other dtypes through NumPy.

    With ``storage`` bfloat16 blobs and their gradients are 16-bit floats between the layers that
    oneDNN runs; parameters, their gradients, logits and losses stay float32.
    """

    name: ClassVar[str] = "onednn"

    # Products ----------------------------------------------------------------------------------

    def linear(self, x: Array, w: Array, b: Array | None, slope: float | None = None) -> Array:
        y = self._product(x, w.T, b, slope)
        return super().linear(x, w, b, slope) if y is None else y

    def linear_grad_x(self, dy: Array, w: Array) -> Array:
        dx = self._product(dy, w, result=self._store)
        return super().linear_grad_x(dy, w) if dx is None else dx

    def linear_grad_w(self, dy: Array, x: Array) -> Array:
        dw = self._product(dy.T, x)
        return super().linear_grad_w(dy, x) if dw is None else dw

    def matmul(self, a: Array, b: Array) -> Array:
        alike = 2 <= a.ndim <= MOST_AXES and a.shape[:-2] == b.shape[:-2]
        y = self._product(a, b) if alike else None
        return super().matmul(a, b) if y is None else y

    def _product(
        self,
        a: Array,
        b: Array,
        bias: Array | None = None,
        slope: float | None = None,
        result: Any = FLOAT,
    ) -> Array | None:
        """Return relu(a b + bias) of matrices or stacks of them; None where NumPy shall do it."""
        if not self._native(a, b) or a.shape[-2] == 1:  # a row is faster in NumPy
            return None
        a, b = self._matrix(a), self._matrix(b)
        steps = _steps(a), _steps(b)
        key = ("product", a.shape, b.shape, steps, bias is not None, slope, result)
        operation = self._runner.find(
            key,
            lambda: linear.product(
                self._library,
                (self._store, result),
                a.shape,
                b.shape,
                steps,
                bias is not None,
                Attributes(self._library, relu=slope),
            ),
            a.size * b.shape[-1] >> 6,
        )
        if operation is None:
            return None
        given = (a, b) if bias is None else (a, b, bias.reshape(1, -1))
        return self._runner.run(operation, *given)

    def lstm(self, x: Array, cont: Array, first: Arrays, weights: Arrays) -> Any:
        if not self._native(x, *weights) or self._store != FLOAT or not lstm.suits(cont):
            return None
        return lstm.Whole(self._runner, x, cont, first, weights)

    def form(self, layer: Any) -> Any:
        return functions.form_of(self, layer)

    # Convolution -------------------------------------------------------------------------------

    def conv(
        self,
        x: Array,
        w: Array,
        b: Array | None,
        conv: Conv,
        add: Array | None = None,
        slope: float | None = None,
    ) -> Array:
        operation = None
        if self._native(x, w) and 3 <= x.ndim <= 5:
            y = None if add is None else add.shape
            operation = self._runner.find(
                ("conv", x.shape, w.shape, conv, b is not None, add is not None, slope),
                lambda: convs.forward(
                    self._library,
                    self._store,
                    x.shape,
                    w.shape,
                    conv,
                    b is not None,
                    Attributes(self._library, self._store, add=y, relu=slope),
                ),
            )
        if operation is None:
            return super().conv(x, w, b, conv, add, slope)
        return self._runner.run(operation, *(a for a in (x, w, b, add) if a is not None))

    def conv_grad_x(self, dy: Array, w: Array, x_shape: Shape, conv: Conv) -> Array:
        operation = None
        if self._native(dy, w) and 3 <= dy.ndim <= 5:
            operation = self._runner.find(
                ("conv_grad_x", x_shape, w.shape, conv),
                lambda: convs.backward_x(self._library, self._store, x_shape, w.shape, conv),
            )
        if operation is None:
            return super().conv_grad_x(dy, w, x_shape, conv)
        return self._runner.run(operation, dy, w)

    def conv_grad_w(
        self, dy: Array, x: Array, w_shape: Shape, conv: Conv, bias: bool
    ) -> tuple[Array, Array | None]:
        operation = None
        # oneDNN's own sum is slow where there are few channels; of 16-bit floats it keeps more.
        inside = bias and self._store != FLOAT
        if self._native(dy, x) and 3 <= dy.ndim <= 5:
            operation = self._runner.find(
                ("conv_grad_w", x.shape, w_shape, conv, inside),
                lambda: convs.backward_w(
                    self._library, self._store, x.shape, w_shape, conv, inside
                ),
            )
        if operation is None:
            return super().conv_grad_w(dy, x, w_shape, conv, bias)
        if inside:
            dw, db = self._runner.run(operation, x, dy)
            return dw.reshape(w_shape), db
        dw = self._runner.run(operation, x, dy).reshape(w_shape)
        return dw, self.sum_to_axis(dy, 1) if bias else None

    # Pooling -----------------------------------------------------------------------------------

    def max_pool(
        self, x: Array, window: Window, out: Shape, with_mask: bool = True
    ) -> tuple[Array, Array | None]:
        y_shape = (*x.shape[:2], *out)
        operation = self._pool(x.shape, y_shape, window, True, pool.forward)
        if operation is None:
            return super().max_pool(x, window, out, with_mask)
        y, mask = self._runner.run(operation, x)
        return y, mask

    def max_pool_places(self, mask: Array, x_shape: Shape, window: Window) -> Array:
        if self._pool(x_shape, mask.shape, window, True, pool.forward) is None:
            return super().max_pool_places(mask, x_shape, window)
        return pool.places(mask, x_shape, window)

    def max_pool_grad(self, dy: Array, mask: Array, x_shape: Shape, window: Window) -> Array:
        operation = self._pool(x_shape, dy.shape, window, True, pool.backward)
        if operation is None:
            return super().max_pool_grad(dy, mask, x_shape, window)
        return self._runner.run(operation, dy, mask)

    def ave_pool(self, x: Array, window: Window, out: Shape) -> Array:
        y_shape = (*x.shape[:2], *out)
        operation = self._pool(x.shape, y_shape, window, False, pool.forward)
        if operation is None:
            return super().ave_pool(x, window, out)
        return self._runner.run(operation, x)

    def ave_pool_grad(self, dy: Array, x_shape: Shape, window: Window) -> Array:
        operation = self._pool(x_shape, dy.shape, window, False, pool.backward)
        if operation is None:
            return super().ave_pool_grad(dy, x_shape, window)
        return self._runner.run(operation, dy)

    def _pool(self, x: Shape, y: Shape, window: Window, maximum: bool, make: Any) -> Any:
        if self.dtype != FLOAT or not all(x) or not 3 <= len(x) <= 5:
            return None
        key = ("max_pool" if maximum else "ave_pool", make.__name__, x, y, window)
        return self._runner.find(
            key, lambda: make(self._library, self._store, x, y, window, maximum), math.prod(x)
        )

    # Normalization -----------------------------------------------------------------------------

    def lrn(self, x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        operation = self._lrn(x, size, alpha, beta, k, norm.lrn)
        if operation is None:
            return super().lrn(x, size, alpha, beta, k)
        y, kept = self._runner.run(operation, x)
        return y, kept

    def lrn_grad(
        self,
        dy: Array,
        x: Array,
        y: Array,
        scale: Array,
        size: int,
        alpha: float,
        beta: float,
        k: float,
    ) -> Array:
        operation = self._lrn(x, size, alpha, beta, k, norm.lrn_grad)
        if operation is None:
            return super().lrn_grad(dy, x, y, scale, size, alpha, beta, k)
        return self._runner.run(operation, dy, x, scale)

    def _lrn(self, x: Array, size: int, alpha: float, beta: float, k: float, make: Any) -> Any:
        if not self._native(x) or x.ndim != 4:
            return None
        key = (make.__name__, x.shape, size, alpha, beta, k)
        return self._runner.find(
            key, lambda: make(self._library, self._store, x.shape, size, alpha, beta, k)
        )

    def batch_norm(self, x: Array, eps: float) -> tuple[Array, Array, Array]:
        operation = self._batch_norm(x, eps, 0, norm.batch_norm)
        if operation is None:
            return super().batch_norm(x, eps)
        y, mean, var = self._runner.run(operation, x)
        return y, mean, var

    def batch_norm_grad(self, dy: Array, y: Array, var: Array, eps: float) -> Array:
        operation = self._batch_norm(y, 0.0, 0, norm.batch_norm_grad)
        if operation is None:
            return super().batch_norm_grad(dy, y, var, eps)
        # y itself is normalized: mean 0 and variance 1, and the division is a scale.
        scale = 1 / np.sqrt(var + np.float32(eps))
        dx, _, _ = self._runner.run(operation, dy, y, np.zeros_like(var), np.ones_like(var), scale)
        return dx

    def norm_scale(
        self, x: Array, w: Array, b: Array, eps: float, relu: bool
    ) -> tuple[Array, Array, Array, Any]:
        flags = norm.SCALE | norm.SHIFT | (norm.RELU if relu else 0)
        operation = self._batch_norm(x, eps, flags, norm.batch_norm)
        if operation is None:
            return super().norm_scale(x, w, b, eps, relu)
        y, mean, var, *mask = self._runner.run(operation, x, w, b)
        return y, mean, var, (x, mean, var, *mask)

    def norm_scale_grad(
        self, dy: Array, w: Array, eps: float, kept: Any
    ) -> tuple[Array, Array, Array]:
        operation = self._batch_norm(dy, eps, norm.RELU * (len(kept) > 3), norm.batch_norm_grad)
        if operation is None:
            return super().norm_scale_grad(dy, w, eps, kept)
        x, mean, var, *mask = kept
        dx, dw, db = self._runner.run(operation, dy, x, mean, var, w, *mask)
        return dx, dw, db

    def normalize(self, x: Array, mean: Array, var: Array, eps: float) -> Array:
        operation = self._batch_norm(x, eps, norm.GIVEN, norm.batch_norm)
        if operation is None:
            return super().normalize(x, mean, var, eps)
        return self._runner.run(operation, x, mean, var)

    def _batch_norm(self, x: Array, eps: float, flags: int, make: Any) -> Any:
        if not self._native(x) or not 2 <= x.ndim <= 5:
            return None
        key = (make.__name__, x.shape, eps, flags)
        return self._runner.find(
            key, lambda: make(self._library, self._store, x.shape, eps, flags), x.size
        )


def _steps(x: Array) -> Shape:
    return tuple(n // x.itemsize for n in x.strides)
