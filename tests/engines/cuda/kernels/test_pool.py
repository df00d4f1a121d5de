"""Pooling of random geometry, against the NumPy engine and the layer."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine, Window
from netcfg.engines.cuda import launch
from netcfg.types import Phase
from tests.engines.cuda.host import HostKernels, build, channels_last, check, planes
from tests.engines.test_numpy_pool import random_pool

ENGINE = Engine(np.float64)


def geometry(shape: tuple[int, ...], window: Window, out: tuple[int, ...]) -> Any:
    return launch.window(shape[0], shape[1], shape[2:], out, window)


def memory(kernels: HostKernels, x: np.ndarray) -> np.ndarray:
    return kernels.array(channels_last(x))


@pytest.mark.parametrize("seed", range(24))
def test_random_geometry(kernels: HostKernels, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape, window, out = random_pool(rng)
    if seed % 3 == 0:
        shape = (shape[0], 8, *shape[2:])  # in packs
    g, n, m = geometry(shape, window, out), int(np.prod(shape)), shape[0] * shape[1] * np.prod(out)
    x = memory(kernels, rng.integers(0, 9, shape))
    dy = memory(kernels, rng.normal(size=(*shape[:2], *out)))
    wide, slope = planes(x).astype(np.float64), planes(dy).astype(np.float64)
    y, mask = kernels.empty(dy.shape), kernels.empty(dy.shape, np.int32)
    kernels.each("max_pool", int(m), x, y, mask, g)
    expected, expected_mask = ENGINE.max_pool(wide, window, out)
    np.testing.assert_array_equal(planes(y).astype(np.float64), expected)
    np.testing.assert_array_equal(planes(mask), expected_mask)
    dx = kernels.empty(x.shape)
    kernels.each("max_pool_grad", n, dy, mask, dx, g)
    check(kernels, planes(dx), ENGINE.max_pool_grad(slope, expected_mask, shape, window), 4)
    kernels.each("ave_pool", int(m), x, y, g)
    check(kernels, planes(y), ENGINE.ave_pool(wide, window, out), 4)
    kernels.each("ave_pool_grad", n, dy, dx, g)
    check(kernels, planes(dx), ENGINE.ave_pool_grad(slope, shape, window), 4)


def test_dilated_maxima(exact: HostKernels) -> None:
    window = Window((3, 2), (2, 1), (1, 1), (2, 3))
    rng = np.random.default_rng(1)
    shape = (2, 3, 9, 8)
    out = window.out(shape[2:])
    x, dy = rng.normal(size=shape), rng.normal(size=(2, 3, *out))
    g = geometry(shape, window, out)
    y, mask = exact.empty(channels_last(dy).shape), exact.empty(channels_last(dy).shape, np.int32)
    exact.each("max_pool", dy.size, memory(exact, x), y, mask, g)
    expected, expected_mask = ENGINE.max_pool(x, window, out)
    np.testing.assert_array_equal(planes(y), expected)
    np.testing.assert_array_equal(planes(mask), expected_mask)
    dx = exact.empty(channels_last(x).shape)
    exact.each("max_pool_grad", x.size, memory(exact, dy), mask, dx, g)
    check(exact, planes(dx), ENGINE.max_pool_grad(dy, expected_mask, shape, window), 4)


def test_the_first_nan_is_the_maximum(kernels: HostKernels) -> None:
    x = np.array([[[1, np.nan], [np.nan, 3]]])[None]
    window = Window((2, 2), (1, 1), (0, 0), (1, 1))
    y, mask = kernels.empty(1), kernels.empty(1, np.int32)
    kernels.each("max_pool", 1, memory(kernels, x), y, mask, geometry((1, 1, 2, 2), window, (1, 1)))
    assert np.isnan(y.astype(np.float64)).all()
    assert mask.tolist() == [1]


@pytest.mark.parametrize("size", [(6, 6), (5, 7)])
def test_stochastic_is_the_layer(size: tuple[int, int]) -> None:
    """In float32, bit for bit: the same sums, the same draws."""
    kernels = HostKernels("float32")
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }'
    shape = (2, 3, *size)
    rng = np.random.default_rng(2)
    x = np.abs(rng.normal(size=shape)).astype(np.float32)
    layer = build(text, shape, dtype=np.float32, seed=7)
    layer.step = 5
    expected = layer.forward(x)
    out = expected.shape[2:]
    g = geometry(shape, Window((3, 3), (2, 2), (0, 0), (1, 1)), out)
    y = kernels.empty(channels_last(expected).shape)
    mask = kernels.empty(y.shape, np.int32)
    seed, name, step = stream(layer)
    kernels.each("stochastic_pool", y.size, memory(kernels, x), y, mask, g, seed, name, step)
    np.testing.assert_array_equal(planes(y), expected)
    dy = rng.normal(size=expected.shape).astype(np.float32)
    dx = kernels.empty(channels_last(x).shape)
    kernels.each("max_pool_grad", x.size, memory(kernels, dy), mask, dx, g)
    check(kernels, planes(dx), layer.backward(dy), 4)


def stream(layer: Any) -> tuple[int, int, np.ndarray]:
    """Return seed, name and step of what a layer draws."""
    state = layer.random().bit_generator.state["state"]
    return int(state["key"][0]), int(state["key"][1]), np.array([layer.step], np.uint64)


def test_expected_is_the_layer_in_test(exact: HostKernels) -> None:
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }'
    shape = (2, 3, 6, 7)
    rng = np.random.default_rng(2)
    x = np.maximum(rng.normal(size=shape), 0)
    x[0, 0] = 0
    layer = build(text, shape, phase=Phase.TEST)
    expected = layer.forward(x)
    dy = rng.normal(size=expected.shape)
    g = geometry(shape, Window((3, 3), (2, 2), (0, 0), (1, 1)), expected.shape[2:])
    y, dx = exact.empty(channels_last(dy).shape), exact.empty(channels_last(x).shape)
    exact.each("expected_pool", y.size, memory(exact, x), y, g)
    check(exact, planes(y), expected, 20)
    exact.each("expected_pool_grad", x.size, memory(exact, dy), memory(exact, x), dx, g)
    check(exact, planes(dx), layer.backward(dy), 50)
