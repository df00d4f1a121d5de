import math

import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.netcfg_pb2 import BlobProto
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

RNG = np.random.default_rng(5)
SPATIAL = RNG.integers(0, 5, (4, 1, 3, 2)).astype(float)
"""Labels of a (4, 5, 3, 2) blob; some are 2."""
MATRIX = RNG.uniform(0, 1, (1, 1, 4, 4))


def softmax_case(name, fields="", x=(4, 5, 3, 2), label=SPATIAL, tops="", **extra):
    text = f'type: "SoftmaxWithLoss" {tops} {fields}'
    return Case(name, text, [x, label], extra=extra)


def mode(name):
    return f"loss_param {{ normalization: {name} }}"


def ignoring(name, label=2):
    return f"loss_param {{ normalization: {name} ignore_label: {label} }}"


SOFTMAX_CASES = [
    softmax_case("softmax default", n=24),
    softmax_case("softmax none", mode("NONE"), n=1),
    softmax_case("softmax full", ignoring("FULL"), n=24, ignore=2),
    softmax_case("softmax valid", ignoring("VALID"), n=int((SPATIAL != 2).sum()), ignore=2),
    softmax_case("softmax batch", ignoring("BATCH_SIZE"), n=4, ignore=2),
    softmax_case("softmax normalize", "loss_param { normalize: true ignore_label: 2 }",
                 n=int((SPATIAL != 2).sum()), ignore=2),
    softmax_case("softmax not normalize", "loss_param { normalize: false }", n=4),
    softmax_case("softmax normalization wins",
                 "loss_param { normalize: false normalization: NONE }", n=1),
    softmax_case("softmax label beside the classes", ignoring("VALID", 255),
                 label=np.where(SPATIAL == 2, 255, SPATIAL), n=int((SPATIAL != 2).sum()),
                 ignore=255),
    softmax_case("softmax axis", "softmax_param { axis: -1 } " + mode("BATCH_SIZE"), (4, 3, 5),
                 SPATIAL[:, 0, :, 0], axis=2, n=12),
    softmax_case("softmax flat", x=(4, 5), label=SPATIAL[:, 0, 0, 0], n=4),
    softmax_case("softmax prob", tops='top: "loss" top: "prob"', n=24),
]  # fmt: skip
INFOGAIN = 'type: "InfogainLoss" '
LABELS = np.array([[3.0, 1.0], [0.0, 2.0], [1.0, 1.0]]).reshape(3, 1, 2)
INFOGAIN_CASES = [
    Case("infogain", INFOGAIN, [(3, 4, 2), LABELS, MATRIX], extra={"n": 6}),
    Case("infogain none", INFOGAIN + mode("NONE"), [(3, 4, 2), LABELS, MATRIX], extra={"n": 1}),
    Case("infogain ignore", INFOGAIN + "loss_param { ignore_label: 1 }",
         [(3, 4, 2), LABELS, MATRIX], extra={"n": 3, "ignore": 1}),
    Case("infogain batch", INFOGAIN + mode("BATCH_SIZE") + ' top: "loss" top: "prob"',
         [(3, 4, 2), LABELS, MATRIX], extra={"n": 3}),
    Case("infogain axis", INFOGAIN + "infogain_loss_param { axis: 2 }",
         [(3, 2, 4), LABELS, MATRIX[0, 0]], extra={"n": 6, "axis": 2}),
]  # fmt: skip
PROBABILITIES = RNG.uniform(0.1, 0.9, (5, 4))
MULTINOMIAL = Case("multinomial", 'type: "MultinomialLogisticLoss"',
                   [PROBABILITIES, [0.0, 3.0, 1.0, 1.0, 2.0]])  # fmt: skip
CASES = [*SOFTMAX_CASES, *INFOGAIN_CASES, MULTINOMIAL]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def lines(x, label, axis):
    """Yield for each label its value, the place of its scores in x, and their softmax."""
    outer, inner = x.shape[:axis], x.shape[axis + 1 :]
    values = iter(np.ravel(label))
    for before in np.ndindex(outer):
        for after in np.ndindex(inner):
            place = (*before, slice(None), *after)
            total = sum(math.exp(v) for v in x[place])
            yield int(next(values)), place, [math.exp(v) / total for v in x[place]]


