import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

LABEL = np.array([0, 2, 0, 1])
FROZEN = "param { lr_mult: 0 } "
CENTER = "type: 'CenterLoss' center_loss_param { num_output: 4 center_filler { type: 'gaussian' } "
RNG = np.random.default_rng(0)
TRIPLETS = [RNG.normal(size=(6, 3)) * 0.6 for _ in range(3)]
CASES = [
    Case("centres", FROZEN + CENTER + "}", [(4, 3), LABEL]),
    Case("centres of maps", FROZEN + CENTER + "}", [(4, 2, 3), LABEL.reshape(4, 1, 1)]),
    Case("centres from axis 2", FROZEN + CENTER + "axis: 2 }", [(2, 2, 3), LABEL.reshape(2, 2)]),
    Case("triplets", "type: 'TripletLoss'", TRIPLETS),
    Case("margin", "type: 'TripletLoss' triplet_loss_param { margin: 0.2 }", TRIPLETS),
    Case("maps", "type: 'TripletLoss'", [(2, 3, 2)] * 3),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def center_loss(x, label=LABEL, text=CENTER + "}"):
    layer = make_layer(text, [x.shape, label.shape])
    layer.reshape(x.shape, label.shape)
    return layer, float(layer.forward(x, label.astype(float)))


def test_center_loss_against_the_definition():
    x = RNG.normal(size=(4, 3))
    layer, loss = center_loss(x)
    c = layer.params[0].value
    want = sum(((x[i] - c[label]) ** 2).sum() for i, label in enumerate(LABEL)) / 8
    assert loss == pytest.approx(want)


def test_centres_move_by_the_step_of_the_paper():
    x = RNG.normal(size=(4, 3))
    layer, _ = center_loss(x)
    c = layer.params[0].value
    layer.backward(np.float64(100))  # the loss weight does not count
    step = layer.params[0].diff
    assert step[0] == pytest.approx((c[0] - x[0] + c[0] - x[2]) / 3)
    assert step[1] == pytest.approx((c[1] - x[3]) / 2)
    assert step[2] == pytest.approx((c[2] - x[1]) / 2)
    assert not step[3].any()


def test_each_place_can_have_a_centre():
    x = RNG.normal(size=(2, 2, 3))
    layer, loss = center_loss(x, LABEL.reshape(2, 2), CENTER + "axis: 2 }")
    c = layer.params[0].value
    want = sum(((x.reshape(4, 3)[i] - c[k]) ** 2).sum() for i, k in enumerate(LABEL)) / 8
    assert loss == pytest.approx(want)


@pytest.mark.parametrize(("case", "margin"), [(CASES[3], 1), (CASES[4], 0.2), (CASES[5], 1)])
def test_triplets_against_the_definition(case, margin):
    (a, p, n), (y,) = case.arrays(), run(case)
    want = 0
    active = []
    for i in range(len(a)):
        cost = ((a[i] - p[i]) ** 2).sum() - ((a[i] - n[i]) ** 2).sum() + margin
        active.append(cost > 0)
        want += max(0, cost)
    assert float(y) == pytest.approx(want / (2 * len(a)), rel=1e-6)
    if case is CASES[4]:
        assert 0 < sum(active) < 6, "the case has triplets of both kinds"


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        (CENTER + "}", [(4, 3), (3,)], "the same first axis"),
        (CENTER + "}", [(4, 3), (4, 2)], "items need 3 values and a label each"),
        ("type: 'TripletLoss'", [(4, 3), (4, 3), (4, 2)], "must have one shape"),
    ],
)
def test_shapes_that_do_not_fit(text, shapes, message):
    with pytest.raises(ShapeError, match=message):
        make_layer(text, shapes).reshape(*shapes)


def test_classes_must_be_given():
    with pytest.raises(NetError, match="num_output must be at least 1; given 0"):
        make_layer("type: 'CenterLoss'", [(4, 3), (4,)])


def test_labels_must_be_classes():
    with pytest.raises(DataError, match=r"label 9 at index 1 must lie in \[0, 4\)"):
        center_loss(np.ones((2, 3)), np.array([0, 9]))
