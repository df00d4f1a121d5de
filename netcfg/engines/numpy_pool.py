"""Pooling in one of two ways, whichever takes fewer steps.

Tap by tap, each position in the kernel is a strided slice of the image, as large as the output.
Output by output, which suits large windows, each window is a slice of the image to reduce.
Masks are made of comparisons and integer arithmetic: NumPy's selections (``where``, masked copies)
take twenty times as long.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from netcfg.engines import threads
from netcfg.engines.geometry import Slices, Tap, Window, taps
from netcfg.engines.layout import blocks, first, last
from netcfg.types import Array, Shape


def max_pool(
    xp: Any, x: Array, window: Window, out: Shape, with_mask: bool
) -> tuple[Array, Array | None]:
    """Return y and mask; see ``Engine.max_pool``."""
    y = xp.empty((x.shape[0], *out, x.shape[1]), x.dtype)
    mask = xp.empty(y.shape, _index_type(x.shape[2:])) if with_mask else None
    by = _max_by_outputs if _few_outputs(window, out) else _max_by_taps
    by(xp, last(x), window, y, mask)
    return first(y), first(mask) if with_mask else None


def max_pool_grad(xp: Any, dy: Array, mask: Array, x_shape: Shape, window: Window) -> Array:
    """Return dx; see ``Engine.max_pool_grad``."""
    N, C, *size = x_shape
    out = dy.shape[2:]
    dx = xp.empty((N, *size, C), dy.dtype)
    dy, mask = last(dy), last(mask)
    if _few_outputs(window, out):
        _max_grad_by_outputs(xp, dy, mask, dx)
        return first(dx)
    origins = _origins(xp, window, tuple(size), dy.shape)
    disjoint = _disjoint(window)

    def add(block: slice) -> None:
        choice = mask[block] - origins
        grad, dx_block = xp.ascontiguousarray(dy[block]), dx[block]
        dx_block[...] = 0
        for tap in taps(window, tuple(size), out):
            chosen = choice[tap.target] == _place_index(tap.place, window, tuple(size))
            if disjoint:
                xp.multiply(grad[tap.target], chosen, out=dx_block[tap.source])
            else:
                dx_block[tap.source] += grad[tap.target] * chosen

    threads.run(xp, add, blocks(dy))
    return first(dx)


def ave_pool(xp: Any, x: Array, window: Window, out: Shape) -> Array:
    """Return y; see ``Engine.ave_pool``."""
    size = x.shape[2:]
    y = xp.zeros((x.shape[0], *out, x.shape[1]), x.dtype)
    x = last(x)
    areas = _areas(xp, window, size, y.shape, y.dtype)

    def add(block: slice) -> None:
        here, total = xp.ascontiguousarray(x[block]), y[block]
        for tap in taps(window, size, out):
            total[tap.target] += here[tap.source]
        total /= areas

    if _few_outputs(window, out):
        for source, target in _regions(window, out):
            y[target] = x[source].sum(axis=tuple(range(1, x.ndim - 1)), keepdims=True)
        y /= areas
    else:
        threads.run(xp, add, blocks(y))
    return first(y)


def ave_pool_grad(xp: Any, dy: Array, x_shape: Shape, window: Window) -> Array:
    """Return dx; see ``Engine.ave_pool_grad``."""
    N, C, *size = x_shape
    out = dy.shape[2:]
    dx = xp.zeros((N, *size, C), dy.dtype)
    dy = last(dy)
    areas = _areas(xp, window, tuple(size), dy.shape, dy.dtype)
    if _few_outputs(window, out):
        dy = xp.divide(dy, areas, order="C")
        for source, target in _regions(window, out):
            dx[source] += dy[target]
        return first(dx)

    def add(block: slice) -> None:
        share, total = xp.divide(dy[block], areas, order="C"), dx[block]
        for tap in taps(window, tuple(size), out):
            total[tap.source] += share[tap.target]

    threads.run(xp, add, blocks(dy))
    return first(dx)


def _max_by_taps(xp: Any, x: Array, window: Window, y: Array, mask: Array | None) -> None:
    """Write the maxima to y (N, *T, C) and, where wanted, their flat indices to mask."""
    size, out = x.shape[1:-1], y.shape[1:-1]
    steps = [(tap, _place_index(tap.place, window, size)) for tap in taps(window, size, out)]

    def choose(block: slice) -> None:
        here = xp.ascontiguousarray(x[block])
        if mask is None:
            _start(xp, here, steps[0][0], y[block])
            for tap, _ in steps:
                xp.maximum(y[block][tap.target], here[tap.source], out=y[block][tap.target])
        else:
            choice = _starts(xp, window, size, y[block].shape)
            _choose(xp, here, steps, y[block], choice)
            xp.add(choice, _origins(xp, window, size, y.shape), out=mask[block])

    threads.run(xp, choose, blocks(y))


def _start(xp: Any, x: Array, tap: Tap, y: Array) -> None:
    """Set y to the values at the first tap, to less than any where it is outside."""
    if y[tap.target].shape != y.shape:
        y[...] = -xp.inf
    y[tap.target] = x[tap.source]


def _choose(xp: Any, x: Array, steps: list[tuple[Tap, int]], y: Array, choice: Array) -> None:
    """Set y to the maxima and choice to how far behind the windows' first places they lie."""
    _start(xp, x, steps[0][0], y)
    for tap, index in steps[1:]:
        here, best, places = x[tap.source], y[tap.target], choice[tap.target]
        better = here > best
        xp.maximum(best, here, out=best)
        # The index grows from tap to tap, so the greatest is that of the last better one.
        xp.maximum(places, xp.multiply(better, choice.dtype.type(index)), out=places)


