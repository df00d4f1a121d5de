"""Rows of features: what their definitions imply; values and gradients: test_base.py."""

import inspect

import numpy as np

from netcfg.engines import Engine
from netcfg.engines.tokens import Tokens

ENGINE = Engine()
RNG = np.random.default_rng(0)


def test_each_row_has_mean_0_and_variance_1() -> None:
    x = RNG.normal(5, 3, (7, 200)).astype(np.float32)
    y, _ = ENGINE.layer_norm(x, np.ones(200, np.float32), None, 0.0)
    np.testing.assert_allclose(y.mean(axis=1, dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(axis=1, dtype=np.float64), 1, atol=1e-5)


def test_rows_without_mean_are_normalized_alike() -> None:
    x = RNG.normal(size=(3, 8))
    x -= x.mean(axis=1, keepdims=True)
    w, e = RNG.normal(size=8), Engine(np.float64)
    a, _ = e.layer_norm(x, w, None, 1e-3)
    b, _ = e.rms_norm(x, w, 1e-3)
    np.testing.assert_allclose(a, b)


def test_gradients_of_parameters() -> None:
    x, dy, w = RNG.normal(size=(4, 6)), RNG.normal(size=(4, 6)), RNG.normal(size=6)
    e = Engine(np.float64)
    ones, zeros = np.ones(6), np.zeros(6)
    z, kept = e.layer_norm(x, ones, zeros, 1e-3)
    _, dw, db = e.layer_norm_grad(dy, w, kept)
    np.testing.assert_allclose(dw, (dy * z).sum(axis=0))
    np.testing.assert_allclose(db, dy.sum(axis=0))
    z, kept = e.rms_norm(x, ones, 1e-3)
    _, dw = e.rms_norm_grad(dy, w, kept)
    np.testing.assert_allclose(dw, (dy * z).sum(axis=0))


def test_no_rows() -> None:
    x, w = ENGINE.zeros((0, 3)), ENGINE.zeros((3,))
    y, kept = ENGINE.layer_norm(x, w, w, 1e-5)
    assert y.shape == (0, 3)
    assert [d.shape for d in ENGINE.layer_norm_grad(y, w, kept)] == [(0, 3), (3,), (3,)]


def test_every_primitive_says_what_it_computes() -> None:
    methods = [m for name, m in inspect.getmembers(Tokens, inspect.isfunction) if name[0] != "_"]
    assert len(methods) == 6
    assert all("→" in (m.__doc__ or "") for m in methods)
