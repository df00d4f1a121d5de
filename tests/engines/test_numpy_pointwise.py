"""Blocks of arrays; values: test_base.py."""

import numpy as np

from netcfg.engines.layout import SHARE
from netcfg.engines.numpy_pointwise import relu, relu_grad


def test_arrays_of_several_blocks() -> None:
    rows = SHARE // 1024 * 3
    x = np.random.default_rng(0).normal(size=(rows, 256)).astype(np.float32)
    np.testing.assert_array_equal(relu(np, x, 0.5), np.where(x > 0, x, 0.5 * x))
    np.testing.assert_array_equal(relu_grad(np, x, x, 0.5), np.where(x > 0, x, 0.5 * x))
