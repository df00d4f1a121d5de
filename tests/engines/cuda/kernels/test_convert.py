"""Conversions between storage types, against NumPy's."""

import numpy as np
import pytest

from tests.engines.cuda.host import HostKernels, check, dtype_of

SPECIAL = [0, -0.0, 1, -1, 65504, 65520, 1e-8, 6e-5, 3.4e38, 1e-40, np.inf, -np.inf, np.nan]
TYPES = {"f16": "float16", "bf16": "bfloat16", "f32": "float32"}


@pytest.mark.parametrize(
    "name", ["f32_to_f16", "f32_to_bf16", "f16_to_f32", "bf16_to_f32", "f16_to_bf16", "bf16_to_f16"]
)
def test_is_numpy(exact: HostKernels, name: str) -> None:
    source, target = (dtype_of(TYPES[part]) for part in name.split("_to_"))
    rng = np.random.default_rng(0)
    halves = 1 + np.arange(64) / 2**8  # between two neighbours, to either side
    x = np.concatenate([SPECIAL, rng.normal(size=500) * 10.0 ** rng.integers(-8, 8, 500), halves])
    with np.errstate(over="ignore"):
        x = exact.array(x.astype(np.float32), source)
        expected = x.astype(np.float32).astype(target)
    y = exact.empty(x.shape, target)
    exact.each(name, len(x), x, y, len(x))
    np.testing.assert_array_equal(y.astype(np.float32), expected.astype(np.float32))


def test_with_a_factor_and_added(kernels: HostKernels) -> None:
    x = kernels.array(np.random.default_rng(0).normal(size=50))
    wide, back = kernels.empty(50, kernels.acc), kernels.empty(50)
    kernels.each("to_acc", 50, x, wide, 50, 0.5)
    expected = x.astype(kernels.acc) * 0.5
    np.testing.assert_array_equal(wide, expected)
    kernels.each("accumulate", 50, x, wide, 50, -0.25)
    np.testing.assert_allclose(wide, expected / 2, rtol=1e-6)
    kernels.each("from_acc", 50, wide, back, 50, 4)
    check(kernels, back, x.astype(np.float64))
