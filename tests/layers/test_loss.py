import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError
from netcfg.layer import registry
from netcfg.testing import make_layer
from tests.layers.cases import Case, check

RNG = np.random.default_rng(7)
TARGETS = RNG.uniform(0, 1, (4, 5, 2))
"""Targets of which those below 1 have the whole part 0."""
TARGETS[::2] = RNG.integers(0, 2, (2, 5, 2))
LABELS = [0.0, 3.0, 1.0, 1.0, 2.0]
A, B = RNG.uniform(-1, 1, (2, 6, 4))
PAIRS = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
SIGMOID = 'type: "SigmoidCrossEntropyLoss" '


def sigmoid(name, fields="", **extra):
    return Case(name, SIGMOID + f"loss_param {{ {fields} }}", [(4, 5, 2), TARGETS], extra=extra)


def contrastive(name, fields, **extra):
    text = f'type: "ContrastiveLoss" contrastive_loss_param {{ {fields} }}'
    # Caffe's 1e-4 in the gradient shows in differences
    return Case(name, text, [A, B, PAIRS], rtol=1e-4, extra={"margin": 1, **extra})


EUCLIDEAN_CASES = [
    Case("euclidean", 'type: "EuclideanLoss"', [(4, 3), (4, 3)]),
    Case("euclidean shapes", 'type: "EuclideanLoss"', [(2, 3, 2), (2, 6, 1, 1)]),
]
VALID = int((np.trunc(TARGETS) != 1).sum())
SIGMOID_CASES = [
    sigmoid("sigmoid default", n=4),
    sigmoid("sigmoid none", "normalization: NONE", n=1),
    sigmoid("sigmoid full", "normalization: FULL", n=40),
    sigmoid("sigmoid valid", "normalization: VALID ignore_label: 1", n=VALID, ignore=1),
    sigmoid("sigmoid normalize", "normalize: true ignore_label: 1", n=VALID, ignore=1),
    sigmoid("sigmoid not normalize", "normalize: false ignore_label: 0", n=4, ignore=0),
    sigmoid("sigmoid ignore", "ignore_label: 0", n=4, ignore=0),
]
HINGE_CASES = [
    Case("hinge", 'type: "HingeLoss"', [(5, 4), LABELS]),
    Case("hinge L1", 'type: "HingeLoss" hinge_loss_param { norm: L1 }', [(5, 4, 1, 1), LABELS]),
    Case("hinge L2", 'type: "HingeLoss" hinge_loss_param { norm: L2 }', [(5, 2, 2), LABELS],
         extra={"power": 2}),
]  # fmt: skip
CONTRASTIVE_CASES = [
    contrastive("contrastive", ""),
    contrastive("contrastive margin", "margin: 2.5", margin=2.5),
    contrastive("contrastive legacy", "margin: 3 legacy_version: true", margin=3, legacy=True),
    contrastive("contrastive legacy 2", "margin: 2 legacy_version: true", margin=2, legacy=True),
]
CASES = EUCLIDEAN_CASES + SIGMOID_CASES + HINGE_CASES + CONTRASTIVE_CASES


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def test_losses_say_what_the_net_must_know():
    for kind in ("EuclideanLoss", "SoftmaxWithLoss", "InfogainLoss", "ContrastiveLoss"):
        assert registry[kind].default_loss_weight == 1
        assert registry[kind].auto_tops


def loss_and_gradients(case, dloss=0.3):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    loss = layer.forward(*xs)
    return loss, layer.backward(np.array(dloss)), xs


@pytest.mark.parametrize("case", EUCLIDEAN_CASES, ids=lambda c: c.name)
def test_euclidean_loss_is_what_it_says(case):
    loss, (da, db), (a, b) = loss_and_gradients(case)
    pairs = list(zip(a.ravel(), b.ravel(), strict=True))
    assert loss == pytest.approx(sum((x - y) ** 2 for x, y in pairs) / (2 * len(a)))
    want = [0.3 * (x - y) / len(a) for x, y in pairs]
    assert da.ravel() == pytest.approx(want)
    assert db.ravel() == pytest.approx(-np.array(want))


@pytest.mark.parametrize("case", SIGMOID_CASES, ids=lambda c: c.name)
def test_sigmoid_cross_entropy_is_what_it_says(case):
    loss, (dx, _), (x, t) = loss_and_gradients(case)
    n, want_loss, want = case.extra["n"], 0.0, np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        if int(t[place]) != case.extra.get("ignore"):
            p = 1 / (1 + math.exp(-x[place]))
            want_loss -= t[place] * math.log(p) + (1 - t[place]) * math.log(1 - p)
            want[place] = 0.3 * (p - t[place]) / n
    assert loss == pytest.approx(want_loss / n)
    assert dx == pytest.approx(want)


def test_one_value_is_a_full_batch():
    layer = make_layer(SIGMOID + "loss_param { normalization: FULL }", [(1,), (1,)])
    layer.reshape((1,), (1,))
    assert layer.forward(np.zeros(1), np.ones(1)) == pytest.approx(math.log(2))


