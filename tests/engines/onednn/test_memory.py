"""Layouts of arrays and memory that comes again."""

import gc

import numpy as np
import pytest

from netcfg.engines.onednn.library import load
from netcfg.engines.onednn.memory import (
    ALIGNMENT,
    LARGE,
    Pool,
    address,
    dense,
    is_last,
    steps,
    strided,
)


@pytest.mark.parametrize(
    ("shape", "last", "expected"),
    [
        ((2, 3, 4, 5), False, (60, 20, 5, 1)),
        ((2, 3, 4, 5), True, (60, 1, 15, 3)),
        ((2, 3, 4), True, (12, 1, 3)),
        ((2, 3), True, (3, 1)),
        ((7,), True, (1,)),
        ((), True, ()),
    ],
)
def test_steps(shape: tuple[int, ...], last: bool, expected: tuple[int, ...]) -> None:
    assert steps(shape, last) == expected


def test_descriptors_of_one_layout_are_equal() -> None:
    equal = load().equal
    assert equal(dense((2, 3, 4, 5)), strided((2, 3, 4, 5), (60, 1, 15, 3)))
    assert not equal(dense((2, 3, 4, 5)), dense((2, 3, 4, 5), last=False))
    assert load().size(dense((2, 3, 4, 5))) == 480
    assert load().size(dense((2, 3), dtype=np.uint8)) == 6


def test_which_arrays_are_channels_last() -> None:
    x = np.zeros((2, 3, 4, 5))
    assert not is_last(x)
    assert is_last(np.zeros((2, 4, 5, 3)).transpose(0, 3, 1, 2))
    assert is_last(np.zeros((2, 1, 4, 5)))
    assert is_last(np.zeros((2, 3)))
    assert not is_last(np.zeros((3, 2)).T)


def test_memory_is_aligned_and_comes_again() -> None:
    pool = Pool()
    x = pool.empty((2, 3, 4, 5))
    assert is_last(x)
    assert x.dtype == np.float32
    where = address(x)
    assert where % ALIGNMENT == 0
    part = x[1:, 0]
    del x
    y = pool.empty((2, 3, 4, 5), last=False)
    assert y.flags.c_contiguous
    assert address(y) != where, "a view keeps the memory"
    part[...] = 1
    del part
    gc.collect()
    assert address(pool.empty((120,))) == where
    assert pool.allocated == 2


def test_large_arrays_take_larger_blocks() -> None:
    pool = Pool()
    whole, small = pool.empty((LARGE,)), pool.empty((100,))  # 4 MB
    where = address(whole), address(small)
    del whole, small
    gc.collect()
    half = pool.empty((LARGE // 2,))
    assert address(half) == where[0]
    quarter = pool.empty((LARGE // 4,))
    assert address(quarter) not in where, "the only larger block is in use"
    assert address(pool.empty((50,))) != where[1], "small arrays have blocks of their own size"
    del half
    gc.collect()
    assert address(pool.empty((LARGE,))) == where[0], "it is as large as before"
    del quarter
    gc.collect()
    assert address(pool.empty((LARGE // 3,))) != where[0], "three times as large is too large"


def test_a_cleared_pool_takes_new_memory() -> None:
    pool = Pool()
    pool.empty((100,))
    gc.collect()
    pool.clear()
    pool.empty((100,))
    assert pool.allocated == 2


def test_address() -> None:
    x = np.arange(12.0).reshape(3, 4)
    for view in (x, x[1:], x[:, 2:], x.T, x[::-1]):
        assert address(view) == view.ctypes.data


def test_arrays_of_nothing() -> None:
    assert Pool().empty((0, 3)).shape == (0, 3)
    assert Pool().empty(()).shape == ()
