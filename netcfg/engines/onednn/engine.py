"""The engine of x86-64 CPUs: oneDNN where it is faster, NumPy for the rest."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from netcfg.engines.base import Conv, Engine, Window
from netcfg.engines.onednn import conv as convs
from netcfg.engines.onednn import elementwise, linear, norm, pool
from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Algorithm
from netcfg.engines.onednn.memory import is_last
from netcfg.engines.onednn.operation import Slot
from netcfg.engines.onednn.runner import Frozen, Runner
from netcfg.trace import Trace
from netcfg.types import Array, Shape


class OneDNN(Engine):
    """float32 through oneDNN, with arrays channels-last; other dtypes through NumPy."""

    name: ClassVar[str] = "onednn"

    def __init__(self, dtype: Any = np.float32) -> None:
        self._runner = Runner()
        self._library = self._runner.library
        super().__init__(dtype)

    @property
    def trace(self) -> Trace | None:
        """Where every primitive and reorder records when it ran."""
        return self._runner.trace

    @trace.setter
    def trace(self, trace: Trace | None) -> None:
        self._runner.trace = trace

    @property
    def allocated(self) -> int:  # type: ignore[override]
        """How many blocks of memory were taken from the system for results."""
        return self._runner.pool.allocated

    def freeze(self, weights: Array) -> Any:
        return Frozen(np.ascontiguousarray(weights)) if self.dtype == np.float32 else weights

    # Inner product -----------------------------------------------------------------------------

    def linear(self, x: Array, w: Array, b: Array | None, slope: float | None = None) -> Array:
        y = self._product(x, w.T, b, slope)
        return super().linear(x, w, b, slope) if y is None else y

    def linear_grad_x(self, dy: Array, w: Array) -> Array:
        dx = self._product(dy, w)
        return super().linear_grad_x(dy, w) if dx is None else dx

    def linear_grad_w(self, dy: Array, x: Array) -> Array:
        dw = self._product(dy.T, x)
        return super().linear_grad_w(dy, x) if dw is None else dw

    def _product(
        self, a: Array, b: Array, bias: Array | None = None, slope: float | None = None
    ) -> Array | None:
        if not _native(a, b) or len(a) == 1:  # a row is faster in NumPy
            return None
        a, b = _matrix(a), _matrix(b)
        steps = _steps(a), _steps(b)
        key = ("product", a.shape, b.shape, steps, bias is not None, slope)
        operation = self._runner.find(
            key,
            lambda: linear.product(
                self._library,
                a.shape,
                b.shape,
                steps,
                bias is not None,
                Attributes(self._library, relu=slope),
            ),
            a.size * b.shape[1] >> 6,
        )
        if operation is None:
            return None
        given = (a, b) if bias is None else (a, b, bias.reshape(1, -1))
        return self._runner.run(operation, *given)

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
        if _native(x, w) and 3 <= x.ndim <= 5:
            y = None if add is None else add.shape
            operation = self._runner.find(
                ("conv", x.shape, w.shape, conv, b is not None, add is not None, slope),
                lambda: convs.forward(
                    self._library,
                    x.shape,
                    w.shape,
                    conv,
                    b is not None,
                    Attributes(self._library, add=y, relu=slope),
                ),
            )
        if operation is None:
            return super().conv(x, w, b, conv, add, slope)
        return self._runner.run(operation, *(a for a in (x, w, b, add) if a is not None))

    def conv_grad_x(self, dy: Array, w: Array, x_shape: Shape, conv: Conv) -> Array:
        operation = None
        if _native(dy, w) and 3 <= dy.ndim <= 5:
            operation = self._runner.find(
                ("conv_grad_x", x_shape, w.shape, conv),
                lambda: convs.backward_x(self._library, x_shape, w.shape, conv),
            )
        if operation is None:
            return super().conv_grad_x(dy, w, x_shape, conv)
        return self._runner.run(operation, dy, w)

    def conv_grad_w(
        self, dy: Array, x: Array, w_shape: Shape, conv: Conv, bias: bool
    ) -> tuple[Array, Array | None]:
        operation = None
        if _native(dy, x) and 3 <= dy.ndim <= 5:
            operation = self._runner.find(
                ("conv_grad_w", x.shape, w_shape, conv, bias),
                lambda: convs.backward_w(self._library, x.shape, w_shape, conv, bias),
            )
        if operation is None:
            return super().conv_grad_w(dy, x, w_shape, conv, bias)
        if bias:
            dw, db = self._runner.run(operation, x, dy)
            return dw.reshape(w_shape), db
        return self._runner.run(operation, x, dy).reshape(w_shape), None

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
        if self.dtype != np.float32 or not all(x) or not 3 <= len(x) <= 5:
            return None
        key = ("max_pool" if maximum else "ave_pool", make.__name__, x, y, window)
        return self._runner.find(
            key, lambda: make(self._library, x, y, window, maximum), math.prod(x)
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
        if not _native(x) or x.ndim != 4:
            return None
        key = (make.__name__, x.shape, size, alpha, beta, k)
        return self._runner.find(key, lambda: make(self._library, x.shape, size, alpha, beta, k))

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
        if not _native(x) or not 2 <= x.ndim <= 5:
            return None
        key = (make.__name__, x.shape, eps, flags)
        return self._runner.find(key, lambda: make(self._library, x.shape, eps, flags), x.size)

    def softmax(self, x: Array, axis: int) -> Array:
        if not _native(x):
            return super().softmax(x, axis)
        x, last = self._laid(x)
        operation = self._runner.find(
            ("softmax", x.shape, axis, last),
            lambda: norm.softmax(self._library, x.shape, axis % x.ndim, last),
            x.size,
        )
        return super().softmax(x, axis) if operation is None else self._runner.run(operation, x)

    # Element-wise ------------------------------------------------------------------------------

    def relu(self, x: Array, slope: float) -> Array:
        y = self._map(elementwise.forward, Algorithm.RELU, slope, x)
        return super().relu(x, slope) if y is None else y

    def relu_grad(self, dy: Array, x: Array, slope: float) -> Array:
        dx = self._map(elementwise.backward, Algorithm.RELU, slope, dy, x)
        return super().relu_grad(dy, x, slope) if dx is None else dx

    def sigmoid(self, x: Array) -> Array:
        y = self._map(elementwise.forward, Algorithm.LOGISTIC, 0, x)
        return super().sigmoid(x) if y is None else y

    def tanh(self, x: Array) -> Array:
        y = self._map(elementwise.forward, Algorithm.TANH, 0, x)
        return super().tanh(x) if y is None else y

    def _map(self, make: Any, algorithm: int, alpha: float, *xs: Array) -> Any:
        if not _native(*xs) or not 1 <= xs[0].ndim <= 5:
            return None
        xs, last = self._alike(*xs)
        shape = xs[0].shape
        operation = self._runner.find(
            (Algorithm(algorithm).name.lower(), make.__name__, shape, last, alpha),
            lambda: make(self._library, shape, last, algorithm, alpha),
            xs[0].size,
        )
        return None if operation is None else self._runner.run(operation, *xs)

    def weighted_sum(
        self, xs: Sequence[Array], coeffs: Sequence[float], slope: float | None = None
    ) -> Array:
        if not _native(*xs) or not 1 <= xs[0].ndim <= 5:
            return super().weighted_sum(xs, coeffs, slope)
        xs, last = self._alike(*xs)
        shape = xs[0].shape
        plain = len(xs) == 2 and all(c == 1 for c in coeffs)
        if slope is not None and not plain:
            return self.relu(self.weighted_sum(xs, coeffs), slope)
        operation = self._runner.find(
            ("sum", shape, last, tuple(coeffs), slope),
            lambda: (
                elementwise.weighted_sum(self._library, shape, last, coeffs)
                if slope is None
                else elementwise.add(self._library, shape, last, slope)
            ),
        )
        if operation is None:
            return super().weighted_sum(xs, coeffs, slope)
        return self._runner.run(operation, *xs)

    def concat(self, xs: Sequence[Array], axis: int) -> Array:
        if not _native(*xs) or not 2 <= xs[0].ndim <= 5 or len(xs) == 1:
            return super().concat(xs, axis)
        xs, last = self._alike(*xs)
        shapes = tuple(x.shape for x in xs)
        operation = self._runner.find(
            ("concat", shapes, axis, last),
            lambda: elementwise.concat(self._library, shapes, axis % len(shapes[0]), last),
            xs[0].size,
        )
        return super().concat(xs, axis) if operation is None else self._runner.run(operation, *xs)

    # Layouts -----------------------------------------------------------------------------------

    def _alike(self, *xs: Array) -> tuple[tuple[Array, ...], bool]:
        """Return arrays in one dense layout, and whether it is channels-last."""
        if all(is_last(x) for x in xs):
            return xs, True
        if all(x.flags.c_contiguous for x in xs):
            return xs, False
        return tuple(
            x if is_last(x) else self._runner.reorder(x, Slot(0, x.shape)) for x in xs
        ), True

    def _laid(self, x: Array) -> tuple[Array, bool]:
        (x,), last = self._alike(x)
        return x, last


_FLOAT = np.dtype(np.float32)


def _native(*arrays: Array) -> bool:
    """Return whether oneDNN may have a look: single precision, and not empty."""
    for a in arrays:  # noqa: SIM110 - all() of a generator takes twice as long
        if a.dtype != _FLOAT or a.size == 0:
            return False
    return True


def _matrix(x: Array) -> Array:
    """Return a matrix with neighbours along one axis."""
    item = x.itemsize
    steps = x.strides
    good = item in steps and min(steps) > 0 and max(steps) >= item * x.shape[steps.index(item)]
    return x if good else np.ascontiguousarray(x)


def _steps(x: Array) -> Shape:
    return tuple(n // x.itemsize for n in x.strides)
