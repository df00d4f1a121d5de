import math

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer, top_shapes
from tests.layers.cases import Case, check, run


def concat(name, fields, *shapes, axis=1):
    return Case(name, f'type: "Concat" concat_param {{ {fields} }}', shapes, extra={"axis": axis})


def cut(name, fields, x, ends, axis=1):
    tops = " ".join(f'top: "{i}"' for i in range(len(ends)))
    text = f'type: "Slice" {tops} slice_param {{ {fields} }}'
    return Case(name, text, [x], extra={"axis": axis, "ends": ends})


def eltwise(name, fields, count=2, coeffs=None):
    text = f'type: "Eltwise" eltwise_param {{ {fields} }}'
    return Case(name, text, [(2, 3, 2)] * count, extra={"coeffs": coeffs or [1] * count})


CONCAT_CASES = [
    concat("concat", "", (2, 3, 4), (2, 1, 4), (2, 2, 4)),
    concat("concat axis", "axis: -1", (2, 3, 4), (2, 3, 1), axis=2),
    concat("concat batch", "axis: 0", (2, 3), (1, 3), axis=0),
    concat("concat dim", "concat_dim: 0", (2, 3), (1, 3), axis=0),
    concat("concat one", "", (2, 3)),
]
SLICE_CASES = [
    cut("slice even", "", (2, 6, 3), [2, 4, 6]),
    cut("slice points", "axis: 2 slice_point: 2 slice_point: 5", (2, 2, 6), [2, 5, 6], axis=2),
    cut("slice axis", "axis: -3", (4, 2, 3), [2, 4], axis=0),
    cut("slice dim", "slice_dim: 0 slice_point: 1", (4, 2), [1, 4], axis=0),
    cut("slice one", "", (2, 3), [3]),
]
SPLIT_CASES = [
    Case("split", 'type: "Split" top: "a" top: "b" top: "c"', [(2, 3)]),
    Case("split one", 'type: "Split"', [(2, 3)]),
]
ELTWISE_CASES = [
    eltwise("eltwise default", ""),
    eltwise("eltwise sum", "operation: SUM", 3),
    eltwise("eltwise coeff", "coeff: 2 coeff: -1.5 coeff: 1", 3, [2, -1.5, 1]),
    eltwise("eltwise product", "operation: PROD"),
    eltwise("eltwise product of 3", "operation: PROD stable_prod_grad: false", 3),
    eltwise("eltwise max", "operation: MAX"),
    eltwise("eltwise max of 4", "operation: MAX", 4),
]
SILENCE = Case("silence", 'type: "Silence"', [(2, 3), (4,)], gradient=False)
CASES = [*CONCAT_CASES, *SLICE_CASES, *SPLIT_CASES, *ELTWISE_CASES, SILENCE]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", CONCAT_CASES, ids=lambda c: c.name)
def test_concat_is_what_it_says(case):
    xs, (y,), axis = case.arrays(), run(case), case.extra["axis"]
    lines = [np.moveaxis(x, axis, 0) for x in xs]
    want = [entry for line in lines for entry in line]
    assert np.moveaxis(y, axis, 0).tolist() == np.array(want).tolist()


@pytest.mark.parametrize("case", SLICE_CASES, ids=lambda c: c.name)
def test_slice_is_what_it_says(case):
    (x,), ys, start = case.arrays(), run(case), 0
    for y, end in zip(ys, case.extra["ends"], strict=True):
        want = [np.take(x, i, case.extra["axis"]) for i in range(start, end)]
        assert np.moveaxis(y, case.extra["axis"], 0).tolist() == np.array(want).tolist()
        start = end


def test_split_adds_gradients():
    layer = make_layer(SPLIT_CASES[0].text, [(2,)])
    assert top_shapes(layer, [(2,)]) == ((2,),) * 3
    x = np.array([1.0, 2.0])
    assert [y.tolist() for y in layer.forward(x)] == [[1, 2]] * 3
    assert layer.backward(x, None, 3 * x).tolist() == [4, 8]
    assert layer.backward(None, x, None).tolist() == [1, 2]


@pytest.mark.parametrize("case", ELTWISE_CASES, ids=lambda c: c.name)
def test_eltwise_is_what_it_says(case):
    xs, (y,) = case.arrays(), run(case)
    rule = math.prod if "PROD" in case.text else max if "MAX" in case.text else sum
    for place in np.ndindex(y.shape):
        terms = [c * x[place] for c, x in zip(case.extra["coeffs"], xs, strict=True)]
        assert y[place] == pytest.approx(rule(terms))


