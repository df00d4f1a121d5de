"""Normalize of SSD against its formula, number by number."""

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

SCALE = 'scale_filler { type: "gaussian" std: 2 }'
X = (2, 3, 2, 4)
CASES = [
    Case(name, f"type: 'Normalize' norm_param {{ {fields} }}", [shape])
    for name, fields, shape in [
        ("all", SCALE, X),
        ("pixels", f"across_spatial: false channel_shared: false {SCALE}", X),
        ("all by channel", f"channel_shared: false eps: 0.5 {SCALE}", X),
        ("vectors", f"across_spatial: false {SCALE}", (3, 4)),
        ("plain", "", (2, 3)),
    ]
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case: Case) -> None:
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    layer.reshape(x.shape)
    (y,) = run(case)
    scale, pixels = layer.params[0].value, "across_spatial: false" in case.text
    eps = 0.5 if "0.5" in case.text else 1e-10
    for n, c, *at in np.ndindex(x.shape):
        group = x[(n, slice(None), *at)] if pixels else x[n]
        s = scale[c] if scale.ndim else scale
        assert y[(n, c, *at)] == pytest.approx(s * x[(n, c, *at)] / np.sqrt((group**2).sum() + eps))


def test_the_scale_is_1_unless_it_is_said() -> None:
    assert make_layer("type: 'Normalize'", [X]).params[0].value == 1


def test_refuses_other_channels() -> None:
    layer = make_layer("type: 'Normalize' norm_param { channel_shared: false }", [X])
    with pytest.raises(ShapeError, match="must have 3 channels; given"):
        layer.reshape((2, 4, 2, 4))
    with pytest.raises(ShapeError, match="axes N and C"):
        make_layer("type: 'Normalize'", [(3,)])


def test_refuses_the_other_layer_of_its_name() -> None:
    with pytest.raises(NetError, match="normalize_param is of caffe-windows' Normalize"):
        make_layer("type: 'Normalize' normalize_param { normalize_type: 'L2' }", [X])
