import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.testing import check_gradient, make_layer, top_shapes
from tests.layers.cases import Case, check, run

X = (2, 3, 4, 5)


def flatten(name, fields, want):
    return Case(name, f'type: "Flatten" flatten_param {{ {fields} }}', [X], extra={"shape": want})


def reshaped(name, dims, fields, want, x=X):
    shape = " ".join(f"dim: {d}" for d in dims)
    text = f'type: "Reshape" reshape_param {{ shape {{ {shape} }} {fields} }}'
    return Case(name, text, [x], extra={"shape": want})


def tile(name, fields, axis, tiles):
    text = f'type: "Tile" tile_param {{ {fields} tiles: {tiles} }}'
    return Case(name, text, [(2, 3, 2)], extra={"axis": axis, "tiles": tiles})


def reduction(name, fields, axis, term, coeff=1.0, x=(2, 3, 4)):
    text = f'type: "Reduction" reduction_param {{ {fields} }}'
    return Case(name, text, [x], extra={"axis": axis, "term": term, "coeff": coeff})


def crop(name, fields, size, start, offsets):
    text = f'type: "Crop" crop_param {{ {fields} }}'
    return Case(name, text, [(2, 5, 7, 8), size], extra={"start": start, "offsets": offsets})


RESHAPE_CASES = [
    flatten("flatten", "", (2, 60)),
    flatten("flatten axis", "axis: 2", (2, 3, 20)),
    flatten("flatten end", "axis: 0 end_axis: -2", (24, 5)),
    flatten("flatten one axis", "axis: 1 end_axis: 1", X),
    flatten("flatten nothing", "axis: 1 end_axis: 0", (2, 1, 3, 4, 5)),
    reshaped("reshape 0", [0, 12, 5], "", (2, 12, 5)),
    reshaped("reshape -1", [0, -1], "", (2, 60)),
    reshaped("reshape axis", [0, -1], "axis: 1", (2, 3, 20)),
    reshaped("reshape 0 later", [-1, 0, 5, 1], "axis: 1", (2, 3, 4, 5, 1)),
    reshaped(
        "reshape 0 beyond", [2, -1, 0], "axis: 1 num_axes: 2", (2, 2, 6, 5, 5, 1), (2, 3, 20, 5, 1)
    ),
    reshaped("reshape num_axes", [2, -1], "axis: 1 num_axes: 2", (2, 2, 6, 5)),
    reshaped("reshape insert", [1, 1], "axis: -1 num_axes: 0", (*X, 1, 1)),
    reshaped("reshape negative axis", [10, 2], "axis: -3", (2, 3, 10, 2)),
    reshaped("reshape to nothing", [], "axis: 1", (2,), x=(2, 1, 1)),
]
SQUEEZE_CASES = [
    Case(name, f'type: "Squeeze" squeeze_param {{ {fields} }}', [x], extra={"shape": want})
    for name, fields, x, want in [
        ("squeeze all", "", (2, 1, 3, 1), (2, 3)),
        ("squeeze named", "axis: 1", (1, 1, 3, 1), (1, 3, 1)),
        ("squeeze from the end", "axis: [-1, 1]", (2, 1, 3, 1), (2, 3)),
    ]
]
TILE_CASES = [
    tile("tile", "", 1, 3),
    tile("tile axis", "axis: -1", 2, 2),
    tile("tile batch", "axis: 0", 0, 2),
    tile("tile once", "", 1, 1),
]
REDUCTION_CASES = [
    reduction("reduction default", "", 0, lambda v: v),
    reduction("reduction sum", "operation: SUM axis: 1 coeff: 0.5", 1, lambda v: v, 0.5),
    reduction("reduction asum", "operation: ASUM axis: 2 coeff: 3", 2, abs, 3),
    reduction("reduction sumsq", "operation: SUMSQ axis: -2", 1, lambda v: v * v),
    reduction("reduction mean", "operation: MEAN axis: 1 coeff: 2", 1, lambda v: v, 2 / 12),
    reduction("reduction mean of one", "operation: MEAN axis: -1", 2, lambda v: v, x=(2, 3, 1)),
    reduction("reduction mean all", "operation: MEAN", 0, lambda v: v, 1 / 24),
]
CROP_CASES = [
    crop("crop", "", (1, 1, 4, 3), 2, (0, 0)),
    crop("crop offset", "offset: 2", (9, 9, 5, 3), 2, (2, 2)),
    crop("crop offsets", "axis: 1 offset: 3 offset: 2 offset: 3", (9, 2, 3, 5), 1, (3, 2, 3)),
    crop("crop last axis", "axis: -1 offset: 1", (9, 9, 9, 7), 3, (1,)),
    crop("crop all axes", "axis: 0 offset: 1", (1, 2, 3, 4), 0, (1, 1, 1, 1)),
]
REINDEX = Case("reindex", 'type: "BatchReindex"', [(4, 2, 3), [2.0, 0.0, 2.0, 3.0, 2.0]])
FILTER = 'type: "Filter" '
FILTER_CASES = [
    Case("filter all", FILTER, [(3, 2), [1.0, -1.0, 0.5]]),
    Case("filter several", FILTER + 'top: "a" top: "b"', [(2, 2), (2, 3, 1), [[1.0], [1.0]]]),
]
CASES = [
    *RESHAPE_CASES,
    *SQUEEZE_CASES,
    *TILE_CASES,
    *REDUCTION_CASES,
    *CROP_CASES,
    REINDEX,
    *FILTER_CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", RESHAPE_CASES + SQUEEZE_CASES, ids=lambda c: c.name)
def test_reshaping_keeps_the_order(case):
    (x,), (y,) = case.arrays(), run(case)
    assert y.shape == case.extra["shape"]
    assert y.ravel().tolist() == x.ravel().tolist()


@pytest.mark.parametrize("case", TILE_CASES, ids=lambda c: c.name)
def test_tile_is_what_it_says(case):
    (x,), (y,), axis = case.arrays(), run(case), case.extra["axis"]
    assert y.shape[axis] == x.shape[axis] * case.extra["tiles"]
    for place in np.ndindex(y.shape):
        source = (*place[:axis], place[axis] % x.shape[axis], *place[axis + 1 :])
        assert y[place] == x[source]


@pytest.mark.parametrize("case", REDUCTION_CASES, ids=lambda c: c.name)
def test_reduction_is_what_it_says(case):
    (x,), (y,), axis = case.arrays(), run(case), case.extra["axis"]
    for place in np.ndindex(x.shape[:axis]):
        want = case.extra["coeff"] * sum(case.extra["term"](v) for v in x[place].ravel())
        assert y[place] == pytest.approx(want)


@pytest.mark.parametrize("case", CROP_CASES, ids=lambda c: c.name)
def test_crop_is_what_it_says(case):
    (x, size), (y,), start = case.arrays(), run(case), case.extra["start"]
    assert y.shape == x.shape[:start] + size.shape[start:]
    offsets = (0,) * start + case.extra["offsets"]
    for place in np.ndindex(y.shape):
        assert y[place] == x[tuple(i + o for i, o in zip(place, offsets, strict=True))]


def test_batch_reindex_is_what_it_says():
    (x, index), (y,) = REINDEX.arrays(), run(REINDEX)
    assert y.tolist() == [x[int(i)].tolist() for i in index]
    layer = make_layer(REINDEX.text, [x.shape, index.shape])
    layer.forward(x, index)
    dx, none = layer.backward(np.ones(y.shape))
    assert dx[:, 0, 0].tolist() == [1, 0, 3, 1]
    assert none is None


@pytest.mark.parametrize("selector", [[0.0, 1.0, -2.0, 0.0], [0.0] * 4, [1.0] * 4])
def test_filter_is_what_it_says(selector):
    kept = [i for i, s in enumerate(selector) if s]
    text, column = FILTER + 'top: "a" top: "b"', np.array(selector).reshape(4, 1, 1)
    case = Case("", text, [(4, 2), (4,), column])
    xs, ys = case.arrays(), run(case)
    for x, y in zip(xs[:2], ys, strict=True):
        assert y.shape == (len(kept), *x.shape[1:])
        assert y.tolist() == [x[i].tolist() for i in kept]
    check_gradient(text, (4, 2), (4,), column)


def test_filter_promises_all_items():
    assert top_shapes(make_layer(FILTER, [(3, 2), (3,)]), [(3, 2), (3,)]) == ((3, 2),)


def test_empty_batches_pass_through():
    for text in ('type: "Flatten"', 'type: "Reduction" reduction_param { axis: 1 }',
                 'type: "Reduction" reduction_param { operation: MEAN }',
                          'type: "Reshape" reshape_param { shape { dim: 0 dim: 6 } }',
                 'type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }',
                 'type: "Tile" tile_param { tiles: 2 }'):  # fmt: skip
        layer = make_layer(text, [(0, 2, 3)])
        (shape,) = top_shapes(layer, [(0, 2, 3)])
        y = layer.forward(np.zeros((0, 2, 3)))
        assert y.shape == shape
        assert not y.any()
        assert layer.backward(np.ones(shape)).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ('type: "Flatten" flatten_param { axis: 3 end_axis: 1 }', [X],
         "end_axis 1 must not lie before axis 3"),
        ('type: "Flatten" flatten_param { end_axis: 4 }', [X],
         "end_axis 4 must lie in [-4, 4) for 4 axes"),
        ('type: "Reshape" reshape_param { shape { dim: -1 dim: -1 } }', [X],
         "shape may hold one -1 and nothing less; given [-1, -1]"),
        ('type: "Reshape" reshape_param { shape { dim: -2 } }', [X],
         "shape may hold one -1 and nothing less; given [-2]"),
        ('type: "Reshape" reshape_param { shape { dim: -1 dim: 7 } }', [X],
         "120 values of (2, 3, 4, 5) do not fit into [-1, 7]"),
        ('type: "Reshape" reshape_param { shape { dim: 0 dim: 59 } }', [X],
         "120 values of (2, 3, 4, 5) do not fit into [2, 59]"),
        ('type: "Reshape" reshape_param { shape { dim: 7 } axis: 2 }', [X],
         "20 values of (2, 3, 4, 5) do not fit into [7]"),
        ('type: "Reshape" reshape_param { shape { dim: 6 dim: 1 dim: 0 } }', [(2, 3)],
         "dim 2 of shape is 0, but (2, 3) has no axis 2"),
        ('type: "Reshape" reshape_param { shape { dim: 1 } axis: 3 num_axes: 2 }', [X],
         "num_axes must lie in [-1, 1] for axis 3 of (2, 3, 4, 5); given 2"),
        ('type: "Reshape" reshape_param { shape { dim: 1 } num_axes: -2 }', [X],
         "num_axes must lie in [-1, 4] for axis 0 of (2, 3, 4, 5); given -2"),
        ('type: "Reshape" reshape_param { axis: 5 }', [X], "axis 5 must lie in [-5, 5) for 5 axes"),
        ('type: "Tile"', [X], "tiles must be at least 1; given 0"),
        ('type: "Tile" tile_param { axis: 4 tiles: 2 }', [X],
         "axis 4 must lie in [-4, 4) for 4 axes"),
        ('type: "Reduction" reduction_param { axis: 4 }', [X],
         "axis 4 must lie in [-4, 4) for 4 axes"),
        ('type: "Crop"', [X, (4, 5)],
         "bottoms must have equally many axes; given (2, 3, 4, 5) and (4, 5)"),
        ('type: "Crop" crop_param { offset: 1 }', [X, (2, 3, 3, 5)],
         "offset 1 and size 5 exceed axis 3 of (2, 3, 4, 5), which has 5"),
        ('type: "Crop" crop_param { axis: 1 offset: 1 offset: 1 }', [X, X],
         "3 axes from axis 1 on need one offset or as many; given [1, 1]"),
        ('type: "BatchReindex"', [X, (3, 1)], "indices must have one axis; given shape (3, 1)"),
        (FILTER, [(3, 2), (3, 2)], "selector must hold one value per item; given shape (3, 2)"),
        (FILTER, [(3, 2), (2,)], "bottoms must have the same first axis; given (3, 2), (2,)"),
        (FILTER, [(3, 2), (3, 2), (3,)],
         "3 bottoms need 2 tops, one for each but the selector; given 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(text, shapes, message):
    with pytest.raises(NetError) as error:
        make_layer(text, shapes).reshape(*shapes)
    assert str(error.value) == message


def test_batch_reindex_refuses_an_index_out_of_range():
    layer = make_layer('type: "BatchReindex"', [(2, 3), (1,)])
    with pytest.raises(DataError, match=r"^index 2 at index 0 must lie in \[0, 2\) \(2 items\)$"):
        layer.forward(np.zeros((2, 3)), np.array([2.0]))


def test_what_reduction_keeps_is_what_backward_needs():
    for operation, keeps in (("SUM", False), ("MEAN", False), ("ASUM", True), ("SUMSQ", True)):
        text = f'type: "Reduction" reduction_param {{ operation: {operation} }}'
        layer = make_layer(text, [(3,)])
        layer.reshape((3,))
        layer.forward(np.ones(3))
        assert (layer.saved[1] is not None) == keeps
        assert math.prod(layer.saved[0]) == 3


@pytest.mark.parametrize(
    ("axis", "error", "message"),
    [
        ("2", ShapeError, r"axis 2 of \(2, 1, 3, 1\) must have length 1; given 3"),
        ("4", ShapeError, r"axis 4 must lie in \[-4, 4\)"),
        ("0.5", NetError, r"axis must be whole numbers; given \[0.5\]"),
    ],
)
def test_axes_that_cannot_be_left_out(axis, error, message):
    layer = make_layer(f'type: "Squeeze" squeeze_param {{ axis: {axis} }}', [(2, 1, 3, 1)])
    with pytest.raises(error, match=message):
        layer.reshape((2, 1, 3, 1))
