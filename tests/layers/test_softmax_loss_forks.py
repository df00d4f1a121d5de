"""Softmax losses as forks have them: smooth labels, weights of classes, fixed normalizers."""

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
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
CASES = list(KINDS.values())


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
        ("softmax_param { hard_ratio: 0.5 }", "not implemented"),
    ],
)
def test_errors(fields, message):
    with pytest.raises((NetError, ShapeError)) as error:
        make_layer(f"type: 'SoftmaxWithLoss' {fields}", [X, LABEL.shape]).reshape(X, LABEL.shape)
    assert message in str(error.value)
