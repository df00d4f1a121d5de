import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

RNG = np.random.default_rng(0)
A = (3, 4, 2)
FAR = RNG.normal(size=A) * 2
INSIDE, OUTSIDE = RNG.uniform(0.5, 2, size=A), RNG.uniform(0.5, 2, size=A)
SIGMA = "smooth_l1_loss_param { sigma: 3 }"
CASES = [
    Case("l1", "type: 'L1Loss'", [A, FAR]),
    Case("l1 of other shapes", "type: 'L1Loss'", [(3, 8), FAR]),
    Case("ssd", "type: 'SmoothL1Loss'", [A, FAR]),
    Case("ssd weights", "type: 'SmoothL1Loss'", [A, FAR, INSIDE]),
    Case("faster r-cnn", f"type: 'SmoothL1Loss' {SIGMA}", [A, FAR, INSIDE, OUTSIDE]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def huber(d, sigma=1.0):
    near = abs(d) < 1 / sigma**2
    return (sigma * d) ** 2 / 2 if near else abs(d) - 0.5 / sigma**2


def test_l1():
    for case in CASES[:2]:
        (a, b), (y,) = case.arrays(), run(case)
        want = sum(abs(p - q) for p, q in zip(a.flat, b.flat, strict=True)) / 3
        assert float(y) == pytest.approx(want)


@pytest.mark.parametrize(("case", "sigma"), [(CASES[2], 1), (CASES[3], 1), (CASES[4], 3)])
def test_smooth_l1(case, sigma):
    arrays, (y,) = case.arrays(), run(case)
    a, b, *weights = arrays
    w = weights[0] if weights else np.ones(A)
    v = weights[1] if len(weights) > 1 else np.ones(A)
    want = sum(v[i] * huber(w[i] * (a[i] - b[i]), sigma) for i in np.ndindex(A)) / 3
    assert float(y) == pytest.approx(want)


def test_values_on_both_sides_of_the_bend():
    layer = make_layer(f"type: 'SmoothL1Loss' {SIGMA}", [(1, 2), (1, 2)])
    layer.reshape((1, 2), (1, 2))
    y = layer.forward(np.array([[0.1, -2.0]]), np.zeros((1, 2)))
    assert float(y) == pytest.approx(0.3**2 / 2 + 2 - 0.5 / 9)
    da, db = layer.backward(np.float64(1))
    assert da.tolist() == [[pytest.approx(0.9), -1]]
    assert (da == -db).all()


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("type: 'L1Loss'", [(2, 3), (2, 4)], "equally many values"),
        ("type: 'SmoothL1Loss'", [(2, 3), (2, 3), (2, 4)], "must have one shape"),
        ("type: 'SmoothL1Loss'", [(), ()], "must have one shape"),
    ],
)
def test_shapes_that_do_not_fit(text, shapes, message):
    with pytest.raises(ShapeError, match=message):
        make_layer(text, shapes).reshape(*shapes)


def test_sigma_is_positive():
    with pytest.raises(NetError, match="sigma must be positive; given 0"):
        make_layer("type: 'SmoothL1Loss' smooth_l1_loss_param { sigma: 0 }", [A, A])
