"""Copies between layouts."""

import numpy as np
import pytest

from netcfg.engines.cuda.launch import strided
from tests.engines.cuda.host import HostKernels


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


@pytest.mark.parametrize("shape", [(2, 5, 70), (1, 64, 33), (3, 1, 4)])
def test_transpose(kernels: HostKernels, shape: tuple[int, ...]) -> None:
    batch, rows, columns = shape
    x = kernels.array(np.arange(np.prod(shape)).reshape(shape) % 251)
    y = kernels.empty((batch, columns, rows))
    grid = (-(-columns // 32), -(-rows // 32), batch)
    kernels.run("transpose", grid, (32, 8), x, y, rows, columns)
    np.testing.assert_array_equal(y, x.transpose(0, 2, 1))
