import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.layer import as_arrays
from netcfg.testing import make_layer
from tests.layers.cases import Case, check

UNIFORM = "filler { type: 'uniform' min: 1 max: 2 }"
BIAS = "bias_term: true bias_filler { type: 'uniform' min: 3 max: 4 }"
X = (2, 3, 4, 5)


def case(name, kind, fields, *bottoms, start=1):
    """Return a case; ``start`` is the first axis of x that the operand spans."""
    text = f'type: "{kind}" {kind.lower()}_param {{ {fields} }}'
    return Case(f"{kind} {name}", text, bottoms, extra={"start": start})


CASES = [
    case("channels", "Scale", UNIFORM, X),
    case("with bias", "Scale", f"{UNIFORM} {BIAS}", X),
    case("two axes", "Scale", f"{UNIFORM} {BIAS} num_axes: 2", X),
    case("last axis", "Scale", f"{UNIFORM} axis: -1", X, start=3),
    case("to the end", "Scale", f"{UNIFORM} axis: 2 num_axes: -1", X, start=2),
    case("all axes", "Scale", f"{UNIFORM} {BIAS} axis: 0 num_axes: -1", (2, 3), start=0),
    case("scalar", "Scale", f"{UNIFORM} {BIAS} num_axes: 0", X),
    case("matrix", "Scale", f"{UNIFORM} {BIAS}", (4, 3)),
    case("two bottoms", "Scale", "", X, (3, 4)),
    case("two bottoms with bias", "Scale", f"axis: 0 {BIAS}", X, (2, 3), start=0),
    case("two bottoms, one axis", "Scale", "axis: -2", X, (4,), start=2),
    case("two bottoms, scalar", "Scale", f"axis: 1 {BIAS}", X, ()),
    case("two bottoms, all axes", "Scale", "axis: 0", X, X, start=0),
    case("channels", "Bias", UNIFORM, X),
    case("two axes", "Bias", f"{UNIFORM} num_axes: 2 axis: 2", X, start=2),
    case("to the end", "Bias", f"{UNIFORM} num_axes: -1", X),
    case("scalar", "Bias", f"{UNIFORM} num_axes: 0", X),
    case("two bottoms", "Bias", "axis: -3", X, (3, 4)),
    case("two bottoms, scalar", "Bias", "", X, ()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def build(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    return layer, xs


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    layer, (x, *given) = build(case)
    operands = [*given, *[p.data for p in layer.params]]
    rank, start = operands[0].ndim, case.extra["start"]
    y = layer.forward(x, *given)
    if layer.type == "Bias":
        operands = [np.ones(operands[0].shape), *operands]
    if len(operands) == 1:
        operands.append(np.zeros(operands[0].shape))
    w, b = operands
    for i in np.ndindex(x.shape):
        at = i[start : start + rank]
        assert y[i] == pytest.approx(x[i] * w[at] + b[at])


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        ("", (3,)),
        ("axis: 0", (2,)),
        ("axis: -2 num_axes: 2", (4, 5)),
        ("num_axes: -1", (3, 4, 5)),
        ("num_axes: 0", ()),
    ],
)
def test_shapes_of_the_parameters(fields, want):
    scale = make_layer(f'type: "Scale" scale_param {{ bias_term: true {fields} }}', [X])
    bias = make_layer(f'type: "Bias" bias_param {{ {fields} }}', [X])
    assert [p.shape for p in scale.params] == [want, want]
    assert [p.shape for p in bias.params] == [want]
    alone = make_layer(f'type: "Scale" scale_param {{ {fields} }}', [X])
    assert [p.shape for p in alone.params] == [want]


@pytest.mark.parametrize("kind", ["Scale", "Bias"])
def test_a_scalar_fits_where_the_axis_does_not(kind):
    x = np.array([1.0, 2, 3])
    layer = make_layer(f'type: "{kind}"', [x.shape, ()])
    assert layer.reshape(x.shape, ()) == x.shape
    want = x * 5 if kind == "Scale" else x + 5
    np.testing.assert_array_equal(layer.forward(x, np.array(5.0)), want)
    dx, dw = layer.backward(np.ones(3))
    assert dx.shape == x.shape
    assert dw.shape == ()


def test_they_start_as_the_identity():
    x = np.random.default_rng(0).normal(size=X)
    for text in ('type: "Scale" scale_param { bias_term: true }', 'type: "Bias"'):
        layer = make_layer(text, [X])
        layer.reshape(X)
        np.testing.assert_array_equal(layer.forward(x), x)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_nothing_is_kept_or_computed_without_need(case):
    layer, xs = build(case)
    for param in layer.params:
        param.lr_mult = 0
    layer.need = [False] * len(xs)
    y = layer.forward(*xs)
    assert all(saved is None for saved in layer.saved or ())
    if layer.type == "Scale" and len(xs) == 1:
        assert layer.backward(y) is None
    else:
        layer.saved = tuple(xs)
        layer.need = [False] * len(xs)
        assert as_arrays(layer.backward(y))[0] is None
    assert not any(p.diff.any() for p in layer.params)


def test_only_what_is_needed_is_computed():
    x, w = np.ones(X), np.ones((3, 4))
    for kind in ("Scale", "Bias"):
        layer = make_layer(f'type: "{kind}"', [X, w.shape])
        layer.reshape(X, w.shape)
        for need in ([True, False], [False, True]):
            layer.need = need
            grads = layer.backward(layer.forward(x, w))
            assert [g is not None for g in grads] == need


@pytest.mark.parametrize("kind", ["Scale", "Bias"])
@pytest.mark.parametrize(
    ("fields", "bottoms", "message"),
    [
        ("num_axes: -2", [X], "num_axes must be at least -1; given -2"),
        ("axis: 2 num_axes: 3", [X], "3 axes from axis 2 on do not fit into (2, 3, 4, 5)"),
        ("axis: 4", [X], "axis 4 must lie in [-4, 4) for 4 axes"),
        (
            "axis: 1",
            [X, (3, 5)],
            "an operand of shape (3, 5) does not fit (2, 3, 4, 5) from axis 1 on",
        ),
        (
            "axis: 3",
            [X, (5, 1)],
            "an operand of shape (5, 1) does not fit (2, 3, 4, 5) from axis 3 on",
        ),
    ],
)
def test_errors(kind, fields, bottoms, message):
    with pytest.raises(NetError) as error:
        make_layer(f'type: "{kind}" {kind.lower()}_param {{ {fields} }}', bottoms).reshape(*bottoms)
    assert message in str(error.value)


def test_errors_of_shapes_that_change():
    scale = make_layer('type: "Scale" scale_param { bias_term: true }', [X, (3,)])
    with pytest.raises(NetError, match=r"the bias has shape \(3,\); given \(4,\)"):
        scale.reshape((2, 4), (4,))
    bias = make_layer('type: "Bias"', [X])
    with pytest.raises(NetError, match=r"shape \(3,\) does not fit \(2, 4\) from axis 1 on"):
        bias.reshape((2, 4))
