"""Functions of one array against the layers they are for."""

from typing import Any

import numpy as np
import pytest

from tests.engines.cuda.host import HostKernels, build, check

INF = float("inf")
# kernel: (layer, arguments of y, arguments of dx, whether dx is made of y, values of x)
LAYERS: dict[str, tuple[str, tuple[Any, ...], tuple[Any, ...], bool, str]] = {
    "relu": ('"ReLU"', (0, INF), (0, INF), False, "any"),
    "relu:y": ('"ReLU" relu_param { negative_slope: 0.25 }', (0.25, INF), (0.25, INF), True, "any"),
    "relu:slope": ('"ReLU" relu_param { negative_slope: -0.5 }', (-0.5, INF), (-0.5, INF), False,
                   "any"),
    "relu:6": ('"ReLU6"', (0, 6), (0, 6), False, "wide"),
    "sigmoid": ('"Sigmoid"', (), (), True, "wide"),
    "tanh": ('"TanH"', (), (), True, "any"),
    "elu": ('"ELU" elu_param { alpha: 0.75 }', (0.75,), (0.75,), False, "any"),
    "swish": ('"Swish" swish_param { beta: 1.5 }', (1.5,), (1.5,), False, "any"),
    "swish:1": ('"SiLU"', (1,), (1,), False, "any"),
    "gelu": ('"GELU"', (0,), (0,), False, "any"),
    "gelu:tanh": ('"GELU" gelu_param { approximate: true }', (1,), (1,), False, "any"),
    "hard_swish": ('"HardSwish"', (), (), False, "wide"),
    "bnll": ('"BNLL"', (), (), False, "wide"),
    "abs": ('"AbsVal"', (), (), False, "any"),
    "clip": ('"Clip" clip_param { min: -1 max: 0.5 }', (-1, 0.5), (-1, 0.5), False, "any"),
    "power": ('"Power" power_param { power: 3 scale: 0.5 shift: 2 }', (3, 0.5, 2), (3, 0.5, 2),
              False, "any"),
    "power:half": ('"Power" power_param { power: 0.5 shift: 4 }', (0.5, 1, 4), (0.5, 1, 4), False,
                   "any"),
    "power:2": ('"Power" power_param { power: 2 scale: 3 }', (2, 3, 0), (2, 3, 0), False, "any"),
    "power:0": ('"Power" power_param { power: 0 shift: 3 }', (0, 1, 3), (0, 1, 3), False, "any"),
    "power:constant": ('"Power" power_param { power: 2 scale: 0 shift: 3 }', (2, 0, 3), (2, 0, 3),
                       False, "any"),
    "power:1": ('"Power" power_param { scale: -2 shift: 1 }', (1, -2, 1), (1, -2, 1), False, "any"),
    "exp": ('"Exp" exp_param { base: 2 scale: 0.5 shift: 1 }', (0.5 * np.log(2), np.log(2)),
            (0.5 * np.log(2),), True, "any"),
    "log": ('"Log" log_param { base: 10 scale: 2 shift: 9 }', (2, 9, 1 / np.log(10)),
            (2, 9, 1 / np.log(10)), False, "any"),
}  # fmt: skip


def values(kind: str, n: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    x = rng.normal(size=n) * (5 if kind == "wide" else 1)
    x[:3] = 0, 0.5, -1  # where functions bend
    return x


@pytest.mark.parametrize("n", [3, 41, 1600])
@pytest.mark.parametrize("case", LAYERS)
def test_is_the_layer(kernels: HostKernels, case: str, n: int) -> None:
    text, forward, backward, from_y, kind = LAYERS[case]
    name = case.partition(":")[0]
    x, dy = kernels.array(values(kind, n)), kernels.array(values("any", n)[::-1])
    layer = build(f"type: {text}", (n,))
    expected = layer.forward(x.astype(np.float64))
    y, dx = kernels.empty(n), kernels.empty(n)
    kernels.each(f"{name}_x" if f"{name}_x" in ("abs_x", "exp_x", "log_x", "tanh_x") else name,
                 n, x, y, n, *forward)  # fmt: skip
    check(kernels, y, expected, 3)
    expected = layer.backward(dy.astype(np.float64))
    kernels.each(f"{name}_grad", n, dy, y if from_y else x, dx, n, *backward)
    check(kernels, dx, expected, 8)


def test_threshold(kernels: HostKernels) -> None:
    x = kernels.array([-1, 0.5, 0.75, 2])
    y = kernels.empty(4)
    kernels.each("threshold", 4, x, y, 4, 0.5)
    assert y.tolist() == [0, 0, 1, 1]


def test_arrays_that_are_not_aligned_and_in_place(kernels: HostKernels) -> None:
    x = kernels.array(np.arange(-20, 21))
    part = x[1:38]
    kernels.each("relu", len(part), part, part, len(part), 0.5, INF)
    expected = np.arange(-20, 21.0)
    expected[1:38] *= np.where(expected[1:38] > 0, 1, 0.5)
    assert x.tolist() == expected.tolist()


def test_nan_stays_and_minus_infinity_becomes_0(kernels: HostKernels) -> None:
    x = kernels.array([np.nan, -INF, INF])
    y = kernels.empty(3)
    kernels.each("relu", 3, x, y, 3, 0, INF)
    np.testing.assert_array_equal(y.astype(float), [np.nan, 0, INF])
    kernels.each("clip", 3, x, y, 3, -1, 1)
    np.testing.assert_array_equal(y.astype(float), [np.nan, -1, 1])
