"""Normalize of SSD against its formula, number by number."""

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

SCALE = 'scale_filler { type: "gaussian" std: 2 }'
X = (2, 3, 2, 4)
SSD = [
    Case(name, f"type: 'Normalize' norm_param {{ {fields} }}", [shape])
    for name, fields, shape in [
        ("all", SCALE, X),
        ("pixels", f"across_spatial: false channel_shared: false {SCALE}", X),
        ("all by channel", f"channel_shared: false eps: 0.5 {SCALE}", X),
        ("vectors", f"across_spatial: false {SCALE}", (3, 4)),
        ("plain", "", (2, 3)),
    ]
]
TWO = "top: 'y' top: 'l'"
UNITS = [
    Case("unit, L2", "type: 'Normalize' normalize_param { normalize_type: 'L2' }", [X]),
    Case("unit, L1", "type: 'Normalize' normalize_param { normalize_type: 'L1' }", [(3, 4)]),
    Case("unit, of old", "type: 'Normalize' softmax_param { normalize_type: 'L1' }", [X]),
    Case("lengths", f"type: 'Normalize' {TWO} normalize_param {{ bp_norm: true }}", [X]),
    Case(
        "lengths, L1",
        f"type: 'Normalize' {TWO} normalize_param {{ bp_norm: true normalize_type: 'L1' }}",
        [X],
    ),
    Case("lengths without a gradient", f"type: 'Normalize' {TWO}", [X], gradient=False),
    Case(
        "length fixed",
        "type: 'Normalize' normalize_param { fix_gradient: true }",
        [X],
        gradient=False,
    ),
]
CASES = [*SSD, *UNITS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", SSD, ids=lambda c: c.name)
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


@pytest.mark.parametrize("case", UNITS, ids=lambda c: c.name)
def test_unit_lengths(case: Case) -> None:
    (x,) = case.arrays()
    y, *lengths = run(case)
    for n, *at in np.ndindex(x.shape[0], *x.shape[2:]):
        pixel = x[(n, slice(None), *at)]
        length = abs(pixel).sum() + 1e-6 if "L1" in case.text else np.sqrt(pixel @ pixel + 1e-6)
        np.testing.assert_allclose(y[(n, slice(None), *at)], pixel / length)
        for top in lengths:
            assert top[(n, 0, *at)] == pytest.approx(length)
    assert len(lengths) == ("top:" in case.text)


def backward(case: Case, *dys: np.ndarray) -> np.ndarray:
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape])
    layer.reshape(x.shape)
    layer.forward(x)
    return layer.backward(*dys)


def test_what_goes_back_from_lengths() -> None:
    rng = np.random.default_rng(0)
    dy, dl = rng.normal(size=X), rng.normal(size=(2, 1, 2, 4))
    plain, fixed, dropped = UNITS[0], UNITS[6], UNITS[5]
    np.testing.assert_array_equal(backward(dropped, dy, dl), backward(plain, dy))
    (x,) = fixed.arrays()
    lengths = np.sqrt((x * x).sum(axis=1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(backward(fixed, dy), dy / lengths)


def test_the_message_decides_which_layer_it_is() -> None:
    assert make_layer("type: 'Normalize'", [X]).dialect.startswith("SSD's")
    unit = make_layer("type: 'Normalize' normalize_param { normalize_type: 'L2' }", [X])
    assert unit.dialect.startswith("caffe-windows'")
    assert unit.params == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("normalize_param { } norm_param { }", "norm_param is of SSD's Normalize, but"),
        ("normalize_param { normalize_type: 'L3' }", "must be L1 or L2; given 'L3'"),
        ("softmax_param { }", "must be L1 or L2; given 'Softmax'"),
    ],
)
def test_what_units_refuse(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_layer(f"type: 'Normalize' {fields}", [X])
    layer = make_layer("type: 'Normalize' normalize_param { }", [X])
    with pytest.raises(ShapeError, match="axes N and C"):
        layer.reshape((3,))
