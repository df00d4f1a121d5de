import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer, top_shapes
from tests.layers.cases import Case, check, run

X = (2, 8, 6, 4)
CASES = [
    Case("transpose", "type: 'Transpose' transpose_param { dim: 2 dim: 0 dim: 1 }", [(2, 3, 4)]),
    Case("permute", "type: 'Permute' permute_param { order: [0, 2, 3, 1] }", [(2, 3, 4, 5)]),
    Case("permute the first", "type: 'Permute' permute_param { order: 2 }", [(2, 3, 4)]),
    Case("permute nothing", "type: 'Permute'", [(2, 3)]),
    Case("reverse time", "type: 'Reverse'", [(4, 2, 3)]),
    Case("reverse last", "type: 'Reverse' reverse_param { axis: -1 }", [(4, 2, 3)]),
    Case("flip", "type: 'Flip'", [X]),
    Case("flip both", "type: 'Flip' flip_param { flip_height: true }", [X]),
    Case("shuffle", "type: 'ShuffleChannel' shuffle_channel_param { group: 4 }", [X]),
    Case("shuffle a matrix", "type: 'ShuffleChannel' shuffle_channel_param { group: 2 }", [(2, 6)]),
    Case("reorg", "type: 'Reorg' reorg_param { stride: 2 }", [X]),
    Case("reorg back", "type: 'Reorg' reorg_param { stride: 2 reverse: true }", [X]),
]
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_backward_goes_back(case):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    layer.reshape(x.shape)
    assert np.array_equal(layer.backward(layer.forward(x)), x)


def result(name):
    (x,) = BY_NAME[name].arrays()
    (y,) = run(BY_NAME[name])
    return x, y


def test_transpose_moves_axes():
    x, y = result("transpose")
    for a, b, c in np.ndindex(x.shape):
        assert y[c, a, b] == x[a, b, c]


def test_permute_moves_axes():
    x, y = result("permute")
    assert y.shape == (2, 4, 5, 3)
    for a, b, c, d in np.ndindex(x.shape):
        assert y[a, c, d, b] == x[a, b, c, d]


def test_permute_leaves_axes_that_are_not_named_in_order():
    x, y = result("permute the first")
    for a, b, c in np.ndindex(x.shape):
        assert y[c, a, b] == x[a, b, c]
    x, y = result("permute nothing")
    assert np.array_equal(x, y)


@pytest.mark.parametrize("order", ["3", "[1, 1]", "[0, 1, 2, 3]"])
def test_what_permute_refuses(order):
    layer = make_layer(f"type: 'Permute' permute_param {{ order: {order} }}", [(2, 3, 4)])
    with pytest.raises(ShapeError, match=r"order must name axes of \(2, 3, 4\), from 0 to 2"):
        layer.reshape((2, 3, 4))


def test_reverse_and_flip_count_from_the_other_end():
    x, y = result("reverse time")
    assert all(np.array_equal(y[i], x[3 - i]) for i in range(4))
    x, y = result("reverse last")
    assert all(np.array_equal(y[..., i], x[..., 2 - i]) for i in range(3))
    x, y = result("flip")
    assert all(np.array_equal(y[..., i], x[..., 3 - i]) for i in range(4))
    x, y = result("flip both")
    for n, c, h, w in np.ndindex(x.shape):
        assert y[n, c, 5 - h, 3 - w] == x[n, c, h, w]


def test_flip_of_nothing_passes_through():
    case = Case("", "type: 'Flip' flip_param { flip_width: false }", [X])
    assert np.array_equal(run(case)[0], case.arrays()[0])


@pytest.mark.parametrize(("name", "group"), [("shuffle", 4), ("shuffle a matrix", 2)])
def test_shuffle_deals_channels_out(name, group):
    x, y = result(name)
    size = x.shape[1] // group
    for g in range(group):
        for i in range(size):
            assert np.array_equal(y[:, i * group + g], x[:, g * size + i])


def darknet(x, s, reverse):
    """The loops of Darknet's layer: k, j, i over the small picture, each with a place in x."""
    N, C, H, W = x.shape
    y = np.empty(x.size)
    flat, small = x.reshape(-1), C // s**2
    for b in range(N):
        for k in range(C):
            for j in range(H):
                for i in range(W):
                    inside = i + W * (j + H * (k + C * b))
                    c, offset = k % small, k // small
                    w, h = i * s + offset % s, j * s + offset // s
                    outside = w + W * s * (h + H * s * (c + small * b))
                    if reverse:
                        y[outside] = flat[inside]
                    else:
                        y[inside] = flat[outside]
    return y


@pytest.mark.parametrize("name", ["reorg", "reorg back"])
def test_reorg_against_darknet(name):
    x, y = result(name)
    back = name == "reorg back"
    assert y.shape == ((2, 2, 12, 8) if back else (2, 32, 3, 2))
    assert np.array_equal(y.reshape(-1), darknet(x, 2, back))


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("type: 'Transpose' transpose_param { dim: 0 dim: 0 }", (2, 3), "given [0, 0]"),
        ("type: 'Transpose'", (2, 3), "each of the 2 axes"),
        ("type: 'Reverse' reverse_param { axis: 2 }", (2, 3), "must lie in [-2, 2)"),
        ("type: 'Flip'", (2, 3), "axes N, C, H and W"),
        ("type: 'ShuffleChannel' shuffle_channel_param { group: 3 }", X, "group 3 must divide"),
        ("type: 'ShuffleChannel' shuffle_channel_param { group: 0 }", X, "group 0 must divide"),
        ("type: 'Reorg' reorg_param { stride: 3 }", X, "stride 3 squared must divide"),
        ("type: 'Reorg' reorg_param { stride: 2 }", (1, 4, 3, 4), "height and width"),
        ("type: 'Reorg' reorg_param { stride: 2 }", (1, 4, 4), "axes N, C, H and W"),
    ],
)
def test_shapes_that_do_not_fit(text, shape, message):
    layer = make_layer(text, [shape])
    with pytest.raises(ShapeError) as error:
        top_shapes(layer, [shape])
    assert message in str(error.value)


def test_reorg_needs_a_stride():
    with pytest.raises(NetError, match="stride must be at least 1; given 0"):
        make_layer("type: 'Reorg'", [X])