def test_sigmoid_cross_entropy_of_large_scores_is_finite():
    layer = make_layer(SIGMOID, [(1, 4), (1, 4)])
    layer.reshape((1, 4), (1, 4))
    x = np.array([[1e4, -1e4, 1e4, -1e4]])
    assert layer.forward(x, np.array([[1.0, 0.0, 0.0, 1.0]])) == pytest.approx(2e4)
    assert layer.backward(np.array(1.0))[0] == pytest.approx(np.array([[0, 0, 1, -1.0]]))


@pytest.mark.parametrize("case", HINGE_CASES, ids=lambda c: c.name)
def test_hinge_loss_is_what_it_says(case):
    loss, (dx, _), (x, label) = loss_and_gradients(case)
    power = case.extra.get("power", 1)
    scores, want_loss, want = x.reshape(5, 4), 0.0, np.zeros((5, 4))
    for i, k in np.ndindex(5, 4):
        sign = 1 if k == label[i] else -1
        margin = max(0, 1 - sign * scores[i, k])
        want_loss += margin**power / 5
        if margin > 0:
            want[i, k] = -sign * power * margin ** (power - 1) * 0.3 / 5
    assert loss == pytest.approx(want_loss)
    assert dx == pytest.approx(want.reshape(x.shape))


def test_hinge_loss_leaves_scores_beyond_the_margin_alone():
    layer = make_layer('type: "HingeLoss"', [(1, 3), (1,)])
    layer.reshape((1, 3), (1,))
    assert layer.forward(np.array([[2.0, -2.0, -0.5]]), np.zeros(1)) == 0.5
    assert layer.backward(np.array(1.0))[0].tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("case", CONTRASTIVE_CASES, ids=lambda c: c.name)
def test_contrastive_loss_is_what_it_says(case):
    loss, (da, db, _), (a, b, label) = loss_and_gradients(case)
    margin, want_loss, want, apart = case.extra["margin"], 0.0, np.zeros(a.shape), 0
    for i in range(len(a)):
        square = sum((a[i] - b[i]) ** 2)
        d = math.sqrt(square)
        pull = 0.3 * (a[i] - b[i]) / len(a)
        if label[i]:
            want_loss += square
            want[i] = pull
        elif case.extra.get("legacy") and margin > square:
            want_loss += margin - square
            want[i] = -pull
        elif not case.extra.get("legacy") and margin > d:
            want_loss += (margin - d) ** 2
            want[i] = -pull * (margin - d) / (d + 1e-4)
        else:
            apart += 1
    assert apart > 0 or margin == 2.5, "some pair should be beyond the margin"
    assert loss == pytest.approx(want_loss / (2 * len(a)))
    assert da == pytest.approx(want)
    assert db == pytest.approx(-want)


def test_pairs_that_coincide_have_a_finite_gradient():
    layer = make_layer('type: "ContrastiveLoss"', [(1, 2), (1, 2), (1,)])
    layer.reshape((1, 2), (1, 2), (1,))
    a = np.ones((1, 2))
    assert layer.forward(a, a, np.zeros(1)) == 0.5
    assert layer.backward(np.array(1.0))[0].tolist() == [[0, 0]]


@pytest.mark.parametrize("kind", ["EuclideanLoss", "SigmoidCrossEntropyLoss", "HingeLoss",
                                  "ContrastiveLoss", "MultinomialLogisticLoss",
                                  "SoftmaxWithLoss"])  # fmt: skip
def test_an_empty_batch_costs_nothing(kind):
    labelled = kind in ("HingeLoss", "MultinomialLogisticLoss", "SoftmaxWithLoss")
    shapes = [(0, 3), (0,) if labelled else (0, 3), *[(0,)] * (kind == "ContrastiveLoss")]
    layer = make_layer(f'type: "{kind}"', shapes)
    layer.reshape(*shapes)
    assert layer.forward(*map(np.zeros, shapes)) == 0
    assert layer.backward(np.array(1.0))[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("EuclideanLoss", [(3, 4), (2, 6)],
         "bottoms must have the same first axis; given (3, 4) and (2, 6)"),
        ("EuclideanLoss", [(3, 4), (3, 5)],
         "bottoms must hold equally many values; given (3, 4) and (3, 5)"),
        ("EuclideanLoss", [(), ()], "bottoms must have the same first axis; given () and ()"),
        ("SigmoidCrossEntropyLoss", [(3, 4), (3,)],
         "bottoms must hold equally many values; given (3, 4) and (3,)"),
        ("HingeLoss", [(3, 4), (3, 2)],
         "label shape (3, 2) must hold 3 values, one per item of (3, 4)"),
        ("ContrastiveLoss", [(3, 4), (3, 5), (3,)],
         "bottoms 0 and 1 must hold equally many values; given (3, 4) and (3, 5)"),
        ("ContrastiveLoss", [(3, 4), (3, 4), (2,)],
         "label shape (2,) must hold 3 values, one per item of (3, 4)"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit(kind, shapes, message):
    with pytest.raises(NetError) as error:
        make_layer(f'type: "{kind}"', shapes).reshape(*shapes)
    assert str(error.value) == message


def test_a_label_out_of_range():
    layer = make_layer('type: "HingeLoss"', [(2, 3), (2,)])
    layer.reshape((2, 3), (2,))
    with pytest.raises(DataError, match=r"^label -1 at index \(1, 0\) must lie in \[0, 3\)"):
        layer.forward(np.zeros((2, 3)), np.array([0.0, -1.0]))
