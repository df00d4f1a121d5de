"""im2col and its gradient, against the NumPy engine."""

import numpy as np
import pytest

from netcfg.engines.base import Engine, Window
from netcfg.engines.cuda import launch
from tests.engines.cuda.host import HostKernels, channels_last, check, planes

ENGINE = Engine(np.float64)
CASES = {
    "plain": ((2, 3, 5, 6), Window((3, 3), (1, 1), (0, 0), (1, 1))),
    "all": ((2, 3, 7, 8), Window((3, 2), (2, 1), (1, 2), (2, 3))),
    "one axis": ((2, 4, 9), Window((4,), (3,), (2,), (1,))),
    "three axes": ((1, 2, 4, 5, 3), Window((2, 3, 2), (1, 2, 1), (1, 0, 1), (1, 1, 1))),
}


@pytest.mark.parametrize("case", CASES)
def test_is_numpy(kernels: HostKernels, case: str) -> None:
    shape, window = CASES[case]
    out = window.out(shape[2:])
    rng = np.random.default_rng(1)
    x = kernels.array(channels_last(rng.normal(size=shape)))
    columns = shape[1] * int(np.prod(window.kernel))
    dy = kernels.array(rng.normal(size=(shape[0], *out, columns)))
    y, dx = kernels.empty(dy.shape), kernels.empty(x.shape)
    g = launch.window(shape[0], shape[1], shape[2:], out, window)
    kernels.each("im2col", y.size, x, y, g)
    np.testing.assert_array_equal(
        planes(y).astype(np.float64), ENGINE.im2col(planes(x).astype(np.float64), window)
    )
    kernels.each("col2im", x.size, dy, dx, g)
    expected = ENGINE.im2col_grad(planes(dy).astype(np.float64), shape, window)
    check(kernels, planes(dx), expected, 4)