def tops_and_gradient(case, dloss):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    tops = layer.forward(*xs)
    dys = [np.array(dloss)] + [None] * (layer.ntops - 1)
    return tops if layer.ntops > 1 else (tops,), layer.backward(*dys)[0], xs


@pytest.mark.parametrize("case", SOFTMAX_CASES, ids=lambda c: c.name)
def test_softmax_with_loss_is_what_it_says(case):
    tops, dx, (x, label) = tops_and_gradient(case, 0.3)
    n, ignore = case.extra["n"], case.extra.get("ignore")
    loss, want = 0.0, np.zeros(x.shape)
    for value, place, p in lines(x, label, case.extra.get("axis", 1)):
        if value != ignore:
            loss -= math.log(p[value])
            want[place] = [0.3 * (p[k] - (k == value)) / n for k in range(len(p))]
        if len(tops) > 1:
            assert tops[1][place] == pytest.approx(p)
    assert tops[0] == pytest.approx(loss / n)
    assert dx == pytest.approx(want)


@pytest.mark.parametrize("case", INFOGAIN_CASES, ids=lambda c: c.name)
def test_infogain_loss_is_what_it_says(case):
    tops, dx, (x, label, matrix) = tops_and_gradient(case, 0.3)
    n, ignore, h = case.extra["n"], case.extra.get("ignore"), matrix.reshape(4, 4)
    loss, want = 0.0, np.zeros(x.shape)
    for value, place, p in lines(x, label, case.extra.get("axis", 1)):
        if value != ignore:
            loss -= sum(h[value, k] * math.log(p[k]) for k in range(4))
            want[place] = [0.3 * (p[k] * sum(h[value]) - h[value, k]) / n for k in range(4)]
    assert tops[0] == pytest.approx(loss / n)
    assert dx == pytest.approx(want)


def test_multinomial_logistic_loss_is_what_it_says():
    (loss,), dx, (p, label) = tops_and_gradient(MULTINOMIAL, 0.3)
    assert loss == pytest.approx(-sum(math.log(p[i, int(k)]) for i, k in enumerate(label)) / 5)
    want = np.zeros((5, 4))
    for i, k in enumerate(label):
        want[i, int(k)] = -0.3 / (5 * p[i, int(k)])
    assert dx == pytest.approx(want)


def built(text, *shapes):
    layer = make_layer(text, shapes)
    layer.reshape(*shapes)
    return layer


def test_a_hopeless_label_costs_87_3365_as_in_caffe():
    layer = built('type: "SoftmaxWithLoss"', (1, 2), (1,))
    assert layer.forward(np.array([[0.0, 1000.0]]), np.zeros(1)) == pytest.approx(87.33654475)
    dx, none = layer.backward(np.array(1.0))
    assert dx.tolist() == [[-1, 1]]
    assert none is None


def test_least_probabilities_of_the_other_losses():
    layer = built('type: "MultinomialLogisticLoss"', (1, 2), (1,))
    assert layer.forward(np.array([[0.0, 1.0]]), np.zeros(1)) == pytest.approx(-math.log(1e-20))
    assert layer.backward(np.array(1.0))[0] == pytest.approx(np.array([[-1e20, 0]]))
    layer = built(INFOGAIN, (1, 2), (1,), (2, 2))
    loss = layer.forward(np.array([[0.0, 1000.0]]), np.zeros(1), np.eye(2))
    assert loss == pytest.approx(-math.log(1e-20))


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "InfogainLoss"])
def test_a_batch_without_labels_costs_nothing(kind):
    matrix = [np.eye(2)] if kind == "InfogainLoss" else []
    shapes = [(3, 2), (3,), *(m.shape for m in matrix)]
    layer = built(f'type: "{kind}" loss_param {{ ignore_label: -1 }}', *shapes)
    assert layer.forward(np.ones((3, 2)), -np.ones(3), *matrix) == 0
    assert not layer.backward(np.array(1.0))[0].any()


