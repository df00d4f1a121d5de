"""Arrays in memory as kernels and libraries want them: dense, channels-last where there are images.

Shapes are always N, C, *S; strides say how they lie. ``xp`` is CuPy, in tests NumPy.
"""

import math
from typing import Any

from netcfg.engines.layout import first, last
from netcfg.types import Array, Shape

LARGEST = 2**31 - 1
"""How many elements kernels can count."""


def is_last(x: Array) -> bool:
    """Return whether an array is dense with channels fastest."""
    return bool(x.ndim > 2 and last(x).flags.c_contiguous)


def empty(xp: Any, shape: Shape, dtype: Any, channels_last: bool) -> Array:
    """Return memory for (N, C, *S) in one of the two layouts."""
    if not channels_last or len(shape) < 3:
        return xp.empty(shape, dtype)
    return first(xp.empty((shape[0], *shape[2:], shape[1]), dtype))


def dense(xp: Any, x: Array) -> Array:
    """Return an array dense in one of the two layouts; channels-last if it must be copied."""
    if x.flags.c_contiguous or is_last(x):
        return x
    return to_last(xp, x)


def to_last(xp: Any, x: Array) -> Array:
    """Return an array with channels fastest; in C order if it has no spatial axes."""
    if x.ndim < 3:
        return xp.ascontiguousarray(x)
    return x if is_last(x) else first(xp.ascontiguousarray(last(x)))


def alike(xp: Any, *xs: Array) -> tuple[list[Array], bool]:
    """Return arrays in one dense layout, and whether it is channels-last."""
    if all(x.flags.c_contiguous for x in xs):
        return list(xs), all(is_last(x) for x in xs)
    return [to_last(xp, x) for x in xs], xs[0].ndim > 2


def pixels(x: Array) -> tuple[int, int, int]:
    """Return rows, channels and inner of a dense (N, C, *S): i has channel i / inner % C."""
    channels = x.shape[1]
    inner = 1 if is_last(x) else math.prod(x.shape[2:])
    return x.size // max(1, channels), channels, inner


def countable(*xs: Array) -> bool:
    """Return whether kernels can count the elements of arrays, and there are some."""
    return all(0 < x.size <= LARGEST for x in xs)
