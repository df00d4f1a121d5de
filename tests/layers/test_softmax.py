import math

import numpy as np
import pytest

from netcfg.errors import ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

CASES = [
    Case("matrix", 'type: "Softmax"', [(4, 5)]),
    Case("channels", 'type: "Softmax"', [(2, 3, 4, 2)]),
    Case("last axis", 'type: "Softmax" softmax_param { axis: -1 }', [(2, 3, 4)]),
    Case("first axis", 'type: "Softmax" softmax_param { axis: 0 }', [(3, 2)]),
]
AXES = {"matrix": 1, "channels": 1, "last axis": 2, "first axis": 0}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case):
    (x,), (y,) = case.arrays(), run(case)
    axis = AXES[case.name]
    for place in np.ndindex(x.shape):
        line = x[(*place[:axis], slice(None), *place[axis + 1 :])]
        want = math.exp(x[place]) / sum(math.exp(v) for v in line)
        assert y[place] == pytest.approx(want, rel=1e-12)


def test_large_scores_do_not_overflow():
    layer = make_layer('type: "Softmax"', [(1, 3)])
    layer.reshape((1, 3))
    y = layer.forward(np.array([[1000.0, 999.0, -1000.0]]))
    assert y[0] == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.e), 0])


def test_an_axis_that_is_not_there():
    layer = make_layer('type: "Softmax" softmax_param { axis: 2 }', [(1, 3)])
    with pytest.raises(ShapeError, match=r"^axis 2 must lie in \[-2, 2\) for 2 axes$"):
        layer.reshape((1, 3))
