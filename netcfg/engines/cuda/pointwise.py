"""What is element by element on a card, and what all primitives need."""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from netcfg.engines.base import Engine
from netcfg.engines.cuda import arrays
from netcfg.engines.cuda.arrays import alike, countable, dense, pixels, to_last
from netcfg.engines.cuda.device import Device
from netcfg.engines.cuda.launch import Kernels, terms
from netcfg.engines.cuda.precision import Precision
from netcfg.types import Array, Shape

MOST_TERMS = 8
"""How many arrays a kernel can add."""


class Pointwise(Engine):
    """Arrays, element-wise functions, sums, joins and softmax.

    A primitive computes with the type of its first argument; only convolutions and products choose.
    What no kernel does is done by CuPy, as ``Engine`` defines it.
    """

    def __init__(self, device: Device, precision: Precision, dtype: Any = np.float32) -> None:
        self.device = device
        self.xp = device.xp
        self.precision = precision
        self._kernels: dict[Any, Kernels] = {}
        super().__init__(dtype)
        self.store = precision.blobs(self.dtype)

    # Arrays ------------------------------------------------------------------------------------

    def asarray(self, array: Any) -> Array:
        self.device.use()  # a pass begins with its inputs, in whichever thread
        made = self.xp.asarray(array, dtype=self.dtype)
        if made is array or made.ndim < 4 or isinstance(array, type(made)):
            return made
        return self._last(made)  # images come from the CPU, and weights

    def to_numpy(self, array: Array) -> np.ndarray:
        self.device.use()
        host = array if isinstance(array, np.ndarray) else self.xp.asnumpy(array)
        return host if host.dtype.kind in "fiub" else host.astype(np.float32)

    def freeze(self, weights: Array) -> Array:
        return self._last(self._stored(weights))

    # Softmax -----------------------------------------------------------------------------------

    def softmax(self, x: Array, axis: int) -> Array:
        x = self._wide(x)  # what follows are losses
        return self._softmax("softmax", axis, x) if countable(x) else super().softmax(x, axis)

    def softmax_grad(self, dy: Array, y: Array, axis: int) -> Array:
        if not countable(dy):
            return super().softmax_grad(dy, y, axis)
        return self._softmax("softmax", axis, dy, self._as(y, dy), suffix="_grad")

    def _softmax(self, name: str, axis: int, *xs: Array, suffix: str = "") -> Array:
        axis %= xs[0].ndim
        laid, last = alike(self.xp, *xs)
        if last and axis != 1:
            laid, last = [self.xp.ascontiguousarray(x) for x in laid], False
        x, y = laid[0], self.xp.empty_like(laid[0])
        length = x.shape[axis]
        inner = 1 if last else math.prod(x.shape[axis + 1 :])
        outer = x.size // (length * inner)
        if inner > 1:
            self._each(x, f"{name}_columns{suffix}", outer * inner, *laid, y, outer, length, inner)
            return y
        width = lanes(length)
        grid = (-(-outer * width // 256),)
        self._run(x, f"{name}_rows{suffix}", grid, (256,), *laid, y, outer, length, width)
        return y

    # Element-wise ------------------------------------------------------------------------------

    def relu(self, x: Array, slope: float) -> Array:
        return self._map("relu", x, slope, math.inf) if countable(x) else super().relu(x, slope)

    def relu_grad(self, dy: Array, x: Array, slope: float) -> Array:
        if not countable(dy):
            return super().relu_grad(dy, x, slope)
        return self._map2("relu_grad", dy, x, slope, math.inf)

    def sigmoid(self, x: Array) -> Array:
        return self._map("sigmoid", x) if countable(x) else super().sigmoid(x)

    def tanh(self, x: Array) -> Array:
        return self._map("tanh_x", x) if countable(x) else super().tanh(x)

    def dropout(self, x: Array, mask: Array, scale: float) -> Array:
        if not countable(x) or mask.shape != x.shape or mask.dtype.itemsize != 1:
            return super().dropout(x, mask, scale)
        (x, mask), _ = alike(self.xp, x, mask)
        y = self.xp.empty_like(x)
        self._each(x, "dropout_by", x.size, x, mask, y, x.size, x.size, x.size, scale)
        return y

    def keep_mask(self, shape: Shape, ratio: float, drawing: Any) -> Array:
        mask = self.xp.empty(shape, np.uint8)
        n = mask.size
        if n > arrays.LARGEST:
            return super().keep_mask(shape, ratio, drawing)
        kernels = self.device.kernels(np.float32)
        key = drawing.context.seed, zlib.crc32(drawing.name.encode()), self._drawn(drawing)
        kernels.each("keep_mask", -(-n // 8), mask, n, ratio, *key)
        return mask.view(bool)

    def _drawn(self, drawing: Any) -> Array:
        """Return the number of a layer's pass, in the card's memory, and count on there."""
        counter, taken = self.device.counters.of(drawing, drawing.step), self.xp.empty(1, np.uint64)
        self.device.kernels(np.float32).run("advance", (1,), (1,), counter, taken)
        return taken

    def weighted_sum(
        self, xs: Sequence[Array], coeffs: Sequence[float], slope: float | None = None
    ) -> Array:
        if not countable(*xs):
            return super().weighted_sum(xs, coeffs, slope)
        laid, _ = alike(self.xp, *(self._as(x, xs[0]) for x in xs))
        factors = list(coeffs)
        while len(laid) > MOST_TERMS:
            total = self._sum(laid[:MOST_TERMS], factors[:MOST_TERMS], None)
            laid, factors = [total, *laid[MOST_TERMS:]], [1.0, *factors[MOST_TERMS:]]
        return self._sum(laid, factors, slope)

    def _sum(self, xs: Sequence[Array], coeffs: Sequence[float], slope: float | None) -> Array:
        y = self.xp.empty_like(xs[0])
        bend = slope is not None
        self._each(y, "weighted_sum", y.size, terms(xs, coeffs), y, y.size, bend, slope or 0.0)
        return y

    def concat(self, xs: Sequence[Array], axis: int) -> Array:
        kind = xs[0]
        if all(arrays.is_last(x) for x in xs) and len(xs) > 1:
            order = (0, *range(2, kind.ndim), 1)
            views = [self._as(x, kind).transpose(order) for x in xs]
            y = self.xp.concatenate(views, axis=order.index(axis % kind.ndim))
            return y.transpose(0, y.ndim - 1, *range(1, y.ndim - 1))
        return self.xp.concatenate([self._as(x, kind) for x in xs], axis=axis)

    def sum_to_axis(self, x: Array, axis: int) -> Array:
        axis %= x.ndim
        if not countable(x):
            return super().sum_to_axis(x, axis)
        if axis == 1 and x.ndim > 1:
            x = dense(self.xp, x)
            return self._channel_sums(x, None, *pixels(x))
        x = self.xp.ascontiguousarray(x)
        inner = math.prod(x.shape[axis + 1 :])
        return self._channel_sums(x, None, x.size // x.shape[axis], x.shape[axis], inner)

    def _channel_sums(
        self, a: Array, b: Array | None, rows: int, channels: int, inner: int, operation: int = 0
    ) -> Array:
        """Return Σ a of each channel, as float32 where a is a 16-bit float.

        Args:
            a: see above.
            b: of the same size and layout.
            rows: how many pixels there are.
            channels: see above.
            inner: 1 channels-last, else places of an image.
            operation: 1 for Σ a b, 2 for Σ a min(b, 0).
        """
        parts = _parts(rows)
        partial = self._acc((parts, channels), a)
        sums = self._acc((channels,), a)
        grid = (-(-channels // 32), parts)
        self._run(
            a, "channel_sums_partial", grid, (32, 8),
            a, b, partial, rows, channels, inner, operation,
        )  # fmt: skip
        self._each(a, "fold_sums", 32 * channels, partial, sums, parts, channels, 0)
        return sums

    # What primitives need ----------------------------------------------------------------------

    def _map(self, name: str, x: Array, *numbers: float) -> Array:
        x = dense(self.xp, x)
        y = self.xp.empty_like(x)
        self._each(x, name, x.size, x, y, x.size, *numbers)
        return y

    def _map2(self, name: str, dy: Array, x: Array, *numbers: float) -> Array:
        (dy, x), _ = alike(self.xp, dy, self._as(x, dy))
        dx = self.xp.empty_like(dy)
        self._each(dy, name, dy.size, dy, x, dx, dy.size, *numbers)
        return dx

    def _of(self, x: Array) -> Kernels:
        """Return the kernels for the type of an array."""
        self.device.use()
        found = self._kernels.get(x.dtype)
        if found is None:
            found = self._kernels[x.dtype] = self.device.kernels(x.dtype)
        return found

    def _each(self, x: Array, name: str, n: int, *args: Any) -> None:
        self._of(x).each(name, n, *args)

    def _run(self, x: Array, name: str, grid: Shape, block: Shape, *args: Any) -> None:
        self._of(x).run(name, grid, block, *args)

    def _acc(self, shape: Shape, x: Array) -> Array:
        """Return memory for statistics of an array."""
        return self.xp.empty(shape, self._of(x).acc)

    def _vector(self, v: Array, x: Array) -> Array:
        """Return a vector by channel for an array, dense and of the type of statistics."""
        return self.xp.ascontiguousarray(v.reshape(-1).astype(self._of(x).acc, copy=False))

    def _as(self, x: Array, like: Array) -> Array:
        """Return an array in the type of another one."""
        return self._cast(x, like.dtype)

    def _wide(self, x: Array) -> Array:
        """Return an array of 16-bit floats as float32; CuPy multiplies no others as they are."""
        return x if x.dtype.itemsize > 2 else self._cast(x, np.dtype(np.float32))

    def _stored(self, x: Array) -> Array:
        """Return an array in the type of blobs."""
        return self._cast(x, self.store)

    def _cast(self, x: Array, dtype: Any) -> Array:
        """Return an array in another type, by a kernel where one of them has 16 bits."""
        if x.dtype == dtype:
            return x
        pair = {x.dtype, np.dtype(dtype)}
        short = {t for t in pair if t.itemsize == 2 and t.kind in "fV"}  # ml_dtypes says V
        if not short or pair - short != {np.dtype(np.float32)} or not countable(x):
            return x.astype(dtype)
        x = dense(self.xp, x)
        y = self.xp.empty_like(x, dtype=dtype)
        small, name = (y, "from_acc") if x.dtype == np.float32 else (x, "to_acc")
        self._each(small, name, x.size, x, y, x.size, 1.0)
        return y

    def _last(self, x: Array) -> Array:
        """Return an array channels-last, by a kernel if it is in C order."""
        S = math.prod(x.shape[2:])
        if (
            x.ndim < 3
            or arrays.is_last(x)
            or not x.flags.c_contiguous
            or not countable(x)
            or max(x.shape[0], x.shape[1] // 32, S // 32) >= 65535
        ):
            return to_last(self.xp, x)
        y = arrays.empty(self.xp, x.shape, x.dtype, channels_last=True)
        N, C = x.shape[:2]
        self._run(x, "transpose", (-(-S // 32), -(-C // 32), N), (32, 8), x, y, C, S)
        return y


def lanes(length: int) -> int:
    """Return how many threads share a row: a power of two, at most a warp."""
    return min(32, 1 << (length - 1).bit_length())


def _parts(rows: int) -> int:
    """Return into how many parts sums over pixels are cut."""
    return max(1, min(512, rows // 128))
