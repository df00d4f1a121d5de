"""Copies between layouts."""

import numpy as np
import pytest

from netcfg.engines.cuda.launch import strided
from tests.engines.cuda.host import HostKernels, check


def copy(kernels: HostKernels, x: np.ndarray, y: np.ndarray, add: bool = False) -> None:
    steps = [tuple(s // a.itemsize for s in a.strides) for a in (x, y)]
    kernels.each("copy_strided", x.size, x, y, strided(x.shape, *steps), add)


def test_permute_slice_reverse_repeat(kernels: HostKernels) -> None:
    x = kernels.array(np.arange(120).reshape(2, 3, 4, 5))
    for view in (
        x.transpose(0, 2, 3, 1),
        x[:, 1:, ::2, ::-1],
        x[:, :, :1].repeat(1, axis=2),
        np.broadcast_to(x[:, :1], (2, 6, 4, 5)),
    ):
        y = kernels.empty(view.shape)
        copy(kernels, view, y)
        np.testing.assert_array_equal(y, view)


def test_into_a_part_and_added(kernels: HostKernels) -> None:
    x = kernels.array(np.arange(24).reshape(2, 3, 4))
    y = kernels.array(np.ones((2, 7, 4)))
    copy(kernels, x, y[:, 2:5])
    copy(kernels, x, y[:, 2:5], add=True)
    expected = np.ones((2, 7, 4))
    expected[:, 2:5] = 2 * np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(y.astype(np.float64), expected)


@pytest.mark.parametrize("width", [5, 16])
@pytest.mark.parametrize("add", [False, True])
def test_rows(kernels: HostKernels, width: int, add: bool) -> None:
    x = kernels.array(np.arange(3 * width).reshape(3, width) % 100)
    y = kernels.array(np.ones((3, 48)))
    kernels.each("copy_rows", x.size, x, y[:, 16:], 3, width, width, 48, add)
    expected = np.ones((3, 48))
    expected[:, 16 : 16 + width] = x.astype(np.float64) + add
    np.testing.assert_array_equal(y.astype(np.float64), expected)


@pytest.mark.parametrize("shape", [(2, 5, 70), (1, 64, 33), (3, 1, 4)])
def test_transpose(kernels: HostKernels, shape: tuple[int, ...]) -> None:
    batch, rows, columns = shape
    x = kernels.array(np.arange(np.prod(shape)).reshape(shape) % 251)
    y = kernels.empty((batch, columns, rows))
    grid = (-(-columns // 32), -(-rows // 32), batch)
    kernels.run("transpose", grid, (32, 8), x, y, rows, columns)
    np.testing.assert_array_equal(y, x.transpose(0, 2, 1))


def test_tile_grad(kernels: HostKernels) -> None:
    dy = kernels.array(np.random.default_rng(0).normal(size=(3, 4, 5)))
    dx = kernels.empty((3, 5))
    kernels.each("tile_grad", 15, dy, dx, 3, 4, 5)
    check(kernels, dx, dy.astype(np.float64).sum(axis=1), 3)
