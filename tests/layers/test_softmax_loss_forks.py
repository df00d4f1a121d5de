"""Softmax losses as forks have them: smooth labels, weights of classes, fixed normalizers."""

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layers.ohem import SoftmaxWithLossOHEM
from netcfg.layers.softmax_loss import MinedSoftmaxWithLoss, SoftmaxWithLoss
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.schema import parse
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

X = (4, 3, 2)
LABEL = np.array([[0, 2], [1, 9], [2, 1], [0, 0]])
IGNORED = "loss_param { ignore_label: 9 %s }"
F = float(np.float32(0.2))


def loss(loss_fields="", softmax_fields=""):
    softmax = f"softmax_param {{ {softmax_fields} }}"
    text = f"type: 'SoftmaxWithLoss' {IGNORED % loss_fields} {softmax}"
    return Case(f"{loss_fields} {softmax_fields}", text, [X, LABEL])


WEIGHTS = [2.0, 0.5, 1.5]
KINDS = {
    "even": loss("label_smoothing: 0.2"),
    "others": loss("", "label_smooth_factor: 0.2"),
    "class_weight": loss("", "class_weight: [2, 0.5, 1.5]"),
    "class_weighting": loss(
        "weight_by_label_freqs: true class_weighting: 2 class_weighting: 0.5 class_weighting: 1.5"
    ),
    "unused weights": loss("class_weighting: [2, 0.5, 1.5]"),
    "both": loss("label_smoothing: 0.2 normalization: FULL", "class_weight: [2, 0.5, 1.5]"),
    "fixed": loss("normalization: PRE_FIXED pre_fixed_normalizer: 5"),
    "fixed below 1": loss("normalization: PRE_FIXED pre_fixed_normalizer: 0.5"),
}
W = np.array([[1, 0.5], [2, 1], [0, 0.25], [1, 3]])


def mined(fields, loss_fields="", weights=True, **more):
    text = f"type: 'SoftmaxWithLoss' {IGNORED % loss_fields} softmax_param {{ {fields} }}"
    bottoms = [X, LABEL, W] if weights else [X, LABEL]
    text += "".join(f" bottom: '{name}'" for name in "xyz"[: len(bottoms)])
    return Case(f"mined {fields} {loss_fields}", text, bottoms, **more)


MINED = [
    mined(""),
    mined("cutting_point: 0.4"),
    mined("cutting_point: 0.2 hard_mining_label: 0", "normalization: FULL"),
    mined("hard_mining_label: 1", weights=False),
    mined("class_weight: [2, 0.5, 1.5] label_smooth_factor: 0.2"),
    mined("hard_ratio: 0.5", gradient=False),
    mined("hard_ratio: 0.4 hard_mining_label: 2", weights=False, gradient=False),
    mined("hard_ratio: 0.7", "normalization: FULL", gradient=False),
    mined("normalize_type: 'L1'", gradient=False),
    mined("normalize_type: 'L2' cutting_point: 0.5", gradient=False),
]
CASES = [*KINDS.values(), *MINED]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def defined(x, target, weights, normalizer):
    """Compute the loss label by label; ``target(label)`` is what the softmax should be."""
    total, count, weight_sum = 0.0, 0, 0.0
    for n, i in np.ndindex(LABEL.shape):
        label = LABEL[n, i]
        if label == 9:
            continue
        p = np.exp(x[n, :, i]) / np.exp(x[n, :, i]).sum()
        total -= weights[label] * (target(label) * np.log(p)).sum()
        count += 1
        weight_sum += weights[label]
    return total / normalizer(count, weight_sum)


def even(label):
    return np.eye(3)[label] * (1 - F) + F / 3


def others(label):
    return np.where(np.arange(3) == label, 1 - F, F / 2)


def hard(label):
    return np.eye(3)[label]


ONES = [1.0, 1.0, 1.0]
WANT = {
    "even": (even, ONES, lambda count, weight: count),
    "others": (others, ONES, lambda count, weight: count),
    "class_weight": (hard, WEIGHTS, lambda count, weight: weight),
    "class_weighting": (hard, WEIGHTS, lambda count, weight: count),
    "unused weights": (hard, ONES, lambda count, weight: count),
    "both": (even, WEIGHTS, lambda count, weight: 8),
    "fixed": (hard, ONES, lambda count, weight: 5),
    "fixed below 1": (hard, ONES, lambda count, weight: 1),
}


@pytest.mark.parametrize("name", KINDS)
def test_against_the_definition(name):
    (y,) = run(KINDS[name])
    assert float(y) == pytest.approx(defined(KINDS[name].arrays()[0], *WANT[name]))


