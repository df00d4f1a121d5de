import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

LABEL = np.array([0, 2, 1, 9, 2])
THREE = "top: 'loss' top: 'prob' top: 'each' loss_param { ignore_label: 9 }"
ROIS = np.array([[i, 0, 0, 9, 9] for i in (0, 1, 0, 1, 0, 3)], float)
LOSS = np.array([[0.5], [0.2], [0.9], [0.3], [0.7], [0.1]])
FIXED = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 4 }"
BOX = "type: 'BoxAnnotatorOHEM' top: 'l' top: 'w' box_annotator_ohem_param { roi_per_img: %s }"
CASES = [
    Case("softmax", "type: 'SoftmaxWithLossOHEM' loss_param { ignore_label: 9 }", [(5, 3), LABEL]),
    Case("smooth l1", "type: 'SmoothL1LossOHEM'", [(4, 3, 2), (4, 3, 2)]),
    Case("smooth l1 fixed", f"type: 'SmoothL1LossOHEM' {FIXED}", [(4, 3), (4, 3), (4, 3)]),
    Case(
        "boxes",
        BOX % "2 ignore_label: 7",
        [ROIS, LOSS, np.arange(6.0).reshape(6, 1), np.ones((6, 8))],
        gradient=False,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def test_softmax_tells_the_loss_of_each_label():
    case = Case("", f"type: 'SoftmaxWithLossOHEM' {THREE}", [(5, 3), LABEL])
    x = case.arrays()[0]
    loss, prob, each = run(case)
    assert each.shape == (5, 1)
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    want = [0 if label == 9 else -np.log(p[i, label]) for i, label in enumerate(LABEL)]
    assert each[:, 0] == pytest.approx(want)
    assert prob == pytest.approx(p)
    assert float(loss) == pytest.approx(sum(want) / 4)


def test_the_loss_of_each_label_passes_no_gradient():
    layer = make_layer(f"type: 'SoftmaxWithLossOHEM' {THREE}", [(5, 3), (5,)])
    plain = make_layer("type: 'SoftmaxWithLoss' loss_param { ignore_label: 9 }", [(5, 3), (5,)])
    x = np.random.default_rng(0).normal(size=(5, 3))
    for each in (layer, plain):
        each.reshape((5, 3), (5,))
        each.forward(x, LABEL.astype(float))
    got = layer.backward(np.float64(1), None, np.ones((5, 1)))[0]
    assert np.array_equal(got, plain.backward(np.float64(1))[0])


def huber(d):
    return d * d / 2 if abs(d) < 1 else abs(d) - 0.5


@pytest.mark.parametrize(
    ("fields", "n"), [("", 6), (FIXED, 4), ("loss_param { normalization: NONE }", 1)]
)
def test_smooth_l1_tells_the_loss_of_each_place(fields, n):
    shapes = [(3, 4, 2)] * 3
    case = Case("", f"type: 'SmoothL1LossOHEM' top: 'loss' top: 'each' {fields}", shapes)
    a, b, w = case.arrays()
    a = a * 5
    layer = make_layer(case.text, shapes)
    layer.reshape(*shapes)
    loss, each = layer.forward(a, b, w)
    want = np.vectorize(huber)(w * (a - b))
    assert each.shape == (3, 1, 2)
    for i, j in np.ndindex(3, 2):
        assert each[i, 0, j] == pytest.approx(sum(want[i, c, j] for c in range(4)))
    assert float(loss) == pytest.approx(want.sum() / n)
    dloss = layer.backward(np.float64(2), None)[0]
    slope = np.where(abs(w * (a - b)) < 1, w * (a - b), np.sign(w * (a - b))) * w
    assert dloss == pytest.approx(2 * slope / n)


def test_boxes_that_cost_most_are_kept():
    labels, weights = run(CASES[-1])
    # of image 0 regions 2 and 4, of image 1 both, of image 3 its only one
    assert labels[:, 0].tolist() == [7, 1, 2, 3, 4, 5]
    assert weights.tolist() == [[0] * 8] + [[1] * 8] * 5


def test_boxes_with_four_axes():
    shaped = [x.reshape(*x.shape, 1, 1) for x in CASES[-1].arrays()]
    labels, weights = run(Case("", BOX % "1", shaped))
    assert labels.shape == (6, 1, 1, 1)
    assert labels.reshape(-1).tolist() == [-1, -1, 2, 3, -1, 5]
    assert weights.sum(axis=(1, 2, 3)).tolist() == [0, 0, 8, 8, 0, 8]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(6, 4), (6, 1), (6, 1), (6, 8)], "regions must have 5 values"),
        ([(6, 5), (5, 1), (6, 1), (6, 8)], "one for each of the regions"),
        ([(6, 5), (6, 1), (6, 1), (5, 8)], "one for each of the regions"),
    ],
)
def test_boxes_that_do_not_fit(shapes, message):
    with pytest.raises(ShapeError, match=message):
        make_layer(BOX % "1", shapes).reshape(*shapes)


def test_regions_to_keep_must_be_given():
    with pytest.raises(NetError, match="roi_per_img must be at least 1; given 0"):
        make_layer("type: 'BoxAnnotatorOHEM'", [(1, 5), (1, 1), (1, 1), (1, 8)])


def test_places_need_channels():
    with pytest.raises(ShapeError, match="axes N and C"):
        make_layer("type: 'SmoothL1LossOHEM'", [(3,), (3,)]).reshape((3,), (3,))