def _max_by_outputs(xp: Any, x: Array, window: Window, y: Array, mask: Array | None) -> None:
    """Do the same as ``_max_by_taps``."""
    N, *size, C = x.shape
    plane = xp.arange(math.prod(size)).reshape(size)
    for source, target in _regions(window, y.shape[1:-1]):
        part = x[source].reshape(N, -1, C)
        best = part.argmax(axis=1)  # (N, C)
        shape = y[target].shape  # (N, 1, ..., 1, C)
        y[target] = xp.take_along_axis(part, best[:, None], axis=1).reshape(shape)
        if mask is not None:
            mask[target] = plane[source[1:]].reshape(-1)[best].reshape(shape)


def _max_grad_by_outputs(xp: Any, dy: Array, mask: Array, dx: Array) -> None:
    """Set dx (N, *S, C) to the sums of what of dy (N, *T, C) goes to the places in mask."""
    dx[...] = 0
    N, *_, C = dy.shape
    planes = dx.reshape(N, -1, C)
    sample, channel = xp.arange(N)[:, None], xp.arange(C)
    dy, mask = dy.reshape(N, -1, C), mask.reshape(N, -1, C)
    for t in range(dy.shape[1]):
        planes[sample, mask[:, t], channel] += dy[:, t]  # each (n, c) once


def _few_outputs(window: Window, out: Shape) -> bool:
    """Return whether it takes fewer steps to go output by output."""
    return math.prod(out) < math.prod(window.kernel)


def _disjoint(window: Window) -> bool:
    """Return whether no two windows share a place."""
    axes = zip(window.kernel, window.stride, window.dilation, strict=True)
    return all(d * (k - 1) < s for k, s, d in axes)


def _place_index(place: Shape, window: Window, size: Shape) -> int:
    """Return how far a place in the kernel lies behind the first one in the flattened plane."""
    index = 0
    for k, d, s in zip(place, window.dilation, size, strict=True):
        index = index * s + k * d
    return index


def _index_type(size: Shape) -> Any:
    """Return the type of flat indices in a plane."""
    return np.int32 if math.prod(size) < 2**31 else np.int64


def _origins(xp: Any, window: Window, size: Shape, shape: Shape) -> Array:
    """Return the flat index of the first place of each window, which may be outside, (*T, C)."""
    *out, C = shape[1:]
    index = xp.zeros((), _index_type(size))
    for n, s, step, pad in zip(out, size, window.stride, window.pad, strict=True):
        index = index[..., None] * s + (xp.arange(n, dtype=index.dtype) * step - pad)
    return xp.repeat(index[..., None], C, axis=-1)


def _starts(xp: Any, window: Window, size: Shape, shape: Shape) -> Array:
    """Return how far behind that the first place inside the image lies, as (N, *T, C)."""
    index = xp.zeros((), np.int64)
    axes = zip(shape[1:-1], size, window.stride, window.pad, window.dilation, strict=True)
    for n, s, step, pad, d in axes:
        outside = xp.maximum(pad - xp.arange(n) * step, 0)
        index = index[..., None] * s + -(-outside // d) * d
    # In the smallest type that holds all: there is much arithmetic on it, all memory-bound.
    starts = xp.empty(shape, np.min_scalar_type(_place_index(window.kernel, window, size)))
    starts[...] = index[..., None]
    return starts


def _regions(window: Window, out: Shape) -> Iterator[tuple[Slices, Slices]]:
    """Yield for each output what it reads of (N, *S, C), and its own place in (N, *T, C)."""
    axes = list(zip(window.kernel, window.stride, window.pad, window.dilation, strict=True))
    for place in itertools.product(*map(range, out)):
        source, target = [slice(None)], [slice(None)]
        for t, (k, step, pad, d) in zip(place, axes, strict=True):
            begin = t * step - pad
            start = begin % d if begin < 0 else begin
            source.append(slice(start, max(start, begin + d * (k - 1) + 1), d))
            target.append(slice(t, t + 1))
        yield tuple(source), tuple(target)


def _areas(xp: Any, window: Window, size: Shape, shape: Shape, dtype: Any) -> Array:
    """Return how many places of the padded image each window covers, (*T, C)."""
    *out, C = shape[1:]
    areas = xp.ones((), dtype)
    axes = zip(out, size, window.kernel, window.stride, window.pad, strict=True)
    for n, s, k, step, pad in axes:
        start = xp.arange(n) * step - pad
        areas = areas[..., None] * (xp.minimum(start + k, s + pad) - start).astype(dtype)
    return xp.repeat(areas[..., None], C, axis=-1)
