"""Vectors by channel and batch normalization, against the NumPy engine."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine
from tests.engines.cuda.host import HostKernels, build, channels_last, check, planes

ENGINE = Engine(np.float64)
EPS = 1e-3
SHAPES = [(3, 5, 4, 7), (2, 40, 3, 5), (9, 16), (70, 33), (9, 40, 6, 7)]


class Layout:
    """Arrays (N, C, *S) in C order or channels-last, and what kernels want to know of them."""

    def __init__(self, kernels: HostKernels, shape: tuple[int, ...], last: bool) -> None:
        self.kernels, self.last = kernels, last
        self.C = shape[1]
        self.n = int(np.prod(shape))
        self.rows = self.n // self.C
        self.inner = 1 if last else int(np.prod(shape[2:]))
        self.rng = np.random.default_rng(self.n)
        self.shape = shape
        self.memory = (shape[0], *shape[2:], shape[1]) if last else shape

    def array(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return memory with ``values`` and, in float64, what is in it as (N, C, *S)."""
        memory = self.kernels.array(channels_last(values) if self.last else values)
        return memory, self.read(memory)

    def normal(self, mean: float = 0) -> tuple[np.ndarray, np.ndarray]:
        return self.array(self.rng.normal(mean, 1, self.shape))

    def empty(self) -> np.ndarray:
        return self.kernels.empty(self.memory)

    def read(self, memory: np.ndarray) -> np.ndarray:
        return (planes(memory) if self.last else memory).astype(np.float64)

    def vector(self, low: float = -1) -> np.ndarray:
        return self.kernels.array(self.rng.uniform(low, 2, self.C), self.kernels.acc)

    def vectors(self, count: int) -> list[np.ndarray]:
        return [self.kernels.empty(self.C, self.kernels.acc) for _ in range(count)]

    def partial(self, name: str, parts: int, *args: Any) -> np.ndarray:
        """Run a kernel that sums over rows; ``...`` stands for the array that it fills."""
        sums = self.kernels.empty((2, parts, self.C), self.kernels.acc)
        args = tuple(sums if a is ... else a for a in args)
        self.kernels.run(name, (-(-self.C // 32), parts), (32, 8), *args)
        return sums

    def check(self, memory: np.ndarray, expected: np.ndarray, factor: float = 1) -> None:
        made = np.ascontiguousarray(planes(memory) if self.last else memory)
        check(self.kernels, made, expected, factor)


@pytest.fixture(params=[(s, last) for s in SHAPES for last in (True, False)], ids=str)
def layout(request: pytest.FixtureRequest, kernels: HostKernels) -> Layout:
    return Layout(kernels, *request.param)


@pytest.mark.parametrize("bend", [False, True])
def test_scale(kernels: HostKernels, layout: Layout, bend: bool) -> None:
    (x, wide), w, b = layout.normal(), layout.vector(), layout.vector()
    ones = [1] * (len(layout.shape) - 2)
    factor, shift = (v.astype(np.float64).reshape(-1, *ones) for v in (w, b))
    for args in ((w, b), (w, None), (None, b)):
        y = layout.empty()
        expected = wide * (1 if args[0] is None else factor) + (0 if args[1] is None else shift)
        expected = ENGINE.relu(expected, 0.25) if bend else expected
        size = layout.n, layout.C, layout.inner
        kernels.each("scale_channels", layout.n, x, *args, y, *size, bend, 0.25)
        layout.check(y, expected, 2)


@pytest.mark.parametrize("shared", [False, True])
def test_prelu(kernels: HostKernels, layout: Layout, shared: bool) -> None:
    (x, wide), (dy, slope) = layout.normal(), layout.normal()
    text = f'type: "PReLU" prelu_param {{ channel_shared: {str(shared).lower()} }}'
    layer = build(text, layout.shape)
    a = layout.vector()[: 1 if shared else None]
    layer.params[0].data[...] = a[0] if shared else a
    size = layout.n, len(a), layout.inner
    y, dx = layout.empty(), layout.empty()
    kernels.each("prelu", layout.n, x, a, y, *size)
    layout.check(y, layer.forward(wide))
    kernels.each("prelu_grad", layout.n, dy, x, a, dx, *size)
    layout.check(dx, layer.backward(slope))
    (da,) = layout.vectors(1)
    sums = layout.partial(
        "channel_sums_partial", 2, dy, x, ..., layout.rows, layout.C, layout.inner, 2
    )
    kernels.each("fold_sums", layout.C, sums, da, 2, layout.C, 0)
    expected = layer.params[0].diff
    total = da.astype(np.float64).sum() if shared else da
    np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("parts", [1, 3])
def test_channel_sums(kernels: HostKernels, layout: Layout, parts: int) -> None:
    (a, wide_a), (b, wide_b) = layout.normal(), layout.normal()
    (sums,) = layout.vectors(1)
    for op, second, expected in ((0, None, wide_a), (1, b, wide_a * wide_b)):
        args = (a, second, ..., layout.rows, layout.C, layout.inner, op)
        partial = layout.partial("channel_sums_partial", parts, *args)
        kernels.each("fold_sums", layout.C, partial, sums, parts, layout.C, 0)
        check(kernels, sums, ENGINE.sum_to_axis(expected, 1), 30)
    kernels.each("fold_sums", layout.C, partial, sums, parts, layout.C, 1)
    check(kernels, sums, 2 * ENGINE.sum_to_axis(wide_a * wide_b, 1), 30)


@pytest.mark.parametrize("scaled", [False, True])
def test_batch_norm(kernels: HostKernels, layout: Layout, scaled: bool) -> None:
    (x, wide), (dy, slope) = layout.normal(3), layout.normal()
    w, b = (layout.vector(), layout.vector()) if scaled else (None, None)
    mean, var, sum_dy, sum_dy_z = layout.vectors(4)
    size = layout.C, layout.inner
    partial = layout.partial("batch_norm_partial", 3, x, ..., layout.rows, *size)
    kernels.each("fold_batch_norm", layout.C, partial, x, mean, var, 3, layout.rows, *size)
    y, dx = layout.empty(), layout.empty()
    kernels.each("normalize", layout.n, x, mean, var, w, b, y, layout.n, *size, EPS, scaled)
    given = (dy, x, mean, var, w, b)
    partial = layout.partial(
        "batch_norm_grad_partial", 2, *given, ..., layout.rows, *size, EPS, scaled
    )
    kernels.each("fold_batch_norm_grad", layout.C, partial, sum_dy, sum_dy_z, 2, layout.C)
    last = (dx, layout.n, *size, layout.rows, EPS, scaled)
    kernels.each("batch_norm_grad", layout.n, *given, sum_dy, sum_dy_z, *last)
    ones, zeros = np.ones(layout.C), np.zeros(layout.C)
    wide_w = ones if w is None else w.astype(np.float64)
    wide_b = zeros if b is None else b.astype(np.float64)
    made = ENGINE.norm_scale(wide, wide_w, wide_b, EPS, scaled)
    expected_dx, dw, db = ENGINE.norm_scale_grad(slope, wide_w, EPS, made[3])
    check(kernels, mean, made[1], 10)
    check(kernels, var, made[2], 30)
    layout.check(y, made[0], 6)
    np.testing.assert_allclose(sum_dy, db, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(sum_dy_z, dw, rtol=1e-4, atol=1e-4)
    layout.check(dx, expected_dx, 20)


def test_gradient_from_the_normalized_array(exact: HostKernels) -> None:
    layout = Layout(exact, (4, 6, 3, 3), True)
    (_, wide), (dy, slope) = layout.normal(), layout.normal()
    z, _, var = ENGINE.batch_norm(wide, EPS)
    memory, _ = layout.array(z)
    spread = exact.array(var)
    sums, dx = layout.vectors(2), layout.empty()
    given = (dy, memory, None, spread, None, None)
    partial = layout.partial("batch_norm_grad_partial", 1, *given, ..., layout.rows, 6, 1, EPS, 0)
    exact.each("fold_batch_norm_grad", 6, partial, *sums, 1, 6)
    exact.each("batch_norm_grad", layout.n, *given, *sums, dx, layout.n, 6, 1, layout.rows, EPS, 0)
    layout.check(dx, ENGINE.batch_norm_grad(slope, z, var, EPS), 100)


def test_running_stats(exact: HostKernels) -> None:
    mean, var = exact.array([1.0, 2]), exact.array([3.0, 4])
    sums = [exact.array([10.0, 20]), exact.array([30.0, 40]), exact.array([2.0])]
    exact.each("running_stats", 2, mean, var, *sums, 2, 5, 0.5)
    assert [s.tolist() for s in sums] == [[6, 12], [15 + 3 * 5 / 4, 25], [2]]


def test_variance_of_values_far_from_0() -> None:
    kernels = HostKernels("float32")
    layout = Layout(kernels, (8, 2, 5, 5), True)
    x, wide = layout.normal(4096)
    mean, var = layout.vectors(2)
    partial = layout.partial("batch_norm_partial", 4, x, ..., layout.rows, 2, 1)
    kernels.each("fold_batch_norm", 2, partial, x, mean, var, 4, layout.rows, 2, 1)
    np.testing.assert_allclose(var, wide.var(axis=(0, 2, 3)), rtol=1e-5)


def test_variance_from_the_inverse_of_the_spread(kernels: HostKernels) -> None:
    var = np.array([0, 1e-6, 0.5, 3, 1e6])
    inverse = kernels.array(1 / np.sqrt(var + EPS), kernels.acc)
    made = kernels.empty(5, kernels.acc)
    kernels.each("variance_of", 5, inverse, made, 5, EPS)
    rounding = 4 * np.finfo(kernels.acc).eps
    np.testing.assert_allclose(made, var, rtol=rounding, atol=rounding * EPS)
    assert (made >= 0).all()
