"""Products of matrices of any strides."""

import itertools
from typing import Any

import numpy as np
import pytest

from netcfg.engines import get_engine

SHAPES = [(2, 3, 4), (64, 500, 10), (5, 1, 7), (3, 4, 1), (1, 6, 5), (17, 33, 65)]


def layouts(x: Any) -> list[Any]:
    wide = np.zeros((x.shape[0], 2 * x.shape[1] + 3), np.float32)
    part = wide[:, 1 : 1 + x.shape[1]]
    part[...] = x
    return [x, np.asfortranarray(x), part, x[::-1][::-1], np.repeat(x, 2, axis=1)[:, ::2]]


@pytest.mark.parametrize("shape", SHAPES)
def test_products(shape: tuple[int, int, int]) -> None:
    M, K, N = shape
    rng = np.random.default_rng(0)
    engine = get_engine("onednn")
    x, w, b, dy = (rng.normal(size=s).astype(np.float32) for s in ((M, K), (N, K), (N,), (M, N)))
    y = x.astype(float) @ w.T + b
    for x_, w_, dy_ in itertools.product(layouts(x), layouts(w), layouts(dy)):
        np.testing.assert_allclose(engine.linear(x_, w_, b), y, atol=1e-4)
        np.testing.assert_allclose(
            engine.linear(x_, w_, b, 0.5), np.where(y > 0, y, y / 2), atol=1e-4
        )
        np.testing.assert_allclose(engine.linear_grad_x(dy_, w_), dy @ w, atol=1e-4)
        np.testing.assert_allclose(engine.linear_grad_w(dy_, x_), dy.T @ x, atol=1e-4)
