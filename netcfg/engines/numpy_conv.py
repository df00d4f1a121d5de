"""Convolution by matrix products.

Forward, the values under each window become a row of a matrix, the columns of Caffe's im2col:
y = cols(x) wᵀ, so dw = dyᵀ cols(x). For dx, each tap of the kernel adds dy w[tap] to where it read.
Results lie in memory channels-last, so that the next layer copies rows in long runs. Threads share
the blocks of pixels whose columns fit into a cache.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from netcfg.engines import numpy_depthwise, threads
from netcfg.engines.geometry import Conv, Slices, Window, taps
from netcfg.engines.layout import BLOCK, PARTS, even, first, last, padded, spread, windows
from netcfg.types import Array, Shape

SCRATCH = 2 << 20
"""Bytes of a temporary: more of it leaves the caches, less of it makes small matrices."""

SUMS = 64 << 20
"""Bytes of weight gradients that are summed side by side."""


def conv(xp: Any, x: Array, w: Array, b: Array | None, geometry: Conv) -> Array:
    """Return y; see ``Engine.conv``."""
    if numpy_depthwise.fits(w.shape, geometry):
        y = numpy_depthwise.conv(xp, x, w, geometry)
        if b is not None:
            (view,), (b,) = spread(xp, (y,), (b,))
            view += b
        return y
    G, filters = geometry.group, w.shape[0]
    cols = _Columns(xp, x, w.shape, geometry)
    weights = cols.weights(w)
    y = xp.empty((x.shape[0], *cols.out, filters), x.dtype)
    biases = None if b is None else xp.tile(b, cols.out[-1] if cols.out else 1)

    def multiply(part: Slices) -> None:
        block = y[part]
        rows = block.reshape(-1, G, filters // G).transpose(1, 0, 2)  # (G, rows, O/G)
        xp.matmul(cols.take(part), weights, out=rows)
        if biases is not None:
            lines = block.reshape(-1, math.prod(block.shape[-2:]) if cols.out else filters)
            lines += biases[: lines.shape[-1]]

    threads.run(xp, multiply, cols.parts())
    return first(y)


def conv_grad_w(xp: Any, dy: Array, x: Array, w_shape: Shape, geometry: Conv) -> Array:
    """Return dw; see ``Engine.conv_grad_w``."""
    if numpy_depthwise.fits(w_shape, geometry):
        return numpy_depthwise.conv_grad_w(xp, dy, x, w_shape, geometry)
    G, filters = geometry.group, w_shape[0]
    cols = _Columns(xp, x, w_shape, geometry)
    dy = last(dy)

    def multiply(parts: list[Slices]) -> Array:
        dw = xp.zeros((G, filters // G, cols.depth), dy.dtype)
        for part in parts:
            rows = dy[part].reshape(-1, G, filters // G).transpose(1, 2, 0)  # (G, O/G, rows)
            columns = cols.take(part)
            # Of 500 entries and less matmul keeps the interpreter to itself; dot does not.
            dw += xp.dot(rows[0], columns[0]) if G == 1 else xp.matmul(rows, columns)
        return dw

    parts = list(cols.parts())
    sums = max(1, min(16, SUMS // max(1, math.prod(w_shape) * dy.itemsize)))
    each = max(1, -(-len(parts) // sums))
    runs = [parts[i : i + each] for i in range(0, len(parts), each)]
    dw, *others = threads.run(xp, multiply, runs or [[]])
    for other in others:
        dw += other
    return cols.gradient(dw)


def conv_grad_x(xp: Any, dy: Array, w: Array, x_shape: Shape, geometry: Conv) -> Array:
    """Return dx; see ``Engine.conv_grad_x``."""
    if numpy_depthwise.fits(w.shape, geometry):
        return numpy_depthwise.conv_grad_x(xp, dy, w, x_shape, geometry)
    few_pixels = dy.size < dy.shape[1] ** 2  # then reordering the weights would take longest
    if few_pixels or x_shape[1] < 16:
        return _grad_x_by_columns(xp, dy, w, x_shape, geometry)
    return _grad_x_by_taps(xp, dy, w, x_shape, geometry)


def _grad_x_by_columns(xp: Any, dy: Array, w: Array, x_shape: Shape, geometry: Conv) -> Array:
    """Return dx: one product for all taps, the pixels innermost, and each tap's rows added."""
    window, G, filters = geometry.window, geometry.group, w.shape[0]
    N, C, *size = x_shape
    out = dy.shape[2:]
    weights = w.reshape(G, filters // G, -1).transpose(0, 2, 1)  # (G, C/G × K, O/G)
    dy = last(dy)
    dx = xp.empty((C, N, *size), dy.dtype)

    def add(block: slice) -> None:
        rows = dy[block]
        shape = (C, *window.kernel, *rows.shape[:-1])
        rows = rows.reshape(-1, G, filters // G).transpose(1, 2, 0)  # (G, O/G, rows)
        cols = xp.matmul(weights, rows).reshape(shape)  # (C, *K, n, *T)
        total = dx[:, block]
        total[...] = 0
        for tap in taps(window, tuple(size), out):
            total[:, *tap.source] += cols[:, *tap.place][:, *tap.target]

    sample = math.prod(out) * weights[:, :, 0].size * dy.itemsize
    threads.run(xp, add, even(N, sample, SCRATCH))
    return dx.swapaxes(0, 1)


def _grad_x_by_taps(xp: Any, dy: Array, w: Array, x_shape: Shape, geometry: Conv) -> Array:
    """Return dx: for each tap a product as large as the output, added to where it read."""
    window, G, filters = geometry.window, geometry.group, w.shape[0]
    N, C, *size = x_shape
    out = dy.shape[2:]
    weights = w.transpose(*range(2, w.ndim), 0, 1)  # (*K, O, C/G)
    weights = xp.ascontiguousarray(weights).reshape(*window.kernel, G, filters // G, C // G)
    dy = xp.ascontiguousarray(last(dy))
    dx = xp.empty((N, *size, C), dy.dtype)

    def add(part: tuple[slice, slice]) -> None:
        block, channels = part  # in each group
        rows, total = dy[block], dx[block].reshape(-1, *size, G, C // G)[..., channels]
        share = xp.empty((*rows.shape[:-1], G, total.shape[-1]), dy.dtype)
        total[...] = 0
        rows = rows.reshape(-1, G, filters // G).transpose(1, 0, 2)  # (G, rows, O/G)
        product = share.reshape(-1, *share.shape[-2:]).transpose(1, 0, 2)  # (G, rows, channels)
        for tap in taps(window, tuple(size), out):
            xp.matmul(rows, weights[tap.place][..., channels], out=product)
            total[tap.source] += share[tap.target]

    sample = math.prod(out) * C * dy.itemsize
    passes = math.prod(window.kernel)
    few = N < PARTS and sample * passes > BLOCK  # samples, so that channels are shared out, too
    width = max(32, -(-C // (G * PARTS))) if few else C // G
    lanes = [slice(c, c + width) for c in range(0, C // G, width)]
    threads.run(xp, add, itertools.product(even(N, sample, SCRATCH, passes), lanes))
    return first(dx)


class _Columns:
    """The values under windows as matrices (G, rows, depth), one row for each output pixel.

    The depth is in the order (*K, C/G), which makes long runs to copy; or, where runs along the
    pixels are longer or weights would take longer to reorder, in the weights' own, (C/G, *K).
    """

    def __init__(self, xp: Any, x: Array, w_shape: Shape, geometry: Conv) -> None:
        self.group, self.window, self.w_shape = geometry.group, geometry.window, w_shape
        self.out = self.window.out(x.shape[2:])
        self.depth = math.prod(w_shape[1:])
        pixels = x.shape[0] * math.prod(self.out)
        run = w_shape[1] * self.window.kernel[-1] if self.out else w_shape[1]
        self.natural = pixels < w_shape[0] or run < 16
        x = padded(xp, last(x), self.window.pad)
        self.windows = windows(xp, x, self.window, self.out)

    def weights(self, w: Array) -> Array:
        """Return w (O, C/G, *K) as (G, depth, O/G)."""
        if not self.natural:
            w = last(w)
        return w.reshape(self.group, -1, self.depth).transpose(0, 2, 1)

    def gradient(self, dw: Array) -> Array:
        """Return dw (G, O/G, depth) as (O, C/G, *K)."""
        filters, channels, *kernel = self.w_shape
        if self.natural:
            return dw.reshape(self.w_shape)
        return first(dw.reshape(filters, *kernel, channels))

    def parts(self) -> Iterator[Slices]:
        """Cut the output pixels (N, *T) into parts whose columns fit into SCRATCH."""
        N = self.windows.shape[0]
        sample = math.prod(self.out) * self.depth * self.group * self.windows.itemsize
        if not self.out or (sample <= SCRATCH and (N > 1 or sample < 2 * BLOCK)):
            yield from ((block,) for block in even(N, sample, SCRATCH))
            return
        for n in range(N):
            for block in even(self.out[0], sample // self.out[0], SCRATCH):
                yield (slice(n, n + 1), block)

    def take(self, part: Slices) -> Array:
        """Copy the windows of some pixels into a matrix (G, rows, depth)."""
        G, d = self.group, len(self.out)
        block = self.windows[part]
        block = block.reshape(*block.shape[:-1], G, -1)  # (n, *t, *K, G, C/G)
        pixels, kernel = range(d + 1), range(d + 1, 2 * d + 1)
        if not self.natural:
            block = block.transpose(2 * d + 1, *pixels, *kernel, 2 * d + 2)
            return block.reshape(G, -1, self.depth)
        block = block.transpose(2 * d + 1, 2 * d + 2, *kernel, *pixels)
        return block.reshape(G, self.depth, -1).transpose(0, 2, 1)


def im2col(xp: Any, x: Array, window: Window) -> Array:
    """Return Caffe's columns; see ``Engine.im2col``."""
    N, C = x.shape[:2]
    out = window.out(x.shape[2:])
    d = len(out)
    view = windows(xp, padded(xp, last(x), window.pad), window, out)  # (N, *T, *K, C)
    view = view.transpose(0, 2 * d + 1, *range(d + 1, 2 * d + 1), *range(1, d + 1))
    return view.copy().reshape(N, C * math.prod(window.kernel), *out)


def im2col_grad(xp: Any, dy: Array, x_shape: Shape, window: Window) -> Array:
    """Return dx; see ``Engine.im2col_grad``."""
    N, C, *size = x_shape
    out = dy.shape[2:]
    dx = xp.zeros((N, *size, C), dy.dtype)
    shares = last(dy.reshape(N, C, *window.kernel, *out))  # (N, *K, *T, C)
    for tap in taps(window, tuple(size), out):
        dx[tap.source] += shares[:, *tap.place][tap.target]
    return first(dx)
