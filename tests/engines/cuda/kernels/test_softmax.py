"""Softmax in rows and in columns, against the NumPy engine."""

import numpy as np
import pytest

from netcfg.engines.base import Engine
from tests.engines.cuda.host import HostKernels, check

ENGINE = Engine(np.float64)


def rows(kernels: HostKernels, name: str, count: int, width: int, *args: object) -> None:
    kernels.run(name, (-(-count * width // 64),), (64,), *args, width)


@pytest.mark.parametrize(("M", "K", "width"), [(5, 10, 16), (3, 100, 32), (40, 2, 2), (7, 3, 1)])
def test_rows(kernels: HostKernels, M: int, K: int, width: int) -> None:
    rng = np.random.default_rng(K)
    x, dy = (kernels.array(rng.normal(size=(M, K)) * 4) for _ in range(2))
    y, dx = kernels.empty((M, K)), kernels.empty((M, K))
    rows(kernels, "softmax_rows", M, width, x, y, M, K)
    check(kernels, y, ENGINE.softmax(x.astype(np.float64), 1), 4)
    rows(kernels, "softmax_rows_grad", M, width, dy, y, dx, M, K)
    expected = ENGINE.softmax_grad(dy.astype(np.float64), y.astype(np.float64), 1)
    check(kernels, dx, expected, 8)


def test_columns(kernels: HostKernels) -> None:
    shape = (3, 5, 7)
    rng = np.random.default_rng(0)
    x, dy = (kernels.array(rng.normal(size=shape) * 4) for _ in range(2))
    y, dx = kernels.empty(shape), kernels.empty(shape)
    kernels.each("softmax_columns", 21, x, y, *shape)
    check(kernels, y, ENGINE.softmax(x.astype(np.float64), 1), 4)
    kernels.each("softmax_columns_grad", 21, dy, y, dx, *shape)
    expected = ENGINE.softmax_grad(dy.astype(np.float64), y.astype(np.float64), 1)
    check(kernels, dx, expected, 8)


def test_large_values_and_nan(exact: HostKernels) -> None:
    x = exact.array([[1e4, 1e4, 0], [np.nan, 1, 2], [-np.inf, 0, 0]])
    for inner in (False, True):
        y = exact.empty((3, 3))
        if inner:
            exact.each("softmax_columns", 3, x, y, 3, 3, 1)
        else:
            rows(exact, "softmax_rows", 3, 4, x, y, 3, 3)
        np.testing.assert_array_equal(y, [[0.5, 0.5, 0], [np.nan] * 3, [0, 0.5, 0.5]])
