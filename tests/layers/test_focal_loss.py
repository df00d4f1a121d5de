import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

X = (4, 3, 2)
LABEL = np.array([[0, 2], [1, 9], [2, 1], [0, 0]])


def focal(fields, loss="", tops=""):
    text = f"type: 'FocalLoss' {tops} focal_loss_param {{ {fields} }}"
    return Case(fields, f"{text} loss_param {{ ignore_label: 9 {loss} }}", [X, LABEL])


CASES = [
    focal(""),
    focal("gamma: 0.5 alpha: 0.25", "normalization: FULL"),
    focal("gamma: 0"),
    focal("", "normalization: PRE_FIXED pre_fixed_normalizer: 3", "top: 'loss' top: 'prob'"),
    focal("type: LINEAR"),
    focal("type: LINEAR gamma: 0.5 beta: -1"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def origin(gamma, alpha=1.0):
    return lambda q: -alpha * (1 - q) ** gamma * np.log(q)


def linear(gamma, beta):
    def loss(q):
        u = gamma * np.log(q / (1 - q)) + beta
        return -np.log(1 / (1 + np.exp(-u))) / gamma

    return loss


@pytest.mark.parametrize(
    ("case", "loss", "n"),
    [
        (CASES[0], origin(2), 7),
        (CASES[1], origin(0.5, 0.25), 8),
        (CASES[2], origin(0), 7),
        (CASES[3], origin(2), 3),
        (CASES[4], linear(2, 1), 7),
        (CASES[5], linear(0.5, -1), 7),
    ],
)
def test_against_the_definition(case, loss, n):
    x, y = case.arrays()[0], run(case)[0]
    total = 0.0
    for i, j in np.ndindex(LABEL.shape):
        if LABEL[i, j] != 9:
            p = np.exp(x[i, :, j]) / np.exp(x[i, :, j]).sum()
            total += loss(p[LABEL[i, j]])
    assert float(y) == pytest.approx(total / n)


def test_without_focus_it_is_the_softmax_loss():
    text = "type: 'SoftmaxWithLoss' loss_param { ignore_label: 9 }"
    (want,) = run(Case("", text, [X, LABEL]))
    assert float(run(CASES[2])[0]) == pytest.approx(float(want))


@pytest.mark.parametrize("fields", ["", "gamma: 0.5", "type: LINEAR"])
@pytest.mark.parametrize("sure", [200.0, -200.0])
def test_certain_labels_stay_finite(fields, sure):
    layer = make_layer(f"type: 'FocalLoss' focal_loss_param {{ {fields} }}", [(1, 2), (1,)])
    layer.reshape((1, 2), (1,))
    loss = layer.forward(np.array([[sure, 0.0]]), np.zeros(1))
    dx, _ = layer.backward(np.float64(1))
    assert np.isfinite(loss)
    assert np.isfinite(dx).all()
    assert (float(loss) < 1e-3) == (sure > 0)


@pytest.mark.parametrize("fields", ["gamma: -1", "type: LINEAR gamma: 0"])
def test_gamma_that_makes_no_sense(fields):
    with pytest.raises(NetError, match="gamma must be at least 0, above 0 for LINEAR"):
        make_layer(f"type: 'FocalLoss' focal_loss_param {{ {fields} }}", [(1, 2), (1,)])
