"""Arrays and descriptors of memory: how shapes lie in it, and where it comes from."""

import functools
import math
from collections import defaultdict
from ctypes import c_int, c_void_p
from typing import Any

import numpy as np

from netcfg.engines.onednn.library import Dims, load
from netcfg.types import Shape

TYPES = {np.dtype(np.float32): 3, np.dtype(np.int32): 4, np.dtype(np.uint8): 6}
"""oneDNN's number of each dtype."""

ALIGNMENT = 64
"""Bytes of a cache line, and of the longest vector."""

_ANY = 1
"""The tag by which oneDNN chooses a layout."""


@functools.cache
def steps(shape: Shape, last: bool) -> Shape:
    """Return the distances, in elements, between neighbours along each axis of dense memory.

    Args:
        shape: N, C, *S.
        last: channels-last, in the order N, *S, C; else in the order of the axes.
    """
    order = list(range(len(shape)))
    if last and len(shape) > 2:
        order = [0, *order[2:], 1]
    result, step = [0] * len(shape), 1
    for axis in reversed(order):
        result[axis] = step
        step *= shape[axis]
    return tuple(result)


@functools.cache
def dense(shape: Shape, last: bool = True, dtype: Any = np.float32) -> c_void_p:
    """Return the descriptor of a dense array; descriptors live as long as the process."""
    return strided(shape, steps(shape, last), dtype)


@functools.cache
def strided(shape: Shape, distances: Shape, dtype: Any = np.float32) -> c_void_p:
    """Return the descriptor of an array with the given strides, in elements."""
    return load().create_desc(
        "with_strides",
        c_int(len(shape)),
        Dims(*shape),
        c_int(TYPES[np.dtype(dtype)]),
        Dims(*distances),
    )


@functools.cache
def free(shape: Shape, dtype: Any = np.float32) -> c_void_p:
    """Return a descriptor that leaves the layout to the primitive."""
    return load().create_desc(
        "with_tag", c_int(len(shape)), Dims(*shape), c_int(TYPES[np.dtype(dtype)]), c_int(_ANY)
    )


def is_last(x: np.ndarray) -> bool:
    """Return whether an array is dense with its channels last; vectors and matrices are."""
    if x.ndim <= 2:
        return x.flags.c_contiguous
    return x.transpose(0, *range(2, x.ndim), 1).flags.c_contiguous


class _Block:
    """Memory that returns to its pool when no array looks at it any more."""

    __slots__ = ("__array_interface__", "pool", "raw", "size")

    def __init__(self, pool: "Pool", raw: np.ndarray, size: int, interface: dict[str, Any]) -> None:
        self.pool, self.raw, self.size = pool, raw, size
        self.__array_interface__ = interface

    def __del__(self) -> None:
        self.pool.free[self.size].append(self.raw)


class Pool:
    """Aligned memory for arrays; what is freed comes again at the next request of its size.

    Attributes:
        allocated: how many blocks were taken from the system.
    """

    def __init__(self) -> None:
        self.free: dict[int, list[np.ndarray]] = defaultdict(list)
        self.allocated = 0

    def empty(self, shape: Shape, last: bool = True, dtype: Any = np.float32) -> np.ndarray:
        """Return a new array, channels-last by default; its values are arbitrary."""
        item = np.dtype(dtype).itemsize
        size = -(-max(1, math.prod(shape)) * item // ALIGNMENT) * ALIGNMENT
        kept = self.free[size]
        if kept:
            raw = kept.pop()
        else:
            raw = np.empty(size + ALIGNMENT, np.uint8)
            self.allocated += 1
        start = raw.ctypes.data
        interface = {
            "data": (start + -start % ALIGNMENT, False),
            "shape": shape,
            "strides": tuple(item * n for n in steps(shape, last)),
            "typestr": np.dtype(dtype).str,
            "version": 3,
        }
        return np.asarray(_Block(self, raw, size, interface))


def address(x: np.ndarray) -> int:
    """Return where the first value of an array is."""
    return int(x.ctypes.data)


def pointers(*descs: c_void_p) -> Any:
    """Return a C array of descriptors."""
    return (c_void_p * len(descs))(*(d.value for d in descs))