def test_infogain_of_the_identity_is_softmax_with_loss():
    x = np.random.default_rng(0).normal(size=(6, 3))
    label = np.array([0.0, 1, 2, 2, 1, 0])
    plain = built('type: "SoftmaxWithLoss"', x.shape, label.shape)
    gain = built(INFOGAIN, x.shape, label.shape, (3, 3))
    assert gain.forward(x, label, np.eye(3)) == pytest.approx(plain.forward(x, label))
    dloss = np.array(1.0)
    assert gain.backward(dloss)[0] == pytest.approx(plain.backward(dloss)[0])


@pytest.mark.parametrize("values", ["data", "double_data"])
def test_infogain_matrix_from_a_file(tmp_path, values):
    blob = BlobProto(num=1, channels=1, height=4, width=4)
    getattr(blob, values).extend(MATRIX.ravel().tolist())
    path = tmp_path / "matrix.binaryproto"
    path.write_bytes(blob.SerializeToString())
    given = next(c for c in INFOGAIN_CASES if c.name == "infogain none")
    text = f'{given.text} infogain_loss_param {{ source: "{path}" }}'
    case = Case("file", text, given.bottoms[:2])
    assert run(case)[0] == pytest.approx(run(given)[0], rel=1e-6)
    check(case)


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        (INFOGAIN, [(3, 4), (3,)],
         "infogain_loss_param: source is needed where there is no third bottom"),
        (INFOGAIN + 'infogain_loss_param { source: "none.bin" }', [(3, 4), (3,)],
         "file 'none.bin' not found; looked in '.'"),
        (INFOGAIN + "loss_param { normalize: true }", [(3, 4), (3,), (4, 4)],
         "loss_param: normalize is not for InfogainLoss; use normalization"),
        (INFOGAIN, [(3, 4), (3,), (4, 3)],
         "infogain matrix of shape (4, 3) must hold 4 × 4 values, one for each pair of classes"),
        ('type: "SoftmaxWithLoss"', [(3, 4), (2,)],
         "bottoms must have the same first axis; given (3, 4) and (2,)"),
        ('type: "SoftmaxWithLoss"', [(3, 4, 5), (3, 1)],
         "label shape (3, 1) must hold 15 values, one for each softmax over axis 1 of (3, 4, 5)"),
        ('type: "MultinomialLogisticLoss"', [(3, 4), (3, 2)],
         "label shape (3, 2) must hold 3 values, one per item of (3, 4)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(text, shapes, message):
    with pytest.raises(NetError) as error:
        make_layer(text, shapes).reshape(*shapes)
    assert str(error.value).startswith(message)


def test_a_matrix_file_that_is_none(tmp_path):
    path = tmp_path / "matrix"
    path.write_bytes(b"\x0f\xff")
    with pytest.raises(DataError, match=r"^infogain matrix '.*/matrix' cannot be read: "):
        make_layer(f'{INFOGAIN} infogain_loss_param {{ source: "{path}" }}', [(3, 4), (3,)])
    blob = BlobProto(data=[1.0] * 9)
    path.write_bytes(blob.SerializeToString())
    layer = make_layer(f'{INFOGAIN} infogain_loss_param {{ source: "{path}" }}', [(3, 4), (3,)])
    with pytest.raises(ShapeError, match=r"^infogain matrix of shape \(9,\) must hold 4 × 4"):
        layer.reshape((3, 4), (3,))


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "InfogainLoss", "MultinomialLogisticLoss"])
def test_a_label_out_of_range(kind):
    shapes = [(2, 4), (2,)] + [(4, 4)] * (kind == "InfogainLoss")
    layer = built(f'type: "{kind}"', *shapes)
    with pytest.raises(DataError, match=r"^label 4 at index .* must lie in \[0, 4\)"):
        layer.forward(np.ones((2, 4)), np.array([0.0, 4.0]), *[np.eye(4)] * (len(shapes) - 2))
