import math

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check, run

RNG = np.random.default_rng(1)
X = RNG.normal(size=(12, 3))
LABEL = RNG.integers(0, 4, 12)


def margin(fields, x=X, label=LABEL):
    text = "type: 'MarginInnerProduct' margin_inner_product_param { num_output: 4 "
    return Case(fields, f"{text} weight_filler {{ type: 'gaussian' }} {fields} }}", [x, label])


ADD = "type: 'LabelSpecificAdd' label_specific_add_param { %s }"
SCORES = RNG.normal(size=(12, 4))
ADDED = [
    Case("bias", ADD % "bias: -0.35", [SCORES, LABEL]),
    Case("bias in test", ADD % "bias: -0.35", [SCORES, LABEL], phase=Phase.TEST),
]
CASES = [
    margin("type: SINGLE"),
    margin("type: DOUBLE"),
    margin("type: TRIPLE base: 0.5"),
    margin("type: QUADRUPLE base: 0"),
    margin("type: QUADRUPLE axis: 2", X.reshape(3, 4, 3), LABEL.reshape(3, 4)),
]


CASES += ADDED


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def psi(theta, m):
    i = min(int(theta * m / math.pi), m - 1)
    return (-1) ** i * math.cos(m * theta) - 2 * i


@pytest.mark.parametrize(
    ("case", "m", "plain"),
    [(CASES[0], 1, 1), (CASES[1], 2, 1), (CASES[2], 3, 0.5), (CASES[3], 4, 0), (CASES[4], 4, 1)],
)
def test_against_the_definition(case, m, plain):
    x, label = case.arrays()
    layer = make_layer(case.text, [x.shape, label.shape])
    layer.reshape(x.shape, label.shape)
    y = layer.forward(x, label)
    assert y.shape == (*x.shape[:-1], 4)
    y = y.reshape(12, 4)
    seen = set()
    for n, k in np.ndindex(y.shape):
        v, row = layer.params[0].value[k], X[n]
        length = np.linalg.norm(row)
        cosine = row @ v / np.linalg.norm(v) / length
        want = length * cosine
        if k == LABEL[n]:
            theta = math.acos(cosine)
            seen.add(int(theta * m / math.pi))
            want = (plain * want + length * psi(theta, m)) / (1 + plain)
        assert y[n, k] == pytest.approx(want)
    assert len(seen) >= min(m, 3), "angles on several branches"


def test_lambda_falls_with_the_passes():
    fields = "base: 8 gamma: 1 power: 2 iteration: 1 lambda_min: 0.75"
    text = margin(fields).text + " top: 'y' top: 'lambda'"
    layer = make_layer(text, [X.shape, LABEL.shape])
    layer.reshape(X.shape, LABEL.shape)
    seen = []
    for step in range(3):
        layer.step = step
        seen.append(float(layer.forward(X, LABEL.astype(float))[1][0]))
    assert seen == pytest.approx([8 / 4, 8 / 9, 0.75])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [(((12, 2), (12,)), "the weights take 3 values"), (((12, 3), (6,)), "one value per item")],
)
def test_shapes_that_do_not_fit(shapes, message):
    layer = make_layer(CASES[0].text, [X.shape, LABEL.shape])
    with pytest.raises(ShapeError, match=message):
        layer.reshape(*shapes)


def test_classes_must_be_given():
    with pytest.raises(NetError, match="num_output must be at least 1"):
        make_layer("type: 'MarginInnerProduct'", [X.shape, LABEL.shape])


def test_scores_of_labels_get_the_bias():
    (y,), (plain,) = run(ADDED[0]), run(ADDED[1])
    np.testing.assert_array_equal(plain, SCORES)
    low = 0
    for n, k in np.ndindex(SCORES.shape):
        want = SCORES[n, k]
        if k == LABEL[n] and want > 0.35:
            want += np.float32(-0.35)
        low += k == LABEL[n] and want == SCORES[n, k]
        assert y[n, k] == pytest.approx(want)
    assert 0 < low < 12


def test_the_bias_changes_with_the_passes():
    text = "bias_base: -0.1 bias_gamma: 1 bias_power: -1 bias_min: -0.7 bias_max: 0 iteration: 1"
    layer = make_layer(ADD % text, [(1, 2), (1,)])
    found = []
    for layer.step in range(3):
        found.append(layer.forward(np.array([[9.0, 9]]), np.array([1.0]))[0].tolist())
    assert [row[0] for row in found] == [9] * 3
    # -0.1 + 1 / (2 + i) - 1, at least -0.7
    assert [row[1] - 9 for row in found] == pytest.approx([-0.6, -0.7, -0.7])


def test_what_a_bias_is_added_to():
    layer = make_layer(ADD % "", [(2, 3), (2,)])
    for x, label in (((2, 3), (3,)), ((2,), (2,))):
        with pytest.raises(ShapeError, match="must hold one value per item"):
            layer.reshape(x, label)
