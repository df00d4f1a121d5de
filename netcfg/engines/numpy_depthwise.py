"""Convolution with one input channel per group: sums of products of shifted images.

Matrices of one column would be slow. Here every channel is a lane of ``einsum``'s inner loop, and
so is every pixel of a row where the stride is 1. Arrays are channels-last, x (N, *S, C) and y
(N, *T, C); weights are (*K, C).
"""

from typing import Any

from netcfg.engines.geometry import Conv, Window, taps
from netcfg.engines.layout import blocks, first, last, padded, windows
from netcfg.types import Array, Shape


def fits(w_shape: Shape, conv: Conv) -> bool:
    """Return whether these functions are the faster ones for weights (O, C/group, *K)."""
    return conv.group > 1 and w_shape[1] == 1 and w_shape[0] <= 4 * conv.group


def conv(xp: Any, x: Array, w: Array, conv: Conv) -> Array:
    """Return y without bias; see ``Engine.conv``."""
    x = _repeat(xp, last(x), w.shape[0] // conv.group)
    return first(_conv(xp, x, _weights(xp, w), conv.window))


def conv_grad_w(xp: Any, dy: Array, x: Array, w_shape: Shape, conv: Conv) -> Array:
    """Return dw; see ``Engine.conv_grad_w``."""
    dy = xp.ascontiguousarray(last(dy))
    out, filters = dy.shape[1:-1], dy.shape[-1]
    x = padded(xp, _repeat(xp, last(x), filters // conv.group), conv.window.pad)
    view, pixels, kernel, lane = _lanes(xp, x, conv.window, out)
    dy = dy.reshape(*view.shape[: len(pixels)], -1)  # (N, *T, O) or (N, *T[:-1], T[-1] × O)
    dw = xp.einsum(view, [*pixels, *kernel, lane], dy, [*pixels, lane], [*kernel, lane])
    dw = dw.reshape(*conv.window.kernel, -1, filters).sum(axis=-2)
    return dw.transpose(dw.ndim - 1, *range(dw.ndim - 1)).reshape(w_shape)  # (*K, O) → (O, 1, *K)


def conv_grad_x(xp: Any, dy: Array, w: Array, x_shape: Shape, conv: Conv) -> Array:
    """Return dx; see ``Engine.conv_grad_x``."""
    window = conv.window
    N, C, *size = x_shape
    dy, weights = xp.ascontiguousarray(last(dy)), _weights(xp, w)
    axes = zip(window.kernel, window.pad, window.dilation, strict=True)
    pad = tuple(d * (k - 1) - p for k, p, d in axes)
    if all(s == 1 for s in window.stride) and all(p >= 0 for p in pad):
        # A convolution, too, with the kernel turned around.
        turned = weights[(slice(None, None, -1),) * len(size)]
        dx = _conv(xp, dy, turned, Window(window.kernel, window.stride, pad, window.dilation))
    else:
        dx = xp.zeros((N, *size, w.shape[0]), dy.dtype)
        for block in blocks(dx):
            for tap in taps(window, tuple(size), dy.shape[1:-1]):
                dx[block][tap.source] += dy[block][tap.target] * weights[tap.place]
    if w.shape[0] > C:
        dx = dx.reshape(N, *size, C, -1).sum(axis=-1)
    return first(dx)


def _weights(xp: Any, w: Array) -> Array:
    """Copy w (O, 1, *K) to (*K, O)."""
    return xp.ascontiguousarray(w[:, 0].transpose(*range(1, w.ndim - 1), 0))


def _repeat(xp: Any, x: Array, times: int) -> Array:
    """Return every channel as often as there are outputs in its group."""
    return x if times == 1 else xp.repeat(x, times, axis=-1)


def _conv(xp: Any, x: Array, w: Array, window: Window) -> Array:
    """Convolve x (N, *S, C) with one kernel per channel, w (*K, C)."""
    out = window.out(x.shape[1:-1])
    view, pixels, kernel, lane = _lanes(xp, padded(xp, x, window.pad), window, out)
    w = xp.tile(w, view.shape[-1] // x.shape[-1])  # (*K, lanes)
    y = xp.einsum(view, [*pixels, *kernel, lane], w, [*kernel, lane], [*pixels, lane])
    return xp.ascontiguousarray(y).reshape(x.shape[0], *out, x.shape[-1])


def _lanes(
    xp: Any, x: Array, window: Window, out: Shape
) -> tuple[Array, list[int], list[int], int]:
    """View the windows of x, and number the view's axes: pixels, kernel and lane.

    (N, *T, *K, C), or (N, *T[:-1], *K, T[-1] × C) where neighbours are next to each other.
    """
    view, d = windows(xp, x, window, out), len(out)
    if d and window.stride[-1] == 1:
        shape, strides = list(view.shape), list(view.strides)
        shape[-1] *= shape.pop(d)
        strides.pop(d)
        view = xp.lib.stride_tricks.as_strided(view, shape, strides)
    lane = view.ndim - 1
    pixels = list(range(lane - d))
    return view, pixels, list(range(lane - d, lane)), lane
