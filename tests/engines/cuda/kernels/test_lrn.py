"""Local response normalization, against the layer."""

import numpy as np
import pytest

from netcfg.engines.base import Window
from netcfg.engines.cuda import launch
from tests.engines.cuda.host import HostKernels, build, channels_last, check, planes

SHAPE = (2, 7, 4, 5)


@pytest.mark.parametrize("beta", [0.75, 0.6])
@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("within", [False, True])
def test_is_the_layer(kernels: HostKernels, within: bool, size: int, beta: float) -> None:
    region = "WITHIN_CHANNEL" if within else "ACROSS_CHANNELS"
    text = (
        f'type: "LRN" lrn_param {{ local_size: {size} alpha: 0.5 beta: {beta} k: 2 '
        f"norm_region: {region} }}"
    )
    layer = build(text, SHAPE)
    rng = np.random.default_rng(size)
    x, dy = (kernels.array(channels_last(rng.normal(size=SHAPE))) for _ in range(2))
    y, dx, scale = (
        kernels.empty(x.shape),
        kernels.empty(x.shape),
        kernels.empty(x.shape, kernels.acc),
    )
    n, C = x.size, SHAPE[1]
    beta = layer.beta
    if within:
        pad = size // 2
        window = Window((size, size), (1, 1), (pad, pad), (1, 1))
        g = launch.window(SHAPE[0], C, SHAPE[2:], SHAPE[2:], window)
        kernels.each("lrn_within", n, x, y, scale, g, 0.5, beta)
        kernels.each("lrn_within_grad", n, dy, x, scale, dx, g, 0.5, beta)
    else:
        kernels.each("lrn", n, x, y, scale, n, C, size, 0.5, beta, 2)
        kernels.each("lrn_grad", n, dy, x, scale, dx, n, C, size, 0.5, beta)
    check(kernels, planes(y), layer.forward(planes(x).astype(np.float64)), 4)
    check(kernels, planes(dx), layer.backward(planes(dy).astype(np.float64)), 8)


def test_without_a_gradient_no_scale_is_kept(exact: HostKernels) -> None:
    x = exact.array(np.ones((2, 3)))
    y = exact.empty((2, 3))
    exact.each("lrn", 6, x, y, None, 6, 3, 3, 3.0, 1.0, 1.0)
    np.testing.assert_allclose(y, [[1 / 3, 1 / 4, 1 / 3]] * 2)
