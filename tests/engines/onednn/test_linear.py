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


STACKS = [(4, 3, 5, 6, 7), (2, 1, 1, 6, 7), (1, 2, 9, 1, 33), (3, 2, 40, 64, 1)]


def orders(x: Any) -> list[Any]:
    """Return an array of four axes in several layouts."""
    merged = np.ascontiguousarray(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    flipped = np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
    return [x, merged, flipped, np.repeat(x, 2, axis=3)[..., ::2], np.broadcast_to(x, x.shape)]


@pytest.mark.parametrize("shape", STACKS)
def test_stacks(shape: tuple[int, ...]) -> None:
    n, h, M, K, N = shape
    rng = np.random.default_rng(0)
    engine = get_engine("onednn")
    a, b = (rng.normal(size=(n, h, *s)).astype(np.float32) for s in ((M, K), (K, N)))
    y = a.astype(float) @ b
    for a_, b_ in itertools.product(orders(a), orders(b)):
        made = engine.matmul(a_, b_)
        np.testing.assert_allclose(made, y, atol=1e-4)
        assert made.flags.c_contiguous
    np.testing.assert_allclose(engine.matmul(a, b[0, 0]), a.astype(float) @ b[0, 0], atol=1e-4)
    same = np.broadcast_to(b[:1, :1], b.shape)  # one matrix for all: its values share places
    np.testing.assert_allclose(engine.matmul(a, same), a.astype(float) @ same, atol=1e-4)


def test_large_stacks_run_in_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = get_engine("onednn")
    monkeypatch.setattr(np, "matmul", None)
    a = np.ones((2, 3, 32, 16), np.float32)
    assert (engine.matmul(a, a.swapaxes(-1, -2)) == 16).all()
