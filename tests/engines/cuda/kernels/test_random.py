"""Random numbers: those that NumPy draws."""

from typing import Any

import numpy as np
import pytest

from tests.engines.cuda.host import HostKernels, build, channels_last, check, planes

DROPOUT = 'type: "Dropout" dropout_param { dropout_ratio: 0.3 }'


def stream(layer: Any) -> tuple[int, int, np.ndarray]:
    """Return seed, name and step of what a layer draws."""
    key = layer.random().bit_generator.state["state"]["key"]
    return int(key[0]), int(key[1]), np.array([layer.step], np.uint64)


@pytest.mark.parametrize("n", [1, 8, 77, 800])
def test_uniforms_are_numpys(exact: HostKernels, n: int) -> None:
    u = exact.empty(n, np.float32)
    seed, name, step = 2**63 + 5, 0xFEDCBA98, 2**40 + 3
    exact.each("uniforms", -(-n // 8), u, n, seed, name, np.array([step], np.uint64))
    made = np.random.Generator(
        np.random.Philox(key=np.array([seed, name], np.uint64), counter=[0, 0, step, 0])
    )
    np.testing.assert_array_equal(u, made.random(n, dtype=np.float32))


@pytest.mark.parametrize("n", [5, 64, 333])
def test_dropout_is_the_layer(kernels: HostKernels, n: int) -> None:
    rng = np.random.default_rng(0)
    x, y = kernels.array(rng.normal(size=n)), kernels.empty(n)
    layer = build(DROPOUT, (n,), seed=11)
    layer.step = 4
    args = (n, layer.ratio, layer.scale, *stream(layer))
    kernels.each("dropout", -(-n // 8), x, y, *args)
    expected = layer.forward(x.astype(np.float64))
    np.testing.assert_array_equal(y == 0, expected == 0)
    check(kernels, y, expected)
    kernels.each("dropout", -(-n // 8), y, y, *args)  # in place, as a gradient
    check(kernels, y, layer.backward(expected), 2)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (3, 5, 3, 3), (2, 7, 1, 1), (1, 4, 2, 5)])
def test_dropout_of_channels_last_memory_is_the_layer(
    kernels: HostKernels, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    x = kernels.array(channels_last(rng.normal(size=shape)))
    y = kernels.empty(x.shape)
    layer = build(DROPOUT, shape, seed=1)
    N, C, S = shape[0], shape[1], shape[2] * shape[3]
    threads = N * C * (-(-S // 8) + 1)
    args = (N, C, S, layer.ratio, layer.scale, *stream(layer))
    kernels.each("dropout_last", threads, x, y, *args)
    check(kernels, planes(y), layer.forward(planes(x).astype(np.float64)))


@pytest.mark.parametrize("kind", ["SpatialDropout", "DropPath"])
def test_masks_of_channels_and_items(kernels: HostKernels, kind: str) -> None:
    shape = (6, 5, 2, 3)
    rng = np.random.default_rng(0)
    x = kernels.array(channels_last(rng.normal(size=shape)))
    y = kernels.empty(x.shape)
    fields = "drop_path_param { drop_ratio: 0.5 }" if kind == "DropPath" else ""
    layer = build(f'type: "{kind}" {fields}', shape)
    channels = 5 if kind == "SpatialDropout" else 1
    n = shape[0] * channels
    mask = kernels.empty(n, np.uint8)
    kernels.each("keep_mask", -(-n // 8), mask, n, layer.ratio, *stream(layer))
    block = int(np.prod(shape[1:]))
    kernels.each("dropout_by", x.size, x, mask, y, x.size, block, channels, layer.scale)
    check(kernels, planes(y), layer.forward(planes(x).astype(np.float64)))


def test_the_pass_counts_on_the_device(exact: HostKernels) -> None:
    step, taken = np.array([41], np.uint64), np.zeros(1, np.uint64)
    exact.run("advance", (1,), (1,), step, taken)
    assert (step.tolist(), taken.tolist()) == ([42], [41])


def test_fillers(kernels: HostKernels) -> None:
    n = 40_003
    y = kernels.empty(n, kernels.acc)
    kernels.each("fill", n, y, n, 0.5)
    assert (y == 0.5).all()
    kernels.each("fill_uniform", -(-n // 8), y, n, -1, 3, 5, 6)
    assert -1 <= y.min() < -0.99
    assert 2.99 < y.max() < 3
    assert abs(y.mean() - 1) < 0.02
    kernels.each("fill_normal", -(-n // 8), y, n, 1, 2, 5, 6)
    assert abs(y.mean() - 1) < 0.04
    assert abs(y.std() - 2) < 0.04
    assert abs((np.abs(y - 1) < 2).mean() - 0.6827) < 0.01
    assert abs(np.corrcoef(y[:-1], y[1:])[0, 1]) < 0.02
