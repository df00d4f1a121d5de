import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check


def linear(name, fields, bottom, first=1):
    text = f"""type: "InnerProduct" inner_product_param {{ {fields}
        weight_filler {{ type: 'gaussian' }} bias_filler {{ type: 'uniform' min: 1 max: 2 }} }}"""
    return Case(name, text, (bottom,), extra={"first": first})


CASES = [
    linear("matrix", "num_output: 4", (3, 5)),
    linear("images", "num_output: 4", (3, 2, 3, 2)),
    linear("no bias", "num_output: 2 bias_term: false", (3, 5)),
    linear("axis", "num_output: 4 axis: 2", (2, 3, 2, 2), 2),
    linear("last axis", "num_output: 4 axis: -1", (2, 3, 4), 2),
    linear("no batch axis", "num_output: 4 axis: 0", (3, 5), 0),
    linear("transposed", "num_output: 4 transpose: true", (3, 2, 3)),
    linear("one", "num_output: 1", (1, 1)),
    linear("normalized", "num_output: 4 normalize: true", (3, 5)),
    linear("normalized, transposed", "num_output: 4 normalize: true transpose: true", (3, 2, 3)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def build(case):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    return layer, x, layer.reshape(x.shape)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    layer, x, shape = build(case)
    first = case.extra["first"]
    w = layer.params[0].data
    if "transpose" in case.text:
        w = w.T
    if "normalize" in case.text:
        w = np.stack([row / np.sqrt((row**2).sum()) for row in w])
    b = layer.params[1].data if "false" not in case.text else np.zeros(len(w))
    y = layer.forward(x)
    assert y.shape == shape == (*x.shape[:first], len(w))
    for *m, n in np.ndindex(y.shape):
        want = b[n] + sum(a * c for a, c in zip(w[n], x[*m].flat, strict=True))
        assert y[*m, n] == pytest.approx(want)


def test_weights_are_stored_as_said():
    layer, _, _ = build(next(c for c in CASES if c.name == "images"))
    assert [p.shape for p in layer.params] == [(4, 12), (4,)]
    layer, _, _ = build(next(c for c in CASES if c.name == "no bias"))
    assert [p.shape for p in layer.params] == [(2, 5)]
    layer, _, _ = build(next(c for c in CASES if c.name == "transposed"))
    assert [p.shape for p in layer.params] == [(6, 4), (4,)]


def test_images_may_lie_channels_last():
    layer, x, _ = build(next(c for c in CASES if c.name == "images"))
    y = layer.forward(x)
    strided = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(layer.forward(strided), y)


def test_frozen_parameters_keep_nothing():
    text = 'type: "InnerProduct" param { lr_mult: 0 } param { lr_mult: 0 }'
    layer = make_layer(f"{text} inner_product_param {{ num_output: 2 }}", [(3, 4)])
    x = np.ones((3, 4))
    layer.reshape(x.shape)
    y = layer.forward(x)
    assert layer.saved is None
    assert layer.backward(y).shape == x.shape
    layer.need = [False]
    assert layer.backward(y) is None
    assert not any(p.diff.any() for p in layer.params)


def test_the_batch_may_change_but_not_the_inputs():
    layer, _, _ = build(next(c for c in CASES if c.name == "images"))
    assert layer.reshape((5, 12)) == (5, 4)
    with pytest.raises(
        NetError, match=r"the weights take 12 values from axis 1 on; given 10 in \(5, 10\)"
    ):
        layer.reshape((5, 10))
    with pytest.raises(NetError, match="the weights take 12 values"):
        layer.reshape((12,))
    single = make_layer(
        'type: "InnerProduct" inner_product_param { num_output: 1 axis: 2 }', [(2, 3, 1)]
    )
    with pytest.raises(NetError, match="the weights take 1 values from axis 2 on"):
        single.reshape((2, 3))


def test_errors():
    for fields in ("", "num_output: 0"):
        with pytest.raises(NetError, match="num_output must be at least 1; given 0"):
            make_layer(f'type: "InnerProduct" inner_product_param {{ {fields} }}', [(3, 4)])
    with pytest.raises(NetError, match=r"axis 2 must lie in \[-2, 2\) for 2 axes"):
        make_layer('type: "InnerProduct" inner_product_param { num_output: 1 axis: 2 }', [(3, 4)])