def test_a_fixed_normalizer_in_other_losses():
    fields = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 4 }"
    for kind, target in (("SigmoidCrossEntropyLoss", (4, 3)), ("SoftmaxWithLoss", np.zeros(4))):
        (fixed,) = run(Case("", f"type: '{kind}' {fields}", [(4, 3), target]))
        (plain,) = run(
            Case("", f"type: '{kind}' loss_param {{ normalization: NONE }}", [(4, 3), target])
        )
        assert float(fixed) == pytest.approx(float(plain) / 4)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("loss_param { label_smoothing: 1 }", "must lie in [0, 1); given 1 and 0"),
        ("softmax_param { label_smooth_factor: -0.5 }", "given 0 and -0.5"),
        (
            "loss_param { label_smoothing: 0.5 } softmax_param { label_smooth_factor: 0.5 }",
            "not both",
        ),
        ("softmax_param { class_weight: [1, 2] }", "3 classes need as many weights; given 2"),
        ("softmax_param { hard_ratio: 0 }", "hard_ratio must lie in (0, 1]; given 0"),
        ("softmax_param { normalize_type: 'L3' }", "must be Softmax, L1 or L2; given 'L3'"),
    ],
)
def test_errors(fields, message):
    with pytest.raises((NetError, ShapeError)) as error:
        make_layer(f"type: 'SoftmaxWithLoss' {fields}", [X, LABEL.shape]).reshape(X, LABEL.shape)
    assert message in str(error.value)


def field(case, name, kind):
    if name not in case.text:
        return None
    return kind(case.text.split(f"{name}: ")[1].split()[0].strip("'"))


def by_label(case):
    """Return the loss and its gradient, label by label."""
    x, _, *given = case.arrays()
    weights = given[0] if given else np.ones(LABEL.shape)
    by_class = [2, 0.5, 1.5] if "class_weight" in case.text else [1, 1, 1]
    smooth = field(case, "label_smooth_factor", float) or 0
    ratio, cut = field(case, "hard_ratio", float) or 1, field(case, "cutting_point", float)
    only = field(case, "hard_mining_label", int)
    costs, slopes, shares = np.zeros(LABEL.shape), np.zeros(X), np.zeros(LABEL.shape)
    for n, i in np.ndindex(LABEL.shape):
        label, v = LABEL[n, i], x[n, :, i]
        if label == 9:
            continue
        p = {
            None: np.exp(v) / np.exp(v).sum(),
            "L1": v / (abs(v).sum() + 1e-6),
            "L2": v / np.sqrt(v @ v + 1e-6),
        }[field(case, "normalize_type", str)]
        if cut is not None and p[label] > cut and only in (None, label):
            p = np.eye(3)[label]
        target = np.where(np.arange(3) == label, 1 - smooth, smooth / 2)
        shares[n, i] = weights[n, i] * by_class[label]
        costs[n, i] = (
            -shares[n, i] * (target * np.log(np.maximum(p, np.finfo(np.float32).tiny))).sum()
        )
        slopes[n, :, i] = p - target
    full = "FULL" in case.text
    loss = costs.sum() / (8 if full else max(shares.sum(), 1))
    limit = np.sort(costs.reshape(-1))[min(int(round(8 * (1 - ratio), 5)), 7)]
    chosen = np.ones(LABEL.shape, bool) if only is None else np.equal(LABEL, only)
    easy = (costs < limit) & chosen
    shares = np.where(easy & (ratio < 1), 0, shares)
    return loss, slopes * shares[:, None] / (8 if full else max(shares.sum(), 1))


@pytest.mark.parametrize("case", MINED, ids=lambda c: c.name)
def test_hard_examples_against_the_definition(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    loss, slope = by_label(case)
    assert float(layer.forward(*xs)) == pytest.approx(loss)
    np.testing.assert_allclose(layer.backward(np.array(2.0))[0], 2 * slope, atol=1e-12)
    assert "caffe-windows" in layer.dialect


def test_a_layer_that_extends_it_stays_itself():
    config = parse(MINED[0].text, LayerParameter).message
    assert SoftmaxWithLossOHEM.resolve(config) is SoftmaxWithLossOHEM
    assert SoftmaxWithLoss.resolve(config) is MinedSoftmaxWithLoss
    assert SoftmaxWithLoss.resolve(LayerParameter()) is SoftmaxWithLoss


def test_labels_that_are_not_hard_get_no_gradient():
    _, slope = by_label(mined("hard_ratio: 0.5"))
    assert (slope != 0).any(axis=1).sum() == 4
    with pytest.raises(ShapeError, match=r"weights \(4, 1\) must be one for each label \(4, 2\)"):
        make_layer(MINED[0].text, [X, LABEL.shape, (4, 2)]).reshape(X, LABEL.shape, (4, 1))


def test_the_gradient_of_the_second_top_is_dropped():
    case = mined("cutting_point: 0.4")
    text = f"{case.text} top: 'loss' top: 'p'"
    xs = case.arrays()
    layer = make_layer(text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    _, p = layer.forward(*xs)
    assert (p.max(axis=1) == 1).any()
    assert layer.backward(None, np.ones(X))[0] is None
    np.testing.assert_allclose(layer.backward(np.array(1.0), np.ones(X))[0], by_label(case)[1])
