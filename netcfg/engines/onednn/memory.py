"""Arrays and descriptors of memory: how shapes lie in it, and where it comes from."""

import contextlib
import ctypes
import functools
import itertools
import math
from collections import defaultdict
from ctypes import c_int, c_void_p
from typing import Any

import numpy as np

from netcfg.engines import malloc
from netcfg.engines.onednn.library import Dims, load
from netcfg.errors import NetError
from netcfg.types import Shape

TYPES = {np.dtype(np.float32): 3, np.dtype(np.int32): 4, np.dtype(np.uint8): 6}
"""oneDNN's number of each dtype; ``bfloat16`` adds its own."""


@functools.cache
def bfloat16() -> np.dtype[Any]:
    """Return the dtype of the 16-bit floats that have the range of float32.

    Raises:
        NetError: the package that has it for NumPy is missing.
    """
    try:
        import ml_dtypes
    except ImportError as error:
        raise NetError("bfloat16 needs ml_dtypes: `pip install 'netcfg[bf16]'`") from error
    dtype = np.dtype(ml_dtypes.bfloat16)
    TYPES[dtype] = 2
    return dtype


ALIGNMENT = 64
"""Bytes of a cache line, and of the longest vector."""

LARGE = 1 << 20
"""Bytes from which on an array may take a larger block, rather than new memory."""

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


@functools.cache
def _plan(shape: Shape, last: bool, dtype: Any) -> tuple[int, Shape, str]:
    """Return the bytes to reserve, the strides in bytes and the type string of an array."""
    item = np.dtype(dtype).itemsize
    size = -(-max(1, math.prod(shape)) * item // ALIGNMENT) * ALIGNMENT
    return size, tuple(item * n for n in steps(shape, last)), np.dtype(dtype).str


class Block:
    """Memory that returns to its pool when no array looks at it any more.

    Attributes:
        serial: a number that no other block has.
        address: of the first byte.
        size: in bytes.
    """

    __slots__ = ("__array_interface__", "address", "kept", "memory", "serial", "size")
    count = itertools.count()

    def __init__(
        self,
        kept: list[Any],
        memory: tuple[np.ndarray, int],
        size: int,
        interface: dict[str, Any],
    ) -> None:
        self.kept, self.memory, self.size = kept, memory, size
        self.serial, self.address = next(self.count), memory[1]
        self.__array_interface__ = interface

    def __del__(self) -> None:
        self.kept.append(self.memory)


def block_of(x: Any) -> Block | None:
    """Return the block that an array lies in, None where it has other memory."""
    while isinstance(x, np.ndarray):
        x = x.base
    return x if isinstance(x, Block) else None


def aligned(size: int) -> tuple[np.ndarray, int]:
    """Return new memory and the address of its first aligned byte, which so many follow."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    return raw, raw.ctypes.data + -raw.ctypes.data % ALIGNMENT


def lasting(size: int) -> np.ndarray:
    """Return new bytes for what is kept, which would only keep a block from its pool."""
    raw, start = aligned(size)
    first = start - raw.ctypes.data
    return raw[first : first + size]


class Pool:
    """Aligned memory for arrays; what is freed comes again at the next request of its size.

    Large arrays also take a free block of up to twice their size.

    Attributes:
        allocated: how many blocks were taken from the system.
        read_only: whether only oneDNN may write to new arrays.
    """

    def __init__(self) -> None:
        self._free: dict[int, list[tuple[np.ndarray, int]]] = defaultdict(list)
        self.allocated = 0
        self.read_only = False

    def empty(self, shape: Shape, last: bool = True, dtype: Any = np.float32) -> np.ndarray:
        """Return a new array, channels-last by default; its values are arbitrary."""
        size, strides, typestr = _plan(shape, last, dtype)
        kept, memory = self._take(size)
        interface = {
            "data": (memory[1], self.read_only),
            "shape": shape,
            "strides": strides,
            "typestr": typestr,
            "version": 3,
        }
        array = np.asarray(Block(kept, memory, size, interface))
        return array.view(dtype) if typestr == "<V2" else array  # bfloat16 has no type string

    def _take(self, size: int) -> tuple[list[tuple[np.ndarray, int]], tuple[np.ndarray, int]]:
        """Return memory of at least so many bytes, and where it goes when it is free again."""
        kept = self._free[size]
        try:
            return kept, kept.pop()
        except IndexError:  # asking first would not do: other threads take blocks too
            pass
        if size >= LARGE:
            for other in sorted(n for n in list(self._free) if size < n <= 2 * size):
                with contextlib.suppress(IndexError):
                    return self._free[other], self._free[other].pop()
        return kept, self._allocate(size)

    def clear(self) -> None:
        """Give what is free back to the system."""
        for kept in self._free.values():
            kept.clear()
        malloc.give_back()

    def _allocate(self, size: int) -> tuple[np.ndarray, int]:
        self.allocated += 1
        return aligned(size)


_Pointer = ctypes.c_size_t
_HEADER = object.__basicsize__
"""Bytes of what every Python object begins with; NumPy's pointer to the data comes next."""


def address(x: np.ndarray) -> int:
    """Return where the first value of an array is, faster than ``x.ctypes.data``."""
    return _Pointer.from_address(id(x) + _HEADER).value


def pointers(*descs: c_void_p) -> Any:
    """Return a C array of descriptors."""
    return (c_void_p * len(descs))(*(d.value for d in descs))