@pytest.mark.parametrize(
    ("values", "winner"),
    [([1, 2], 1), ([2, 1], 0), ([3, 3], 1), ([3, 3, 3], 1), ([1, 3, 3], 1), ([3, 1, 3], 0),
     ([1, 2, 3, 3], 2)],
)  # fmt: skip
def test_which_of_equal_maxima_gets_the_gradient_as_in_caffe(values, winner):
    shapes = [(1,)] * len(values)
    layer = make_layer('type: "Eltwise" eltwise_param { operation: MAX }', shapes)
    layer.reshape(*shapes)
    assert layer.forward(*[np.array([float(v)]) for v in values]) == max(values)
    dxs = layer.backward(np.array([5.0]))
    assert [dx.item() for dx in dxs] == [5.0 * (i == winner) for i in range(len(values))]


@pytest.mark.parametrize("stable", ["true", "false"])
def test_the_gradient_of_a_product_with_zeros_is_exact(stable):
    text = f'type: "Eltwise" eltwise_param {{ operation: PROD stable_prod_grad: {stable} }}'
    layer = make_layer(text, [(2,)] * 3)
    layer.reshape(*[(2,)] * 3)
    layer.forward(np.array([0.0, 0.0]), np.array([2.0, 0.0]), np.array([3.0, 3.0]))
    dxs = layer.backward(np.array([1.0, 1.0]))
    assert [dx.tolist() for dx in dxs] == [[6, 0], [0, 0], [0, 0]]


def test_max_takes_no_notice_of_coeff():
    text = 'type: "Eltwise" eltwise_param { operation: MAX coeff: 2 coeff: 3 }'
    assert run(Case("", text, [[1.0], [0.9]]))[0].tolist() == [1]


def test_silence_has_neither_tops_nor_gradients():
    layer = make_layer(SILENCE.text, SILENCE.bottoms)
    assert top_shapes(layer, SILENCE.bottoms) == ()
    assert layer.forward(*SILENCE.arrays()) == ()
    assert layer.backward() == (None, None)
    assert make_layer(SILENCE.text, [(2,)]).backward() is None


def top(*names):
    return " ".join(f'top: "{name}"' for name in names)


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ('type: "Concat"', [(2, 3, 4), (2, 3, 5)],
         "shapes of bottoms must agree but on axis 1; given (2, 3, 4), (2, 3, 5)"),
        ('type: "Concat"', [(2, 3), (2, 3, 1)],
         "shapes of bottoms must agree but on axis 1; given (2, 3), (2, 3, 1)"),
        ('type: "Concat" concat_param { axis: 2 }', [(2, 3)],
         "axis 2 must lie in [-2, 2) for 2 axes"),
        ('type: "Concat" concat_param { axis: 1 concat_dim: 1 }', [(2, 3)],
         "axis and concat_dim mean the same; give only axis"),
        ('type: "Slice" slice_param { slice_dim: 4 }', [(2, 3)],
         "slice_dim 4 must lie in [-2, 2) for 2 axes"),
        ('type: "Slice" ' + top("a", "b"), [(2, 3)], "2 tops must divide 3 entries evenly"),
        ('type: "Slice" slice_param { slice_point: 1 slice_point: 2 } ' + top("a", "b"), [(2, 3)],
         "2 tops need 1 slice points; given 2"),
        ('type: "Slice" slice_param { slice_point: 2 slice_point: 1 } ' + top("a", "b", "c"),
         [(2, 3)], "slice points must rise within (0, 3); given [2, 1]"),
        ('type: "Slice" slice_param { slice_point: 3 } ' + top("a", "b"), [(2, 3)],
         "slice points must rise within (0, 3); given [3]"),
        ('type: "Eltwise"', [(2, 3), (3, 2)],
         "shapes of bottoms must be equal; given (2, 3), (3, 2)"),
        ('type: "Eltwise" eltwise_param { coeff: 1 }', [(2,), (2,)],
         "2 bottoms need as many coeff; given 1"),
        ('type: "Eltwise" eltwise_param { operation: PROD coeff: 1 coeff: 1 }', [(2,), (2,)],
         "coeff is for operation SUM, not PROD"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(text, shapes, message):
    with pytest.raises(NetError) as error:
        make_layer(text, shapes).reshape(*shapes)
    assert str(error.value) == message
