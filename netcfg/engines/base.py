"""The NumPy engine: every primitive, complete, and the definition the other engines are held to.

Shapes are N, C and then the spatial axes, whatever the memory layout: results may be views of
channels-last memory. Gradient primitives are named ``<primitive>_grad[_<of what>]``; ``dy`` is
∂loss/∂y. No primitive writes to its arguments, and a result has the dtype of the first argument.

In shapes, N is the batch, C and O are channels, *S, *K and *T the spatial axes of input, kernel and
output, of any number, none included. In formulas s, p, d and g are stride, pad, dilation and group.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from netcfg.engines import (
    malloc,
    numpy_conv,
    numpy_linear,
    numpy_norm,
    numpy_pointwise,
    numpy_pool,
    openblas,
    threads,
)
from netcfg.engines.geometry import Conv, Window
from netcfg.engines.tokens import Tokens
from netcfg.errors import NetError
from netcfg.trace import Trace
from netcfg.types import Array, Arrays, Shape

__all__ = ["Conv", "Engine", "Window"]


class Engine(Tokens):
    """NumPy arrays and primitives; subclasses override primitives and add none.

    Attributes:
        name: as ``--engine`` gives it.
        xp: the array module, NumPy or CuPy.
        dtype: of blobs and parameters; ``storage`` of blobs between layers if dtype is float32.
        trace: where primitives that are worth it record when they ran.
        allocated: blocks of memory taken from the system for results, where an engine counts them.
    """

    name: ClassVar[str] = "numpy"
    xp: Any = np
    trace: Trace | None = None
    allocated: int = 0
    state: Any = None

    def __init__(self, dtype: Any = np.float32, storage: str = "float32") -> None:
        self.dtype = np.dtype(dtype)
        if storage != "float32":
            raise NetError(f"engine {self.name} stores float32 only; given '{storage}'")
        threads.count()  # raises here, not within a layer, what is wrong with NETCFG_THREADS
        malloc.keep_freed_memory()
        openblas.use_one_thread()

    # Arrays ------------------------------------------------------------------------------------

    def asarray(self, array: Any) -> Array:
        """Return an array of the engine's module and dtype; the memory may be that of ``array``."""
        return self.xp.asarray(array, dtype=self.dtype)

    def to_numpy(self, array: Array) -> np.ndarray:
        """Return a NumPy array with the same values; the memory may be that of ``array``."""
        return np.asarray(array)

    def freeze(self, weights: Array) -> Array:
        """Return weights that will not change, for ``conv``, in a form that is quick to use."""
        return weights

    def zeros(self, shape: Shape) -> Array:
        """Return zeros of the engine's dtype."""
        return self.xp.zeros(shape, dtype=self.dtype)

    # Inner product -----------------------------------------------------------------------------

    def linear(self, x: Array, w: Array, b: Array | None, slope: float | None = None) -> Array:
        """Map each row affinely, and bend the result unless ``slope`` is None.

        y = relu(x wᵀ + b)        x (M, K), w (N, K), b (N) or None → y (M, N)
        """
        y = numpy_linear.product(self.xp, x, w.T)
        if b is not None:
            y += b
        return self._bend(y, slope)

    def linear_grad_x(self, dy: Array, w: Array) -> Array:
        """Return dx = dy w.

        dy (M, N), w (N, K) → dx (M, K)
        """
        return numpy_linear.product(self.xp, dy, w)

    def linear_grad_w(self, dy: Array, x: Array) -> Array:
        """Return dw = dyᵀ x.

        dy (M, N), x (M, K) → dw (N, K)
        """
        return numpy_linear.product(self.xp, dy.T, x)

    def matmul(self, a: Array, b: Array) -> Array:
        """Multiply matrices; a b of two axes serves all matrices of a.

        y[..., m, n] = Σ_k a[..., m, k] b[..., k, n]
        """
        return self.xp.matmul(a, b)

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
        """Correlate every group of channels with its kernels, zeros around the image.

        y[n, o, t] = relu(add[n, o, t] + b[o] + Σ_{c, k} x[n, c + g(o), s t + d k - p] w[o, c, k])

        where g(o) is the first channel of o's group; there is no ReLU where ``slope`` is None.
        x (N, C, *S), w (O, C/group, *K), b (O) or None → y and add (N, O, *T),
        T = (S + 2p - d (K - 1) - 1) // s + 1
        """
        y = numpy_conv.conv(self.xp, x, w, b, conv)
        return self._bend(y if add is None else y + add, slope)

    def conv_grad_x(self, dy: Array, w: Array, x_shape: Shape, conv: Conv) -> Array:
        """Return dx of ``conv``, which is also the forward pass of a deconvolution.

        dx[n, c + g(o), s t + d k - p] += dy[n, o, t] w[o, c, k]

        dy (N, O, *T), w (O, C/group, *K), x_shape (N, C, *S) → dx (N, C, *S)
        """
        return numpy_conv.conv_grad_x(self.xp, dy, w, x_shape, conv)

    def conv_grad_w(
        self, dy: Array, x: Array, w_shape: Shape, conv: Conv, bias: bool
    ) -> tuple[Array, Array | None]:
        """Return dw of ``conv`` and, with ``bias``, db.

        dw[o, c, k] = Σ_{n, t} dy[n, o, t] x[n, c + g(o), s t + d k - p]
        db[o] = Σ_{n, t} dy[n, o, t]

        dy (N, O, *T), x (N, C, *S), w_shape (O, C/group, *K) → dw (O, C/group, *K), db (O)
        """
        dw = numpy_conv.conv_grad_w(self.xp, dy, x, w_shape, conv)
        return dw, self.sum_to_axis(dy, 1) if bias else None

    def im2col(self, x: Array, window: Window) -> Array:
        """Lay the values under each window along the channels, in the order (C, *K).

        y[n, (c, k), t] = x[n, c, s t + d k - p]

        x (N, C, *S) → y (N, C × prod(K), *T), T as in ``conv``
        """
        return numpy_conv.im2col(self.xp, x, window)

    def im2col_grad(self, dy: Array, x_shape: Shape, window: Window) -> Array:
        """Return dx of ``im2col``: every entry is added to where it came from.

        dx[n, c, s t + d k - p] += dy[n, (c, k), t]

        dy (N, C × prod(K), *T), x_shape (N, C, *S) → dx (N, C, *S)
        """
        return numpy_conv.im2col_grad(self.xp, dy, x_shape, window)

    def sum_to_axis(self, x: Array, axis: int) -> Array:
        """Sum over all axes but one.

        x (..., C, ...) with C at ``axis`` → (C)
        """
        return numpy_norm.sum_to_axis(x, axis)

    # Pooling -----------------------------------------------------------------------------------

    def max_pool(
        self, x: Array, window: Window, out: Shape, with_mask: bool = True
    ) -> tuple[Array, Array | None]:
        """Return the greatest value under each window, and where it is.

        y[n, c, t] = max_k x[n, c, s t + d k - p] over the k that fall inside the image

        x (N, C, *S), out = *T → y (N, C, *T), mask (N, C, *T): where the first greatest value is,
        for ``max_pool_grad`` and ``max_pool_places``; None unless ``with_mask``. Windows may hang
        over the edges (how ``out`` is rounded is the caller's business), but each must touch the
        image.
        """
        return numpy_pool.max_pool(self.xp, x, window, out, with_mask)

    def max_pool_places(self, mask: Array, x_shape: Shape, window: Window) -> Array:
        """Return the index of each maximum in the flattened plane *S.

        mask (N, C, *T) of ``max_pool``, x_shape (N, C, *S) → (N, C, *T), integers
        """
        return mask

    def max_pool_grad(self, dy: Array, mask: Array, x_shape: Shape, window: Window) -> Array:
        """Return dx of ``max_pool``.

        dx[n, c, place[n, c, t]] += dy[n, c, t]

        dy (N, C, *T), mask (N, C, *T), x_shape (N, C, *S) → dx (N, C, *S)
        """
        return numpy_pool.max_pool_grad(self.xp, dy, mask, x_shape, window)

    def ave_pool(self, x: Array, window: Window, out: Shape) -> Array:
        """Return the mean under each window, zeros around the image.

        y[n, c, t] = Σ_k x[n, c, s t + k - p] / area[t]
        area[t] = Π over axes of min(s t - p + K, S + p) - (s t - p)

        As in Caffe, the padding counts, what hangs over its right edge does not.
        x (N, C, *S), out = *T → y (N, C, *T)
        """
        return numpy_pool.ave_pool(self.xp, x, window, out)

    def ave_pool_grad(self, dy: Array, x_shape: Shape, window: Window) -> Array:
        """Return dx of ``ave_pool``.

        dx[n, c, s t + k - p] += dy[n, c, t] / area[t]

        dy (N, C, *T), x_shape (N, C, *S) → dx (N, C, *S)
        """
        return numpy_pool.ave_pool_grad(self.xp, dy, x_shape, window)

    # Normalization -----------------------------------------------------------------------------

    def lrn(self, x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        """Divide by the energy of the ``size`` (odd) channels around.

        scale = k + alpha/size Σ x²,  y = x scale^-beta        x, y, scale (N, C, *S)

        Returns y and what ``lrn_grad`` wants to see again: here the scale.
        """
        return numpy_norm.lrn(self.xp, x, size, alpha, beta, k)

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
        """Return dx of ``lrn``, which returned y and ``scale``.

        dx = dy scale^-beta - 2 alpha beta/size x Σ (dy y / scale)        all (N, C, *S)
        """
        return numpy_norm.lrn_grad(self.xp, dy, x, y, scale, size, alpha, beta)

    def batch_norm(self, x: Array, eps: float) -> tuple[Array, Array, Array]:
        """Normalize each channel by its own statistics over the batch.

        y = (x - mean) / √(var + eps), var = mean of (x - mean)² (biased)

        x (N, C, *S) → y (N, C, *S), mean (C), var (C)
        """
        return numpy_norm.batch_norm(self.xp, x, eps)

    def batch_norm_grad(self, dy: Array, y: Array, var: Array, eps: float) -> Array:
        """Return dx of ``batch_norm``.

        dx = (dy - mean(dy) - y mean(dy y)) / √(var + eps), means over all axes but 1

        dy (N, C, *S), y (N, C, *S), var (C) → dx (N, C, *S)
        """
        return numpy_norm.batch_norm_grad(self.xp, dy, y, var, eps)

    def norm_scale(
        self, x: Array, w: Array, b: Array, eps: float, relu: bool
    ) -> tuple[Array, Array, Array, Any]:
        """Normalize as ``batch_norm``, scale and shift each channel, with ``relu`` bend.

        y = relu(w (x - mean) / √(var + eps) + b)

        x (N, C, *S), w (C), b (C) → y (N, C, *S), mean (C), var (C), and what ``norm_scale_grad``
        wants to see again
        """
        z, mean, var = self.batch_norm(x, eps)
        ones = [1] * (x.ndim - 2)
        y = self.scale(z, w.reshape(-1, *ones), b.reshape(-1, *ones))  # (C, 1, ...)
        if relu:
            y = self.relu(y, 0.0)
        return y, mean, var, (z, var, y if relu else None)

    def norm_scale_grad(
        self, dy: Array, w: Array, eps: float, kept: Any
    ) -> tuple[Array, Array, Array]:
        """Return dx, dw and db of ``norm_scale``, which returned ``kept``.

        With dy ← dy where y > 0 if there was a ReLU, and z the normalized x:
        db = Σ dy, dw = Σ dy z, dx = batch_norm_grad(w dy), sums over all axes but 1

        dy (N, C, *S), w (C) → dx (N, C, *S), dw (C), db (C)
        """
        z, var, y = kept
        if y is not None:
            dy = self.relu_grad(dy, y, 0.0)
        dw, db = self.sum_to_axis(dy * z, 1), self.sum_to_axis(dy, 1)
        dz = self.scale(dy, w.reshape(-1, *[1] * (dy.ndim - 2)), None)
        return self.batch_norm_grad(dz, z, var, eps), dw, db

    def normalize(self, x: Array, mean: Array, var: Array, eps: float) -> Array:
        """Normalize each channel by given statistics.

        y = (x - mean) / √(var + eps)        x (N, C, *S), mean (C), var (C) → y (N, C, *S)
        """
        return numpy_norm.normalize(self.xp, x, mean, var, eps)

    def scale(self, x: Array, w: Array, b: Array | None) -> Array:
        """Scale and shift, with w and b shaped so that they broadcast.

        y = x w + b
        """
        return numpy_norm.scale(self.xp, x, w, b)

    # Softmax -----------------------------------------------------------------------------------

    def softmax(self, x: Array, axis: int) -> Array:
        """Return y = exp(x) / Σ exp(x), sums along ``axis``; stable for any finite x."""
        with np.errstate(invalid="ignore"):  # inf - inf is NaN, as it should be
            y = x - x.max(axis=axis, keepdims=True)
        self.xp.exp(y, out=y)
        y /= y.sum(axis=axis, keepdims=True)
        return y

    def softmax_grad(self, dy: Array, y: Array, axis: int) -> Array:
        """Return dx = y (dy - Σ dy y), sums along ``axis``."""
        dx = dy * y
        dx -= y * dx.sum(axis=axis, keepdims=True)
        return dx

    # Element-wise ------------------------------------------------------------------------------

    def relu(self, x: Array, slope: float) -> Array:
        """Return y = x where x > 0, else slope x."""
        return numpy_pointwise.relu(self.xp, x, slope)

    def relu_grad(self, dy: Array, x: Array, slope: float) -> Array:
        """Return dx = dy where x > 0, else slope dy."""
        return numpy_pointwise.relu_grad(self.xp, dy, x, slope)

    def sigmoid(self, x: Array) -> Array:
        """Return y = 1 / (1 + exp(-x)), as ½ tanh(x/2) + ½, which cannot overflow."""
        y = self.xp.multiply(x, 0.5, out=self.xp.empty_like(x))
        self.xp.tanh(y, out=y)
        y *= 0.5
        y += 0.5
        return y

    def tanh(self, x: Array) -> Array:
        """Return y = tanh x."""
        return self.xp.tanh(x, out=self.xp.empty_like(x))

    def dropout(self, x: Array, mask: Array, scale: float) -> Array:
        """Return y = x mask scale; ``mask`` is 0 or 1 and of any type. Also the gradient of it."""
        y = self.xp.multiply(x, mask, out=self.xp.empty_like(x))
        y *= float(scale)
        return y

    def keep_mask(self, shape: Shape, ratio: float, drawing: Any) -> Array:
        """Return False with probability ``ratio``, by the numbers of a layer's pass."""
        return self.xp.asarray(drawing.random().random(shape, dtype="float32") >= ratio)

    def weighted_sum(
        self, xs: Sequence[Array], coeffs: Sequence[float], slope: float | None = None
    ) -> Array:
        """Return y = relu(Σ coeffs[i] xs[i]), all of one shape; no ReLU without ``slope``."""
        y = self.xp.multiply(xs[0], float(coeffs[0]), out=self.xp.empty_like(xs[0]))
        for x, c in zip(xs[1:], coeffs[1:], strict=True):
            y += x if c == 1 else x * float(c)
        return self._bend(y, slope)

    def _bend(self, y: Array, slope: float | None) -> Array:
        return y if slope is None else self.relu(y, slope)

    def form(self, layer: Any) -> Any:
        """Return what runs a whole layer in fewer steps than the layer itself, or None."""

    def recorder(self) -> Any:
        """Return what notes operations, which ``state`` decides, to run them again, or None."""

    def stream(self) -> Any:
        """Return what records work as graphs (see ``cuda.graphs.Stream``), or None."""

    def lstm(self, x: Array, cont: Array, first: Arrays, weights: Arrays) -> Any:
        """Return LSTM's passes over whole sequences (see ``onednn.lstm.Whole``), or None."""

    def concat(self, xs: Sequence[Array], axis: int) -> Array:
        """Join along an axis."""
        return self.xp.concatenate(xs, axis=axis)
