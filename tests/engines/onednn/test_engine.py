"""What the engine leaves to NumPy, and what threads change; values: test_base.py."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Conv, Engine, Window, get_engine, threads
from netcfg.engines.onednn.engine import OneDNN

CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 32, 20, 20)).astype(np.float32)
W = RNG.normal(size=(48, 32, 3, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def default_threads() -> Iterator[None]:
    yield
    threads.set_count(None)


def step() -> list[Any]:
    """Return what a few primitives make of images, forward and backward."""
    e = get_engine("onednn")
    y = e.conv(X, W, W[:, 0, 0, 0], CONV)
    z, mean, var, kept = e.norm_scale(y, W[:, 0, 0, 1], W[:, 0, 0, 2], 1e-5, relu=True)
    dy, dw, db = e.norm_scale_grad(z, W[:, 0, 0, 1], 1e-5, kept)
    dx = e.conv_grad_x(dy, W, X.shape, CONV)
    rows = z.reshape(4, -1)
    products = e.linear(rows, rows, None)
    return [y, z, mean, var, dy, dw, db, dx, *e.conv_grad_w(y, X, W.shape, CONV, True), products]


def test_the_number_of_threads_changes_little() -> None:
    threads.set_count(1)
    expected = step()
    for count in (2, 3):
        threads.set_count(count)
        for y, one in zip(step(), expected, strict=True):
            np.testing.assert_allclose(y, one, rtol=0, atol=1e-5 * np.abs(one).max())


def test_other_types_are_numpys() -> None:
    x, w = X.astype(float), W.astype(float)
    y = get_engine("onednn", np.float64).conv(x, w, None, CONV)
    np.testing.assert_array_equal(y, Engine(np.float64).conv(x, w, None, CONV))


def test_frozen_weights_of_other_types_are_themselves() -> None:
    w = W.astype(float)
    assert OneDNN(np.float64).freeze(w) is w
