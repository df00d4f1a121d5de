"""Conversions between storage types, against NumPy's."""

import numpy as np

from tests.engines.cuda.host import HostKernels, check

SPECIAL = [0, -0.0, 1, -1, 65504, 65520, 1e-8, 6e-5, 3.4e38, 1e-40, np.inf, -np.inf, np.nan]


def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    halves = 1 + np.arange(64) / 2**8  # between two neighbours, to either side
    drawn = rng.normal(size=500) * 10.0 ** rng.integers(-8, 8, 500)
    return np.concatenate([SPECIAL, drawn, halves]).astype(np.float32)


def test_is_numpy(kernels: HostKernels) -> None:
    x = kernels.array(values(), kernels.acc)
    with np.errstate(over="ignore"):
        expected = x.astype(kernels.dtype)
    y, back = kernels.empty(x.shape), kernels.empty(x.shape, kernels.acc)
    kernels.each("from_acc", len(x), x, y, len(x), 1)
    np.testing.assert_array_equal(y.astype(np.float64), expected.astype(np.float64))
    kernels.each("to_acc", len(x), y, back, len(x), 1)
    np.testing.assert_array_equal(back, expected.astype(kernels.acc))


def test_with_a_factor(kernels: HostKernels) -> None:
    x = kernels.array(np.random.default_rng(0).normal(size=50))
    wide, back = kernels.empty(50, kernels.acc), kernels.empty(50)
    kernels.each("to_acc", 50, x, wide, 50, 0.5)
    np.testing.assert_array_equal(wide, x.astype(kernels.acc) * 0.5)
    kernels.each("from_acc", 50, wide, back, 50, 2)
    check(kernels, back, x.astype(np.float64))
