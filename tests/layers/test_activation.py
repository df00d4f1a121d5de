import math

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

SHAPE = (2, 3, 4)
POSITIVE = np.random.default_rng(5).uniform(0.2, 3, SHAPE)
WIDE = np.random.default_rng(6).permutation(np.linspace(-9.1, 9, 24)).reshape(SHAPE)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def f32(value):
    """Return the value that a float field of a prototxt holds."""
    return float(np.float32(value))


def case(kind, fields, value, bottom=SHAPE, param=None, gradient=True):
    """Return a case of an element-wise layer with the scalar function that defines it."""
    param = param or f"{kind.lower()}_param"
    text = f'type: "{kind}"' + (f" {param} {{ {fields} }}" if fields else "")
    return Case(
        f"{kind} {fields}".strip(), text, (bottom,), gradient=gradient, extra={"value": value}
    )


ELEMENTWISE = [
    case("ReLU", "", lambda x: max(x, 0)),
    case("ReLU", "engine: CUDNN", lambda x: max(x, 0), (3,)),
    case("ReLU", "negative_slope: 0.1", lambda x: x if x > 0 else f32(0.1) * x),
    case("ReLU", "negative_slope: -0.5", lambda x: x if x > 0 else -0.5 * x),
    case("ReLU", "relu6: false", lambda x: max(x, 0), WIDE),
    case("ReLU", "relu6: true", lambda x: min(max(x, 0), 6), WIDE),
    case("ReLU", "relu6: true negative_slope: 0.5", lambda x: min(max(x, x / 2), 6), WIDE),
    case("ReLU", "relu6: true negative_slope: -1", lambda x: min(x, 6) if x > 0 else -x, WIDE),
    case("ReLU6", "", lambda x: min(max(x, 0), 6), WIDE),
    case("ELU", "", lambda x: x if x > 0 else math.exp(x) - 1),
    case("ELU", "alpha: 0.3", lambda x: x if x > 0 else f32(0.3) * (math.exp(x) - 1)),
    case("ELU", "alpha: -2", lambda x: x if x > 0 else -2 * (math.exp(x) - 1)),
    case("Sigmoid", "", sigmoid),
    case("TanH", "", math.tanh),
    case("Swish", "", lambda x: x * sigmoid(x)),
    case("Swish", "beta: 1.5", lambda x: x * sigmoid(1.5 * x)),
    case("BNLL", "", lambda x: math.log(1 + math.exp(x))),
    case("AbsVal", "", abs),
    case("Clip", "min: -0.5 max: 0.25", lambda x: min(max(x, -0.5), 0.25)),
    case("Threshold", "", lambda x: float(x > 0), gradient=False),
    case("Threshold", "threshold: 0.5", lambda x: float(x > 0.5), gradient=False),
    case("Power", "", lambda x: x),
    case("Power", "scale: 2 shift: 3", lambda x: 2 * x + 3),
    case("Power", "power: 2", lambda x: x * x),
    case("Power", "power: 2 scale: 3 shift: 0.5", lambda x: (3 * x + 0.5) ** 2),
    case("Power", "power: 3", lambda x: x**3),
    case("Power", "power: 3 scale: 0.5 shift: -0.25", lambda x: (0.5 * x - 0.25) ** 3),
    case("Power", "power: -1.5 scale: 2 shift: 1", lambda x: (2 * x + 1) ** -1.5, POSITIVE),
    case("Power", "power: 0.5", math.sqrt, POSITIVE),
    case("Power", "power: 0", lambda x: 1),
    case("Power", "power: 0 shift: 3 scale: 2", lambda x: 1),
    case("Power", "power: 2 scale: 0 shift: 3", lambda x: 9),
    case("Exp", "", math.exp),
    case("Exp", "base: 2", lambda x: 2**x),
    case("Exp", "base: 2 scale: 3", lambda x: 2 ** (3 * x)),
    case("Exp", "base: 3 scale: 0.5 shift: 2", lambda x: 3 ** (0.5 * x + 2)),
    case("Exp", "shift: 1.5", lambda x: math.exp(x + 1.5)),
    case("Log", "", math.log, POSITIVE),
    case("Log", "base: 2", math.log2, POSITIVE),
    case("Log", "base: 3 scale: 2 shift: 1", lambda x: math.log(2 * x + 1, 3), POSITIVE),
    case("Log", "shift: 4", lambda x: math.log(x + 4)),
]
PRELU = [
    Case(name, f'type: "PReLU" prelu_param {{ {fields} }}', (bottom,))
    for name, fields, bottom in (
        ("a slope per channel", "filler { type: 'uniform' }", (2, 3, 2, 3)),
        ("matrix", "filler { type: 'uniform' }", (4, 3)),
        ("3 axes", "filler { type: 'uniform' }", (2, 3, 4)),
        ("one slope", "channel_shared: true filler { type: 'uniform' }", (2, 3, 2)),
    )
]
CASES = [*ELEMENTWISE, *PRELU]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", ELEMENTWISE, ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    (x,), (y,) = case.arrays(), run(case)
    want = np.array([case.extra["value"](v) for v in x.flat])
    np.testing.assert_allclose(y.ravel(), want, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("case", PRELU, ids=lambda c: c.name)
def test_prelu_against_the_definition(case):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    layer.reshape(x.shape)
    slopes = layer.params[0].data
    assert slopes.shape == (() if "shared" in case.text else (3,))
    y = layer.forward(x)
    for i in np.ndindex(x.shape):
        a = slopes if slopes.ndim == 0 else slopes[i[1]]
        assert y[i] == pytest.approx(x[i] if x[i] > 0 else a * x[i])


def backward(text, x, dy=None):
    x = np.asarray(x, np.float64)
    layer = make_layer(text, [x.shape])
    layer.reshape(x.shape)
    layer.forward(x)
    return layer.backward(np.ones_like(x) if dy is None else dy).tolist()


def test_gradients_at_the_kinks():
    """At a kink Caffe takes the left slope, for Clip the closed interval."""
    assert backward('type: "ReLU"', [-1, 0, 1]) == [0, 0, 1]
    assert backward('type: "ReLU" relu_param { negative_slope: 0.5 }', [-1, 0, 1]) == [0.5, 0.5, 1]
    assert backward('type: "ELU" elu_param { alpha: 2 }', [0, 1]) == [2, 1]
    assert backward('type: "PReLU" prelu_param { filler { value: 0.5 } }', [[0], [1]]) == [
        [0.5],
        [1],
    ]
    assert backward('type: "AbsVal"', [-2, 0, 2]) == [-1, 0, 1]
    clip = 'type: "Clip" clip_param { min: -1 max: 1 }'
    assert backward(clip, [-1.5, -1, 0, 1, 1.5]) == [0, 1, 1, 1, 0]
    threshold = make_layer('type: "Threshold" threshold_param { threshold: 1 }', [(2,)])
    assert threshold.forward(np.array([1.0, 1.5])).tolist() == [0, 1]
    assert not threshold.differentiable


def test_power_at_zero():
    assert backward('type: "Power" power_param { power: 3 }', [0, 2]) == [0, 12]
    assert backward('type: "Power" power_param { power: 2 }', [0, 2]) == [0, 4]
    assert backward('type: "Power" power_param { power: 0 }', [0, 2]) == [0, 0]


def test_prelu_starts_at_a_quarter():
    layer = make_layer('type: "PReLU"', [(2, 3)])
    assert layer.params[0].data.tolist() == [0.25] * 3


def test_extreme_values_do_not_overflow():
    x = np.array([-1e4, 1e4], np.float32)
    for text, want in (
        ('type: "BNLL"', [0, 1e4]),
        ('type: "ELU"', [-1, 1e4]),
        ('type: "Sigmoid"', [0, 1]),
        ('type: "Swish"', [0, 1e4]),
        ('type: "TanH"', [-1, 1]),
    ):
        layer = make_layer(text, [x.shape])
        layer.reshape(x.shape)
        np.testing.assert_array_equal(layer.forward(x), want)
        assert np.isfinite(layer.backward(np.ones_like(x))).all()


@pytest.mark.parametrize("case", [c for c in CASES if c.gradient], ids=lambda c: c.name)
def test_nothing_is_kept_or_computed_without_need(case):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    for param in layer.params:
        param.lr_mult = 0
    layer.need = [False]
    layer.reshape(x.shape)
    y = layer.forward(x)
    assert layer.saved is None
    if layer.params:
        layer.saved = x
    assert layer.backward(y) is None
    assert not any(p.diff.any() for p in layer.params)


def test_slopes_learn_where_the_bottom_needs_no_gradient():
    layer = make_layer('type: "PReLU"', [(2, 3)])
    layer.need = [False]
    x = np.array([[-1.0, 2, -3], [-4, -5, 6]])
    layer.reshape(x.shape)
    layer.forward(x)
    assert layer.backward(np.full((2, 3), 2.0)) is None
    assert layer.params[0].diff.tolist() == [-10, -10, -6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type: "Clip" clip_param { max: 1 }', "min and max must be given"),
        ('type: "Clip" clip_param { min: 1 }', "min and max must be given"),
        ('type: "Clip" clip_param { min: 2 max: 1 }', "min must not exceed max; given 2 and 1"),
        ('type: "Exp" exp_param { base: 0 }', "base must be positive, or -1 for e; given 0"),
        ('type: "Log" log_param { base: -2 }', "base must be positive, or -1 for e; given -2"),
        ('type: "Log" log_param { base: 1 }', "base must not be 1"),
    ],
)
def test_errors(text, message):
    with pytest.raises(NetError, match=message):
        make_layer(text, [(2, 3)])


def test_clip_to_one_value():
    layer = make_layer('type: "Clip" clip_param { min: 0.5 max: 0.5 }', [(2,)])
    assert layer.forward(np.array([0.0, 1.0])).tolist() == [0.5, 0.5]


def test_errors_of_prelu():
    with pytest.raises(NetError, match=r"at least 2 axes, N and C; given \(3,\)"):
        make_layer('type: "PReLU"', [(3,)])
    layer = make_layer('type: "PReLU"', [(2, 3)])
    with pytest.raises(NetError, match=r"3 slopes need as many channels; given \(2, 4\)"):
        layer.reshape((2, 4))
    shared = make_layer('type: "PReLU" prelu_param { channel_shared: true }', [(2, 3)])
    assert shared.reshape((2, 4)) == (2, 4)
