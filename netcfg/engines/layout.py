"""Views of arrays: channels last and first, and the values under a window."""

from collections.abc import Iterator
from typing import Any

from netcfg.engines import threads
from netcfg.engines.geometry import Window
from netcfg.types import Array, Shape

BLOCK = 256 << 10
"""Bytes of a block of samples."""

SHARE = 1 << 20
"""Bytes of a block where each is passed over once; less is not worth waking a thread."""

PARTS = 4
"""Into how many blocks what would fit into one is cut."""


def last(x: Array) -> Array:
    """View (N, C, *S) as (N, *S, C)."""
    return x.transpose(0, *range(2, x.ndim), 1)


def first(x: Array) -> Array:
    """View (N, *S, C) as (N, C, *S)."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def padded(xp: Any, x: Array, pad: tuple[int, ...]) -> Array:
    """Copy x (N, *S, C) into channels-last memory with zeros around; no copy where none is due."""
    if x.flags.c_contiguous and not any(pad):
        return x
    N, *size, C = x.shape
    y = xp.empty((N, *(s + 2 * p for s, p in zip(size, pad, strict=True)), C), x.dtype)
    inner = (slice(None), *(slice(p, p + s) for s, p in zip(size, pad, strict=True)))

    def copy(block: slice) -> None:
        if any(pad):
            y[block] = 0
        y[block][inner] = x[block]

    threads.run(xp, copy, blocks(y, SHARE))
    return y


def windows(xp: Any, x: Array, window: Window, out: Shape) -> Array:
    """View what each window covers of x (N, *S, C), already padded, as (N, *T, *K, C)."""
    batch, *axes, channel = x.strides
    steps = (a * s for a, s in zip(axes, window.stride, strict=True))
    gaps = (a * d for a, d in zip(axes, window.dilation, strict=True))
    return xp.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *out, *window.kernel, x.shape[-1]),
        (batch, *steps, *gaps, channel),
    )


def blocks(x: Array, size: int | None = None) -> Iterator[slice]:
    """Cut the batch into blocks that stay in a cache while several operations pass over them."""
    yield from even(x.shape[0], x.nbytes // max(1, x.shape[0]), size or BLOCK, passes=2)


def pieces(x: Array) -> Iterator[Any]:
    """Cut an array, which may lack axes, along the first into blocks of ``SHARE`` bytes."""
    yield from blocks(x, SHARE) if x.ndim and x.nbytes > SHARE else (...,)


def even(count: int, size: int, largest: int, passes: int = 1) -> Iterator[slice]:
    """Cut ``count`` things of ``size`` bytes into even blocks of at most ``largest``, or of one.

    There are ``PARTS`` of them at least, for as many threads, where ``BLOCK`` bytes are passed over
    in each.

    >>> list(even(5, BLOCK, 2 * BLOCK))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    most = max(1, largest // max(1, size))
    parts = max(1, -(-count // most), min(PARTS, count * size * passes // BLOCK))
    step = max(1, -(-count // parts))
    for n in range(0, count, step):
        yield slice(n, min(n + step, count))


def wide(x: Array) -> Array | None:
    """View (N, C, *S) as (rows, S[-1] × C), or return None where x is not channels-last."""
    x = last(x)
    if x.ndim < 3 or not x.flags.c_contiguous:
        return None
    return x.reshape(-1, x.shape[-2] * x.shape[-1])


def spread(
    xp: Any, arrays: tuple[Array, ...], vectors: tuple[Array, ...]
) -> tuple[list[Array], list[Array]]:
    """View arrays (N, C, *S) and shape vectors (C) so that they broadcast, in long inner loops.

    Channels-last arrays come ``wide`` with the vectors repeated along the last spatial axis: NumPy
    would be slow at short loops over few channels.
    """
    views = [wide(x) for x in arrays]
    if any(view is None for view in views):
        ones = [1] * (arrays[0].ndim - 2)
        return list(arrays), [v.reshape(-1, *ones) for v in vectors]
    return views, [xp.tile(v, arrays[0].shape[-1]) for v in vectors]
