"""Several arrays into one, against Eltwise."""

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.engines.cuda.launch import terms
from tests.engines.cuda.host import HostKernels, build, check

N = 53


def arrays(kernels: HostKernels, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [kernels.array(rng.integers(-3, 4, N)) for _ in range(count)]  # with equal maxima


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("slope", [None, 0.5])
def test_weighted_sum(kernels: HostKernels, count: int, slope: float | None) -> None:
    xs, coeffs = arrays(kernels, count), [1, -0.5, 2, 0.25, 3, 1, -1, 0.5][:count]
    y = kernels.empty(N)
    kernels.each("weighted_sum", N, terms(xs, coeffs), y, N, slope is not None, slope or 0)
    wide = [x.astype(np.float64) for x in xs]
    check(kernels, y, Engine(np.float64).weighted_sum(wide, coeffs, slope))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("operation", ["PROD", "MAX"])
def test_is_eltwise(kernels: HostKernels, operation: str, count: int) -> None:
    xs, dy = arrays(kernels, count), kernels.array(np.arange(1, N + 1) / 4)
    text = f'type: "Eltwise" eltwise_param {{ operation: {operation} }}'
    layer = build(text, *[(N,)] * count)
    expected = layer.forward(*[x.astype(np.float64) for x in xs])
    y, which = kernels.empty(N), kernels.empty(N, np.uint8)
    if operation == "PROD":
        kernels.each("product", N, terms(xs), y, N)
    else:
        kernels.each("maximum", N, terms(xs), y, which, N)
    check(kernels, y, expected)
    for i, expected_dx in enumerate(layer.backward(dy.astype(np.float64))):
        dx = kernels.empty(N)
        if operation == "PROD":
            kernels.each("product", N, terms([dy, *xs[:i], *xs[i + 1 :]]), dx, N)
        else:
            kernels.each("maximum_grad", N, dy, which, dx, N, i)
        check(kernels, dx, expected_dx)


def test_maximum_without_a_gradient(kernels: HostKernels) -> None:
    xs = arrays(kernels, 4)
    y = kernels.empty(N)
    kernels.each("maximum", N, terms(xs), y, None, N)
    check(kernels, y, np.max([x.astype(np.float64) for x in xs], axis=0))
