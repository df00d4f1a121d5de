"""Products with given maps, as forks have them: SENet's Axpy and ChannelScale."""

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

X = (2, 3, 4, 2)


def channel_scale(fields=""):
    return f"type: 'ChannelScale' channel_scale_param {{ {fields} }}"


CASES = [
    Case("axpy", "type: 'Axpy'", [(2, 3), X, X]),
    Case("axpy four axes", "type: 'Axpy'", [(2, 3, 1, 1), X, X]),
    Case("axpy of rows", "type: 'Axpy'", [(2, 3), (2, 3), (2, 3)]),
    Case("map", channel_scale(), [X, (2, 1, 4, 2)]),
    Case("map without channels", channel_scale(), [X, (2, 4, 2)]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", CASES[:3], ids=lambda c: c.name)
def test_axpy_against_the_definition(case):
    (a, x, y), (z,) = case.arrays(), run(case)
    for i in np.ndindex(x.shape):
        assert z[i] == pytest.approx(a.reshape(2, 3)[i[:2]] * x[i] + y[i])


@pytest.mark.parametrize("case", CASES[3:], ids=lambda c: c.name)
def test_maps_against_the_definition(case):
    (x, s), (y,) = case.arrays(), run(case)
    for n, c, h, w in np.ndindex(X):
        assert y[n, c, h, w] == pytest.approx(x[n, c, h, w] * s.reshape(2, 4, 2)[n, h, w])


def test_parts_of_a_map_can_be_switched_off():
    x, s = CASES[3].arrays()
    dy = np.ones(X)

    def passes(fields):
        layer = make_layer(channel_scale(fields), [x.shape, s.shape])
        layer.reshape(x.shape, s.shape)
        return layer.forward(x, s), *layer.backward(dy)

    y, dx, ds = passes("")
    assert dx == pytest.approx(np.broadcast_to(s, X))
    assert ds == pytest.approx(x.sum(axis=1, keepdims=True))
    through, same, _ = passes("do_forward: false")
    assert np.array_equal(through, x)
    assert np.array_equal(same, dx)
    assert np.array_equal(passes("do_backward_feature: false")[1], dy)
    assert not passes("do_backward_scale: false")[2].any()
    assert np.array_equal(passes("do_backward_scale: false")[0], y)


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("type: 'Axpy'", [(2, 3), X, (2, 3, 4, 3)], "the same axes N, C"),
        ("type: 'Axpy'", [(2, 4), X, X], "a value for each channel"),
        ("type: 'Axpy'", [(2, 3, 4, 2), X, X], "a value for each channel"),
        (channel_scale(), [X, (2, 3, 4, 2)], "one value for all channels"),
    ],
)
def test_shapes_that_do_not_fit(text, shapes, message):
    with pytest.raises(ShapeError, match=message):
        make_layer(text, shapes).reshape(*shapes)


def test_a_learned_scale_is_refused():
    with pytest.raises(NetError, match="global_scale is not implemented"):
        make_layer(channel_scale("global_scale: true"), [X, (2, 1, 4, 2)])
