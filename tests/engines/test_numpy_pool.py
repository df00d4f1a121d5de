"""Pooling of random geometry, both ways."""

import math
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine, Window, layout, numpy_pool
from tests.engines import reference

ENGINE = Engine(np.float64)


def random_pool(rng: np.random.Generator) -> tuple[tuple[int, ...], Window, tuple[int, ...]]:
    """Draw the shape of x, a window and the output, rounded up or down as in Caffe."""
    axes = int(rng.choice([1, 2, 2, 2, 3]))
    kernel = tuple(int(k) for k in rng.integers(1, 5, axes))
    stride = tuple(int(s) for s in rng.integers(1, 4, axes))
    pad = tuple(int(rng.integers(0, k)) for k in kernel)
    size = tuple(k + int(rng.integers(0, 6)) for k in kernel)
    up = rng.integers(0, 2)
    out = []
    for n, k, s, p in zip(size, kernel, stride, pad, strict=True):
        count = (n + 2 * p - k + up * (s - 1)) // s + 1
        out.append(min(count, (n + p - 1) // s + 1))  # no window begins behind the image
    x = (int(rng.integers(1, 3)), int(rng.integers(1, 4)), *size)
    return x, Window(kernel, stride, pad, (1,) * axes), tuple(out)


@pytest.mark.parametrize("ways", ["taps", "outputs"])
@pytest.mark.parametrize("seed", range(30))
def test_random_geometry(monkeypatch: Any, seed: int, ways: str) -> None:
    monkeypatch.setattr(numpy_pool, "_few_outputs", lambda window, out: ways == "outputs")
    monkeypatch.setattr(layout, "BLOCK", 1)
    rng = np.random.default_rng(seed)
    shape, window, out = random_pool(rng)
    x = rng.integers(0, 9, shape).astype(np.float64)
    y, mask = ENGINE.max_pool(x, window, out)
    expected_y, expected_mask = reference.max_pool(x, window, out)
    assert np.array_equal(y, expected_y)
    assert np.array_equal(mask, expected_mask)
    dy = rng.normal(size=y.shape)
    dx = ENGINE.max_pool_grad(dy, mask, shape, window)
    np.testing.assert_allclose(dx, reference.max_pool_grad(dy, mask, shape, window), atol=1e-12)
    y = ENGINE.ave_pool(x, window, out)
    np.testing.assert_allclose(y, reference.ave_pool(x, window, out), atol=1e-12)
    dx = ENGINE.ave_pool_grad(dy, shape, window)
    np.testing.assert_allclose(dx, reference.ave_pool_grad(dy, shape, window), atol=1e-12)


def test_first_of_equals_wins() -> None:
    x = np.zeros((1, 1, 3, 3))
    for window in (Window((2, 2), (1, 1), (0, 0), (1, 1)), Window((3, 3), (1, 1), (0, 0), (1, 1))):
        out = window.out((3, 3))
        mask = ENGINE.max_pool(x, window, out)[1]
        assert mask.reshape(-1).tolist() == [0, 1, 3, 4][: math.prod(out)]


def test_average_counts_padding_but_not_what_hangs_over() -> None:
    """Caffe's rule: the window is cut off at the end of the padding on the right only."""
    window = Window((3,), (2,), (1,), (1,))
    y = ENGINE.ave_pool(np.ones((1, 1, 4)), window, (3,))
    # Windows [-1, 2), [1, 4) and [3, 6), of which [3, 5) lies on the padded image.
    np.testing.assert_allclose(y.reshape(-1), [2 / 3, 1, 1 / 2])


def test_mask_of_any_integer_type_serves_the_gradient() -> None:
    window = Window((2, 2), (2, 2), (0, 0), (1, 1))
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    y, mask = ENGINE.max_pool(x, window, (2, 2))
    dx = ENGINE.max_pool_grad(y, mask, x.shape, window)
    assert np.array_equal(dx, ENGINE.max_pool_grad(y, mask.astype(np.int64), x.shape, window))
    assert np.array_equal(dx, np.where(dx != 0, x, 0))
