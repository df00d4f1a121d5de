import math

import numpy as np
import pytest

from netcfg.layers.gated_activation import normal_cdf
from netcfg.testing import make_layer
from tests.layers.cases import Case, check

X = np.array([[-7.0, -3.5, -2.9, -1.0, -0.1, 0.1], [0.5, 1.5, 2.9, 3.5, 7.0, 12.0]])
CASES = [
    Case("gelu", "type: 'GELU'", [(3, 4)]),
    Case("gelu far out", "type: 'GELU'", [X]),
    Case("gelu tanh", "type: 'GELU' gelu_param { approximate: true }", [X]),
    Case("silu", "type: 'SiLU'", [X]),
    Case("hard swish", "type: 'HardSwish'", [X]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def forward(text, x):
    layer = make_layer(text, [x.shape])
    layer.reshape(x.shape)
    return layer.forward(x)


DEFINITIONS = {
    "type: 'GELU'": lambda v: v * 0.5 * math.erfc(-v / math.sqrt(2)),
    "type: 'GELU' gelu_param { approximate: true }": lambda v: (
        v * 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))
    ),
    "type: 'SiLU'": lambda v: v / (1 + math.exp(-v)),
    "type: 'HardSwish'": lambda v: v * min(max(v + 3, 0), 6) / 6,
}


@pytest.mark.parametrize("text", DEFINITIONS)
def test_against_the_definition(text):
    x = np.linspace(-9, 9, 73).reshape(1, -1)
    want = [[DEFINITIONS[text](v) for v in x[0]]]
    np.testing.assert_allclose(forward(text, x), want, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 4e-7), (np.float64, 1e-13)])
def test_the_normal_distribution(dtype, close):
    x = np.concatenate([np.linspace(-10, 10, 401), [-1e4, -50, 0, 50, 1e4]]).astype(dtype)
    want = [0.5 * math.erfc(-v / math.sqrt(2)) for v in x.astype(float)]
    got = normal_cdf(np, x)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, want, atol=close)


def test_silu_is_swish():
    np.testing.assert_array_equal(forward("type: 'SiLU'", X), forward("type: 'Swish'", X))
