"""Convolutions of random geometry, and in many parts."""

import math
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Conv, Engine, Window, numpy_conv
from tests.engines import reference

ENGINE = Engine(np.float64)


def random_conv(rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...], Conv]:
    """Draw shapes of x and w and a geometry; every kind of path is among them."""
    axes = int(rng.choice([0, 1, 2, 2, 2, 3]))
    group = int(rng.choice([1, 1, 1, 2, 3, 5]))
    inputs, outputs = int(rng.choice([1, 2, 9, 17])), int(rng.choice([1, 2, 3, 6]))

    def draw(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(v) for v in rng.integers(low, high, axes))

    kernel, stride, pad, dilation = draw(1, 4), draw(1, 4), draw(0, 4), draw(1, 3)
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + int(rng.integers(0, 5))
        for k, p, d in zip(kernel, pad, dilation, strict=True)
    )
    x = (int(rng.integers(1, 4)), group * inputs, *size)
    w = (group * outputs, inputs, *kernel)
    return x, w, Conv(Window(kernel, stride, pad, dilation), group)


@pytest.mark.parametrize("seed", range(100))
def test_random_geometry(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x_shape, w_shape, conv = random_conv(rng)
    x, w, b = (rng.normal(size=shape) for shape in (x_shape, w_shape, w_shape[:1]))
    y = ENGINE.conv(x, w, b, conv)
    np.testing.assert_allclose(y, reference.conv(x, w, b, conv), atol=1e-12)
    dy = rng.normal(size=y.shape)
    dx, dw = (
        ENGINE.conv_grad_x(dy, w, x_shape, conv),
        ENGINE.conv_grad_w(dy, x, w_shape, conv, False)[0],
    )
    np.testing.assert_allclose(dx, reference.conv_grad_x(dy, w, x_shape, conv), atol=1e-12)
    np.testing.assert_allclose(
        dw, reference.conv_grad_w(dy, x, w_shape, conv, False)[0], atol=1e-11
    )
    # The gradients are those of the forward pass, whatever the reference says.
    along = np.vdot(dy, ENGINE.conv(x, w, None, conv))
    assert np.vdot(dx, x) == pytest.approx(along, abs=1e-9)
    assert np.vdot(dw, w) == pytest.approx(along, abs=1e-9)


@pytest.mark.parametrize("shape", [(3, 17, 6, 7), (3, 2, 6, 7)])
@pytest.mark.parametrize("scratch", [1, 20_000, 50_000])
def test_parts_change_nothing(monkeypatch: Any, scratch: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    conv = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
    x, w = rng.normal(size=shape), rng.normal(size=(4, shape[1], 3, 3))
    y = ENGINE.conv(x, w, None, conv)
    dw, dx = (
        ENGINE.conv_grad_w(y, x, w.shape, conv, False)[0],
        ENGINE.conv_grad_x(y, w, shape, conv),
    )
    monkeypatch.setattr(numpy_conv, "SCRATCH", scratch)
    np.testing.assert_allclose(ENGINE.conv(x, w, None, conv), y, atol=1e-12)
    np.testing.assert_allclose(ENGINE.conv_grad_w(y, x, w.shape, conv, False)[0], dw, atol=1e-10)
    np.testing.assert_allclose(ENGINE.conv_grad_x(y, w, shape, conv), dx, atol=1e-10)


def test_scratch_is_bounded(monkeypatch: Any) -> None:
    """A single large image is cut, too."""
    rows = []
    take = numpy_conv._Columns.take

    def record(self: Any, part: Any) -> Any:
        cols = take(self, part)
        rows.append(cols.nbytes)
        return cols

    monkeypatch.setattr(numpy_conv._Columns, "take", record)
    x = np.zeros((1, 16, 200, 200), np.float32)
    ENGINE.conv(
        x, np.zeros((4, 16, 3, 3), np.float32), None, Conv(Window((3, 3), (1, 1), (0, 0), (1, 1)))
    )
    assert max(rows) <= numpy_conv.SCRATCH
    assert sum(rows) == 4 * 198 * 198 * 16 * 9


def test_results_are_channels_last() -> None:
    """The next layer copies them in long runs."""
    rng = np.random.default_rng(1)
    conv = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
    x, w = rng.normal(size=(2, 17, 5, 6)), rng.normal(size=(18, 17, 3, 3))
    y = ENGINE.conv(x, w, np.zeros(18), conv)
    for array in (y, ENGINE.conv_grad_x(y, w, x.shape, conv)):
        assert array.transpose(0, 2, 3, 1).flags.c_contiguous


def test_im2col_makes_the_matrix_of_a_convolution() -> None:
    rng = np.random.default_rng(1)
    window = Window((3, 2), (2, 1), (1, 0), (1, 2))
    x, w = rng.normal(size=(2, 3, 7, 8)), rng.normal(size=(4, 3, 3, 2))
    cols = ENGINE.im2col(x, window)
    N, depth, *out = cols.shape
    y = w.reshape(4, depth) @ cols.reshape(N, depth, math.prod(out))
    expected = ENGINE.conv(x, w, None, Conv(window))
    np.testing.assert_allclose(y.reshape(N, 4, *out), expected, atol=1e-12)
