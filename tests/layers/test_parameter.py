"""A learned blob: zeros at first, trained like any parameter."""

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

CASES = [Case("matrix", 'type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }')]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def test_it_begins_with_zeros() -> None:
    np.testing.assert_array_equal(run(CASES[0])[0], np.zeros((2, 3)))


def test_what_it_begins_with_may_be_said() -> None:
    text = CASES[0].text.replace("} }", "} blob_filler { type: 'gaussian_unitball' } }")
    (y,) = run(Case("", text))
    np.testing.assert_allclose((y**2).sum(axis=1), [1, 1])


def test_the_top_is_the_parameter_and_its_gradient_the_tops() -> None:
    layer = make_layer(CASES[0].text, [])
    layer.params[0].data[...] = [[1, 2, 3], [4, 5, 6]]
    y = layer.forward()
    np.testing.assert_array_equal(y, [[1, 2, 3], [4, 5, 6]])
    layer.params[0].data += 1
    assert y[0, 0] == 1
    dy = np.arange(6.0).reshape(2, 3)
    assert layer.backward(dy) == ()
    np.testing.assert_array_equal(layer.params[0].diff, dy)


def test_a_shape_with_a_zero_is_refused() -> None:
    with pytest.raises(NetError, match=r"must have positive dims; given \(2, 0\)"):
        make_layer('type: "Parameter" parameter_param { shape { dim: 2 dim: 0 } }', [])
